"""Runs that are cut off, doubled or robbed of their state, with the real engine."""

import base64
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.gate import Gate
from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import PLATFORMS, push_build, push_image, push_index
from tests.engine.stack import Declared, EngineStack, kill_session, members
from tests.faults.proxy import Proxy, Rules, proxied

pytestmark = pytest.mark.integration

NAME = "team/app"
VERSION, LATEST, STRAY = "py3.11-0.34.0", "py3.11-LATEST", "py3.8-LATEST"
TAG_WRITTEN = f"PUT .*/manifests/{VERSION}$"
CANARY = "canary-9f1c2a"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A declared stack before its first up, on a registry that knows an old stray pointer."""

    stack: EngineStack
    proxy: Proxy
    view: Reading

    def as_declared(self) -> None:
        """Check that all names are right and pull, and that another up does nothing."""
        tags = self.view.tags()
        assert set(tags) == {VERSION, LATEST, "py3.8-0.30.0"}
        assert tags[VERSION] == tags[LATEST]
        for tag in tags:
            assert set(self.view.pull(tag)) == set(PLATFORMS)
        assert self.stack.up().steps == ()


@contextmanager
def scene(folder: Path, registry: Distribution, schedule: Gate | Rules) -> Iterator[Scene]:
    children = push_image(registry, NAME, PLATFORMS, "old")
    push_index(registry, NAME, ["py3.8-0.30.0", STRAY], children)
    with proxied(registry, schedule) as proxy:
        stack = EngineStack(folder / "project", {"FLEET_PLAIN_HTTP": proxy.host})
        build = f"{NAME}/build"
        stack.declare(
            Declared(
                repository=f"{proxy.host}/{NAME}",
                build=f"{proxy.host}/{build}",
                tags={VERSION: push_build(registry, build, VERSION)},
                pointers={LATEST: VERSION},
            )
        )
        yield Scene(stack=stack, proxy=proxy, view=Reading(registry, NAME))


def test_of_two_ups_at_once_one_fails_on_the_lock_and_the_other_finishes(
    distribution: Distribution, tmp_path: Path
) -> None:
    gate = Gate(TAG_WRITTEN)
    with scene(tmp_path, distribution, gate) as here:
        first = here.stack.start("up", "--yes", "--skip-preview", log=False)
        assert gate.reached.wait(60)
        second = here.stack.up(code=None)
        gate.open.set()
        printed, _ = first.communicate(timeout=120)
        assert second.code != 0
        assert "locked by" in second.printed
        assert first.returncode == 0, printed
        here.as_declared()


def test_a_killed_up_leaves_its_lock_and_a_rerun_after_cancel_converges(
    distribution: Distribution, tmp_path: Path
) -> None:
    gate = Gate(TAG_WRITTEN)
    with scene(tmp_path, distribution, gate) as here:
        started = here.stack.start("up", "--yes", "--skip-preview", log=False)
        assert gate.reached.wait(60)
        kill_session(started)
        gate.open.set()
        assert "locked by" in here.stack.up(code=None).printed
        assert here.stack.cancel().code == 0
        here.stack.up()
        here.as_declared()


def test_a_killed_plugin_fails_the_up_with_words_and_a_rerun_converges(
    distribution: Distribution, tmp_path: Path
) -> None:
    gate = Gate(TAG_WRITTEN)
    with scene(tmp_path, distribution, gate) as here:
        started = here.stack.start("up", "--yes", "--skip-preview", log=False)
        assert gate.reached.wait(60)
        plugins = [pid for pid in members(started.pid) if b"providers.ociregistry" in _command(pid)]
        assert plugins
        for pid in plugins:
            os.kill(pid, signal.SIGKILL)
        gate.open.set()
        printed, _ = started.communicate(timeout=120)
        assert started.returncode != 0
        assert VERSION in printed
        here.stack.up()
        here.as_declared()


@pytest.mark.parametrize("image_leaves", [False, True], ids=["stale", "image leaves"])
def test_an_up_that_is_killed_just_before_a_removal_left_the_name_on_record(
    distribution: Distribution, tmp_path: Path, image_leaves: bool
) -> None:
    going = LATEST if image_leaves else STRAY
    gate = Gate(f"DELETE .*/manifests/{going}$")
    with scene(tmp_path, distribution, gate) as here:
        if image_leaves:
            here.stack.up()
            other = f"{here.proxy.host}/team/other"
            here.stack.declare(Declared(repository=other, build=other))
        before = here.view.tags()
        started = here.stack.start("up", "--yes", "--skip-preview", log=False)
        assert gate.reached.wait(60)
        kill_session(started)
        record = here.view.undo()
        assert record[going] == before[going] == here.view.tags()[going]
        gate.open.set()
        assert here.stack.cancel().code == 0
        here.stack.up()
        assert going not in here.view.tags()
        assert here.view.undo() == record
        assert set(here.view.pull(record[going])) == set(PLATFORMS)
        if not image_leaves:
            here.as_declared()


def test_a_lost_state_comes_back_by_import_without_a_write(
    distribution: Distribution, tmp_path: Path
) -> None:
    with scene(tmp_path, distribution, Rules()) as here:
        here.stack.up()
        before, written = here.view.tags(), len(here.proxy.writes)
        here.stack.lose_state()
        references = [f"{here.proxy.host}/{NAME}:{tag}" for tag in (VERSION, LATEST)]
        here.stack.bring_in(
            [{"type": "ociregistry:index:Tag", "name": ref, "id": ref} for ref in references]
        )
        created = here.stack.up().steps
        assert [(step.op, step.token) for step in created] == [
            ("create", "ociregistry:index:StalePointers")
        ]
        assert len(here.proxy.writes) == written
        assert here.view.tags() == before
        here.as_declared()


def test_a_registry_that_is_away_fails_a_preview_and_removes_nothing(
    distribution: Distribution, tmp_path: Path
) -> None:
    rules = Rules()
    with scene(tmp_path, distribution, rules) as here:
        here.stack.up()
        rules.add(r"/tags/list$", "status", status=500, times=99)
        before = here.view.tags()
        failed = here.stack.up(code=None)
        assert failed.code != 0
        assert "/tags/list: the registry answered 500" in failed.messages
        rules.entries.clear()
        assert here.view.tags() == before
        here.as_declared()


def test_credentials_reach_neither_state_nor_log_nor_output(
    distribution: Distribution, tmp_path: Path
) -> None:
    rules = Rules()
    with scene(tmp_path, distribution, rules) as here:
        secret = base64.b64encode(f"robot:{CANARY}".encode()).decode()
        config = Path(here.stack.environment["DOCKER_CONFIG"])
        config.mkdir()
        login = {"auths": {here.proxy.host: {"auth": secret}}}
        (config / "config.json").write_text(json.dumps(login))
        rules.add("^HEAD ", "unauthorized")
        rules.add(f"PUT .*/manifests/{LATEST}$", "status", status=400)
        shown = here.stack.preview().printed
        failed = here.stack.up(code=None)
        assert failed.code != 0
        passed = here.stack.up()
        assert here.proxy.logins == {f"Basic {secret}"}, "the secret was used"
        said = f"{shown}{failed.printed}{passed.printed}".encode()
        kept = [path.read_bytes() for path in _files(here.stack.root) if config not in path.parents]
        for text in (said, *kept):
            assert CANARY.encode() not in text
            assert secret.encode() not in text


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()
