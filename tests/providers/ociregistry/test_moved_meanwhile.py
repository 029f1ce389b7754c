"""Somebody else moves a tag while a write to it is on its way: theirs stays, and is told."""

from typing import Any

import pytest

from fleet.registry.errors import ConflictError, OciError
from fleet.registry.manifest import OWNER_ANNOTATION
from providers.ociregistry.stale_pointers.resource import RemovalFailedError
from tests.providers.ociregistry.declared import Declared
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME = "team/app"
STRAY = "py3.8-LATEST"
GRAMMAR = [{"kind": "LATEST", "pattern": r"py[0-9.]+-LATEST"}]
# What a registry answers that is to be asked again after a minute.
WAIT: dict[str, Any] = {"status": 429, "headers": {"Retry-After": "60"}}


class Meanwhile:
    """A repository with a stray pointer on an old version, and somebody who moves tags."""

    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.tags = registry.repositories[NAME].tags
        self.old = registry.push_index(NAME, "py3.8-0.30.0")
        self.tags[STRAY] = self.old
        self.theirs = registry.push_index(NAME, "theirs", {OWNER_ANNOTATION: "fleet/prod"})

    def moves(self, tag: str, at: str, **fault: Any) -> None:
        """Have somebody point `tag` at theirs during the first request that matches `at`."""
        self.registry.fault(at, act=lambda: self.tags.update({tag: self.theirs}), **fault)

    def deletes(self, tag: str, at: str, **fault: Any) -> None:
        """Have somebody delete `tag` during the first request that matches `at`."""
        self.registry.fault(at, act=lambda: self.tags.pop(tag, None), **fault)

    def stale(self, **overrides: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "repository": f"{self.registry.host}/{NAME}",
            "owner": "fleet/dev",
            "pointers": [],
            "grammar": GRAMMAR,
            "policy": {"LATEST": "remove"},
            "maxRemovals": 1.0,
        }
        return {**fields, **overrides}

    @property
    def written(self) -> list[str]:
        """The requests that write or delete a name, beside the undo record."""
        return [line for line in self.registry.writes if f"/v2/{NAME}/manifests/py" in line]

    def sent(self, method: str, tag: str = STRAY) -> int:
        return self.registry.log.count(f"{method} /v2/{NAME}/manifests/{tag}")


@pytest.fixture
def meanwhile(registry: FakeRegistry) -> Meanwhile:
    return Meanwhile(registry)


