"""The sweep over a registry in memory: what goes, when, and all that never does."""

from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.lock.model import Tools
from fleet.plan.plan import make_plan
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.upkeep.images import Image, image_of
from fleet.upkeep.prune.digests import Distribution
from fleet.upkeep.prune.prune import Pruner, Swept, report
from fleet.upkeep.state import State, parse_state
from tests.fleet.examples import declaration, inputs, lock
from tests.fleet.upkeep.sweeping import (
    BUILD,
    FIRST,
    LAST,
    LATER,
    PUBLIC,
    Sweeper,
    exported_build,
    nested,
    push_build,
    push_index_of,
    push_referrer,
    repository,
    state,
    superseded,
    superseded_index,
    tagged,
)
from tests.providers.ociregistry.registry_fake import http_date

THEIRS = {OWNER_ANNOTATION: "fleet/prod"}


class TestWhenADigestGoes:
    def test_a_superseded_build_goes_after_the_retention_and_not_before(
        self, sweeper: Sweeper
    ) -> None:
        old = superseded(sweeper)
        assert sweeper.sweep(FIRST).gone == ()
        assert sweeper.sweep(LATER).gone == ()
        assert sweeper.holds(BUILD, old)
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [old]
        assert not sweeper.holds(BUILD, old)

    def test_a_dry_run_writes_nothing(self, sweeper: Sweeper) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)
        sweeper.registry.log.clear()
        found = sweeper.look(LAST)
        assert [item.digest for item in found.due] == [old]
        assert sweeper.registry.writes == []
        assert "make prune APPLY=1" in report(found, 30, None)

    def test_what_a_run_sees_for_the_first_time_starts_to_wait(self, sweeper: Sweeper) -> None:
        tagged(sweeper.registry, BUILD, "left", "left")
        found = sweeper.look(FIRST)
        assert [(item.tags, item.goes, item.due) for item in found.unreferenced] == [
            (("left",), "2026-01-31", False)
        ]

    def test_tags_of_versions_that_left_the_plan_go_and_so_do_the_wheels_of_none(
        self, sweeper: Sweeper
    ) -> None:
        sweeper.planned = frozenset({"a", "wheels-a", "b"})
        for tag in sweeper.planned:
            tagged(sweeper.registry, BUILD, tag, tag)
        gone = [tagged(sweeper.registry, BUILD, tag, tag) for tag in ("left", "wheels-left")]
        sweeper.sweep(FIRST)
        assert sorted(item.digest for item in sweeper.sweep(LAST).gone) == sorted(gone)
        assert set(sweeper.registry.repositories[BUILD].tags) >= sweeper.planned

    def test_builds_of_the_layout_before_are_superseded(self, sweeper: Sweeper) -> None:
        sweeper.max_share = 1.0
        new = push_build(sweeper.registry, "a", ["new amd64", "new arm"])
        old = [tagged(sweeper.registry, BUILD, f"a-{p}", f"old {p}") for p in ("amd64", "arm-v7")]
        sweeper.sweep(FIRST)
        said = report(sweeper.look(LATER), 30, None)
        assert all(f"{digest} (a-" in said for digest in old)
        assert {item.digest for item in sweeper.sweep(LAST).gone} == set(old)
        assert sweeper.registry.pullable(BUILD, new)

    def test_a_superseded_build_takes_its_platforms_along_but_those_of_the_next_one(
        self, sweeper: Sweeper
    ) -> None:
        old = push_build(sweeper.registry, "a", ["same", "old"])
        sweeper.sweep(FIRST)
        new = push_build(sweeper.registry, "a", ["same", "new"])
        sweeper.sweep(FIRST)
        moved = sweeper.registry.push_image(BUILD, "linux/amd64", "old")
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [old, moved]
        assert sweeper.registry.pullable(BUILD, new)

    def test_a_build_that_only_the_state_names_keeps_its_platforms(self, sweeper: Sweeper) -> None:
        sweeper.max_share = 1.0
        old = push_build(sweeper.registry, "a", ["shared", "old"])
        sweeper.sweep(FIRST)
        verified = push_build(sweeper.registry, "a", ["shared", "new"])
        push_build(sweeper.registry, "v", ["shared", "new"], name=PUBLIC)
        # Built under the same tag, but its verification failed: the public tag's source stays.
        failed = push_build(sweeper.registry, "a", ["failed"])
        sweeper.known = parse_state("dev", exported_build(sweeper.registry, verified, failed))
        sweeper.sweep(FIRST)
        swept = sweeper.sweep(LAST)
        moved = sweeper.registry.push_image(BUILD, "linux/amd64", "old")
        assert [item.digest for item in swept.gone] == [old, moved]
        assert sweeper.registry.pullable(BUILD, verified)
        assert sweeper.registry.pullable(BUILD, failed)

    def test_a_digest_that_is_needed_again_waits_anew(self, sweeper: Sweeper) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)
        sweeper.registry.repositories[BUILD].tags["a"] = old
        sweeper.sweep(LATER)
        tagged(sweeper.registry, BUILD, "a", "new")
        assert old not in [item.digest for item in sweeper.sweep(LAST).gone]

    def test_an_index_goes_before_its_platforms_and_takes_them_along(
        self, sweeper: Sweeper
    ) -> None:
        old, child = superseded_index(sweeper)
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [old, child]
        assert sweeper.registry.pullable(PUBLIC, "py3.11-0.34.0")

    def test_a_build_goes_though_the_state_names_the_public_index_of_its_digest(
        self, sweeper: Sweeper
    ) -> None:
        old = superseded(sweeper)
        sweeper.known = state(digests=frozenset({old}))
        sweeper.sweep(FIRST)
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [old]

    def test_the_ledger_does_not_grow_by_itself(self, sweeper: Sweeper) -> None:
        tagged(sweeper.registry, BUILD, "a", "kept")
        sweeper.sweep(FIRST)
        manifests = set(sweeper.registry.repositories[BUILD].manifests)
        sweeper.registry.log.clear()
        sweeper.sweep(LATER)
        assert set(sweeper.registry.repositories[BUILD].manifests) == manifests
        assert [line for line in sweeper.registry.writes if line.startswith("PUT")] == []


