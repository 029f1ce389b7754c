"""What `FLEET_ALLOWED_REMOVALS` lets go: a preview, then an update that comes hours later."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.registry.errors import OciError, UnlistedError
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.removal.placeholder import placeholder_manifest
from fleet.reports.report import document
from providers.ociregistry.stale_pointers.allow_list import read_allowed
from tests.providers.ociregistry.engine_fake import STALE, Engine, Step
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME = "team/app"
OURS = {OWNER_ANNOTATION: "fleet/dev"}
STRAY = "py3.9-LATEST"


class Gate:
    """A repository whose py3.8 a preview lists; what a preview reports is what an update may do."""

    def __init__(
        self, engine: Engine, registry: FakeRegistry, environment: dict[str, str], folder: Path
    ) -> None:
        self.engine, self.registry, self.environment = engine, registry, environment
        self.seen, self.done = folder / "preview.json", folder / "report.json"
        for python in ("py3.8", "py3.12"):
            self.tags[f"{python}-LATEST"] = registry.push_index(NAME, f"{python}-1.0.0", OURS)
        self.old = self.tags["py3.8-LATEST"]

    @property
    def tags(self) -> dict[str, str]:
        return self.registry.repositories[NAME].tags

    @property
    def inputs(self) -> dict[str, Any]:
        return {
            "repository": f"{self.registry.host}/{NAME}",
            "owner": "fleet/dev",
            "pointers": ["py3.12-LATEST"],
            "grammar": [{"kind": "LATEST", "pattern": ".*-LATEST"}],
            "policy": {"LATEST": "remove"},
            "maxRemovals": 1.0,
        }

    def push(self, tag: str = STRAY) -> str:
        """Have somebody write a stale name that carries our annotation."""
        return self.registry.push_index(NAME, tag, {**OURS, "who": tag})

    def preview(self, **overrides: Any) -> dict[str, Any]:
        """Preview as the workflow does, and return what its report says of each name."""
        self._process(allowed=False)
        self.engine.preview(STALE, "s", {**self.inputs, **overrides})
        self._write(self.seen)
        return entries(self.seen)

    def up(self, *, allowed: bool = True, **overrides: Any) -> Step:
        """Update; with `allowed`, only as far as the last preview went."""
        self._process(allowed=allowed)
        step = self.engine.up(STALE, "s", {**self.inputs, **overrides})
        self._write(self.done)
        return step

    def leave(self, *, preview: bool) -> None:
        """Run without the image: a preview, or an update, which ends with the deletion."""
        self._process(allowed=not preview)
        self.engine.refresh("s")
        if preview:
            self.engine.forget("s")
            self._write(self.seen)
        else:
            state = self.engine.resources["s"]
            try:
                self.engine.delete("s")
            except OciError:
                # The engine keeps what it could not delete.
                self.engine.resources["s"] = state
                raise

    def _write(self, path: Path) -> None:
        path.write_text(json.dumps(document(self.engine.report)))

    def _process(self, *, allowed: bool) -> None:
        self.environment.pop("FLEET_ALLOWED_REMOVALS", None)
        if allowed:
            self.environment["FLEET_ALLOWED_REMOVALS"] = str(self.seen)
        self.engine.messages.clear()
        self.engine.warnings.clear()
        self.engine.restart()


def entries(report: Path) -> dict[str, Any]:
    found = json.loads(report.read_text())["entries"]
    return {entry["ref"].rpartition(":")[2]: entry for entry in found}


@pytest.fixture
def gate(
    engine: Engine, registry: FakeRegistry, environment: dict[str, str], tmp_path: Path
) -> Gate:
    return Gate(engine, registry, environment, tmp_path)


class TestStale:
    def test_what_was_listed_goes_and_what_was_pushed_since_stays(self, gate: Gate) -> None:
        gate.preview()
        pushed = gate.push()
        step = gate.up()
        assert "py3.8-LATEST" not in gate.tags
        assert gate.tags[STRAY] == pushed
        (kept,) = step.outputs["kept"]
        assert kept == {
            "tag": STRAY, "digest": pushed, "reason": "it is not in the list of the preview",
        }  # fmt: skip
        (warning,) = gate.engine.warnings
        assert f"{STRAY} ({pushed}; it is not in the list of the preview)" in warning
        assert "Run a new preview" in warning
        assert step.outputs["stale"] == {STRAY: pushed}
        told = entries(gate.done)
        assert {tag: told[tag]["action"] for tag in told} == {
            "py3.8-LATEST": "remove", STRAY: "keep",
        }  # fmt: skip

    def test_the_next_preview_offers_it_and_its_run_removes_it(self, gate: Gate) -> None:
        gate.preview()
        gate.push()
        gate.up()
        assert gate.preview()[STRAY]["action"] == "remove"
        gate.up()
        assert STRAY not in gate.tags
        assert gate.engine.warnings == []

    def test_a_name_that_moved_since_stays_on_what_it_names(self, gate: Gate) -> None:
        gate.preview()
        moved = gate.push("py3.8-LATEST")
        gate.up()
        assert gate.tags["py3.8-LATEST"] == moved
        (warning,) = gate.engine.warnings
        assert f"({moved}; it is in the list of the preview with {gate.old})" in warning

    def test_a_grace_that_ended_over_night_ends_in_the_next_run(self, gate: Gate) -> None:
        policy = {"LATEST": "remove after 1 days"}
        gate.up(allowed=False, policy=policy)
        assert gate.preview(policy=policy)["py3.8-LATEST"]["action"] == "keep"
        gate.engine.now = "2026-01-03T00:00:01Z"
        step = gate.up(policy=policy)
        assert step.outputs["stale"].keys() == {"py3.8-LATEST"}
        assert gate.tags["py3.8-LATEST"] == gate.old
        assert gate.preview(policy=policy)["py3.8-LATEST"]["action"] == "remove"
        gate.up(policy=policy)
        assert "py3.8-LATEST" not in gate.tags

    def test_what_may_go_changes_no_row_and_a_run_that_holds_all_back_keeps_all(
        self, gate: Gate
    ) -> None:
        for _ in range(2):
            gate.up(allowed=False)
        gate.preview()
        pushed, before = gate.push(), copy.deepcopy(gate.engine.resources["s"].inputs)
        changed = gate.up().changed
        assert changed == (f'stale["{STRAY}"]',)
        assert gate.tags[STRAY] == pushed
        assert gate.engine.resources["s"].inputs == before
        assert gate.engine.warnings
        assert entries(gate.done)[STRAY]["action"] == "keep"
        assert gate.up(allowed=False).changed == changed
        assert STRAY not in gate.tags

    def test_the_share_of_removals_counts_what_may_go(self, gate: Gate) -> None:
        gate.preview(maxRemovals=0.5)
        for tag in ("py3.6-LATEST", "py3.7-LATEST", STRAY):
            gate.push(tag)
        gate.up(maxRemovals=0.5)
        assert "py3.8-LATEST" not in gate.tags
        assert {"py3.6-LATEST", "py3.7-LATEST", STRAY} <= gate.tags.keys()

    def test_a_removal_that_was_killed_is_listed_as_what_it_displaced(self, gate: Gate) -> None:
        gate.preview()
        leave_placeholder(gate, "py3.8-LATEST")
        gate.up()
        assert "py3.8-LATEST" not in gate.tags
        assert gate.engine.resources["s"].outputs["removed"][0]["digest"] == gate.old

    def test_a_preview_names_what_a_killed_removal_displaced(self, gate: Gate) -> None:
        leave_placeholder(gate, "py3.8-LATEST")
        assert gate.preview()["py3.8-LATEST"]["previous"] == gate.old

    def test_without_the_setting_all_that_is_stale_goes(self, gate: Gate) -> None:
        gate.preview()
        gate.push()
        gate.up(allowed=False)
        assert gate.tags.keys() == {"py3.12-LATEST", "py3.12-1.0.0", "py3.8-1.0.0"}


def leave_placeholder(gate: Gate, tag: str) -> None:
    """Have a removal of a name killed between its two halves."""
    made = placeholder_manifest("nonce", gate.tags[tag])
    gate.registry.push_manifest(NAME, json.loads(made.body), tag)


class TestImageThatLeft:
    @pytest.fixture(autouse=True)
    def up(self, gate: Gate) -> None:
        gate.up(allowed=False)

    def test_all_go_where_all_were_listed(self, gate: Gate) -> None:
        gate.leave(preview=True)
        gate.leave(preview=False)
        assert gate.tags.keys() == {"py3.12-1.0.0", "py3.8-1.0.0"}

    def test_only_what_was_listed_goes_and_the_remover_stays(self, gate: Gate) -> None:
        gate.leave(preview=True)
        pushed = gate.push()
        with pytest.raises(UnlistedError) as caught:
            gate.leave(preview=False)
        assert "py3.12-LATEST" not in gate.tags
        assert gate.tags[STRAY] == pushed
        text = str(caught.value)
        assert f"{STRAY} ({pushed}; it is not in the list of the preview)" in text
        assert "their remover stays in the state; removed before that: py3.12-LATEST" in text
        assert not [m for m in gate.engine.messages if "to be removed" in m and STRAY in m]

    def test_the_next_preview_offers_what_stayed(self, gate: Gate) -> None:
        gate.leave(preview=True)
        gate.push()
        with pytest.raises(UnlistedError):
            gate.leave(preview=False)
        gate.leave(preview=True)
        assert entries(gate.seen)[STRAY]["action"] == "remove"
        gate.leave(preview=False)
        assert STRAY not in gate.tags

    def test_one_that_moved_since_stays(self, gate: Gate) -> None:
        gate.leave(preview=True)
        moved = gate.push("py3.12-LATEST")
        with pytest.raises(UnlistedError, match="in the list of the preview with"):
            gate.leave(preview=False)
        assert gate.tags["py3.12-LATEST"] == moved

    def test_a_killed_removal_is_listed_as_what_it_displaced(self, gate: Gate) -> None:
        named = gate.tags["py3.12-LATEST"]
        gate.leave(preview=True)
        leave_placeholder(gate, "py3.12-LATEST")
        seen = gate.seen.read_text()
        gate.leave(preview=True)
        assert entries(gate.seen)["py3.12-LATEST"]["previous"] == named
        gate.seen.write_text(seen)
        gate.leave(preview=False)
        assert "py3.12-LATEST" not in gate.tags


REPORT = {"version": 2, "mode": "preview", "complete": True, "entries": []}
REMOVE = {"ref": "r/a:b", "action": "remove", "previous": "sha256:1"}


class TestReading:
    def test_without_the_setting_everything_may_go(self) -> None:
        assert read_allowed({}) is None

    def test_only_what_goes_in_the_report_may_go(self, tmp_path: Path) -> None:
        path = tmp_path / "preview.json"
        kept = {**REMOVE, "ref": "r/a:c", "action": "keep"}
        path.write_text(json.dumps({**REPORT, "entries": [REMOVE, kept]}))
        found = read_allowed({"FLEET_ALLOWED_REMOVALS": str(path)})
        assert found == {"r/a:b": "sha256:1"}

    def test_a_preview_that_ended_early_allows_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "preview.json"
        path.write_text(json.dumps({**REPORT, "complete": False, "entries": [REMOVE]}))
        assert read_allowed({"FLEET_ALLOWED_REMOVALS": str(path)}) == {}

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            json.dumps({**REPORT, "version": 1}),
            json.dumps({**REPORT, "mode": "update"}),
            json.dumps({**REPORT, "mode": "refresh"}),
            json.dumps({"version": 2, "mode": "preview"}),
            json.dumps({**REPORT, "entries": [{"ref": "r/a:b"}]}),
            json.dumps({**REPORT, "entries": [{**REMOVE, "previous": 1}]}),
            json.dumps({**REPORT, "entries": ["r/a:b"]}),
        ],
    )
    def test_what_is_no_report_of_a_preview_is_refused(self, text: str, tmp_path: Path) -> None:
        path = tmp_path / "preview.json"
        path.write_text(text)
        with pytest.raises(OciError, match=r"no name is removed: .*is not a report of a preview"):
            read_allowed({"FLEET_ALLOWED_REMOVALS": str(path)})

    def test_bytes_that_are_no_text_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "preview.json"
        path.write_bytes(b"\xff")
        with pytest.raises(OciError, match="is not a report of a preview"):
            read_allowed({"FLEET_ALLOWED_REMOVALS": str(path)})

    @pytest.mark.parametrize("name", ["", "preview.json"])
    def test_a_path_that_is_not_absolute_is_refused(self, name: str) -> None:
        with pytest.raises(OciError, match=r"no name is removed: .*write an absolute path"):
            read_allowed({"FLEET_ALLOWED_REMOVALS": name})

    @pytest.mark.parametrize("act", ["up", "leave"])
    def test_a_file_that_is_not_there_stops_every_removal(self, gate: Gate, act: str) -> None:
        gate.up(allowed=False)
        gate.push()
        acts: dict[str, Callable[[], object]] = {
            "up": gate.up,
            "leave": lambda: gate.leave(preview=False),
        }
        before = dict(gate.tags)
        with pytest.raises(OciError, match=r"no name is removed: .*preview\.json can't be read"):
            acts[act]()
        assert gate.tags == before
