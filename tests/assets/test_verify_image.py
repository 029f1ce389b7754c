"""The checks of what lies in an image fail when they should."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.assets.verifying import load, verification

if TYPE_CHECKING:
    from collections.abc import Iterator

AMD64 = bytes([0x7F, 0x45, 0x4C, 0x46, 2, 1]) + bytes(12) + bytes([62, 0])
ARM_V7 = bytes([0x7F, 0x45, 0x4C, 0x46, 1, 1]) + bytes(12) + bytes([40, 0])
S390X = bytes([0x7F, 0x45, 0x4C, 0x46, 2, 2]) + bytes(12) + bytes([0, 22])
GOOD = '{"python": "3.11", "packages": {"uvicorn": "0.34.0"}, "platform": "linux/amd64"}'


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    with verification():
        yield


@pytest.fixture
def report() -> Any:
    return load("report").Report()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions that holds `sample` 1.0 with the command `sample`."""
    info = tmp_path / "sample-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nsample = sample:main\n")
    (info / "RECORD").write_text("sample/__init__.py,,\nsample-1.0.dist-info/METADATA,,\n")
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "__init__.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def test_expect_is_read() -> None:
    expect = load("expect").parse_expect(GOOD)
    assert (expect.python, expect.platform) == ("3.11", "linux/amd64")
    assert expect.packages == {"uvicorn": "0.34.0"}
    assert expect.absent == ()


def test_what_is_declared_absent_is_read() -> None:
    text = GOOD.replace("}, ", '}, "absent": ["uvloop"], ')
    assert load("expect").parse_expect(text).absent == ("uvloop",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"python": "3.11"}',
        GOOD.replace('"3.11"', "3.11"),
        GOOD.replace('"0.34.0"', "null"),
        GOOD.replace('{"uvicorn": "0.34.0"}', "{}"),
        GOOD.replace("platform", "platforms"),
        GOOD.replace("}, ", '}, "more": [], '),
        GOOD.replace("}, ", '}, "absent": "uvloop", '),
        GOOD.replace("}, ", '}, "absent": [""], '),
        GOOD.replace("}, ", '}, "absent": ["uvicorn"], '),
    ],
)
def test_a_malformed_expect_is_refused(text: str) -> None:
    module = load("expect")
    with pytest.raises(module.ExpectError, match="EXPECT"):
        module.parse_expect(text)


def test_without_expect_the_verification_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EXPECT", raising=False)
    assert load("verify").main() == 2
    assert "verify: EXPECT is no JSON" in capsys.readouterr().err


def test_the_right_python_is_ok(report: Any) -> None:
    line = f"{sys.version_info.major}.{sys.version_info.minor}"
    expect = load("expect").parse_expect(GOOD.replace("3.11", line))
    load("image_checks").check_python(expect, report)
    assert report.failures == []


def test_another_python_fails(report: Any) -> None:
    expect = load("expect").parse_expect(GOOD.replace("3.11", "3.1"))
    load("image_checks").check_python(expect, report)
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


@pytest.mark.usefixtures("site")
def test_another_version_of_a_package_fails(report: Any) -> None:
    load("image_checks").check_package("sample", "1.1", report)
    assert "sample 1.1 is installed: expected 1.1, saw 1.0" in report.failures[0]


def test_an_absent_package_fails(report: Any) -> None:
    load("image_checks").check_package("no-such-package", "1.0", report)
    assert "saw no such distribution" in report.failures[0]


@pytest.mark.usefixtures("site")
def test_a_package_outside_of_usr_local_fails(report: Any) -> None:
    load("image_checks").check_package("sample", "1.0", report)
    assert any("sample lies under /usr/local" in failure for failure in report.failures)


@pytest.mark.usefixtures("site")
def test_a_package_that_is_there_twice_fails(report: Any, site: Path) -> None:
    info = site / "sample-0.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 0.9\n")
    load("image_checks").check_package("sample", "1.0", report)
    assert any("sample 1.0 is installed: expected 1.0" in failure for failure in report.failures)


@pytest.mark.usefixtures("site")
def test_a_package_that_is_declared_absent_fails_when_it_is_there(report: Any) -> None:
    load("image_checks").check_absent("no-such-package", report)
    assert report.failures == []
    load("image_checks").check_absent("sample", report)
    assert "sample is not installed, as declared: expected , saw 1.0" in report.failures[0]


def test_a_library_that_does_not_load_fails(report: Any, tmp_path: Path) -> None:
    checks = load("image_checks")
    good = Path(str(importlib.util.find_spec("_ctypes").origin))  # type: ignore[union-attr]
    checks.check_libraries("sample", [good], report)
    assert report.failures == []
    broken = tmp_path / "broken.so"
    broken.write_text("no library")
    checks.check_libraries("sample", [good, broken], report)
    assert "what is compiled in sample loads: expected [], saw ['broken.so: " in report.failures[0]


def test_a_package_that_lost_a_file_fails(report: Any, site: Path) -> None:
    (site / "sample" / "__init__.py").unlink()
    load("image_checks").check_package("sample", "1.0", report)
    assert any("every file of sample" in failure for failure in report.failures)


def test_a_package_without_a_record_fails(report: Any, site: Path) -> None:
    (site / "sample-1.0.dist-info" / "RECORD").unlink()
    load("image_checks").check_package("sample", "1.0", report)
    assert any("every file of sample" in failure for failure in report.failures)


@pytest.mark.usefixtures("site")
def test_a_command_that_is_not_in_usr_local_bin_fails(report: Any) -> None:
    load("image_checks").check_scripts(metadata.distribution("sample"), report)
    assert "expected /usr/local/bin/sample, saw None" in report.failures[0]


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
