"""The resource `ociregistry:index:Tag`."""
