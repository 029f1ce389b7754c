"""Bringing a lock up to a declaration: what is missing is resolved, the rest stays as it was."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from fleet.declaration.base_graph import Yanked, note_two_versions
from fleet.declaration.distributions import normalised
from fleet.declaration.model import Declaration, Image
from fleet.declaration.problems import Problems
from fleet.lock.model import Base, Lock, ToolKey, Tools, asked, name_of
from fleet.plan.install_set import needs_of
from fleet.plan.installed import NO_TOOLS
from fleet.releases.discovery.skipped import note_skipped
from fleet.releases.lock import bases
from fleet.releases.lock.build_tools import Task, ToolError, tools_for
from fleet.releases.lock.installer import installer_for
from fleet.releases.lock.locked_files import LockedFiles
from fleet.releases.lock.pinning import from_source, keys, pinned, without
from fleet.releases.lock.yanked import yanked_pins
from fleet.releases.sources import Refresh, Sources


def completed(lock: Lock, declaration: Declaration, sources: Sources, refresh: Refresh) -> Lock:
    """Return ``lock`` with everything that ``declaration`` needs, and nothing else.

    What it already holds stays, so that the same declaration builds the same images, but for what
    ``refresh`` names. What is pinned already and has no file yet where it is installed gets one.

    :raises DeclarationError: when images on images are declared with versions that exclude another.
    """
    images = declaration.images
    # First what takes seconds: a base that can't be had would cost all that was resolved before.
    wanted, compiling = bases.wanted(images, sources.stand_ins)
    found_bases = _bases(wanted, lock.bases, sources, again=refresh.bases)
    found_builders = _bases(compiling, lock.builders, sources, again=refresh.builders)
    held = without(lock, refresh.newest)
    # Which tag another is built on hangs on what was yanked.
    yanked = _yanked(held, images, sources, again=refresh.yanked)
    _refuse_two_versions(declaration, yanked)
    found = pinned(lock, images, yanked, sources, refresh)
    made = Lock(pins=found.pins, yanked=yanked)
    files = LockedFiles(held=held.files, hashes=found.hashes, sources=sources)
    installer = installer_for(lock, images, files, sources, again=refresh.installer)
    known = _KnownTools(kept=held.tools, before=lock.tools, yanked=refresh.yanked)
    tools = _tools(made, known, declaration, files)
    for key in found.resolved:
        image = declaration.by_name[key[0]]
        others = (pin for pin in found.pins[key] if name_of(pin) != normalised(image.package))
        note_skipped(others, key[1], from_source(image, declaration.by_name), sources)
    return replace(
        made,
        bases=found_bases,
        builders=found_builders,
        asked={image.name: asked(image) for image in images},
        tools=tools,
        installer=installer,
        files=files.named,
    )


def _refuse_two_versions(declaration: Declaration, yanked: Yanked) -> None:
    """Say what can't be resolved before the rest is, which takes minutes."""
    problems = Problems()
    for image in declaration.images:
        note_two_versions(image, declaration.by_name, yanked, problems)
    problems.raise_if_any()


class _KnownTools(NamedTuple):
    """Tools that the lock held: those ``kept``, and all that were there ``before``.

    Where what was ``yanked`` is asked for again, a yanked pin moves.
    """

    kept: Mapping[ToolKey, Tools]
    before: Mapping[ToolKey, Tools]
    yanked: bool


def _tools(
    made: Lock, held: _KnownTools, declaration: Declaration, files: LockedFiles
) -> dict[ToolKey, Tools]:
    """Return the tools of each image and Python that compile something; ``files`` name the rest.

    :raises ToolError: with what can't be built of all images.
    """
    tools: dict[ToolKey, Tools] = {}
    failed: dict[ToolKey, tuple[str, ...]] = {}
    for image in declaration.images:
        for python in dict.fromkeys(python for python, _ in keys(image)):
            key = (image.name, python)
            kept, before = (known.get(key, NO_TOOLS) for known in (held.kept, held.before))
            task = Task(
                image=image,
                python=python,
                needs=needs_of(image, python, declaration.by_name, made),
                held=kept,
                moves=held.yanked and bool(yanked_pins(kept.pins, files.sources)),
                allowed=before.pins,
            )
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


def _bases(
    wanted: Mapping[str, tuple[str, set[str]]],
    known: Mapping[str, Base],
    sources: Sources,
    *,
    again: bool,
) -> dict[str, Base]:
    """Return the base of each key in ``wanted``: the known one, if it serves and not ``again``.

    The index of a stand-in is what its registry has now: nobody keeps another.
    """
    found: dict[str, Base] = {}
    made_here = set(sources.stand_ins.values())
    for key, (name, platforms) in wanted.items():
        held = known.get(key)
        serves = held is not None and held.name == name and platforms <= held.platforms.keys()
        if held and serves and not again:
            found[key] = held
        else:
            kept = None if name in made_here else held
            found[key] = bases.resolve(name, platforms, sources.platforms, kept)
    return found


def _yanked(
    held: Lock, images: Iterable[Image], sources: Sources, *, again: bool
) -> dict[str, tuple[str, ...]]:
    """Return the withdrawn versions of each package; a look outside for pins is one for these."""
    packages = sorted({image.package for image in images})
    lacking = any(not held.has_pins(image, *key) for image in images for key in keys(image))
    if again or lacking or any(package not in held.yanked for package in packages):
        return {package: sources.yanked(package) for package in packages}
    return {package: held.yanked[package] for package in packages}
