"""Asset folders: only what the allow-list names counts, and git tells the revision."""

from pathlib import Path

import pytest

from fleet.checkout.git import UNCOMMITTED
from fleet.checkout.image_source import read_assets
from fleet.declaration.problems import DeclarationError
from tests.fleet.checkout.folders import assets, committed, folder, git, write


def test_a_file_outside_the_allow_list_moves_no_hash(tmp_path: Path) -> None:
    image = folder(tmp_path)
    before = assets(tmp_path).context_hash
    (image / "notes.swp").write_text("another draft")
    assert assets(tmp_path).context_hash == before


@pytest.mark.parametrize("name", ["start.sh", "app/main.py", "Dockerfile", ".dockerignore"])
def test_every_file_that_is_sent_moves_the_hash(tmp_path: Path, name: str) -> None:
    image = folder(tmp_path)
    before = assets(tmp_path).context_hash
    (image / name).write_text((image / name).read_text() + "# changed\n")
    assert assets(tmp_path).context_hash != before


def test_the_executable_bit_moves_the_hash_and_the_umask_does_not(tmp_path: Path) -> None:
    image = folder(tmp_path)
    (image / "start.sh").chmod(0o644)
    before = assets(tmp_path).context_hash
    (image / "start.sh").chmod(0o600)
    assert assets(tmp_path).context_hash == before
    (image / "start.sh").chmod(0o755)
    assert assets(tmp_path).context_hash != before


def test_the_revision_is_the_last_commit_that_touched_the_folder(tmp_path: Path) -> None:
    folder(tmp_path)
    first = committed(tmp_path)
    write(tmp_path / "README.md", "elsewhere")
    committed(tmp_path)
    found = assets(tmp_path)
    assert found.revision == first
    assert found.epoch > 1_700_000_000


def test_a_file_outside_the_allow_list_moves_no_revision(tmp_path: Path) -> None:
    image = folder(tmp_path)
    committed(tmp_path)
    before = assets(tmp_path)
    write(image / "NOTES.md", "not sent")
    assert assets(tmp_path) == before
    committed(tmp_path)
    assert assets(tmp_path) == before


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "app/deep/er.py", "app/a b é:(x)"])
def test_every_file_that_is_sent_moves_the_revision(tmp_path: Path, name: str) -> None:
    image = folder(tmp_path)
    first = committed(tmp_path)
    write(image / name, "*\n!app\n")
    assert assets(tmp_path).revision.startswith(f"{first}-dirty-")
    second = committed(tmp_path)
    assert assets(tmp_path).revision == second


def test_a_file_that_a_commit_took_away_or_renamed_moves_the_revision(tmp_path: Path) -> None:
    image = folder(tmp_path)
    first = committed(tmp_path)
    (image / "app/main.py").rename(image / "main.py")
    assert assets(tmp_path).revision.startswith(f"{first}-dirty-")
    second = committed(tmp_path)
    assert assets(tmp_path).revision == second
    (image / "main.py").unlink()
    committed(tmp_path)
    assert assets(tmp_path).revision == second, "it was not sent any more"


def test_what_git_ignores_and_a_build_is_sent_is_in_no_commit(tmp_path: Path) -> None:
    image = folder(tmp_path)
    write(tmp_path / ".gitignore", "cache/\n*.swp\n")
    first = committed(tmp_path)
    write(image / "other.swp")
    assert assets(tmp_path).revision == first
    write(image / "app/cache/main.pyc")
    assert "app/cache/main.pyc" in assets(tmp_path).files
    assert assets(tmp_path).revision.startswith(f"{first}-dirty-")


def test_a_checkout_within_a_larger_one_has_its_own_revision(tmp_path: Path) -> None:
    folder(tmp_path / "images")
    write(tmp_path / "assets/web/image/app/main.py", "another's")
    first = committed(tmp_path)
    write(tmp_path / "assets/web/image/app/main.py", "another's, changed")
    committed(tmp_path)
    assert assets(tmp_path / "images").revision == first


def test_a_changed_folder_is_said_to_be_dirty(tmp_path: Path) -> None:
    image = folder(tmp_path)
    first = committed(tmp_path)
    write(image / "start.sh", "#!/bin/sh\nexit 1\n")
    once = assets(tmp_path).revision
    write(image / "start.sh", "#!/bin/sh\nexit 2\n")
    twice = assets(tmp_path).revision
    assert all(revision.startswith(f"{first}-dirty-") for revision in (once, twice))
    assert once != twice, "each edit is another image"


def test_files_without_history_have_no_revision(tmp_path: Path) -> None:
    folder(tmp_path)
    found = assets(tmp_path)
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


def test_a_history_that_git_refuses_is_an_error_and_no_other_revision(tmp_path: Path) -> None:
    folder(tmp_path)
    committed(tmp_path)
    (tmp_path / ".git/HEAD").write_text("nonsense")
    with pytest.raises(DeclarationError, match="git can't read the history"):
        read_assets(tmp_path, "web")


def shared(root: Path) -> None:
    """Make what compiles for all images, with a file in its context that it is not sent."""
    write(root / "assets/shared/wheels/Dockerfile", "FROM scratch\n")
    write(root / "assets/shared/wheels/Dockerfile.dockerignore", "*\n!compiling/*.py\n")
    write(root / "assets/shared/image/compiling/compile.py")
    write(root / "assets/shared/image/start/common.sh")


def test_what_makes_wheels_is_told_apart_from_what_reaches_an_image(tmp_path: Path) -> None:
    folder(tmp_path)
    assert assets(tmp_path).compiling == {}
    shared(tmp_path)
    before = assets(tmp_path)
    assert list(before.compiling) == [
        "shared/compiling/compile.py",
        "shared/wheels/Dockerfile",
        "shared/wheels/Dockerfile.dockerignore",
    ]
    write(tmp_path / "assets/shared/image/compiling/compile.py", "changed")
    after = assets(tmp_path)
    assert after.compiling != before.compiling
    assert after.files == before.files


def test_an_allow_list_that_a_build_would_not_read_is_refused(tmp_path: Path) -> None:
    write(folder(tmp_path) / "Dockerfile.dockerignore", "")
    with pytest.raises(DeclarationError, match=r"Dockerfile\.dockerignore: would take the place"):
        assets(tmp_path)
