"""The ways to remove a tag without its image, by kind of registry."""
