"""Edits of stack files that keep comments."""
