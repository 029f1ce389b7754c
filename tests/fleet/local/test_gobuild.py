"""Binaries from Go modules: keyed, whole or absent, built once."""

import errno
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.local.paths import Checkout
from fleet.local.toolchain import gobuild, golang, modules
from fleet.local.toolchain.modules import Module
from tests import go_modules
from tests.fleet.local.examples import checkout, command, told

TOOL = Module(name="tool", packages=("example.org/tool/cmd/tool",), minutes=1)

# Answers as go does: its version, the folder of a required module, and a build into -o's folder.
GO = """
. "${0%/*}/told"
echo "$@" >>"$GO_CALLS"
case $1 in
version) echo "go version go$GO_VERSION linux/amd64" ;;
env) echo "${GO_TOOLCHAIN:-local}" ;;
list) [ "$2" = -deps ] && exec sleep "${GO_STALLS:-0}" || echo "$GO_MODULE" ;;
build)
    while [ "$GO_WAITS_FOR" ] && ! grep -q '^list -deps' "$GO_WAITS_FOR"; do sleep 0.01; done
    while [ "$1" != -o ]; do shift; done
    echo built >"$2/tool"
    echo downloading noise >&2
    exit "${GO_FAILS:-0}"
    ;;
esac
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout with the module ``tool``, and a ``go`` on PATH that builds it."""
    made = checkout(tmp_path)
    source = made.root / "toolchain" / "tool"
    source.mkdir(parents=True)
    (source / "go.mod").write_text("module tool\n")
    binaries = tmp_path / "bin"
    command(binaries, "go", GO)
    monkeypatch.setenv("PATH", f"{binaries}:/usr/bin:/bin")
    told(binaries, GO_CALLS=str(tmp_path / "calls"), GO_VERSION="1.26.1")
    return made


def calls(folder: Path) -> list[str]:
    path = folder / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_a_module_is_built_into_the_folder_of_its_key(here: Checkout) -> None:
    gobuild.ensure(here, [TOOL])
    assert (gobuild.place(here, TOOL) / "tool").read_text() == "built\n"


def test_what_the_cache_has_costs_no_call_of_go(here: Checkout, tmp_path: Path) -> None:
    gobuild.ensure(here, [TOOL])
    before = calls(tmp_path)
    gobuild.ensure(here, [TOOL])
    assert before
    assert calls(tmp_path) == before


def test_the_key_follows_every_file_and_flag_of_the_module(here: Checkout) -> None:
    keys = [TOOL.key(here.root)]
    (here.root / "toolchain" / "tool" / "stub").mkdir()
    (here.root / "toolchain" / "tool" / "stub" / "a.go").write_text("package a\n")
    keys.append(TOOL.key(here.root))
    (here.root / "toolchain" / "tool" / "stub" / "a.go").write_text("package b\n")
    keys.append(TOOL.key(here.root))
    changed = Module(name="tool", packages=TOOL.packages, minutes=1, linker="-X a=b")
    keys.append(changed.key(here.root))
    assert len(set(keys)) == len(keys)


