"""The Pulumi edge: one component a file, made from a plan's data."""
