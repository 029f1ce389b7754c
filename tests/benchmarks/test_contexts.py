"""The hash of a context moves with what docker-build would hash, and with nothing else."""

from pathlib import Path

import pytest

from benchmarks.contexts import context_hash


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "image"
    (folder / "start").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".dockerignore").write_text("*\n!start.sh\n!start/*.py\n")
    (folder / "start.sh").write_text("exec true\n")
    (folder / "start" / "x.py").write_text("pass\n")
    return folder


def hashed(context: Path, **named: Path) -> str:
    return context_hash(context, context / "Dockerfile", named)


def test_it_is_that_of_docker_build(context: Path) -> None:
    for path in context.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (context / "start.sh").chmod(0o755)
    # Asked for a diff, pulumi-docker-build 0.0.22 finds this folder unchanged by this hash alone.
    assert hashed(context) == "c25e7c852139c4628f9863bb65f44819d7539e7b5bef7c2da367e6d3914bd0d3"


@pytest.mark.parametrize("name", ["Dockerfile", "start.sh", "start/x.py"])
def test_it_moves_with_what_is_sent(context: Path, name: str) -> None:
    before = hashed(context)
    (context / name).write_text("another\n")
    assert hashed(context) != before


def test_it_moves_with_a_mode(context: Path) -> None:
    before = hashed(context)
    (context / "start.sh").chmod(0o700)
    assert hashed(context) != before


def test_it_stays_with_what_is_not_sent(context: Path) -> None:
    before = hashed(context)
    (context / "notes.md").write_text("notes\n")
    assert hashed(context) == before


def test_named_contexts_count_by_the_main_ones_patterns(context: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "start.sh").write_text("exec false\n")
    with_shared = hashed(context, shared=shared)
    assert with_shared != hashed(context)
    (shared / "library.sh").write_text("not named by the main .dockerignore\n")
    assert hashed(context, shared=shared) == with_shared
