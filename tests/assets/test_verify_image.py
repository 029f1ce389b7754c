"""The checks of what lies in an image fail when they should."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.assets.verifying import load

pytestmark = pytest.mark.usefixtures("verification_modules")
AMD64 = bytes([0x7F, 0x45, 0x4C, 0x46, 2, 1]) + bytes(12) + bytes([62, 0])
ARM_V7 = bytes([0x7F, 0x45, 0x4C, 0x46, 1, 1]) + bytes(12) + bytes([40, 0])
S390X = bytes([0x7F, 0x45, 0x4C, 0x46, 2, 2]) + bytes(12) + bytes([0, 22])


def test_the_right_python_is_ok(report: Any) -> None:
    line = f"{sys.version_info.major}.{sys.version_info.minor}"
    load("image_checks").check_python(line, report)
    assert report.failures == []


def test_another_python_fails(report: Any) -> None:
    load("image_checks").check_python("3.1", report)
    assert "expected 3.1, saw 3." in report.failures[0]


@pytest.mark.parametrize(
    ("platform", "header"),
    [("linux/amd64", AMD64), ("linux/arm/v7", ARM_V7), ("linux/s390x", S390X)],
)
def test_the_declared_platform_is_ok(report: Any, platform: str, header: bytes) -> None:
    load("image_checks").check_platform(platform, header, report)
    assert report.failures == []


@pytest.mark.parametrize(
    ("platform", "header"),
    [("linux/arm64", AMD64), ("linux/amd64", ARM_V7), ("linux/mips", AMD64), ("linux/amd64", b"")],
)
def test_another_platform_fails(report: Any, platform: str, header: bytes) -> None:
    load("image_checks").check_platform(platform, header, report)
    assert len(report.failures) == 1


def test_a_layout_other_than_the_images_fails(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/application")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: "/usr/lib/python3/dist-packages")
    load("image_checks").check_layout("3.11", report)
    assert len(report.failures) == 3


def test_failures_come_after_the_servers_output(report: Any) -> None:
    report.equal("one", 1, 2)
    report.attach("the output", "x" * 10_000)
    lines = report.summary().splitlines()
    assert lines[-1] == "FAILED: one: expected 1, saw 2"
    assert len(report.summary()) < 5_000


def test_texts_are_searched_for_what_must_and_must_not_be_there(
    report: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    report.contains("a", "needle", "a needle in hay")
    report.lacks("b", "needle", "hay")
    assert (report.failures, capsys.readouterr().out) == ([], "ok: a\nok: b\n")
    report.contains("a", "needle", "hay")
    report.lacks("b", "needle", "a needle in hay")
    assert len(report.failures) == 2


def test_what_only_root_may_read_is_found(report: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = tmp_path / "start"
    folder.mkdir()
    (folder / "worker.py").write_text("")
    checks = load("image_checks")
    folder.chmod(0o755)
    (folder / "worker.py").chmod(0o644)
    checks.check_readable((folder,), report)
    assert report.failures == []
    folder.chmod(0o644)
    checks.check_readable((folder,), report)
    folder.chmod(0o755)
    (folder / "worker.py").chmod(0o600)
    checks.check_readable((folder,), report)
    assert len(report.failures) == 2
