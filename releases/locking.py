"""Bringing a lock up to a declaration: what is missing is resolved, the rest stays as it was."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from fleet.agreement import note_two_versions
from fleet.ancestry import Yanked
from fleet.declaration import Declaration, Image
from fleet.lock import Base, Lock, ToolKey, Tools, asked, name_of, normalised
from fleet.needs import looked_at, needs_of
from fleet.problems import Problems
from releases import bases
from releases.pinning import Pinned, from_source, keys, pinned, used, without
from releases.purity import Impure, impure, told
from releases.skipped import note_skipped
from releases.sources import Refresh, Sources
from releases.tools import Task, ToolError, tools_for
from releases.withdrawn import without_yanked


def completed(lock: Lock, declaration: Declaration, sources: Sources, refresh: Refresh) -> Lock:
    """Return ``lock`` with everything that ``declaration`` needs, and nothing else.

    What it already holds stays, so that the same declaration builds the same images, but for what
    ``refresh`` names.

    :raises DeclarationError: when images on images are declared with versions that exclude another.
    """
    images = declaration.images
    # First what takes seconds: a base that can't be had would cost all that was resolved before.
    wanted, compiling = bases.wanted(images, sources.stand_ins)
    found_bases = _bases(wanted, {} if refresh.bases else lock.bases, sources)
    found_builders = _bases(compiling, {} if refresh.builders else lock.builders, sources)
    held = without(lock, refresh.newest)
    # Which tag another is built on hangs on what was yanked.
    yanked = _yanked(held, images, sources, again=refresh.yanked)
    _refuse_two_versions(declaration, yanked)
    found = pinned(lock, images, yanked, sources, refresh)
    made = Lock(pins=found.pins, yanked=yanked)
    known = _KnownTools(kept=_lasting_tools(held, refresh, sources), before=lock.tools)
    tools = _tools(made, known, declaration, found, sources)
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
        hashes=used(found.hashes, found.pins, tools),
    )


def _refuse_two_versions(declaration: Declaration, yanked: Yanked) -> None:
    """Say what can't be resolved before the rest is, which takes minutes."""
    problems = Problems()
    for image in declaration.images:
        note_two_versions(image, declaration.by_name, yanked, problems)
    problems.raise_if_any()


class _KnownTools(NamedTuple):
    """Tools that the lock held: those ``kept``, and all that were there ``before``."""

    kept: Mapping[ToolKey, Tools]
    before: Mapping[ToolKey, Tools]


def _lasting_tools(held: Lock, refresh: Refresh, sources: Sources) -> Mapping[ToolKey, Tools]:
    """Return the tools of ``held``, on request to be found again where one was yanked."""
    if not refresh.yanked:
        return held.tools
    lasting = {key: without_yanked(entry.pins, sources) for key, entry in held.tools.items()}
    return {
        key: entry
        if lasting[key] == entry.pins
        else replace(entry, pins=lasting[key], looked_at={}, found_for="")
        for key, entry in held.tools.items()
    }


def _tools(
    made: Lock, held: _KnownTools, declaration: Declaration, found: Pinned, sources: Sources
) -> dict[ToolKey, Tools]:
    """Return the tools of each image and Python; the hashes of new ones go to ``found``.

    :raises ToolError: with what can't be built of all images, and all that is declared to be pure
        Python and is not.
    """
    tools: dict[ToolKey, Tools] = {}
    failed: dict[ToolKey, tuple[str, ...]] = {}
    faults: dict[str, list[Impure]] = {}
    for image in declaration.images:
        for python in dict.fromkeys(python for python, _ in keys(image)):
            key = (image.name, python)
            needs = needs_of(image, python, declaration.by_name, made)
            known, before = held.kept.get(key), held.before.get(key)
            if known and known.pure == image.pure and looked_at(known, needs):
                # A lock of older format says by a hash what this one says in full.
                tools[key] = replace(known, looked_at=needs, found_for="")
                continue
            if image.pure:
                faulty = impure(needs, python, found.hashes, sources)
                faults.setdefault(image.name, []).extend(faulty)
                tools[key] = Tools(pins=(), compiled={}, looked_at=needs, pure=True)
                continue
            sources.say(f"looking for what has no wheel in {image.name} on Python {python}")
            task = Task(
                image=image,
                python=python,
                needs=needs,
                hashes=found.hashes,
                near=without_yanked(known.pins, sources) if known else (),
                allowed=before.pins if before else (),
            )
            try:
                tools[key], resolved = tools_for(task, sources)
            except ToolError as error:
                failed.update(error.problems)
            else:
                found.add(resolved.hashes)
    if failed or any(faults.values()):
        raise ToolError(failed, told(faults))
    return tools


def _bases(
    wanted: Mapping[str, tuple[str, set[str]]], known: Mapping[str, Base], sources: Sources
) -> dict[str, Base]:
    found: dict[str, Base] = {}
    for key, (name, platforms) in wanted.items():
        held = known.get(key)
        if held is not None and held.name == name and platforms <= held.platforms.keys():
            found[key] = held
        else:
            found[key] = bases.resolve(name, platforms, sources.platforms)
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
