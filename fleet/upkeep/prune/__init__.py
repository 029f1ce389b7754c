"""Removal of superseded digests."""
