"""What installs wheels: the newest that runs on every Python, and held for as long as it does."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.lock.model import Lock
from fleet.releases.lock.locking import completed
from fleet.releases.pypi.index import cooldown_of
from fleet.releases.pypi.pypi import File, PackageIndexError
from fleet.releases.sources import Refresh
from tests.fleet.examples import declaration
from tests.fleet.releases.outside import Outside, file

OLD, NEW = (file(f"installer=={version}") for version in ("0.6.0", "0.7.0"))
TODAY = datetime(2026, 1, 8, tzinfo=UTC)


def locked(
    *listed: File, held: Lock | None = None, again: bool = False, days: int = 0, **declared: Any
) -> tuple[Lock, Outside]:
    world = Outside()
    if held:
        world.list(held)
    sources = replace(
        world.sources(),
        files=lambda name: listed if name == "installer" else world.files(name),
        cooldown=cooldown_of(days, TODAY),
    )
    refresh = Refresh(installer=again)
    return completed(held or Lock(), declaration(**declared), sources, refresh), world


def test_the_newest_final_release_with_a_wheel_is_taken() -> None:
    pre = file("installer==1.0.0rc1")
    alone = file("installer==0.9.0", "tar.gz")
    gone = replace(file("installer==0.8.0"), yanked=True)
    special = file("installer==0.7.5", "cp311-cp311-manylinux2014_x86_64.whl")
    lock, world = locked(OLD, NEW, pre, alone, gone, special)
    assert lock.installer == "installer==0.7.0"
    assert lock.files[lock.installer] == (NEW.address,)
    assert "looking for what installs wheels" in world.said


def test_one_that_every_python_runs_is_taken() -> None:
    new = replace(NEW, requires_python=">=3.12")
    assert locked(OLD, new, pythons=["3.11", "3.12"])[0].installer == "installer==0.6.0"
    assert locked(OLD, new, pythons=["3.12"])[0].installer == "installer==0.7.0"
    text = r"lists no release of installer.* wheel for Python 3\.11, 3\.12\.\nOffer one"
    with pytest.raises(PackageIndexError, match=text):
        locked(new, pythons=["3.11", "3.12"])


def test_it_is_held_until_it_is_asked_for_or_runs_no_further() -> None:
    lock, _ = locked(OLD)
    same, world = locked(OLD, NEW, held=lock)
    assert (same, world.said) == (lock, [])
    assert locked(OLD, NEW, held=lock, again=True)[0].installer == "installer==0.7.0"
    pythons = ["3.11", "3.12"]
    assert locked(OLD, NEW, held=lock, pythons=pythons)[0].installer == "installer==0.6.0"
    only = replace(OLD, requires_python="<3.12")
    assert locked(only, NEW, held=lock, pythons=pythons)[0].installer == "installer==0.7.0"


def test_a_fresh_one_waits_for_the_cooldown_and_one_that_is_held_does_not() -> None:
    fresh = replace(NEW, uploaded=datetime(2026, 1, 7, tzinfo=UTC))
    assert locked(OLD, fresh, days=7)[0].installer == "installer==0.6.0"
    lock, _ = locked(OLD, fresh)
    assert lock.installer == "installer==0.7.0"
    more, _ = locked(OLD, fresh, held=lock, days=7, pythons=["3.11", "3.12"])
    assert more.installer == "installer==0.7.0"


def test_an_index_without_it_says_what_it_is_for() -> None:
    world = Outside()

    def files(name: str) -> tuple[File, ...]:
        if name == "installer":
            raise PackageIndexError("https://index.test can't be asked about installer: 404")
        return world.files(name)

    with pytest.raises(PackageIndexError, match=r"404\. installer installs every image"):
        completed(Lock(), declaration(), replace(world.sources(), files=files), Refresh())
