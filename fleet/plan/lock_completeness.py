"""Whether the lock and the asset folders cover everything that a declaration asks for."""

from collections.abc import Iterable, Iterator, Mapping

from fleet.declaration.base_graph import note_orphans
from fleet.declaration.grouping import grouped
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Image
from fleet.declaration.problems import Problems
from fleet.lock.model import Base, Lock, asked, command, name_of
from fleet.lock.official_bases import LIBRARY, is_official
from fleet.plan.installed import constraints, contradicted, has_all_pins, held_on, unfound
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
    pins = tuple(_uncovered_pins(image, images, lock))
    # Files are of the pins, when these are there.
    files = () if pins else tuple(_uncovered_files(image, images, lock))
    gaps = (*_uncovered_bases(image, lock), *pins, *files)
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


def _uncovered_bases(image: Image, lock: Lock) -> Iterator[str]:
    """Yield, in words, the bases and builders that the lock lacks, by the platforms they lack."""
    wanted: dict[str, Base | None] = {}
    for entry in matrix_entries(image):
        if not image.builds_on:
            wanted[f"base {entry.base_key}"] = lock.bases.get(entry.base_key)
        wanted[f"builder {entry.builder_key}"] = lock.builders.get(entry.builder_key)
    there = {name: found.platforms if found else {} for name, found in wanted.items()}
    lacking = ((tuple(p for p in image.platforms if p not in there[n]), n) for n in wanted)
    for platforms, names in grouped(lacking).items():
        if platforms:
            yield f"the lock has no {', '.join(names)} for {', '.join(platforms)}"


def _uncovered_pins(image: Image, images: Mapping[str, Image], lock: Lock) -> Iterator[str]:
    """Yield, in words, the Pythons and versions without resolved distributions in the lock."""
    tags = dict.fromkeys((entry.python, entry.version) for entry in matrix_entries(image))
    lacking = [tag for tag in tags if not lock.has_pins(image, *tag)]
    if lacking:
        yield f"the lock has no {', '.join(asked(image))} for {_where(lacking)}"
    below = {python: constraints(image, python, images, lock) for python, _ in tags}
    held = {tag: lock.pins[image.name, *tag] for tag in tags if tag not in lacking}
    other = ((p, tag) for tag, pins in held.items() for p in contradicted(pins, below[tag[0]]))
    for pin, places in grouped(other).items():
        other_one = f"another version of it in {image.builds_on}"
        yield f"the lock has {pin} for {_where(places)}, and {other_one}"


def _uncovered_files(image: Image, images: Mapping[str, Image], lock: Lock) -> Iterator[str]:
    """Yield, in words, what the lock has neither a wheel nor a source of, by where it is installed.

    A Python whose pins are not in the lock is left out.
    """
    pythons = dict.fromkeys(entry.python for entry in matrix_entries(image))
    lacking = (
        (pins, f"{target} on Python {python}")
        for python in pythons
        if has_all_pins(image, python, images, lock)
        for target, pins in unfound(image, python, images, lock).items()
    )
    for pins, places in grouped(lacking).items():
        yield f"the lock has no file of {', '.join(pins)} for {', '.join(places)}"
    if not lock.files.get(lock.installer):
        yield "the lock does not say what installs wheels"


def _where(places: Iterable[tuple[str, str]]) -> str:
    """Return which Pythons and versions ``places`` are, in few words."""
    alike = grouped((", ".join(found), python) for python, found in grouped(places).items())
    return " and ".join(f"{text} on Python {', '.join(found)}" for text, found in alike.items())


def _note_wrong_lacks(
    image: Image, images: Mapping[str, Image], lock: Lock, problems: Problems
) -> None:
    """Note declared ``lacks`` that nothing brings along, or that the image below brings along."""
    entries = matrix_entries(image)
    pins = {name_of(pin) for entry in entries for pin in lock.pins[entry.pin_key]}
    # Versions are built on the same.
    tags = {(entry.python, entry.base): entry for entry in entries}.values()
    known = [entry for entry in tags if has_all_pins(image, entry.python, images, lock)]
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
