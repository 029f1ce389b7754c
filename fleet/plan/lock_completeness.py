"""Whether the lock and the asset folders cover everything that a declaration asks for."""

from collections.abc import Iterable, Iterator, Mapping

from fleet.declaration.base_graph import note_orphans
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Image
from fleet.declaration.problems import Problems
from fleet.lock.model import Base, Lock, asked, command, name_of
from fleet.lock.official_bases import LIBRARY, is_official
from fleet.plan.install_set import has_all_pins, unfound
from fleet.plan.installed import constraints, contradicted, held_on
from fleet.plan.plan_inputs import Inputs


def note_missing(
    image: Image, images: Mapping[str, Image], inputs: Inputs, problems: Problems
) -> None:
    """Note every asset folder, base and requirement of ``image`` that ``inputs`` lack."""
    path = f"fleet:images.{image.name}"
    lock = inputs.lock
    if image.name not in inputs.assets:
        note_missing_assets(image.name, problems)
    note_orphans(image, images, lock.yanked, problems)
    pins = tuple(uncovered_pins(image, images, lock))
    # Files are of the pins, when these are there.
    files = () if pins else tuple(uncovered_files(image, images, lock))
    gaps = (*uncovered_bases(image, lock), *pins, *files)
    if gaps:
        # All have one remedy, so that they are one problem.
        problems.add(path, "; ".join(gaps), f"Run {command(inputs.stack)}")
    elif image.lacks:
        _note_wrong_lacks(image, images, lock, problems)


def note_bases_elsewhere(base_registry: str, inputs: Inputs, problems: Problems) -> None:
    """Note that locked bases are pulled from elsewhere than ``base_registry`` says now.

    Without it, only a mirror's bases are from elsewhere: others may be stand-ins of this machine.
    """
    locked = (*inputs.lock.bases.values(), *inputs.lock.builders.values())
    elsewhere = {
        base.repository
        for base in locked
        if (base_registry or is_official(base.name))
        and not (is_official(base.name) and base.comes_from(base.name, base_registry))
    }
    if elsewhere:
        what = f"the lock has bases of {', '.join(sorted(elsewhere))}"
        wanted = f"{base_registry} is declared" if base_registry else f"{LIBRARY} serves"
        remedy = f"Run {command(inputs.stack)}"
        problems.add("fleet:base-registry", f"{what}, and {wanted} now", remedy)


def note_missing_assets(image: str, problems: Problems) -> None:
    """Note that ``image`` has nothing to be built from."""
    problems.add(
        f"fleet:images.{image}",
        f"there is no folder assets/{image} with the folders image and verify",
        "Add the folder, or correct the image's name",
    )


def uncovered_bases(image: Image, lock: Lock) -> Iterator[str]:
    """Yield, in words, the bases and builders that the lock lacks, by the platforms they lack."""
    wanted: dict[str, Base | None] = {}
    for entry in matrix_entries(image):
        if not image.builds_on:
            wanted[f"base {entry.base_key}"] = lock.bases.get(entry.base_key)
        wanted[f"builder {entry.builder_key}"] = lock.builders.get(entry.builder_key)
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, found in wanted.items():
        there = found.platforms if found else {}
        alike.setdefault(tuple(p for p in image.platforms if p not in there), []).append(name)
    for platforms, names in alike.items():
        if platforms:
            yield f"the lock has no {', '.join(names)} for {', '.join(platforms)}"


def uncovered_pins(image: Image, images: Mapping[str, Image], lock: Lock) -> Iterator[str]:
    """Yield, in words, the Pythons and versions without resolved distributions in the lock."""
    tags = dict.fromkeys((entry.python, entry.version) for entry in matrix_entries(image))
    wanted, made_for = ", ".join(asked(image)), lock.asked.get(image.name)
    if made_for not in (None, asked(image)):
        yield f"the lock was made for {', '.join(made_for or ())}, and {wanted} is declared now"
        return
    lacking = [tag for tag in tags if not lock.has_pins(image, *tag)]
    if lacking:
        yield f"the lock has no {wanted} for {_where(lacking, tags)}"
    other: dict[str, list[_Place]] = {}
    for python, version in (tag for tag in tags if tag not in lacking):
        below = constraints(image, python, images, lock)
        for pin in contradicted(lock.pins[(image.name, python, version)], below):
            other.setdefault(pin, []).append((python, version))
    for pin, places in other.items():
        where = f"for {_where(places, tags)}, and another version of it in {image.builds_on}"
        yield f"the lock has {pin} {where}"


def uncovered_files(image: Image, images: Mapping[str, Image], lock: Lock) -> Iterator[str]:
    """Yield, in words, what the lock has neither a wheel nor a source of, by where it is installed.

    Where pins are not in the lock, nothing can be told of these.
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for python in dict.fromkeys(entry.python for entry in matrix_entries(image)):
        if has_all_pins(image, python, images, lock):
            for target, pins in unfound(image, python, images, lock).items():
                alike.setdefault(pins, []).append(f"{target} on Python {python}")
    for pins, places in alike.items():
        yield f"the lock has no file of {', '.join(pins)} for {', '.join(places)}"
    if not lock.files.get(lock.installer):
        yield "the lock does not say what installs wheels"


_Place = tuple[str, str]
"""A Python and a version."""


def _where(places: Iterable[_Place], tags: Iterable[_Place]) -> str:
    """Return ``places`` among all ``tags`` in few words: Pythons with the same are told at once."""
    here, every = _by_python(places), _by_python(tags)
    if here == every:
        return "any version"
    alike: dict[str, list[str]] = {}
    for python, found in here.items():
        noun = "version" if len(found) == 1 else "versions"
        text = "any version" if found == every[python] else f"{noun} {', '.join(found)}"
        alike.setdefault(text, []).append(python)
    return " and ".join(f"{text} on Python {', '.join(found)}" for text, found in alike.items())


def _by_python(places: Iterable[_Place]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for python, version in places:
        found.setdefault(python, []).append(version)
    return found


def _note_wrong_lacks(
    image: Image, images: Mapping[str, Image], lock: Lock, problems: Problems
) -> None:
    """Note declared ``lacks`` that nothing brings along, or that the image below brings along."""
    # Versions are built on the same.
    tags = {(entry.python, entry.base): entry for entry in matrix_entries(image)}.values()
    known = [entry for entry in tags if has_all_pins(image, entry.python, images, lock)]
    pins = {name_of(pin) for entry in matrix_entries(image) for pin in lock.pins[entry.pin_key]}
    for key, lacking in image.lacks.items():
        path = f"fleet:images.{image.name}.lacks.{key}"
        platform, _, base = key.partition(" ")
        here = (entry for entry in known if base in ("", entry.base))
        below = (pin for entry in here for pin in held_on(entry, platform, images, lock))
        held = set(map(name_of, below))
        for name in sorted(set(lacking) - pins):
            problems.add(path, f"nothing here brings {name} along", "Take it out, or correct it")
        for name in sorted(held.intersection(lacking)):
            what = f"{name} comes with {image.builds_on}, the image below"
            remedy = f"Take it out here, or have {image.builds_on} lack it as well"
            problems.add(path, what, remedy)
