"""install.py with a real pip, on distributions that are made here: no index is asked."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sysconfig
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.assets import backend
from tests.assets.starting import ASSETS

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = Path(sysconfig.get_path("purelib")).relative_to("/")
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "{}"\n'


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Any]:
    """The module, with `tmp_path/index` for its index and a working folder of its own."""
    spec = importlib.util.spec_from_file_location("install", ASSETS / "shared/image/install.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.WORK = tmp_path / "work"
    (tmp_path / "index").mkdir()
    before = dict(os.environ)
    os.environ.update(
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(tmp_path / "index"),
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_CACHE_DIR="1",
    )
    try:
        yield module
    finally:
        os.environ.clear()
        os.environ.update(before)


def pinned(path: Path, pin: str) -> str:
    """A requirement as uv writes it, with the hash of this file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{pin} \\\n    --hash=sha256:{digest}\n    # via nothing\n"


def wheel(root: Path, name: str, text: str = "", *, pure: str = "true") -> str:
    files = {f"{name}.py": text}
    return pinned(
        backend.write_wheel(root / "index", name, "1.0", files, pure=pure), f"{name}==1.0"
    )


def source(root: Path, name: str, built_by: str, **modules: str) -> str:
    """Pack a source that `built_by` builds; return its requirement."""
    folder = root / "packed" / f"{name}-1.0"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(built_by))
    (folder / "source.txt").write_text(f"{name} 1.0")
    (folder / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)
    path = root / "index" / f"{name}-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, folder.name)
    return pinned(path, f"{name}==1.0")


def backend_wheel(root: Path, name: str = "backend") -> str:
    return wheel(root, name, Path(backend.__file__).read_text("utf-8"))


def installed(install: Any, root: Path, wanted: str, build: str = "", out: str = "out") -> Path:
    (root / "made").mkdir(exist_ok=True)
    install.main(*texts(root, wanted, build), root / "made", root / out)
    return root / out / SITE


def texts(root: Path, wanted: str, build: str) -> tuple[Path, Path]:
    """Write the two requirements files; return their paths."""
    (root / "wanted.txt").write_text(wanted)
    (root / "build.txt").write_text(build)
    return root / "wanted.txt", root / "build.txt"


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_wheel_is_installed_with_checked_bytecode_and_one_date(
    install: Any, tmp_path: Path
) -> None:
    site = installed(install, tmp_path, wheel(tmp_path, "sample"))
    found = {path.name for path in (site / "sample-1.0.dist-info").iterdir()}
    assert "direct_url.json" not in found
    (compiled,) = (site / "__pycache__").glob("sample.*.pyc")
    assert compiled.read_bytes()[4:8] == bytes([3, 0, 0, 0])  # PEP 552: hash-based, checked
    dates = {path.stat().st_mtime for path in (tmp_path / "out").rglob("*")}
    assert dates == {install.EPOCH}
    assert not install.WORK.exists()


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
def test_no_requirements_are_an_empty_folder(install: Any, tmp_path: Path, text: str) -> None:
    installed(install, tmp_path, text)
    assert list((tmp_path / "out").iterdir()) == []


def test_another_file_than_the_locked_one_is_refused(install: Any, tmp_path: Path) -> None:
    wanted = wheel(tmp_path, "sample")
    wheel(tmp_path, "sample", "CHANGED = True\n")
    with pytest.raises(SystemExit, match="install: "):
        installed(install, tmp_path, wanted)
    assert not (tmp_path / "out" / SITE).exists()


def test_a_source_is_refused_where_nothing_may_be_compiled(install: Any, tmp_path: Path) -> None:
    wanted = source(tmp_path, "sample", "backend")
    with pytest.raises(SystemExit, match="compiling takes BUILD_REQUIREMENTS") as refused:
        installed(install, tmp_path, wanted)
    assert "ERROR: No matching distribution found for sample==1.0" in str(refused.value)


