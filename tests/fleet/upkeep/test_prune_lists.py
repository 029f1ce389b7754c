"""Tag lists that are not whole, and registries that contradict themselves: nothing goes."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.upkeep.prune.prune import report
from tests.fleet.upkeep.conftest import removed
from tests.fleet.upkeep.sweeping import (
    BUILD,
    FIRST,
    LAST,
    PUBLIC,
    Sweeper,
    repository,
    state,
    superseded,
    tagged,
)
from tests.providers.ociregistry.registry_fake import OCI_MANIFEST, sha

OLD, NEW = "py3.8-0.30.0", "py3.12-0.34.0"
WRONG: Mapping[str, dict[str, Any]] = {
    "empty": {"status": 200, "body": b'{"tags":[]}'},
    "null": {"status": 200, "body": b'{"tags":null}'},
    "truncated": {"status": 200, "body": json.dumps({"tags": [NEW]}).encode()},
    "404": {"status": 404},
}
wrong = pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)


def listed_as(sweeper: Sweeper, name: str, answer: Mapping[str, Any]) -> None:
    """Have every tag list of a repository answered so from now on."""
    sweeper.registry.fault(f"GET /v2/{name}/tags/list", times=99, **answer)


def historic(sweeper: Sweeper) -> str:
    """Have a version tag noted that no state names, beside another; return its digest."""
    old = sweeper.registry.push_index(PUBLIC, OLD)
    sweeper.registry.push_index(PUBLIC, NEW)
    tagged(sweeper.registry, BUILD, "a", "build")
    sweeper.sweep(FIRST)
    return old


class TestAListThatLacksNames:
    @wrong
    def test_costs_nothing_however_often_it_comes_and_however_short_the_retention(
        self, sweeper: Sweeper, answer: Mapping[str, Any]
    ) -> None:
        sweeper.max_share = 1.0
        old = historic(sweeper)
        listed_as(sweeper, PUBLIC, answer)
        for now in (FIRST, LAST, LAST):
            assert sweeper.sweep(now, days=0).gone == ()
        assert sweeper.registry.pullable(PUBLIC, old)
        assert sweeper.registry.pullable(PUBLIC, OLD)

    @wrong
    def test_is_said_and_what_was_known_stays_known(
        self, sweeper: Sweeper, answer: Mapping[str, Any]
    ) -> None:
        historic(sweeper)
        before = sweeper.look(FIRST).ledger
        listed_as(sweeper, PUBLIC, answer)
        found = sweeper.look(LAST)
        assert found.ledger == before
        assert OLD in found.doubts[repository(sweeper.registry, PUBLIC)]
        assert "is left as it is" in report(found, 30, None)

    @wrong
    def test_in_the_build_repository_stops_no_other(
        self, sweeper: Sweeper, answer: Mapping[str, Any]
    ) -> None:
        sweeper.max_share = 1.0
        gone = sweeper.registry.push_index(PUBLIC, OLD)
        sweeper.registry.push_index(PUBLIC, NEW)
        held = tagged(sweeper.registry, BUILD, "left", "left")
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags[OLD]
        sweeper.sweep(FIRST)
        listed_as(sweeper, BUILD, answer)
        assert gone in [item.digest for item in sweeper.sweep(LAST, days=0).gone]
        assert sweeper.holds(BUILD, held)
        assert set(sweeper.look(LAST).doubts) == {repository(sweeper.registry, BUILD)}

    @wrong
    def test_in_the_public_repository_stops_all_for_what_needs_a_build_is_seen_there(
        self, sweeper: Sweeper, answer: Mapping[str, Any]
    ) -> None:
        sweeper.max_share = 1.0
        historic(sweeper)
        left = [tagged(sweeper.registry, BUILD, name, name) for name in ("left", "wheels-left")]
        sweeper.sweep(FIRST)
        listed_as(sweeper, PUBLIC, answer)
        assert sweeper.sweep(LAST).gone == ()
        sweeper.registry.faults.clear()
        assert {item.digest for item in sweeper.sweep(LAST).gone} == set(left)

    def test_of_the_undo_record_is_not_believed_either(self, sweeper: Sweeper) -> None:
        historic(sweeper)
        place = repository(sweeper.registry, PUBLIC)
        sweeper.registry.push_index(PUBLIC, "py3.9-LATEST")
        sweeper.known = state(removed=(removed(place, "py3.9-LATEST"),))
        listed_as(
            sweeper, PUBLIC, {"status": 200, "body": json.dumps({"tags": [OLD, NEW]}).encode()}
        )
        assert "py3.9-LATEST" in sweeper.look(FIRST).doubts[place]

    def test_of_a_tag_resource_is_not_believed_even_if_the_name_is_gone(
        self, sweeper: Sweeper
    ) -> None:
        old = historic(sweeper)
        place = repository(sweeper.registry, PUBLIC)
        sweeper.known = state(tags={place: frozenset({OLD, NEW})})
        del sweeper.registry.repositories[PUBLIC].tags[OLD]
        for now in (FIRST, LAST):
            assert sweeper.sweep(now, days=0).gone == ()
        assert "make up" in sweeper.look(LAST).doubts[place]
        assert sweeper.registry.pullable(PUBLIC, old)

    def test_is_believed_once_the_name_does_not_answer_any_more(self, sweeper: Sweeper) -> None:
        old = historic(sweeper)
        del sweeper.registry.repositories[PUBLIC].tags[OLD]
        sweeper.sweep(FIRST)
        assert old in [item.digest for item in sweeper.sweep(LAST).gone]
        assert sweeper.registry.pullable(PUBLIC, NEW)

    def test_a_name_stays_noted_as_long_as_its_digest_is_there(self, sweeper: Sweeper) -> None:
        old = historic(sweeper)
        place = repository(sweeper.registry, PUBLIC)
        del sweeper.registry.repositories[PUBLIC].tags[OLD]
        sweeper.sweep(FIRST)
        assert sweeper.look(FIRST).ledger.names(place)[OLD] == (old,)
        sweeper.sweep(LAST)
        assert OLD not in sweeper.look(LAST).ledger.names(place)


class TestARegistryThatContradictsItself:
    def test_a_listed_tag_that_is_not_there_stops_the_sweep(self, sweeper: Sweeper) -> None:
        old = historic(sweeper)
        sweeper.registry.fault(f"(GET|HEAD) /v2/{PUBLIC}/manifests/{OLD}", times=99, status=404)
        for now in (FIRST, LAST):
            assert sweeper.sweep(now, days=0).gone == ()
        assert sweeper.registry.pullable(PUBLIC, old)
        assert OLD in sweeper.look(LAST).doubts[repository(sweeper.registry, PUBLIC)]

    def test_a_list_that_is_cut_only_after_the_look_stops_the_deletion(
        self, sweeper: Sweeper
    ) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)
        answer = {"status": 200, "body": b'{"tags":["ledger-fleet-dev"]}'}
        swept = sweeper.sweep(LAST, meanwhile=lambda: listed_as(sweeper, BUILD, answer))
        assert swept.gone == ()
        assert "a" in swept.kept[old]
        assert sweeper.holds(BUILD, old)

    def test_a_repository_that_is_not_found_any_more_after_the_look_stops_the_deletion(
        self, sweeper: Sweeper
    ) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)
        swept = sweeper.sweep(LAST, meanwhile=lambda: listed_as(sweeper, BUILD, WRONG["404"]))
        assert "is gone since this run began" in swept.kept[old]
        assert sweeper.holds(BUILD, old)

    def test_a_name_of_a_digest_that_the_registry_does_not_have_stops_the_deletion(
        self, sweeper: Sweeper
    ) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)

        def lie() -> None:
            told = {"Docker-Content-Digest": "sha256:" + "0" * 64}
            line = f"HEAD /v2/{BUILD}/manifests/a"
            sweeper.registry.fault(line, times=99, status=200, headers=told)

        assert "does not have" in sweeper.sweep(LAST, meanwhile=lie).kept[old]
        assert sweeper.holds(BUILD, old)

    def test_a_repository_that_is_gone_with_all_it_held_is_no_contradiction(
        self, sweeper: Sweeper
    ) -> None:
        historic(sweeper)
        before = sweeper.look(FIRST).ledger
        del sweeper.registry.repositories[PUBLIC]
        found = sweeper.look(LAST)
        assert (found.doubts, found.unreferenced) == ({}, ())
        assert found.ledger == before, "so a list that is cut later is still held against it"

    def test_a_repository_that_is_not_found_though_its_digests_are_stops_the_sweep(
        self, sweeper: Sweeper
    ) -> None:
        sweeper.max_share = 1.0
        old = historic(sweeper)
        sweeper.registry.repositories[PUBLIC].tags.clear()
        sweeper.sweep(FIRST)
        listed_as(sweeper, PUBLIC, WRONG["404"])
        assert sweeper.look(LAST).doubts.keys() >= {repository(sweeper.registry, PUBLIC)}
        assert sweeper.sweep(LAST).gone == ()
        assert sweeper.holds(PUBLIC, old)

    def test_a_list_without_the_very_ledger_that_was_read_stops_the_sweep(
        self, sweeper: Sweeper
    ) -> None:
        tagged(sweeper.registry, BUILD, "left", "left")
        sweeper.sweep(FIRST)
        listed_as(sweeper, BUILD, WRONG["empty"])
        found = sweeper.look(LAST)
        assert "ledger-fleet-dev" in found.doubts[repository(sweeper.registry, BUILD)]


class TestTheFirstRun:
    def test_of_a_fleet_only_notes_the_names(self, sweeper: Sweeper) -> None:
        sweeper.max_share = 1.0
        left = tagged(sweeper.registry, BUILD, "left", "left")
        tagged(sweeper.registry, BUILD, "a", "kept")
        assert "not on record yet" in report(sweeper.look(FIRST, days=0), 0, None)
        assert sweeper.sweep(FIRST, days=0).gone == ()
        assert [item.digest for item in sweeper.sweep(FIRST, days=0).gone] == [left]

    def test_a_ledger_whose_names_are_no_names_stops(self, sweeper: Sweeper) -> None:
        tagged(sweeper.registry, BUILD, "a", "kept")
        body = gzip.compress(b'{"entries": {}, "tags": {"team/web": {"a": ["b"]}}}', mtime=0)
        storage = sweeper.registry.repositories[BUILD]
        entry = {"mediaType": "x", "digest": sha(body), "size": len(body)}
        storage.blobs[sha(body)] = body
        document = {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": entry, "layers": [entry],
        }  # fmt: skip
        sweeper.registry.push_manifest(BUILD, document, "ledger-fleet-dev")
        with pytest.raises(TroubleError, match="is not a valid ledger"):
            sweeper.look(FIRST)

    def test_a_ledger_that_did_not_answer_at_the_look_is_not_overwritten(
        self, sweeper: Sweeper
    ) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)
        before = sweeper.look(FIRST).ledger
        sweeper.registry.fault(f"GET /v2/{BUILD}/manifests/ledger-fleet-dev", status=404)
        with pytest.raises(TroubleError, match="written meanwhile"):
            sweeper.sweep(LAST, days=0)
        assert sweeper.look(FIRST).ledger == before
        assert sweeper.holds(BUILD, old)

    def test_two_stacks_have_ledgers_of_their_own_even_where_they_hold_the_same(
        self, sweeper: Sweeper
    ) -> None:
        tagged(sweeper.registry, BUILD, "a", "kept")
        for owner in ("fleet/dev", "fleet/prod"):
            sweeper.owner = owner
            sweeper.sweep(FIRST)
        names = sweeper.registry.repositories[BUILD].tags
        assert names["ledger-fleet-dev"] != names["ledger-fleet-prod"]


class TestTheShare:
    def test_of_what_one_run_deletes_is_bounded(self, sweeper: Sweeper) -> None:
        left = [tagged(sweeper.registry, BUILD, f"{n}", n) for n in ("x", "y")]
        tagged(sweeper.registry, BUILD, "a", "kept")
        sweeper.sweep(FIRST)
        said = report(sweeper.look(LAST), 30, None)
        assert "2 of the 3 known digests" in said
        assert "MAX_SHARE=1" in said
        swept = sweeper.sweep(LAST)
        assert swept.gone == ()
        assert set(swept.kept) == set(left)
        sweeper.max_share = 1.0
        assert {item.digest for item in sweeper.sweep(LAST).gone} == set(left)

    def test_is_that_of_a_repository_so_another_one_is_swept_all_the_same(
        self, sweeper: Sweeper
    ) -> None:
        tagged(sweeper.registry, BUILD, "a", "kept")
        left = tagged(sweeper.registry, BUILD, "left", "left")
        old = sweeper.registry.push_image(PUBLIC, "linux/amd64", "old")
        sweeper.registry.repositories[PUBLIC].tags["old"] = old
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags["old"]
        sweeper.sweep(FIRST)
        swept = sweeper.sweep(LAST)
        assert [item.digest for item in swept.gone] == [left]
        assert swept.kept.keys() == {old}

    def test_counts_the_platforms_of_indexes_as_known(self, sweeper: Sweeper) -> None:
        old = sweeper.registry.push_index(PUBLIC, OLD)
        sweeper.registry.push_index(PUBLIC, NEW)
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags[OLD]
        sweeper.sweep(FIRST)
        gone = [item.digest for item in sweeper.sweep(LAST).gone]
        assert gone[0] == old
        assert len(gone) == 2, "half of the four digests"
