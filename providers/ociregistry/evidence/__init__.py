"""The evidence of a version tag: signed statements about what it shall name."""
