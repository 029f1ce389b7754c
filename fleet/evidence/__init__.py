"""Signed statements about images: in-toto, DSSE and Sigstore bundles. Knows nothing of a fleet."""
