"""What PyPI and registries would say, and what they were asked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fleet.advisories.door import Door
from fleet.declaration.distributions import conditions, normalised
from fleet.lock.model import Base, Lock, bare, name_of
from fleet.releases.lock.requirements import ExtraError, Resolution, Wanted
from fleet.releases.lock.uv import ResolutionError
from fleet.releases.pypi.index import cooldown_of
from fleet.releases.pypi.pypi import File, files_in
from fleet.releases.sources import Digests, Sources
from fleet.sbom.base_moves import NO_MOVES, BaseMoves, MovedBase
from fleet.sbom.model import Contents, Package, System
from tests.fleet.examples import DIGEST, INDEX_DIGEST, INSTALLER, PLATFORMS

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NO_COOLDOWN = cooldown_of(0, LONG_AGO)

_DATA = Path(__file__).parent / "data"


@cache
def recorded() -> Mapping[str, tuple[File, ...]]:
    """Files of real releases as PyPI listed them in November 2026, each list cut down."""
    answers = json.loads((_DATA / "files.json").read_text())
    return {name: files_in(answer) for name, answer in answers.items()}


def digest(text: str) -> str:
    """A hash that goes with ``text``."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def file(pin: str, ending: str = "py3-none-any.whl") -> File:
    """A file of the release ``pin``."""
    name, _, version = pin.partition("==")
    joint = "." if ending.startswith("tar") else "-"
    path = f"{name.replace('-', '_')}-{version}{joint}{ending}"
    return File(
        name=path, url=f"https://files.example/{path}", sha256=digest(path), requires_python="",
        yanked=False, uploaded=LONG_AGO,
    )  # fmt: skip


@dataclass
class Outside:
    """An index on which every distribution has version ``newest`` and a pure wheel.

    Where a condition keeps that out, ``older`` is taken, or else nothing fits.
    ``brings`` are pins that come along with a distribution, ``sdist_only`` distributions that have
    no wheel, each with what builds it, ``wheels`` by distribution the endings of its files where
    these are others. ``withdrawn`` are yanked versions of everything, ``gone``
    yanked pins. ``unsolvable`` is a requirement that nothing satisfies,
    ``no_extra`` one with an extra that is not there.
    """

    newest: str = "9.0.0"
    older: str = "8.0.0"
    digest: str = DIGEST
    index: str = INDEX_DIGEST
    platforms: tuple[str, ...] = PLATFORMS
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    brings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sdist_only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wheels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsolvable: str = ""
    no_extra: str = ""
    withdrawn: tuple[str, ...] = ("0.1.0",)
    gone: tuple[str, ...] = ()
    inside: BaseMoves = NO_MOVES
    moved: list[MovedBase] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    packages: tuple[Package, ...] = ()
    door: Door = field(default_factory=Door)
    known: set[str] = field(default_factory=lambda: {INSTALLER})

    def sources(self) -> Sources:
        return Sources(
            distributions=self.distributions,
            yanked=self.yanked,
            files=self.files,
            build_requires=lambda file: self.sdist_only[normalised(file.name.partition("-")[0])],
            platforms=self.base,
            base_contents=self.contents,
            moves=self.moves,
            stand_ins=self.stand_ins,
            say=self.said.append,
            note=self.noted.append,
            cooldown=NO_COOLDOWN,
            door=self.door,
        )

    def list(self, lock: Lock) -> None:
        """List all that ``lock`` holds."""
        sets = (*lock.pins.values(), *(tools.pins for tools in lock.tools.values()))
        self.known |= {bare(pin) for pins in sets for pin in pins}

    def distributions(self, wanted: Wanted) -> Resolution:
        self.wanted.append(wanted)
        self.asked.append(f"{' '.join(wanted.requirements)} on {wanted.python}")
        if self.unsolvable in wanted.requirements:
            raise ResolutionError(f"{self.unsolvable} does not fit")
        if self.no_extra in wanted.requirements:
            raise ExtraError(f"{self.no_extra} has no such extra")
        kept = {bare(pin).partition("==")[0]: pin for pin in (*wanted.near, *wanted.within)}
        apart = {text.replace("!=", "==") for text in wanted.apart}
        bound, held = {name_of(pin) for pin in wanted.within}, {*map(bare, wanted.within)}
        pins = set()
        for one in wanted.requirements:
            ((name, condition),) = conditions((one,)).items()
            exact = [f"{name}=={clause.version}" for clause in condition if clause.operator == "=="]
            others = (f"{name}=={self.newest}", f"{name}=={self.older}")
            offers = filter(None, (*exact, kept.get(name), *(() if name in bound else others)))
            fit = (pin for pin in offers if condition.contains(bare(pin).partition("==")[2]))
            fit = (pin for pin in fit if bare(pin) not in apart)
            fit = (pin for pin in fit if name not in bound or bare(pin) in held)
            if not (pin := next(fit, "")):
                raise ResolutionError(f"{one} does not fit")
            pins.add(pin)
            pins.update(kept.get(p.partition("==")[0], p) for p in self.brings.get(name, ()))
        self.known |= {bare(pin) for pin in pins}
        hashes = {bare(pin): tuple(f.sha256 for f in self.release(bare(pin))) for pin in pins}
        return Resolution(pins=tuple(sorted(pins)), hashes=hashes)

    def release(self, pin: str) -> tuple[File, ...]:
        """The files of ``pin``."""
        name = pin.partition("==")[0]
        endings = ("tar.gz",) if name in self.sdist_only else ("py3-none-any.whl",)
        return tuple(file(pin, ending) for ending in self.wheels.get(name, endings))

    def yanked(self, package: str) -> tuple[str, ...]:
        self.asked.append(f"yanked {package}")
        gone = (pin.partition("==") for pin in self.gone)
        return (*self.withdrawn, *(version for name, _, version in gone if name == package))

    def files(self, distribution: str) -> tuple[File, ...]:
        self.asked.append(f"files {distribution}")
        mine = sorted(pin for pin in self.known if pin.startswith(f"{distribution}=="))
        return tuple(one for pin in mine for one in self.release(pin))

    def contents(self, bases: Mapping[str, tuple[Base, str]]) -> Mapping[str, Contents]:
        self.asked += [f"packages of {base.name} on {where}" for base, where in bases.values()]
        return {
            key: Contents(
                digest=base.platforms[platform], platform=platform, created="", labels={},
                system=System(name="debian", version="13"), packages=self.packages,
            )
            for key, (base, platform) in bases.items()
        }  # fmt: skip

    def moves(self, bases: Sequence[MovedBase]) -> BaseMoves:
        self.moved += bases
        return self.inside

    def base(self, reference: str) -> Digests:
        self.asked.append(reference)
        return Digests(index=self.index, platforms=dict.fromkeys(self.platforms, self.digest))
