"""What images have in common: an image hangs on it if its Dockerfile takes some of it."""

from pathlib import Path

import pytest

from fleet.checkout.image_source import read_assets
from tests.fleet.checkout.folders import assets, committed, folder, write

ROOT = Path(__file__).parents[3]
TAKES = "FROM scratch AS shared\nFROM scratch\nCOPY --from=shared start/ /start/\n"


def checkout(root: Path, dockerfile: str = TAKES) -> tuple[Path, Path]:
    """Return the image's folder and the one that it has a part in."""
    image = folder(root, "*\n!start.sh\n")
    (image / "Dockerfile").write_text(dockerfile)
    shared = root / "assets/shared/image"
    write(shared / ".dockerignore", "*\n!main.py\n!start/*.py\n!new.py\n")
    write(shared / "main.py")
    write(shared / "start/a.py")
    write(shared / "start/notes.md")
    return image, shared


def test_what_the_allow_list_names_counts_and_nothing_else(tmp_path: Path) -> None:
    checkout(tmp_path)
    found = [name for name in assets(tmp_path).files if name.startswith("shared/")]
    assert found == ["shared/.dockerignore", "shared/main.py", "shared/start/a.py"]


def test_what_it_does_not_name_moves_neither_hash_nor_revision(tmp_path: Path) -> None:
    _, shared = checkout(tmp_path)
    first = committed(tmp_path)
    before = assets(tmp_path)
    write(shared / "start/notes.md", "changed\n")
    assert assets(tmp_path) == before
    committed(tmp_path)
    assert assets(tmp_path) == before
    assert before.revision == first


@pytest.mark.parametrize("name", [".dockerignore", "start/a.py", "start/b.py"])
def test_what_it_names_moves_hash_and_revision(tmp_path: Path, name: str) -> None:
    _, shared = checkout(tmp_path)
    committed(tmp_path)
    before = assets(tmp_path)
    write(shared / name, "*\n!start/*.py\n")
    draft = assets(tmp_path)
    assert draft.revision.startswith(f"{before.revision}-dirty-")
    second = committed(tmp_path)
    after = assets(tmp_path)
    assert after.revision == second
    assert after.context_hash == draft.context_hash != before.context_hash


def test_what_is_taken_away_moves_hash_and_revision(tmp_path: Path) -> None:
    _, shared = checkout(tmp_path)
    committed(tmp_path)
    before = assets(tmp_path)
    (shared / "start/a.py").unlink()
    second = committed(tmp_path)
    assert assets(tmp_path).revision == second
    assert assets(tmp_path).context_hash != before.context_hash


def test_an_image_that_takes_nothing_has_no_part_in_it(tmp_path: Path) -> None:
    checkout(tmp_path, "FROM scratch\n")
    found = assets(tmp_path)
    assert found.shared_context == ""
    assert not any(name.startswith("shared/") for name in found.files)


def test_the_images_here_hang_on_what_they_take_alone() -> None:
    taken = {}
    for image in ("python-gunicorn", "python-uvicorn", "python-gunicorn-uvicorn"):
        found = read_assets(ROOT, image)
        assert found is not None
        taken[image] = {name for name in found.files if name.startswith("shared/")}
    assert taken["python-gunicorn"] == taken["python-uvicorn"] == taken["python-gunicorn-uvicorn"]
    assert {"shared/Dockerfile", "shared/building/install.py"} <= taken["python-gunicorn"]
    assert "shared/compiling/compile.py" not in taken["python-gunicorn"]


@pytest.mark.parametrize("part", ["image", "verify"])
def test_a_folder_without_a_dockerfile_is_built_with_the_common_one(
    tmp_path: Path, part: str
) -> None:
    checkout(tmp_path)
    (tmp_path / f"assets/web/{part}/Dockerfile").unlink()
    assert read_assets(tmp_path, "web") is None
    common = write(tmp_path / f"assets/shared/{part}/Dockerfile", "FROM scratch\n")
    write(tmp_path / f"assets/shared/{part}/.dockerignore", "*\n!start/*.py\n")
    first = committed(tmp_path)
    before = assets(tmp_path)
    found = (before.dockerfile, before.verification_dockerfile)
    assert found[part == "verify"] == f"assets/shared/{part}/Dockerfile"
    assert found[part != "verify"].startswith("assets/web/")
    assert ("shared/Dockerfile" in before.files) == (part == "image")
    common.write_text("FROM scratch\nRUN true\n")
    second = committed(tmp_path)
    after = assets(tmp_path)
    assert (before.revision, after.revision) == (first, second if part == "image" else first)
    hashes = [(each.context_hash, each.verification_hash) for each in (before, after)]
    assert [a != b for a, b in zip(*hashes, strict=True)] == [part == "image", part == "verify"]


def test_a_dockerfile_of_its_own_comes_before_the_common_one(tmp_path: Path) -> None:
    checkout(tmp_path)
    write(tmp_path / "assets/shared/image/Dockerfile", "FROM scratch\n")
    assert assets(tmp_path).dockerfile == "assets/web/image/Dockerfile"
    assert "shared/Dockerfile" not in assets(tmp_path).files