def test_the_key_follows_the_machine(here: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    before = TOOL.key(here.root)
    monkeypatch.setattr(modules, "target", lambda: ("linux", "riscv64"))
    assert TOOL.key(here.root) != before


def test_the_key_is_the_same_in_every_checkout(here: Checkout, tmp_path: Path) -> None:
    shutil.copytree(here.root, tmp_path / "copy")
    assert TOOL.key(tmp_path / "copy") == TOOL.key(here.root)


def test_a_failed_build_leaves_nothing_and_shows_the_end_of_the_noise(
    here: Checkout, tmp_path: Path
) -> None:
    told(tmp_path / "bin", GO_FAILS="2")
    with pytest.raises(TroubleError, match=r"(?s)toolchain/tool did not build.*downloading noise"):
        gobuild.ensure(here, [TOOL])
    assert [p.name for p in (here.cache / "tools").iterdir()] == [".lock"]


def test_the_noise_of_a_build_that_succeeds_is_not_shown(
    here: Checkout, capfd: pytest.CaptureFixture[str]
) -> None:
    gobuild.ensure(here, [TOOL])
    shown = capfd.readouterr()
    assert "noise" not in shown.out + shown.err
    assert "building tool from Go modules: " in shown.err


def test_what_later_ones_are_built_from_is_downloaded_while_the_first_is_compiled(
    here: Checkout, tmp_path: Path
) -> None:
    other = replace(TOOL, name="other", packages=("example.org/other",))
    source = here.root / "toolchain" / "other"
    source.mkdir()
    (source / "go.mod").write_text("module other\n")
    # The first build waits for the download of the second.
    told(tmp_path / "bin", GO_WAITS_FOR=str(tmp_path / "calls"))
    gobuild.ensure(here, [TOOL, other])
    words = [call.split()[0] for call in calls(tmp_path)]
    assert sorted(words) == ["build", "build", "list", "version"]
    assert "list -deps example.org/other" in calls(tmp_path)


def test_a_download_that_goes_on_is_stopped_with_a_build_that_fails(
    here: Checkout, tmp_path: Path
) -> None:
    other = replace(TOOL, name="other")
    shutil.copytree(here.root / "toolchain" / "tool", here.root / "toolchain" / "other")
    told(tmp_path / "bin", GO_WAITS_FOR=str(tmp_path / "calls"), GO_FAILS="2", GO_STALLS="600")
    with pytest.raises(TroubleError, match="toolchain/tool did not build"):
        gobuild.ensure(here, [TOOL, other])


def test_downloads_are_stopped_where_another_can_t_be_started(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = [replace(TOOL, name=name) for name in ("first", "second", "third")]
    for module in modules:
        shutil.copytree(here.root / "toolchain" / "tool", here.root / "toolchain" / module.name)
    told(tmp_path / "bin", GO_STALLS="600")
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def limited(argv: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        if started and argv[1] == "list":
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        process = start(argv, **options)
        started.extend([process] if argv[1] == "list" else [])
        return process

    monkeypatch.setattr(subprocess, "Popen", limited)
    with pytest.raises(BlockingIOError):
        gobuild.ensure(here, modules)
    assert [process.poll() is not None for process in started] == [True]


def test_a_go_that_is_too_old_is_named_before_anything_is_built(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(tmp_path / "bin", GO_VERSION="1.24.9")
    monkeypatch.setattr(golang, "_FOLDER", tmp_path / "nowhere")
    expected = (
        r"^tool can't .*Go 1\.26 .*too old \(go version go1\.24\.9.*, and GOTOOLCHAIN is not.*\nIns"
    )
    with pytest.raises(TroubleError, match=expected):
        gobuild.ensure(here, [TOOL])
    assert calls(tmp_path) == ["version", "env GOTOOLCHAIN"]


@pytest.mark.parametrize(
    ("go", "builds"),
    [
        ("1.24.9 auto", True),
        ("1.21.0 go1.21.0+auto", True),
        ("1.24.9 path", False),
        ("1.24.9 go1.24.9", False),
        ("1.20.14 auto", False),
    ],
)
def test_an_older_go_builds_where_it_may_fetch_the_one_that_is_asked_for(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go: str, *, builds: bool
) -> None:
    version, setting = go.split()
    told(tmp_path / "bin", GO_VERSION=version, GO_TOOLCHAIN=setting)
    monkeypatch.setattr(golang, "_FOLDER", tmp_path / "nowhere")
    if builds:
        gobuild.ensure(here, [TOOL])
        assert (gobuild.place(here, TOOL) / "tool").read_text() == "built\n"
    else:
        with pytest.raises(TroubleError, match=r"Go 1\.26 or newer, .* is missing \(.*too old"):
            gobuild.ensure(here, [TOOL])


def test_a_missing_go_is_told_with_what_needs_it_and_the_remedy(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(golang, "_FOLDER", tmp_path / "nowhere")
    expected = r"^tool can't be had: .* Go 1\.26 .* is missing \(there is none.*\nInstall Go 1\.26"
    with pytest.raises(TroubleError, match=expected):
        gobuild.ensure(here, [TOOL])


@pytest.mark.parametrize("path", ["/nowhere", "{folder}/old:/nowhere"])
def test_go_is_found_where_its_makers_put_it_when_path_has_none_that_is_new_enough(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    command(tmp_path / "old", "go", "echo go version go1.19.8 linux/amd64")
    monkeypatch.setattr(golang, "_FOLDER", tmp_path / "bin")
    monkeypatch.setenv("PATH", path.format(folder=tmp_path))
    gobuild.ensure(here, [TOOL])
    assert (gobuild.place(here, TOOL) / "tool").read_text() == "built\n"


def test_files_of_the_module_and_of_its_requirements_lie_beside_the_binary(
    here: Checkout, tmp_path: Path
) -> None:
    required = tmp_path / "required"
    (required / "cmd").mkdir(parents=True)
    (required / "cmd" / "exec").write_text("theirs")
    (required / "cmd" / "exec").chmod(0o444)
    told(tmp_path / "bin", GO_MODULE=str(required))
    (here.root / "toolchain" / "tool" / "exec").write_text("ours")
    module = Module(
        name="tool",
        packages=TOOL.packages,
        minutes=1,
        files=("exec",),
        scripts={"exec.real": ("example.org/required", "cmd/exec")},
    )
    gobuild.ensure(here, [module])
    folder = gobuild.place(here, module)
    assert {p.name: p.read_text() for p in folder.iterdir()} == {
        "tool": "built\n", "exec": "ours", "exec.real": "theirs",
    }  # fmt: skip
    assert (folder / "exec.real").stat().st_mode & 0o777 == 0o755


def test_what_is_built_beside_a_module_lies_in_its_folder_and_is_part_of_its_key(
    here: Checkout, tmp_path: Path
) -> None:
    (here.root / "toolchain" / "host").mkdir()
    (here.root / "toolchain" / "host" / "exec").write_text("ours")
    host = Module(name="host", packages=("example.org/host",), minutes=1, files=("exec",))
    both = replace(TOOL, beside=(host,))
    gobuild.ensure(here, [both])
    folder = gobuild.place(here, both)
    assert sorted(p.name for p in folder.iterdir()) == ["exec", "tool"]
    assert [call.split()[0] for call in calls(tmp_path)] == ["version", "build", "build"]
    (here.root / "toolchain" / "host" / "exec").write_text("another")
    assert gobuild.place(here, both) != folder


def test_every_module_of_the_table_has_its_folder_with_a_lock_of_its_own() -> None:
    root = Path(__file__).parents[3]
    known = [*vars(modules).values(), *vars(go_modules).values()]
    table = [module for module in known if isinstance(module, Module)]
    folders = {path.name for path in (root / "toolchain").iterdir() if path.is_dir()}
    assert {module.name for module in table} == folders
    for module in table:
        assert (root / "toolchain" / module.name / "go.sum").is_file()
        assert all((root / "toolchain" / module.name / name).is_file() for name in module.files)


def test_versions_of_the_table_are_those_of_the_modules_and_of_the_python_packages() -> None:
    root = Path(__file__).parents[3]
    locked = (root / "requirements.lock").read_text()
    pulumi = (root / "toolchain" / "pulumi" / "go.mod").read_text()
    plugin = (root / "toolchain" / "docker-build" / "go.mod").read_text()
    assert f"pulumi=={modules.PULUMI_VERSION} " in locked
    assert f"github.com/pulumi/pulumi/pkg/v3 v{modules.PULUMI_VERSION}" in pulumi
    version = modules.DOCKER_BUILD.version
    assert f"pulumi-docker-build=={version} " in locked
    assert f"github.com/pulumi/pulumi-docker-build v{version}" in plugin
    assert f"provider.Version={version}" in modules.DOCKER_BUILD.linker
