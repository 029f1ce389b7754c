"""Locks: requirements resolved, files and bases pinned."""
