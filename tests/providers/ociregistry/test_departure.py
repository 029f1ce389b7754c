"""What becomes of pointers when their image leaves the declaration, and at a destroy."""

import pytest

from fleet.registry.errors import OciError, UnsupportedRemovalError
from fleet.registry.manifest import OWNER_ANNOTATION
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.providers.ociregistry.stale_fleet import NAME, Fleet

POINTER = "py3.12-LATEST"


@pytest.fixture
def fleet(registry: FakeRegistry) -> Fleet:
    return Fleet(registry)


@pytest.fixture(autouse=True)
def up(engine: Engine, fleet: Fleet) -> None:
    engine.up(STALE, "s", fleet.inputs())
    engine.restart()


def adopt(engine: Engine, fleet: Fleet) -> str:
    """Have the stack adopt a pointer that nobody's annotation is on; return its digest."""
    digest = fleet.registry.push_index(NAME, POINTER)
    place = f"{fleet.registry.host}/{NAME}"
    tag = {"ref": f"{place}:{POINTER}", "owner": "fleet/dev", "source": f"{place}@{digest}"}
    engine.up(TAG, "latest", tag)
    return digest


def leave(engine: Engine) -> None:
    """Refresh all, as every run does first; then nothing is declared any more."""
    engine.restart()
    for name in list(engine.resources):
        engine.refresh(name)
    for name in ("s", *(engine.resources.keys() - {"s"})):
        engine.delete(name)


