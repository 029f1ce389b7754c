"""What is locked: pins, files and bases by their digests, and the form of the lock file. Pure."""
