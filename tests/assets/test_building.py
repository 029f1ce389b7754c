"""What fetches, compiles and installs, with a real pip, on distributions that are made here."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import sysconfig
import tarfile
import threading
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.assets import backend
from tests.assets.starting import ASSETS, IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = Path(sysconfig.get_path("purelib")).relative_to("/")
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "{}"\n'
MODULES = ("common", "fetch", "compile", "install")


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that prints nothing."""

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Building:
    """The three steps below ``root``, where `index` is the index and `sources` are archives."""

    root: Path
    address: str

    def __post_init__(self) -> None:
        loaded: list[Any] = [importlib.import_module(name) for name in MODULES]
        self.common, self.fetcher, self.compiler, self.installer = loaded
        self.common.WORK = self.root / "work"

    def fetch(self, compiled: str, build: str = "", out: str = "fetched") -> Path:
        self.fetcher.main(*self.texts(compiled, build), self.root / out)
        return self.root / out

    def compile(self, compiled: str, build: str = "", out: str = "made") -> Path:
        self.compiler.main(*self.texts(compiled, build), self.root / "fetched", self.root / out)
        return self.root / out

    def install(self, wanted: str, out: str = "out") -> Path:
        (self.root / "made").mkdir(exist_ok=True)
        self.installer.main(self.texts(wanted)[0], self.root / "made", self.root / out)
        return self.root / out / SITE

    def texts(self, *texts: str) -> list[Path]:
        """Write files of requirements; return their paths."""
        paths = [self.root / f"requirements-{number}.txt" for number, _ in enumerate(texts)]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        return paths

    def wheel(self, name: str, text: str = "", *, pure: str = "true") -> str:
        """Offer a wheel; return its requirement as uv writes it."""
        files = {f"{name}.py": text}
        path = backend.write_wheel(self.root / "index", name, "1.0", files, pure=pure)
        return f"{name}==1.0 \\\n    --hash=sha256:{digest(path)}\n    # via nothing\n"

    def backend(self, name: str = "backend") -> str:
        """Offer the wheel of a build backend; return its requirement."""
        return self.wheel(name, Path(backend.__file__).read_text("utf-8"))

    def source(self, name: str, built_by: str, **modules: str) -> str:
        """Pack a source that `built_by` builds; return its requirement."""
        folder = self.root / "packed" / f"{name}-1.0"
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT.format(built_by))
        (folder / "source.txt").write_text(f"{name} 1.0")
        (folder / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(text)
        path = self.root / "sources" / f"{name}-1.0.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, folder.name)
        return f"{name} @ {self.address}/{path.name}#sha256={digest(path)}\n"


@pytest.fixture
def building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Building]:
    """The steps; no index but a folder is asked, and sources are on loopback."""
    for name in ("index", "sources"):
        (tmp_path / name).mkdir()
    monkeypatch.syspath_prepend(str(ASSETS / "shared/image/building"))
    handler = partial(Quiet, directory=str(tmp_path / "sources"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    before = dict(os.environ)
    os.environ.update(
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(tmp_path / "index"),
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_CACHE_DIR="1",
        NO_PROXY="127.0.0.1",
    )
    try:
        yield Building(tmp_path, f"http://127.0.0.1:{server.server_port}")
    finally:
        os.environ.clear()
        os.environ.update(before)
        for name in MODULES:
            sys.modules.pop(name, None)
        server.shutdown()
        server.server_close()
        thread.join()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_wheel_is_installed_with_checked_bytecode_and_one_date(building: Building) -> None:
    site = building.install(building.wheel("sample"))
    found = {path.name for path in (site / "sample-1.0.dist-info").iterdir()}
    assert "direct_url.json" not in found
    (compiled,) = (site / "__pycache__").glob("sample.*.pyc")
    assert compiled.read_bytes()[4:8] == bytes([3, 0, 0, 0])  # PEP 552: hash-based, checked
    dates = {path.stat().st_mtime for path in (building.root / "out").rglob("*")}
    assert dates == {building.common.EPOCH}
    assert not building.common.WORK.exists()


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
def test_no_requirements_are_empty_folders(building: Building, text: str) -> None:
    building.install(text)
    folders = [building.fetch(text, building.backend()), building.compile(text, "nothing==1")]
    assert [list(folder.iterdir()) for folder in (building.root / "out", *folders)] == [[], [], []]


def test_another_file_than_the_locked_one_is_refused(building: Building) -> None:
    wanted = building.wheel("sample")
    building.wheel("sample", "CHANGED = True\n")
    with pytest.raises(SystemExit, match="install: "):
        building.install(wanted)
    assert not (building.root / "out" / SITE).exists()


def test_a_source_is_never_installed_from_the_index(building: Building) -> None:
    building.source("sample", "backend")
    path = building.root / "sources" / "sample-1.0.tar.gz"
    path.rename(building.root / "index" / path.name)
    wanted = f"sample==1.0 --hash=sha256:{digest(building.root / 'index' / path.name)}\n"
    with pytest.raises(SystemExit, match="has no locked wheel of each"):
        building.install(wanted)


def test_a_source_is_fetched_and_none_of_it_runs(building: Building) -> None:
    ran = building.root / "ran"
    evil = f"open({str(ran)!r}, 'w').close()\n"
    wanted = building.source("sample", "ours", ours=evil, setup=evil)
    fetched = building.fetch(wanted, building.backend() + building.source("made", "backend"))
    assert {str(path.relative_to(fetched)) for path in fetched.rglob("*.*")} == {
        "sources/made-1.0.tar.gz", "sources/sample-1.0.tar.gz",
        "wheels/backend-1.0-py3-none-any.whl",
    }  # fmt: skip
    assert not ran.exists()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lambda line: line[:-64] + "0" * 64, r"has the SHA-256 \w{64}, and 0{64} is locked"),
        (lambda line: line.replace("sample-1.0.tar", "other-1.0.tar"), "can't be fetched: .*404"),
        (lambda line: line.partition("#")[0], "not an address with a SHA-256"),
        (lambda line: re.sub("http://[^/]*", "file://", line), "not an address with a SHA-256"),
    ],
)
def test_what_is_not_what_was_locked_is_refused(
    building: Building, monkeypatch: pytest.MonkeyPatch, changed: Any, says: str
) -> None:
    monkeypatch.setattr(building.fetcher.time, "sleep", lambda _: None)
    with pytest.raises(SystemExit, match=says):
        building.fetch(changed(building.source("sample", "backend").strip()))


