"""Which releases have a wheel where: real ones, and the rules one at a time."""

from dataclasses import replace

import pytest

from fleet.releases.pypi.index import chosen
from fleet.releases.pypi.pypi import File
from tests.fleet.releases.outside import file, recorded

AMD64, ARM64, ARM = "linux/amd64", "linux/arm64", "linux/arm/v7"


def has(found: tuple[File, ...], python: str, platform: str, libc: str = "glibc") -> bool:
    return chosen(found, python, platform, libc) is not None


@pytest.mark.parametrize(
    ("name", "python", "platform", "libc", "there"),
    [
        ("gevent", "3.11", AMD64, "glibc", True),
        ("gevent", "3.11", ARM64, "glibc", True),
        ("gevent", "3.11", ARM, "glibc", False),
        ("gevent", "3.11", AMD64, "musl", True),
        ("gevent", "3.10", AMD64, "glibc", True),
        ("gevent", "3.10", ARM64, "glibc", False),
        ("gevent", "3.9", AMD64, "glibc", False),
        ("greenlet", "3.11", ARM, "glibc", False),
        ("cffi", "3.11", ARM, "glibc", False),
        ("watchfiles", "3.11", ARM, "glibc", True),  # abi3 of an older CPython
        ("watchfiles", "3.9", AMD64, "glibc", False),
        ("watchfiles", "3.13", ARM, "musl", False),
        ("cython", "3.11", ARM, "glibc", True),
        ("cython", "3.13", "linux/s390x", "musl", True),  # a pure one beside those of machines
        ("setuptools", "3.13", ARM, "musl", True),
        ("setuptools", "3.8", AMD64, "glibc", False),
    ],
)
def test_real_releases(name: str, python: str, platform: str, libc: str, there: bool) -> None:
    assert has(recorded()[name], python, platform, libc) is there


@pytest.mark.parametrize(
    ("ending", "there"),
    [
        ("cp312-cp312-manylinux_2_36_x86_64.whl", True),
        ("cp312-cp312-manylinux_2_37_x86_64.whl", False),
        ("cp312-cp312-manylinux1_x86_64.whl", True),
        ("cp312-cp312-linux_x86_64.whl", True),
        ("cp312-cp312-manylinux_2_17_aarch64.whl", False),
        ("cp312-cp312t-manylinux_2_17_x86_64.whl", False),
        ("cp312-cp312-musllinux_1_2_x86_64.whl", False),
        ("cp311-abi3-manylinux2014_x86_64.whl", True),
        ("cp313-abi3-manylinux2014_x86_64.whl", False),
        ("cp311-cp311-manylinux2014_x86_64.whl", False),
        ("pp312-pypy312_pp73-manylinux2014_x86_64.whl", False),
        ("py3-none-manylinux2014_x86_64.whl", True),
        ("py2.py3-none-any.whl", True),
        ("py2-none-any.whl", False),
        ("1-py3-none-any.whl", True),  # a build number
        ("tar.gz", False),
        ("none-any.whl", False),  # no wheel's name
    ],
)
def test_tags_are_those_that_pip_takes(ending: str, there: bool) -> None:
    assert has((file("a==1.0", ending),), "3.12", AMD64) is there


def test_musl_is_not_glibc() -> None:
    of_musl = (file("a==1.0", "cp312-cp312-musllinux_1_2_aarch64.whl"),)
    assert has(of_musl, "3.12", ARM64, "musl")
    assert not has(
        (file("a==1.0", "cp312-cp312-musllinux_1_3_aarch64.whl"),), "3.12", ARM64, "musl"
    )
    assert not has((file("a==1.0", "cp312-cp312-manylinux1_x86_64.whl"),), "3.12", AMD64, "musl")


@pytest.mark.parametrize(
    ("requires", "there"),
    [
        (">=3.12", True),
        (">=3.13", False),
        (">=3.9,!=3.12.0,!=3.12.1", True),  # the official images hold the latest patch release
        (">=3.12.4", True),
        ("nonsense", True),
        (">=3.6.*", True),
    ],
)
def test_the_python_that_a_file_asks_for_counts(requires: str, there: bool) -> None:
    assert has((replace(file("a==1.0"), requires_python=requires),), "3.12", AMD64) is there


def test_a_yanked_wheel_counts_only_where_all_of_the_release_was_yanked() -> None:
    wheel, sdist = replace(file("a==1.0"), yanked=True), file("a==1.0", "tar.gz")
    assert not has((wheel, sdist), "3.12", AMD64)
    assert has((wheel, replace(sdist, yanked=True)), "3.12", AMD64)


def test_of_several_the_one_is_taken_that_pip_takes() -> None:
    pure, special = file("a==1"), file("a==1", "cp312-cp312-manylinux2014_x86_64.whl")
    stable = file("a==1", "cp38-abi3-manylinux2014_x86_64.whl")
    later = replace(special, requires_python=">=3.13")
    assert chosen((pure, stable, special), "3.12", AMD64, "glibc") == special
    assert chosen((pure, stable, special), "3.13", AMD64, "glibc") == stable
    assert chosen((pure, stable, special), "3.12", ARM, "glibc") == pure
    assert chosen((pure, later), "3.12", AMD64, "glibc") == pure
