import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from providers.ociregistry.report import Entry
from tests.engine.registries import Distribution
from tests.engine.seeding import PLATFORMS, delete, push_build
from tests.engine.stack import Declared, EngineStack, Ran

pytestmark = pytest.mark.integration

REPOSITORY = "team/app"
OLD, NEW, LATEST = "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-LATEST"


def build_inputs(base: str, **others: str) -> dict[str, str]:
    bases = {f"base {p}": f"python:3.11-slim@sha256:{base * 64}" for p in PLATFORMS}
    return {**bases, "file start.sh": "1f", **others}


class Fleet:
    """Declares versions and one pointer on the newest, and reads what is said of them."""

    def __init__(self, stack: EngineStack, distribution: Distribution) -> None:
        self.stack, self._distribution = stack, distribution

    def declare(
        self, inputs: Mapping[str, Mapping[str, str]], *, build: str = "", **overrides: Any
    ) -> Declared:
        """Declare a tag for each of `inputs`; `build` are those that a preview sees built."""
        place = f"{self._distribution.host}/{REPOSITORY}"
        fields = Declared(
            repository=place,
            build=f"{place}/build",
            tags={
                tag: push_build(self._distribution, f"{REPOSITORY}/build", str(known))
                for tag, known in inputs.items()
            },
            pointers={LATEST: max(inputs)},
            inputs=inputs,
            building=tuple(build.split()),
        )
        declared = dataclasses.replace(fields, **overrides)
        self.stack.declare(declared)
        self.tags = declared.tags
        return declared

    def state(self, tag: str) -> dict[str, Any]:
        """Return a tag as the state keeps it."""
        (found,) = [s for n, s in self.stack.resources().items() if n.endswith(f":{tag}")]
        return found


def entry_of(ran: Ran, tag: str) -> Entry:
    """Return the report's one entry of a tag."""
    (found,) = [entry for entry in ran.report.entries if entry.ref.endswith(f":{tag}")]
    return found


@pytest.fixture
def fleet(stack: EngineStack, distribution: Distribution) -> Fleet:
    return Fleet(stack, distribution)


def test_a_plain_preview_says_why_and_sums_up_and_the_update_tells_what_it_did(
    fleet: Fleet,
) -> None:
    fleet.declare({OLD: build_inputs("a")}, build=OLD)
    previewed = fleet.stack.preview()
    assert previewed.report.summary == "1 build, 1 re-point, 0 remove, 0 unchanged"
    assert "to be built: new in this stack" in previewed.messages
    assert "to be re-pointed to " in previewed.messages
    assert fleet.stack.up().report.summary == "1 built, 1 re-pointed, 0 removed, 0 unchanged"
    again = fleet.stack.up()
    assert again.steps == ()
    assert again.report.summary == "0 built, 0 re-pointed, 0 removed, 2 unchanged"

    fleet.declare({OLD: build_inputs("a"), NEW: build_inputs("b")}, build=NEW)
    previewed = fleet.stack.preview()
    assert previewed.report.summary == "1 build, 1 re-point, 0 remove, 1 unchanged"
    done = fleet.stack.up()
    assert done.report.summary == "1 built, 1 re-pointed, 0 removed, 1 unchanged"
    pointer, version = entry_of(done, LATEST), entry_of(done, NEW)
    assert (pointer.previous_version, pointer.version) == (OLD, NEW)
    assert pointer.digest == version.digest != pointer.previous != ""
    fleet.declare({OLD: build_inputs("c"), NEW: build_inputs("b")}, build=OLD)
    previewed = fleet.stack.preview()
    assert "base python:3.11-slim moved" in previewed.messages
    assert previewed.report.summary == "1 build, 0 re-point, 0 remove, 2 unchanged"
    assert entry_of(previewed, OLD).reasons == ("base python:3.11-slim moved",)


def test_inputs_alone_are_no_change_and_are_known_from_the_next_run_on(fleet: Fleet) -> None:
    fleet.declare({OLD: {}}, identities={OLD: "as it was"})
    fleet.stack.up()
    assert "inputs" not in fleet.state(OLD)["inputs"]
    fleet.declare({OLD: build_inputs("a")}, identities={OLD: "as it was"}, tags=fleet.tags)
    assert fleet.stack.up().steps == ()
    state = fleet.state(OLD)
    assert state["inputs"]["inputs"]["base linux/amd64"] == f"python:3.11-slim@sha256:{'a' * 12}"
    assert "inputs" not in state["outputs"]
    fleet.declare({OLD: {**build_inputs("a"), "file start.sh": "2e"}}, build=OLD)
    assert "to be built: start.sh changed" in fleet.stack.preview().messages


def test_a_lost_build_is_told_apart_from_a_changed_one(
    fleet: Fleet, distribution: Distribution
) -> None:
    fleet.declare({OLD: build_inputs("a")})
    fleet.stack.up()
    fleet.declare({OLD: build_inputs("a")}, build=OLD)
    delete(distribution, f"{REPOSITORY}/build", fleet.tags[OLD])
    previewed = fleet.stack.preview()
    assert "to be built: no recorded input changed; its build is lost" in previewed.messages
    way = f"from {fleet.tags[OLD]} to a new digest"
    assert f"to be re-pointed {way}: its version has another image" in previewed.messages
    assert previewed.report.summary == "1 build, 1 re-point, 0 remove, 0 unchanged"


def test_stale_pointers_count_also_when_their_whole_image_left(fleet: Fleet) -> None:
    fleet.declare({OLD: build_inputs("a"), NEW: build_inputs("b")})
    fleet.stack.up()
    fleet.declare({OLD: build_inputs("a")}, pointers={})
    previewed = fleet.stack.preview()
    assert previewed.report.summary == "0 build, 0 re-point, 1 remove, 1 unchanged"
    (stale,) = previewed.report.of("remove")
    assert (stale.ref.rpartition(":")[2], stale.digest) == (LATEST, "")
    assert stale.previous.startswith("sha256:")

    fleet.declare({OLD: build_inputs("a"), NEW: build_inputs("b")})
    fleet.stack.up()
    fleet.declare({OLD: build_inputs("a")}, tags={}, pointers={}, policy={})
    previewed = fleet.stack.preview()
    (leaving,) = previewed.report.of("remove")
    assert (leaving.ref.rpartition(":")[2], leaving.later) == (LATEST, True)
    assert previewed.report.summary == "0 build, 0 re-point, 1 remove, 0 unchanged"
    done = fleet.stack.up()
    assert f"removed {LATEST}" in done.messages


def test_a_failed_tag_is_counted_where_the_others_go_on(fleet: Fleet) -> None:
    fleet.declare({OLD: build_inputs("a"), NEW: build_inputs("b")})
    fleet.stack.up()
    declared = fleet.declare(
        {OLD: build_inputs("a"), NEW: build_inputs("c")}, pointers={}, policy={}
    )
    tags = {**declared.tags, OLD: ""}
    fleet.stack.declare(dataclasses.replace(declared, tags=tags))
    ran = fleet.stack.up("--continue-on-error", code=None)
    assert ran.report.summary.startswith("1 built, 0 re-pointed, ")
    assert ran.report.summary.endswith(", 0 unchanged, 1 failed")
    assert ran.report.complete
    assert "its build or verification failed" in entry_of(ran, OLD).reasons[0]
