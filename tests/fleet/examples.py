"""Examples that break no rule, so that each test breaks exactly one thing."""

import hashlib
import re
from dataclasses import replace
from typing import Any, get_args

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import Problem, Problems
from fleet.declaration.tags import PointerKind, pointer_pattern
from fleet.lock.model import Base, Lock, bare
from fleet.plan.lock_completeness import note_missing
from fleet.plan.plan_inputs import Assets, Inputs

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
INDEX_DIGEST = "sha256:" + "c" * 64
INSTALLER = "installer==0.7.0"
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


def is_pointer(text: str) -> bool:
    """Tell whether ``text`` has the form of a pointer of any kind."""
    return any(re.fullmatch(pointer_pattern(kind), text) for kind in get_args(PointerKind))


def declaration(**image_overrides: Any) -> Declaration:
    """The declaration of one image named ``web``."""
    return parse(config(images={"web": image(**image_overrides)}))


def base(
    digest: str = DIGEST,
    name: str = "docker.io/library/python:3.11-slim",
    index: str = INDEX_DIGEST,
) -> Base:
    """A locked base with one digest for every platform, and one for the ``index`` of these."""
    return Base(
        name=name,
        repository=name.rpartition(":")[0],
        digest=index,
        platforms=dict.fromkeys(PLATFORMS, digest),
    )


def wheel(pin: str, ending: str = "py3-none-any.whl") -> str:
    """The address of a wheel of ``pin``, with a hash that goes with it."""
    name, _, version = pin.partition("==")
    file = f"{name.replace('-', '_')}-{version}-{ending}"
    return f"https://files.example/{file}#sha256={hashlib.sha256(file.encode()).hexdigest()}"


def lock(declared: Declaration, **overrides: Any) -> Lock:
    """A lock that covers every image of ``declared``, each pin by a wheel for every platform."""
    values: dict[str, Any] = {
        "bases": {f"{p}-{b}": base() for i in declared.images for p in i.pythons for b in i.bases},
        "builders": {p: base() for i in declared.images for p in i.pythons},
        "asked": {i.name: (i.requirement, *i.requires) for i in declared.images},
        "pins": {
            (i.name, python, version): ("gunicorn==23.0.0", f"uvicorn=={version}")
            for i in declared.images
            for python in i.pythons
            for version in i.versions
        },
        "installer": INSTALLER,
        **overrides,
    }
    return covering(Lock(**values))


def covering(held: Lock) -> Lock:
    """``held`` with a wheel for every platform of each pin of which it has no file."""
    sets = (*held.pins.values(), *(tools.pins for tools in held.tools.values()))
    pins = {held.installer, *(bare(pin) for pins in sets for pin in pins)} - {""}
    return replace(held, files={**{pin: (wheel(pin),) for pin in sorted(pins)}, **held.files})


def assets(**overrides: Any) -> Assets:
    """Asset folders as a clean checkout has them."""
    values: dict[str, Any] = {
        "context": "assets/web/image",
        "verification": "assets/web/verify",
        "dockerfile": "assets/shared/image/Dockerfile",
        "verification_dockerfile": "assets/shared/verify/Dockerfile",
        "shared_context": "assets/shared/image",
        "shared_verification": "assets/shared/verify",
        "files": {"Dockerfile": DIGEST, "start.sh": DIGEST},
        "compiling": {"shared/compiling/compile.py": DIGEST},
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


def gaps(declared: Declaration, held: Lock) -> list[Problem]:
    """Return what ``held`` does not cover of ``declared``."""
    problems = Problems()
    given = inputs(declared, lock=held)
    for one in declared.images:
        note_missing(one, declared.by_name, given, problems)
    return problems.found
