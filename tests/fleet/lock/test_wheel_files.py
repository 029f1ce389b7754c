"""Which wheel is installed where, by its name alone."""

import pytest

from fleet.lock.wheel_files import is_of, is_universal, name_in, wheel_for
from tests.fleet.examples import wheel

PURE = wheel("a==1")
LINUX = wheel("a==1", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
STABLE = wheel("a==1", "cp38-abi3-manylinux2014_x86_64.whl")
MUSL = wheel("a==1", "cp312-cp312-musllinux_1_2_x86_64.whl")
NEW = wheel("a==1", "cp312-cp312-manylinux_2_37_x86_64.whl")
ALL = (PURE, LINUX, STABLE, MUSL, NEW)


@pytest.mark.parametrize(
    ("files", "python", "machine", "libc", "found"),
    [
        (ALL, "3.12", "x86_64", "glibc", LINUX),
        (ALL, "3.13", "x86_64", "glibc", STABLE),
        (ALL, "3.12", "x86_64", "musl", MUSL),
        (ALL, "3.13", "x86_64", "musl", PURE),
        (ALL, "3.12", "armv7l", "glibc", PURE),
        ((LINUX, MUSL), "3.12", "armv7l", "glibc", None),
        ((NEW,), "3.12", "x86_64", "glibc", None),
        ((), "3.12", "x86_64", "glibc", None),
    ],
)
def test_the_most_special_one_that_fits_is_installed(
    files: tuple[str, ...], python: str, machine: str, libc: str, found: str | None
) -> None:
    assert wheel_for(files, python, machine, libc) == found
    assert wheel_for(files[::-1], python, machine, libc) == found, "in whatever order"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "armv7l"])
@pytest.mark.parametrize(
    ("tags", "fits"),
    [
        ("cp312-cp312-musllinux_1_0_{machine}", True),
        ("cp312-cp312-musllinux_1_1_{machine}", True),
        ("cp312-cp312-musllinux_1_2_{machine}", True),
        ("cp312-cp312-musllinux_1_3_{machine}", False),
        ("cp312-cp312-musllinux_2_0_{machine}", False),
        ("cp312-cp312-musllinux_1_2_ppc64le", False),
        ("cp312-cp312-manylinux_2_17_{machine}.manylinux2014_{machine}", False),
        ("cp312-cp312-manylinux_2_17_{machine}.musllinux_1_1_{machine}", True),
        ("cp312-cp312-linux_{machine}", True),
        ("cp38-abi3-musllinux_1_2_{machine}", True),
        ("cp313-abi3-musllinux_1_2_{machine}", False),
        ("cp312-cp312t-musllinux_1_2_{machine}", False),
        ("cp311-cp311-musllinux_1_2_{machine}", False),
        ("py3-none-musllinux_1_2_{machine}", True),
        ("py3-none-any", True),
        ("py2.py3-none-any", True),
        ("py2-none-any", False),
    ],
)
def test_alpine_takes_what_was_made_for_its_c_library_or_for_none(
    machine: str, tags: str, fits: bool
) -> None:
    file = wheel("a==1", f"{tags.format(machine=machine)}.whl")
    assert wheel_for((file,), "3.12", machine, "musl") == (file if fits else None)


def test_of_equal_ones_the_higher_build_is_installed() -> None:
    builds = tuple(wheel("a==1", f"{n}-py3-none-any.whl") for n in ("2", "10", "1"))
    assert wheel_for((PURE, *builds), "3.12", "x86_64", "glibc") == builds[1]


def test_what_is_no_wheels_name_is_installed_nowhere() -> None:
    assert wheel_for(("https://files.example/a-1.tar.gz",), "3.12", "x86_64", "glibc") is None


def test_a_universal_wheel_is_for_every_platform() -> None:
    assert is_universal(PURE)
    assert is_universal(wheel("a==1", "cp312-abi3-any.whl"))
    assert not is_universal(LINUX)


def test_the_release_of_a_file_is_in_its_name() -> None:
    assert is_of(wheel("zope_event==6.0"), "Zope.Event==6.0")
    assert is_of("https://files.example/a-1.0%2Blocal-py3-none-any.whl", "a==1.0+local")
    assert not is_of(PURE, "a==2")
    assert not is_of("https://files.example/a-1.tar.gz", "a==1")
    assert name_in("https://files.example/x/a%2B1.whl?b=/c#sha256=0") == "a+1.whl"
