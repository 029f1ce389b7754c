"""What is shown of the engine's output in a log. The lines are the engine's own, 3.259."""

import os
import subprocess
import sys

import pytest

from fleet.local import engine
from fleet.local.engine_output import OutputFilter
from fleet.local.paths import Checkout, checkout

IMAGE = "docker-build:index:Image python-uvicorn/build:py3.13-slim-0.34.0-amd64"
TAG = "ociregistry:index:Tag localhost:5443/multi-py/python-uvicorn:py3.13-slim-LATEST"
STACK = "pulumi:pulumi:Stack fleet-dev"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def shown(*lines: str) -> list[str]:
    output = OutputFilter(lambda: 0.0)
    return [each for line in lines for each in output.shown(line)]


@pytest.mark.parametrize(
    "line",
    [
        "@ updating.....",
        "@ previewing update....",
        f"    {IMAGE}  ",
        f"    {STACK} running ",
        f"    {STACK} running read pulumi:pulumi:StackReference organization/fleet/prod-base",
        f"    {STACK} running stack prod-base goes first: it is to build base/build:py3.13-23.0.0",
        f"    {STACK}  1 message",
        f"    {STACK} **failed** 1 error",
        f" ~  {TAG} refreshing (0s) ",
        f" ~  {TAG} refresh (0.14s) ",
        f" ~  {TAG} refresh ",
        f" +  {IMAGE} creating (7s) #18 0.593 Saved /tmp/install/wheels/h11-0.16.0.whl",
        f" +  {IMAGE} creating (1m7s) ",
        f" ++ {IMAGE} creating replacement (7s) ",
    ],
)
def test_a_row_that_tells_nothing_is_left_out(line: str) -> None:
    assert shown("Updating (dev):", line) == ["Updating (dev):"]


@pytest.mark.parametrize(
    "line",
    [
        "Updating (dev):",
        "",
        f" +  {IMAGE} create ",
        f" +  {IMAGE} created (13s) #30 DONE 0.0s",
        f" +  {IMAGE} **creating failed** error: failed to build",
        f" ~  {TAG} update [diff: ~digest]; … was moved from sha256:7f66ca25… to sha256:8ee60b32…",
        f" ~  {TAG} refresh (0.03s) warning: could not be verified",
        f" -  {TAG} delete ",
        f" -- {IMAGE} deleted original (0s) ",
        f" >  {TAG} read of another stack",
        "resolving uvicorn==0.34.0 for Python 3.13",
    ],
)
def test_what_tells_something_is_shown(line: str) -> None:
    assert shown(line) == [line]


def test_what_follows_the_rows_is_shown_whole() -> None:
    row = f"    {IMAGE}  "
    assert shown("Diagnostics:", row, "@ x.") == ["Diagnostics:", row, "@ x."]
    assert shown("Resources:", "Updating (dev):", row) == ["Resources:", "Updating (dev):"]


def test_of_a_long_build_a_row_is_shown_after_each_silence() -> None:
    clock = Clock()
    output = OutputFilter(clock)
    seen = []
    for second in range(25):
        clock.seconds = second
        row = f" +  {IMAGE} creating ({second}s) #18 {second} copying"
        seen += [second] if output.shown(row) else []
    assert seen == [10, 20]
    clock.seconds = 29
    assert output.shown(f" +  {IMAGE} created (29s) ")
    clock.seconds = 31
    assert not output.shown(f" +  {IMAGE} creating (31s) "), "something was said two seconds ago"


@pytest.fixture
def here() -> Checkout:
    return checkout()


def test_in_a_log_the_engine_is_passed_on_calmly_with_its_status(
    here: Checkout, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = ["Updating (dev):", f"    {IMAGE}  ", f" +  {IMAGE} created (1s)", "b\udcff ü"]
    script = (
        "import sys\n"
        f"sys.stdout.buffer.write({chr(10).join(lines)!r}.encode(errors='surrogateescape'))\n"
        "sys.stderr.write('a warning')\n"
        "sys.exit(3)"
    )
    assert engine.run(here, [sys.executable, "-c", script], {}) == 3
    captured = capfd.readouterr()
    assert captured.out.splitlines() == [lines[0], lines[2], "b\\xff ü"]
    assert captured.err == "a warning"


def test_a_terminal_is_the_engines_own(here: Checkout) -> None:
    master, terminal = os.openpty()
    child = [sys.executable, "-c", "import sys; print(sys.stdout.isatty())"]
    program = (
        "from fleet.local import engine; from fleet.local.paths import checkout; "
        f"engine.run(checkout(), {child!r}, {{}})"
    )
    subprocess.run([sys.executable, "-c", program], cwd=here.root, stdout=terminal, check=True)
    assert os.read(master, 100).split() == [b"True"]
    os.close(master)
    os.close(terminal)


BUILD = f" +  {IMAGE}"
FAILED = f"{BUILD} **creating failed** error: failed to solve: process did not complete"


def test_the_step_that_a_build_failed_at_is_shown_with_its_platform_and_what_it_printed() -> None:
    step = f'{BUILD} creating (2s) #28 [linux/arm64 stage-4 4/4] RUN test "linux/arm64"'
    said = f"{BUILD} creating (2s) #28 0.223 hello from the step"
    lines = [
        f"{BUILD} creating (1s) #26 [linux/amd64 stage-4 4/4] RUN test",
        f"{BUILD} creating (1s) #26 ...",
        step,
        f"{BUILD} creating (2s) #26 DONE 0.5s",
        said,
        f"{BUILD} creating (2s) ",
    ]
    assert shown("Updating (dev):", *lines, FAILED) == ["Updating (dev):", step, said, FAILED]
    assert shown("Updating (dev):", *lines) == ["Updating (dev):"]


def test_of_a_long_step_the_end_is_shown_once_and_of_its_own_build() -> None:
    step = f"{BUILD} updating (2s) [diff: ~buildArgs]; #7 [linux/arm/v7 2/2] RUN verify"
    rows = [f"{BUILD} updating (9s) [diff: ~buildArgs]; #7 {number}.0 ok" for number in range(30)]
    other = FAILED.replace(IMAGE, f"{IMAGE}-other")
    assert shown("Updating (dev):", step, *rows, other, FAILED, FAILED) == [
        "Updating (dev):", other, step, *rows[-20:], FAILED, FAILED,
    ]  # fmt: skip
