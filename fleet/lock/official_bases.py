"""The official base images: the name that users know them by, and where they are pulled from."""

from typing import Final

LIBRARY: Final = "docker.io/library"
"""Where the official images are, unless ``fleet:base-registry`` names a mirror of it."""

PYTHON: Final = f"{LIBRARY}/python"
"""The official Python images; a full one has no suffix."""


def short(name: str) -> str:
    """Return an official image's ``name`` as people write it, and any other one unchanged."""
    return name.removeprefix(f"{LIBRARY}/")


def is_official(name: str) -> bool:
    """Tell whether the image ``name`` is an official one, so that a mirror may hold it."""
    return name.startswith(f"{LIBRARY}/")


def place_of(name: str, base_registry: str) -> str:
    """Return where the image ``name`` is pulled from; an empty ``base_registry`` is the library."""
    return f"{base_registry}/{short(name)}" if base_registry and is_official(name) else name