class TestWhatNeverGoes:
    def test_a_platform_of_a_kept_index(self, sweeper: Sweeper) -> None:
        shared = sweeper.registry.push_image(PUBLIC, "linux/amd64", "shared")
        for tag in ("old", "new"):
            push_index_of(sweeper.registry, [shared], tag, {"title": tag})
        old = sweeper.registry.repositories[PUBLIC].tags["old"]
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags["old"]
        sweeper.sweep(FIRST)
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [old]
        assert sweeper.registry.pullable(PUBLIC, "new")

    def test_a_version_tag_that_left_the_plan(self, sweeper: Sweeper) -> None:
        sweeper.registry.push_index(PUBLIC, "py3.7-0.20.0")
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()

    def test_a_digest_that_a_tag_is_pinned_to(self, sweeper: Sweeper) -> None:
        old = sweeper.registry.push_index(PUBLIC, "py3.8-LATEST")
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags["py3.8-LATEST"]
        sweeper.pinned = frozenset({old})
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()
        sweeper.pinned, sweeper.max_share = frozenset(), 1
        sweeper.sweep(LAST)
        assert old in {item.digest for item in sweeper.sweep(LAST, days=0).gone}

    @pytest.mark.parametrize("where", ["digests", "undo record"])
    def test_a_digest_that_the_state_names(self, sweeper: Sweeper, where: str) -> None:
        old = sweeper.registry.push_index(PUBLIC, "py3.8-LATEST")
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags["py3.8-LATEST"]
        place = repository(sweeper.registry, PUBLIC)
        roots = {place: frozenset({old})} if where == "undo record" else {}
        sweeper.known = state(digests=frozenset({old}), roots=roots)
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()
        assert sweeper.registry.pullable(PUBLIC, old)

    def test_a_referrer_of_a_kept_digest_and_what_a_kept_referrer_refers_to(
        self, sweeper: Sweeper
    ) -> None:
        kept = sweeper.registry.push_index(PUBLIC, "kept")
        signature = push_referrer(sweeper.registry, kept, "signature", "s1")
        old = sweeper.registry.push_index(PUBLIC, "old")
        push_referrer(sweeper.registry, old, "attached", "s2")
        sweeper.sweep(FIRST)
        tags = sweeper.registry.repositories[PUBLIC].tags
        del tags["old"], tags["s1"]
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()
        assert sweeper.holds(PUBLIC, signature)
        assert sweeper.registry.pullable(PUBLIC, old)

    def test_what_a_tag_of_the_referrers_schema_names(self, sweeper: Sweeper) -> None:
        old = sweeper.registry.push_index(PUBLIC, "old")
        name = f"{old.replace(':', '-')}.sig"
        tagged(sweeper.registry, PUBLIC, name, "signature")
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags["old"]
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()

    def test_the_platforms_of_a_planned_build(self, sweeper: Sweeper) -> None:
        push_build(sweeper.registry, "a", ["one", "two"])
        sweeper.sweep(FIRST)
        assert sweeper.look(LAST).unreferenced == ()
        assert sweeper.sweep(LAST, days=0).gone == ()
        assert sweeper.registry.pullable(BUILD, "a")

    def test_the_builds_of_another_stacks_tags_and_their_wheels(self, sweeper: Sweeper) -> None:
        build = push_build(sweeper.registry, "theirs", ["theirs", "as well"], THEIRS)
        assert (
            push_build(sweeper.registry, "theirs", ["theirs", "as well"], THEIRS, PUBLIC) == build
        )
        wheels = push_build(sweeper.registry, "wheels-theirs", ["wheels"])
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[BUILD].tags["theirs"]
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()
        assert sweeper.registry.pullable(BUILD, build)
        assert sweeper.registry.pullable(BUILD, wheels)

    def test_the_builds_that_another_stack_joined_to_one_index(self, sweeper: Sweeper) -> None:
        platforms = ["theirs", "others"]
        builds = [push_build(sweeper.registry, text, [text], THEIRS) for text in platforms]
        push_build(sweeper.registry, "joined", platforms, THEIRS, PUBLIC)
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()
        assert all(sweeper.registry.pullable(BUILD, digest) for digest in builds)

    def test_the_platform_builds_that_another_stacks_index_of_the_layout_before_names(
        self, sweeper: Sweeper
    ) -> None:
        digest = tagged(sweeper.registry, BUILD, "theirs-amd64", "theirs")
        push_build(sweeper.registry, "theirs", ["theirs"], THEIRS, PUBLIC)
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()
        assert sweeper.holds(BUILD, digest)

    def test_a_superseded_index_of_another_stack_which_may_have_it_on_record(
        self, sweeper: Sweeper
    ) -> None:
        old = sweeper.registry.push_index(PUBLIC, "theirs", {OWNER_ANNOTATION: "fleet/prod"})
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags["theirs"]
        sweeper.sweep(FIRST)
        assert sweeper.sweep(LAST).gone == ()
        assert sweeper.registry.pullable(PUBLIC, old)

    def test_the_platforms_of_an_index_that_could_not_be_deleted(self, sweeper: Sweeper) -> None:
        old, child = superseded_index(sweeper)
        sweeper.registry.fault(f"DELETE .*{old}", status=409)
        swept = sweeper.sweep(LAST)
        assert swept.gone == ()
        assert swept.kept[child] == f"belongs to {old}, which stays"
        assert sweeper.registry.pullable(PUBLIC, old)
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [old, child]

    @pytest.mark.parametrize("outer_first", [True, False])
    def test_an_index_in_an_index_that_could_not_be_deleted(
        self, sweeper: Sweeper, outer_first: bool
    ) -> None:
        sweeper.max_share = 1.0
        inner, outer = nested(sweeper.registry, outer_first=outer_first)
        sweeper.sweep(FIRST)
        del sweeper.registry.repositories[PUBLIC].tags["outer"]
        sweeper.sweep(FIRST)
        sweeper.registry.fault(f"DELETE .*{outer}", status=409)
        swept = sweeper.sweep(LAST)
        assert swept.gone == ()
        assert swept.kept[inner] == f"belongs to {outer}, which stays"
        assert sweeper.registry.pullable(PUBLIC, outer)
        gone = [item.digest for item in sweeper.sweep(LAST).gone]
        assert gone[:2] == [outer, inner]
        assert len(gone) == 3

    def test_a_signature_of_an_image_that_could_not_be_deleted(self, sweeper: Sweeper) -> None:
        sweeper.max_share = 1.0
        signed = tagged(sweeper.registry, BUILD, "b", "image")
        signature = push_referrer(sweeper.registry, signed, "signature", "s", BUILD)
        sweeper.sweep(FIRST)
        sweeper.registry.fault(f"DELETE .*{signed}", status=409)
        swept = sweeper.sweep(LAST)
        assert swept.kept[signature] == f"belongs to {signed}, which stays"
        assert sweeper.holds(BUILD, signature)
        gone = {item.digest for item in sweeper.sweep(LAST).gone}
        assert {signed, signature} <= gone

    @pytest.mark.parametrize("known", [True, False], ids=["seen before", "made meanwhile"])
    def test_the_platforms_of_an_index_that_was_tagged_between_look_and_deletion(
        self, sweeper: Sweeper, known: bool
    ) -> None:
        old, child = superseded_index(sweeper)
        registry = sweeper.registry
        registry.date = http_date(LAST)

        async def work(client: Any) -> Swept:
            pruner = Pruner(
                registry=client, versions=Distribution(registry=client), owner="fleet/dev",
                state=lambda: sweeper.known, now=lambda: LAST, days=30,
            )  # fmt: skip
            image = Image(public=repository(registry, PUBLIC), planned=sweeper.planned)
            found = await pruner.look(image)
            if known:
                registry.repositories[PUBLIC].tags["pinned"] = old
            else:
                push_index_of(registry, [child], "pinned", {"title": "another"})
            return await pruner.apply(found)

        swept = sweeper.run(work)
        assert swept.kept[child] == "needed again"
        assert registry.pullable(PUBLIC, "pinned")

    def test_what_somebody_tagged_between_look_and_deletion(self, sweeper: Sweeper) -> None:
        old = superseded(sweeper)
        sweeper.sweep(FIRST)
        registry = sweeper.registry
        registry.date = http_date(LAST)
        first, seen = sweeper.known, 0

        def tag_it_meanwhile() -> State:
            nonlocal seen
            seen += 1
            return first

        image = Image(public=repository(registry, PUBLIC), planned=sweeper.planned)

        async def work(client: Any) -> Swept:
            pruner = Pruner(
                registry=client, versions=Distribution(registry=client), owner="fleet/dev",
                state=tag_it_meanwhile, now=lambda: LAST, days=30,
            )  # fmt: skip
            found = await pruner.look(image)
            registry.repositories[BUILD].tags["pinned"] = old
            return await pruner.apply(found)

        swept = sweeper.run(work)
        assert swept.gone == ()
        assert swept.kept == {old: "needed again"}
        assert sweeper.holds(BUILD, old)
        assert seen == 2


