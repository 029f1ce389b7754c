"""`make rollback` and `make history` over a registry in memory."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.console import TroubleError
from fleet.declaration.model import Pin
from fleet.declaration.parse import parse
from fleet.plan.plan import Plan, make_plan
from fleet.registry.client import Client
from fleet.registry.history import BY_HAND, Interval, Move, Sight, Sights
from fleet.registry.reference import Repository
from fleet.registry.undo_writer import UndoWriter
from fleet.releases.pin_edit import with_pin
from fleet.upkeep import history, rollback
from fleet.upkeep.history_commands import unpin
from fleet.upkeep.images import declaring
from tests.fleet.examples import config, inputs
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import FakeRegistry, http_date

OLD, NEW, LATEST = (f"py3.11-slim-{end}" for end in ("0.33.0", "0.34.0", "LATEST"))
OWNER = "fleet/test"


@pytest.fixture
def call(registry: FakeRegistry, tmp_path: Path) -> Caller:
    return Caller(registry, {"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": str(tmp_path)})


@pytest.fixture
def plan(registry: FakeRegistry) -> Plan:
    declared = parse(config(registry=f"{registry.host}/team"))
    return make_plan(declared, inputs(declared), OWNER)


@pytest.fixture
def digests(registry: FakeRegistry, call: Caller) -> list[str]:
    """Return the digests that LATEST had: 0.33.0, 0.34.0, another 0.34.0; the second is gone."""
    name = "team/web"
    found = [registry.push_index(name, tag) for tag in (OLD, NEW)]
    found.append(registry.push_image(name, "linux/amd64", "another"))
    place = Repository(host=registry.host, name=name)

    async def work(client: Client) -> None:
        writer = UndoWriter(client)
        for day, (tag, digest) in enumerate(zip((OLD, NEW, NEW), found, strict=True), 1):
            date = f"2026-11-0{day}T10:00:00Z"
            registry.clock = lambda date=date: http_date(date)
            tags = {tag: Sight(digest=digest, why="base moved")}
            tags[LATEST] = Sight(digest=digest, why="its version has another image")
            sights = Sights(tags=tags, commit="c" * 40, by=BY_HAND, now=date)
            await writer.add(place, OWNER, [], sights=sights)

    call(work)
    del registry.repositories[name].manifests[found[1]]
    del registry.repositories[name].tags[NEW]
    return found


def past(call: Caller, plan: Plan, tag: str) -> rollback.Past:
    async def work(client: Client) -> rollback.Past:
        return await rollback.read(client, plan, declaring(plan, tag), tag)

    found: rollback.Past = call(work)
    return found


def test_a_pointer_s_past_is_listed_by_versions_the_newest_first(
    call: Caller, plan: Plan, digests: list[str]
) -> None:
    found = past(call, plan, LATEST)
    assert [(c.to, c.interval.move.after, c.there) for c in found.candidates] == [
        ("0.34.0", digests[2], True),
        ("0.34.0", digests[1], False),
        ("0.33.0", digests[0], True),
    ]
    lines = rollback.report(found).splitlines()
    assert lines[2].split()[:5] == [
        "0.34.0", digests[2][:19], "2026-11-03T10:00:00Z", "now", "there",
    ]  # fmt: skip
    assert "gone" in lines[3]


def test_a_version_tag_s_past_is_listed_by_digests(
    call: Caller, plan: Plan, digests: list[str]
) -> None:
    assert [c.to for c in past(call, plan, NEW).candidates] == [digests[2], digests[1]]


def test_a_pointer_is_pinned_to_a_version_by_it_or_by_its_digest(
    call: Caller, plan: Plan, digests: list[str]
) -> None:
    found = past(call, plan, LATEST)
    for to in ("0.33.0", digests[0]):
        pin = rollback.pinned(found, to, "why", "2026-12-31")
        assert (pin.to, pin.because, pin.until) == ("0.33.0", "why", "2026-12-31")
    assert "at version 0.33.0" in rollback.outlook(found, pin)


def test_a_pointer_s_digest_that_its_version_no_longer_names_is_no_pin_of_the_version(
    call: Caller, plan: Plan, registry: FakeRegistry, digests: list[str]
) -> None:
    """0.33.0 is built again: by its version, the pointer would go to that build."""
    place = Repository(host=registry.host, name="team/web")
    rebuilt = registry.push_image("team/web", "linux/amd64", "rebuilt")

    async def work(client: Client) -> None:
        tags = {OLD: Sight(digest=rebuilt, why="base moved")}
        sights = Sights(tags=tags, commit="", by=BY_HAND, now="2026-11-04T10:00:00Z")
        await UndoWriter(client).add(place, OWNER, [], sights=sights)

    call(work)
    found = past(call, plan, LATEST)
    with pytest.raises(TroubleError, match=f"make rollback TAG={OLD} TO={digests[0]}"):
        rollback.pinned(found, digests[0], "why", "2026-12-31")
    # A version is another matter, even where what it was then is gone.
    del registry.repositories["team/web"].manifests[digests[0]]
    assert rollback.pinned(past(call, plan, LATEST), "0.33.0", "", "").to == "0.33.0"


def test_a_digest_may_be_as_short_as_the_table_shows_it(
    call: Caller, plan: Plan, digests: list[str]
) -> None:
    found = past(call, plan, NEW)
    shown = rollback.report(found).splitlines()[2].split()[0]
    assert shown == digests[2][:19]
    assert rollback.pinned(found, shown, "", "").to == digests[2]
    with pytest.raises(TroubleError, match="never named sha256:,"):
        rollback.pinned(found, "sha256:", "", "")


def test_tables_have_the_reason_last_within_the_width_and_no_line_breaks_of_it() -> None:
    why = "pinned: one\nand " + "two " * 40 + "sha256:" + "a" * 64
    by = "https://github.com/o/r/actions/runs/7"
    move = Move(
        at="2026-11-03T10:00:00Z",
        tag=LATEST,
        before="",
        after=f"sha256:{'b' * 64}",
        why=why,
        commit="c" * 40,
        by=by,
    )
    interval = Interval(move=move, until="")
    place = Repository(host="ghcr.io", name="o/web")
    heading, *lines = history.report({place: [interval]}, 150).splitlines()[1:]
    assert heading.split()[-1] == "why"
    assert max(map(len, lines)) <= 150
    assert lines[0].split()[:6] == [
        LATEST, f"sha256:{'b' * 12}", move.at, "now", "c" * 12, "run",
    ]  # fmt: skip
    (whole,) = history.report({place: [interval]}).splitlines()[2:]
    assert "pinned: one and two" in whole
    assert whole.endswith(f"sha256:{'a' * 12}")
    assert history.document({place: [interval]})[0]["by"] == by


def test_what_is_gone_is_refused(call: Caller, plan: Plan, digests: list[str]) -> None:
    with pytest.raises(TroubleError, match=f"does not have {digests[1]} any more"):
        rollback.pinned(past(call, plan, NEW), digests[1], "", "")


def test_what_it_never_named_is_refused(call: Caller, plan: Plan, digests: list[str]) -> None:
    assert digests
    with pytest.raises(TroubleError, match=r"never named 0\.32\.0"):
        rollback.pinned(past(call, plan, LATEST), "0.32.0", "", "")


def test_a_tag_without_a_past_and_one_that_nothing_declares_are_told(
    call: Caller, plan: Plan
) -> None:
    with pytest.raises(TroubleError, match="the history has no entry for it"):
        rollback.report(past(call, plan, LATEST))
    with pytest.raises(TroubleError, match=r"py3\.8-LATEST is not a declared tag of any image"):
        declaring(plan, "py3.8-LATEST")


@pytest.mark.parametrize(
    ("at", "wanted"),
    [("", [2, 1, 0]), ("2026-11-02", [1, 0]), ("2026-11-02T09:00:00Z", [0]), ("2027-01-01", [2])],
)
def test_the_history_says_which_digest_a_tag_had(
    call: Caller, plan: Plan, digests: list[str], at: str, wanted: list[int]
) -> None:
    places = history.repositories(plan.declaration, "")

    async def work(client: Client) -> history.Histories:
        return await history.read(client, places, OWNER)

    found = history.chosen(call(work), LATEST, at)
    document: list[dict[str, Any]] = history.document(found)
    assert [each["after"] for each in document] == [digests[number] for number in wanted]
    assert {each["repository"] for each in document} == {str(places[0])}
    assert all(digests[number][:19] in history.report(found) for number in wanted)


def test_a_day_before_the_history_began_is_told(
    call: Caller, plan: Plan, digests: list[str]
) -> None:
    assert digests
    places = history.repositories(plan.declaration, "web")

    async def work(client: Client) -> history.Histories:
        return await history.read(client, places, OWNER)

    with pytest.raises(TroubleError, match=f"has no entry for {LATEST} at 2026-10-01"):
        history.chosen(call(work), LATEST, "2026-10-01")


def test_a_pin_is_taken_out_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    written = {f"fleet:{key}": value for key, value in config().items()}
    before = yaml.safe_dump({"config": written}, sort_keys=False)
    path.write_text(before)
    with pytest.raises(TroubleError, match=f"{LATEST} of web is not pinned"):
        unpin(path, "web", LATEST)
    pin = Pin(to="0.33.0", because="breaks", until="2099-12-31")
    path.write_text(with_pin(before, "web", LATEST, pin))
    assert path.read_text() != before
    assert f"{LATEST} is pinned no more" in unpin(path, "web", LATEST)
    assert path.read_text() == before
