"""The files that a lock names: of each pin, the wheels that are installed somewhere."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from packaging.version import Version

from fleet.lock.model import Files, Lock, name_of
from fleet.releases.pypi.index import chosen, unyanked
from fleet.releases.pypi.pypi import File
from fleet.releases.sources import Sources


@dataclass(frozen=True, kw_only=True)
class LockedFiles:
    """Wheels of pins, ``name==version``: those that the lock ``held`` has stay.

    ``hashes`` are by pin those that a resolution of this run listed: no other file of it counts.
    """

    held: Lock
    hashes: dict[str, tuple[str, ...]]
    sources: Sources
    _listed: dict[str, tuple[File, ...]] = field(default_factory=dict)
    _named: dict[str, set[str]] = field(default_factory=dict)

    @property
    def named(self) -> Files:
        """The wheels of all that was named."""
        return {pin: tuple(sorted(found)) for pin, found in sorted(self._named.items())}

    def name(self, pins: Iterable[str], python: str, target: str) -> None:
        """Have the lock name the wheels of ``pins`` for ``{platform} {libc}``, which have one."""
        for pin in pins:
            found = self.wheel(pin, python, target)
            if found:
                self._named.setdefault(pin, set()).add(found)

    def wheel(self, pin: str, python: str, target: str) -> str | None:
        """Return the address of the wheel of ``pin`` for ``{platform} {libc}``, if there is one."""
        if held := self.held.wheel(pin, python, target):
            return held
        platform, _, libc = target.rpartition(" ")
        file = chosen(self.listed(pin), python, platform, libc)
        return file.address if file else None

    def listed(self, pin: str) -> tuple[File, ...]:
        """Return the files of the release ``pin`` that count, as the index lists them."""
        if pin not in self._listed:
            name, version = name_of(pin), str(Version(pin.partition("==")[2]))
            release = self.sources.releases(name).get(version)
            files = self.sources.cooldown.counting(release) if release else ()
            known = self.hashes.get(pin)
            self._listed[pin] = unyanked(f for f in files if known is None or f.sha256 in known)
        return self._listed[pin]
