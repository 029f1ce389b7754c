"""A registry client of the OCI distribution specification. Knows nothing of the fleet."""
