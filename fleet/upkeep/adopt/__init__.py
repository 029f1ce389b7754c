"""Adoption of a registry without a state."""
