"""A lock that follows what is newest, and keeps what nothing asks to move."""

from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.lock.model import Lock
from fleet.releases.lock.locking import brought_up, completed
from fleet.releases.lock.uv import ResolutionError
from fleet.releases.sources import Refresh
from tests.fleet.examples import OTHER_DIGEST, config, declaration, image
from tests.fleet.releases.outside import Outside

BRINGS = {"uvicorn": ("click==8.0",), "gunicorn": ("packaging==26.0",)}


def locked(declared: Declaration) -> tuple[Lock, Outside]:
    world = Outside(brings=BRINGS)
    lock = completed(Lock(), declared, world.sources(), Refresh())
    world.asked.clear()
    return lock, world


def brought(lock: Lock, declared: Declaration, world: Outside, **options: Any) -> Lock:
    return brought_up(lock, declared, world.sources(), **{"builders": False, **options})


def test_where_nothing_moved_the_lock_stays() -> None:
    declared = declaration()
    lock, world = locked(declared)
    assert brought(lock, declared, world) == lock
    assert "yanked uvicorn" in world.asked
    assert "docker.io/library/python:3.11-slim" in world.asked


def test_what_an_image_requires_moves_to_its_newest() -> None:
    declared = declaration(pythons=["3.11", "3.12"])
    lock, world = locked(declared)
    world.newest = "10.0.0"
    made = brought(lock, declared, world)
    assert {v for pins in made.pins.values() for v in pins if v.startswith("gunicorn")} == {
        "gunicorn==10.0.0"
    }
    assert "gunicorn==9.0.0" not in made.files
    assert brought(made, declared, world) == made


def test_what_is_held_back_stays_where_it_is_and_moves_within_its_condition() -> None:
    declared = declaration(requires=["gunicorn<10"], pythons=["3.11", "3.12"])
    lock, world = locked(declared)
    world.newest, world.older = "10.0.0", "9.0.0"
    assert brought(lock, declared, world) == lock
    world.older = "9.5.0"
    made = brought(lock, declared, world)
    assert all("gunicorn==9.5.0" in pins for pins in made.pins.values())


def test_what_is_held_back_no_more_stays_until_releases_are_looked_for() -> None:
    lock, world = locked(declaration(requires=["gunicorn<9"]))
    free = declaration(requires=["gunicorn"])
    kept = completed(lock, free, world.sources(), Refresh())
    assert "gunicorn==8.0.0" in kept.pins["web", "3.11", "0.34.0"]
    assert "gunicorn==9.0.0" in brought(kept, free, world).pins["web", "3.11", "0.34.0"]


def test_what_only_came_along_stays() -> None:
    declared = declaration()
    lock, world = locked(declared)
    world.brings = {**BRINGS, "uvicorn": ("click==9.0",)}
    assert brought(lock, declared, world) == lock


def test_what_no_longer_resolves_names_the_image() -> None:
    declared = declaration(requires=["gunicorn[gevent]"])
    lock, world = locked(declared)
    world.no_extra = "gunicorn[gevent]"
    with pytest.raises(ResolutionError, match=r"^web: uvicorn==0\.34\.0, .* on Python 3\.11: "):
        brought(lock, declared, world)


def test_an_image_that_requires_nothing_is_not_asked_about() -> None:
    declared = declaration(requires=[])
    lock, world = locked(declared)
    world.newest = "10.0.0"
    assert brought(lock, declared, world) == lock
    assert not [asked for asked in world.asked if " on " in asked]


def test_another_image_keeps_what_it_has() -> None:
    others = image(package="flask", requires=["jinja2"], versions=["3.0.0"])
    declared = parse(config(images={"web": image(), "other": others}))
    lock, world = locked(declared)
    resolve = world.distributions

    def only_gunicorn(wanted: Any) -> Any:
        world.newest = "10.0.0" if "gunicorn" in wanted.requirements else "9.0.0"
        return resolve(wanted)

    world.distributions = only_gunicorn  # type: ignore[method-assign]
    made = brought(lock, declared, world)
    assert made.pins["other", "3.11", "3.0.0"] == lock.pins["other", "3.11", "3.0.0"]
    assert "gunicorn==10.0.0" in made.pins["web", "3.11", "0.34.0"]


def test_what_an_image_below_holds_is_not_asked_to_move() -> None:
    below = image(package="gunicorn", requires=[], versions=["22.0.0"])
    above = image(**{"builds-on": "below", "requires": ["gunicorn"]})
    declared = parse(config(images={"below": below, "above": above}))
    lock, world = locked(declared)
    world.newest = "10.0.0"
    world.said.clear()
    assert brought(lock, declared, world) == lock
    assert world.said == ["looking for what above requires on Python 3.11"]


def test_bases_move_and_what_compiles_only_on_request() -> None:
    declared = declaration()
    lock, world = locked(declared)
    world.digest = OTHER_DIGEST
    made = brought(lock, declared, world)
    assert set(made.bases["3.11-slim"].platforms.values()) == {OTHER_DIGEST}
    assert made.builders == lock.builders
    assert brought(lock, declared, world, builders=True).builders["3.11"] != lock.builders["3.11"]


def test_what_was_yanked_is_known() -> None:
    declared = declaration()
    lock, world = locked(declared)
    world.withdrawn = ("0.33.0",)
    assert brought(lock, declared, world).yanked == {"uvicorn": ("0.33.0",)}
