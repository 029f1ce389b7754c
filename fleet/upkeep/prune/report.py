"""The report of a sweep."""

from fleet.upkeep.prune.garbage import UnreferencedDigest
from fleet.upkeep.prune.prune import Found, Swept


def report(found: Found, days: int, swept: Swept | None) -> str:
    """Report what is unreferenced and when it goes; ``swept`` is None in a dry run."""
    lines = [f"  {place.name} is left as it is: {why}" for place, why in found.doubts.items()]
    if not found.unreferenced:
        nothing = "" if lines else " nothing is superseded"
        return "\n".join([f"{found.image.public}:{nothing}", *lines])
    lines += [f"  nothing is deleted: {why}" for why in found.refused.values()]
    if any(item.repository in found.unrecorded for item in found.unreferenced):
        lines.append("  the names were not on record yet: APPLY=1 notes them, the next one deletes")
    lines += [_line(item, found, swept) for item in found.unreferenced]
    first = f"{found.image.public}: {len(found.unreferenced)} superseded, kept for {days} days"
    return "\n".join([first, *lines])


def _line(item: UnreferencedDigest, found: Found, swept: Swept | None) -> str:
    fate = f"goes on {item.goes}"
    if item.due:
        fate = "due: `make prune APPLY=1` deletes it"
    if item.due and item.repository in found.refused:
        fate = "due, and kept because these are too many"
    elif item.due and swept is not None:
        fate = "deleted" if item in swept.gone else f"kept: {swept.kept.get(item.digest)}"
    named = f" ({', '.join(item.tags)})" if item.tags else ""
    return f"  {item.repository.name}@{item.digest}{named}: {fate}"
