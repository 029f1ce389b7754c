"""A removal that is stopped, by whatever: no tag stays on a placeholder, and no image is lost."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from fleet.http.retry import RetryPolicy, unsettled
from fleet.registry.client import Client, Look
from fleet.registry.errors import AcceptedRemovalError, ConflictError, InterruptedRunError, OciError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository, TagReference, is_digest
from fleet.registry.removal.distribution import DistributionRemover
from fleet.registry.transport import Transport
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME, POINTER, VERSION = "team/app", "py3.8-LATEST", "py3.8-0.30.0"
TAG_DELETE = rf"DELETE .*/manifests/{POINTER}$"
PLACEHOLDER_PUT = rf"PUT .*/manifests/{POINTER}$"
UNFORESEEN = [
    OverflowError("a wait too long"),
    httpx.InvalidURL("a Location that is not an address"),
    httpx.TooManyRedirects("a loop"),
    RecursionError(),
    asyncio.CancelledError(),
    KeyboardInterrupt(),
]


class Failing(Client):
    """A client whose deletions of digests that are there fail, or whose writes of a tag do."""

    def __init__(self, transport: Transport, registry: FakeRegistry) -> None:
        super().__init__(transport)
        self._held = registry.repositories[NAME]
        self.deletion: BaseException | None = None
        self.write: BaseException | None = None

    async def delete(
        self,
        repository: Repository,
        reference: str,
        *,
        named: str | None = None,
        look: Look = unsettled,
    ) -> str:
        if self.deletion is not None and is_digest(reference) and reference in self._held.manifests:
            raise self.deletion
        return await super().delete(repository, reference, named=named, look=look)

    async def put(
        self,
        repository: Repository,
        reference: str,
        manifest: Manifest,
        *,
        named: str | None = None,
    ) -> bool:
        listed = await super().put(repository, reference, manifest, named=named)
        if self.write is not None:
            error, self.write = self.write, None
            raise error
        return listed


class Scene:
    """A pointer and a version tag on one digest, and the removal of the pointer."""

    def __init__(self, registry: FakeRegistry, environment: dict[str, str]) -> None:
        self.registry = registry
        self.digest = registry.push_index(NAME, VERSION)
        self.tags[POINTER] = self.digest
        self._environment = environment

    @property
    def tags(self) -> dict[str, str]:
        return self.registry.repositories[NAME].tags

    def run(self, work: Callable[[Failing], Coroutine[Any, Any, None]]) -> None:
        async def inside() -> None:
            transport = Transport(environment=self._environment)
            try:
                await work(Failing(transport, self.registry))
            finally:
                await transport.close()

        asyncio.run(inside())

    def remove(self, **failures: BaseException) -> None:
        async def work(client: Failing) -> None:
            client.deletion = failures.get("deletion")
            client.write = failures.get("write")
            await self.removal(client)

        self.run(work)

    async def removal(self, client: Client) -> bool:
        ref = TagReference.parse(f"{self.registry.host}/{NAME}:{POINTER}")
        manifest = await client.get(ref.repository, POINTER)
        assert manifest is not None
        self.registry.log.clear()
        return await DistributionRemover(registry=client).remove(
            ref, manifest, set(self.tags) - {POINTER}
        )

    def interrupt(self, at: str) -> None:
        """Cancel the removal while the registry works on the first request that matches `at`."""
        reached, cancelled = threading.Event(), threading.Event()

        def hold() -> None:
            reached.set()
            # However long a busy machine takes to cancel it, it learns of that first.
            cancelled.wait(30)
            time.sleep(0.3)

        self.registry.fault(at, act=hold)

        async def work(client: Failing) -> None:
            removing = asyncio.ensure_future(self.removal(client))
            while not reached.is_set():  # noqa: ASYNC110 - the registry is another thread
                await asyncio.sleep(0.005)
            removing.cancel()
            cancelled.set()
            await removing

        self.run(work)

    def untouched(self) -> None:
        assert self.tags == {POINTER: self.digest, VERSION: self.digest}
        assert self.registry.pullable(NAME, POINTER)


@pytest.fixture
def scene(registry: FakeRegistry, environment: dict[str, str]) -> Scene:
    return Scene(registry, environment)


class TestTheLastLook:
    """The other tags are asked for before it, and it is right before the act."""

    @pytest.mark.parametrize("tag_delete", [True, False], ids=["tag", "placeholder"])
    def test_a_tag_that_is_moved_while_the_others_are_asked_for_stays(
        self, scene: Scene, *, tag_delete: bool
    ) -> None:
        scene.registry.tag_delete = tag_delete
        theirs = scene.registry.push_index(NAME, "theirs")
        scene.registry.fault(f"HEAD .*{VERSION}", act=lambda: scene.tags.update({POINTER: theirs}))
        with pytest.raises(ConflictError, match=theirs):
            scene.remove()
        assert scene.tags[POINTER] == theirs
        assert scene.registry.writes == []

    @pytest.mark.parametrize("tag_delete", [True, False], ids=["tag", "placeholder"])
    def test_nothing_is_sent_between_it_and_the_act(
        self, scene: Scene, *, tag_delete: bool
    ) -> None:
        scene.registry.tag_delete = tag_delete
        for number in range(20):
            scene.registry.push_index(NAME, f"py3.8-0.{number}.1")
        scene.remove()
        act = f"{'DELETE' if tag_delete else 'PUT'} /v2/{NAME}/manifests/{POINTER}"
        before = scene.registry.log[scene.registry.log.index(act) - 1]
        assert before == f"HEAD /v2/{NAME}/manifests/{POINTER}"
        assert POINTER not in scene.tags


class TestAnErrorThatNobodyForesaw:
    @pytest.mark.parametrize("error", UNFORESEEN, ids=lambda e: type(e).__name__)
    def test_at_the_deletion_of_the_placeholder_puts_the_tag_back(
        self, scene: Scene, error: BaseException
    ) -> None:
        scene.registry.tag_delete = False
        with pytest.raises(OciError, match=f"was put back on {scene.digest}"):
            scene.remove(deletion=error)
        scene.untouched()

    @pytest.mark.parametrize("error", UNFORESEEN, ids=lambda e: type(e).__name__)
    def test_at_the_write_of_the_placeholder_puts_the_tag_back(
        self, scene: Scene, error: BaseException
    ) -> None:
        scene.registry.tag_delete = False
        with pytest.raises(OciError, match=f"was put back on {scene.digest}"):
            scene.remove(write=error)
        scene.untouched()

    def test_says_where_it_came_from_and_not_what_the_library_wrote(self, scene: Scene) -> None:
        scene.registry.tag_delete = False
        with pytest.raises(
            OciError, match=r"\(OverflowError at test_removal_stopped\.py:"
        ) as caught:
            scene.remove(deletion=OverflowError("a secret"))
        assert "a secret" not in str(caught.value)


class TestAnInterruptedRun:
    def test_puts_a_tag_back_whose_placeholder_is_on_its_way(self, scene: Scene) -> None:
        scene.registry.tag_delete = False
        with pytest.raises(OciError, match=r"The run was interrupted.*put back"):
            scene.interrupt(PLACEHOLDER_PUT)
        time.sleep(0.1)
        scene.untouched()

    def test_finishes_a_removal_whose_placeholder_is_being_deleted(self, scene: Scene) -> None:
        scene.registry.tag_delete = False
        scene.registry.fault("DELETE .*sha256:", act=str)  # the probe
        scene.interrupt("DELETE .*sha256:")
        assert scene.tags == {VERSION: scene.digest}
        assert scene.registry.pullable(NAME, VERSION)

    def test_begins_no_removal_though_one_that_was_begun_is_finished(self, scene: Scene) -> None:
        async def work(client: Failing) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
            await scene.removal(client)

        with pytest.raises(InterruptedRunError):
            scene.run(work)
        scene.untouched()
        assert scene.registry.writes == []

    def test_is_told_what_the_registry_made_of_a_deletion_on_its_way(self, scene: Scene) -> None:
        with pytest.raises(AcceptedRemovalError, match=f"interrupted.*{POINTER} is removed"):
            scene.interrupt(TAG_DELETE)
        assert scene.tags == {VERSION: scene.digest}

    def test_still_brings_back_the_image_that_went_along_with_its_name(self, scene: Scene) -> None:
        scene.registry.deletes_image_with_tag = True
        with pytest.raises(AcceptedRemovalError, match="along with the tag"):
            scene.interrupt(TAG_DELETE)
        assert scene.registry.pullable(NAME, VERSION)

    @pytest.mark.parametrize("tag_delete", [True, False], ids=["tag", "placeholder"])
    def test_ends_a_wait_at_once(self, scene: Scene, *, tag_delete: bool) -> None:
        scene.registry.tag_delete = tag_delete
        waited_for = TAG_DELETE if tag_delete else PLACEHOLDER_PUT
        scene.registry.fault(waited_for, status=429, headers={"Retry-After": "60"})
        begun = time.monotonic()

        async def work(client: Failing) -> None:
            removing = asyncio.ensure_future(scene.removal(client))
            sent: list[str] = []
            while not sent:
                await asyncio.sleep(0.01)
                sent = [line for line in scene.registry.writes if re.search(waited_for, line)]
            await asyncio.sleep(0.2)
            removing.cancel()
            await removing

        with pytest.raises(OciError, match="The run was interrupted"):
            scene.run(work)
        assert time.monotonic() - begun < RetryPolicy().longest / 2
        scene.untouched()
