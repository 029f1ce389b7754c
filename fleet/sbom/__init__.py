"""Bills of materials: what an image in a registry consists of, as CycloneDX."""
