"""What installs wheels: PyPA's ``installer``, one release for every Python of the fleet."""

from collections.abc import Iterable

from fleet.declaration.model import Image
from fleet.declaration.versions import newest_first
from fleet.lock.model import Lock
from fleet.lock.wheel_files import is_universal
from fleet.releases.lock.locked_files import LockedFiles
from fleet.releases.pypi.index import chosen
from fleet.releases.pypi.pypi import PackageIndexError
from fleet.releases.sources import Sources

NAME = "installer"
_ANYWHERE = "linux/amd64 glibc"
"""It runs where builds do. Its wheel is that of any platform, so that this one stands for all."""


def installer_for(
    lock: Lock, images: Iterable[Image], files: LockedFiles, sources: Sources, *, again: bool
) -> str:
    """Return the pin of what installs the wheels of ``images``; ``files`` name its wheel.

    It is the one in ``lock`` as long as that runs on every Python, else, or ``again``, the newest
    that does. With another one every image is built again.

    :raises PackageIndexError: when the index has none that does.
    """
    pythons = tuple(dict.fromkeys(python for image in images for python in image.pythons))
    if not pythons:
        return lock.installer
    pin = "" if again else lock.installer
    # A lock has builders of the Pythons that it was made for.
    known = {key.partition("-")[0] for key in lock.builders}
    if not all(p in known and files.held.wheel(pin, p, _ANYWHERE) for p in pythons):
        pin = _found(pin, pythons, files, sources)
    for python in pythons:
        files.name([pin], python, _ANYWHERE)
    return pin


def _found(held: str, pythons: Iterable[str], files: LockedFiles, sources: Sources) -> str:
    """Return the pin ``held`` where it runs on all ``pythons``, else the newest that does."""
    sources.say("looking for what installs wheels")
    try:
        newest = newest_first(sources.takeable(NAME))
    except PackageIndexError as error:
        raise PackageIndexError(f"{error}. {NAME} installs every image") from None
    for pin in filter(None, (held, *(f"{NAME}=={version}" for version in newest))):
        if all(_runs_on(pin, python, files) for python in pythons):
            return pin
    waited = ", and is older than the cooldown" if sources.cooldown.days else ""
    raise PackageIndexError(
        f"the index lists no release of {NAME}, by which every image is installed, that has a "
        f"wheel for Python {', '.join(pythons)}{waited}.\nOffer one there, or leave out a Python"
    )


def _runs_on(pin: str, python: str, files: LockedFiles) -> bool:
    universal = (f for f in files.listed(pin) if f.name.endswith(".whl") and is_universal(f.url))
    platform, _, libc = _ANYWHERE.rpartition(" ")
    return chosen(universal, python, platform, libc) is not None
