"""What compiles an image's distributions: which have no wheel where, and their build backends."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.requirements import Requirement

from fleet.console import TroubleError
from fleet.declaration.distributions import normalised
from fleet.declaration.model import Image
from fleet.lock.model import Needs, ToolKey, Tools, name_of
from fleet.plan.installed import NO_TOOLS, backends_on, target_of
from fleet.releases.lock.locked_files import LockedFiles
from fleet.releases.lock.requirements import Resolution, ResolutionError, Wanted
from fleet.releases.pypi.sdists import ENDINGS, SdistError

_RUST = frozenset({"maturin", "setuptools-rust"})
_ROUNDS = 10  # what builds what builds …: three were the most that was seen


class ToolError(TroubleError):
    """Something has no wheel on a platform, and can't be compiled there either.

    ``problems`` are those of each image and Python; one of several Pythons is told once.
    """

    def __init__(self, problems: Mapping[ToolKey, tuple[str, ...]]) -> None:
        self.problems = problems
        super().__init__("\n".join(_told(problems)))


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
    """What ``image`` installs on ``python``, and what compiles some of it by the lock that is held.

    What builds keeps near to the pins that are ``held``; where it ``moves``, those that were yanked
    do. No cooldown holds back those in ``allowed``.
    """

    image: Image
    python: str
    needs: Needs
    held: Tools = NO_TOOLS
    moves: bool = False
    allowed: tuple[str, ...] = ()


def tools_of(tasks: Iterable[Task], files: LockedFiles) -> dict[ToolKey, Tools]:
    """Return the tools of each task that compiles something; ``files`` name what has a wheel.

    :raises ToolError: with what can be neither had nor compiled, of all tasks.
    :raises ResolutionError: when the build backends do not fit together.
    """
    tools: dict[ToolKey, Tools] = {}
    failed: dict[ToolKey, tuple[str, ...]] = {}
    for task in tasks:
        key = (task.image.name, task.python)
        try:
            found = tools_for(task, files)
        except ToolError as error:
            failed.update(error.problems)
        else:
            if found.compiled:
                tools[key] = found
    if failed:
        raise ToolError(failed)
    return tools


def tools_for(task: Task, files: LockedFiles) -> Tools:
    """Return what compiles what ``task`` needs and has no wheel; ``files`` name what has one.

    What is compiled already is compiled further, and where everything is held nobody is asked.

    :raises ToolError: with everything that can be neither had nor compiled.
    :raises ResolutionError: when the build backends do not fit together.
    """
    lacking = _lacking(task, files)
    tools = NO_TOOLS
    if lacking:
        moves = task.moves and any(map(files.sources.is_yanked, task.held.pins))
        settled = not moves and _is_settled(task, lacking, files)
        tools = task.held if settled else _Search(task=task, files=files).backends(lacking)
    for target, pins in task.needs.items():
        compiled = tools.compiled.get(target, ())
        backends = backends_on(tools, task.python, target) if compiled else ()
        files.name((pin for pin in (*pins, *backends) if pin not in compiled), task.python, target)
    return tools


def _lacking(task: Task, files: LockedFiles) -> dict[str, frozenset[str]]:
    """Return by target what has no wheel there, or is compiled there by what is held."""
    python, held = task.python, task.held.compiled
    compiled = {t: frozenset(held.get(t, ())).intersection(pins) for t, pins in task.needs.items()}
    rest = {t: [pin for pin in pins if pin not in compiled[t]] for t, pins in task.needs.items()}
    if not all(files.is_held(pin, python, t) for t, pins in rest.items() for pin in pins):
        files.sources.say(f"looking for the files of {task.image.name} on Python {python}")
    found = {
        target: compiled[target].union(p for p in pins if not files.wheel(p, python, target))
        for target, pins in rest.items()
    }
    return {target: pins for target, pins in found.items() if pins}


def _is_settled(task: Task, lacking: Mapping[str, frozenset[str]], files: LockedFiles) -> bool:
    """Tell whether what is held compiles just what is ``lacking``, and its backends can be had."""
    held = task.held
    if lacking.keys() != held.compiled.keys():
        return False
    for target, pins in lacking.items():
        known = frozenset(held.compiled[target])
        backends = frozenset(backends_on(held, task.python, target))
        if not pins <= known <= pins | backends:
            return False
        if not all(files.wheel(pin, task.python, target) for pin in sorted(backends - known)):
            return False
    return True


@dataclass(kw_only=True)
class _Search:
    task: Task
    files: LockedFiles
    sdists: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def backends(self, compiled: Mapping[str, frozenset[str]]) -> Tools:
        """Return what compiles ``compiled``, with the backends that have no wheel themselves."""
        self.files.sources.say(f"looking for what compiles in {self._place}")
        missing = dict(compiled)
        for _ in range(_ROUNDS):
            found = self._resolve(self._requires(missing))
            self.files.hashes.update(found.hashes)
            tools = Tools(
                pins=found.pins,
                compiled={target: tuple(sorted(pins)) for target, pins in missing.items()},
                sources={pin: self.sdists[pin] for pins in missing.values() for pin in pins},
            )
            more = {t: pins | self._without_wheel(tools, t) for t, pins in missing.items()}
            if more == missing:
                return tools
            missing = more
        raise self._error("what builds what is compiled never comes to an end")

    def _error(self, *problems: str) -> ToolError:
        return ToolError({(self.task.image.name, self.task.python): problems})

    @property
    def _place(self) -> str:
        return f"{self.task.image.name} on Python {self.task.python}"

    def _without_wheel(self, tools: Tools, target: str) -> frozenset[str]:
        python = self.task.python
        pins = backends_on(tools, python, target)
        return frozenset(pin for pin in pins if not self.files.wheel(pin, python, target))

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
        sdist = next((file for file in self.files.listed(pin) if file.name.endswith(ENDINGS)), None)
        if sdist is None:
            self._note(pin, targets, "has no wheel there, and no source distribution")
            return ()
        self.sdists[pin] = sdist.address
        try:
            requires = self.files.sources.build_requires(sdist)
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
            return Resolution(pins=(), hashes={})
        task, sources = self.task, self.files.sources
        # Other backends would have every version compiled again. Where none were held, what is
        # compiled with greenlet runs with the same.
        own = sorted({pin for entry in task.needs.values() for pin in entry})
        near = {name_of(pin): pin for pin in (*own, *sources.unyanked(task.held.pins))}
        wanted = Wanted(
            requirements=requires,
            python=task.python,
            near=tuple(near.values()),
            upstream=True,
            allowed=task.allowed,
            from_source=task.image.from_source,
        )
        try:
            return sources.distributions(wanted)
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
