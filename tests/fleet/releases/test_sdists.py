"""What builds a source distribution, read without running any of it."""

import gzip
import io
import json
import tarfile
import tracemalloc
import zipfile

import pytest

from fleet.releases.pypi import sdists
from fleet.releases.pypi.sdists import (
    DEFAULT,
    LeftOpenError,
    SdistError,
    build_requires,
    metadata,
    metadata_built,
)


def tar(**files: str) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return body.getvalue()


def zipped(**files: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return body.getvalue()


PROJECT = '[build-system]\nrequires = ["setuptools >= 40.8.0", "Cython~=3.1"]\n'
REQUIRES = ("setuptools >= 40.8.0", "Cython~=3.1")


def test_requirements_are_those_of_its_own_project() -> None:
    files = {
        "a-1/setup.py": "",
        "a-1/vendored/pyproject.toml": "[build-system]\nrequires = ['flit']\n",
        "a-1/pyproject.toml": PROJECT,
    }
    assert build_requires("a-1.tar.gz", tar(**files)) == REQUIRES
    assert build_requires("a-1.zip", zipped(**files)) == REQUIRES


@pytest.mark.parametrize("text", [None, "", "[tool.x]\n"])
def test_what_does_not_say_is_built_by_setuptools(text: str | None) -> None:
    files = {"a-1/setup.py": ""} if text is None else {"a-1/pyproject.toml": text}
    assert build_requires("a-1.tar.gz", tar(**files)) == DEFAULT
    assert build_requires("a-1.zip", zipped(**files)) == DEFAULT


def test_a_backend_of_its_own_needs_nothing() -> None:
    text = "[build-system]\nrequires = []\nbackend-path = ['.']\n"
    assert build_requires("a-1.tar.gz", tar(**{"a-1/pyproject.toml": text})) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[build-system]\nbuild-backend = 'x'\n", "not a list of texts"),
        ("[build-system]\nrequires = 'setuptools'\n", "not a list of texts"),
        ("build-system = 1\n", "not a list of texts"),
        ("[build-system]\nrequires = [1]\n", "not a list of texts"),
        ("[build-system]\nrequires = ['--index-url=https://x']\n", "asks for '--index-url"),
        ("[build-system]\nrequires = ['a @ https://x/a.whl']\n", "no index tells its hashes"),
        ("[build-system\n", "Expected"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, says: str) -> None:
    with pytest.raises(SdistError, match=r"a-1\.tar\.gz: ") as failure:
        build_requires("a-1.tar.gz", tar(**{"a-1/pyproject.toml": text}))
    assert says in str(failure.value)


@pytest.mark.parametrize("name", ["a-1.tar.gz", "a-1.zip"])
def test_what_is_no_archive_is_refused(name: str) -> None:
    with pytest.raises(SdistError, match="a-1"):
        build_requires(name, b"no archive")


def test_an_archive_that_ends_early_is_refused() -> None:
    whole = tar(**{"a-1/pyproject.toml": PROJECT * 1000})
    with pytest.raises(SdistError, match="a-1"):
        build_requires("a-1.tar.gz", whole[: len(whole) // 2])


def test_a_huge_project_file_is_refused() -> None:
    files = {"a-1/pyproject.toml": "#" * (1024 * 1024 + 1)}
    for name, body in (("a-1.tar.gz", tar(**files)), ("a-1.zip", zipped(**files))):
        with pytest.raises(SdistError, match="larger than any"):
            build_requires(name, body)


def test_an_archive_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdists, "_LARGEST_WHOLE", 1000)
    files = {"a-1/data": "#" * 2000, "a-1/pyproject.toml": PROJECT}
    with pytest.raises(SdistError, match=r"bytes unpack to more than 1,000, the most"):
        build_requires("a-1.tar.gz", tar(**files))


def test_an_archive_of_several_gzip_members_is_read_whole() -> None:
    plain = gzip.decompress(tar(**{"a-1/data": "#" * 2000, "a-1/pyproject.toml": PROJECT}))
    body = b"".join(gzip.compress(plain[at : at + 1000]) for at in range(0, len(plain), 1000))
    assert build_requires("a-1.tar.gz", body) == build_requires("a-1.tar.gz", gzip.compress(plain))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_huge_header_of_a_member_is_refused_before_it_is_read(kind: bytes) -> None:
    header = tarfile.TarInfo("a-1/pax")
    header.type, header.size = kind, 512 * 1024 * 1024
    body = gzip.compress(header.tobuf() + bytes(1024 * 1024))
    tracemalloc.start()
    try:
        with pytest.raises(SdistError, match="a-1"):
            build_requires("a-1.tar.gz", body)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_headers_without_end_are_refused() -> None:
    header = tarfile.TarInfo("a-1/pax")
    header.type, header.size = tarfile.XHDTYPE, 512
    one = header.tobuf() + b"20 comment=" + b"x" * 8 + b"\n" + bytes(492)
    with pytest.raises(SdistError, match="a-1"):
        build_requires("a-1.tar.gz", gzip.compress(one * 5000))


def test_a_link_is_not_followed() -> None:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        member = tarfile.TarInfo("a-1/pyproject.toml")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    assert build_requires("a-1.tar.gz", body.getvalue()) == DEFAULT


STATED = """\
Metadata-Version: 2.4
Name: a
Version: 1
Requires-Python: >=3.9
Requires-Dist: b>=2
Provides-Extra: x
Requires-Dist: c; extra == 'x'
Summary: what it is
"""


def test_what_is_stated_is_read_from_the_archive() -> None:
    files = {"a-1/PKG-INFO": STATED, "a-1/a.egg-info/PKG-INFO": "Metadata-Version: 9\n"}
    for name, body in (("a-1.tar.gz", tar(**files)), ("a-1.zip", zipped(**files))):
        lines = metadata(name, body).splitlines()
        assert set(lines) == {*STATED.splitlines()} - {"Summary: what it is"}


@pytest.mark.parametrize(
    "text",
    [
        STATED.replace("2.4", "2.1"),
        STATED + "Dynamic: Requires-Dist\n",
        STATED + "Dynamic: requires-python\n",
        "",
        None,
    ],
)
def test_what_is_left_open_is_left_to_the_backend(text: str | None) -> None:
    files = {"a-1/setup.py": ""} if text is None else {"a-1/PKG-INFO": text}
    with pytest.raises(LeftOpenError, match=r"a-1\.tar\.gz: .* only known to its build backend"):
        metadata("a-1.tar.gz", tar(**files))


def test_what_makes_no_sense_is_refused_and_left_to_nobody() -> None:
    text = STATED.replace("2.4", "nonsense")
    with pytest.raises(SdistError, match="Invalid version") as failure:
        metadata("a-1.tar.gz", tar(**{"a-1/PKG-INFO": text}))
    assert not isinstance(failure.value, LeftOpenError)


DEEP = "Requires-Dist: b; " + "(" * 3000 + "os_name == 'x'" + ")" * 3000 + "\n"
LONG = "Requires-Dist: b; " + " or ".join(["os_name == 'x'"] * 3000) + "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            STATED + "Requires-Dist: d @ git+https://evil.example/d\n",
            "no index tells its hashes",
        ),
        (STATED + "Requires-Dist: d @ file:///etc/passwd\n", "no index tells its hashes"),
        (STATED + "Requires-Dist: b>>2\n", "'b>>2'"),
        (STATED + DEEP, "longer than any"),
        (STATED + LONG, "longer than any"),
        (STATED.replace("Name: a", "Name: b"), "the metadata of b 1"),
        (STATED.replace("Version: 1\n", "Version: 2\n"), "the metadata of a 2"),
        (STATED.replace("Version: 1\n", "Version: x\n"), "Invalid version"),
        (STATED.replace("Version: 1\n", ""), "Invalid version"),
    ],
)
def test_what_is_stated_must_be_sound_and_its_own(text: str, says: str) -> None:
    with pytest.raises(SdistError, match=r"a-1\.tar\.gz: ") as failure:
        metadata("a-1.tar.gz", tar(**{"a-1/PKG-INFO": text}))
    assert says in str(failure.value)
    assert not isinstance(failure.value, LeftOpenError)
    assert len(str(failure.value)) < 1000


