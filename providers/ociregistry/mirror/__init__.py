"""Mirrors: the names of a repository at another registry."""
