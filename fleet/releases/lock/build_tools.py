"""What compiles an image's distributions: which have no wheel where, and their build backends."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement

from fleet.console import TroubleError
from fleet.declaration.distributions import normalised
from fleet.declaration.grouping import grouped
from fleet.declaration.model import Image
from fleet.lock.model import Needs, ToolKey, Tools, name_of
from fleet.plan.installed import NO_TOOLS, backends_on, target_of
from fleet.releases.lock.locked_files import LockedFiles
from fleet.releases.lock.requirements import Resolution, Wanted
from fleet.releases.lock.uv import ResolutionError
from fleet.releases.pypi.pypi import File
from fleet.releases.pypi.sdists import ENDINGS, SdistError

_RUST = frozenset({"maturin", "setuptools-rust"})
_ROUNDS = 10  # what builds what builds …: three were the most that was seen


class ToolError(TroubleError):
    """Something has no wheel on a platform, and can't be compiled there either."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The distributions of ``image`` on ``python``, and the build tools of the lock that is held.

    Build backends keep near to those ``held``, but for yanked ones where it ``moves``. No cooldown
    holds back the pins in ``allowed``.
    """

    image: Image
    python: str
    needs: Needs
    held: Tools = NO_TOOLS
    moves: bool = False
    allowed: tuple[str, ...] = ()

    @property
    def key(self) -> ToolKey:
        """The key of a lock's tools."""
        return self.image.name, self.python


def tools_of(tasks: Iterable[Task], files: LockedFiles) -> dict[ToolKey, Tools]:
    """Return the tools of each task that compiles something; ``files`` name what has a wheel.

    :raises ToolError: with what can be neither had nor compiled, of all tasks.
    :raises ResolutionError: when the build backends do not fit together.
    """
    tools: dict[ToolKey, Tools] = {}
    failed: list[tuple[tuple[str, str], str]] = []
    for task in tasks:
        try:
            found = tools_for(task, files)
        except ToolError as error:
            failed.append(((task.image.name, str(error)), task.python))
        else:
            if found.compiled:
                tools[task.key] = found
    if failed:
        raise ToolError(
            "\n".join(
                f"{image} on Python {', '.join(pythons)} can't be built:\n{text}"
                for (image, text), pythons in grouped(failed).items()
            )
        )
    return tools


def tools_for(task: Task, files: LockedFiles) -> Tools:
    """Return what compiles what ``task`` needs and has no wheel; ``files`` name what has one.

    What is compiled already is compiled further, and where everything is held nobody is asked.

    :raises ToolError: with everything that can be neither had nor compiled.
    :raises ResolutionError: when the build backends do not fit together.
    """
    held, python = task.held, task.python
    places = [(pin, target) for target, pins in task.needs.items() for pin in pins]
    if not all(p in held.compiled.get(t, ()) or files.held.wheel(p, python, t) for p, t in places):
        files.sources.say(f"looking for the files of {task.image.name} on Python {python}")
    compiled = {target: _compiled(task, files, pins, target) for target, pins in task.needs.items()}
    lacking = {target: pins for target, pins in compiled.items() if pins}
    tools = NO_TOOLS
    if lacking:
        moves = task.moves and any(map(files.sources.is_yanked, held.pins))
        known = {target: frozenset(pins) for target, pins in held.compiled.items()}
        settled = not moves and _with_backends(task, files, held, lacking) == known
        tools = held if settled else _backends(task, files, lacking)
    for target, pins in task.needs.items():
        made = tools.compiled.get(target, ())
        backends = backends_on(tools, python, target) if made else ()
        files.name((pin for pin in (*pins, *backends) if pin not in made), python, target)
    return tools


def _compiled(task: Task, files: LockedFiles, pins: Iterable[str], target: str) -> frozenset[str]:
    """Return those of ``pins`` that are compiled on ``target``: as is held, or without a wheel."""
    held = task.held.compiled.get(target, ())
    return frozenset(p for p in pins if p in held or not files.wheel(p, task.python, target))


