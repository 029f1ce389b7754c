"""What becomes of every declared name, by what a state knows."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.lock.model import Base, Tools
from fleet.overview.predict import Foresight, Undeclared, foresight
from fleet.overview.recorded_state import Known, parse_known
from fleet.plan.plan import Plan
from fleet.reports.report import Report
from providers.ociregistry.report import Entry, counts
from tests.fleet import examples
from tests.fleet.overview.states import build_in, exported, plan_of, state_of, tag_in, without

DECLARED = examples.declaration()
PLAN = plan_of(DECLARED)
REPOSITORY = "localhost:5443/multi-py/web"


def foreseen(plan: Plan, state: dict[str, Any]) -> Foresight:
    return foresight(plan, parse_known(exported(state)))


def version(found: Foresight, tag: str, image: int = 0) -> Entry:
    return found.images[image].entries[tag]


def actions(found: Foresight) -> set[str]:
    return {entry.action for entry in found.images[0].entries.values()}


def with_base(declared: Declaration, platform: str, digest: str) -> Plan:
    """The plan with the slim base of one platform at another digest."""
    lock = examples.lock(declared)
    base = lock.bases["3.11-slim"]
    platforms = {**base.platforms, platform: digest}
    moved: Base = replace(base, digest=digest, platforms=platforms)
    inputs = examples.inputs(declared, lock=replace(lock, bases={"3.11-slim": moved}))
    return plan_of(declared, inputs)


def two_images() -> Declaration:
    return parse(
        examples.config(
            images={
                "web": examples.image(),
                "top": examples.image(**{"builds-on": "web", "versions": ["0.34.0"]}),
            }
        )
    )


def test_what_the_state_holds_as_planned_is_unchanged() -> None:
    found = foreseen(PLAN, state_of(PLAN))
    entries = list(found.images[0].entries.values())
    assert len(entries) == len(PLAN.images[0].tags) + len(PLAN.images[0].pointers)
    assert {(e.action, e.reasons) for e in entries} == {("unchanged", ())}
    assert all(entry.previous for entry in entries)


def test_without_a_state_everything_is_new_and_built() -> None:
    found = foresight(PLAN, Known())
    assert not any(entry.previous for entry in found.images[0].entries.values())
    assert (
        Report(mode="preview", entries=tuple(found.images[0].entries.values())).summary
        == "2 build, 3 re-point, 0 remove, 0 unchanged"
    )


def test_a_base_that_moved_builds_the_tag_and_names_its_platform() -> None:
    found = foreseen(with_base(DECLARED, "linux/amd64", examples.OTHER_DIGEST), state_of(PLAN))
    entry = version(found, "py3.11-slim-0.34.0")
    assert (entry.action, entry.platforms) == ("build", examples.PLATFORMS)
    assert entry.reasons == ("base python:3.11-slim moved for linux/amd64",)
    assert counts(found.images[0].entries.values())["build"] == 2


def on_two_builders() -> Plan:
    builders = {**examples.config()["builders"], "linux/arm/v7": "arm"}
    return plan_of(parse(examples.config(builders=builders)))


def test_another_builder_builds_the_tag_and_says_for_which_platform() -> None:
    entry = version(foreseen(on_two_builders(), state_of(PLAN)), "py3.11-slim-0.34.0")
    assert (entry.action, entry.platforms) == ("build", examples.PLATFORMS)
    assert entry.reasons == ("built by arm, no longer by fleet for linux/arm/v7",)


def test_a_tag_of_two_builders_is_unchanged_with_both_and_built_without_one() -> None:
    state = state_of(on_two_builders())
    assert actions(foreseen(on_two_builders(), state)) == {"unchanged"}
    lost = without(state, "web/build:py3.11-slim-0.34.0-arm")
    found = foreseen(on_two_builders(), lost)
    assert version(found, "py3.11-slim-0.34.0").action == "build"
    assert version(found, "py3.11-slim-0.33.0").action == "unchanged"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("platforms", ["linux/amd64"]),
        ("exports", [{"raw": "type=image,push=true"}]),
        ("builder", {"name": "another"}),
        ("buildArgs", {"VERSION": "0.34.0"}),
    ],
)
def test_a_build_that_was_asked_for_in_another_way_is_built(name: str, value: Any) -> None:
    state = state_of(PLAN)
    build_in(state, "web/build:py3.11-slim-0.34.0")["inputs"][name] = value
    found = foreseen(PLAN, state)
    assert version(found, "py3.11-slim-0.34.0").action == "build"
    assert version(found, "py3.11-slim-0.33.0").action == "unchanged"


def test_a_file_that_changed_builds_the_tag() -> None:
    files = {"Dockerfile": examples.DIGEST, "start.sh": examples.OTHER_DIGEST}
    changed = examples.assets(files=files, context_hash=examples.OTHER_DIGEST)
    plan = plan_of(DECLARED, examples.inputs(DECLARED, assets={"web": changed}))
    entry = version(foreseen(plan, state_of(PLAN)), "py3.11-slim-0.33.0")
    assert (entry.platforms, entry.reasons) == (examples.PLATFORMS, ("start.sh changed",))


def test_a_commit_that_moved_alone_builds_the_tag_and_is_said_to_be_all() -> None:
    changed = examples.assets(revision="1234567" + "0" * 33, epoch=1_800_000_000)
    plan = plan_of(DECLARED, examples.inputs(DECLARED, assets={"web": changed}))
    entry = version(foreseen(plan, state_of(PLAN)), "py3.11-slim-0.33.0")
    assert entry.platforms == examples.PLATFORMS
    assert entry.reasons == ("only the commit in its labels moved, to 1234567",)


def compiling(backend: str) -> Plan:
    tools = Tools(
        pins=(backend,),
        compiled={"linux/arm/v7 glibc": ("gunicorn==23.0.0",)},
        sources={"gunicorn==23.0.0": f"https://files.test/a.tar.gz#sha256={'a' * 64}"},
    )
    held = examples.lock(DECLARED, tools={("web", "3.11"): tools})
    return plan_of(DECLARED, examples.inputs(DECLARED, lock=held))


def test_a_build_backend_that_moved_builds_what_it_compiles_and_is_named() -> None:
    state = state_of(compiling("setuptools==82.0.1"))
    entry = version(foreseen(compiling("setuptools==82.0.2"), state), "py3.11-slim-0.33.0")
    assert (entry.action, entry.platforms) == ("build", examples.PLATFORMS)
    assert entry.reasons == ("build backend setuptools 82.0.1 -> 82.0.2 for linux/arm/v7",)


def test_wheels_that_the_state_lost_are_compiled_again_and_their_tags_built() -> None:
    plan = compiling("setuptools==82.0.1")
    assert actions(foreseen(plan, state_of(plan))) == {"unchanged"}
    (wheels,) = plan.images[0].compiling
    found = foreseen(plan, without(state_of(plan), wheels.name))
    assert {e.action for e in found.images[0].entries.values() if e.kind == "version"} == {"build"}


def test_files_that_changed_build_the_tag_and_are_named() -> None:
    held = examples.lock(DECLARED)
    pin = "gunicorn==23.0.0"
    files = {**held.files, pin: (examples.wheel(pin, "1-py3-none-any.whl"),)}
    plan = plan_of(DECLARED, examples.inputs(DECLARED, lock=replace(held, files=files)))
    entry = version(foreseen(plan, state_of(PLAN)), "py3.11-slim-0.33.0")
    assert (entry.action, entry.platforms) == ("build", examples.PLATFORMS)
    assert entry.reasons == ("hashes of gunicorn changed",)


def test_a_pointer_to_what_is_built_follows_the_build() -> None:
    found = foreseen(with_base(DECLARED, "linux/amd64", examples.OTHER_DIGEST), state_of(PLAN))
    entry = version(found, "py3.11-slim-LATEST")
    assert (entry.action, entry.digest) == ("re-point", "")
    assert entry.version == entry.previous_version == "py3.11-slim-0.34.0"


def test_an_added_version_is_new_and_the_pointer_moves_to_it() -> None:
    grown = plan_of(examples.declaration(versions=["0.33.0", "0.34.0", "0.34.1"]))
    found = foreseen(grown, state_of(PLAN))
    assert not version(found, "py3.11-slim-0.34.1").previous
    assert version(found, "py3.11-slim-0.34.0").action == "unchanged"
    moved = version(found, "py3.11-slim-LATEST")
    assert (moved.previous != "", moved.previous_version) == (True, "py3.11-slim-0.34.0")


def test_a_build_that_the_state_lost_is_made_again() -> None:
    state = without(state_of(PLAN), "web/build:py3.11-slim-0.34.0")
    found = foreseen(PLAN, state)
    entry = version(found, "py3.11-slim-0.34.0")
    assert (entry.action, entry.platforms) == ("build", examples.PLATFORMS)
    assert version(found, "py3.11-slim-0.33.0").action == "unchanged"


def test_an_adopted_tag_without_builds_is_built_and_not_new() -> None:
    state = state_of(PLAN)
    state["deployment"]["resources"] = [
        r for r in state["deployment"]["resources"] if "ref" in r["outputs"]
    ]
    tag = tag_in(state, "py3.11-slim-0.34.0")
    del tag["outputs"]["identity"], tag["inputs"]["inputs"]
    known = version(foreseen(PLAN, state), "py3.11-slim-0.34.0")
    assert (known.previous == "", known.action, known.platforms) == (
        False,
        "build",
        examples.PLATFORMS,
    )


def test_a_state_of_before_inputs_were_kept_is_built_whole() -> None:
    state = state_of(PLAN)
    tag = tag_in(state, "py3.11-slim-0.34.0")
    del tag["inputs"]["inputs"]
    tag["outputs"]["identity"] = "another"
    entry = version(foreseen(PLAN, state), "py3.11-slim-0.34.0")
    assert (entry.platforms, entry.reasons) == (examples.PLATFORMS, ("its inputs changed",))


def test_drift_that_the_last_refresh_found_is_put_right() -> None:
    state = state_of(PLAN)
    tag_in(state, "py3.11-slim-0.34.0")["outputs"]["digest"] = examples.OTHER_DIGEST
    entry = version(foreseen(PLAN, state), "py3.11-slim-0.34.0")
    assert entry.action == "re-point"
    assert entry.reasons == ("it was moved",)


def test_what_is_built_on_a_built_image_is_built_too() -> None:
    declared = two_images()
    state = state_of(plan_of(declared))
    assert version(foreseen(plan_of(declared), state), "py3.11-slim-0.34.0", 1).action == (
        "unchanged"
    )
    plan = with_base(declared, "linux/amd64", examples.OTHER_DIGEST)
    entry = version(foreseen(plan, state), "py3.11-slim-0.34.0", 1)
    assert (entry.action, entry.platforms) == ("build", examples.PLATFORMS)
    assert entry.reasons == ("web py3.11-slim-0.34.0 is built anew",)


def test_versions_and_pointers_that_left_are_told_apart() -> None:
    shrunk = plan_of(examples.declaration(versions=["0.34.0"]))
    found = foreseen(shrunk, state_of(PLAN))
    assert found.images[0].undeclared == Undeclared(
        versions=["py3.11-slim-0.33.0"], pointers=["py3.11-slim-0.33"]
    )
    assert found.gone == {}


def test_a_repository_that_left_is_told_apart_from_those_that_stay() -> None:
    found = foreseen(PLAN, state_of(plan_of(two_images())))
    assert found.images[0].undeclared == Undeclared()
    assert found.gone.keys() == {"localhost:5443/multi-py/top"}
    assert found.gone["localhost:5443/multi-py/top"].versions == ["py3.11-slim-0.34.0"]
