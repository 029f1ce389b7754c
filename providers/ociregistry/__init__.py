"""A Pulumi provider that keeps the names of an OCI registry equal to a declaration."""
