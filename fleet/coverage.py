"""Whether the lock and the asset folders cover everything that a declaration asks for."""

from collections.abc import Iterator

from fleet.declaration import Image
from fleet.inputs import Inputs
from fleet.lock import Base, Lock, asked
from fleet.problems import Problems

_REMEDY = "Run `make lock`"


def note_missing(image: Image, inputs: Inputs, problems: Problems) -> None:
    """Note every asset folder, base and requirement of ``image`` that ``inputs`` lack."""
    path = f"fleet:images.{image.name}"
    if image.name not in inputs.assets:
        note_missing_assets(image.name, problems)
    for what in (*uncovered_bases(image, inputs.lock), *uncovered_pins(image, inputs.lock)):
        problems.add(path, what, _REMEDY)


def note_missing_assets(image: str, problems: Problems) -> None:
    """Note that ``image`` has nothing to be built from."""
    problems.add(
        f"fleet:images.{image}",
        f"there is no folder assets/{image} with image/Dockerfile and verify/Dockerfile",
        "Add the folder, or correct the image's name",
    )


def uncovered_bases(image: Image, lock: Lock) -> Iterator[str]:
    """Yield, in words, each base and builder that the lock lacks for a platform."""
    for python in image.pythons:
        wanted: list[tuple[str, Base | None]] = [
            (f"base {python}-{base}", lock.bases.get(f"{python}-{base}")) for base in image.bases
        ]
        wanted.append((f"builder {python}", lock.builders.get(python)))
        for name, found in wanted:
            for platform in image.platforms:
                if found is None or platform not in found.platforms:
                    yield f"the lock has no {name} for {platform}"


def uncovered_pins(image: Image, lock: Lock) -> Iterator[str]:
    """Yield, in words, each Python and version without resolved distributions in the lock."""
    for python in image.pythons:
        for version in image.versions:
            if not lock.has_pins(image, python, version):
                wanted = ", ".join(asked(image))
                yield f"the lock has no {wanted} for version {version} on Python {python}"
