"""Fixtures that the client's tests share with those of the plugin."""

from tests.providers.ociregistry.conftest import call, declared, engine

__all__ = ["call", "declared", "engine"]
