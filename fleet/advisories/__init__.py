"""Advisories: what is known to be wrong with a version of a package, and which one fixes it."""
