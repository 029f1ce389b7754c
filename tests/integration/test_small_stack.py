"""What fails, fails alone: no name moves, nothing partial is published, other images go on.

A small stack of two images: one sound, the other a copy of it that the tests break.
"""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from fleet.local.paths import checkout
from fleet.local.toolchain import gobuild
from tests.engine.tools import ROOT
from tests.go_modules import SYFT
from tests.integration.rebuilding import emptied
from tests.integration.registry_view import RegistryView
from tests.integration.scanner import Bill, Syft
from tests.integration.workshop import IMAGE, Workshop

STACK = "small"
FRAGILE = "python-fragile"
BUILDS = f"{FRAGILE}/build"
VERSION = "0.34.0"
NEXT = "0.35.0"
NATIVE = ["linux/amd64"]
BOTH = ["linux/amd64", "linux/arm64"]
MANY = 40
"""The packages of Debian in the smallest base are more."""


def declare(
    workshop: Workshop, sound: list[str], fragile: list[str], *, protected: bool = False
) -> str:
    common = {"pythons": ["3.13"], "bases": ["slim"]}
    return workshop.declare_stack(
        STACK,
        {
            IMAGE: {**common, "versions": sound, "platforms": NATIVE},
            FRAGILE: {**common, "versions": fragile, "platforms": BOTH},
        },
        protected=protected,
    )


@pytest.fixture(scope="module")
def views(workshop: Workshop) -> Iterator[dict[str, RegistryView]]:
    """The repositories of the small stack, brought up once."""
    workshop.copy_assets(FRAGILE)
    registry = declare(workshop, [VERSION], [VERSION])
    with workshop.verified_in_short(IMAGE, FRAGILE):
        workshop.up(stack=STACK)
        found = {name: workshop.view(name, registry) for name in (IMAGE, FRAGILE, BUILDS)}
        yield found
    for view in found.values():
        view.close()


@pytest.fixture(scope="module")
def syft() -> Syft:
    """The scanner, built once from its Go module."""
    here = checkout(ROOT)
    gobuild.ensure(here, [SYFT])
    return Syft(gobuild.place(here, SYFT) / "syft")


@pytest.mark.slow
def test_a_bill_of_materials_names_what_a_scanner_finds(
    workshop: Workshop, views: dict[str, RegistryView], syft: Syft
) -> None:
    wanted = (f"STACK={STACK}", f"IMAGE={FRAGILE}", f"TAG=py3.13-slim-{VERSION}")
    printed = workshop.make("-s", "sbom", *wanted).printed
    bills = [Bill(line) for line in printed.splitlines()]
    assert {bill.platform for bill in bills} == set(BOTH)
    for bill in bills:
        place = f"{views[FRAGILE].reference}@{bill.digest}"
        scanned = syft.scan(place, bill.platform, workshop.environment())
        assert bill.packages == scanned.packages
        assert len(bill.of_kind("deb")) > MANY
        assert ("pypi", "uvicorn", VERSION) in bill.packages
        assert bill.of_kind("generic") == {"python"}, "which a scanner misses"
    one = workshop.make("-s", "sbom", *wanted, f"PLATFORM={BOTH[1]}").printed
    assert one in printed


