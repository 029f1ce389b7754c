"""A whole verification makes every check that is listed, and refuses an image that was broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.assets.starting import IMAGES
from tests.assets.whole import FOREIGN, PLATFORM, PYTHON, installed, verified

# The workers of these tests have threads, the verification has none.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
LISTS = Path(__file__).with_name("checks")


def checks(name: str) -> list[str]:
    """The checks of an image in their order."""
    listed = (LISTS / f"{name}.txt").read_text("utf-8")
    return listed.format(python=PYTHON, platform=PLATFORM).splitlines()


@pytest.mark.parametrize("name", IMAGES)
def test_a_sound_image_passes_every_check_of_its_list(name: str, tmp_path: Path) -> None:
    verdict = verified(installed(name, tmp_path.resolve()))
    assert verdict.failed == [], verdict.printed
    assert verdict.status == 0
    assert verdict.held == checks(name)
    assert verdict.printed.endswith(f"\nchecked on {PLATFORM}: the whole\n")


@pytest.mark.parametrize("name", IMAGES)
def test_elsewhere_what_depends_on_the_platform_is_checked(name: str, tmp_path: Path) -> None:
    verdict = verified(installed(name, tmp_path.resolve()), whole=FOREIGN)
    assert verdict.failed == [], verdict.printed
    assert verdict.status == 0
    every = checks(name)
    assert verdict.held == every[: every.index("bare: SIGTERM ends every process") + 1]
    line = f"checked on {PLATFORM}: what depends on the platform; the whole on {FOREIGN}"
    assert verdict.printed.endswith(f"\n{line}\n")


def test_a_requirement_that_is_not_met_is_refused(tmp_path: Path) -> None:
    image = installed("python-uvicorn", tmp_path.resolve())
    pip = image.local / "bin/pip"
    pip.write_text("#!/bin/sh\necho uvicorn 0.34.0 requires h11, which is not installed.\nexit 1\n")
    verdict = verified(image)
    assert verdict.status == 1
    assert verdict.failed == ["pip check finds every requirement met"]
    assert "requires h11, which is not installed." in verdict.printed


def test_an_asgi_application_that_a_wsgi_worker_serves_is_refused(tmp_path: Path) -> None:
    image = installed("python-gunicorn-uvicorn", tmp_path.resolve())
    image.edit("start.sh", "    become_gunicorn\n", "    become_gunicorn -k gevent\n")
    verdict = verified(image)
    assert verdict.status == 1
    assert "bare: GET / answers 200" in verdict.failed
    assert "bare: uvicorn serves it as ASGI" in verdict.failed
    assert "bare: the worker class is UvicornWorker" in verdict.failed
    assert "configured: the server serves" in verdict.failed, "UVICORN_EXTRA_FLAGS mean nothing"
    assert "reloading: uvicorn serves it as ASGI" in verdict.held, "uvicorn alone was never wrong"


def test_a_prestart_script_that_is_run_instead_of_sourced_is_refused(tmp_path: Path) -> None:
    image = installed("python-uvicorn", tmp_path.resolve())
    image.edit("usr/local/lib/start/prestart.sh", 'else . "$1"', 'else sh "$1"')
    verdict = verified(image)
    assert verdict.status == 1
    assert verdict.failed == ["/app/prestart.sh is sourced", "PRE_START_PATH is sourced"]
    assert "verify: 2 checks failed" in verdict.printed


def test_what_only_its_owner_may_read_is_refused(tmp_path: Path) -> None:
    image = installed("python-uvicorn", tmp_path.resolve())
    closed = ("/start.sh", "/app/main.py", "/usr/local/lib/start/common.sh")
    for file in closed:
        (image.root / file[1:]).chmod(0o700)
    verdict = verified(image)
    assert verdict.status == 1
    assert verdict.failed == ["any user may read what the start needs"]
    assert f"saw {list(closed)}" in verdict.printed
