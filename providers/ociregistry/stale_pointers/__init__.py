"""The resource `ociregistry:index:StalePointers`."""
