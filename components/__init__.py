"""The Pulumi edge: one component per file, made from a plan's data."""
