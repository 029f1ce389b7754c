"""The same sweep over every kind of registry: what is superseded goes, what is kept pulls."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fleet.console import TroubleError
from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.errors import OciError, RegistryError
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from fleet.registry.undo_log import Removal
from fleet.registry.undo_writer import UndoWriter
from fleet.upkeep.connection import Opened
from fleet.upkeep.images import Image
from fleet.upkeep.prune.prune import Pruner, Swept
from fleet.upkeep.restore import Restored, choose, read_records, restore
from tests.engine.reading import Reading
from tests.engine.seeding import PLATFORMS, move_tag, push_image, push_index
from tests.fleet.upkeep.sweeping import state
from tests.providers.ociregistry.registry_fake import http_date
from tests.registries.front import Front
from tests.registries.kinds import Kind, parameters, running

PUBLIC, BUILD, TAG = "team/web", "team/web/build", "py3.11-0.34.0"
_T = TypeVar("_T")
FIRST, LAST = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


@dataclass(frozen=True)
class Seeded:
    """The replaced manifests: an index, and a build with its platforms; and the index on record."""

    old: str
    undo: str
    builds: frozenset[str]


def seed(front: Front) -> None:
    """Fill the registry as a first update does."""
    children = {r: push_image(front, r, PLATFORMS, f"old {r}") for r in (PUBLIC, BUILD)}
    push_index(front, PUBLIC, ["py3.11-0.34.0", "py3.11-LATEST"], children[PUBLIC])
    shared = {**children[PUBLIC], **push_image(front, PUBLIC, PLATFORMS[:1], "one platform anew")}
    push_index(front, PUBLIC, ["py3.11-0.33.0"], shared)
    undo = push_image(front, PUBLIC, PLATFORMS, "undo")
    push_index(front, PUBLIC, ["py3.8-LATEST"], undo)
    push_index(front, BUILD, [TAG], children[BUILD])


def supersede(front: Front) -> Seeded:
    """Rebuild and forget as a later update does; return what that left behind."""
    reading = Reading(front.storage, PUBLIC)
    old, undo = reading.digest("py3.11-0.34.0"), reading.digest("py3.8-LATEST")
    build = Reading(front.storage, BUILD)
    builds = {str(build.digest(TAG)), *build.pull(TAG).values()}
    children = {r: push_image(front, r, PLATFORMS, f"new {r}") for r in (PUBLIC, BUILD)}
    tags = ["py3.11-0.34.0", "py3.11-LATEST", "py3.8-LATEST"]
    push_index(front, PUBLIC, tags, children[PUBLIC])
    push_index(front, BUILD, [TAG], children[BUILD])
    return Seeded(old=str(old), undo=str(undo), builds=frozenset(builds))


def sweep(front: Front, undo: str, now: str) -> Swept:
    """Run `make prune APPLY=1` on a day."""
    front.date = http_date(now)

    async def work() -> Swept:
        transport = Transport(environment=front.environment)
        opened = Opened(registry=Client(transport), transport=transport)
        public = Repository(host=front.host, name=PUBLIC)
        known = state(digests=frozenset({undo}), roots={public: frozenset({undo})})
        pruner = Pruner(
            registry=opened.registry, versions=opened.versions_of(front.host), owner="fleet/dev",
            state=lambda: known, now=lambda: now, days=30,
        )  # fmt: skip
        planned = frozenset({TAG})
        try:
            return await pruner.apply(await pruner.look(Image(public=public, planned=planned)))
        finally:
            await transport.close()

    return asyncio.run(work())


def put_on_record(front: Front, removal: Removal) -> None:
    """Write the undo record as an update does before it removes a name."""
    place = Repository(host=front.host, name=PUBLIC)
    asked(front, lambda opened: UndoWriter(opened.registry).add(place, "fleet/dev", [removal]))


def restored(front: Front, tag: str) -> Restored:
    """Run `make restore` of a name that the state does not know."""
    place = Repository(host=front.host, name=PUBLIC)

    async def work(opened: Opened) -> Restored:
        records = await read_records(opened.registry, (place,), "fleet/dev")
        return await restore(opened.registry, choose(state(), tag, str(place), records))

    return asked(front, work)


def asked(front: Front, work: Callable[[Opened], Coroutine[Any, Any, _T]]) -> _T:
    """Do `work` with a client of the registry."""

    async def run() -> _T:
        transport = Transport(environment=front.environment)
        try:
            return await work(Opened(registry=Client(transport), transport=transport))
        finally:
            await transport.close()

    return asyncio.run(run())


@pytest.mark.parametrize("kind", parameters(removes=True))
def test_what_is_superseded_goes_and_everything_kept_still_pulls(
    kind: Kind, tmp_path: Path
) -> None:
    with running(kind, tmp_path) as front:
        seed(front)
        undo = str(Reading(front.storage, PUBLIC).digest("py3.8-LATEST"))
        sweep(front, undo, FIRST)
        left = supersede(front)
        assert sweep(front, undo, FIRST).gone == ()
        swept = sweep(front, undo, LAST)
        assert swept.kept == {}
        gone = {(item.repository.name, item.digest) for item in swept.gone}
        assert {(PUBLIC, left.old), *((BUILD, d) for d in left.builds)} <= gone
        public, build = Reading(front.storage, PUBLIC), Reading(front.storage, BUILD)
        assert public.digest(left.old) is None
        assert all(build.digest(digest) is None for digest in left.builds)
        # The other version tag still needs two platforms of the index that went.
        for kept in ("py3.11-0.34.0", "py3.11-0.33.0", "py3.11-LATEST", left.undo):
            assert set(public.pull(kept)) == set(PLATFORMS)
        assert set(build.pull(TAG)) == set(PLATFORMS)
        assert sweep(front, undo, LAST).gone == ()


@pytest.mark.parametrize("kind", parameters(removes=True))
def test_what_the_record_in_the_registry_names_outlasts_sweeps_and_comes_back(
    kind: Kind, tmp_path: Path
) -> None:
    with running(kind, tmp_path) as front:
        seed(front)
        undo = str(Reading(front.storage, PUBLIC).digest("py3.8-LATEST"))
        # Twice, so that a record is displaced.
        for tag, digest in (("py3.7-LATEST", undo), ("py3.8-LATEST", undo)):
            put_on_record(front, Removal(tag=tag, digest=digest, removed_at="2026-01-01"))
        sweep(front, "", FIRST)
        supersede(front)  # moves the pointer away from what is on record
        sweep(front, "", FIRST)
        swept = sweep(front, "", LAST)
        assert swept.kept == {}
        assert swept.gone != ()
        view = Reading(front.storage, PUBLIC)
        assert view.undo() == {"py3.7-LATEST": undo, "py3.8-LATEST": undo}
        assert set(view.pull(undo)) == set(PLATFORMS)
        assert restored(front, "py3.7-LATEST").written
        assert view.tags()["py3.7-LATEST"] == undo
        assert set(view.pull("py3.7-LATEST")) == set(PLATFORMS)


@pytest.mark.parametrize("kind", parameters(removes=False))
def test_a_registry_without_deletion_is_left_as_it_is(kind: Kind, tmp_path: Path) -> None:
    with running(kind, tmp_path) as front:
        seed(front)
        front.log.clear()
        with pytest.raises((TroubleError, OciError), match="does not delete by digest"):
            sweep(front, "", FIRST)
        assert [line for line in front.writes if not line.startswith("DELETE")] == []


async def unchanged() -> None:
    """Look, and find nothing."""


def test_on_github_a_tag_that_comes_while_a_deletion_waits_saves_its_version(
    tmp_path: Path,
) -> None:
    with running(Kind(name="is like GitHub's", ghcr=True), tmp_path) as front:
        seed(front)
        alone = push_index(front, PUBLIC, ["alone"], {})
        assert front.github is not None
        front.github.statuses["DELETE"] = 502

        async def pin(_: float) -> None:
            move_tag(front, PUBLIC, "pinned", "alone")

        async def work() -> None:
            retry = RetryPolicy(attempts=3, sleep=pin)
            transport = Transport(environment=front.environment, retry=retry)
            opened = Opened(registry=Client(transport), transport=transport)
            public = Repository(host=front.host, name=PUBLIC)
            try:
                await opened.versions_of(front.host).delete(public, alone, ["alone"], unchanged)
            finally:
                await transport.close()

        with pytest.raises(RegistryError, match=r"was given the tag .*pinned"):
            asyncio.run(work())
        assert len([line for line in front.writes if line.startswith("DELETE /api/")]) == 1


def test_github_is_asked_for_a_versions_tags_and_one_that_has_some_stays(tmp_path: Path) -> None:
    with running(Kind(name="is like GitHub's", ghcr=True), tmp_path) as front:
        seed(front)
        index = str(Reading(front.storage, PUBLIC).digest("py3.11-0.34.0"))

        async def work() -> None:
            transport = Transport(environment=front.environment)
            opened = Opened(registry=Client(transport), transport=transport)
            public = Repository(host=front.host, name=PUBLIC)
            try:
                # All names but one are known to go along with it.
                await opened.versions_of(front.host).delete(
                    public, index, ["py3.11-0.34.0"], unchanged
                )
            finally:
                await transport.close()

        with pytest.raises(RegistryError, match=r"was given the tag .*py3\.11-LATEST"):
            asyncio.run(work())
        assert front.github is not None
        assert front.github.deleted == []
        assert set(Reading(front.storage, PUBLIC).pull("py3.11-LATEST")) == set(PLATFORMS)


def test_a_version_that_github_refuses_to_delete_stops_no_other(tmp_path: Path) -> None:
    with running(Kind(name="is like GitHub's", ghcr=True), tmp_path) as front:
        seed(front)
        undo = str(Reading(front.storage, PUBLIC).digest("py3.8-LATEST"))
        sweep(front, undo, FIRST)
        left = supersede(front)
        sweep(front, undo, FIRST)
        assert front.github is not None
        front.github.downloads[left.old] = 6000
        swept = sweep(front, undo, LAST)
        assert "5000" in swept.kept[left.old]
        assert set(Reading(front.storage, PUBLIC).pull(left.old)) == set(PLATFORMS), "still whole"
        assert left.builds <= {item.digest for item in swept.gone}
