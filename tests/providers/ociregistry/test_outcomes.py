from collections.abc import Callable
from typing import Any

import pytest

from fleet.registry.errors import OciError
from fleet.registry.manifest import OWNER_ANNOTATION
from providers.ociregistry.report import Entry
from tests.providers.ociregistry.declared import NAME, PLATFORMS, Declared
from tests.providers.ociregistry.engine_fake import STALE, TAG, CheckFailedError, Engine

WENT_IN = {
    **{f"base {platform}": f"python:3.12-slim@sha256:{'a' * 64}" for platform in PLATFORMS},
    "file start.sh": "1f",
}
GRAMMAR = [
    {"kind": "LATEST", "pattern": ".*-LATEST"},
    {"kind": "X.Y", "pattern": r".*-[0-9]+\.[0-9]+"},
]


class Run:
    """Runs as the engine does, each in a process of its own, and reads what was said."""

    def __init__(self, engine: Engine, declared: Declared) -> None:
        self.engine, self.declared = engine, declared

    def version(self, **changes: str) -> dict[str, Any]:
        """Inputs of `py3.12-v1`; `__` in a name is a blank."""
        known = {name.replace("__", " "): value for name, value in changes.items()}
        return {**self.declared.version("py3.12-v1"), "inputs": {**WENT_IN, **known}}

    def building(self, **changes: str) -> dict[str, Any]:
        """Inputs of it, whose digest a preview does not know."""
        return {**self.version(**changes), "source": self.declared.unknown}

    def stale(self, *pointers: str, **overrides: Any) -> dict[str, Any]:
        fields = {
            "repository": self.declared.place,
            "owner": "fleet/dev",
            "pointers": list(pointers),
            "grammar": GRAMMAR,
            "policy": {"LATEST": "remove", "X.Y": "keep"},
            "maxRemovals": 1.0,
        }
        return {**fields, **overrides}

    def preview(self, *declared: tuple[str, str, dict[str, Any]]) -> str:
        kept = dict(self.engine.resources)
        line = self._run(self.engine.preview, self.engine.forget, declared)
        self.engine.resources = kept
        return line

    def up(self, *declared: tuple[str, str, dict[str, Any]]) -> str:
        return self._run(self.engine.up, self.engine.delete, declared)

    def entry(self, ref: str) -> Entry:
        (found,) = [entry for entry in self.engine.report.entries if entry.ref.endswith(ref)]
        return found

    def _run(
        self,
        act: Any,
        forget: Callable[[str], None],
        declared: tuple[tuple[str, str, dict[str, Any]], ...],
    ) -> str:
        """Refresh all, declare, forget the rest; return the line of the report."""
        self.engine.restart()
        self.engine.messages.clear()
        for name in list(self.engine.resources):
            self.engine.refresh(name)
        for token, name, inputs in declared:
            try:
                act(token, name, inputs)
            except (OciError, CheckFailedError) as error:
                self.engine.messages.append(f"failed: {error}")
        for name in self.engine.resources.keys() - {name for _, name, _ in declared}:
            forget(name)
        return self.engine.report.summary


@pytest.fixture
def run(engine: Engine, declared: Declared) -> Run:
    return Run(engine, declared)


class TestSummary:
    def test_builds_re_points_and_what_stays_are_counted_once_each(self, run: Run) -> None:
        version = (TAG, "v1", run.building())
        unknown = (TAG, "l", run.declared.pointer("py3.12-LATEST", "", identity="v1"))
        assert run.preview(version, unknown) == "1 build, 1 re-point, 0 remove, 0 unchanged"
        assert run.engine.messages[:2] == [
            "to be built: new in this stack",
            "to be re-pointed to v1: new in this stack",
        ]
        built = (TAG, "v1", run.version())
        assert run.up(built) == "1 built, 0 re-pointed, 0 removed, 0 unchanged"
        digest = run.engine.resources["v1"].outputs["digest"]
        pointer = (TAG, "l", run.declared.pointer("py3.12-LATEST", digest, identity="v1"))
        assert run.up(built, pointer) == "0 built, 1 re-pointed, 0 removed, 1 unchanged"
        assert run.up(built, pointer) == "0 built, 0 re-pointed, 0 removed, 2 unchanged"
        assert run.entry("v1").digest == run.entry("LATEST").digest == digest

    def test_a_preview_says_why_by_what_the_last_run_knew(self, run: Run) -> None:
        run.up((TAG, "v1", {**run.version(), "inputs": {}}))
        run.up((TAG, "v1", run.version()))
        assert run.engine.resources["v1"].inputs["inputs"]["base linux/amd64"].endswith("a" * 12)
        assert "inputs" not in run.engine.resources["v1"].outputs
        changed = run.building(**{"base__linux/arm64": "python:3.12-slim@sha256:b"})
        run.preview((TAG, "v1", {**changed, "identity": "i2"}))
        why = "base python:3.12-slim moved for linux/arm64"
        assert run.engine.messages[0] == f"to be built: {why}"
        assert run.entry("v1").reasons == (why,)
        assert run.entry("v1").platforms == tuple(PLATFORMS)

    def test_a_tag_that_is_gone_is_put_back_and_not_built(self, run: Run) -> None:
        run.up((TAG, "v1", run.version()))
        run.declared.tags.clear()
        assert run.preview((TAG, "v1", run.version())).startswith("0 build, 1 re-point")
        assert run.up((TAG, "v1", run.version())).startswith("0 built, 1 re-pointed")

    def test_a_failure_is_counted_and_kept_with_its_message(self, run: Run) -> None:
        unbuilt = (TAG, "v1", run.building())
        assert run.up(unbuilt) == "0 built, 0 re-pointed, 0 removed, 0 unchanged, 1 failed"
        entry = run.entry("py3.12-v1")
        assert (entry.action, entry.kind) == ("fail", "version")
        assert "its build or verification failed" in entry.reasons[0]

    def test_inputs_that_cannot_be_used_are_a_failure_as_well(self, run: Run) -> None:
        wrong = {**run.version(), "inputs": {"base linux/amd64": 3}}
        assert run.up((TAG, "v1", wrong)).endswith("1 failed")
        assert "is not a text that a preview knows" in run.entry("v1").reasons[0]


