"""What the index lists: real answers that were recorded, and made-up ones."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleet.releases.discovery.release_cycle import Cycle, cycles_in
from fleet.releases.pypi.index import Release, releases_in
from fleet.releases.pypi.pypi import File, files_in
from tests.fleet.releases.outside import file

_DATA = Path(__file__).parent / "data"


def answer(name: str) -> Any:
    """Return what was answered in November 2026, cut down.

    The release cycle is what python/peps published in August 2026, without its people.
    """
    return json.loads((_DATA / f"{name}.json").read_text())


def recorded_files(package: str) -> tuple[File, ...]:
    return files_in(answer(package))


def recorded_releases(package: str) -> Mapping[str, Release]:
    return releases_in(package, recorded_files(package))


def recorded_cycles() -> Mapping[str, Cycle]:
    return cycles_in(answer("release-cycle"))


def made_up(package: str, *versions: str, requires: str = "", yanked: bool = False) -> list[File]:
    """A wheel and an sdist of each of ``versions``."""
    return [
        replace(file(f"{package}=={version}", ending), requires_python=requires, yanked=yanked)
        for version in versions
        for ending in ("py3-none-any.whl", "tar.gz")
    ]


def listed(*files: list[File], package: str = "uvicorn") -> Mapping[str, Release]:
    return releases_in(package, [one for some in files for one in some])