def test_an_archive_without_end_is_refused(building: Building) -> None:
    building.fetcher.LARGEST = 10
    with pytest.raises(SystemExit, match="larger than the 10 bytes"):
        building.fetch(building.source("sample", "backend"))


def test_a_source_is_compiled_at_one_path_and_comes_out_the_same(building: Building) -> None:
    wanted, build = building.source("sam_ple", "backend"), building.backend()
    building.fetch(wanted, build)
    made = building.compile(wanted, build)
    assert [wheel.name for wheel in made.iterdir()] == ["sam_ple-1.0-py3-none-any.whl"]
    assert contents(made) == contents(building.compile(wanted, build, "again"))
    assert {p.stat().st_mtime for p in (made, *made.iterdir())} == {building.common.EPOCH}
    for path in (building.root / "sources").iterdir():
        path.unlink()
    site = building.install("Sam.Ple==1.0 --hash=sha256:0\n" + building.wheel("other"))
    made_in = building.common.WORK / "sources" / "sam_ple-1.0.tar.gz" / "sam_ple-1.0"
    assert (site / "sam_ple.py").read_text() == f"MADE_IN = {str(made_in)!r}\n"
    assert {path.name for path in site.glob("*.py")} == {"sam_ple.py", "other.py"}
    assert not list(site.glob("*.dist-info/direct_url.json"))
    alone = building.install(building.wheel("other"), out="alone")
    assert not (alone / "sam_ple.py").exists()


def test_the_address_of_a_source_may_end_in_a_query(building: Building) -> None:
    build = building.backend()
    source = building.source("sample", "backend").replace("#sha256=", "?token=1#sha256=")
    building.fetch(source, build)
    (made,) = building.compile(source, build).iterdir()
    assert made.name.startswith("sample-1.0-")


def test_a_backend_without_a_wheel_is_compiled_first_and_not_kept(building: Building) -> None:
    text = Path(backend.__file__).read_text("utf-8")
    build = building.backend() + building.source("made", "backend", made=text)
    wanted = building.source("sample", "made")
    building.fetch(wanted, build)
    made = building.compile(wanted, build)
    assert [wheel.name for wheel in made.iterdir()] == ["sample-1.0-py3-none-any.whl"]


def test_a_build_that_fails_says_that_there_is_no_network(building: Building) -> None:
    needs = "def build_wheel(*_):\n    raise OSError('Network is unreachable')\n"
    wanted = building.source("sample", "needs")
    build = building.wheel("needs", needs)
    building.fetch(wanted, build)
    with pytest.raises(SystemExit, match=r"sample could not be compiled.* There is no network h"):
        building.compile(wanted, build)


def test_what_is_not_pure_is_refused_where_it_is_for_every_platform(building: Building) -> None:
    os.environ["BUILDER_PLATFORM"] = "linux/amd64"
    building.install(building.wheel("pure"))
    with pytest.raises(SystemExit, match=r"sample-1\.0\.dist-info: not pure Python"):
        building.install(building.wheel("sample", pure="false"))


def test_an_index_of_ones_own_is_the_one_that_is_asked(building: Building) -> None:
    os.environ["INDEX"] = "https://index.test/simple"
    words = building.common.from_index("download")
    assert words == ("download", "--index-url", "https://index.test/simple")
    del os.environ["INDEX"]
    assert building.common.from_index("download") == ("download",)


@pytest.mark.parametrize("image", IMAGES)
def test_what_runs_code_of_others_has_no_network(image: str) -> None:
    text = (ASSETS / image / "image/Dockerfile").read_text().replace("\\\n", "")
    steps = re.findall(r"^RUN .*$", text, re.MULTILINE)
    compiling = [step for step in steps if "/building/compile.py" in step]
    assert len(compiling) == 2
    assert all("--network=none" in step for step in compiling)
    others = [step for step in steps if step not in compiling and "apk add" not in step]
    assert all(re.search(r"/building/(fetch|install)\.py", step) for step in others)
