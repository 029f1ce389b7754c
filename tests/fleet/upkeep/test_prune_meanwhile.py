"""Names that somebody puts while a sweep is under way: they save what they name."""

import json
import os
import re
import signal
import time
from collections.abc import Callable

import pytest

from fleet.upkeep.prune import delete
from fleet.upkeep.prune.delete import BATCH, BUDGET, batch_size
from tests.fleet.upkeep.sweeping import (
    BUILD,
    FIRST,
    LAST,
    PUBLIC,
    Sweeper,
    push_build,
    push_index_of,
    state,
    superseded,
    superseded_index,
    tagged,
)
from tests.providers.ociregistry.registry_fake import FakeRegistry, Fault


def before(registry: FakeRegistry, pattern: str, act: Callable[[], object], skip: int = 0) -> None:
    """Have `act` happen once, just before a request that matches, after `skip` others."""
    original, left = registry.take_fault, [skip + 1]

    def take(line: str) -> Fault | None:
        if re.search(pattern, line):
            left[0] -= 1
            if left[0] == 0:
                act()
        return original(line)

    registry.take_fault = take  # type: ignore[method-assign]


def many(sweeper: Sweeper, count: int) -> list[str]:
    """Have so many builds noted that left the plan, beside as many of the plan."""
    sweeper.planned = frozenset(f"kept{n}" for n in range(count))
    for number in range(count):
        tagged(sweeper.registry, BUILD, f"kept{number}", f"kept{number}")
    left = [tagged(sweeper.registry, BUILD, f"left{n}", f"left{n}") for n in range(count)]
    sweeper.sweep(FIRST)
    return left


class TestANameThatIsPutMeanwhile:
    def test_on_an_index_saves_its_platforms_though_the_index_itself_just_went(
        self, sweeper: Sweeper
    ) -> None:
        old, child = superseded_index(sweeper)
        body = sweeper.registry.repositories[PUBLIC].manifests[old]

        def push_again() -> None:
            sweeper.registry.repositories[PUBLIC].manifests[old] = body
            sweeper.registry.repositories[PUBLIC].tags["py3.11-0.34.0"] = old

        # The list before the second deletion: the name is known, and names something else now.
        before(sweeper.registry, f"GET /v2/{PUBLIC}/tags/list", push_again, skip=3)
        swept = sweeper.sweep(LAST)
        assert [item.digest for item in swept.gone] == [old]
        assert swept.kept == {child: "needed again"}
        assert sweeper.registry.pullable(PUBLIC, "py3.11-0.34.0")

    def test_new_to_all_saves_what_it_names_right_before_its_turn(self, sweeper: Sweeper) -> None:
        old, child = superseded_index(sweeper)

        def pin() -> None:
            push_index_of(sweeper.registry, [child], "pinned", {"title": "another"})

        before(sweeper.registry, f"GET /v2/{PUBLIC}/tags/list", pin, skip=3)
        swept = sweeper.sweep(LAST)
        assert [item.digest for item in swept.gone] == [old]
        assert swept.kept == {child: "needed again"}
        assert sweeper.registry.pullable(PUBLIC, "pinned")

    def test_known_of_old_and_put_back_by_an_undo_saves_its_digest(self, sweeper: Sweeper) -> None:
        sweeper.max_share = 1.0
        old = sweeper.registry.push_index(PUBLIC, "py3.8-LATEST")
        sweeper.registry.push_index(PUBLIC, "py3.12-LATEST")
        sweeper.sweep(FIRST)
        tags = sweeper.registry.repositories[PUBLIC].tags
        del tags["py3.8-LATEST"]
        sweeper.sweep(FIRST)

        def undo() -> None:
            sweeper.registry.repositories[PUBLIC].tags["py3.8-LATEST"] = old

        before(sweeper.registry, f"GET /v2/{PUBLIC}/tags/list", undo, skip=2)
        assert sweeper.sweep(LAST).kept[old] == "needed again"
        assert sweeper.registry.pullable(PUBLIC, "py3.8-LATEST")

    @pytest.mark.parametrize("name", ["a", "pinned"], ids=["known", "new"])
    def test_while_a_deletion_waits_to_be_repeated_saves_its_digest(
        self, sweeper: Sweeper, name: str
    ) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)
        tags = sweeper.registry.repositories[BUILD].tags
        sweeper.registry.fault(f"DELETE .*{old}", status=503, act=lambda: tags.update({name: old}))
        assert sweeper.sweep(LAST).kept == {old: "needed again"}
        assert sweeper.registry.pullable(BUILD, name)

    def test_in_the_list_all_along_is_seen_by_the_look_before_the_next_batch(
        self, sweeper: Sweeper
    ) -> None:
        many(sweeper, BATCH + 2)
        saved = sweeper.look(LAST).due[-1].digest

        def move() -> None:
            sweeper.registry.repositories[BUILD].tags["kept0"] = saved

        # The first two are the question whether it deletes at all, and the ledger.
        before(sweeper.registry, f"DELETE /v2/{BUILD}/manifests/sha256:", move, skip=2)
        swept = sweeper.sweep(LAST)
        assert swept.kept == {saved: "needed again"}
        assert len(swept.gone) == BATCH + 1
        assert sweeper.holds(BUILD, saved)


