"""What fetches sources and compiles them, with a real pip, on distributions that are made here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.assets import backend
from tests.assets.building import AMD64, Building, layer, site_of
from tests.assets.starting import ASSETS

WHEELS = ASSETS / "shared/wheels/Dockerfile"
EMULATED = ASSETS / "shared/image/compiling/emulated.sh"
EPOCH = 315532800


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_to_compile_fetches_and_makes_nothing(building: Building) -> None:
    wanted = f"linux/arm/v7 {building.source('sample', 'backend')}"
    build = f"linux/arm/v7 {building.backend()}"
    folders = [building.fetch(wanted, build), building.compile(wanted, build)]
    assert [list(layer(folder)) for folder in folders] == [["."], ["."]]
    assert not (building.root / "cache").exists()


def test_a_source_is_fetched_and_none_of_it_runs(building: Building) -> None:
    ran = building.root / "ran"
    evil = f"open({str(ran)!r}, 'w').close()\n"
    wanted = f"{AMD64} {building.source('sample', 'ours', ours=evil, setup=evil)}"
    build = f"{AMD64} {building.backend()}\n{AMD64} {building.source('made', 'backend')}"
    assert set(contents(building.fetch(wanted, build))) == {
        "made-1.0.tar.gz", "sample-1.0.tar.gz", "backend-1.0-py3-none-any.whl",
    }  # fmt: skip
    assert not ran.exists()


def test_a_source_is_compiled_at_one_path_and_comes_out_the_same(building: Building) -> None:
    wanted = f"{AMD64} {building.source('sam_ple', 'backend')}"
    build = f"{AMD64} {building.backend()}"
    building.fetch(wanted, build)
    made = building.compile(wanted, build)
    assert [wheel.name for wheel in made.iterdir()] == ["sam_ple-1.0-py3-none-any.whl"]
    assert contents(made) == contents(building.compile(wanted, build, "again"))
    assert {date for _, date, _ in layer(made).values()} == {EPOCH}
    site = site_of(building.install(f"{AMD64} Sam.Ple==1.0", where=AMD64))
    made_in = building.root / "work/sources/sam_ple-1.0.tar.gz/sam_ple-1.0"
    assert (site / "sam_ple.py").read_text() == f"MADE_IN = {str(made_in)!r}\n"
    assert not (building.root / "work").exists()


def test_the_address_of_a_source_may_end_in_a_query(building: Building) -> None:
    build = f"{AMD64} {building.backend()}"
    source = building.source("sample", "backend").replace("#sha256=", "?token=1#sha256=")
    building.fetch(f"{AMD64} {source}", build)
    (made,) = building.compile(f"{AMD64} {source}", build).iterdir()
    assert made.name.startswith("sample-1.0-")


def test_a_backend_without_a_wheel_is_compiled_first_and_not_kept(building: Building) -> None:
    text = Path(backend.__file__).read_text("utf-8")
    made = building.source("made", "backend", made=text)
    build = f"{AMD64} {building.backend()}\n{AMD64} {made}"
    wanted = f"{AMD64} {building.source('sample', 'made')}"
    building.fetch(wanted, build)
    assert list(contents(building.compile(wanted, build))) == ["sample-1.0-py3-none-any.whl"]


def test_a_build_that_fails_says_that_there_is_no_network(building: Building) -> None:
    needs = "def build_wheel(*_):\n    raise OSError('Network is unreachable')\n"
    wanted = f"{AMD64} {building.source('sample', 'needs')}"
    build = f"{AMD64} {building.wheel('needs', {'needs.py': needs})}"
    building.fetch(wanted, build)
    with pytest.raises(AssertionError, match=r"sample could not be compiled.* There is no network"):
        building.compile(wanted, build)


@pytest.mark.parametrize(
    ("architecture", "model"), [("arm64", "max,pauth-impdef=on"), ("arm", "unset"), ("", "unset")]
)
def test_only_emulated_arm64_is_told_its_processor(architecture: str, model: str) -> None:
    told = 'echo "$@" "${QEMU_CPU-unset}"'
    environ = {"PATH": os.environ["PATH"], "TARGETARCH": architecture}
    words = ["sh", str(EMULATED), "sh", "-c", told, "-", "two words", "one"]
    assert subprocess.check_output(words, env=environ, text=True) == f"two words one {model}\n"


def test_what_runs_code_of_others_has_no_network() -> None:
    text = WHEELS.read_text().replace("\\\n", "")
    steps = re.findall(r"^RUN .*$", text, re.MULTILINE)
    (compiling,) = [step for step in steps if "/building/compile.py" in step]
    assert "--network=none" in compiling
    others = [step for step in steps if step != compiling and "apk add" not in step]
    assert [re.findall(r"/(\w+)\.py", step) for step in others] == [["fetch"]]


def test_the_steps_run_with_nothing_of_the_environment(building: Building) -> None:
    """Their modules are found beside each other, as the Dockerfiles lay them out."""
    folder = building.root / "laid"
    folder.mkdir()
    shared = ASSETS / "shared/image"
    for path in (shared / "building/files.py", *(shared / "compiling").iterdir()):
        (folder / path.name).write_bytes(path.read_bytes())
    empty = str(building.text(""))
    for words in (["fetch.py", AMD64, empty, empty], ["compile.py", AMD64, empty, empty, "none"]):
        out = building.root / words[0]
        subprocess.run([sys.executable, "-B", folder / words[0], *words[1:], out], check=True)
        assert list(out.iterdir()) == []
