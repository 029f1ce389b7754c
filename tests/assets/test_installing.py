"""What installs wheels, natively for every platform, on wheels that are made here."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import urlsafe_b64decode
from functools import partial
from hashlib import sha256

import pytest

from tests.assets import backend
from tests.assets.building import AMD64, Building, digest, layer, site_of
from tests.assets.starting import ASSETS

ARM = "linux/arm/v7"
ENTRY = "sample-1.0.dist-info/entry_points.txt"
EPOCH = 315532800
EVERYTHING = {
    "sample.py": "NAMES = {'a', 'b', 'c', 'd'}\ndef inside(x): return x in {'k', 'l', 'm', 'n'}\n",
    "deep/a.py": "VALUE = 1\n",
    "deep/python2.py": "print 'syntax of another Python'\n",
    ENTRY: "[console_scripts]\nsample = sample:inside\n",
    "sample-1.0.data/scripts/started": "#!python\nprint('started')\n",
    "sample-1.0.data/scripts/shell": "#!/bin/sh\necho shell\n",
    "sample-1.0.data/headers/sample.h": "int sample;\n",
    "sample-1.0.data/data/share/sample/text": "text\n",
    "sample-1.0.data/purelib/pure.py": "PURE = True\n",
    "sample-1.0.data/platlib/plat.py": "PLAT = True\n",
    "sample-1.0.dist-info/INSTALLER": "somebody\n",
    "deep/__pycache__/a.cpython-39.pyc": "of the wheel's maker",
}


def test_all_five_schemes_lie_where_the_official_image_has_them(any_python: Building) -> None:
    root = any_python.install(f"any {any_python.wheel('sample', EVERYTHING)}")
    site = site_of(root)
    python = site.parent.name
    shebang = f"#!/usr/local/bin/{python}\n"
    assert (root / "usr/local/bin/started").read_text() == f"{shebang}print('started')\n"
    assert (root / "usr/local/bin/shell").read_text() == "#!/bin/sh\necho shell\n"
    assert (root / "usr/local/bin/sample").read_text().startswith(shebang)
    assert {path.stat().st_mode & 0o777 for path in (root / "usr/local/bin").iterdir()} == {0o755}
    assert (root / f"usr/local/include/{python}/sample/sample.h").is_file()
    assert (root / "usr/local/share/sample/text").is_file()
    assert {"sample.py", "pure.py", "plat.py"} <= {path.name for path in site.iterdir()}
    assert (site / "sample-1.0.dist-info/INSTALLER").read_text() == "pip\n"
    assert not list(site.rglob("direct_url.json"))


def test_what_the_record_says_is_true(any_python: Building) -> None:
    root = any_python.install(f"any {any_python.wheel('sample', EVERYTHING)}")
    site = site_of(root)
    with (site / "sample-1.0.dist-info/RECORD").open(newline="") as file:
        rows = list(csv.reader(file))
    recorded = {os.path.normpath(site / path) for path, _, _ in rows}
    files = {str(path) for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert recorded == files
    assert len(rows) == len(recorded)
    for path, found, size in rows:
        if not path.endswith("/RECORD"):
            content = (site / path).read_bytes()
            kind, _, text = found.partition("=")
            assert (kind, int(size)) == ("sha256", len(content))
            assert urlsafe_b64decode(f"{text}=") == sha256(content).digest()


def test_bytecode_is_checked_by_hash_and_names_the_paths_of_the_image(any_python: Building) -> None:
    deep = "/".join("abcdefghijklmnop")
    files = {**EVERYTHING, f"{deep}/last.py": "LAST = True\n"}
    root = any_python.install(f"any {any_python.wheel('sample', files)}")
    site = site_of(root)
    compiled = {path.name.split(".")[0]: path.read_bytes() for path in site.rglob("*.pyc")}
    assert set(compiled) == {"sample", "pure", "plat", "a", "last"}
    assert {content[4:8] for content in compiled.values()} == {bytes([3, 0, 0, 0])}  # PEP 552
    assert f"/{site.relative_to(root)}/{deep}/last.py".encode() in compiled["last"]


def test_the_layer_is_the_same_whoever_makes_it_and_whenever(any_python: Building) -> None:
    build = any_python
    pure, other = build.wheel("sample", EVERYTHING), build.wheel("other", {"sample.py": "OTHER\n"})
    first = layer(build.install(f"any {pure}", f"any {other}"))
    assert {date for _, date, _ in first.values()} == {EPOCH}
    assert {mode & 0o777 for mode, _, _ in first.values()} == {0o644, 0o755}
    shutil.rmtree(build.root / "cache/")
    before = os.umask(0o077)
    try:
        environ = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
        cold = build.install(f"any {other}", f"any {pure}", out="cold", **environ)
    finally:
        os.umask(before)
    assert layer(cold) == first
    for path in build.offered.iterdir():
        path.unlink()
    assert layer(build.install(f"any {pure}", f"any {other}", out="warm")) == first
    both = [f"linux/amd64,linux/arm64 {wheel}" for wheel in (pure, other)]
    for where in ("linux/amd64", "linux/arm64"):
        assert layer(build.install(*both, out=where, where=where)) == first


def test_a_platform_gets_its_lines_and_none_of_others(building: Building) -> None:
    tags = {AMD64: "cp39-abi3-manylinux_2_17_x86_64", "linux/arm64": "cp39-abi3-linux_aarch64"}
    lines = [f"any {building.wheel('pure')}"]
    for where, tag in tags.items():
        wheel = building.wheel("special", {"special.py": f"{where!r}"}, tag=tag)
        lines.append(f"{where} {wheel}")
    for where in tags:
        site = site_of(building.install(*lines, out=where, where=where))
        assert (site / "special.py").read_text() == repr(where)
        assert not (site / "pure.py").exists()
    # linux/arm is the beginning of two others.
    assert not list(building.install(*lines, out="none", where="linux/arm").iterdir())
    assert (site_of(building.install(*lines, out="pure")) / "pure.py").exists()


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_nothing_to_install_is_an_empty_folder_of_one_date(building: Building, text: str) -> None:
    out = building.install(text, INSTALLER="")
    assert list(layer(out)) == ["."]
    assert out.stat().st_mtime == EPOCH


def test_of_two_wheels_with_one_file_the_later_ones_stays(building: Building) -> None:
    wheels = [building.wheel(name, {"same.py": name}) for name in ("first", "second")]
    site = site_of(building.install(*(f"any {wheel}" for wheel in reversed(wheels))))
    assert (site / "same.py").read_text() == "second"


def test_a_wheel_may_spell_its_name_in_two_ways(building: Building) -> None:
    files = {"Sam.Ple-1.0.data/scripts/run": "#!python\n", "sam.py": ""}
    path = backend.write_wheel(building.offered, "Sam.Ple", "1.0", files)
    path = path.rename(path.with_name("sam_ple-1.0-py3-none-any.whl"))
    root = building.install(f"any {building.reference(path)}")
    assert (root / "usr/local/bin/run").is_file()


@pytest.mark.parametrize("name", ["../../../outside", "/tmp/outside"])
def test_a_command_outside_of_the_root_is_refused(building: Building, name: str) -> None:
    points = f"[console_scripts]\ngood = sample:f\n{name} = sample:f\n"
    files = {"sample.py": "", "sample-1.0.dist-info/entry_points.txt": points}
    with pytest.raises(AssertionError, match=r"sample-1\.0-.* would lie outside of the root"):
        building.install(f"any {building.wheel('sample', files)}")


@pytest.mark.parametrize("path", ["../outside.py", "sample/../../outside.py", "/tmp/outside.py"])
def test_a_file_outside_of_the_root_is_refused(building: Building, path: str) -> None:
    # The installer's newer releases look at some of these themselves.
    says = r"sample-1\.0-.*( would lie outside of the root|mix absolute and relative paths)"
    with pytest.raises(AssertionError, match=says):
        building.install(f"any {building.wheel('sample', {path: ''})}")


def test_what_is_no_wheel_is_refused(building: Building) -> None:
    path = building.offered / "sample-1.0-py3-none-any.whl"
    path.write_text("text")
    with pytest.raises(AssertionError, match=r"sample-1\.0-\S+ is not a wheel that can be inst"):
        building.install(f"any {building.reference(path)}")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lambda line: line[:-64] + "0" * 64, r"has the SHA-256 \w{64}, and 0{64} is locked"),
        (lambda line: line.replace("sample-1.0", "other-1.0"), "can't be fetched: .*404"),
        (lambda line: line.partition("#")[0], "not an address with a SHA-256"),
        (lambda line: re.sub("http://[^/]*", "file://", line), "not an address with a SHA-256"),
    ],
)
def test_what_is_not_what_was_locked_is_refused(
    building: Building, changed: partial[str], says: str
) -> None:
    with pytest.raises(AssertionError, match=says):
        building.install(f"any {changed(building.wheel('sample'))}")
    assert not list((building.root / "out").iterdir())
    assert not [path for path in (building.root / "cache").rglob("*") if path.is_file()]


def test_an_archive_without_end_is_refused(building: Building) -> None:
    building.constants.append(("files", "LARGEST", 10))
    with pytest.raises(AssertionError, match="larger than the 10 bytes"):
        building.install(f"any {building.wheel('sample')}")


def test_a_file_of_the_cache_that_was_changed_is_fetched_again(building: Building) -> None:
    line = f"any {building.wheel('sample')}"
    first = layer(building.install(line))
    for path in (building.root / "cache").rglob("*.whl"):
        path.write_text("changed")
    assert layer(building.install(line, out="again")) == first


def test_builds_at_the_same_time_share_the_cache(building: Building) -> None:
    lines = [f"any {building.wheel(f'sample{number}')}" for number in range(5)]
    words = [building.text(*lines), building.root / "wheels"]
    outs = [building.root / f"out{number}" for number in range(4)]
    runs = [building.start("install", "any", *words, out) for out in outs]
    for run in runs:
        building.must(run)
    assert all(layer(out) == layer(outs[0]) for out in outs)
    cached = [path for path in (building.root / "cache").rglob("*") if path.is_file()]
    assert len(cached) == 6
    assert all(digest(path) == path.parent.name for path in cached)


def test_what_was_compiled_comes_from_the_mounted_folder(building: Building) -> None:
    (building.root / "wheels").mkdir()
    backend.write_wheel(building.root / "wheels", "Sam_Ple", "1.0", {"made.py": "MADE = 1\n"})
    site = site_of(building.install(f"{ARM},{AMD64} sam.ple==1.0", where=ARM))
    assert (site / "made.py").is_file()
    with pytest.raises(AssertionError, match=r"other==2\.0 is to be compiled.*\(Sam_Ple-1\.0-py3"):
        building.install("any other==2.0")
    (building.root / "wheels" / "Sam_Ple-1.0-py3-none-any.whl").unlink()
    with pytest.raises(AssertionError, match=r"its wheel is not among the compiled ones \(none\)"):
        building.install("any sam.ple==1.0")


def test_pip_takes_it_for_its_own(building: Building) -> None:
    root = building.install(f"any {building.wheel('sample', EVERYTHING)}")
    environment = building.root / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    shutil.copytree(root / "usr/local", environment, dirs_exist_ok=True)

    def pip(*words: str) -> str:
        words = ("-m", "pip", "--python", str(environment), *words)
        environ = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
        argv = [sys.executable, *words]
        run = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    assert "No broken requirements" in pip("check")
    (listed,) = json.loads(pip("list", "--format", "json"))
    assert listed == {"name": "sample", "version": "1.0"}
    assert pip("show", "-f", "sample").count("started") == 1
    building.wheel("sample", version="2.0")
    assert "sample-2.0" in pip("install", "-U", "--find-links", str(building.offered), "sample")
    assert not [path for path in environment.rglob("*") if path.name in ("started", "sample.h")]
    pip("uninstall", "-y", "sample")
    assert not [path for path in environment.rglob("*") if "sample" in path.name]


def test_the_shared_layers_are_made_without_regard_to_the_platform() -> None:
    text = (ASSETS / "shared/image/Dockerfile").read_text()
    stages = dict(re.findall(r"^FROM .* AS (\S+)\n((?:(?!FROM ).*\n)*)", text, re.MULTILINE))
    common = re.sub("(?m)^#.*$", "", stages["builder"] + stages["common"])
    assert "TARGET" not in common
    assert common.count("install.py any ") == 2
    assert stages["own"].count('install.py "$TARGETPLATFORM" ') == 2
    assert "FROM --platform=$BUILDPLATFORM ${BUILDER} AS builder\n" in text
    assert "RUN" not in text.rpartition("\nFROM ")[2]
