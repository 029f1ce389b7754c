"""What depends on the platform is refused on a platform that is not checked whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.assets.whole import ABSENT, FOREIGN, Image, installed, verified

# The workers of these tests have threads, the verification has none.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def lose_module(image: Image) -> None:
    (image.site / "uvloop/__init__.py").unlink()


def fail_import(image: Image) -> None:
    (image.site / "uvloop/__init__.py").write_text("import verify_no_such_module")


def break_library(image: Image) -> None:
    (image.site / "uvloop/loop.so").write_text("built for another machine")


def change_version(image: Image) -> None:
    info = image.site / "uvicorn-0.34.0.dist-info/METADATA"
    info.write_text(info.read_text().replace("0.34.0", "0.33.0"))


def install_what_is_absent(image: Image) -> None:
    info = image.site / f"{ABSENT.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {ABSENT}\nVersion: 1.0\n")


def close(image: Image) -> None:
    (image.root / "app/main.py").chmod(0o700)


def lose_interpreter(image: Image) -> None:
    script = image.local / "bin/gunicorn"
    script.write_text(script.read_text().replace("#!/bin/sh", "#!/opt/python3.13"))


def hide_command(image: Image) -> None:
    (image.local / "bin/uvicorn").unlink()


def answer_with_an_error(image: Image) -> None:
    (image.root / "app/main.py").write_text("async def app(*_): raise ValueError\n")


def outlive_sigterm(image: Image) -> None:
    image.edit("start.sh", "read_settings\n", "read_settings\nsleep 600 &\n")


MUTANTS = {
    lose_module: "every file of uvloop is there",
    fail_import: "uvloop can be imported",
    break_library: "what is compiled in uvloop loads",
    change_version: "uvicorn 0.34.0 is installed",
    install_what_is_absent: f"{ABSENT} is not installed, as declared",
    close: "any user may read what the start needs",
    lose_interpreter: "gunicorn has its interpreter",
    hide_command: "uvicorn is a command of /usr/local/bin",
    answer_with_an_error: "bare: GET / answers 200",
    outlive_sigterm: "bare: SIGTERM ends every process",
}


@pytest.mark.parametrize(
    ("broken", "check"), MUTANTS.items(), ids=[broken.__name__ for broken in MUTANTS]
)
def test_what_depends_on_the_platform_is_refused_on_every_one(
    broken: Callable[[Image], None], check: str, tmp_path: Path
) -> None:
    image = installed("python-gunicorn-uvicorn", tmp_path.resolve())
    broken(image)
    verdict = verified(image, whole=FOREIGN)
    assert verdict.status == 1
    assert check in verdict.failed, verdict.printed
    assert "the whole on" in verdict.printed
