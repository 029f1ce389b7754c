"""The checks of the installed distributions fail when they should."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.assets.verifying import load

pytestmark = pytest.mark.usefixtures("verification_modules")


@pytest.mark.usefixtures("site")
def test_another_version_of_a_package_fails(report: Any) -> None:
    load("distributions").check_package("sample", "1.1", report)
    assert "sample 1.1 is installed: expected 1.1, saw 1.0" in report.failures[0]


def test_an_absent_package_fails(report: Any) -> None:
    load("distributions").check_package("no-such-package", "1.0", report)
    assert "saw no such distribution" in report.failures[0]


@pytest.mark.usefixtures("site")
def test_a_package_outside_of_usr_local_fails(report: Any) -> None:
    load("distributions").check_package("sample", "1.0", report)
    assert any("sample lies under /usr/local" in failure for failure in report.failures)


@pytest.mark.usefixtures("site")
def test_a_package_that_is_there_twice_fails(report: Any, site: Path) -> None:
    info = site / "sample-0.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 0.9\n")
    load("distributions").check_package("sample", "1.0", report)
    assert any("sample 1.0 is installed: expected 1.0" in failure for failure in report.failures)


@pytest.mark.usefixtures("site")
def test_a_package_that_is_declared_absent_fails_when_it_is_there(report: Any) -> None:
    load("distributions").check_absent("no-such-package", report)
    assert report.failures == []
    load("distributions").check_absent("sample", report)
    assert "sample is not installed, as declared: expected , saw 1.0" in report.failures[0]


def test_a_library_that_does_not_load_fails(report: Any, tmp_path: Path) -> None:
    checks = load("distributions")
    good = Path(str(importlib.util.find_spec("_ctypes").origin))  # type: ignore[union-attr]
    checks.check_libraries("sample", [good], report)
    assert report.failures == []
    broken = tmp_path / "broken.so"
    broken.write_text("no library")
    checks.check_libraries("sample", [good, broken], report)
    assert "what is compiled in sample loads: expected [], saw ['broken.so: " in report.failures[0]


def test_a_package_that_lost_a_file_fails(
    report: Any, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of Python 3.12, which leaves out what is not there.
    monkeypatch.setattr(metadata.Distribution, "files", [])
    (site / "sample" / "__init__.py").unlink()
    load("distributions").check_package("sample", "1.0", report)
    assert any("every file of sample" in failure for failure in report.failures)


def test_a_package_without_a_record_fails(report: Any, site: Path) -> None:
    (site / "sample-1.0.dist-info" / "RECORD").unlink()
    load("distributions").check_package("sample", "1.0", report)
    assert any("every file of sample" in failure for failure in report.failures)


@pytest.mark.usefixtures("site")
def test_a_command_that_is_not_in_usr_local_bin_fails(report: Any) -> None:
    load("distributions").check_scripts(metadata.distribution("sample"), report)
    assert "expected /usr/local/bin/sample, saw None" in report.failures[0]


def script(folder: Path, text: str) -> str:
    path = folder / "command"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("first", "lost"),
    [
        ("#!/bin/sh", None),
        ("#!/usr/bin/env python3", None),
        ("no script", None),
        ("#!/no/such/python3.13", "/no/such/python3.13"),
    ],
)
def test_a_command_without_its_interpreter_is_found(
    tmp_path: Path, first: str, lost: str | None
) -> None:
    assert load("distributions").lost_interpreter(script(tmp_path, f"{first}\n")) == lost


PIP = """#!/bin/sh
[ "$*" = check ] || exit 3
{lines}
"""


@pytest.mark.parametrize(
    ("lines", "failed"),
    [
        ("echo No broken requirements found.", 0),
        ("echo 'a 1.0 requires b, which is not installed.'; exit 1", 1),
        ("echo 'a 1.0 requires uvloop, which is not installed.'; exit 1", 0),
        ("echo 'a 1.0 has requirement uvloop>=2, but you have uvloop 1.'; exit 1", 1),
        ("echo Traceback >&2; exit 1", 1),
    ],
)
def test_pip_is_asked_for_what_is_missing_and_not_declared_so(
    report: Any, lines: str, failed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = script(tmp_path, PIP.format(lines=lines))
    checks = load("distributions")
    monkeypatch.setattr(checks.shutil, "which", lambda _: pip)
    expect = load("expect").Expect("3.11", {"a": "1.0"}, "linux/amd64", absent=("uvloop",))
    checks.check_requirements(expect, report)
    assert len(report.failures) == failed


def test_an_image_without_pip_is_not_asked(
    report: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    expect = load("expect").Expect("3.11", {"a": "1.0"}, "linux/amd64")
    load("distributions").check_requirements(expect, report)
    assert report.failures == []
    assert "no pip in this image" in capsys.readouterr().out
