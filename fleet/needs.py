"""What an image installs where: for this a lock says what has no wheel and has to be compiled."""

from collections.abc import Iterator, Mapping

from fleet import names
from fleet.ancestry import parent_of
from fleet.cell import Cell, cells
from fleet.contents import contents, target_of
from fleet.declaration import Image
from fleet.identity import digest_of
from fleet.lock import Lock, Needs, Tools


def needs_of(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> Needs:
    """Return what all versions of ``image`` on ``python`` install, by where they do.

    The pins of the image and of those below it have to be in ``lock`` (:func:`has_all_pins`).
    """
    found: dict[str, set[str]] = {}
    for cell in _alike(image, python):
        for platform in image.platforms:
            held = contents(cell, platform, images, lock)
            own = found.setdefault(target_of(platform, cell.base), set())
            own.update((*held.package, *held.dependencies))
    return {target: tuple(sorted(pins)) for target, pins in sorted(found.items())}


def identity_of(needs: Needs) -> str:
    """Return the hash by which a lock of older format knows what its tools were found for."""
    return digest_of({target: list(pins) for target, pins in needs.items()})


def looked_at(tools: Tools, needs: Needs) -> bool:
    """Tell whether ``tools`` were found for just these ``needs``, and say where sources are."""
    return tools.looked_at == needs or tools.found_for == identity_of(needs)


def overlooked(tools: Tools, needs: Needs) -> tuple[str, ...]:
    """Return the ``{platform} {libc}`` of ``needs`` where more is installed than was looked at.

    Less may be: what was looked at for a version or platform that is gone does no harm.
    """
    if looked_at(tools, needs):
        return ()
    return tuple(t for t, pins in needs.items() if not {*pins} <= {*tools.looked_at.get(t, ())})


def has_all_pins(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> bool:
    """Tell whether ``lock`` has the pins of every tag of ``image`` on ``python``, and below it."""
    return all(
        link.pin_key in lock.pins
        for cell in _alike(image, python)
        for link in _line(cell, images, lock)
    )


def _alike(image: Image, python: str) -> tuple[Cell, ...]:
    """Return a tag of each version, C library and what is left out: slim is mostly as full is."""
    lacks = {base: tuple(image.lacking(p, base) for p in image.platforms) for base in image.bases}
    tags = (cell for cell in cells(image) if cell.python == python)
    found = {(c.version, names.libc(c.base), lacks[c.base]): c for c in tags}
    return tuple(found.values())


def _line(cell: Cell, images: Mapping[str, Image], lock: Lock) -> Iterator[Cell]:
    link: Cell | None = cell
    while link:
        yield link
        link = parent_of(link, images, lock.yanked)
