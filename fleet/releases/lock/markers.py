"""Markers (PEP 508) of resolved pins, brought to the one thing that can differ: the machine."""

from fleet.declaration import tags
from fleet.lock.model import holds, machine_of


def narrowed(pin: str, marker: str, python: str) -> str | None:
    """Return ``pin`` with what ``marker`` comes to on CPython ``python`` on Linux.

    It is the bare ``name==version`` where every known platform gets it, ``None`` where none does,
    and else names the machines that do. So the text is the same whichever way a resolver spells it.

    :raises packaging.markers.InvalidMarker: when ``marker`` is none.
    """
    if not marker:
        return pin
    platforms = [p for p in tags.PLATFORMS if holds(f"{pin} ; {marker}", python, p)]
    if len(platforms) == len(tags.PLATFORMS):
        return pin
    terms = sorted(f"platform_machine == '{machine_of(platform)}'" for platform in platforms)
    return f"{pin} ; {' or '.join(terms)}" if terms else None
