"""The resolver with a cooldown and with what has no wheel: uv itself, on an index on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet.releases.lock.requirements import Resolution, Wanted
from fleet.releases.lock.resolver import Resolver
from fleet.releases.lock.uv import NoWheelError, ResolutionError
from fleet.releases.pypi.index import cooldown_of
from fleet.releases.pypi.pypi import PackageIndexError
from tests.fleet.releases.simple import Simple, serving

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FRESH = {"upload-time": "2026-11-25T00:00:00Z"}
FRESHER = {"upload-time": "2026-11-27T00:00:00Z"}
UNDATED = {"upload-time": None}


@dataclass
class World:
    """An index, and what the resolver noted."""

    index: Simple
    noted: list[str] = field(default_factory=list)

    def resolve(self, *requirements: str, days: int = 7, **options: Any) -> Resolution:
        resolver = Resolver(
            index=self.index.url,
            cooldown=cooldown_of(days, NOW),
            files=self.index.listed,
            metadata=self.index.stated,
            note=self.noted.append,
        )
        return resolver(Wanted(requirements=requirements, python="3.12", **options))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving() as index:
        index.wheel("dep", "1.0")
        index.wheel("dep", "1.1", about=FRESH)
        index.wheel("dep", "1.2", about=FRESHER)
        index.wheel("top", "1.0", "dep")
        yield World(index)


def test_what_is_fresh_is_not_taken_yet(world: World) -> None:
    assert world.resolve("top").pins == ("dep==1.0", "top==1.0")
    assert world.resolve("top", days=0).pins == ("dep==1.2", "top==1.0")
    assert world.noted == []


@pytest.mark.parametrize("how", ["near", "allowed", "within"])
def test_what_is_held_never_goes_back_and_brings_nothing_fresher(world: World, how: str) -> None:
    found = world.resolve("top", days=7, **{how: ("dep==1.1",)})
    assert found.pins == ("dep==1.1", "top==1.0")


def test_a_release_that_is_declared_passes_and_is_noted(world: World) -> None:
    assert world.resolve("dep==1.1", "top").pins == ("dep==1.1", "top==1.0")
    assert len(world.noted) == 1
    assert world.noted[0].startswith("dep==1.1 was uploaded less than 7 days ago. It is taken")


def test_a_release_is_declared_whatever_zeros_it_is_written_with(world: World) -> None:
    assert world.resolve("dep==1.1.0", "top").pins == ("dep==1.1", "top==1.0")
    assert len(world.noted) == 1


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("dep<1.2", "1.1"),
        ("Dep[some] >= 1.0, != 1.2", "1.1"),
        ("dep~=1.0,<1.1", "1.0"),
        ("dep==1.*", "1.2"),
    ],
)
def test_a_condition_holds_a_release_back_for_every_machine(
    world: World, asked: str, version: str
) -> None:
    world.index.wheel("arm", "1.0", "dep ; platform_machine == 'armv7l'")
    for one in ("1.0", "1.1", "1.2"):
        world.index.wheel("dep", one, extras={"some": "top"})
    found = world.resolve("arm", asked, days=0, near=("dep==1.2",))
    assert [pin for pin in found.pins if pin.startswith("dep")] == [f"dep=={version}"]


def test_a_condition_waits_like_all_that_is_not_named(world: World) -> None:
    assert "dep==1.0" in world.resolve("dep<1.2").pins
    with pytest.raises(ResolutionError, match=r"dep>=1\.1"):
        world.resolve("dep>=1.1")


def test_a_condition_brings_older_releases_without_a_wheel(world: World) -> None:
    for version in ("1.0", "1.1", "1.2", "1.3", "1.4"):
        world.index.sdist("slow", version, metadata="2.2")
    assert world.resolve("slow<1.2", from_source=("slow",)).pins == ("slow==1.1",)


def test_what_builds_is_held_back_whatever_it_asks_for(world: World) -> None:
    with pytest.raises(ResolutionError, match="dep"):
        world.resolve("dep==1.1", upstream=True)


def test_a_late_file_of_an_old_release_does_not_count(world: World) -> None:
    world.index.sdist("dep", "1.0", about=FRESH)
    assert len(world.resolve("dep").hashes["dep==1.0"]) == 1
    assert len(world.resolve("dep", days=0, near=("dep==1.0",)).hashes["dep==1.0"]) == 2


def test_what_was_yanked_within_the_cooldown_never_enters(world: World) -> None:
    world.index.wheel("dep", "1.3", about={"yanked": "malicious"})
    assert "dep==1.0" in world.resolve("top").pins
    assert "dep==1.2" in world.resolve("top", days=0).pins


def test_an_index_without_times_is_an_error_that_names_the_setting(world: World) -> None:
    world.index.wheel("undated", "1.0", about=UNDATED)
    world.index.wheel("other", "1.0", "undated")
    with pytest.raises(ResolutionError, match=r"does not say when undated-1\.0.*fleet:cooldown-d"):
        world.resolve("other")
    with pytest.raises(PackageIndexError, match=r"does not say when undated-1\.0.*fleet:cooldown"):
        world.resolve("undated==1.0")
    assert "undated==1.0" in world.resolve("other", days=0).pins


@pytest.mark.parametrize("days", [0, 7])
def test_what_has_no_wheel_is_named_and_what_it_states_is_read_on_request(
    world: World, tmp_path: Path, days: int
) -> None:
    ran = tmp_path / "ran"
    world.index.sdist("alone", "1.0", "dep", metadata="2.2", marker=str(ran))
    world.index.wheel("needy", "1.0", "alone")
    with pytest.raises(NoWheelError, match=r"alone.* has no usable wheels") as failure:
        world.resolve("needy", days=days)
    assert failure.value.names == ("alone",)
    found = world.resolve("needy", days=days, from_source=("Alone",))
    dep = "dep==1.0" if days else "dep==1.2"
    assert found.pins == ("alone==1.0", dep, "needy==1.0")
    assert found.hashes["alone==1.0"] == (world.index.listed("alone")[0].sha256,)
    assert not ran.exists()


def test_a_fresh_release_without_a_wheel_waits_too(world: World) -> None:
    world.index.sdist("alone", "1.0", metadata="2.2")
    world.index.sdist("alone", "1.1", metadata="2.2", about=FRESH)
    assert world.resolve("alone", from_source=("alone",)).pins == ("alone==1.0",)
    found = world.resolve("alone", from_source=("alone",), near=("alone==1.1",))
    assert found.pins == ("alone==1.1",)


def test_fresh_releases_without_a_wheel_do_not_hide_the_one_before_them(world: World) -> None:
    world.index.sdist("slow", "1.0", metadata="2.2")
    for version in ("1.1", "1.2", "1.3", "1.4"):
        world.index.sdist("slow", version, metadata="2.2", about=FRESH)
    assert world.resolve("slow", from_source=("slow",)).pins == ("slow==1.0",)
    held = world.resolve("slow", from_source=("slow",), near=("slow==1.2",))
    assert held.pins == ("slow==1.2",)


def test_a_release_that_can_not_be_asked_is_passed_over_and_that_is_told(world: World) -> None:
    world.index.sdist("open", "1.0", metadata="2.1")
    with pytest.raises(NoWheelError, match=r"open-1\.0\.tar\.gz: .*only known to its bui") as e:
        world.resolve("open", from_source=("open",))
    assert "offer a wheel of it on an index of your own (fleet:index)" in str(e.value)
    assert e.value.names == (), "the key that allows it is there"
    world.index.wheel("open", "0.9")
    world.index.sdist("open", "0.8", metadata="2.1")
    assert world.resolve("open", from_source=("open",)).pins == ("open==0.9",)
    (noted,) = world.noted
    assert noted.startswith("open 1.0 is passed over, 0.9 is taken. open-1.0.tar.gz: its re")
