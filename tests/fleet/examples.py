"""Examples that break no rule, so that each test breaks exactly one thing."""

from collections.abc import Iterable
from typing import Any

from fleet.declaration import Declaration
from fleet.inputs import Assets, Inputs
from fleet.lock import Base, Lock, Tools, bare
from fleet.parse import parse

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
PLATFORMS = ("linux/amd64", "linux/arm/v7")
INSTALLER = "installer==0.7.0"


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
    """A locked base with one digest for its index and every platform."""
    return Base(
        name=name,
        repository=name.rpartition(":")[0],
        digest=digest,
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
        "installer": INSTALLER,
        **overrides,
    }
    backends = [tools.pins for tools in values["tools"].values()]
    every = (pin for entry in (*values["pins"].values(), *backends) for pin in entry)
    return Lock(**{"files": files([INSTALLER, *every]), **values})


def files(pins: Iterable[str], digest: str = DIGEST) -> dict[str, tuple[str, ...]]:
    """A pure wheel of each of ``pins``, with one digest for all."""
    return {bare(pin): (wheel(bare(pin), digest),) for pin in pins}


def wheel(pin: str, digest: str = DIGEST, tags: str = "py3-none-any") -> str:
    """The address of a wheel, with its hash behind it."""
    name, _, version = pin.partition("==")
    file = f"{name.replace('-', '_')}-{version}-{tags}.whl"
    return f"https://files.test/{file}#sha256={digest.removeprefix('sha256:')}"


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
