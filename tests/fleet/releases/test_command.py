"""``python -m fleet resolve``: what it writes, and that a failure leaves the lock as it was."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from fleet.checkout.lock_file import read_lock
from fleet.cli.main import main
from fleet.declaration.parse import parse
from fleet.lock.model import Lock
from fleet.releases import commands as program
from fleet.releases.internet import of_the_internet
from fleet.releases.lock.resolver import Resolver
from fleet.releases.sources import Sources
from tests.fleet.examples import DIGEST, INDEX_DIGEST, OTHER_DIGEST, PLATFORMS, config
from tests.fleet.releases.answering import answering
from tests.fleet.releases.outside import Outside
from tests.fleet.sbom.moved import base as base_of
from tests.fleet.sbom.moved import moves_of

LISTED = {
    "filename": "A-1.0.tar.gz",
    "url": "https://index.test/a-1.0.tar.gz",
    "hashes": {"sha256": "a" * 64},
    "yanked": True,
    "upload-time": "2026-01-01T00:00:00Z",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Outside:
    found = Outside()
    monkeypatch.setattr(program, "of_the_internet", lambda *_, **__: found.sources())
    return found


def write(root: Path, **overrides: Any) -> None:
    values = config(**{"registry": "registry.test/fleet", **overrides})
    text = yaml.safe_dump({"config": {f"fleet:{key}": value for key, value in values.items()}})
    (root / "Pulumi.prod.yaml").write_text(text)


def run(root: Path, *options: str) -> int:
    return main(["resolve", "--stack", "prod", "--root", str(root), *options])


def lock(root: Path) -> Lock:
    return read_lock(root / "locks" / "prod.yaml")


@pytest.mark.usefixtures("world")
def test_a_lock_is_written_and_the_same_the_next_time(root: Path) -> None:
    assert run(root) == 0
    first = (root / "locks" / "prod.yaml").read_text()
    assert first.startswith("# Written by `make lock`")
    assert run(root, "--refresh", "--newest", "all") == 0
    assert (root / "locks" / "prod.yaml").read_text() == first
    assert [path.name for path in (root / "locks").iterdir()] == ["prod.yaml"]


def test_our_own_login_is_not_taken_for_the_users_at_another_registry(
    root: Path, world: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def asked(*_: object, **__: object) -> Sources:
        seen.append(os.environ.get("DOCKER_CONFIG"))
        return world.sources()

    monkeypatch.setattr(program, "of_the_internet", asked)
    ours, theirs = root / ".fleet" / "docker", root / "docker"  # as `make env` exports the first
    for folder in (ours, theirs):
        monkeypatch.setenv("DOCKER_CONFIG", str(folder))
        assert run(root) == 0
    monkeypatch.setenv("DOCKER_CONFIG", str(ours))
    assert main(["versions", "--stack", "prod", "--root", str(root)]) == 0
    assert seen == [None, str(theirs), None]


def test_the_newest_is_resolved_on_request(root: Path, world: Outside) -> None:
    run(root)
    world.newest = "10.0.0"
    assert run(root) == 0
    assert "gunicorn==9.0.0" in lock(root).files
    assert run(root, "--newest", "web") == 0
    assert "gunicorn==10.0.0" in lock(root).files
    assert "gunicorn==9.0.0" not in lock(root).files


def test_what_compiles_moves_only_when_it_is_named(root: Path, world: Outside) -> None:
    run(root)
    world.digest = OTHER_DIGEST
    before = lock(root).builders
    assert run(root, "--refresh", "--newest", "all") == 0
    assert lock(root).bases["3.11-slim"].platforms["linux/amd64"] == OTHER_DIGEST
    assert lock(root).builders == before
    world.withdrawn = ("0.33.0",)
    assert run(root, "--refresh", "builders") == 0
    assert lock(root).builders["3.11"].platforms["linux/amd64"] == OTHER_DIGEST
    assert lock(root).yanked == {"uvicorn": ("0.33.0",)}
    world.digest = DIGEST
    assert run(root, "--refresh", "builders") == 0
    assert lock(root).bases["3.11-slim"].platforms["linux/amd64"] == DIGEST


def test_what_moved_inside_of_a_base_is_said(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    world.inside = moves_of(base_of("python:3.11-slim"))
    run(root)
    run(root, "--refresh")
    assert world.moved == [], "the first lock has nothing to compare with, the second is the same"
    world.digest, world.index = OTHER_DIGEST, DIGEST
    assert run(root, "--refresh") == 0
    (moved,) = world.moved
    repository = "docker.io/library/python"
    assert (moved.name, moved.images) == ("python:3.11-slim", ("web",))
    assert moved.before == f"{repository}@{INDEX_DIGEST}"
    assert moved.after == f"{repository}@{DIGEST}"
    assert moved.platforms == PLATFORMS
    assert capsys.readouterr().err.endswith(
        "base python:3.11-slim: 1 package moved: openssl 3.0.15 -> 3.0.16; 41.2 MB -> 41.3 MB on "
        "linux/amd64\nfor this, 82.5 MB of layers were read (the limit is 1.0 GB and 5 min)\n"
    )


def test_what_cannot_be_asked_for_again_is_refused(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(root, "--refresh", "builder")
    assert "invalid choice: 'builder'" in capsys.readouterr().err
    assert world.asked == []


def test_an_image_that_is_not_declared_is_named(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, "--newest", "wbe") == 1
    told = capsys.readouterr().err
    assert "--newest: no image 'wbe' is declared. Name one of web, or all" in told
    assert world.asked == []


def test_a_failure_leaves_the_lock_as_it_was(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    run(root)
    before = (root / "locks" / "prod.yaml").read_bytes()
    world.unsolvable = "gunicorn"
    assert run(root, "--newest", "all") == 1
    assert capsys.readouterr().err.startswith(
        "error: The lock was left as it is. web: uvicorn==0.33.0"
    )
    assert (root / "locks" / "prod.yaml").read_bytes() == before


@pytest.mark.parametrize("mirror", ["", "mirror.example.org/library"])
def test_no_stand_in_of_this_machine_takes_the_place_of_a_declared_mirror(
    root: Path, world: Outside, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    made = {"3.11-slim": "localhost:5443/stand-in/python:3.11-slim"}
    given: list[object] = []

    def asked(*_: object, **values: object) -> Sources:
        given.append(values["stand_ins"])
        return world.sources()

    monkeypatch.setattr(program, "of_the_internet", asked)
    more = {"base-registry": mirror} if mirror else {}
    write(root, **{"registry": "localhost:5443/fleet", **more})
    (root / ".fleet").mkdir()
    (root / ".fleet" / "bases.yaml").write_text(yaml.safe_dump(made))
    assert run(root) == 0
    assert given == [{} if mirror else made]


def test_what_is_declared_of_index_and_mirror_reaches_all_that_ask_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"files": [LISTED]})

    more = {"cooldown-days": 3, "base-registry": "mirror.example.org/library"}
    declared = parse(config(index="https://index.test/simple", **more))
    notes: list[str] = []
    with answering(answer) as client:
        sources = of_the_internet(
            client,
            declared,
            root=Path(),
            stand_ins={},
            builders={},
            notes=notes,
            now=datetime.now(UTC),
        )
        assert sources.yanked("A") == ("1.0",)
        assert sources.files("A")[0].name == LISTED["filename"]
    assert asked == ["https://index.test/simple/a/"], "once for both"
    assert isinstance(sources.distributions, Resolver)
    assert sources.distributions.index == "https://index.test/simple"
    assert sources.distributions.cooldown == sources.cooldown
    assert sources.base_registry == "mirror.example.org/library"
    assert (
        timedelta(days=3) < datetime.now(UTC) - sources.cooldown.until < timedelta(days=3, hours=1)
    )
    sources.note("twice")
    sources.note("twice")
    assert (notes, capsys.readouterr().err) == (["twice"], "twice\n")