def test_a_platform_that_fails_publishes_nothing_and_stops_no_other_image(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[FRAGILE].tags()
    declare(workshop, [VERSION, NEXT], [VERSION, NEXT])
    with workshop.own_dockerfile(
        FRAGILE,
        "image",
        "EXPOSE 80",
        'ARG TARGETPLATFORM\nRUN test "${TARGETPLATFORM}" != linux/arm64\nEXPOSE 80',
    ):
        failed = workshop.up(code=None, stack=STACK)
    assert views[FRAGILE].tags() == before, "not even for the platform that was built"
    live = views[IMAGE].tags()
    assert live["py3.13-slim-LATEST"] == live[f"py3.13-slim-{NEXT}"], "the sound image went on"
    assert "Traceback" not in failed.ran.printed
    step = re.compile(r"#\d+ \[linux/arm64 [^]]+\] RUN test .linux/arm64. != linux/arm64")
    assert step.search(failed.ran.printed), "the platform, and the step that it failed at"


def test_an_image_that_does_not_start_moves_no_name(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[FRAGILE].tags()
    declare(workshop, [VERSION], [VERSION, NEXT])
    start = f"assets/{FRAGILE}/image/start.sh"
    with (
        workshop.verified_as_shipped(FRAGILE),
        workshop.edited(start, "begin\nread_settings", "exit 3"),
    ):
        failed = workshop.up(code=None, stack=STACK)
    assert views[FRAGILE].tags() == before
    assert failed.tags() == ["py3.13-slim-LATEST"], "of the sound image, back to its only version"
    assert "expected" in failed.ran.printed, "what the verification saw reaches the user"
    assert "Traceback" not in failed.ran.printed


def test_after_the_repair_an_up_converges(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[FRAGILE].tags()
    declare(workshop, [VERSION], [VERSION, NEXT])
    workshop.up(stack=STACK)
    live = views[FRAGILE].tags()
    assert live["py3.13-slim-LATEST"] == live[f"py3.13-slim-{NEXT}"]
    assert live[f"py3.13-slim-{VERSION}"] == before[f"py3.13-slim-{VERSION}"], (
        "same bytes as before"
    )
    assert workshop.up(stack=STACK).done == ()


def test_a_wiped_registry_is_rebuilt_whole_with_the_same_digests(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[FRAGILE].tags()
    wiped = (views[FRAGILE], views[BUILDS])
    for view in wiped:
        for digest in set(view.tags().values()):
            view.remove(digest)
    assert all(view.tags() == {} for view in wiped)
    shown = workshop.pulumi("preview", "--stack", STACK).printed
    assert "py3.13-slim-LATEST is gone" in shown
    assert len(workshop.up(stack=STACK).builds()) == len((VERSION, NEXT))
    assert views[FRAGILE].tags() == before
    assert views[FRAGILE].platforms("py3.13-slim-LATEST") == set(BOTH)


@pytest.mark.parametrize("builder", ["warm", "emptied"])
def test_a_base_that_moved_for_one_platform_is_told_and_leaves_the_layers_of_the_others(
    workshop: Workshop, views: dict[str, RegistryView], builder: str
) -> None:
    tag = f"py3.13-slim-{VERSION}"
    declare(workshop, [VERSION], [VERSION])
    before = {image.platform: image for image in views[FRAGILE].pull(tag)}
    base = workshop.view("python", f"{workshop.registry.partition('/')[0]}/stand-in")
    with closing(base):
        base.relabel("3.13-slim", "linux/arm64", builder)
    said = workshop.make("-s", "lock", f"STACK={STACK}", "REFRESH=1").printed
    assert f"{base.reference}:3.13-slim (linux/arm64): no package moved; " in said
    shown = workshop.pulumi("preview", "--stack", STACK).printed
    assert "/stand-in/python:3.13-slim moved for linux/arm64" in " ".join(shown.split())
    if builder == "emptied":
        emptied(workshop)
    workshop.up(stack=STACK)
    for image in views[FRAGILE].pull(tag):
        moved = image.config["config"]["Labels"].get("moved")
        assert moved == (builder if image.platform == "linux/arm64" else None)
        assert image.layers == before[image.platform].layers


@pytest.mark.usefixtures("views")
def test_packages_that_moved_in_a_base_are_named_when_it_is_locked_and_in_a_preview(
    workshop: Workshop,
) -> None:
    declare(workshop, [VERSION], [VERSION])
    base = workshop.view("python", f"{workshop.registry.partition('/')[0]}/stand-in")
    with closing(base):
        before = base.index("3.13-slim")
        base.upgrade("3.13-slim", "linux/arm64", "zlib1g", "9:9.9-1")
        locked = workshop.make("-s", "lock", f"STACK={STACK}", "REFRESH=1").printed
        shown = workshop.make("-s", "preview", f"STACK={STACK}").printed
        base.put_index("3.13-slim", before)
    told = re.compile(
        rf"base {re.escape(base.reference)}:3\.13-slim \(linux/arm64\): 1 package moved: "
        r"zlib1g \S+ -> 9:9\.9-1; [0-9.]+ MB -> [0-9.]+ MB on linux/arm64\n"
    )
    read = re.compile(
        r"for this, [0-9.]+ MB of layers were read \(the limit is 1\.0 GB and 5 min\)"
    )
    for printed in (locked, shown):
        assert told.search(printed), printed
        assert read.search(printed), printed
    back = workshop.make("-s", "lock", f"STACK={STACK}", "REFRESH=1").printed
    assert "1 package moved: zlib1g 9:9.9-1 -> " in back


def test_a_protected_stack_is_destroyed_only_after_it_is_declared_otherwise(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    declare(workshop, [VERSION], [VERSION, NEXT], protected=True)
    workshop.up(stack=STACK)
    before = views[FRAGILE].tags()
    refused = workshop.pulumi("destroy", "--yes", "--stack", STACK, code=None)
    assert "protect" in refused.printed
    assert views[FRAGILE].tags() == before
    declare(workshop, [VERSION], [VERSION, NEXT])
    workshop.up(stack=STACK)
    workshop.pulumi("destroy", "--yes", "--stack", STACK)
    assert set(views[FRAGILE].tags()) == {f"py3.13-slim-{VERSION}", f"py3.13-slim-{NEXT}"}
