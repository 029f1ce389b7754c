"""Whether a release is pure Python, by recorded file lists and made-up ones."""

from dataclasses import replace

import pytest

from releases import purity
from releases.purity import Impure, impure
from releases.pypi import File
from tests.releases.outside import Outside, file, recorded

TARGETS = ("linux/amd64 glibc", "linux/arm/v7 glibc")


def told(pin: str, *files: File, targets: tuple[str, ...] = TARGETS) -> list[Impure]:
    name = pin.partition("==")[0]
    listed = files or recorded()[name]
    sources = replace(Outside().sources(), files=lambda _: listed)
    needs = dict.fromkeys(targets, (pin,))
    return list(impure(needs, "3.11", {pin: tuple(f.sha256 for f in listed)}, sources))


@pytest.mark.parametrize("pin", ["gevent==26.9.0", "setproctitle==1.3.8", "watchfiles==1.3.0"])
def test_what_has_wheels_of_platforms_alone_is_not_pure(pin: str) -> None:
    assert told(pin) == [Impure(pin, "not pure Python")]
    assert told(pin, targets=TARGETS[1:]) == [Impure(pin, "not pure Python")]


def test_pip_takes_the_wheel_of_a_platform_before_a_pure_one() -> None:
    pure, special = file("a==1"), file("a==1", "cp311-cp311-manylinux2014_x86_64.whl")
    assert told("a==1", pure) == []
    assert told("a==1", pure, special) == [Impure("a==1", "not pure Python")]
    assert told("a==1", pure, special, targets=TARGETS[1:]) == []
    elsewhere = file("a==1", "cp311-cp311-win_amd64.whl")
    assert told("a==1", pure, elsewhere) == []


@pytest.mark.parametrize("ending", ["py3-none-any.whl", "py2.py3-none-any.whl"])
def test_a_pure_wheel_is_one_even_where_it_was_yanked(ending: str) -> None:
    wheel = replace(file("a==1", ending), yanked=True)
    assert told("a==1", wheel, file("a==1", "tar.gz")) == []


def test_what_would_have_to_be_built_first_is_told() -> None:
    why = "without a wheel, and in a pure image nothing is compiled"
    assert told("a==1", file("a==1", "tar.gz")) == [Impure("a==1", why)]


def test_files_that_the_lock_does_not_know_tell_nothing() -> None:
    sources = replace(Outside().sources(), files=lambda _: recorded()["gevent"])
    needs = {TARGETS[0]: ("gevent==26.9.0",)}
    assert list(impure(needs, "3.11", {"gevent==26.9.0": ("sha256:0",)}, sources)) == []


def test_what_is_not_pure_is_told_by_its_reason_once_for_each_image() -> None:
    gevent, other = Impure("gevent==26.9.0", "not pure Python"), Impure("a==1", "without a wheel")
    faults = {"web": (gevent, other, gevent, Impure("b==1", other.why)), "api": ()}
    (text,) = purity.told(faults)
    assert text == (
        "fleet:images.web.pure: not pure Python: gevent==26.9.0; without a wheel: a==1, b==1. "
        "Take `pure` out of fleet:images.web, or these out of it"
    )
