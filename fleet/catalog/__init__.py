"""The catalog: a static site of what a fleet publishes, rendered from data. Pure."""
