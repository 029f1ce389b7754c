"""What moved in bases, made by hand."""

from collections.abc import Sequence

from fleet.sbom.model import Contents, Package, PackageKind, System
from fleet.sbom.moves import Compared, MovedBase, Reading

DEBIAN = System(name="debian", version="13")


def package(name: str, version: str) -> Package:
    return Package(kind=PackageKind.DEBIAN, name=name, version=version)


def contents(*packages: Package, platform: str = "linux/amd64") -> Contents:
    return Contents(
        digest=f"sha256:{'a' * 64}", platform=platform, created="", labels={}, system=DEBIAN,
        packages=packages,
    )  # fmt: skip


def base(name: str = "python:3.13-slim", platforms: Sequence[str] = ("linux/amd64",)) -> MovedBase:
    before, after = (f"docker.io/library/python@sha256:{letter * 64}" for letter in "ab")
    return MovedBase(
        name=name, before=before, after=after, platforms=tuple(platforms), images=("web", "api")
    )


def reading(*bases: MovedBase, moves: int = 1, name: str = "openssl") -> Reading:
    """Return a reading in which so many packages moved on the first platform of each base."""
    names = [name, *(f"{name}{n}" for n in range(1, moves))]
    old, new = (contents(*(package(each, f"3.0.1{end}") for each in names)) for end in ("5", "6"))
    compared = [
        Compared(
            base=each, platform=each.platforms[0], before=old, after=new,
            sizes=(41_200_000, 41_300_000),
        )
        for each in bases
    ]  # fmt: skip
    return Reading(compared=tuple(compared), size=82_500_000)
