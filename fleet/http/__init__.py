"""Bounded HTTP for every request of the program; it knows nothing of a fleet."""