def test_a_name_that_is_none_of_an_sdist_is_refused() -> None:
    with pytest.raises(SdistError, match=r"a-1-x\.tar\.gz: "):
        metadata("a-1-x.tar.gz", tar(**{"a-1/PKG-INFO": STATED}))
    with pytest.raises(SdistError, match=r"a-1-x\.tar\.gz: "):
        metadata_built("a-1-x.tar.gz", built())


def test_what_builds_it_is_not_asked_for_by_a_marker_without_end() -> None:
    asked = f"[build-system]\nrequires = ['b; {'(' * 3000}']\n"
    for text in (asked, f"a = {'[' * 50_000}"):
        with pytest.raises(SdistError, match=r"a-1\.tar\.gz: "):
            build_requires("a-1.tar.gz", tar(**{"a-1/pyproject.toml": text}))


def test_what_is_left_open_beside_the_requirements_does_not_matter() -> None:
    text = STATED + "Dynamic: Description\n"
    assert "Requires-Dist: b>=2" in metadata("a-1.tar.gz", tar(**{"a-1/PKG-INFO": text}))


def built(**other: object) -> bytes:
    """A report of pip, with ``other`` keys of its metadata."""
    known = {
        "name": "A",
        "version": "1.0",
        "requires_dist": ['b>=2; python_version >= "3.8"'],
        "provides_extra": ["x"],
        "description": "long",
        **other,
    }
    return json.dumps({"install": [{"metadata": known}]}).encode()


def test_what_a_backend_gives_is_read() -> None:
    assert metadata_built("a-1.tar.gz", built()).splitlines() == [
        "Metadata-Version: 2.1",
        "Name: A",
        "Version: 1.0",
        'Requires-Dist: b>=2; python_version >= "3.8"',
        "Provides-Extra: x",
    ]


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (built(requires_dist=["b>>2"]), "'b>>2"),
        (built(version="2.0"), "the metadata of A 2.0"),
        (built(name="B"), "the metadata of B 1.0"),
        (built(name="\x1b[31mA"), "invalid"),
        (built(name=None), ""),
        (built(requires_dist="b"), "requires"),
        (built(requires_dist=[1]), ""),
        (built(requires_dist=[DEEP[15:-1]]), "recursion"),
        (built(requires_dist=[LONG[15:-1]]), "longer than any"),
        (built(requires_dist=["d @ git+https://evil.example/d"]), "no index tells its hashes"),
        (b"", "is truncated, or not JSON"),
        (b"[]", "invalid metadata"),
        (b'{"install": []}', "invalid metadata"),
        (b'{"install": [{"metadata": "text"}]}', "invalid metadata"),
    ],
)
def test_what_a_backend_gives_is_a_strangers_text(report: bytes, says: str) -> None:
    with pytest.raises(
        SdistError, match=r"a-1\.tar\.gz: its build backend (returned|gives)"
    ) as failure:
        metadata_built("a-1.tar.gz", report)
    assert says in str(failure.value)
    assert str(failure.value).isprintable()
