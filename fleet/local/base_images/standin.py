"""A stand-in for one official Python image: root file systems as layers, joined in an index."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.local.base_images import layers
from fleet.local.base_images.layers import Image
from fleet.local.base_images.push import Repository
from fleet.local.base_images.rootfs import Recipe, RootFilesystem
from fleet.local.platforms import NAMES, native

RECIPE_ANNOTATION = "io.github.multi-py.fleet.stand-in"
"""The index annotation with the key of what a stand-in was made from."""

REPOSITORY = "stand-in/python"
"""The repository of all stand-ins."""

_TRUSTED = "etc/ssl/certs/ca-certificates.crt"
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """The stand-in of ``python:{python}[-{base}]`` in the registry at ``host``."""

    host: str
    python: str
    base: str
    platforms: tuple[str, ...]

    @property
    def key(self) -> str:
        """How the bases file names it, such as ``3.11-slim``."""
        return f"{self.python}-{self.base}"

    @property
    def tag(self) -> str:
        """The tag, spelt as the official image's: the full base has no part of its own."""
        return self.python if self.base == "full" else self.key

    @property
    def reference(self) -> str:
        """The reference that it is pushed to."""
        return f"{self.host}/{REPOSITORY}:{self.tag}"

    @property
    def recipes(self) -> dict[str, Recipe]:
        """What to make it from, by platform.

        This machine's own is there in any case: its Python makes what is common to all, and wheels
        are installed on it for every platform.
        """
        own = native()
        return {
            platform: Recipe(
                python=self.python,
                base=self.base,
                architecture=NAMES[platform].debian,
                native=platform == own,
            )
            for platform in dict.fromkeys((*self.platforms, own))
        }

    @property
    def recipe(self) -> str:
        """The SHA-256 of all that it is made from, but for the packages' own versions."""
        keys = {platform: recipe.key for platform, recipe in self.recipes.items()}
        return hashlib.sha256(json.dumps([keys, _config("")]).encode()).hexdigest()[:16]


def push(
    repository: Repository, stand_in: StandIn, made: Mapping[Recipe, RootFilesystem], trusted: Path
) -> None:
    """Push the stand-in: blobs, manifests, and last the tag.

    ``trusted`` is this machine's bundle of authorities: an outgoing proxy that ends TLS is common,
    and what this machine trusts, its builds do.

    :raises TroubleError: when the registry refuses.
    """
    images = images_of(stand_in, made, trusted.read_bytes())
    for image in images:
        for blob in image.blobs:
            repository.push_blob(blob)
        repository.push_manifest(image.manifest, image.manifest.digest)
    index = layers.index(images, {RECIPE_ANNOTATION: stand_in.recipe})
    repository.push_manifest(index, stand_in.tag)


def images_of(
    stand_in: StandIn, made: Mapping[Recipe, RootFilesystem], trusted: bytes
) -> list[Image]:
    """Return the image of each platform: its own layer, the common one, the authorities."""
    native_recipe = next(recipe for recipe in stand_in.recipes.values() if recipe.native)
    common = made[native_recipe].common
    last = layers.layer_of_entry(_TRUSTED, trusted)
    images = []
    for platform, recipe in stand_in.recipes.items():
        own = made[recipe]
        stack = [own.layer, *([common] if common else []), last]
        images.append(layers.image(platform, stack, _config(own.python_version)))
    return images


def _config(version: str) -> dict[str, list[str]]:
    """Return how the official image runs (OCI image specification, config.md)."""
    env = [f"PATH={_PATH}", "LANG=C.UTF-8", f"PYTHON_VERSION={version}"]
    return {"Env": env, "Cmd": ["python3"]}
