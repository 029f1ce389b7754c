"""Programs that can't be had on a machine without Go: how they are described. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from fleet.local.toolchain.modules import BUILDKIT, PULUMI, REGISTRY

OLDEST: Final = (1, 26)
"""The oldest Go that builds the toolchain, major and minor version."""

WANTED: Final = ".".join(map(str, OLDEST))

# A plugin is taken from an archive or built, and never from PATH.
_ON_PATH = frozenset((PULUMI.name, BUILDKIT.name, REGISTRY.name))
_GO = f"install Go {WANTED} or newer (https://go.dev/dl/)"


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """The programs ``names``, which only Go could build, and there is none: ``no_go`` says why.

    Of the archives of those in ``unrecorded``, no SHA-256 is recorded; those of the others are not
    offered to this machine.
    """

    names: tuple[str, ...] = ()
    unrecorded: frozenset[str] = frozenset()
    no_go: str = ""

    def __bool__(self) -> bool:
        """Tell whether anything is missing."""
        return bool(self.names)

    def without(self, spared: Collection[str]) -> "Lacking":
        """Return what is missing where those in ``spared`` are not needed."""
        return replace(self, names=tuple(name for name in self.names if name not in spared))

    @property
    def seen(self) -> str:
        """The missing programs and why they are missing, in sentences."""
        them, archive = (
            ("it", "its archive") if len(self.names) == 1 else ("them", "their archives")
        )
        new = ", ".join(name for name in self.names if name in self.unrecorded)
        known = ", ".join(name for name in self.names if name not in self.unrecorded)
        of_new, of_known = (f"the archive of {new}", known) if new and known else (archive, them)
        whys = [
            f"no SHA-256 is recorded of {of_new}" if new else "",
            f"the makers' site offers no archive of {of_known}, or no answer" if known else "",
        ]
        return (
            f"{', '.join(self.names)} can't be had: {', '.join(filter(None, whys))}, and Go "
            f"{WANTED} or newer, which would build {them}, is missing ({self.no_go})."
        )

    @property
    def remedy(self) -> str:
        """The remedy, in words that a sentence can go on with; empty if nothing is missing."""
        if not self.names:
            return ""
        if self.unrecorded.issuperset(self.names):
            return (
                f"{_GO}, or run make checksums once: it records the SHA-256 of the makers' "
                "archives as their site has them now, and no Go is needed then"
            )
        if _ON_PATH.issuperset(self.names):
            return f"{_GO}, or put what is missing on PATH as docs/first-run.md says"
        return _GO


NOTHING: Final = Lacking()
"""Nothing is missing."""


def sentence(text: str) -> str:
    """Return a sentence of ``text``, such as a remedy."""
    return f"{text[0].upper()}{text[1:]}."
