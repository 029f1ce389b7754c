"""Which releases are kept: of real packages, and rule by rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.declaration.model import Image
from fleet.releases.discovery.change import DiscoveryError
from fleet.releases.discovery.discover import ended_pins
from fleet.releases.discovery.selection import (
    Listed,
    has_release,
    note_missing,
    passed_over,
    selected,
)
from fleet.releases.pypi.index import cooldown_of
from fleet.releases.pypi.pypi import PackageIndexError
from tests.fleet.examples import declaration
from tests.fleet.releases.listing import listed, made_up, recorded_releases


def web(policy: dict[str, Any] | None = None, **overrides: Any) -> Image:
    return declaration(**{"releases": policy or {}, **overrides}).images[0]


def kept(image: Image, found: Listed) -> tuple[str, ...]:
    assert image.releases
    return selected(image, image.releases, found)[0]


def told(image: Image, found: Listed) -> list[str]:
    assert image.releases
    return [f"{c.what} {c.how}: {c.why}" for c in selected(image, image.releases, found)[1]]


def test_the_newest_of_a_real_package_are_kept() -> None:
    assert kept(web(), recorded_releases("uvicorn")) == (
        "0.52.2", "0.52.3", "0.52.4", "0.53.0", "0.54.0",
    )  # fmt: skip


def test_no_python_is_left_without_a_release() -> None:
    image = web(package="gunicorn", pythons=["3.9", "3.13"], versions=["23.0.0"])
    found = recorded_releases("gunicorn")
    assert kept(image, found) == ("23.0.0", "26.1.0", "26.2.0", "27.0.0", "27.0.1")
    assert told(web(package="gunicorn", pythons=["3.9", "3.13"], versions=["27.0.1"]), found)[
        0
    ] == ("23.0.0 comes: the newest for Python 3.9")


def test_pythons_come_before_the_limit() -> None:
    found = listed(
        made_up("uvicorn", "1.0.0", requires="<3.10"),
        made_up("uvicorn", "2.0.0", "2.1.0", requires="<3.12"),
        made_up("uvicorn", "3.0.0", requires=">=3.12"),
    )
    image = web({"max-versions": 1}, pythons=["3.9", "3.11", "3.13"], versions=["1.0.0"])
    assert kept(image, found) == ("2.1.0", "3.0.0")
    assert told(image, found) == [
        "2.1.0 comes: the newest for Python 3.9, 3.11",
        "3.0.0 comes: the newest",
        "1.0.0 leaves: newer ones take its place",
    ]


def test_order_is_that_of_pep_440() -> None:
    found = listed(made_up("uvicorn", "1.9", "1.10.0", "1.10.0.1", "1.10.0.post1", "1.2.3.4"))
    assert kept(web({"max-versions": 3}), found) == ("1.10.0", "1.10.0.post1", "1.10.0.1")


@pytest.mark.parametrize(
    ("declared", "order"),
    [
        (["1.0.0", "1.1.0"], ("1.0.0", "1.1.0", "1.2.0")),
        (["1.1.0", "1.0.0"], ("1.2.0", "1.1.0", "1.0.0")),
        (["1.2.0", "1.0.0"], ("1.2.0", "1.1.0", "1.0.0")),
        (["1.0.0"], ("1.0.0", "1.1.0", "1.2.0")),
    ],
)
def test_the_declared_order_goes_on(declared: list[str], order: tuple[str, ...]) -> None:
    assert kept(web(versions=declared), listed(made_up("uvicorn", *sorted(order)))) == order


def test_what_stands_in_no_order_keeps_its_place() -> None:
    found = listed(made_up("uvicorn", "1.0.0", "1.1.0", "1.2.0", "1.3.0"))
    image = web(versions=["1.1.0", "1.3.0", "1.0.0"])
    assert kept(image, found) == ("1.1.0", "1.3.0", "1.0.0", "1.2.0")


def test_pre_releases_come_where_that_is_said() -> None:
    found = listed(made_up("uvicorn", "1.0.0", "1.1.0rc1", "1.1.0.dev2"))
    assert kept(web(), found) == ("1.0.0",)
    assert kept(web({"include-prereleases": True}), found) == ("1.0.0", "1.1.0.dev2", "1.1.0rc1")


def test_every_departure_says_why() -> None:
    found = listed(
        made_up("uvicorn", "1.0.0", "1.1.0", "1.2.0rc1", "1.5.0", "2.0.0"),
        made_up("uvicorn", "1.3.0", yanked=True),
        made_up("uvicorn", "1.4.0", requires=">=3.14"),
    )
    image = web(
        {"max-versions": 2, "exclude-versions": ["1.1.0"]},
        versions=["0.9.0", "1.0.0", "1.1.0", "1.2.0rc1", "1.3.0", "1.4.0"],
    )
    assert told(image, found) == [
        "1.5.0 comes: one of the 2 newest releases",
        "2.0.0 comes: one of the 2 newest releases",
        "0.9.0 leaves: the index lists it no more",
        "1.0.0 leaves: newer ones take its place",
        "1.1.0 leaves: exclude-versions names it",
        "1.2.0rc1 leaves: it is a pre-release",
        "1.3.0 leaves: it was yanked",
        "1.4.0 leaves: it installs on no declared Python",
    ]


@pytest.mark.parametrize("unnameable", ["1!2.0.0", "2.0.0+local", f"2.{'0' * 9}1.{'9' * 120}"])
def test_what_no_tag_can_name_is_left_aside(unnameable: str) -> None:
    assert kept(web(), listed(made_up("uvicorn", "1.0.0", unnameable))) == ("1.0.0",)


def test_a_version_in_the_form_of_a_pointer_is_left_aside() -> None:
    found = listed(made_up("uvicorn", "1.0.0", "2.0", "3"))
    assert kept(web(), found) == ("1.0.0",)
    assert kept(web(pointers={"LATEST": "remove"}), found) == ("1.0.0", "2.0", "3")


@pytest.mark.parametrize(
    "found",
    [
        listed(made_up("uvicorn", "1.0.0rc1", "1.0.0a2")),
        listed(made_up("uvicorn", "1.0.0", yanked=True)),
        listed(made_up("uvicorn", "1.0.0", requires="<3")),
    ],
)
def test_where_nothing_can_be_taken_nothing_is(found: Listed) -> None:
    with pytest.raises(
        DiscoveryError, match=r"(?s)none of them can be taken.*images\.web\.releases"
    ):
        kept(web(), found)


def test_an_index_without_most_of_what_is_declared_is_refused() -> None:
    declared = [f"1.{n}.0" for n in range(5)]
    note_missing(web(versions=declared), listed(made_up("uvicorn", *declared[2:])))
    note_missing(web(versions=declared[1:]), listed(made_up("uvicorn", *declared[3:])))
    with pytest.raises(
        DiscoveryError, match=r"lists 2 releases .* lacks 1\.0\.0, 1\.1\.0, 1\.2\.0"
    ):
        note_missing(web(versions=declared), listed(made_up("uvicorn", *declared[3:])))


def test_what_was_yanked_is_not_missing() -> None:
    note_missing(web(versions=["1.0.0"]), listed(made_up("uvicorn", "1.0.0", yanked=True)))


def test_a_new_python_needs_a_release_that_allows_it() -> None:
    found = listed(
        made_up("uvicorn", "1.0.0", requires="<3.14"),
        made_up("uvicorn", "1.1.0", requires="<3.15"),
        made_up("uvicorn", "1.2.0rc1"),
    )
    assert has_release(web(versions=["1.0.0"]), "3.14", found)
    assert not has_release(web(versions=["1.0.0"]), "3.15", found)
    by_hand = web(versions=["1.0.0"], releases="by hand")
    assert not has_release(by_hand, "3.14", found), "no other version will come by itself"
    assert has_release(by_hand, "3.13", found)


NOW = datetime(2026, 11, 28, tzinfo=UTC)
COOLDOWN = cooldown_of(7, NOW)


def with_fresh(*versions: str, days: int = 1) -> Listed:
    """1.0.0 of long ago, and younger ``versions``."""
    then = NOW - timedelta(days=days)
    young = [replace(one, uploaded=then) for one in made_up("uvicorn", *versions)]
    return listed(made_up("uvicorn", "1.0.0"), young)


def over(image: Image, found: Listed) -> list[str]:
    assert image.releases
    changes = passed_over(image, image.releases, found, COOLDOWN, lambda _: "")
    return [f"{c.what} {c.how}: {c.why}" for c in changes]


def test_a_fresh_release_waits_and_that_is_told() -> None:
    image, found = web(versions=["1.0.0"]), with_fresh("1.1.0", "1.2.0")
    assert COOLDOWN
    assert kept(image, COOLDOWN.aged(found, image.versions)) == ("1.0.0",)
    assert over(image, found) == ["1.2.0 waits: it was uploaded less than 7 days ago"]
    assert over(image, with_fresh("1.1.0", days=8)) == []


def test_a_fresh_release_that_is_declared_stays() -> None:
    image, found = web(versions=["1.0.0", "1.1.0"]), with_fresh("1.1.0", "1.2.0")
    assert COOLDOWN
    assert kept(image, COOLDOWN.aged(found, image.versions)) == ("1.0.0", "1.1.0")


def test_a_fresh_file_makes_no_old_release_installable() -> None:
    old, late = made_up("uvicorn", "1.1.0", requires=">=3.12")
    late = replace(late, requires_python="", uploaded=NOW)
    found = listed(made_up("uvicorn", "1.0.0"), [old, late])
    assert COOLDOWN
    assert kept(web(versions=["1.0.0"]), COOLDOWN.aged(found, ["1.0.0"])) == ("1.0.0",)


def test_an_index_without_times_names_the_setting() -> None:
    undated = [replace(one, uploaded=None) for one in made_up("uvicorn", "1.0.0")]
    assert COOLDOWN
    with pytest.raises(PackageIndexError, match="fleet:cooldown-days goes by that"):
        COOLDOWN.aged(listed(undated), [])


def test_a_release_without_a_wheel_is_passed_over_and_that_is_told() -> None:
    sources = [one for one in made_up("uvicorn", "1.1.0") if one.name.endswith(".tar.gz")]
    found = listed(made_up("uvicorn", "1.0.0"), sources)
    image = web(versions=["1.0.0"])
    assert kept(image, found) == ("1.0.0",)
    assert over(image, found) == [
        "1.1.0 is passed over: it has no wheel, and from-source does not name uvicorn"
    ]
    allowed = web({}, versions=["1.0.0"], **{"from-source": ["Uvicorn"]})
    assert kept(allowed, found) == ("1.0.0", "1.1.0")
    assert kept(web(versions=["1.1.0"]), found) == ("1.0.0", "1.1.0"), "what is declared stays"


def test_a_version_that_a_pointer_is_pinned_to_does_not_leave_for_being_old() -> None:
    pin = {"to": "0.33.0", "because": "an example", "until": "2026-12-31"}
    pinned = web({"max-versions": 2}, pins={"py3.11-slim-LATEST": pin})
    found = recorded_releases("uvicorn")
    assert "0.33.0" not in kept(web({"max-versions": 2}), found)
    assert set(kept(pinned, found)) == {"0.33.0", *kept(web({"max-versions": 2}), found)}


@pytest.mark.parametrize(("today", "over"), [("2026-12-31", 0), ("2027-01-01", 1)])
def test_a_pin_that_is_over_is_proposed_to_leave(today: str, over: int) -> None:
    pin = {"to": "0.33.0", "because": "an example", "until": "2026-12-31"}
    found = list(ended_pins([web(pins={"py3.11-slim-LATEST": pin})], today))
    why = "its pin to 0.33.0 ended on 2026-12-31 (an example)"
    assert [(each.what, each.why) for each in found] == [("py3.11-slim-LATEST", why)] * over
