"""What moved in bases, made by hand."""

from collections.abc import Sequence

from fleet.sbom.base_moves import BaseMoves, MovedBase
from fleet.sbom.changes import changes
from fleet.sbom.model import Contents, Package, PackageKind, System
from fleet.sbom.moves import Compared, base_move

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


def moves_of(*bases: MovedBase, moves: int = 1, name: str = "openssl") -> BaseMoves:
    """Return moves of so many packages on the first platform of each base."""
    names = [name, *(f"{name}{n}" for n in range(1, moves))]
    old, new = (contents(*(package(each, f"3.0.1{end}") for each in names)) for end in ("5", "6"))

    def compared(base: MovedBase) -> Compared:
        return Compared(
            platform=base.platforms[0], moves=changes(old, new), before=41_200_000, after=41_300_000
        )

    return BaseMoves(
        bases=tuple(base_move(b, [compared(b)]) for b in sorted(bases, key=lambda b: b.name)),
        read="for this, 82.5 MB of layers were read (the limit is 1.0 GB and 5 min)",
    )