def test_a_digest_that_the_state_has_come_to_name_meanwhile_stays(sweeper: Sweeper) -> None:
    old = superseded(sweeper)
    sweeper.sweep(FIRST)

    def record() -> None:
        sweeper.known = state(built=frozenset({old}))

    assert sweeper.sweep(LAST, meanwhile=record).kept == {old: "needed again"}
    assert sweeper.holds(BUILD, old)


def test_an_interrupted_sweep_deletes_nothing_more_and_the_next_one_does(
    sweeper: Sweeper,
) -> None:
    left = set(many(sweeper, 3))
    held = sweeper.registry.repositories[BUILD].manifests

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)

    sweeper.registry.fault(f"DELETE .*({'|'.join(left)})", act=interrupt)
    with pytest.raises(KeyboardInterrupt):
        sweeper.sweep(LAST)
    rest = left & held.keys()
    assert len(rest) == len(left) - 1, "the one on its way is done, and no other"
    assert {item.digest for item in sweeper.sweep(LAST).gone} == rest


class TestTheNumberOfRequests:
    def test_a_deletion_asks_for_the_list_and_the_names_that_could_matter_to_it(
        self, sweeper: Sweeper
    ) -> None:
        many(sweeper, BATCH)
        sweeper.registry.log.clear()
        assert len(sweeper.sweep(LAST).gone) == BATCH
        sent = [line for line in sweeper.registry.log if f"/v2/{BUILD}/" in line]
        undo = [line for line in sent if line.endswith("/undo-fleet-dev")]
        assert len(undo) == 3, "read for the public names, and asked for at each look at all"
        ledger = [line for line in sent if line.endswith("/ledger-fleet-dev")]
        sent = [line for line in sent if line not in (*undo, *ledger)]
        heads = [line for line in sent if line.startswith("HEAD") and "/manifests/" in line]
        names = 2 * BATCH
        assert len(heads) == names + BATCH, "all names once, and one for each deletion"
        assert len([line for line in sent if line.endswith("/tags/list")]) == 4 + BATCH

    @pytest.mark.parametrize(
        ("deletions", "names", "size"),
        [(5, 5, BATCH), (1000, 100, BATCH), (1000, 500, 50), (1000, 100_000, 10_000)],
    )
    def test_batches_grow_where_looks_would_cost_too_much(
        self, deletions: int, names: int, size: int
    ) -> None:
        assert batch_size(deletions, names) == size
        looks = -(-deletions // size)
        assert looks * names <= BUDGET + names


class TestWhatSharesDigests:
    def test_an_index_that_waits_keeps_a_platform_that_an_older_one_had_too(
        self, sweeper: Sweeper
    ) -> None:
        sweeper.max_share, registry = 1.0, sweeper.registry
        push_build(registry, "a", ["shared", "x"])
        sweeper.sweep(FIRST)
        push_build(registry, "a", ["new"])
        sweeper.sweep(FIRST)
        foreign = push_build(registry, "of-another-stack", ["shared", "y"])
        sweeper.sweep(LAST)
        held = registry.repositories[BUILD]
        assert held.tags["of-another-stack"] == foreign
        children = json.loads(held.manifests[foreign][1])["manifests"]
        assert all(child["digest"] in held.manifests for child in children)

    def test_a_name_that_was_seen_once_saves_its_digest_when_lists_lack_it(
        self, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delete, "BATCH", 1)
        many(sweeper, 2)
        saved = sweeper.look(LAST).due[-1].digest
        tags = sweeper.registry.repositories[BUILD].tags

        def hide() -> None:
            known = json.dumps({"tags": sorted(tags.keys() - {"pinned"})}).encode()
            listing = f"GET /v2/{BUILD}/tags/list"
            sweeper.registry.fault(listing, times=99, status=200, body=known)

        before(sweeper.registry, f"DELETE /v2/{BUILD}/manifests/sha256:", hide, skip=1)
        sweeper.sweep(LAST, meanwhile=lambda: tags.update(pinned=saved))
        assert sweeper.holds(BUILD, saved)

    def test_a_doubt_about_builds_is_told_though_the_public_repository_had_the_same_digests(
        self, sweeper: Sweeper
    ) -> None:
        sweeper.max_share, registry = 1.0, sweeper.registry
        for version in ("old", "new"):
            digest = registry.push_index(PUBLIC, "v" if version == "old" else "other")
            public, builds = registry.repositories[PUBLIC], registry.repositories[BUILD]
            builds.manifests.update(public.manifests)
            builds.blobs |= public.blobs
            public.tags["v"] = builds.tags["a"] = digest
            sweeper.sweep(FIRST)
        cut = b'{"tags":["ledger-fleet-dev"]}'
        listing = f"GET /v2/{BUILD}/tags/list"

        def act() -> None:
            registry.fault(listing, times=99, status=200, body=cut)

        before(registry, f"DELETE /v2/{PUBLIC}/manifests/sha256:", act, skip=2)
        assert sweeper.sweep(LAST).kept