def _with_backends(
    task: Task, files: LockedFiles, tools: Tools, compiled: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Return ``compiled``, by target, with those backends in ``tools`` that are compiled there."""
    return {
        target: pins | _compiled(task, files, backends_on(tools, task.python, target), target)
        for target, pins in compiled.items()
    }


def _backends(task: Task, files: LockedFiles, compiled: Mapping[str, frozenset[str]]) -> Tools:
    """Return what compiles ``compiled``, with the backends that have no wheel themselves."""
    files.sources.say(f"looking for what compiles in {task.image.name} on Python {task.python}")
    missing = dict(compiled)
    for _ in range(_ROUNDS):
        found = _resolve(task, files, _requires(task, files, missing))
        files.hashes.update(found.hashes)
        tools = Tools(
            pins=found.pins,
            compiled={target: tuple(sorted(pins)) for target, pins in missing.items()},
            sources={p: _sdist(p, files).address for pins in missing.values() for p in pins},
        )
        more = _with_backends(task, files, tools, missing)
        if more == missing:
            return tools
        missing = more
    raise ToolError("  - the build requirements of what is compiled are circular")


def _requires(
    task: Task, files: LockedFiles, missing: Mapping[str, Iterable[str]]
) -> tuple[str, ...]:
    """Return what builds everything in ``missing``; what can't be built is told at once."""
    targets = grouped((pin, target) for target, pins in missing.items() for pin in pins)
    found: set[str] = set()
    problems: list[str] = []
    for pin in sorted(targets):
        try:
            found.update(_builds(pin, files))
        except SdistError as error:
            name, keys = task.image.name, _keys(task.image, targets[pin])
            places = ", ".join(f"fleet:images.{name}.lacks.{key}" for key in keys)
            problems.append(
                f"{pin} for {', '.join(sorted(targets[pin]))}: has no wheel there, and {error}.\n"
                f"    Declare it in {places}, or leave out what that names"
            )
    if problems:
        raise ToolError("\n".join(f"  - {each}" for each in problems))
    return tuple(sorted(found))


def _sdist(pin: str, files: LockedFiles) -> File:
    for file in files.listed(pin):
        if file.name.endswith(ENDINGS):
            return file
    raise SdistError("no source distribution")


def _builds(pin: str, files: LockedFiles) -> tuple[str, ...]:
    sdist = _sdist(pin, files)
    try:
        requires = files.sources.build_requires(sdist)
    except SdistError as error:
        raise SdistError(f"can't be compiled: {error}") from None
    rust = sorted({normalised(Requirement(text).name) for text in requires} & _RUST)
    if rust:
        raise SdistError(f"{rust[0]} builds it with Rust, which no builder has")
    return requires


def _resolve(task: Task, files: LockedFiles, requires: tuple[str, ...]) -> Resolution:
    if not requires:  # a backend that comes in the source itself
        return Resolution(pins=(), hashes={})
    # Other backends would have every version compiled again. Where none were held, what is compiled
    # with greenlet runs with the same.
    own = sorted({pin for entry in task.needs.values() for pin in entry})
    near = {name_of(pin): pin for pin in (*own, *files.sources.keepable(task.held.pins))}
    wanted = Wanted(
        requirements=requires,
        python=task.python,
        near=tuple(near.values()),
        upstream=True,
        allowed=task.allowed,
        from_source=task.image.from_source,
    )
    try:
        return files.sources.distributions(wanted)
    except ResolutionError as error:
        raise ResolutionError(
            f"{task.image.name} on Python {task.python}: what compiles its distributions "
            f"({', '.join(requires)}) does not fit: {error}"
        ) from None


def _keys(image: Image, targets: Iterable[str]) -> Iterator[str]:
    """Yield the keys of ``lacks`` that are ``targets``, and no base that has what these lack."""
    known = set(targets)
    for platform in sorted({target.rpartition(" ")[0] for target in known}):
        bases = [base for base in image.bases if target_of(platform, base) in known]
        whole = len(bases) == len(image.bases)
        yield from [platform] if whole else [f"{platform} {base}" for base in bases]
