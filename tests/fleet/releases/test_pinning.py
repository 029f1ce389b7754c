"""Pins of images that build on one another, and what is said where they do not fit."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.lock.model import Lock
from fleet.releases.lock.locking import completed
from fleet.releases.lock.requirements import Resolution, Wanted
from fleet.releases.lock.uv import NoWheelError, ResolutionError
from fleet.releases.sources import Refresh
from tests.fleet.examples import config, gaps, image
from tests.fleet.releases.outside import Outside, file

BELOW = {"package": "gunicorn", "requires": [], "versions": ["22.0.0", "23.0.0"]}
ABOVE = {"requires": ["uvicorn-worker"], "versions": ["0.34.0"], "builds-on": "below"}
SAME: dict[str, Any] = {"package": "gunicorn", "requires": [], "versions": ["22.0.0"]}
BRINGS = {"uvicorn-worker": ("gunicorn==25.0.0",), "gunicorn": ("packaging==26.0",)}
KEY = ("above", "3.11", "0.34.0")


def family(below: dict[str, Any] | None = None, **above: Any) -> Declaration:
    """Two images, the one that builds on the other declared first."""
    images = {"above": image(**{**ABOVE, **above}), "below": image(**{**BELOW, **(below or {})})}
    return parse(config(images=images))


def locked(
    declared: Declaration, held: Lock | None = None, again: Refresh | None = None, **outside: Any
) -> tuple[Lock, Outside]:
    world = Outside(**{"brings": BRINGS, **outside})
    if held:
        world.list(held)
    return completed(held or Lock(), declared, world.sources(), again or Refresh()), world


def test_an_image_agrees_with_the_one_it_is_built_on() -> None:
    declared = family()
    lock, world = locked(declared)
    assert lock.pins[KEY] == ("gunicorn==23.0.0", "uvicorn-worker==9.0.0", "uvicorn==0.34.0")
    assert world.wanted[-1].within == ("gunicorn==23.0.0", "packaging==26.0")
    assert gaps(declared, lock) == []


def test_a_yanked_version_is_not_built_on() -> None:
    lock, _ = locked(family(), withdrawn=("23.0.0",))
    assert "gunicorn==22.0.0" in lock.pins[KEY]


def test_a_moved_image_below_has_those_on_it_resolved_again() -> None:
    lock, _ = locked(family())
    again, world = locked(family({"versions": ["22.0.0", "23.0.0", "24.0.0"]}), lock)
    assert "gunicorn==24.0.0" in again.pins[KEY]
    assert [wanted.requirements[0] for wanted in world.wanted] == [
        "gunicorn==24.0.0", "uvicorn==0.34.0",
    ]  # fmt: skip


def test_an_image_below_that_moved_in_nothing_held_above_resolves_nothing_there() -> None:
    lock, _ = locked(family())
    more = {**BRINGS, "gunicorn": ("packaging==27.0",)}
    again, world = locked(family(), lock, Refresh(newest=frozenset({"below"})), brings=more)
    assert "packaging==27.0" in again.pins[("below", "3.11", "23.0.0")]
    assert [wanted.requirements for wanted in world.wanted] == [
        ("gunicorn==22.0.0",), ("gunicorn==23.0.0",),
    ]  # fmt: skip


def test_a_changed_condition_has_every_python_resolved_again() -> None:
    both = {"pythons": ["3.11", "3.12"]}
    lock, _ = locked(family({"requires": ["h11"], **both}, **both))
    declared = family({"requires": ["h11<9"], **both}, **both)
    (problem,) = gaps(declared, lock)
    assert problem.what == (
        "the lock has no gunicorn, h11<9 for 22.0.0, 23.0.0 on Python 3.11, 3.12"
    )
    made, _ = locked(declared, lock)
    below = [pins for key, pins in made.pins.items() if key[0] == "below"]
    assert ["h11==8.0.0" in pins for pins in below] == [True] * 4
    assert gaps(declared, made) == []


def test_a_lock_outside_of_a_condition_is_told_and_made_again() -> None:
    declared = family(requires=["h11<9"])
    lock, _ = locked(declared)
    pins = tuple(pin.replace("h11==8.0.0", "h11==9.0.0") for pin in lock.pins[KEY])
    merged = replace(lock, pins={**lock.pins, KEY: pins})
    assert pins != lock.pins[KEY]
    assert [(problem.path, problem.what, problem.remedy) for problem in gaps(declared, merged)] == [
        ("fleet:images.above", "the lock has no uvicorn, h11<9 for 0.34.0 on Python 3.11",
         "Run `make lock STACK=dev`"),
    ]  # fmt: skip
    assert locked(declared, merged)[0] == lock


def test_a_condition_below_holds_what_is_built_on_it() -> None:
    declared = family({"requires": ["h11<9"]}, requires=["h11"])
    lock, _ = locked(declared)
    assert "h11==8.0.0" in lock.pins[KEY]
    assert gaps(declared, lock) == []


def test_a_condition_that_the_image_below_breaks_names_both_places() -> None:
    with pytest.raises(ResolutionError) as failure:
        locked(family({"requires": ["h11"]}, requires=["h11<9"]))
    told = str(failure.value)
    assert told.startswith("above: uvicorn==0.34.0, h11<9 on Python 3.11: h11<9 does not fit.")
    assert told.endswith(
        "NEWEST=below`, correct the condition in fleet:images.above.requires, or declare it for "
        "below as well"
    )


def test_a_condition_that_no_release_meets_names_its_place() -> None:
    with pytest.raises(ResolutionError) as failure:
        locked(family({"requires": ["h11<1"]}))
    told = str(failure.value)
    assert told.startswith("below: gunicorn==22.0.0, h11<1 on Python 3.11: h11<1 does not fit.")
    assert "correct the condition in fleet:images.below.requires, or wait" in told


def test_what_is_asked_of_one_machine_below_binds_every_machine_above() -> None:
    marked = "packaging==26.0 ; platform_machine == 'armv7l'"
    _, world = locked(family(), brings={"gunicorn": (marked,)})
    assert world.wanted[-1].within == ("gunicorn==23.0.0", "packaging==26.0")


def test_what_differs_by_machine_below_binds_each_machine_above() -> None:
    marked = tuple(
        f"packaging=={version} ; platform_machine == '{machine}'"
        for version, machine in (("26.0", "armv7l"), ("27.0", "x86_64"))
    )
    lock, world = locked(family(requires=["packaging"]), brings={"gunicorn": marked})
    assert world.wanted[-1].within == ("gunicorn==23.0.0", *marked)
    _, again = locked(family(requires=["packaging"]), lock, brings={"gunicorn": marked})
    assert again.wanted == []


def test_what_fits_no_further_names_both_images_and_the_way_out() -> None:
    with pytest.raises(ResolutionError) as failure:
        locked(family(), unsolvable="uvicorn-worker")
    told = str(failure.value)
    assert told.startswith("above: uvicorn==0.34.0, uvicorn-worker on Python 3.11: uvicorn-worker")
    assert "It is built on below and has to agree" in told
    assert "gunicorn==23.0.0, packaging==26.0" in told
    assert "make lock STACK=… NEWEST=below" in told


def test_what_fits_nowhere_blames_no_other_image() -> None:
    with pytest.raises(ResolutionError, match=r"^below: gunicorn==22\.0\.0 on") as failure:
        locked(family(), unsolvable="gunicorn==22.0.0")
    assert "built on" not in str(failure.value)


def test_an_extra_that_is_not_there_blames_no_other_image() -> None:
    with pytest.raises(ResolutionError) as failure:
        locked(family(requires=["gunicorn[nope]"]), no_extra="gunicorn[nope]")
    told = str(failure.value)
    assert told.startswith("above: uvicorn==0.34.0, gunicorn[nope] on Python 3.11: gunicorn[nope]")
    assert "built on" not in told


def test_what_the_image_below_holds_is_not_compiled_again() -> None:
    compiling = {"gunicorn": ("setuptools",), "uvicorn-worker": ("setuptools",)}
    lock, _ = locked(family(), sdist_only=compiling)
    assert lock.tools[("below", "3.11")].compiled["linux/arm/v7 glibc"] == (
        "gunicorn==22.0.0", "gunicorn==23.0.0",
    )  # fmt: skip
    assert lock.tools[("above", "3.11")].compiled["linux/arm/v7 glibc"] == (
        "uvicorn-worker==9.0.0",
    )
    assert lock.files["setuptools==9.0.0"] == (file("setuptools==9.0.0").address,)


def test_two_versions_of_one_package_do_not_fit_and_the_image_below_is_named() -> None:
    with pytest.raises(ResolutionError, match=r"above: gunicorn==22\.0\.0 on.*built on below"):
        locked(family(**SAME))


def test_what_was_yanked_below_leaves_another_version_to_be_built_on() -> None:
    lock, _ = locked(family(**SAME), withdrawn=("23.0.0",))
    assert "gunicorn==22.0.0" in lock.pins[("above", "3.11", "22.0.0")]


def test_what_has_no_wheel_names_the_key_that_allows_it() -> None:
    def refuse(wanted: Wanted) -> Resolution:
        assert wanted.from_source == ("other",), "what the image below allows counts as well"
        raise NoWheelError("alone==1.0 has no usable wheels", ("alone",))

    declared = family({"from-source": ["Other"]})
    sources = replace(Outside(brings=BRINGS).sources(), distributions=refuse)
    with pytest.raises(ResolutionError) as failure:
        completed(Lock(), declared, sources, Refresh())
    told = str(failure.value)
    assert told.startswith("below: gunicorn==22.0.0 on Python 3.11: alone==1.0 has no usable")
    assert "write `from-source: [alone]` in fleet:images.below" in told


def test_a_newer_release_without_a_wheel_is_noted_once_something_was_resolved() -> None:
    newer = (file("gunicorn==9.1.0", "tar.gz"), file("gunicorn==9.0.0"))
    world = Outside()
    sources = replace(world.sources(), files=lambda n: newer if n == "gunicorn" else world.files(n))
    declared = parse(config(images={"web": image()}))
    lock = completed(Lock(), declared, sources, Refresh())
    note = "gunicorn 9.1.0 has no wheel and is passed over; 9.0.0 is taken. "
    assert {text[: len(note)] for text in world.noted} == {note}
    world.noted.clear()
    completed(lock, declared, sources, Refresh())
    assert world.noted == []
    held = parse(config(images={"web": image(requires=["gunicorn<9.1"])}))
    completed(Lock(), held, sources, Refresh())
    assert world.noted == [], "a condition keeps it out, and no wheel would bring it"
    allowed = parse(config(images={"web": image(**{"from-source": ["Gunicorn"]})}))
    completed(Lock(), allowed, sources, Refresh())
    assert world.noted == [], "the key is there: the resolver says why a release is not taken"
