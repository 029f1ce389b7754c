"""The undo record in the registry, as sweep and restore read it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fleet.console import TroubleError
from fleet.declaration.parse import parse
from fleet.plan.plan import make_plan
from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.registry.undo_log import Claim, Removal, owner_at
from fleet.registry.undo_writer import UndoWriter
from fleet.upkeep import removers
from fleet.upkeep.images import Image, image_of
from fleet.upkeep.prune.prune import report
from fleet.upkeep.prune.undo import undo_record
from fleet.upkeep.records import declared_mirrors
from fleet.upkeep.restore import Records, candidates, choose, predict_next_update, read_records
from fleet.upkeep.state import State
from tests.engine.reading import Reading
from tests.fleet.examples import config, declaration, inputs
from tests.fleet.upkeep.conftest import removed, remover
from tests.fleet.upkeep.sweeping import (
    BUILD,
    DIGEST,
    FIRST,
    LAST,
    PUBLIC,
    Run,
    Sweeper,
    repository,
    state,
    tagged,
)
from tests.providers.ociregistry.registry_fake import FakeRegistry

TAG, OTHER = "py3.8-LATEST", "sha256:" + "b" * 64
RECORD, OWNER = "undo-fleet-dev", "fleet/dev"
Note = Callable[..., None]


@pytest.fixture
def note(registry: FakeRegistry, run: Run) -> Note:
    """Put removals on record in the registry, as an update does."""

    def put(
        tags: Mapping[str, str],
        name: str = PUBLIC,
        owner: str = "fleet/dev",
        at: str = "2026-01-01",
    ) -> None:
        gone = [Removal(tag=tag, digest=digest, removed_at=at) for tag, digest in tags.items()]
        place = repository(registry, name)
        run(lambda client: UndoWriter(client).add(place, owner, gone))

    return put


def removed_pointer(sweeper: Sweeper) -> tuple[str, str]:
    """Have a pointer noted that goes then; return its index, and the platform of that."""
    old = sweeper.registry.push_index(PUBLIC, TAG)
    sweeper.registry.push_index(PUBLIC, "py3.11-0.34.0")
    sweeper.sweep(FIRST)
    del sweeper.registry.repositories[PUBLIC].tags[TAG]
    (child,) = (c for c in Reading(sweeper.registry, PUBLIC).pull(old).values())
    return old, child


class TestASweep:
    @pytest.mark.parametrize("owner", ["fleet/dev", "other/prod"])
    def test_keeps_what_a_record_names_with_its_platforms_and_the_record(
        self, sweeper: Sweeper, note: Note, owner: str
    ) -> None:
        old, child = removed_pointer(sweeper)
        sweeper.max_share = 1.0
        note({TAG: old}, owner=owner)
        for now in (FIRST, LAST, LAST):
            assert sweeper.sweep(now, days=0).gone == ()
        assert sweeper.holds(PUBLIC, child)
        assert Reading(sweeper.registry, PUBLIC).pull(old)
        assert Reading(sweeper.registry, PUBLIC).undo(owner) == {TAG: old}

    def test_takes_what_no_record_names(self, sweeper: Sweeper, note: Note) -> None:
        old, child = removed_pointer(sweeper)
        note({TAG: DIGEST})
        sweeper.max_share = 1.0
        sweeper.sweep(FIRST)
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [old, child]

    def test_of_an_image_that_nothing_declares_keeps_it_as_well(
        self, sweeper: Sweeper, note: Note
    ) -> None:
        old, _ = removed_pointer(sweeper)
        note({TAG: old})
        sweeper.planned = frozenset()
        sweeper.max_share = 1.0
        sweeper.sweep(FIRST)
        sweeper.sweep(LAST, days=0)
        assert Reading(sweeper.registry, PUBLIC).pull(old)
        assert Reading(sweeper.registry, PUBLIC).undo() == {TAG: old}

    def test_keeps_what_was_removed_only_after_its_look(self, sweeper: Sweeper, note: Note) -> None:
        old, child = removed_pointer(sweeper)
        sweeper.max_share = 1.0
        sweeper.sweep(FIRST)

        def up() -> None:
            with ThreadPoolExecutor() as elsewhere:  # the sweep's event loop is running here
                elsewhere.submit(note, {TAG: old}).result()

        swept = sweeper.sweep(LAST, meanwhile=up)
        assert swept.gone == ()
        assert swept.kept == dict.fromkeys((old, child), "needed again")

    def test_asks_for_the_names_on_record(self, sweeper: Sweeper, note: Note) -> None:
        old = sweeper.registry.push_index(PUBLIC, TAG)
        note({TAG: old})
        body = b'{"tags":["py3.11-0.34.0"]}'
        sweeper.registry.push_index(PUBLIC, "py3.11-0.34.0")
        sweeper.registry.fault(f"/v2/{PUBLIC}/tags/list", times=9, status=200, body=body)
        assert f"does not have {TAG}" in sweeper.look().doubts[repository(sweeper.registry)]

    def test_asks_for_the_record_where_the_list_lacks_it(
        self, sweeper: Sweeper, note: Note
    ) -> None:
        note({TAG: DIGEST})
        sweeper.registry.push_index(PUBLIC, "py3.11-0.34.0")
        sweeper.registry.fault(
            f"/v2/{BUILD}/tags/list", times=9, status=200, body=b'{"tags":["a"]}'
        )
        tagged(sweeper.registry, BUILD, "a", "build")
        assert RECORD in sweeper.look().doubts[repository(sweeper.registry, BUILD)]

    @pytest.mark.parametrize("tag", [RECORD, "undo-other-prod"])
    def test_takes_nothing_of_an_image_whose_record_can_not_be_read(
        self, sweeper: Sweeper, tag: str
    ) -> None:
        old, child = removed_pointer(sweeper)
        sweeper.registry.push_index(BUILD, tag)
        sweeper.max_share = 1.0
        for now in (FIRST, LAST, LAST):
            assert sweeper.sweep(now, days=0).gone == ()
        found = sweeper.look(LAST)
        assert found.doubts.keys() >= {
            repository(sweeper.registry, name) for name in (PUBLIC, BUILD)
        }
        assert f"{tag} is not an undo record" in report(found, 30, None)
        assert sweeper.holds(PUBLIC, old)
        assert sweeper.holds(PUBLIC, child)

    def test_takes_nothing_where_a_listed_record_does_not_answer(
        self, sweeper: Sweeper, note: Note
    ) -> None:
        old, _ = removed_pointer(sweeper)
        note({TAG: old})
        sweeper.registry.fault(f"GET .*/{RECORD}", times=99, status=404)
        sweeper.max_share = 1.0
        for now in (FIRST, LAST):
            assert sweeper.sweep(now, days=0).gone == ()
        assert sweeper.holds(PUBLIC, old)


class TestARemoverThatNoStateHas:
    @pytest.fixture
    def claims(self, registry: FakeRegistry, run: Run, note: Note) -> None:
        note({TAG: DIGEST})
        place = repository(registry)

        async def claim(client: Client) -> None:
            for name in ("fleet::s", "fleet::lost"):
                found = Claim(remover=name, pointers=(TAG,))
                await UndoWriter(client).add(place, OWNER, [], claim=found)

        run(claim)

    def forget(self, registry: FakeRegistry, run: Run, *, apply: bool) -> tuple[str, ...]:
        place = repository(registry)
        image, known = Image(public=place, planned=frozenset()), state(removers=(remover(place),))
        lines: tuple[str, ...] = run(
            lambda client: removers.forget(client, image, OWNER, lambda: known, apply=apply)
        )
        return lines

    def test_is_named_by_a_dry_run_and_kept(
        self, registry: FakeRegistry, run: Run, claims: None
    ) -> None:
        registry.log.clear()
        (line,) = self.forget(registry, run, apply=False)
        assert "fleet::lost: `make prune APPLY=1` forgets it" in line
        assert registry.writes == []

    def test_at_a_mirror_is_forgotten_too(
        self, registry: FakeRegistry, run: Run, claims: None
    ) -> None:
        mirror = owner_at(OWNER, Repository(host="quay.io", name="org/web"))

        async def claim(client: Client) -> None:
            dead = Claim(remover="fleet::there", pointers=(TAG,))
            await UndoWriter(client).add(repository(registry), mirror, [], claim=dead)

        run(claim)
        lines = self.forget(registry, run, apply=True)
        assert [line.rpartition(": ")[0].rpartition(" ")[2] for line in lines] == [
            "fleet::lost",
            "fleet::there",
        ]
        assert self.forget(registry, run, apply=True) == ()

    def test_is_forgotten_and_nothing_else(
        self, registry: FakeRegistry, run: Run, claims: None
    ) -> None:
        (line,) = self.forget(registry, run, apply=True)
        assert "fleet::lost: forgotten" in line
        record = Reading(registry, PUBLIC).record()
        assert record["declared"] == {"fleet::s": [TAG]}
        assert Reading(registry, PUBLIC).undo() == {TAG: DIGEST}
        registry.log.clear()
        assert self.forget(registry, run, apply=True) == ()
        assert registry.writes == []

    def test_that_a_run_adds_meanwhile_is_kept_for_the_state_is_read_last(
        self, registry: FakeRegistry, run: Run, claims: None
    ) -> None:
        place = repository(registry)
        image = Image(public=place, planned=frozenset())

        def later() -> State:
            assert any(RECORD in line for line in registry.log if line.startswith("GET"))
            both = (remover(place), replace(remover(place), name="fleet::lost"))
            return state(removers=both)

        registry.log.clear()
        lines = run(lambda client: removers.forget(client, image, OWNER, later, apply=True))
        assert lines == ()
        assert registry.writes == []

    def test_a_record_that_can_not_be_read_is_left_to_the_sweep(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        registry.push_index(BUILD, RECORD)
        assert self.forget(registry, run, apply=True) == ()


class TestWhereARecordMayLie:
    def test_with_a_whole_name_there_alone(self, registry: FakeRegistry) -> None:
        found = candidates(state(), "ghcr.io/team", ["web"], f"{registry.host}/other/api")
        assert found == (repository(registry, "other/api"),)

    def test_with_a_last_part_beside_what_is_declared_and_known(
        self, registry: FakeRegistry
    ) -> None:
        known = state(tags={repository(registry, "old/web"): frozenset()})
        found = candidates(known, "ghcr.io/team", ["web"], "api")
        assert set(found) == {
            repository(registry, "old/api"), Repository(host="ghcr.io", name="team/api"),
        }  # fmt: skip

    def test_without_one_at_what_is_declared_and_known(self, registry: FakeRegistry) -> None:
        gone = remover(repository(registry, "old/gone"))
        tags = {repository(registry, "old/other"): frozenset({TAG})}
        found = candidates(state(removers=(gone,), tags=tags), "ghcr.io/team", ["web"])
        assert {str(place) for place in found} == {
            "ghcr.io/team/web", f"{registry.host}/old/gone", f"{registry.host}/old/other",
        }  # fmt: skip

    @pytest.mark.parametrize("image", ["team/web", "Web", "ghcr.io/Team/web", "ghcr.io/"])
    def test_what_is_no_name_is_an_error_with_the_right_form(self, image: str) -> None:
        with pytest.raises(TroubleError, match="IMAGE"):
            candidates(state(), "ghcr.io/team", [], image)


class TestRestoring:
    def read(self, run: Run, *places: Repository) -> Records:
        found: Records = run(lambda client: read_records(client, places, "fleet/dev"))
        return found

    def test_what_only_the_registry_remembers_is_found(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        note({TAG: DIGEST})
        place = repository(registry)
        entry = choose(state(), TAG, records=self.read(run, place, repository(registry, "team/x")))
        assert entry == removed(place, TAG)

    def test_the_record_of_a_mirror_lies_beside_its_source(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        place, mirror = repository(registry), Repository(host="quay.io", name="org/web")
        note({TAG: DIGEST}, owner=owner_at(OWNER, mirror))
        found: Records = run(lambda client: read_records(client, (mirror,), OWNER, {mirror: place}))
        assert found.removed == (removed(mirror, TAG),)
        assert found.unread == {}

    def test_that_of_a_mirror_keeps_nothing_at_the_source(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        note({TAG: DIGEST}, owner=owner_at(OWNER, Repository(host="quay.io", name="org/web")))
        note({"py3.7-LATEST": OTHER})
        place = repository(registry)
        image = Image(public=place, planned=frozenset())
        found = run(lambda client: undo_record(client, image, place, state(), OWNER))
        assert [entry.digest for entry in found] == [OTHER]

    def test_that_of_a_mirror_is_found_by_the_declaration_alone(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        place, mirror = repository(registry), Repository(host="quay.io", name="org/web")
        made = parse(config(mirrors=["quay.io/org"]))
        declared = replace(made, registry=str(place).rpartition("/")[0], images=())
        note({TAG: DIGEST}, owner=owner_at(OWNER, mirror))
        places = candidates(state(), declared.registry, [], str(mirror))
        mirrors = declared_mirrors(declared, places)
        assert mirrors == {mirror: place}
        found: Records = run(lambda client: read_records(client, places, OWNER, mirrors))
        assert choose(state(), TAG, str(mirror), found).repository == mirror
        with pytest.raises(TroubleError, match=f"(?s)in:\n  {place}/build.*at a mirror"):
            choose(state(), "py3.7-LATEST", str(mirror), found)

    def test_the_last_removal_counts_whoever_remembers_it(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        place = repository(registry)
        note({TAG: OTHER}, at="2026-01-03")
        records = self.read(run, place)
        before = state(removed=(removed(place, TAG, at="2026-01-02"),))
        assert choose(before, TAG, records=records).digest == OTHER
        later = state(removed=(removed(place, TAG, at="2026-01-04"),))
        assert choose(later, TAG, records=records).digest == DIGEST

    def test_what_both_remember_is_dated_as_the_state_has_it(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        place = repository(registry)
        note({TAG: DIGEST}, at="2026-01-01")
        known = state(removed=(removed(place, TAG, at="2026-01-02"),))
        assert choose(known, TAG, records=self.read(run, place)).removed_at == "2026-01-02"

    def test_an_unknown_tag_is_an_error_that_tells_where_was_looked_and_what_to_name(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        note({"py3.7-LATEST": DIGEST})
        with pytest.raises(TroubleError, match="no record") as raised:
            choose(state(), TAG, records=self.read(run, repository(registry)))
        text = str(raised.value)
        assert f"team/web:py3.7-LATEST  {DIGEST}" in text
        assert f"{registry.host}/{BUILD}" in text
        assert "IMAGE=ghcr.io/owner/python-uvicorn" in text

    def test_a_record_that_can_not_be_read_is_told_and_hides_no_other(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        broken, sound = repository(registry), repository(registry, "team/api")
        registry.push_index(BUILD, RECORD)
        note({TAG: DIGEST}, name="team/api")
        records = self.read(run, broken, sound)
        assert "is not an undo record" in records.unread[broken]
        assert choose(state(), TAG, "api", records).repository == sound
        with pytest.raises(TroubleError, match=r"may have been.*\nSay which") as raised:
            choose(state(), TAG, records=records)
        assert "is not an undo record" in str(raised.value)

    def test_a_record_that_can_not_be_read_does_not_hide_what_the_state_knows(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        place = repository(registry)
        registry.push_index(BUILD, RECORD)
        known = state(removed=(removed(place, TAG),))
        assert choose(known, TAG, records=self.read(run, place)).digest == DIGEST

    def test_an_unknown_tag_tells_which_record_could_not_be_read(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        registry.fault(f"/v2/{BUILD}/", times=9, status=403)
        with pytest.raises(TroubleError, match="answered 403"):
            choose(state(), TAG, records=self.read(run, repository(registry)))

    def test_a_tag_that_the_adopted_state_has_is_left_to_up(
        self, registry: FakeRegistry, run: Run, note: Note
    ) -> None:
        place = repository(registry)
        note({TAG: DIGEST})
        adopted = state(tags={place: frozenset({TAG})})
        with pytest.raises(TroubleError, match="is declared"):
            choose(adopted, TAG, records=self.read(run, place))


class TestOutlook:
    def test_of_an_image_that_left_the_name_stays(self, registry: FakeRegistry) -> None:
        text = predict_next_update(state(), removed(repository(registry), TAG))
        assert text.startswith("It stays: ")
        assert "no pointer of" in text

    def test_after_an_adoption_the_next_up_decides(self, registry: FakeRegistry) -> None:
        place = repository(registry)
        text = predict_next_update(
            state(tags={place: frozenset({"py3.11-0.34.0"})}), removed(place, TAG)
        )
        assert "by the declared policy" in text


def test_the_record_lies_where_the_plan_puts_the_builds() -> None:
    declared = declaration()
    (plan,) = make_plan(declared, inputs(declared), "fleet/dev").images
    builds = {str(image_of(plan).build)}
    assert {build.repository for tag in plan.tags for build in tag.builds} == builds
