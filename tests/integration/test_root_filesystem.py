import gzip
import io
import tarfile
from pathlib import Path

import pytest

from tests.integration.root_filesystem import unpack


def layer(*members: tarfile.TarInfo | str) -> bytes:
    """A layer of files that hold their own names, folders where these end so, and other members."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member in members:
            if not isinstance(member, str):
                archive.addfile(member)
            elif member.endswith("/"):
                archive.addfile(special(member, tarfile.DIRTYPE, mode=0o1777))
            else:
                made = tarfile.TarInfo(member)
                made.size = len(member)
                archive.addfile(made, io.BytesIO(member.encode()))
    return gzip.compress(packed.getvalue())


def special(name: str, kind: bytes, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize(
    ("upper", "left"),
    [
        (("a/new",), {"a/x", "a/deep/y", "b", "a/new"}),
        (("a/.wh.x",), {"a/deep/y", "b"}),
        (("a/.wh.deep",), {"a/x", "b"}),
        ((".wh.a", "a/new"), {"b", "a/new"}),
        (("a/new", "a/.wh..wh..opq"), {"b", "a/new"}),
        (("new/.wh..wh..opq", ".wh.none"), {"a/x", "a/deep/y", "b"}),
    ],
    ids=["adds", "a file", "a folder", "a folder, made again", "opaque", "nothing below"],
)
def test_what_a_layer_hides_of_those_below_is_gone(
    tmp_path: Path, upper: tuple[str, ...], left: set[str]
) -> None:
    root = tmp_path / "root"
    unpack([layer("a/x", "a/deep/y", "b"), layer(*upper)], root)
    assert names(root) == left


def test_a_file_takes_the_place_of_a_link_and_not_of_what_it_leads_to(tmp_path: Path) -> None:
    root, link = tmp_path / "root", special("link", tarfile.SYMTYPE, "kept")
    unpack([layer("kept", link), layer("link")], root)
    assert ((root / "kept").read_text(), (root / "link").read_text()) == ("kept", "link")


def test_device_files_are_left_out_and_modes_kept(tmp_path: Path) -> None:
    root = tmp_path / "root"
    unpack(
        [layer("tmp/", special("sda", tarfile.BLKTYPE), special("fifo", tarfile.FIFOTYPE))], root
    )
    assert [path.name for path in root.iterdir()] == ["tmp"]
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("name", ["../out", "run/out"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    away = special("run", tarfile.SYMTYPE, str(tmp_path))
    with pytest.raises(tarfile.OutsideDestinationError):
        unpack([layer(away), layer(name)], tmp_path / "root")
    assert not (tmp_path / "out").exists()
