"""Stale pointers, pure: which names nothing declares, and whether they may go."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, Any

from fleet.registry.reference import Repository, TagReference
from fleet.registry.undo_log import Removal, owner_at

# Tags of this form attach signatures and referrers to a digest (OCI distribution
# specification 1.1, "Referrers Tag Schema"): whatever a grammar says, they are not pointers.
_ATTACHED = "sha256-"
_LONGEST = 9999  # days that a policy can name
_AFTER = re.compile(r"remove after ([1-9][0-9]{0,3}) days")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`days` of grace count from the day on which a pointer was first seen stale.

    None means that it stays for good, 0 that it goes at once.
    """

    days: int | None

    @property
    def removes(self) -> bool:
        """Tell whether a stale pointer goes at all, now or later."""
        return self.days is not None

    def goes_on(self, since: str) -> str:
        """Return the date (RFC 3339 full-date, UTC) on which a pointer stale since then goes."""
        return (date.fromisoformat(since) + timedelta(days=self.days or 0)).isoformat()


def is_day(text: object) -> bool:
    """Tell whether a text of the state is a date as this provider writes it (RFC 3339 full-date).

    Another form, such as 20260102, would compare wrongly. The longest grace must end in a year of
    four digits.
    """
    try:
        day = date.fromisoformat(str(text))
        return day.isoformat() == text and bool(day + timedelta(days=_LONGEST))
    except (ValueError, OverflowError):
        return False


KEEP = Policy(days=None)
REMOVE = Policy(days=0)


def parse_policy(text: str) -> Policy | None:
    """Parse `keep`, `remove` or `remove after N days` (N from 1 to 9999), or return None."""
    if text in {"keep", "remove"}:
        return KEEP if text == "keep" else REMOVE
    match = _AFTER.fullmatch(text)
    return Policy(days=int(match[1])) if match else None


