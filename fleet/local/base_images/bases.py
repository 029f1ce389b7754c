"""Stand-ins for the official Python images, made where docker.io can't be reached."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from fleet.console import TroubleError, say, timed
from fleet.http.probe import is_reachable
from fleet.local import certificates
from fleet.local.base_images import rootfs
from fleet.local.base_images.push import Repository
from fleet.local.base_images.rootfs import PACKAGES, SUITES, Recipe, RootFilesystem
from fleet.local.base_images.standin import RECIPE_ANNOTATION, REPOSITORY, StandIn, push
from fleet.local.paths import Checkout
from fleet.local.requirements import Needs

_HUB = "registry-1.docker.io"
_HEADER = """\
# Base images made here because docker.io could not be reached; what is not named is the official
# image. Kept so that the bases do not change with the weather: remove this file to decide again.
"""


def wanted(checkout: Checkout, needs: Needs) -> list[StandIn]:
    """Return the stand-ins that ``needs`` call for: none where docker.io can be reached.

    What was decided before holds, so that an outage does not change the bases of everything.

    :raises TroubleError: for a base that Debian has no packages for.
    """
    if not needs.stand_ins:
        return []
    decided = _decided(checkout)
    official = _hub_is_reachable() if decided is None else not decided
    if official:
        return []
    for python, base in needs.bases:
        if python not in SUITES or base not in PACKAGES:
            raise TroubleError(_impossible(python, base, needs.stack))
    return [
        StandIn(host=needs.host, python=python, base=base, platforms=needs.platforms)
        for python, base in needs.bases
    ]


def ensure(checkout: Checkout, needs: Needs, stand_ins: Sequence[StandIn]) -> None:
    """Have every one of ``stand_ins`` in the registry, and name them in the bases file.

    :raises TroubleError: when the packages can't be had, or the registry refuses.
    """
    if needs.port is None or not needs.stand_ins:
        return
    if stand_ins:
        with Repository.open(checkout, needs.port, REPOSITORY) as repository:
            missing = [s for s in stand_ins if not _is_there(repository, s)]
            if missing:
                _make(checkout, repository, missing)
    _decide(checkout, {s.key: s.reference for s in stand_ins})


def _make(checkout: Checkout, repository: Repository, stand_ins: Sequence[StandIn]) -> None:
    trusted = certificates.system_bundle(checkout)
    if trusted is None:
        text = "no bundle of trusted authorities was found. Install the package ca-certificates."
        raise TroubleError(text)
    say(f"bases: {_HUB} can't be reached; standing in with Debian's Python")
    made = _root_filesystems(checkout, stand_ins, trusted)
    for stand_in in stand_ins:
        push(repository, stand_in, made, trusted)
        say(f"bases: {stand_in.reference}")


def _impossible(python: str, base: str, stack: str) -> str:
    return (
        f"Pulumi.{stack}.yaml, fleet:images: docker.io can't be reached, and a stand-in for Python "
        f"{python} ({base}) can't be made. Declare Python {' or '.join(SUITES)} with the base "
        f"{' or '.join(PACKAGES)}, or give this machine access to {_HUB}."
    )


def _hub_is_reachable() -> bool:
    return is_reachable(f"https://{_HUB}/v2/")


def _decided(checkout: Checkout) -> dict[str, str] | None:
    """Return what an earlier run decided, or ``None`` when none did."""
    try:
        return dict(yaml.safe_load(checkout.bases_file.read_text()) or {})
    except (OSError, ValueError, TypeError, yaml.YAMLError):
        return None


def _decide(checkout: Checkout, references: dict[str, str]) -> None:
    text = _HEADER + yaml.safe_dump(references)
    path = checkout.bases_file
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _is_there(repository: Repository, stand_in: StandIn) -> bool:
    """Tell whether the registry has the stand-in by its present recipe, for all its platforms."""
    index = repository.index(stand_in.tag)
    found = {_platform(entry.get("platform", {})) for entry in index.get("manifests", [])}
    recipe = index.get("annotations", {}).get(RECIPE_ANNOTATION)
    return recipe == stand_in.recipe and stand_in.recipes.keys() <= found


def _platform(entry: dict[str, str]) -> str:
    parts = (entry.get("os"), entry.get("architecture"), entry.get("variant"))
    return "/".join(part for part in parts if part)


def _root_filesystems(
    checkout: Checkout, stand_ins: Iterable[StandIn], trusted: Path
) -> dict[Recipe, RootFilesystem]:
    recipes = list(dict.fromkeys(r for s in stand_ins for r in s.recipes.values()))
    with (
        timed(f"bases: {len(recipes)} root file systems from Debian packages"),
        ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool,
    ):
        return dict(
            zip(
                recipes,
                pool.map(lambda r: rootfs.ensure(checkout, r, trusted), recipes),
                strict=True,
            )
        )