class TestStale:
    def test_what_goes_and_what_stays_are_told_in_a_preview(self, run: Run) -> None:
        digest = run.declared.registry.push_index(NAME, "py3.8-LATEST")
        run.declared.registry.push_index(NAME, "py3.8-0.30")
        other = {OWNER_ANNOTATION: "fleet/prod"}
        run.declared.registry.push_index(NAME, "py3.9-LATEST", other)
        stale = (STALE, "s", run.stale())
        assert run.preview(stale) == "0 build, 0 re-point, 1 remove, 0 unchanged"
        goes = run.entry("py3.8-LATEST")
        assert (goes.action, goes.digest, goes.previous) == ("remove", "", digest)
        assert run.entry("py3.8-0.30").reasons == ("policy of X.Y is keep",)
        assert run.entry("py3.9-LATEST").reasons == ("owned by fleet/prod",)
        assert run.up(stale) == "0 built, 0 re-pointed, 1 removed, 0 unchanged"
        assert run.entry("py3.8-LATEST").previous == digest
        assert run.up(stale) == "0 built, 0 re-pointed, 0 removed, 0 unchanged"
        assert run.entry("py3.8-0.30").action == "keep"

    def test_one_under_grace_is_kept_with_its_day(self, run: Run) -> None:
        run.declared.registry.push_index(NAME, "py3.8-LATEST")
        policy = {"LATEST": "remove after 90 days"}
        run.preview((STALE, "s", run.stale(policy=policy)))
        assert run.entry("py3.8-LATEST").reasons == ("goes on 2026-04-02",)

    def test_too_many_at_once_are_a_failure_of_the_remover(self, run: Run) -> None:
        run.declared.registry.push_index(NAME, "py3.8-LATEST")
        assert run.preview((STALE, "s", run.stale(maxRemovals=0.1))).endswith("1 failed")
        assert run.entry("team/app").kind == "repository"

    def test_a_remover_that_is_refused_is_not_told_as_that_of_an_image_that_left(
        self, run: Run
    ) -> None:
        run.declared.registry.push_index(NAME, "py3.12-LATEST", {OWNER_ANNOTATION: "fleet/dev"})
        run.up((STALE, "s", run.stale("py3.12-LATEST")))
        line = run.preview((STALE, "s", run.stale(maxRemovals=0.1)))
        assert line == "0 build, 0 re-point, 0 remove, 0 unchanged, 1 failed"
        assert run.entry("team/app").action == "fail"

    def test_a_removal_that_fails_keeps_those_before_it(self, run: Run) -> None:
        for tag in ("py3.7-LATEST", "py3.8-LATEST"):
            run.declared.registry.push_index(NAME, tag)
        run.declared.registry.fault("DELETE .*py3.8-LATEST", status=500, times=99)
        line = run.up((STALE, "s", run.stale()))
        assert line == "0 built, 0 re-pointed, 1 removed, 0 unchanged, 1 failed"

    def test_an_image_that_left_counts_before_its_remover_is_deleted(self, run: Run) -> None:
        run.up((TAG, "v1", run.version()))
        digest = run.engine.resources["v1"].outputs["digest"]
        pointer = (TAG, "l", run.declared.pointer("py3.12-LATEST", digest, identity="v1"))
        run.up((TAG, "v1", run.version()), pointer, (STALE, "s", run.stale("py3.12-LATEST")))
        assert run.preview() == "0 build, 0 re-point, 1 remove, 0 unchanged"
        entry = run.entry("py3.12-LATEST")
        assert (entry.action, entry.previous, entry.later) == ("remove", digest, True)
        assert entry.reasons == ("its image is no longer declared",)

    def test_an_image_that_left_and_keeps_its_pointers_counts_nothing(self, run: Run) -> None:
        run.up((STALE, "s", run.stale("py3.12-LATEST", keepOnDestroy=True)))
        run.declared.registry.push_index(NAME, "py3.12-LATEST")
        assert run.preview() == "0 build, 0 re-point, 0 remove, 0 unchanged"

    def test_a_version_that_left_is_told_to_stay(self, run: Run) -> None:
        run.up((TAG, "v1", run.version()))
        digest = run.engine.resources["v1"].outputs["digest"]
        assert run.preview() == "0 build, 0 re-point, 0 remove, 0 unchanged"
        entry = run.entry("v1")
        assert entry.reasons == ("no longer declared, kept in the registry",)
        assert (entry.action, entry.kind, entry.digest) == ("keep", "version", digest)

    def test_a_renamed_version_is_none_that_left(self, run: Run) -> None:
        run.up((TAG, "v1", run.version()))
        run.preview((TAG, "renamed", run.version()))
        assert run.engine.report.of("keep") == ()

    def test_a_renamed_remover_is_none_that_left(self, run: Run) -> None:
        run.declared.registry.push_index(NAME, "py3.12-LATEST")
        run.up((STALE, "s", run.stale("py3.12-LATEST")))
        line = run.preview((STALE, "renamed", run.stale("py3.12-LATEST")))
        assert line == "0 build, 0 re-point, 0 remove, 0 unchanged"
