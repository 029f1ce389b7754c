"""Signatures without a key of one's own: GitHub's tokens, Fulcio, Rekor and timestamps."""
