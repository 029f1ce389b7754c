"""What moved from one lock to the next."""

from dataclasses import replace

from fleet.lock.model import Lock, Tools
from fleet.releases.lock.changes import Move, moves_between
from tests.fleet.examples import DIGEST, INSTALLER, OTHER_DIGEST, base, wheel

PINS = {("web", "3.11", "1.0"): ("a==1", "b==1"), ("web", "3.12", "1.0"): ("a==1", "b==1")}


def test_the_same_lock_moves_nothing() -> None:
    lock = Lock(
        pins=PINS, bases={"3.11-slim": base()}, yanked={"a": ("1",)}, installer=INSTALLER,
        files={"a==1": (wheel("a==1"),)},
    )  # fmt: skip
    moves = moves_between(lock, lock)
    assert not any(vars(moves).values())


def test_distributions_are_told_once_for_all_pythons() -> None:
    new = {("web", "3.11", "1.0"): ("a==2", "c==1"), ("web", "3.12", "1.0"): ("a==2", "b==1")}
    assert moves_between(Lock(pins=PINS), Lock(pins=new)).distributions == (
        Move("web, Python 3.11, 3.12", "a", "1", "2"),
        Move("web, Python 3.11", "b", "1", ""),
        Move("web, Python 3.11", "c", "", "1"),
    )


def test_what_is_new_was_resolved() -> None:
    new = {**PINS, ("web", "3.11", "2.0"): ("a==9",), ("web", "3.12", "2.0"): ("a==9",)}
    moves = moves_between(Lock(pins=PINS), Lock(pins=new))
    assert moves.resolved == {("web", "2.0"): ("3.11", "3.12")}
    assert moves.distributions == ()


def test_bases_move_by_platform() -> None:
    old = base()
    moved = base(OTHER_DIGEST)
    arm = {**old.platforms, "linux/arm/v7": OTHER_DIGEST}
    one = Lock(bases={"3.11-slim": old}, builders={"3.11": old})
    other = Lock(
        bases={"3.11-slim": moved}, builders={"3.11": moved, "3.12": base(name="docker.io/p:3.12")}
    )
    name = "docker.io/library/python:3.11-slim"
    assert moves_between(one, other).bases == (
        Move(name, "linux/amd64", DIGEST, OTHER_DIGEST),
        Move(name, "linux/arm/v7", DIGEST, OTHER_DIGEST),
        Move("docker.io/p:3.12", "linux/amd64", "", DIGEST),
        Move("docker.io/p:3.12", "linux/arm/v7", "", DIGEST),
    )
    alone = Lock(bases={"3.11-slim": replace(old, platforms=arm)})
    assert [move.what for move in moves_between(one, alone).bases] == ["linux/arm/v7"]


def test_what_was_yanked_since_is_told_of_packages_that_were_known() -> None:
    old, new = Lock(yanked={"a": ("1",)}), Lock(yanked={"a": ("1", "2"), "b": ("3",)})
    assert moves_between(old, new).yanked == {"a": ("2",)}


def test_tools_are_told_where_they_changed() -> None:
    none = Tools(pins=(), compiled={})
    old = Lock(tools={("web", "3.11"): none, ("web", "3.12"): none})
    new = Lock(tools={("web", "3.11"): none, ("web", "3.12"): Tools(pins=("c==1",), compiled={})})
    assert moves_between(old, new).tools == {"web": ("3.12",)}


def test_other_files_of_a_version_that_stays_are_told() -> None:
    pure, special = wheel("a==1"), wheel("a==1", "cp311-cp311-manylinux2014_x86_64.whl")
    was, becomes = (f"{pure.partition('#')[0]}#sha256={letter * 64}" for letter in "ab")
    mirrored = pure.replace("files.example", "mirror.example")
    old = Lock(files={"a==1": (was,), "b==1": (pure,), "c==1": (pure,), "gone==1": (pure,)})
    new = Lock(files={"a==1": (becomes,), "b==1": (pure, special), "c==1": (mirrored,)})
    name = "a-1-py3-none-any.whl"
    assert moves_between(old, new).files == (
        Move("a==1", name, f"sha256={'a' * 64}", f"sha256={'b' * 64}"),
        Move("b==1", special.partition("#")[0].rpartition("/")[2], "", special.partition("#")[2]),
        Move("c==1", name, pure, mirrored),
    )


def test_another_installer_is_told() -> None:
    old, new = (Lock(installer=f"installer=={version}") for version in ("0.6.0", "0.7.0"))
    assert moves_between(old, new).installer == ("installer==0.6.0", "installer==0.7.0")
    assert moves_between(old, old).installer is None
    assert moves_between(Lock(), new).installer is None
