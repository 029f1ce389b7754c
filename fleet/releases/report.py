"""What discovery found, as Markdown: for a terminal, a job's page and a pull request alike."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet.pages.markdown import code, heading_rows, row
from fleet.releases.discovery.change import Change
from fleet.releases.discovery.discover import Discovery
from fleet.releases.lock.changes import Move, Moves

_LISTED = 40
"""Rows of a table that are shown: a base image that moved can have hundreds behind it."""


def told(found: Discovery, root: Path, notes: Iterable[str] = ()) -> str:
    """Return what changed below ``root``, why, and ``notes`` on it.

    Text that is not ours is shown as code.
    """
    parts = [_headline(found, root)]
    places = dict.fromkeys(change.place for change in found.changes)
    parts += [_changes(place, found.changes) for place in places]
    moves = found.moves
    parts.append(_locked(moves))
    headings = ("image", "distribution", "before", "after")
    parts.append(_table("Distributions", headings, moves.distributions))
    parts.append(_table("Base images", ("base", "platform", "before", "after"), moves.bases))
    headings = ("version", "file", "before", "after")
    parts.append(_table("Other files of versions that stay", headings, moves.files))
    parts.append(_yanked(moves.yanked))
    noted = "".join(f"- {code(note)}\n" for note in notes)
    parts.append(f"### Noted\n\n{noted}" if noted else "")
    return "\n".join(filter(None, parts))


def _headline(found: Discovery, root: Path) -> str:
    if not found.after:
        return "Nothing changed.\n"
    files = ", ".join(code(path.relative_to(root).as_posix()) for path in found.after)
    leaving = any(change.how == "leaves" for change in found.changes)
    stay = " The tags of what leaves stay in the registry." if leaving else ""
    return f"Changed: {files}.{stay}\n"


def _changes(place: str, changes: Iterable[Change]) -> str:
    mine = (change for change in changes if change.place == place)
    lines = (f"- {code(change.what)} {change.how}: {change.why}\n" for change in mine)
    return f"### {code(place)}\n\n{''.join(lines)}"


def _table(title: str, headings: tuple[str, ...], moves: tuple[Move, ...]) -> str:
    if not moves:
        return ""
    rows = "".join(row(map(code, move)) for move in moves[:_LISTED])
    rest = len(moves) - _LISTED
    more = f"\n{rest} more are in the lock.\n" if rest > 0 else ""
    return f"### {title}\n\n{heading_rows(headings)}{rows}{more}"


def _locked(moves: Moves) -> str:
    lines = [
        *(
            f"- {code(image)} {code(version)}: resolved for Python {', '.join(pythons)}\n"
            for (image, version), pythons in moves.resolved.items()
        ),
        *(
            f"- {code(image)}: looked for what compiles on Python {', '.join(pythons)}\n"
            for image, pythons in moves.tools.items()
        ),
        *(
            f"- {code(after)} installs the wheels, {code(before)} did: every image is built again\n"
            for before, after in filter(None, [moves.installer])
        ),
    ]
    return f"### Locked\n\n{''.join(lines)}" if lines else ""


def _yanked(yanked: Mapping[str, tuple[str, ...]]) -> str:
    if not yanked:
        return ""
    lines = (f"- {code(p)}: {', '.join(map(code, listed))}\n" for p, listed in yanked.items())
    return f"### Yanked since\n\n{''.join(lines)}"
