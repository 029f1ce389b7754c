"""Examples that break no rule, so that each test breaks exactly one thing."""

from dataclasses import replace
from typing import Any

from fleet.declaration import Declaration
from fleet.inputs import Assets, Inputs
from fleet.lock import Base, Lock, Tools
from fleet.needs import has_all_pins, needs_of
from fleet.parse import parse

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
PLATFORMS = ("linux/amd64", "linux/arm/v7")


def image(**overrides: Any) -> dict[str, Any]:
    """One image as a stack's configuration declares it."""
    return {
        "title": "Web server",
        "maintainer": "multi-py",
        "source": "https://github.com/multi-py/web",
        "package": "uvicorn",
        "requires": ["gunicorn"],
        "pythons": ["3.11"],
        "versions": ["0.33.0", "0.34.0"],
        "bases": ["slim"],
        "platforms": list(PLATFORMS),
        "pointers": {"LATEST": "remove", "X.Y": "keep", "X": "keep"},
        **overrides,
    }


def config(**overrides: Any) -> dict[str, Any]:
    """A whole stack's configuration, with one image named ``web``."""
    return {
        "registry": "localhost:5443/multi-py",
        "builders": dict.fromkeys(PLATFORMS, "fleet"),
        "images": {"web": image()},
        **overrides,
    }


def declaration(**image_overrides: Any) -> Declaration:
    """The declaration of one image named ``web``."""
    return parse(config(images={"web": image(**image_overrides)}))


def base(digest: str = DIGEST, name: str = "docker.io/library/python:3.11-slim") -> Base:
    """A locked base with one digest for every platform."""
    return Base(
        name=name,
        repository=name.rpartition(":")[0],
        platforms=dict.fromkeys(PLATFORMS, digest),
    )


def lock(declared: Declaration, **overrides: Any) -> Lock:
    """A lock that covers every image of ``declared``."""
    pins = {
        (i.name, python, version): ("gunicorn==23.0.0", f"uvicorn=={version}")
        for i in declared.images
        for python in i.pythons
        for version in i.versions
    }
    values: dict[str, Any] = {
        "bases": {f"{p}-{b}": base() for i in declared.images for p in i.pythons for b in i.bases},
        "builders": {p: base() for i in declared.images for p in i.pythons},
        "tools": {
            (i.name, p): Tools(pins=(), compiled={}) for i in declared.images for p in i.pythons
        },
        "asked": {i.name: (i.requirement, *i.requires) for i in declared.images},
        "pins": pins,
        "hashes": {pin: (DIGEST,) for entry in pins.values() for pin in entry},
        **overrides,
    }
    return covering(Lock(**values), declared)


def covering(held: Lock, declared: Declaration) -> Lock:
    """``held``, whose tools were looked for in all that ``declared`` has pins for there."""
    images = declared.by_name
    tools = {
        (name, python): replace(
            entry,
            looked_at=needs_of(images[name], python, images, held),
            pure=images[name].pure,
        )
        if name in images and has_all_pins(images[name], python, images, held)
        else entry
        for (name, python), entry in held.tools.items()
    }
    return replace(held, tools=tools)


def assets(**overrides: Any) -> Assets:
    """Asset folders as a clean checkout has them."""
    values: dict[str, Any] = {
        "context": "assets/web/image",
        "verification": "assets/web/verify",
        "shared_context": "assets/shared/image",
        "shared_verification": "assets/shared/verify",
        "files": {"Dockerfile": DIGEST, "start.sh": DIGEST},
        "context_hash": DIGEST,
        "verification_hash": DIGEST,
        "revision": "0" * 40,
        "epoch": 1_700_000_000,
        **overrides,
    }
    return Assets(**values)


def inputs(declared: Declaration, **overrides: Any) -> Inputs:
    """Inputs that cover ``declared``."""
    values: dict[str, Any] = {
        "lock": lock(declared),
        "assets": {i.name: assets() for i in declared.images},
        "stack": "dev",
        **overrides,
    }
    return Inputs(**values)
