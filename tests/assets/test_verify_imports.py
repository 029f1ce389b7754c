"""Every distribution is imported, and one that can't be is named."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.assets.verifying import load

pytestmark = [
    pytest.mark.usefixtures("verification_modules"),
    # The workers of these tests have threads, the verification has none.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]


def install(site: Path, name: str, **texts: str) -> None:
    """Install modules by their dotted names, `__init__` included."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    files = {module.replace(".", "/") + ".py": text for module, text in texts.items()}
    for file, text in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text)
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def failures(report: Any, *names: str) -> list[str]:
    load("imports").check_imports(names, report)
    return list(report.failures)


def test_what_can_be_imported_is_ok(
    report: Any, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "other", other_one="import sample")
    assert failures(report, "sample", "other") == []
    assert capsys.readouterr().out == ("ok: sample can be imported\nok: other can be imported\n")


def test_each_one_that_fails_is_named_and_the_others_are_tried(report: Any, site: Path) -> None:
    install(site, "bad", **{"bad.__init__": "import verify_no_such_module"})
    install(site, "exits", exits_at_once="raise SystemExit(0)")
    first, second = failures(report, "bad", "sample", "exits")
    assert "bad can be imported: expected [], saw [" in first
    assert "bad: ModuleNotFoundError: No module named 'verify_no_such_module'" in first
    assert "exits can be imported: expected [], saw ['exits_at_once: SystemExit" in second


def test_what_fails_on_one_platform_alone_is_found_there(
    report: Any, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import os\nif os.uname().machine == 's390x': raise ImportError('big endian')"
    install(site, "native", native_code=text)
    assert failures(report, "native") == []
    seen = os.uname()
    foreign = type(seen)((*seen[:4], "s390x"))
    monkeypatch.setattr(os, "uname", lambda: foreign)
    assert "native_code: ImportError: big endian" in failures(report, "native")[0]


def test_a_module_that_says_it_is_not_there_is_not_meant_to_be(report: Any, site: Path) -> None:
    """As PyYAML does without libyaml."""
    says = "raise ModuleNotFoundError(\"No module named '_yaml'\")"
    install(site, "pyyaml", **{"yaml.__init__": "", "_yaml.__init__": says})
    assert failures(report, "pyyaml") == []


def test_a_file_for_another_platform_is_no_module_and_found(report: Any, site: Path) -> None:
    install(site, "foreign")
    (site / "other_one.cpython-31-sparc.so").write_bytes(b"")
    (site / "foreign-1.0.dist-info" / "RECORD").write_text("other_one.cpython-31-sparc.so,,\n")
    (failure,) = failures(report, "foreign")
    assert "other_one: ModuleNotFoundError: No module named 'other_one'" in failure


def test_a_crash_is_told_of_the_one_that_crashed(report: Any, site: Path) -> None:
    crash = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    install(site, "crashes", crashes=crash)
    (failure,) = failures(report, "sample", "crashes", "sample")
    assert failure.startswith("FAILED: crashes can be imported: expected crashes, ")
    assert failure.endswith("the process was ended by SIGKILL")


def test_an_import_that_never_ends_is_ended(
    report: Any, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load("imports"), "IMPORT_SECONDS", 1)
    install(site, "hangs", hangs_on="import time\ntime.sleep(600)")
    (failure,) = failures(report, "hangs")
    assert "saw the process was ended by SIGALRM" in failure


def test_an_import_changes_nothing_of_the_verification(report: Any, site: Path) -> None:
    install(site, "alters", alters_all="import socket, os\nsocket.socket = None")
    before = set(sys.modules)
    assert failures(report, "alters") == []
    assert set(sys.modules) - before <= {"imports", "distributions"}
    assert load("server").http.client.socket.socket is not None


def test_a_module_is_not_taken_for_the_verifications_own(report: Any, site: Path) -> None:
    load("settings")
    install(site, "alike", settings="raise ValueError('the image\\'s own')")
    assert "settings: ValueError: the image's own" in failures(report, "alike")[0]


def test_only_the_outermost_modules_are_imported(site: Path) -> None:
    deep = "raise ImportError('deep')"
    install(
        site,
        "many",
        **{
            "many.__init__": "",
            "many.workers": deep,
            "many.tests.data.__init__": deep,
            "space.first.__init__": "",
            "space.first.deep": deep,
            "folder.data": deep,
            "single": "",
        },
    )
    record = site / "many-1.0.dist-info" / "RECORD"
    more = (
        "_native.cpython-311-x86_64-linux-gnu.so",
        "compiled/__init__.abi3.so",
        "no-module.py",
        "../../../bin/many",
        "../../../share/many/__init__.py",
        "many-1.0.dist-info/METADATA",
    )
    record.write_text(record.read_text() + "".join(f"{file},,\n" for file in more))
    expected = ["_native", "compiled", "many", "single", "space.first"]
    assert load("imports").top_modules("many") == expected


def test_a_distribution_without_modules_has_nothing_to_import(report: Any, site: Path) -> None:
    install(site, "data")
    assert failures(report, "data", "no-such-distribution") == []