class TestWhileAWriteWaits:
    TAG_PUT = r"PUT .*/manifests/py3\.12-LATEST$"

    def pointer(self, meanwhile: Meanwhile, declared: Declared) -> dict[str, Any]:
        """Declare a pointer that now names the old version and shall name a new one."""
        meanwhile.tags["py3.12-LATEST"] = meanwhile.old
        return declared.pointer("py3.12-LATEST", meanwhile.registry.push_index(NAME, "new"))

    def test_a_tag_that_is_moved_is_not_written_over(
        self, engine: Engine, meanwhile: Meanwhile, declared: Declared
    ) -> None:
        inputs = self.pointer(meanwhile, declared)
        meanwhile.moves("py3.12-LATEST", self.TAG_PUT, **WAIT)
        with pytest.raises(ConflictError, match=meanwhile.theirs) as caught:
            engine.up(TAG, "t", inputs)
        assert inputs["source"].partition("@")[2] in str(caught.value)
        assert engine.waits == [60.0]
        assert meanwhile.tags["py3.12-LATEST"] == meanwhile.theirs

    def test_a_tag_that_is_deleted_is_not_made_again(
        self, engine: Engine, meanwhile: Meanwhile, declared: Declared
    ) -> None:
        inputs = self.pointer(meanwhile, declared)
        meanwhile.deletes("py3.12-LATEST", self.TAG_PUT, **WAIT)
        with pytest.raises(ConflictError, match="it names nothing"):
            engine.up(TAG, "t", inputs)
        assert "py3.12-LATEST" not in meanwhile.tags

    def test_a_tag_that_was_absent_and_is_written_by_another_is_left(
        self, engine: Engine, meanwhile: Meanwhile, declared: Declared
    ) -> None:
        inputs = self.pointer(meanwhile, declared)
        del meanwhile.tags["py3.12-LATEST"]
        meanwhile.moves("py3.12-LATEST", self.TAG_PUT, reset=True)
        with pytest.raises(ConflictError, match=meanwhile.theirs):
            engine.up(TAG, "t", inputs)
        assert meanwhile.tags["py3.12-LATEST"] == meanwhile.theirs

    def test_a_tag_that_nobody_touches_is_written_after_the_wait(
        self, engine: Engine, meanwhile: Meanwhile, declared: Declared
    ) -> None:
        inputs = self.pointer(meanwhile, declared)
        meanwhile.registry.fault(self.TAG_PUT, **WAIT)
        digest = engine.up(TAG, "t", inputs).outputs["digest"]
        assert meanwhile.tags["py3.12-LATEST"] == digest

    def test_a_tag_that_is_moved_while_a_token_is_fetched_is_left(
        self, engine: Engine, meanwhile: Meanwhile, declared: Declared
    ) -> None:
        inputs = self.pointer(meanwhile, declared)
        meanwhile.registry.challenge = 'Bearer realm="REALM",service="fake"'

        def expire() -> None:
            meanwhile.registry.tokens.clear()
            meanwhile.moves("py3.12-LATEST", "/token")

        meanwhile.registry.fault(self.TAG_PUT, act=expire)
        with pytest.raises(ConflictError, match=meanwhile.theirs):
            engine.up(TAG, "t", inputs)
        assert meanwhile.tags["py3.12-LATEST"] == meanwhile.theirs


class TestBeforeARemoval:
    """Between the look that judges a name and its deletion lie requests that may have to wait."""

    VERSION = r"HEAD .*/manifests/py3\.8-0\.30\.0$"
    LINE = "py3.8-0.30"

    def lines(self, meanwhile: Meanwhile) -> dict[str, Any]:
        """Declare that X.Y pointers go, and leave one that nothing declares."""
        del meanwhile.tags[STRAY]
        meanwhile.tags[self.LINE] = meanwhile.old
        grammar = [{"kind": "X.Y", "pattern": r"py[0-9.]+-[0-9]+\.[0-9]+"}]
        return meanwhile.stale(grammar=grammar, policy={"X.Y": "remove"})

    def test_a_tag_that_is_moved_after_it_was_judged_is_not_deleted(
        self, engine: Engine, meanwhile: Meanwhile
    ) -> None:
        inputs = self.lines(meanwhile)
        meanwhile.registry.fault(self.VERSION, times=2)  # of the listing, and before the record
        meanwhile.moves(self.LINE, self.VERSION)
        with pytest.raises(RemovalFailedError, match=meanwhile.theirs) as caught:
            engine.up(STALE, "s", inputs)
        assert meanwhile.old in str(caught.value)
        assert meanwhile.tags[self.LINE] == meanwhile.theirs
        assert meanwhile.written == []

    def test_a_tag_that_is_gone_after_it_was_judged_is_no_removal_of_ours(
        self, engine: Engine, meanwhile: Meanwhile
    ) -> None:
        inputs = self.lines(meanwhile)
        meanwhile.registry.fault(self.VERSION)
        meanwhile.deletes(self.LINE, self.VERSION)
        assert engine.up(STALE, "s", inputs).outputs["removed"] == []
        assert meanwhile.written == []

    def test_an_image_that_leaves_costs_no_tag_that_is_moved_meanwhile(
        self, engine: Engine, meanwhile: Meanwhile
    ) -> None:
        pointer = "py3.12-LATEST"
        meanwhile.registry.push_index(NAME, pointer, {OWNER_ANNOTATION: "fleet/dev"})
        engine.up(STALE, "s", meanwhile.stale(pointers=[pointer, STRAY]))
        engine.restart()
        meanwhile.moves(pointer, rf"HEAD .*/manifests/{pointer}$")
        with pytest.raises(OciError, match=meanwhile.theirs):
            engine.delete("s")
        assert meanwhile.tags[pointer] == meanwhile.theirs


