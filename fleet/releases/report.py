"""What discovery found, as Markdown: for a terminal, a job's page and a pull request alike."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urldefrag

from fleet.declaration.grouping import grouped
from fleet.lock.model import Base, Lock, pinned_versions
from fleet.lock.wheel_files import name_in
from fleet.pages.markdown import code, heading_rows, row
from fleet.releases.advisory_rows import HEADINGS
from fleet.releases.discovery.discover import Discovery
from fleet.releases.moves_page import each_package, inside
from fleet.sbom.base_moves import NO_MOVES, BaseMoves

_LISTED = 40
"""Rows of a table that are shown: a base image that moved can have hundreds behind it."""


def told(
    found: Discovery,
    root: Path,
    notes: Iterable[str] = (),
    moves: BaseMoves = NO_MOVES,
    *,
    whole: bool = True,
) -> str:
    """Return what changed below ``root``, why, and ``notes`` on it.

    Text that is not ours is shown as code. ``moves`` are inside of bases; if ``whole``, each of
    their packages is in a table that a page shows folded.
    """
    old, new = found.held, found.lock
    changes = grouped(
        (each.place, f"{code(each.what)} {each.how}: {each.why}") for each in found.changes
    )
    # What compiles is mostly a base as well.
    bases = dict.fromkeys((*_bases(old.bases, new.bases), *_bases(old.builders, new.builders)))
    parts = [
        _headline(found, root),
        *(_list(code(place), lines) for place, lines in changes.items()),
        _list("Pythons", _pythons(old, new)),
        _list("Locked", _locked(old, new)),
        _table("Distributions", "image distribution", _distributions(old, new)),
        _table("Base images", "base platform", bases),
        inside(moves),
        _table("Other files of versions that stay", "version file", _files(old, new)),
        _list("Yanked since", _yanked(old, new)),
        _advisories(found),
        _list("Noted", map(code, notes)),
        each_package(moves) if whole else "",
    ]
    return "\n".join(filter(None, parts))


def _headline(found: Discovery, root: Path) -> str:
    if not found.after:
        return "Nothing changed.\n"
    files = ", ".join(code(path.relative_to(root).as_posix()) for path in found.after)
    leaving = any(change.how == "leaves" for change in found.changes)
    stay = " The tags of what leaves stay in the registry." if leaving else ""
    return f"Changed: {files}.{stay}\n"


def _list(title: str, lines: Iterable[str]) -> str:
    listed = "".join(f"- {line}\n" for line in lines)
    return f"### {title}\n\n{listed}" if listed else ""


def _table(title: str, headings: str, moves: Iterable[tuple[str, ...]]) -> str:
    """Return the table of ``moves``, each with what was before and what is after at its end."""
    known = tuple(moves)
    if not known:
        return ""
    rows = "".join(row(map(code, move)) for move in known[:_LISTED])
    rest = len(known) - _LISTED
    more = f"\n{rest} more are in the lock.\n" if rest > 0 else ""
    return f"### {title}\n\n{heading_rows([*headings.split(), 'before', 'after'])}{rows}{more}"


def _pythons(old: Lock, new: Lock) -> Iterator[str]:
    """Yield each Python of which the end moved, or came near."""
    for python, lifetime in new.pythons.items():
        if old.pythons.get(python) != lifetime:
            ends = {"maintained": "", "ending": ", which is near", "ended": ", and has ended"}
            yield f"Python {python} is maintained until {lifetime.until}{ends[lifetime.state]}"


def _locked(old: Lock, new: Lock) -> Iterator[str]:
    resolved = grouped(((key[0], key[2]), key[1]) for key in new.pins if key not in old.pins)
    for (image, version), pythons in resolved.items():
        yield f"{code(image)} {code(version)}: resolved for Python {', '.join(pythons)}"
    moved = grouped(key for key, tools in new.tools.items() if old.tools.get(key) != tools)
    for image, pythons in moved.items():
        yield f"{code(image)}: looked for what compiles on Python {', '.join(pythons)}"
    if old.installer and old.installer != new.installer:
        after, before = code(new.installer), code(old.installer)
        yield f"{after} installs the wheels, {before} did: every image is built again"


def _moved(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each key with its values before and after, where they differ; empty is absent."""
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key, ""), new.get(key, "")
        if before != after:
            yield key, before, after


def _distributions(old: Lock, new: Lock) -> Iterator[tuple[str, ...]]:
    """Yield what moved in tags that both locks hold, once for all Pythons."""
    found = grouped(
        ((key[0], *move), key[1])
        for key in sorted(new.pins.keys() & old.pins.keys())
        for move in _moved(pinned_versions(old.pins[key]), pinned_versions(new.pins[key]))
    )
    for (image, *moved), pythons in found.items():
        yield f"{image}, Python {', '.join(dict.fromkeys(pythons))}", *moved


def _bases(old: Mapping[str, Base], new: Mapping[str, Base]) -> Iterator[tuple[str, ...]]:
    for key, base in sorted(new.items()):
        before = old[key].platforms if key in old else {}
        for platform, was, becomes in _moved(before, base.platforms):
            if becomes:
                yield base.name, platform, was, becomes


def _advisories(found: Discovery) -> str:
    rows = [row(map(code, each)) for each in found.advisories]
    rest = len(rows) - _LISTED
    more = f"\n{rest} more: `make audit` prints those that stay.\n" if rest > 0 else ""
    table = f"{heading_rows(HEADINGS)}{''.join(rows[:_LISTED])}{more}"
    return f"### Advisories\n\n{table}" if rows else ""


def _files(old: Lock, new: Lock) -> Iterator[tuple[str, ...]]:
    """Yield the files that came, left or changed of each version that both locks hold."""
    for pin in sorted(old.files.keys() & new.files.keys()):
        before, after = ({name_in(f): f for f in lock.files[pin]} for lock in (old, new))
        for name, was, becomes in _moved(before, after):
            digests = tuple(urldefrag(address).fragment for address in (was, becomes))
            # The same bytes may have moved to another address.
            yield pin, name, *((was, becomes) if digests[0] == digests[1] else digests)


def _yanked(old: Lock, new: Lock) -> Iterator[str]:
    """Yield what was yanked since, of packages that were known before."""
    for package in sorted(old.yanked.keys() & new.yanked.keys()):
        since = [v for v in new.yanked[package] if v not in old.yanked[package]]
        if since:
            yield f"{code(package)}: {', '.join(map(code, since))}"
