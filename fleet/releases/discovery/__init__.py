"""New releases: which versions and Pythons a declaration follows."""
