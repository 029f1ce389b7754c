"""Whether a registry is as declared: asked of the registry itself, behind proxy and provider."""

import json
import re
from collections.abc import Iterable, Mapping

from fleet.registry.referrers import fallback_tag
from providers.ociregistry.evidence.model import KIND_ANNOTATION, kinds_of
from tests.faults.model import GRAMMAR, PLATFORMS, Fleet


def judge(fleet: Fleet, *, removes: bool) -> None:
    """Check that nothing kept was lost or altered, and that pointers equal the declared ones.

    Every platform of every kept tag is pulled whole. With `removes`, no other pointer may be left.

    :raises AssertionError: naming what is wrong.
    """
    view = fleet.view
    live = view.tags()
    with view.still():
        for tag, platforms in fleet.kept.items():
            assert tag in live, f"version tag {tag} is gone"
            assert view.pull(tag) == platforms, f"{tag} has other platforms than were published"
    for tag, digest in fleet.untouched.items():
        assert live.get(tag) == digest, f"{tag}, which is not a pointer, was touched"
    wanted = _wanted(fleet)
    for pointer, target in wanted.items():
        assert live.get(pointer) == live[target], f"{pointer} does not name {target}"
    others = {tag for tag in live if _is_pointer(tag)} - set(wanted)
    assert not (removes and others), f"undeclared pointers are left: {sorted(others)}"
    strangers = set(live) - others - {*fleet.kept, *fleet.untouched, *wanted, *fleet.lists}
    assert not strangers, f"tags that nobody made: {sorted(strangers)}"


def judge_signed(fleet: Fleet) -> None:
    """Check that whatever is named of what was built has all its evidence, listed and there.

    :raises AssertionError: naming what is missing.
    """
    view, live = fleet.view, fleet.view.tags()
    for tag, digest in fleet.indexes.items():
        if live.get(tag) == digest:
            listed = live.get(fallback_tag(digest))
            assert listed, f"{tag} is named, and nothing is signed of it"
            entries = json.loads(view.manifest(listed))["manifests"]
            kinds = {entry["annotations"][KIND_ANNOTATION] for entry in entries}
            assert kinds == {*kinds_of(PLATFORMS)}, f"{tag} is named, and of it is signed: {kinds}"
            for entry in entries:
                view.manifest(entry["digest"])


def judge_undo(fleet: Fleet, removed: Iterable[Mapping[str, str]]) -> None:
    """Check that every digest on record of a removal still pulls whole, whatever was swept.

    What the state says was `removed` is on record in the registry too.

    :raises AssertionError: naming what is missing.
    """
    with fleet.view.still() as view:
        record = view.undo_entries()
        for entry in removed:
            tag, digest = entry["tag"], entry["digest"]
            assert (tag, digest) in record, f"{tag} went without an entry in the registry: {record}"
            assert view.pull(digest), f"{tag} can't be restored: no platform is left"


def judge_leaving(fleet: Fleet, before: dict[str, str], after: dict[str, str]) -> None:
    """Check that an image on its way out of the declaration took pointers alone, each on record.

    :raises AssertionError: naming what is wrong.
    """
    for tag, digest in before.items():
        if tag in fleet.kept or tag in fleet.untouched:
            assert after.get(tag) == digest, f"{tag} was {digest}, and is {after.get(tag)}"
        elif tag not in after:
            _judge_record(fleet, tag, digest)


def judge_left(fleet: Fleet) -> None:
    """Check that nothing which was declared as a pointer is left, and every version tag whole.

    :raises AssertionError: naming what is wrong.
    """
    view = fleet.view
    left = sorted(_wanted(fleet).keys() & view.tags().keys())
    assert not left, f"an image left and these did not go with it: {left}"
    for tag, platforms in fleet.kept.items():
        assert view.pull(tag) == platforms, f"{tag} has other platforms than were published"


def judge_midway(fleet: Fleet, before: dict[str, str], after: dict[str, str]) -> None:
    """Check that an up which was disturbed cost no name that was there `before` it.

    A pointer that it removed is on record in the registry, however the up ended.

    :raises AssertionError: naming what is wrong.
    """
    for tag, digest in before.items():
        if tag in fleet.kept or tag in fleet.untouched:
            assert after.get(tag) == digest, (
                f"{tag} was {digest}, and in the middle {after.get(tag)}"
            )
        elif tag in fleet.pointers:
            known = {after[kept] for kept in fleet.kept | fleet.tags if kept in after}
            assert after.get(tag) in known, f"pointer {tag} names {after.get(tag)} in the middle"
        elif tag not in after:
            _judge_record(fleet, tag, digest)


def _judge_record(fleet: Fleet, tag: str, digest: str) -> None:
    """Check that a pointer which went is on record, with its digest if that was an image's."""
    view = fleet.view
    entries = view.undo_entries()
    assert tag in dict(entries), f"{tag} went without an entry in the registry: {entries}"
    # What an interrupted removal had put there is gone with it.
    assert view.digest(digest) is None or (tag, digest) in entries, f"{tag} named {digest}"


def _wanted(fleet: Fleet) -> dict[str, str]:
    """Return the pointers that the declaration means, found apart from the program."""
    lines: dict[str, list[tuple[int, ...]]] = {}
    for version in fleet.versions:
        parts = tuple(int(part) for part in version.split("."))
        for end in ("LATEST", f"{parts[0]}.{parts[1]}"):
            lines.setdefault(end, []).append(parts)
    return {
        f"py{python}-{end}": f"py{python}-{'.'.join(str(part) for part in max(line))}"
        for python in fleet.pythons
        for end, line in lines.items()
    }


def _is_pointer(tag: str) -> bool:
    return any(re.fullmatch(pattern, tag) for pattern in GRAMMAR.values())


def judge_gone(
    fleet: Fleet, before: Mapping[str, str], removed: Iterable[Mapping[str, str]]
) -> None:
    """Check that each pointer that was there `before` an up and is gone is on record.

    With what it named, unless that is gone as well: what an interrupted removal had put there.

    :raises AssertionError: naming the pointer, and what is on record of it.
    """
    view = fleet.view
    live, record = view.tags(), [(entry["tag"], entry["digest"]) for entry in removed]
    for tag in sorted(filter(_is_pointer, before.keys() - live.keys())):
        known = [digest for name, digest in record if name == tag]
        assert known, f"{tag} went and is on no record"
        there = view.digest(before[tag]) is not None
        assert before[tag] in known or not there, f"{tag} named {before[tag]}, on record: {known}"
