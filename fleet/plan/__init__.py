"""What shall be: builds, tags and pointers, from a declaration and its lock. Pure."""