def test_looking_for_a_wheel_first_prints_no_error(
    install: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = Path(backend.__file__).read_text("utf-8")
    build = source(tmp_path, "made", "backend", made=text) + backend_wheel(tmp_path)
    installed(install, tmp_path, source(tmp_path, "sample", "made"), build)
    out, err = capfd.readouterr()
    assert "install: the index has no wheel of each for this platform" in out
    assert "ERROR" not in out + err


def test_a_source_is_compiled_at_one_path_and_comes_out_the_same(
    install: Any, tmp_path: Path
) -> None:
    wanted = source(tmp_path, "sample", "backend") + wheel(tmp_path, "other")
    build = backend_wheel(tmp_path)
    site = installed(install, tmp_path, wanted, build)
    made_in = install.WORK / "sources" / "sample-1.0.tar.gz" / "sample-1.0"
    assert (site / "sample.py").read_text() == f"MADE_IN = {str(made_in)!r}\n"
    assert (site / "other.py").exists()
    assert not (site / "backend.py").exists()
    assert not (site / "sample-1.0.dist-info" / "direct_url.json").exists()
    installed(install, tmp_path, wanted, build, "again")
    assert contents(tmp_path / "out") == contents(tmp_path / "again")


def test_a_backend_without_a_wheel_is_compiled_first(install: Any, tmp_path: Path) -> None:
    text = Path(backend.__file__).read_text("utf-8")
    build = source(tmp_path, "made", "backend", made=text) + backend_wheel(tmp_path)
    site = installed(install, tmp_path, source(tmp_path, "sample", "made"), build)
    assert (site / "sample.py").exists()
    assert not (site / "made.py").exists()


def test_what_is_not_pure_is_refused_where_it_is_for_every_platform(
    install: Any, tmp_path: Path
) -> None:
    os.environ["BUILDER_PLATFORM"] = "linux/amd64"
    installed(install, tmp_path, wheel(tmp_path, "pure"))
    with pytest.raises(SystemExit, match=r"sample-1\.0\.dist-info: not pure Python"):
        installed(install, tmp_path, wheel(tmp_path, "sample", pure="false"))


def test_compilers_come_and_go_only_when_something_is_compiled(
    install: Any, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    (tmp_path / "bin").mkdir()
    apk = tmp_path / "bin" / "apk"
    apk.write_text(f'#!/bin/sh\necho "$@" >>{told}\n')
    apk.chmod(0o755)
    os.environ["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    os.environ["COMPILERS"] = "build-base linux-headers"
    build = backend_wheel(tmp_path)
    installed(install, tmp_path, wheel(tmp_path, "other"), build)
    assert not told.exists()
    installed(install, tmp_path, source(tmp_path, "sample", "backend"), build)
    added, deleted = told.read_text().splitlines()
    assert added.startswith("add ")
    assert added.endswith(" .compilers build-base linux-headers")
    assert deleted == "del --no-network .compilers"


def test_compilers_need_a_builder_with_apk(
    install: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.environ["COMPILERS"] = "build-base"
    monkeypatch.setattr(install.shutil, "which", lambda _: None)
    wanted = source(tmp_path, "sample", "backend")
    with pytest.raises(SystemExit, match="COMPILERS is for builders with apk"):
        installed(install, tmp_path, wanted, backend_wheel(tmp_path))


def test_wheels_are_made_of_what_is_wanted_and_of_no_backend(install: Any, tmp_path: Path) -> None:
    wanted, build = source(tmp_path, "sam_ple", "backend"), backend_wheel(tmp_path)
    made = [tmp_path / "made", tmp_path / "again"]
    for folder in made:
        install.main(*texts(tmp_path, wanted, build), folder)
    assert [wheel.name for wheel in made[0].iterdir()] == ["sam_ple-1.0-py3-none-any.whl"]
    assert contents(made[0]) == contents(made[1])
    dates = {path.stat().st_mtime for path in (made[0], *made[0].iterdir())}
    assert dates == {install.EPOCH}


def test_nothing_wanted_is_an_empty_folder_of_wheels(install: Any, tmp_path: Path) -> None:
    install.main(*texts(tmp_path, "\n", ""), tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


def test_a_wheel_that_was_made_before_is_installed_and_no_backend_is_asked_for(
    install: Any, tmp_path: Path
) -> None:
    wanted = source(tmp_path, "sam_ple", "backend")
    install.main(*texts(tmp_path, wanted, backend_wheel(tmp_path)), tmp_path / "made")
    for path in (tmp_path / "index").iterdir():
        path.unlink()
    everything = wanted.replace("sam_ple", "Sam.Ple") + wheel(tmp_path, "other")
    site = installed(install, tmp_path, everything)
    assert {path.name for path in site.glob("*.py")} == {"sam_ple.py", "other.py"}
    assert not list(site.glob("*.dist-info/direct_url.json"))
    alone = installed(install, tmp_path, wheel(tmp_path, "other"), out="alone")
    assert not (alone / "sam_ple.py").exists()
