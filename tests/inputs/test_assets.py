"""Asset folders: only what the allow-list names counts, and git tells the revision."""

import subprocess
from pathlib import Path

import pytest

from fleet.problems import DeclarationError
from inputs.allow_list import allowed
from inputs.assets import UNCOMMITTED, read_assets, tree_files, tree_hash


def folder(root: Path, ignore: str = "*\n!start.sh\n!app\n") -> Path:
    image = root / "assets/web/image"
    (image / "app").mkdir(parents=True)
    (image / "Dockerfile").write_text("FROM scratch\n")
    (image / ".dockerignore").write_text(ignore)
    (image / "start.sh").write_text("#!/bin/sh\n")
    (image / "app/main.py").write_text("app = None\n")
    (image / "notes.swp").write_text("draft")
    verify = root / "assets/web/verify"
    verify.mkdir()
    (verify / "Dockerfile").write_text("ARG IMAGE\nFROM ${IMAGE}\n")
    (verify / ".dockerignore").write_text("*\n!verify.py\n")
    return image


def git(root: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(root), *settings, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def committed(root: Path) -> str:
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    return git(root, "rev-parse", "HEAD")


def test_only_what_the_allow_list_names_is_sent(tmp_path: Path) -> None:
    image = folder(tmp_path)
    assert [p.relative_to(image).as_posix() for p in allowed(image)] == ["app/main.py", "start.sh"]


@pytest.mark.parametrize(
    "ignore", ["", "notes.swp\n", "!start.sh\n", "*\nstart.sh\n", "*\n!**/*.py\n"]
)
def test_what_is_no_allow_list_is_refused(tmp_path: Path, ignore: str) -> None:
    with pytest.raises(DeclarationError, match=r"web/image/\.dockerignore: is no allow-list"):
        allowed(folder(tmp_path, ignore))


def test_a_file_outside_the_allow_list_moves_no_hash(tmp_path: Path) -> None:
    image = folder(tmp_path)
    before = tree_hash(tree_files(image))
    (image / "notes.swp").write_text("another draft")
    assert tree_hash(tree_files(image)) == before


@pytest.mark.parametrize("name", ["start.sh", "app/main.py", "Dockerfile", ".dockerignore"])
def test_every_file_that_is_sent_moves_the_hash(tmp_path: Path, name: str) -> None:
    image = folder(tmp_path)
    before = tree_hash(tree_files(image))
    (image / name).write_text((image / name).read_text() + "# changed\n")
    assert tree_hash(tree_files(image)) != before


def test_the_executable_bit_moves_the_hash_and_the_umask_does_not(tmp_path: Path) -> None:
    image = folder(tmp_path)
    (image / "start.sh").chmod(0o644)
    before = tree_hash(tree_files(image))
    (image / "start.sh").chmod(0o600)
    assert tree_hash(tree_files(image)) == before
    (image / "start.sh").chmod(0o755)
    assert tree_hash(tree_files(image)) != before


def test_the_revision_is_the_last_commit_that_touched_the_folder(tmp_path: Path) -> None:
    folder(tmp_path)
    first = committed(tmp_path)
    (tmp_path / "README.md").write_text("elsewhere")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "two")
    found = read_assets(tmp_path, "web")
    assert found is not None
    assert found.revision == first
    assert found.epoch > 1_700_000_000


def test_a_changed_folder_is_said_to_be_dirty(tmp_path: Path) -> None:
    image = folder(tmp_path)
    first = committed(tmp_path)
    (image / "start.sh").write_text("#!/bin/sh\nexit 1\n")
    found = read_assets(tmp_path, "web")
    assert found is not None
    assert found.revision.startswith(f"{first}-dirty-")
    (image / "start.sh").write_text("#!/bin/sh\nexit 2\n")
    again = read_assets(tmp_path, "web")
    assert again is not None
    assert again.revision.startswith(f"{first}-dirty-")
    assert again.revision != found.revision, "each edit is another image"


def test_files_without_history_have_no_revision(tmp_path: Path) -> None:
    folder(tmp_path)
    found = read_assets(tmp_path, "web")
    assert found is not None
    assert found.revision.startswith(f"{UNCOMMITTED}-")
    assert found.epoch == 0


def test_a_shallow_clone_is_refused_for_it_would_move_every_digest(tmp_path: Path) -> None:
    folder(tmp_path / "origin")
    committed(tmp_path / "origin")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{tmp_path}/origin", "copy")
    with pytest.raises(DeclarationError, match="the clone is shallow"):
        read_assets(tmp_path / "copy", "web")


def test_an_image_without_folders_has_no_assets(tmp_path: Path) -> None:
    assert read_assets(tmp_path, "web") is None


def test_a_star_stays_within_its_folder_as_docker_has_it(tmp_path: Path) -> None:
    image = folder(tmp_path, "*\n!*.py\n!*.sh\n")
    assert [p.name for p in allowed(image)] == ["start.sh"]


def test_a_history_that_git_refuses_is_an_error_and_no_other_revision(tmp_path: Path) -> None:
    folder(tmp_path)
    committed(tmp_path)
    (tmp_path / ".git/HEAD").write_text("nonsense")
    with pytest.raises(DeclarationError, match="git can't read the history"):
        read_assets(tmp_path, "web")
