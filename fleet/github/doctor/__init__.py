"""What a person must give a fleet once: looked at and explained, never written."""
