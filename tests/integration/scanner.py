"""Bills of materials as others read them, and a scanner that makes its own: syft."""

import json
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.utils import canonicalize_name

COMPARED = frozenset({"deb", "apk", "pypi"})
"""The types of packages that both find: syft also lists files, and programs that it knows."""
NOTES = "elf-binary-package-cataloger"
"""What finds source packages by notes in libraries: they are not installed, and have no record."""


class Bill:
    """A CycloneDX document."""

    def __init__(self, text: str) -> None:
        self._document = json.loads(text)

    @property
    def digest(self) -> str:
        """The digest that it is about."""
        return str(self._document["metadata"]["component"]["bom-ref"])

    @property
    def platform(self) -> str:
        """The platform that it is about."""
        (found,) = self._document["metadata"]["component"]["properties"]
        return str(found["value"])

    @cached_property
    def packages(self) -> set[tuple[str, str, str]]:
        """The packages of compared types: type, name and version, by their package URLs."""
        return {each for each in self._all() if each[0] in COMPARED}

    def of_kind(self, kind: str) -> set[str]:
        """Return the names of the packages of a type."""
        return {name for found, name, _ in self._all() if found == kind}

    def _all(self) -> set[tuple[str, str, str]]:
        found = (each for each in self._document["components"] if each.get("purl"))
        return {_parsed(each["purl"]) for each in found if NOTES not in _properties(each)}


def _properties(component: Mapping[str, Any]) -> set[str]:
    return {str(each["value"]) for each in component.get("properties", [])}


def _parsed(address: str) -> tuple[str, str, str]:
    kind, _, rest = address.removeprefix("pkg:").partition("/")
    path, _, version = rest.partition("?")[0].partition("#")[0].rpartition("@")
    name = unquote(path.rpartition("/")[2])
    return kind, canonicalize_name(name) if kind == "pypi" else name, unquote(version)


class Syft:
    """The scanner's program."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def scan(self, place: str, platform: str, environment: Mapping[str, str]) -> Bill:
        """Return the bill that it makes of an image in a registry."""
        argv = [str(self._program), "scan", f"registry:{place}", "--platform", platform,
                "--output", "cyclonedx-json", "--quiet"]  # fmt: skip
        env = {**environment, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
        done = subprocess.run(argv, env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return Bill(done.stdout)
