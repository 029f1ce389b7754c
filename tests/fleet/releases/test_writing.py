"""Files that are written all or none."""

from pathlib import Path

import pytest

from fleet.releases.discovery.change import DiscoveryError
from fleet.releases.writing import write_all


def held(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "one").write_text("old one")
    (tmp_path / "two").write_text("old two")
    return tmp_path


def test_all_are_written(root: Path) -> None:
    (root / "one").chmod(0o640)
    write_all({root / "one": b"new one", root / "deep" / "three": b"new three"})
    assert held(root) == {"one": "new one", "two": "old two", "deep/three": "new three"}
    assert (root / "one").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_none_is_written_where_one_fails(
    root: Path, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {root / name: name.encode() for name in ("one", "new", "two")}
    turns = iter(range(1, 9))
    replace = Path.replace

    def replace_once(self: Path, target: Path) -> Path:
        if next(turns) == failing:
            raise OSError("no room")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_once)
    with pytest.raises(OSError, match="no room"):
        write_all(texts)
    assert held(root) == {"one": "old one", "two": "old two"}


def test_none_is_written_where_one_has_no_place(root: Path) -> None:
    with pytest.raises(OSError, match="one"):
        write_all({root / "two": b"new", root / "one" / "below": b"new"})
    assert held(root) == {"one": "old one", "two": "old two"}


def test_what_somebody_changed_meanwhile_is_left_alone(root: Path) -> None:
    with pytest.raises(DiscoveryError, match="one was changed meanwhile"):
        write_all({root / "one": b"new", root / "two": b"new"}, {root / "one": b"older"})
    assert held(root) == {"one": "old one", "two": "old two"}
