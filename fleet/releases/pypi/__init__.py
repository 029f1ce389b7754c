"""The package index."""
