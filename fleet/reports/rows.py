"""The rows of a report, one per tag that changes: terminal, comment and page draw these. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fleet.console import printable
from fleet.reports.report import DONE, Report
from providers.ociregistry.report import Action, Entry
from providers.ociregistry.tag.reasons import short_digests, shown

HEADINGS: Final = ("tag", "change", "from", "to", "why")

_ORDER: Final = ("fail", "remove", "re-point", "build", "sign", "copy", "keep")
_NOTHING: Final = "-"
_WHOLE: Final = {"repository": "(pointers)", "mirror": "(mirror)"}
_TO_COME: Final = "new build"
_DIGEST_SHOWN: Final = 12


Words = Mapping[Action, str]
"""The words for actions that have others than their names."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The change of one tag of the repository ``image``, in words of one line.

    ``before`` and ``after`` are versions where a pointer moves from one to another, else digests of
    12 hexadecimal digits. Tags that are kept for the same reason are one row.
    """

    image: str
    tag: str
    action: Action
    change: str
    before: str
    after: str
    why: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts below `HEADINGS`."""
        return (self.tag, self.change, self.before, self.after, self.why)


def rows_of(report: Report) -> tuple[Row, ...]:
    """Return the rows by image, what matters most first; what is unchanged has none."""
    words: Words = DONE if report.mode == "update" else {}
    found = [entry for entry in report.entries if entry.action in _ORDER]
    found.sort(key=lambda entry: (_image(entry), _ORDER.index(entry.action), entry.ref))
    return tuple(
        row
        for (_, action), group in groupby(found, key=lambda entry: (_image(entry), entry.action))
        for row in (_kept if action == "keep" else _each)(group, words)
    )


def _each(entries: Iterable[Entry], words: Words) -> Iterator[Row]:
    return (_row(entry, words) for entry in entries)


def _kept(entries: Iterable[Entry], words: Words) -> Iterator[Row]:
    alike = groupby(sorted(entries, key=lambda entry: entry.reasons), lambda entry: entry.reasons)
    for _, (first, *more) in alike:
        yield _row(first, words, f" and {len(more)} more" if more else "")


def _row(entry: Entry, words: Words, more: str = "") -> Row:
    before, after = _ends(entry)
    return Row(
        image=printable(_image(entry)),
        tag=printable(f"{_tag(entry)}{more}"),
        action=entry.action,
        change=words.get(entry.action, entry.action),
        before=printable(before) or _NOTHING,
        after=printable(after) or _NOTHING,
        why=_why(entry) or _NOTHING,
    )


def _image(entry: Entry) -> str:
    return entry.ref if entry.kind in _WHOLE else entry.ref.rpartition(":")[0]


def _tag(entry: Entry) -> str:
    return _WHOLE.get(entry.kind) or entry.ref.rpartition(":")[2]


def _ends(entry: Entry) -> tuple[str, str]:
    """Return what a tag names before and after, empty where it is nothing or not known."""
    if entry.action in {"fail", "remove", "keep"}:
        return _short(entry.previous), ""
    if entry.version and entry.previous_version != entry.version:
        # All are of one Python and base, so that their names differ behind the last hyphen alone.
        common = entry.ref.rpartition(":")[2].rpartition("-")[0] + "-"
        before = entry.previous_version.removeprefix(common) or _short(entry.previous)
        return before, entry.version.removeprefix(common)
    return _short(entry.previous), _short(entry.digest) or _TO_COME


def _short(digest: str) -> str:
    return digest.partition(":")[2][:_DIGEST_SHOWN]


def _why(entry: Entry) -> str:
    """Return the reasons on one line, without the name that an error begins with."""
    text = " ".join(shown(entry.reasons).removeprefix(entry.ref).lstrip(": ").split())
    return printable(text if entry.action == "fail" else short_digests(text))
