"""What one repository can't do stops nothing of another, in a preview as in an update."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.reports.report import document
from tests.engine.kept import Kept
from tests.engine.registries import Distribution
from tests.engine.seeding import move_tag
from tests.engine.stack import Ran
from tests.engine.two import LATEST, LINE, NAMES, VERSION, Two, two_repositories

pytestmark = pytest.mark.integration

GOING = "--continue-on-error"
APP, OTHER = NAMES


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Two, Kept]]:
    """Both repositories, brought up once for the tests of this file."""
    folder = tmp_path_factory.mktemp("two")
    with (
        Distribution(folder / "registry") as distribution,
        two_repositories(distribution, folder) as made,
    ):
        made.stack.up()
        yield made, Kept(folder / "kept", made.stack, [distribution])


@pytest.fixture
def two(kept: tuple[Two, Kept]) -> Two:
    made, as_it_was = kept
    made.rules.entries.clear()
    as_it_was.put_back()
    return made


def drop_line(two: Two, share: float = 1.0) -> None:
    """Have both repositories declare one pointer less."""
    left = {LATEST: VERSION}
    app, other = two.declared
    two.declare(replace(app, pointers=left, max_removals=share), replace(other, pointers=left))


def foreseen(two: Two) -> Ran:
    """Preview as an `up` does, which goes on after what fails; `pulumi preview` stops there.

    An `up` whose preview failed does nothing more.
    """
    return two.stack.pulumi("up", "--yes", GOING, code=None)


def test_what_a_refresh_can_t_read_fails_alone(two: Two) -> None:
    drop_line(two)
    two.rules.add(f"HEAD .*/{APP}/manifests/{VERSION}$", "status", status=403, times=99)
    before = two.stack.resources()
    previewed = foreseen(two)
    assert previewed.code != 0
    assert f"{LINE} (" in previewed.messages, "the preview went on"
    ran = two.stack.up(GOING, code=None)
    assert ran.code != 0
    failed = f"{APP}:{VERSION} could not be verified, so nothing is changed: "
    assert failed in previewed.messages
    assert failed in ran.messages
    assert two.view(OTHER).tags().keys() == {VERSION, LATEST}
    assert two.view(APP).tags().keys() == {VERSION, LATEST, LINE}, "its tag failed"
    name = f"{two.declared[0].repository}:{VERSION}"
    after = two.stack.resources()[name]["outputs"]
    assert "403" in after.pop("unread")
    assert after == before[name]["outputs"]
    two.rules.entries.clear()
    two.stack.up()
    assert two.view(APP).tags().keys() == {VERSION, LATEST}
    assert "unread" not in two.stack.resources()[name]["outputs"]
    assert two.stack.up().steps == ()


def test_a_share_of_removals_that_is_exceeded_stops_that_repository_alone(two: Two) -> None:
    drop_line(two, share=0.1)
    for ran in (foreseen(two), two.stack.up(GOING, code=None)):
        assert ran.code != 0
        assert "1 of 2 live pointers would be removed" in ran.messages
    assert two.view(APP).tags().keys() == {VERSION, LATEST, LINE}
    assert two.view(OTHER).tags().keys() == {VERSION, LATEST}


def test_where_a_failure_ends_a_preview_the_update_goes_on_and_removes_nothing(
    two: Two, tmp_path: Path
) -> None:
    """As a workflow does it, whose job that updates may remove what its preview listed."""
    more, (app, other) = "py3.10-LATEST", two.declared
    two.declare(app, replace(other, pointers={LATEST: VERSION, more: VERSION}))
    two.rules.add(f"HEAD .*/{APP}/manifests/{VERSION}$", "status", status=403, times=99)
    found = two.stack.preview(code=None).report
    assert found.failed
    assert not found.complete
    report = tmp_path / "preview.json"
    report.write_text(json.dumps(document(found)))
    two.stack.environment["FLEET_ALLOWED_REMOVALS"] = str(report)
    assert two.stack.up(GOING, code=None).code != 0
    assert two.view(OTHER).tags().keys() == {VERSION, LATEST, LINE, more}
    assert two.view(APP).tags().keys() == {VERSION, LATEST, LINE}


def test_a_list_that_can_t_be_read_fails_its_remover_alone(two: Two) -> None:
    drop_line(two)
    two.rules.add(f"GET .*/{APP}/tags/list", "status", status=403, times=99)
    ran = two.stack.up(GOING, code=None)
    assert ran.code != 0
    assert f"{APP} could not be verified, so nothing is changed: " in ran.messages
    assert two.view(APP).tags().keys() == {VERSION, LATEST, LINE}
    assert two.view(OTHER).tags().keys() == {VERSION, LATEST}


def test_what_is_not_targeted_is_neither_listed_nor_removed(two: Two) -> None:
    drop_line(two)
    kind = "urn:pulumi:dev::fleet::ociregistry:index:StalePointers"
    target = f"{kind}::{two.declared[1].repository}"
    ran = two.stack.up("--target", target)
    assert ran.messages.count("to be removed because nothing declares it") == 1
    assert two.view(APP).tags().keys() == {VERSION, LATEST, LINE}
    assert two.view(OTHER).tags().keys() == {VERSION, LATEST}


def test_without_a_refresh_only_what_the_state_lists_is_removed(two: Two) -> None:
    drop_line(two)
    move_tag(two.distribution, APP, "py3.9-LATEST", VERSION)
    listed = two.stack.preview("--refresh=false")
    assert LINE in listed.messages
    assert "py3.9-LATEST" not in listed.messages
    ran = two.stack.up("--refresh=false")
    assert set(ran.steps) == set(listed.steps), "the engine takes two repositories in any order"
    assert two.view(APP).tags().keys() == {VERSION, LATEST, "py3.9-LATEST"}
    assert "py3.9-LATEST" in two.stack.preview().messages, "the next refresh lists it"
    two.stack.up()
    assert two.view(APP).tags().keys() == {VERSION, LATEST}
