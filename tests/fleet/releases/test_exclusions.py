"""Exclusions that follow from a release's Pythons, beside those that people wrote."""

from dataclasses import replace
from typing import Any

from fleet.declaration.model import Image
from fleet.releases.discovery.exclusions import excluded
from tests.fleet.examples import declaration
from tests.fleet.releases.listing import listed, made_up

FOUND = listed(
    made_up("uvicorn", "1.0.0", requires=">=3.8"), made_up("uvicorn", "2.0.0", requires=">=3.10")
)
OLD = {"python": "3.9", "version": "2.0.0"}


def web(
    *exclude: dict[str, str], versions: tuple[str, ...] = ("1.0.0", "2.0.0"), **overrides: Any
) -> Image:
    """An image whose matrix is new already; its exclusions are checked by nobody yet."""
    pythons = overrides.pop("pythons", ("3.9", "3.11"))
    every = ["3.8", "3.9", "3.10", "3.11"]
    loose = declaration(
        exclude=list(exclude), pythons=every, versions=["0.9.0", "1.0.0", "2.0.0"], **overrides
    )
    return replace(loose.images[0], versions=versions, pythons=pythons)


def kept(image: Image) -> list[tuple[str, str, str, str]]:
    return [(e.python, e.base, e.version, e.because) for e in excluded(image, FOUND)[0]]


def told(image: Image) -> list[str]:
    return [f"{c.what} {c.how}: {c.why}" for c in excluded(image, FOUND)[1]]


def test_a_version_is_left_out_of_a_python_that_it_is_not_for() -> None:
    assert kept(web()) == [("3.9", "", "2.0.0", "needs Python 3.10")]
    assert told(web()) == ["2.0.0 on Python 3.9 is left out: needs Python 3.10"]


def test_what_is_left_out_already_stays_as_it_is() -> None:
    image = web({**OLD, "because": "needs Python 3.10"})
    assert excluded(image, FOUND) == (image.exclude, [])


def test_what_a_person_left_out_with_it_is_enough() -> None:
    for entry in (
        {**OLD, "because": "breaks"},
        {"python": "3.9", "because": "breaks"},
        {"version": "2.0.0", "because": "breaks"},
    ):
        assert excluded(web(entry), FOUND)[1] == []


def test_a_base_alone_is_not_the_whole_python() -> None:
    image = web({**OLD, "base": "slim", "because": "breaks"}, bases=["slim", "full"])
    assert kept(image) == [
        ("3.9", "slim", "2.0.0", "breaks"), ("3.9", "", "2.0.0", "needs Python 3.10"),
    ]  # fmt: skip


def test_own_ones_go_with_their_reason() -> None:
    fits = {"python": "3.11", "version": "2.0.0", "because": "needs Python 3.12"}
    wrong = {**OLD, "because": "needs Python 3.11"}
    assert kept(web(fits, wrong)) == [("3.9", "", "2.0.0", "needs Python 3.10")]
    assert told(web(fits, wrong)) == [
        "2.0.0 on Python 3.9 is left out: needs Python 3.10",
        "2.0.0 on Python 3.11 is no longer left out: the release says otherwise",
        "2.0.0 on Python 3.9 is no longer left out: the release says otherwise",
    ]


def test_own_ones_of_a_version_that_is_not_listed_stay() -> None:
    image = web(
        {"python": "3.9", "version": "0.9.0", "because": "needs Python 3.10"},
        versions=("0.9.0", "1.0.0"),
    )
    assert excluded(image, FOUND) == (image.exclude, [])


def test_what_people_wrote_goes_only_with_all_that_it_excludes() -> None:
    stays = {"python": "3.11", "version": "1.0.0", "because": "breaks on Python 3.11"}
    gone = {"version": "0.9.0", "because": "breaks"}
    retired = {"python": "3.8", "because": "breaks"}
    image = web(stays, gone, retired, versions=("1.0.0",))
    assert kept(image) == [("3.11", "", "1.0.0", "breaks on Python 3.11")]
    assert told(image) == [
        "0.9.0 is no longer left out: the version left",
        "on Python 3.8 is no longer left out: the Python left",
    ]