class TestWhileARemovalWaits:
    TAG_DELETE = rf"DELETE .*/manifests/{STRAY}$"

    def test_a_tag_that_is_moved_is_not_deleted(self, engine: Engine, meanwhile: Meanwhile) -> None:
        meanwhile.moves(STRAY, self.TAG_DELETE, **WAIT)
        with pytest.raises(RemovalFailedError, match=meanwhile.theirs) as caught:
            engine.up(STALE, "s", meanwhile.stale())
        assert meanwhile.old in str(caught.value)
        assert meanwhile.tags[STRAY] == meanwhile.theirs
        assert meanwhile.sent("DELETE") == 1
        assert caught.value.properties["removed"] == []

    @pytest.mark.parametrize("after", [True, False], ids=["by us", "by another"])
    def test_a_tag_that_is_gone_is_done_without_a_second_deletion(
        self, engine: Engine, meanwhile: Meanwhile, after: bool
    ) -> None:
        if after:
            meanwhile.registry.fault(self.TAG_DELETE, reset=True, after=True)
        else:
            meanwhile.deletes(STRAY, self.TAG_DELETE, **WAIT)
        outputs = engine.up(STALE, "s", meanwhile.stale()).outputs
        assert STRAY not in meanwhile.tags
        assert meanwhile.sent("DELETE") == 1
        assert [entry["tag"] for entry in outputs["removed"]] == [STRAY]

    def test_a_tag_that_was_deleted_and_written_anew_meanwhile_is_no_removal_of_ours(
        self, engine: Engine, meanwhile: Meanwhile
    ) -> None:
        meanwhile.moves(STRAY, self.TAG_DELETE, status=404)
        with pytest.raises(RemovalFailedError, match=meanwhile.theirs) as caught:
            engine.up(STALE, "s", meanwhile.stale())
        assert caught.value.properties["removed"] == []
        assert meanwhile.tags[STRAY] == meanwhile.theirs

    def test_a_tag_that_nobody_touches_goes_after_the_wait(
        self, engine: Engine, meanwhile: Meanwhile
    ) -> None:
        meanwhile.registry.fault(self.TAG_DELETE, **WAIT)
        engine.up(STALE, "s", meanwhile.stale())
        assert STRAY not in meanwhile.tags
        assert meanwhile.registry.pullable(NAME, meanwhile.old)

    def test_no_placeholder_is_written_over_a_tag_that_is_moved(
        self, engine: Engine, meanwhile: Meanwhile
    ) -> None:
        meanwhile.registry.tag_delete = False
        meanwhile.moves(STRAY, rf"PUT .*/manifests/{STRAY}$", **WAIT)
        with pytest.raises(RemovalFailedError, match=meanwhile.theirs) as caught:
            engine.up(STALE, "s", meanwhile.stale())
        assert meanwhile.old in str(caught.value)
        assert meanwhile.tags[STRAY] == meanwhile.theirs
        assert caught.value.properties["removed"] == []

    def test_what_is_put_back_is_not_written_over_a_tag_that_is_moved(
        self, engine: Engine, meanwhile: Meanwhile
    ) -> None:
        meanwhile.registry.tag_delete = False
        meanwhile.registry.fault("DELETE .*sha256", times=2, status=404)  # the questions
        meanwhile.registry.fault("DELETE .*sha256", status=403)
        meanwhile.registry.fault(rf"PUT .*/manifests/{STRAY}$")  # the placeholder
        meanwhile.moves(STRAY, rf"PUT .*/manifests/{STRAY}$", **WAIT)
        with pytest.raises(RemovalFailedError, match=f"it names {meanwhile.theirs}"):
            engine.up(STALE, "s", meanwhile.stale())
        assert meanwhile.tags[STRAY] == meanwhile.theirs
