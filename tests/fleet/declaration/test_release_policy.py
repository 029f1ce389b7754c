"""What an image says of the releases and Pythons that it follows."""

from typing import Any

import pytest

from fleet.declaration.model import Image
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.declaration.release_policy import PythonReleases, Releases
from tests.fleet.examples import config, declaration, image


def web(**overrides: Any) -> Image:
    return declaration(**overrides).images[0]


def test_what_is_not_said_is_kept_by_hand() -> None:
    assert (web().releases, web().python_releases) == (None, None)


def test_releases_have_the_limits_of_the_contract() -> None:
    assert web(releases={}).releases == Releases(
        max_versions=5, exclude_versions=(), include_prereleases=False
    )


def test_all_that_releases_may_say_is_read() -> None:
    said = {"max-versions": 3, "exclude-versions": ["0.32.0"], "include-prereleases": True}
    assert web(releases=said).releases == Releases(
        max_versions=3, exclude_versions=("0.32.0",), include_prereleases=True
    )


@pytest.mark.parametrize(
    ("policy", "days"),
    [("never", None), ("at end of life", 0), ("90 days after end of life", 90)],
)
def test_a_python_retires_by_policy(policy: str, days: int | None) -> None:
    found = web(**{"python-releases": {"retire": policy, "add": True}}).python_releases
    assert found == PythonReleases(retire_after=days, add=True)


def test_pythons_neither_retire_nor_come_where_that_is_not_said() -> None:
    found = web(**{"python-releases": {}}).python_releases
    assert found == PythonReleases(retire_after=None, add=False)


def test_an_image_may_stay_out_of_what_the_defaults_follow() -> None:
    followed: dict[str, Any] = {"releases": {}, "python-releases": {}}
    by_hand = image(**dict.fromkeys(followed, "by hand"))
    found = parse(config(defaults=followed, images={"one": image(), "other": by_hand})).by_name
    assert found["one"].releases
    assert found["one"].python_releases
    assert (found["other"].releases, found["other"].python_releases) == (None, None)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"releases": "all"}, "releases: is the text 'all', not a mapping"),
        ({"releases": {"max-versions": 0}}, "releases.max-versions: 0 is not a whole number"),
        ({"releases": {"max-versions": 2.5}}, "releases.max-versions: 2.5 is not a whole number"),
        ({"releases": {"max_versions": 2}}, "releases.max_versions: unknown key"),
        ({"releases": {"exclude-versions": ["1!2.0"]}}, "releases.exclude-versions[0]: '1!2.0'"),
        ({"releases": {"include-prereleases": "maybe"}}, "include-prereleases: 'maybe' is neither"),
        ({"python-releases": {"retire": "soon"}}, "python-releases.retire: 'soon' is not a known"),
        ({"python-releases": {"drop": "x"}}, "python-releases.drop: unknown key"),
    ],
)
def test_a_mistake_is_named(said: dict[str, Any], path: str) -> None:
    with pytest.raises(DeclarationError) as failure:
        web(**said)
    assert path in str(failure.value)


def test_releases_wait_for_some_days_where_nobody_looks_at_what_comes_in() -> None:
    assert parse(config()).cooldown_days == 0
    assert parse(config(**{"cooldown-days": "14.0"})).cooldown_days == 14
    merging = {"repository": "multi-py/fleet", "versions": "merge"}
    assert parse(config(github=merging)).cooldown_days == 7
    assert parse(config(github={**merging, "versions": "propose"})).cooldown_days == 0
    assert parse(config(github=merging, **{"cooldown-days": 2})).cooldown_days == 2
    with pytest.raises(DeclarationError, match="fleet:cooldown-days: 0 is not a whole number"):
        parse(config(github=merging, **{"cooldown-days": 0}))


def test_an_index_is_declared_without_a_login() -> None:
    assert parse(config()).index == "https://pypi.org/simple"
    mine = "https://index.test:8443/root/simple/"
    assert parse(config(index=mine)).index == mine
    here = "http://127.0.0.1:8080/simple"
    assert parse(config(index=here)).index == here
    for wrong in ("http://index.test/simple", "https://me:secret@index.test/simple", "index.test"):
        with pytest.raises(
            DeclarationError, match=r"fleet:index: .*is not an address of a package"
        ):
            parse(config(index=wrong))


def test_distributions_without_a_wheel_are_named_in_any_spelling() -> None:
    assert web().from_source == ()
    assert web(**{"from-source": ["Zope.Interface"]}).from_source == ("zope-interface",)
