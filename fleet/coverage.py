"""Whether the lock and the asset folders cover everything that a declaration asks for."""

from collections.abc import Iterator, Mapping

from fleet.ancestry import note_orphans
from fleet.cell import cells
from fleet.contents import constraints, contradicted
from fleet.declaration import Image
from fleet.inputs import Inputs
from fleet.lock import Base, Lock, asked, command, name_of
from fleet.needs import has_all_pins, needs_of, overlooked
from fleet.problems import Problems


def note_missing(
    image: Image, images: Mapping[str, Image], inputs: Inputs, problems: Problems
) -> None:
    """Note every asset folder, base and requirement of ``image`` that ``inputs`` lack."""
    path = f"fleet:images.{image.name}"
    lock = inputs.lock
    if image.name not in inputs.assets:
        note_missing_assets(image.name, problems)
    note_orphans(image, images, lock.yanked, problems)
    gaps = (
        *uncovered_bases(image, lock),
        *uncovered_pins(image, images, lock),
        *uncovered_tools(image, images, lock),
    )
    for what in gaps:
        problems.add(path, what, f"Run {command(inputs.stack)}")
    if not gaps:
        _note_idle_lacks(image, lock, problems)


def note_missing_assets(image: str, problems: Problems) -> None:
    """Note that ``image`` has nothing to be built from."""
    problems.add(
        f"fleet:images.{image}",
        f"there is no folder assets/{image} with image/Dockerfile and verify/Dockerfile",
        "Add the folder, or correct the image's name",
    )


def uncovered_bases(image: Image, lock: Lock) -> Iterator[str]:
    """Yield, in words, each base and builder that the lock lacks for a platform."""
    wanted: dict[str, Base | None] = {}
    for cell in cells(image):
        if not image.builds_on:
            wanted[f"base {cell.base_key}"] = lock.bases.get(cell.base_key)
        wanted[f"builder {cell.builder_key}"] = lock.builders.get(cell.builder_key)
    for name, found in wanted.items():
        for platform in image.platforms:
            if found is None or platform not in found.platforms:
                yield f"the lock has no {name} for {platform}"


def uncovered_pins(image: Image, images: Mapping[str, Image], lock: Lock) -> Iterator[str]:
    """Yield, in words, each Python and version without resolved distributions in the lock."""
    for python, version in dict.fromkeys((cell.python, cell.version) for cell in cells(image)):
        if not lock.has_pins(image, python, version):
            wanted = ", ".join(asked(image))
            yield f"the lock has no {wanted} for version {version} on Python {python}"
            continue
        below = constraints(image, python, images, lock)
        for pin in contradicted(lock.pins[(image.name, python, version)], below):
            yield (
                f"the lock has {pin} for version {version} on Python {python}, and another "
                f"version of it in {image.builds_on}"
            )


def uncovered_tools(image: Image, images: Mapping[str, Image], lock: Lock) -> Iterator[str]:
    """Yield, in words, each Python of which the lock does not say what must be compiled.

    Of a pure image it has to say that nothing must.

    It may say more than is asked, as when a version or a platform was taken out.
    """
    what = "that all is pure Python" if image.pure else "what has to be compiled"
    for python in dict.fromkeys(cell.python for cell in cells(image)):
        tools = lock.tools.get((image.name, python))
        if tools is None or (image.pure and not tools.pure):
            yield f"the lock does not say {what} on Python {python}"
        elif has_all_pins(image, python, images, lock):  # of others nothing can be told
            where = overlooked(tools, needs_of(image, python, images, lock))
            if where:
                yield f"the lock does not say {what} for {', '.join(where)} on Python {python}"


def _note_idle_lacks(image: Image, lock: Lock, problems: Problems) -> None:
    """Note distributions that are declared to be lacking and that nothing brings along."""
    pins = {name_of(pin) for cell in cells(image) for pin in lock.pins[cell.pin_key]}
    for platform, lacking in image.lacks.items():
        for name in sorted(set(lacking) - pins):
            path = f"fleet:images.{image.name}.lacks.{platform}"
            problems.add(path, f"nothing here brings {name} along", "Take it out, or correct it")