class TestDestroy:
    def test_our_own_pointers_go_and_everything_else_stays(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        before = fleet.tags
        engine.delete("s")
        assert fleet.tags == before - set(fleet.pointers)
        assert fleet.all_pull()
        assert sum("removed py3.1" in text for text in engine.messages) == 4

    def test_nothing_goes_where_so_declared(self, engine: Engine, fleet: Fleet) -> None:
        before = fleet.tags
        engine.up(STALE, "s", fleet.inputs(keepOnDestroy=True))
        engine.restart()
        engine.delete("s")
        assert fleet.tags == before

    def test_a_renamed_resource_costs_no_live_name(self, engine: Engine, fleet: Fleet) -> None:
        before = fleet.tags
        engine.up(STALE, "renamed", fleet.inputs())
        engine.delete("s")
        assert fleet.tags == before
        assert engine.warnings == [], "nobody is told to remove by hand what is declared"

    def test_one_that_is_replaced_by_itself_costs_no_name(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        engine.refresh("s")
        replaced = engine.resources.pop("s")
        # The policy keeps this one.
        declared = [pointer for pointer in fleet.pointers if pointer != "py3.12-0.34"]
        engine.up(STALE, "s", fleet.inputs(pointers=declared))
        engine.resources["s"] = replaced
        before = fleet.tags
        engine.delete("s")
        assert fleet.tags == before > {"py3.12-0.34"}

    def test_a_tag_that_is_declared_in_the_same_run_stays(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        digest = fleet.storage.tags["py3.12-LATEST"]
        place = f"{fleet.registry.host}/{NAME}"
        tag = {
            "ref": f"{place}:py3.12-LATEST",
            "owner": "fleet/dev",
            "source": f"{place}@{digest}",
        }
        engine.up(TAG, "latest", tag)
        engine.delete("s")
        assert "py3.12-LATEST" in fleet.tags
        assert "py3.11-LATEST" not in fleet.tags

    @pytest.mark.parametrize("refreshed", [False, True])
    def test_one_that_no_state_lists_stays_and_is_warned_of(
        self, engine: Engine, fleet: Fleet, refreshed: bool
    ) -> None:
        digest = fleet.storage.tags["py3.12-LATEST"]
        if refreshed:
            engine.refresh("s")
        fleet.storage.tags["py3.13-LATEST"] = digest
        engine.delete("s")
        assert "py3.13-LATEST" in fleet.tags
        assert not fleet.tags & set(fleet.pointers)
        said = f"py3.13-LATEST stays, though its image is no longer declared: it names {digest}"
        assert any(said in text and "does not list it" in text for text in engine.warnings)

    def test_one_that_a_refresh_lists_goes(self, engine: Engine, fleet: Fleet) -> None:
        fleet.storage.tags["py3.13-LATEST"] = fleet.storage.tags["py3.12-LATEST"]
        engine.refresh("s")
        engine.delete("s")
        assert "py3.13-LATEST" not in fleet.tags

    def test_a_pointer_that_became_the_last_name_of_its_image_meanwhile_stays(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        name = "py3.12-0.34"
        engine.up(STALE, "s", fleet.inputs(pointers=[p for p in fleet.pointers if p != name]))
        digest = fleet.storage.tags[name]

        def somebody_removes_its_version_tag() -> None:
            del fleet.storage.tags["py3.12-0.34.0"]

        fleet.registry.fault("DELETE .*py3.11-0.34", act=somebody_removes_its_version_tag)
        engine.delete("s")
        assert fleet.tags & set(fleet.pointers) == {name}
        assert any(f"{name} stays" in text and digest in text for text in engine.warnings)

    def test_a_failure_names_what_went_before(self, engine: Engine, fleet: Fleet) -> None:
        fleet.registry.fault("DELETE .*py3.12-LATEST", status=405)
        fleet.registry.digest_delete = False
        with pytest.raises(
            OciError, match=r"removed before that: py3\.11-0\.34 \(sha256"
        ) as caught:
            engine.delete("s")
        assert isinstance(caught.value.__cause__, UnsupportedRemovalError)


class TestAListThatLacksNames:
    """No later run looks for what left the state: whatever is left then stays for ever."""

    BODIES = ('{"tags":[]}', '{"tags":null}', '{"tags":["py3.11-LATEST"]}')

    @pytest.mark.parametrize("body", BODIES)
    def test_all_declared_pointers_go_all_the_same(
        self, engine: Engine, fleet: Fleet, body: str
    ) -> None:
        before = fleet.tags
        fleet.registry.fault("tags/list", times=99, status=200, body=body.encode())
        leave(engine)
        assert fleet.tags == before - set(fleet.pointers)
        assert fleet.all_pull()

    def test_a_repository_that_is_not_listed_at_all_loses_them_too(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        fleet.registry.fault("tags/list", times=99, status=404)
        leave(engine)
        assert not fleet.tags & set(fleet.pointers)

    @pytest.mark.parametrize("body", ["{}", '{"errors":[{"code":"DENIED"}]}'])
    def test_what_is_no_list_stops_the_deletion_before_any_write(
        self, engine: Engine, fleet: Fleet, body: str
    ) -> None:
        before = fleet.tags
        fleet.registry.log.clear()
        fleet.registry.fault("tags/list", times=99, status=200, body=body.encode())
        with pytest.raises(OciError, match="tag list is malformed"):
            leave(engine)
        assert (fleet.tags, fleet.registry.writes) == (before, [])

    def test_a_preview_lists_them(self, engine: Engine, fleet: Fleet) -> None:
        """Each declared pointer has a state of its own, which the list can't take away."""
        digest = adopt(engine, fleet)
        engine.restart()
        fleet.registry.fault("tags/list", times=99, status=200, body=b'{"tags":[]}')
        for name in list(engine.resources):
            engine.refresh(name)
        for name in list(engine.resources):
            engine.forget(name)
        assert engine.report.removals == {f"{fleet.registry.host}/{NAME}:{POINTER}": digest}

    def test_what_somebody_removed_is_no_failure(self, engine: Engine, fleet: Fleet) -> None:
        del fleet.storage.tags[POINTER]
        leave(engine)
        assert not fleet.tags & set(fleet.pointers)


class TestWithoutAnAnnotation:
    """A pointer that somebody else wrote, by an older way or by hand."""

    def test_one_that_the_stack_adopted_goes(self, engine: Engine, fleet: Fleet) -> None:
        digest = adopt(engine, fleet)
        leave(engine)
        assert POINTER not in fleet.tags
        assert digest in fleet.storage.manifests
        assert engine.warnings == []

    def test_one_that_was_moved_since_stays_and_is_named_with_both_digests(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        digest = adopt(engine, fleet)
        theirs = fleet.registry.push_index(NAME, "theirs")
        fleet.storage.tags[POINTER] = theirs
        leave(engine)
        assert fleet.storage.tags[POINTER] == theirs
        (warning,) = engine.warnings
        assert f"{NAME}:{POINTER} stays" in warning
        assert theirs in warning
        assert digest in warning

    def test_one_that_was_moved_before_a_run_that_failed_to_mend_it_stays(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        adopt(engine, fleet)
        theirs = fleet.registry.push_index(NAME, "theirs")
        fleet.storage.tags[POINTER] = theirs
        engine.refresh("latest")  # it is in the state from now on, as what was found
        leave(engine)
        assert fleet.storage.tags[POINTER] == theirs

    def test_one_that_no_state_wrote_or_adopted_stays(self, engine: Engine, fleet: Fleet) -> None:
        theirs = fleet.registry.push_index(NAME, POINTER)
        leave(engine)
        assert fleet.storage.tags[POINTER] == theirs
        assert "the state recorded no digest for it" in engine.warnings[0]

    def test_without_a_refresh_nothing_is_known_to_be_ours_and_it_stays(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        digest = adopt(engine, fleet)
        engine.restart()
        engine.delete("s")
        assert fleet.storage.tags[POINTER] == digest
        assert engine.warnings

    def test_a_preview_lists_each_that_may_go_with_what_it_names(
        self, engine: Engine, fleet: Fleet
    ) -> None:
        digest = adopt(engine, fleet)
        theirs = fleet.registry.push_index(NAME, "py3.11-LATEST")
        engine.restart()
        for name in list(engine.resources):
            engine.refresh(name)
        for name in list(engine.resources):
            engine.forget(name)
        listed = {ref.rpartition(":")[2]: seen for ref, seen in engine.report.removals.items()}
        assert (listed[POINTER], listed["py3.11-LATEST"]) == (digest, theirs)
        assert all(entry.later for entry in engine.report.of("remove"))


def test_one_that_another_stack_wrote_since_stays_and_is_named(
    engine: Engine, fleet: Fleet
) -> None:
    theirs = fleet.registry.push_index(NAME, POINTER, {OWNER_ANNOTATION: "fleet/prod"})
    leave(engine)
    assert fleet.storage.tags[POINTER] == theirs
    assert "it is owned by fleet/prod" in engine.warnings[0]
