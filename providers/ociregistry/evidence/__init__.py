"""The resource `Evidence`: signed statements about what a version tag shall name."""