@dataclass(frozen=True, kw_only=True)
class PointerPattern:
    """One kind of pointer: its name, and the regular expression that its tags match in full."""

    kind: Annotated[str, "LATEST, X.Y or X."]
    pattern: Annotated[str, "A regular expression that pointers of this kind match in full."]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An undeclared pointer that stays, and why; the digest is empty where it was not read."""

    tag: str
    digest: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class View:
    """The live pointers of a repository, tag to digest, as the state records them.

    `objections` say of undeclared ones why they must stay. `interrupted` are placeholder manifests
    of a removal that did not end, each with the digest that it stands for. `stale_since` is the
    date (RFC 3339 full-date, UTC) on which a pointer under a policy with grace was first seen
    stale, `read_on` that of the last reading whose time registry and machine agreed on.
    `ended` are version tags that left the declaration, each with the day that its notice has.
    `history_due` tells that the last update could not enter in the history what moved.
    """

    live: Mapping[str, str] = field(default_factory=dict)
    objections: Mapping[str, str] = field(default_factory=dict)
    interrupted: Mapping[str, str] = field(default_factory=dict)
    stale_since: Mapping[str, str] = field(default_factory=dict)
    read_on: str = ""
    ended: Mapping[str, str] = field(default_factory=dict)
    history_due: bool = False

    def stood_for(self, tag: str) -> str:
        """Return the digest that a live tag stands for."""
        return self.interrupted.get(tag) or self.live[tag]

    def without(self, tags: Iterable[str]) -> "View":
        """Return this view after a removal of `tags`."""
        gone = frozenset(tags)
        rest: dict[str, Any] = {
            name: {tag: text for tag, text in getattr(self, name).items() if tag not in gone}
            for name in ("live", "objections", "interrupted", "stale_since")
        }
        return replace(self, **rest)


@dataclass(frozen=True, kw_only=True)
class Due:
    """The pointers to remove now (tag to digest), and the undeclared ones that stay.

    `waiting` are those of them that are removed once their grace is over.
    """

    stale: Mapping[str, str]
    kept: tuple[Kept, ...]
    waiting: tuple[Kept, ...]


@dataclass(frozen=True, kw_only=True)
class StaleInputs:
    """The declaration for the pointers of one repository.

    `digests` are those of all declared tags, empty where one failed.
    `stale` is what an update is to remove: tag to digest, as it was listed.
    Of an image that left, `listed` are the pointers that the state lists; None where nobody asks.
    `recorded` are the digests that the state says were written or adopted under a tag, `removed`
    what it says was removed before. `source` is the repository that this one is a mirror of.
    """

    repository: Repository
    owner: str
    pointers: frozenset[str]
    grammar: tuple[PointerPattern, ...]
    policy: Mapping[str, Policy]
    max_removals: float = 0.5
    keep_on_destroy: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    stale: Mapping[str, str] = field(default_factory=dict)
    listed: frozenset[str] | None = None
    recorded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    removed: tuple[Removal, ...] = ()
    source: Repository | None = None

    @property
    def recorded_by(self) -> tuple[Repository, str]:
        """The repository beside which the undo record lies, and the owner of that."""
        if self.source is None:
            return self.repository, self.owner
        return self.source, owner_at(self.owner, self.repository)

    def policy_of(self, kind: str) -> Policy:
        """Return the policy of a kind of pointer; one without a policy stays."""
        return self.policy.get(kind, KEEP)

    def ref(self, tag: str) -> TagReference:
        """Return a tag of the repository."""
        return TagReference(repository=self.repository, tag=tag)

    def pointers_among(self, tags: Iterable[str]) -> dict[str, str]:
        """Return the tags that the grammar takes for pointers, sorted, each with its kind."""
        kinds = {tag: self._kind_of(tag) for tag in sorted(tags)}
        return {tag: kind for tag, kind in kinds.items() if kind}

    def versions_of_line(self, line: str, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the tags that the pointer `line` could have been made from, the highest first.

        These continue the line by a part of their own, and have the form of no pointer themselves.
        """
        found = [t for t in tags if t.startswith(f"{line}.") and not self._kind_of(t)]
        return tuple(sorted(found, key=_numbers, reverse=True))

    def due(self, view: View) -> Due:
        """Return what this makes of a view: live, less declared, less what the policy keeps.

        A removal that was interrupted is finished whatever the policy is, because the name does not
        pull any more.
        """
        stale, kept, waiting = {}, [], []
        pointers = self.pointers_among(view.live.keys() - self.pointers)
        for tag, kind in pointers.items():
            digest = view.live[tag]
            if reason := self._stays(tag, kind, view):
                kept.append(Kept(tag=tag, digest=digest, reason=reason))
            elif wait := _grace(tag, self.policy_of(kind), view):
                waiting.append(Kept(tag=tag, digest=digest, reason=wait))
            else:
                stale[tag] = digest
        all_kept = sorted([*kept, *waiting], key=lambda entry: entry.tag)
        return Due(stale=stale, kept=tuple(all_kept), waiting=tuple(waiting))

    def refusal(self, removals: int, live: int) -> str:
        """Return why so many removals are refused, or an empty string where they may go on.

        The share is that of the live pointers; at the limit it still passes.
        """
        if removals <= self.max_removals * live:
            return ""
        return (
            f"{self.repository}: {removals} of {live} live pointers would be removed, more than "
            f"the share of {self.max_removals:g} that fleet:max-removals allows; if that is meant, "
            "raise it in the stack's file for this one update (1 allows all)"
        )

    def last_known(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return what declared tags name; of one that failed, what it named `before`."""
        return {tag: digest or before.get(tag, "") for tag, digest in self.digests.items()}

    def _kind_of(self, tag: str) -> str:
        """Return the first kind that matches, empty where none does."""
        if tag.startswith(_ATTACHED):
            return ""
        return next((e.kind for e in self.grammar if re.fullmatch(e.pattern, tag)), "")

    def _stays(self, tag: str, kind: str, view: View) -> str:
        """Return why a pointer stays for good, or an empty string."""
        if not self.policy_of(kind).removes and tag not in view.interrupted:
            return f"policy of {kind} is keep"
        return view.objections.get(tag, "")


def _grace(tag: str, policy: Policy, view: View) -> str:
    """Return when the grace of a pointer ends, empty where that is now or it has none."""
    if tag in view.interrupted or not policy.days:
        return ""
    if not view.read_on:
        return f"goes {policy.days} days after the registry's time is known"
    day = policy.goes_on(view.stale_since.get(tag, view.read_on))
    # Dates of one form compare as text (RFC 3339, section 5.1).
    return f"goes on {day}" if day > view.read_on else ""


def may_be_version(tag: str) -> bool:
    """Tell whether a tag in the form of a pointer could be the tag of a version instead.

    A package with versions of one or two parts (gunicorn 20.0) has version tags in the form of
    X and X.Y pointers. Every version ends in a digit when it is spelled canonically (PEP 440),
    and no LATEST does.
    """
    return tag[-1:].isdigit()


def _numbers(tag: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", tag))


def changes(recorded: Mapping[str, object], declared: Mapping[str, object]) -> tuple[str, ...]:
    """Return the input properties that differ, but those of the history."""
    names = sorted(set(declared) - {"digests", "commit"})
    return tuple(name for name in names if recorded.get(name) != declared[name])