class TestRefusals:
    def test_a_registry_that_deletes_nothing_is_left_as_it_is(self, sweeper: Sweeper) -> None:
        tagged(sweeper.registry, BUILD, "left", "left")
        sweeper.registry.digest_delete = False
        with pytest.raises(TroubleError, match="does not delete by digest"):
            sweeper.sweep(FIRST)
        assert [line for line in sweeper.registry.writes if not line.startswith("DELETE")] == []

    def test_an_empty_state_over_a_full_registry_stops(self, sweeper: Sweeper) -> None:
        sweeper.registry.push_index(PUBLIC, "py3.11-0.34.0")
        sweeper.known = state(digests=frozenset())
        with pytest.raises(TroubleError, match="has no digest"):
            sweeper.look()

    def test_a_broken_ledger_stops(self, sweeper: Sweeper) -> None:
        tagged(sweeper.registry, BUILD, "ledger-fleet-dev", "not a ledger")
        with pytest.raises(TroubleError, match="is not a valid ledger"):
            sweeper.look()

    def test_an_image_without_repositories_has_nothing_to_sweep(self, sweeper: Sweeper) -> None:
        assert sweeper.sweep() == Swept()
        assert sweeper.registry.writes == []

    def test_a_digest_that_fails_stops_no_other(self, sweeper: Sweeper) -> None:
        sweeper.max_share = 1.0
        digests = sorted(tagged(sweeper.registry, BUILD, f"{name}", name) for name in ("x", "y"))
        sweeper.sweep(FIRST)
        sweeper.registry.fault(f"DELETE .*{digests[0]}", status=409)
        swept = sweeper.sweep(LAST)
        assert [item.digest for item in swept.gone] == [digests[1]]
        assert "409" in swept.kept[digests[0]]
        assert [item.digest for item in sweeper.sweep(LAST).gone] == [digests[0]]


def test_builds_and_the_wheels_that_they_take_are_planned() -> None:
    declared = declaration(versions=["0.34.0"])
    tools = Tools(
        pins=(),
        compiled={"linux/arm/v7 glibc": ("gunicorn==23.0.0",)},
        sources={"gunicorn==23.0.0": f"https://files.test/a.tar.gz#sha256={'a' * 64}"},
    )
    given = inputs(declared, lock=lock(declared, tools={("web", "3.11"): tools}))
    (plan,) = make_plan(declared, given, "fleet/dev").images
    (wheels,) = plan.compiling
    assert wheels.reference.startswith(f"{plan.repository}/build:wheels-py3.11-")
    assert image_of(plan).planned == {"py3.11-slim-0.34.0", wheels.reference.rpartition(":")[2]}
