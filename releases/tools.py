"""What compiles an image's distributions: which have no wheel where, and their build backends."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement

from fleet.contents import target_of
from fleet.declaration import Image
from fleet.lock import Needs, ToolKey, Tools, bare, holds, name_of, normalised
from releases.pypi import File
from releases.requirements import Resolution, ResolutionError, Wanted
from releases.sdists import ENDINGS, SdistError
from releases.sources import Sources
from releases.wheels import has_wheel

_RUST = frozenset({"maturin", "setuptools-rust"})
_ROUNDS = 10  # what builds what builds …: three were the most that was seen


class ToolError(Exception):
    """Something has no wheel on a platform, and can't be compiled there either.

    ``problems`` are those of each image and Python; one of several Pythons is told once. ``others``
    are told beside them.
    """

    def __init__(
        self, problems: Mapping[ToolKey, tuple[str, ...]], others: Iterable[str] = ()
    ) -> None:
        self.problems = problems
        super().__init__("\n".join((*_told(problems), *others)))


def _told(problems: Mapping[ToolKey, tuple[str, ...]]) -> Iterator[str]:
    pythons: dict[tuple[str, str], list[str]] = {}
    for (image, python), texts in problems.items():
        for text in dict.fromkeys(texts):
            pythons.setdefault((image, text), []).append(python)
    together: dict[tuple[str, str], list[str]] = {}
    for (image, text), on in pythons.items():
        together.setdefault((image, ", ".join(on)), []).append(text)
    for (image, where), alike in together.items():
        listed = "".join(f"\n  - {text}" for text in alike)
        yield f"{image} on Python {where} can't be built:{listed}"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What ``image`` installs on ``python``, and the locked ``hashes``: pip takes no other file.

    What builds it keeps near to the pins in ``near``. No cooldown holds back those in ``allowed``,
    which the lock held.
    """

    image: Image
    python: str
    needs: Needs
    hashes: Mapping[str, tuple[str, ...]]
    near: tuple[str, ...]
    allowed: tuple[str, ...] = ()


def tools_for(task: Task, sources: Sources) -> tuple[Tools, Resolution]:
    """Return what compiles what ``task`` needs, and the resolution of its pins for their hashes.

    :raises ToolError: with everything that can be neither had nor compiled.
    :raises ResolutionError: when the build backends do not fit together.
    """
    search = _Search(task=task, sources=sources, hashes=dict(task.hashes))
    needs = task.needs
    lacking = {t: [pin for pin in pins if not search.wheel(pin, t)] for t, pins in needs.items()}
    compiled = {target: set(pins) for target, pins in lacking.items() if pins}
    found = _NOTHING
    if compiled:
        compiled, found = search.backends(compiled)
    tools = Tools(
        pins=found.pins,
        compiled={target: tuple(sorted(pins)) for target, pins in compiled.items()},
        sources={pin: search.sdists[pin] for pins in compiled.values() for pin in pins},
        looked_at=needs,
    )
    return tools, found


_NOTHING = Resolution(pins=(), hashes={})


def _near(task: Task) -> tuple[str, ...]:
    """Return the pins to which backends keep.

    Others would have every version compiled again. Where none were held, what is compiled with
    greenlet runs with the same.
    """
    own = sorted({pin for entry in task.needs.values() for pin in entry})
    return tuple({name_of(pin): pin for pin in (*own, *task.near)}.values())


@dataclass(kw_only=True)
class _Search:
    task: Task
    sources: Sources
    hashes: dict[str, tuple[str, ...]]
    sdists: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def wheel(self, pin: str, target: str) -> bool:
        platform, _, libc = target.rpartition(" ")
        return has_wheel(self._files(pin), self.task.python, platform, libc)

    def backends(self, compiled: Mapping[str, set[str]]) -> tuple[dict[str, set[str]], Resolution]:
        """Return ``compiled`` with the backends that have no wheel themselves, and all backends."""
        missing = dict(compiled)
        for _ in range(_ROUNDS):
            requires = self._requires(missing)
            found = self._resolve(requires)
            self.hashes.update(found.hashes)
            more = {t: pins | self._without_wheel(found, t) for t, pins in missing.items()}
            if more == missing:
                return missing, found
            missing = more
        raise self._error("what builds what is compiled never comes to an end")

    def _error(self, *problems: str) -> ToolError:
        return ToolError({(self.task.image.name, self.task.python): problems})

    @property
    def _place(self) -> str:
        return f"{self.task.image.name} on Python {self.task.python}"

    def _files(self, pin: str) -> list[File]:
        locked = self.hashes[pin]
        return [file for file in self.sources.files(name_of(pin)) if file.sha256 in locked]

    def _without_wheel(self, found: Resolution, target: str) -> set[str]:
        platform = target.rpartition(" ")[0]
        held = (bare(pin) for pin in found.pins if holds(pin, self.task.python, platform))
        return {pin for pin in held if not self.wheel(pin, target)}

    def _requires(self, missing: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
        """Return what builds everything in ``missing``; what can't be built is told at once."""
        targets: dict[str, list[str]] = {}
        for target, pins in missing.items():
            for pin in pins:
                targets.setdefault(pin, []).append(target)
        found = {text for pin in sorted(targets) for text in self._builds(pin, targets[pin])}
        if self.problems:
            raise self._error(*self.problems)
        return tuple(sorted(found))

    def _builds(self, pin: str, targets: list[str]) -> tuple[str, ...]:
        sdist = next((file for file in self._files(pin) if file.name.endswith(ENDINGS)), None)
        if sdist is None:
            self._note(pin, targets, "has no wheel there, and no source distribution")
            return ()
        self.sdists[pin] = f"{sdist.url}#{sdist.sha256.replace(':', '=')}"
        try:
            requires = self.sources.build_requires(sdist)
        except SdistError as error:
            self._note(pin, targets, f"has no wheel there, and can't be compiled: {error}")
            return ()
        rust = sorted({normalised(Requirement(text).name) for text in requires} & _RUST)
        if rust:
            why = f"has no wheel there, and {rust[0]} builds it with Rust, which no builder has"
            self._note(pin, targets, why)
        return requires

    def _note(self, pin: str, targets: list[str], what: str) -> None:
        image = self.task.image
        at = ", ".join(f"fleet:images.{image.name}.lacks.{key}" for key in _keys(image, targets))
        remedy = f"Declare it in {at}, or leave out what that names"
        self.problems.append(f"{pin} for {', '.join(sorted(targets))}: {what}. {remedy}")

    def _resolve(self, requires: tuple[str, ...]) -> Resolution:
        if not requires:  # a backend that comes in the source itself
            return _NOTHING
        try:
            near = _near(self.task)
            wanted = Wanted(
                requirements=requires,
                python=self.task.python,
                near=near,
                upstream=True,
                allowed=self.task.allowed,
                from_source=self.task.image.from_source,
            )
            return self.sources.distributions(wanted)
        except ResolutionError as error:
            asked = ", ".join(requires)
            raise ResolutionError(
                f"{self._place}: what compiles its distributions ({asked}) does not fit: {error}"
            ) from None


def _keys(image: Image, targets: Iterable[str]) -> Iterator[str]:
    """Yield the keys of ``lacks`` that are ``targets``, and no base that has what these lack."""
    known = set(targets)
    for platform in sorted({target.rpartition(" ")[0] for target in known}):
        bases = [base for base in image.bases if target_of(platform, base) in known]
        whole = len(bases) == len(image.bases)
        yield from [platform] if whole else [f"{platform} {base}" for base in bases]
