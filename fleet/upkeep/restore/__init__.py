"""Removed tags, put back."""
