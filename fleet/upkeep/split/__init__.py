"""A stack per image."""
