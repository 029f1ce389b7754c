"""Pins, and which platform gets which."""

import pytest

from fleet.lock.model import Lock, bare, holds, machine_of, name_of
from fleet.plan.installed import contradicted


@pytest.mark.parametrize(
    ("marker", "platform", "there"),
    [
        ("platform_machine == 'armv7l'", "linux/arm/v7", True),
        ("platform_machine == 'armv7l'", "linux/arm64", False),
        ("platform_machine == 's390x'", "linux/s390x", True),
        ("sys_platform == 'linux' and platform_system == 'Linux'", "linux/amd64", True),
        ("os_name == 'nt'", "linux/amd64", False),
        ("python_version >= '3.11'", "linux/amd64", True),
        ("python_version < '3.9'", "linux/amd64", False),
        ("python_full_version < '3.11.3'", "linux/amd64", True),
        ("platform_python_implementation != 'PyPy'", "linux/amd64", True),
        ("extra == 'gevent'", "linux/amd64", False),
    ],
)
def test_a_pin_goes_where_its_marker_holds(marker: str, platform: str, there: bool) -> None:
    assert holds(f"a==1 ; {marker}", "3.11", platform) is there
    lock = Lock(pins={("web", "3.11", "1"): (f"a==1 ; {marker}",)})
    assert lock.pins_on(("web", "3.11", "1"), platform) == (("a==1",) if there else ())


def test_a_pin_without_a_marker_goes_everywhere() -> None:
    assert holds("a==1", "3.11", "linux/riscv64")


def test_a_machine_is_called_as_pep_508_calls_it() -> None:
    platforms = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le")
    assert [machine_of(platform) for platform in platforms] == [
        "x86_64", "aarch64", "armv7l", "i686", "ppc64le",
    ]  # fmt: skip


def test_a_marker_is_no_part_of_a_name_or_version() -> None:
    assert bare("Zope.Event==6.0 ; a == 'b'") == "Zope.Event==6.0"
    assert name_of("Zope.Event==6.0 ; a == 'b'") == "zope-event"


def test_another_version_than_below_contradicts_and_any_of_several_does_not() -> None:
    below = ("a==1 ; platform_machine == 'armv7l'", "a==2 ; platform_machine == 'x86_64'", "B_b==1")
    assert contradicted(("a==1", "b-b==1", "c==1"), below) == []
    assert contradicted(("b-b==2",), below) == ["b-b==2"]
    assert contradicted(("a==2", "a==3"), below) == ["a==3"]
