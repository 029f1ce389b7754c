"""One image of a declaration: its keys read and checked."""

from collections.abc import Mapping
from dataclasses import replace

from fleet.declaration import tags, validators
from fleet.declaration.config_reader import Reader
from fleet.declaration.distributions import conditions, normalised
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import STALE_DEFAULTS, Exclusion, Image, StalePolicy
from fleet.declaration.release_policy import (
    PYTHON_RELEASES,
    RELEASES,
    parse_python_releases,
    parse_releases,
)
from fleet.declaration.tags import PointerKind

IMAGE_KEYS = (
    "title", "maintainer", "source", "licenses", "package", "extras", "requires", "from-source",
    "builds-on", "lacks", "pythons", "versions", "bases", "platforms", "exclude",
    "pointers", RELEASES, PYTHON_RELEASES,
)  # fmt: skip

REMOVED_IMAGE_KEYS = {
    "pure": "Take it out: the lock knows what needs no compiler. Name what has no wheel at all in "
    "from-source",
}
"""Keys that there were, and what to do about one."""


def parse_image(name: str, reader: Reader) -> Image:
    """Return the image ``name`` with the keys in ``reader``; every fault is noted there."""
    image = Image(
        name=name,
        title=reader.text("title", validators.PLAIN, name),
        maintainer=reader.text("maintainer", validators.PLAIN),
        source=reader.text("source", validators.URL),
        licenses=reader.text("licenses", validators.LICENSE, "MIT"),
        package=reader.text("package", validators.PACKAGE),
        extras=reader.texts("extras", validators.EXTRA, ()),
        requires=reader.texts("requires", validators.requirement, ()),
        from_source=tuple(map(normalised, reader.texts("from-source", validators.PACKAGE, ()))),
        builds_on=reader.optional("builds-on", validators.REPOSITORY),
        lacks=_lacks(reader),
        exclude=_exclusions(reader),
        pythons=reader.texts("pythons", validators.PYTHON),
        versions=reader.texts("versions", validators.version),
        bases=reader.texts("bases", validators.BASE),
        platforms=reader.texts("platforms", validators.PLATFORM),
        pointers=_pointers(reader),
        releases=parse_releases(reader),
        python_releases=parse_python_releases(reader),
    )
    # Where texts were faulty, there would be a second complaint of each, and an untrue one.
    if reader.is_sound("pythons", "bases", "versions", "exclude"):
        _note_idle_exclusions(image, reader)
    if reader.is_sound("bases", "platforms"):
        _note_misplaced_lacks(image, reader)
    if reader.is_sound("requires"):
        _note_misplaced_conditions(image, reader)
    _note_collisions(image, reader)
    return image


def _lacks(reader: Reader) -> dict[str, tuple[str, ...]]:
    inner = reader.inner("lacks")
    found: dict[str, tuple[str, ...]] = {}
    for key in map(str, inner.values):
        platform, space, base = key.partition(" ")
        if platform in tags.PLATFORMS and (base in tags.BASES or not space):
            found[key] = tuple(map(normalised, inner.texts(key, validators.PACKAGE)))
        else:
            known, bases = ", ".join(tags.PLATFORMS), ", ".join(tags.BASES)
            remedy = f"Known keys: {known}; each alone or with one of its bases behind it ({bases})"
            inner.note(key, "unknown key", remedy)
    return found


def _note_misplaced_lacks(image: Image, reader: Reader) -> None:
    inner = reader.inner("lacks")
    for key, lacking in image.lacks.items():
        platform, _, base = key.partition(" ")
        if platform not in image.platforms:
            what = f"the image is not built for {platform}"
            inner.note(key, what, "Leave the platform out here")
        if base and base not in image.bases:
            inner.note(key, f"the image is not built on {base}", "Leave the base out here")
        if normalised(image.package) in lacking:
            what = f"{image.package} is what the image is made for"
            own = "base" if base else "platform"
            inner.note(key, what, f"Leave the {own} out of the image's {own}s instead")


def _note_misplaced_conditions(image: Image, reader: Reader) -> None:
    """Note a second entry of one distribution, and a condition on the package itself."""
    seen: dict[str, str] = {}
    for index, text in enumerate(image.requires):
        path = f"{reader.at('requires')}[{index}]"
        ((name, condition),) = conditions((text,)).items()
        if name in seen:
            what = f"{text!r} names the same distribution as {seen[name]!r}"
            reader.problems.add(path, what, "Write all of it in one of the two")
        seen.setdefault(name, text)
        if condition and name == normalised(image.package):
            what = f"{text!r} is a condition on what the image {image.name} is made for"
            remedy = (
                f"Take it out of what {image.name} requires; its versions are those that "
                "`versions` lists, and `exclude-versions` of `releases` keeps one away"
            )
            reader.problems.add(path, what, remedy)


def _exclusions(reader: Reader) -> tuple[Exclusion, ...]:
    entries = reader.values.get("exclude", [])
    if not isinstance(entries, list | tuple):
        remedy = "Write a list of entries, each with python, base or version, and because"
        reader.note("exclude", "is not a list", remedy)
        return ()
    return tuple(_exclusion(reader, index, entry) for index, entry in enumerate(entries))


def _exclusion(reader: Reader, index: int, entry: object) -> Exclusion:
    path = f"{reader.at('exclude')}[{index}]"
    values = entry if isinstance(entry, Mapping) else {}
    inner = Reader(path=path, values=values, problems=reader.problems)
    inner.only(("python", "base", "version", "because"))
    if not {"python", "base", "version"} & values.keys():
        remedy = "Name a python, a base or a version; an image of no tags is not an image"
        reader.problems.add(path, "says not which tags", remedy)
    return Exclusion(
        python=inner.optional("python", validators.PYTHON),
        base=inner.optional("base", validators.BASE),
        version=inner.optional("version", validators.version),
        because=inner.text("because", validators.PLAIN),
    )


def _note_idle_exclusions(image: Image, reader: Reader) -> None:
    """Note exclusions of nothing: most likely a typing error, and a tag that is built after all."""
    whole = matrix_entries(replace(image, exclude=()))
    for index, excluded in enumerate(image.exclude):
        if not any(excluded.covers(c.python, c.base, c.version) for c in whole):
            path = f"{reader.at('exclude')}[{index}]"
            reader.problems.add(path, "excludes no tag of the image", "Correct it or take it out")
    if whole and not matrix_entries(image):
        remedy = "Take one of them out, or the image"
        reader.note("exclude", "leaves no tag of the image", remedy)


def _pointers(reader: Reader) -> dict[PointerKind, StalePolicy]:
    defaults = {str(kind): policy for kind, policy in STALE_DEFAULTS.items()}
    inner = replace(reader.inner("pointers"), values=reader.mapping("pointers", defaults))
    inner.only(tags.POINTER_KINDS)
    return {
        kind: StalePolicy(inner.text(kind, validators.POLICY))
        for kind in tags.POINTER_KINDS
        if kind in inner.values
    }


def _note_collisions(image: Image, reader: Reader) -> None:
    """Note version tags in the form of a declared pointer: they could be removed as one."""
    for index, version in enumerate(image.versions):
        for kind, end in tags.lines(version).items() if version else ():
            if kind in image.pointers and end == version:
                what = f"the tag of version {version!r} collides with the {kind} pointer {end!r}"
                remedy = f"Leave the version out, or {kind} out of {reader.at('pointers')}"
                reader.problems.add(f"{reader.at('versions')}[{index}]", what, remedy)
