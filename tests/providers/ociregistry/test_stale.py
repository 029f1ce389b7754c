from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.registry.reference import Repository
from providers.ociregistry.stale_pointers.model import (
    KEEP,
    REMOVE,
    PointerPattern,
    Policy,
    StaleInputs,
    View,
    changes,
    may_be_version,
    parse_policy,
)

GRAMMAR = (
    PointerPattern(kind="LATEST", pattern=r"py[0-9.]+(-[a-z]+)?-LATEST"),
    PointerPattern(kind="X.Y", pattern=r"py[0-9.]+(-[a-z]+)?-[0-9]+\.[0-9]+"),
    PointerPattern(kind="X", pattern=r"py[0-9.]+(-[a-z]+)?-[0-9]+"),
)


def inputs(**overrides: Any) -> StaleInputs:
    fields: dict[str, Any] = {
        "repository": Repository(host="h", name="n"),
        "owner": "fleet/dev",
        "pointers": frozenset({"py3.11-LATEST"}),
        "grammar": GRAMMAR,
        "policy": {"LATEST": REMOVE, "X.Y": KEEP},
    }
    return StaleInputs(**{**fields, **overrides})


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("py3.11-LATEST", "LATEST"),
        ("py3.11-slim-LATEST", "LATEST"),
        ("py3.11-slim-0.34", "X.Y"),
        ("py3.11-23", "X"),
        ("py3.11-slim-0.34.0", None),
        ("py3.11-latest", None),
        ("edge", None),
        ("py3.11-LATEST-old", None),
        ("sha256-py3.11-LATEST", None),
    ],
)
def test_the_grammar_tells_pointers_from_all_other_tags(tag: str, kind: str | None) -> None:
    assert inputs().pointers_among([tag]) == ({} if kind is None else {tag: kind})


def test_attached_tags_are_no_pointers_even_under_a_grammar_that_takes_everything() -> None:
    everything = (PointerPattern(kind="LATEST", pattern=r".*"),)
    wanted = inputs(grammar=everything)
    assert wanted.pointers_among(["sha256-" + "a" * 64, "sha256-1.sig"]) == {}


@given(
    st.sets(st.from_regex(r"py3\.[0-9]{1,2}-(LATEST|[0-9]\.[0-9]{1,2}(\.[0-9])?)", fullmatch=True))
)
def test_only_listed_undeclared_pointers_can_go(tags: set[str]) -> None:
    wanted = inputs()
    stale = wanted.due(View(live=dict.fromkeys(tags, "d"))).stale
    assert set(stale) == {tag for tag in tags if tag.endswith("-LATEST")} - wanted.pointers


@pytest.mark.parametrize("tags", [(), ("edge",)])
def test_an_empty_list_makes_nothing_stale(tags: tuple[str, ...]) -> None:
    assert inputs().due(View(live=dict.fromkeys(tags, "d"))).stale == {}


@pytest.mark.parametrize(("kind", "removed"), [("LATEST", True), ("X.Y", False), ("X", False)])
def test_a_kind_goes_only_where_the_policy_says_so(kind: str, removed: bool) -> None:
    assert inputs().policy_of(kind).removes is removed


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("keep", KEEP),
        ("remove", REMOVE),
        ("remove after 90 days", Policy(days=90)),
        ("remove after 0 days", None),
        ("remove after 90", None),
        ("remove after 90 days or so", None),
        ("delete", None),
        ("", None),
    ],
)
def test_a_policy_is_read_from_its_words_alone(text: str, policy: Policy | None) -> None:
    assert parse_policy(text) == policy


def test_days_of_grace_count_over_months_and_leap_years() -> None:
    assert Policy(days=90).goes_on("2026-11-23") == "2027-02-21"
    assert Policy(days=1).goes_on("2028-02-28") == "2028-02-29"


@pytest.mark.parametrize(
    ("tag", "doubtful"),
    [("py3.11-20.0", True), ("py3.11-slim-20", True), ("py3.11-LATEST", False)],
)
def test_only_a_name_that_ends_in_a_digit_may_be_that_of_a_version(
    tag: str, doubtful: bool
) -> None:
    assert may_be_version(tag) is doubtful


def test_the_versions_of_a_line_are_longer_and_no_pointers_the_highest_first() -> None:
    tags = ["py3.11-20", "py3.11-20.0", "py3.11-20.0.4", "py3.11-20.0.10", "py3.11-20.1.0"]
    others = ["py3.11-slim-20.0.4", "py3.1-20.0.4", "py3.11-200.0.1"]
    found = inputs().versions_of_line("py3.11-20.0", [*tags, *others])
    assert found == ("py3.11-20.0.10", "py3.11-20.0.4")
    assert inputs().versions_of_line("py3.11-20", tags) == (
        "py3.11-20.1.0",
        "py3.11-20.0.10",
        "py3.11-20.0.4",
    )


@pytest.mark.parametrize(
    ("case", "removals", "live", "overrides", "refused"),
    [
        ("none of none", 0, 0, {}, False),
        ("half is still allowed", 2, 4, {}, False),
        ("more than half is refused", 3, 4, {}, True),
        ("all are refused", 1, 1, {}, True),
        ("a share of nought allows none", 1, 100, {"max_removals": 0.0}, True),
    ],
)
def test_a_share_above_the_limit_is_refused(
    case: str, removals: int, live: int, overrides: dict[str, Any], refused: bool
) -> None:
    reason = inputs(**overrides).refusal(removals, live)
    assert bool(reason) is refused, case
    # A person finds only this one in a declaration.
    assert ("fleet:max-removals" in reason) is refused, case


@pytest.mark.parametrize(
    ("case", "old", "new", "changed"),
    [
        ("nothing", {"owner": "a"}, {"owner": "a"}, ()),
        ("another owner", {"owner": "a"}, {"owner": "b"}, ("owner",)),
        ("what the history is of", {}, {"digests": {"t": "d"}, "commit": "c"}, ()),
    ],
)
def test_changes(
    case: str, old: dict[str, object], new: dict[str, object], changed: tuple[str, ...]
) -> None:
    assert changes(old, new) == changed, case
