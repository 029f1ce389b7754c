"""One image of a declaration: what its keys say together."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fleet.declaration import tags
from fleet.declaration.distributions import conditions, normalised
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import STALE_DEFAULTS, Exclusion, Image
from fleet.declaration.pins import note_misplaced_pins, parse_pins
from fleet.declaration.problems import Problems
from fleet.declaration.release_policy import BY_HAND, parse_python_releases, parse_releases
from fleet.declaration.schema import fields

At = Callable[[str], str]
"""Returns the path of an image's key, which may stand in what images have in common."""

_REQUIRED = ("maintainer", "source", "package", "pythons", "versions", "bases", "platforms")


def parse_image(
    name: str, values: Mapping[str, Any], places: Mapping[str, str], problems: Problems
) -> Image:
    """Return the image ``name`` with ``values``, which are sound.

    ``places`` are the paths of all keys that were written, sound or not.
    """

    def at(key: str) -> str:
        return places.get(key, f"fleet:images.{name}.{key}")

    for key in _REQUIRED:
        if key not in places:
            problems.add(at(key), "is missing", "Declare it here or in fleet:defaults")
    own = {
        "from_source": tuple(map(normalised, values.get("from-source", ()))),
        "lacks": {k: tuple(map(normalised, held)) for k, held in values.get("lacks", {}).items()},
        "exclude": tuple(Exclusion(**{"because": "", **e}) for e in values.get("exclude", ())),
        "pins": parse_pins(values.get("pins", {})),
        "releases": parse_releases(values.get("releases", BY_HAND)),
        "python_releases": parse_python_releases(values.get("python-releases", BY_HAND)),
    }
    image = Image(
        **{"name": name, "title": name, "pointers": STALE_DEFAULTS, **fields(values), **own}
    )

    def is_sound(*keys: str) -> bool:
        return problems.is_sound(*map(at, keys))

    # Where texts were faulty, there would be a second complaint of each, and an untrue one.
    if is_sound("exclude"):
        _note_wide_exclusions(image, at, problems)
    if is_sound("pythons", "bases", "versions", "exclude"):
        _note_idle_exclusions(image, at, problems)
    if is_sound("versions"):
        _note_collisions(image, at, problems)
    _note_misplaced(image, at, is_sound, problems)
    return image


def _note_misplaced(
    image: Image, at: At, is_sound: Callable[..., bool], problems: Problems
) -> None:
    if is_sound("bases", "platforms"):
        _note_misplaced_lacks(image, at, problems)
    if is_sound("requires"):
        _note_misplaced_conditions(image, at, problems)
    if is_sound("pythons", "bases", "versions", "exclude", "pointers", "pins"):
        note_misplaced_pins(image, at, problems)


def _note_wide_exclusions(image: Image, at: At, problems: Problems) -> None:
    for index, excluded in enumerate(image.exclude):
        if not (excluded.python or excluded.base or excluded.version):
            remedy = "Name a python, a base or a version; an image of no tags is not an image"
            problems.add(f"{at('exclude')}[{index}]", "says not which tags", remedy)


def _note_misplaced_lacks(image: Image, at: At, problems: Problems) -> None:
    for key, lacking in image.lacks.items():
        path = f"{at('lacks')}.{key}"
        if not problems.is_sound(path):
            continue
        platform, _, base = key.partition(" ")
        if platform not in image.platforms:
            what = f"the image is not built for {platform}"
            problems.add(path, what, "Leave the platform out here")
        if base and base not in image.bases:
            problems.add(path, f"the image is not built on {base}", "Leave the base out here")
        if normalised(image.package) in lacking:
            what = f"{image.package} is what the image is made for"
            own = "base" if base else "platform"
            problems.add(path, what, f"Leave the {own} out of the image's {own}s instead")


def _note_misplaced_conditions(image: Image, at: At, problems: Problems) -> None:
    """Note a second entry of one distribution, and a condition on the package itself."""
    seen: dict[str, str] = {}
    for index, text in enumerate(image.requires):
        path = f"{at('requires')}[{index}]"
        ((name, condition),) = conditions((text,)).items()
        if name in seen:
            what = f"{text!r} names the same distribution as {seen[name]!r}"
            problems.add(path, what, "Write all of it in one of the two")
        seen.setdefault(name, text)
        if condition and name == normalised(image.package):
            what = f"{text!r} is a condition on what the image {image.name} is made for"
            remedy = (
                f"Take it out of what {image.name} requires; its versions are those that "
                "`versions` lists, and `exclude-versions` of `releases` keeps one away"
            )
            problems.add(path, what, remedy)


def _note_idle_exclusions(image: Image, at: At, problems: Problems) -> None:
    """Note exclusions of nothing: most likely a typing error, and a tag that is built after all."""
    whole = matrix_entries(replace(image, exclude=()))
    for index, excluded in enumerate(image.exclude):
        if not any(excluded.covers(c.python, c.base, c.version) for c in whole):
            path = f"{at('exclude')}[{index}]"
            problems.add(path, "excludes no tag of the image", "Correct it or take it out")
    if whole and not matrix_entries(image):
        remedy = "Take one of them out, or the image"
        problems.add(at("exclude"), "leaves no tag of the image", remedy)


def _note_collisions(image: Image, at: At, problems: Problems) -> None:
    """Note version tags in the form of a declared pointer: they could be removed as one."""
    for index, version in enumerate(image.versions):
        for kind, end in tags.lines(version).items():
            if kind in image.pointers and end == version:
                what = f"the tag of version {version!r} collides with the {kind} pointer {end!r}"
                remedy = f"Leave the version out, or {kind} out of {at('pointers')}"
                problems.add(f"{at('versions')}[{index}]", what, remedy)
