"""What is shown of a run while it lasts. The events have the form of the engine's own, 3.259."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components.tag_build import _NEVER, _NOT_COMPILED
from fleet.local import build_times
from fleet.local.paths import Checkout, checkout
from fleet.local.run_display import RunDisplay
from fleet.local.terminal import Terminal

NAME, OTHER = "python-uvicorn/build:py3.13-slim-0.34.0", "python-uvicorn/build:py3.11-slim-0.34.0"
VERIFY = NAME.replace("/build:", "/verify:")
IMAGE, TAG, STACK = "docker-build:index:Image", "ociregistry:index:Tag", "pulumi:pulumi:Stack"
REF = "localhost:5443/multi-py/python-uvicorn:py3.13-slim-0.34.0"
DATA = Path(__file__).parent / "data"
SUMMARY: dict[str, Any] = {"summaryEvent": {"result": "failed"}}
PLANNED = frozenset({NAME, OTHER})


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::fleet::fleet:index:ImageTag${token}::{name}"


def step(kind: str, op: str, name: str = NAME, at: int = 100, token: str = IMAGE) -> dict[str, Any]:
    meta = {"op": op, "type": token, "urn": urn(token, name)}
    return {"timestamp": at, kind: {"metadata": meta, "planning": False}}


def begun(name: str = NAME, at: int = 100, op: str = "create") -> dict[str, Any]:
    return step("resourcePreEvent", op, name, at)


def ended(name: str = NAME, at: int = 112, op: str = "create") -> dict[str, Any]:
    return step("resOutputsEvent", op, name, at)


def said(
    severity: str, text: str, name: str = "", token: str = IMAGE, **fields: Any
) -> dict[str, Any]:
    of = {"urn": urn(token, name)} if name else {}
    return {"diagnosticEvent": {"severity": severity, "message": text, **of, **fields}}


def printed(text: str) -> dict[str, Any]:
    return said("info", text, NAME, ephemeral=True)


def shown(*events: dict[str, Any], display: RunDisplay | None = None) -> list[str]:
    display = display or RunDisplay(PLANNED)
    return [line for event in events for line in display.lines(event)]


def test_a_build_that_ended_has_one_line_with_its_time_and_its_place() -> None:
    events = (begun(), begun(OTHER), begun(VERIFY), ended(VERIFY), ended(), ended(OTHER, at=165))
    assert shown(*events) == [
        f"built {NAME} in 12 s (1 of 2)",
        f"built {OTHER} in 1 min 05 s (2 of 2)",
    ]


@pytest.mark.parametrize(
    "event",
    [
        step("resourcePreEvent", "refresh"),
        step("resOutputsEvent", "refresh"),
        step("resourcePreEvent", "update", token=TAG),
        step("resOutputsEvent", "same"),
        said("info", "was moved from sha256:7f66 to sha256:8ee6\n", "h/n:v1", TAG),
        said("debug", "registering resource"),
        said("error", "update failed\n"),
        said("error", f"{REF} was not updated: its build failed", REF, TAG),
        said("error", f"h/n/build:{_NEVER}: not found", VERIFY),
        said("error", f"h/n/build:{_NOT_COMPILED}: not found", NAME),
        said("info", "  \n"),
        printed("#31 resolving provenance for metadata file"),
        {"preludeEvent": {"config": {}}},
    ],
)
def test_what_is_in_the_report_or_tells_nothing_is_not_shown(event: dict[str, Any]) -> None:
    assert shown(event) == []


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (said("warning", "not verified", REF, TAG), f"warning: {REF}: not verified"),
        (said("error", f"<{{%fg 1%}}>{NAME}: no<{{%reset%}}>\n", NAME), f"error: {NAME}: no"),
        (said("error", "Program failed"), "error: Program failed"),
        (said("info#err", "prod-base goes first", "fleet-dev", STACK), "prod-base goes first"),
    ],
)
def test_what_went_wrong_and_what_the_program_says_is_shown_with_its_subject(
    event: dict[str, Any], line: str
) -> None:
    assert shown(event) == [line]


def test_what_an_update_removes_is_shown_before_it_goes() -> None:
    text, remover = (
        "to be removed because nothing declares it: py3.7-LATEST (sha256:7f66)",
        "ociregistry:index:StalePointers",
    )
    event = said("info", text, "h/n", remover)
    looking = step("resourcePreEvent", "refresh", "h/n", token=remover)
    assert shown(looking, event) == []
    assert shown(looking, step("resourcePreEvent", "update", "h/n", token=remover), event) == [text]


def test_a_preview_builds_nothing() -> None:
    events = [begun(), ended()]
    for event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            event.get(kind, {})["planning"] = True
    display = RunDisplay(PLANNED)
    assert shown(*events, display=display) == []
    assert display.progress(100) == ""


def test_progress_counts_what_is_built_and_names_the_slowest_with_what_it_took_before() -> None:
    display = RunDisplay(PLANNED, {NAME: 125.0})
    assert display.progress(100) == ""
    shown(step("resOutputsEvent", "refresh"), display=display)
    assert display.progress(100) == "resources read: 1"
    shown(begun(), begun(VERIFY, at=130), display=display)
    assert display.progress(180) == f"0 of 2 builds; {NAME}: 1 min 20 s of about 2 min 05 s"
    assert display.progress(104).endswith(": 4 s of about 2 min 05 s")
    shown(ended(), ended(OTHER, op="same"), display=display)
    assert display.progress(142) == f"1 of 1 builds; {VERIFY}: 12 s"
    assert display.took == {NAME: 12.0}


STEP = '#28 [linux/arm64 stage-4 4/4] RUN test "linux/arm64"'
FAILED = said("error", "failed to solve: process did not complete", NAME)


def test_the_step_that_a_build_failed_at_is_shown_with_its_platform_and_what_it_printed() -> None:
    lines = [
        "#26 [linux/amd64 stage-4 4/4] RUN test", "#26 ...", STEP, "#26 DONE 0.5s",
        "#28 0.223 hello from the step", "#28 ERROR: did not complete", "nothing of a step",
    ]  # fmt: skip
    error = f"error: {NAME}: failed to solve: process did not complete"
    assert shown(begun(), *map(printed, lines), FAILED) == [STEP, lines[4], error]
    assert shown(begun(), *map(printed, lines)) == []


def test_of_a_run_of_the_engine_with_failed_builds_nothing_is_shown_but_what_broke() -> None:
    events = [json.loads(line) for line in (DATA / "failed-up.json").read_text().splitlines()]
    assert len(events) > 300
    found = shown(*events, display=RunDisplay())
    assert "".join(f"{line}\n" for line in found) == (DATA / "failed-up.txt").read_text()


def test_of_a_long_step_the_end_is_shown_and_of_its_own_build() -> None:
    rows = [f"#28 {number}.0 ok" for number in range(30)]
    other = said("error", "no", OTHER)
    found = shown(begun(), begun(OTHER), *map(printed, [STEP, *rows]), other, FAILED)
    assert found[0] == f"error: {OTHER}: no"
    assert found[1:-1] == [STEP, *rows[-20:]]


def test_what_the_engine_prints_is_left_out_but_for_what_no_event_told() -> None:
    text = "Updating (dev):\n ~  row\nView Live: https://app.pulumi.com/x\nerror: update failed\n"
    locked = "error: the stack is currently locked by 1 lock(s)\n"
    assert list(RunDisplay().left_over(locked, failed=True)) == [locked.strip()]
    display = RunDisplay()
    shown({"preludeEvent": {}}, SUMMARY, display=display)
    view, error = text.splitlines()[2:]
    assert list(display.left_over(text, failed=True)) == [view, error]
    shown(said("error", "no"), display=display)
    assert list(display.left_over(text, failed=True)) == [view]


TRACE = "\n\ngoroutine 1 [running]:\nmain.main()"


@pytest.mark.parametrize(
    "last",
    [
        f"panic: runtime error: index out of range{TRACE}",
        f"fatal error: runtime: out of memory{TRACE}",
        "error: failed to save snapshot: AccessDenied\n  token expired",
    ],
)
def test_what_an_engine_that_died_said_last_is_shown_to_its_end(last: str) -> None:
    display = RunDisplay()
    told = said("error", "it broke\nhere", NAME)
    shown(told, said("error", "update failed"), SUMMARY, display=display)
    rows = "".join(f"row {number}\n" for number in range(50))
    text = f"{rows}\nerror: it broke\nhere\n\nerror: update failed\n{last}\n"
    assert list(display.left_over(text, failed=True)) == last.splitlines()
    assert list(display.left_over(text, failed=False)) == []
    ended_early = RunDisplay()
    shown(told, display=ended_early)
    assert list(ended_early.left_over(text, failed=True)) == text.splitlines()[-40:]


def test_of_our_resources_only_errors_that_the_report_has_are_left_out() -> None:
    other = said("error", "no", "x", "ociregistry:index:Other")
    assert shown(other) == ["error: x: no"]
    assert shown(said("error", "no", REF, "ociregistry:index:Tag")) == []


def test_an_event_of_another_form_costs_no_other() -> None:
    odd: list[dict[str, Any]] = [
        {"resourcePreEvent": {"metadata": {"op": "create"}}},
        {"resourcePreEvent": None}, {"diagnosticEvent": []}, {"timestamp": "x"},
    ]  # fmt: skip
    assert shown(*odd, said("error", "no")) == ["error: no"]


@pytest.mark.parametrize("replaced_first", [True, False])
def test_a_replaced_build_took_what_its_replacement_took(replaced_first: bool) -> None:
    display = RunDisplay(PLANNED)
    replaced = [begun(op="replace", at=180), ended(op="replace", at=180)]
    made = [begun(op="create-replacement"), ended(op="create-replacement", at=180)]
    both = [*replaced, *made] if replaced_first else [*made, *replaced]
    assert shown(*both, display=display) == [f"built {NAME} in 1 min 20 s (1 of 2)"]
    assert display.took == {NAME: 80.0}


def test_nothing_that_is_shown_orders_a_terminal_or_a_ci_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Terminal().show(
        ["error: \x1b]0;own\x07 \x1b[31mred\x1b[0m\r\n  ::stop-commands::x\n\t##[error]y"]
    )
    assert capsys.readouterr().out == (
        "error: \\x1b]0;own\\x07 red\n  \\::stop-commands::x\n\t\\##[error]y\n"
    )


def test_a_stream_that_was_closed_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    Terminal().show(["a line"])
    Terminal(data=True).show(["a line"])


ENGINE = """
import json, pathlib, sys
log = pathlib.Path(sys.argv[-1])
log.write_text("".join(json.dumps(event) + chr(10) for event in {events!r}))
print("Updating (dev):")
print("a warning", file=sys.stderr)
sys.exit(3)
"""
EVENTS = [
    begun(),
    said("warning", "w\udcff \u00fc"),
    ended(),
    {"summaryEvent": {"result": "failed", "isPreview": False}},
]


def run_of(*, as_json: bool = False) -> list[str]:
    """Return the command of a program that runs an engine with `EVENTS` as `make up` does."""
    program = (
        "import os, sys\nfrom fleet.local import engine, run_report\n"
        "from fleet.local.paths import checkout\n"
        "from fleet.local.run_display import RunDisplay\n"
        f"argv = {[sys.executable, '-c', ENGINE.format(events=EVENTS)]!r}\n"
        f"display = RunDisplay(frozenset([{NAME!r}]))\n"
        f"ran = engine.attempt(checkout(), argv, dict(os.environ), display, aside={as_json})\n"
        f"run_report.show(ran.report, as_json={as_json})\n"
        "sys.exit(ran.code)"
    )
    return [sys.executable, "-c", program]


@pytest.fixture
def here() -> Checkout:
    return checkout()


def test_in_a_log_there_are_lines_and_neither_colours_nor_progress(here: Checkout) -> None:
    done = subprocess.run(run_of(), cwd=here.root, capture_output=True, check=False)
    assert done.returncode == 3
    assert done.stdout.decode().splitlines() == [
        "warning: w\\udcff \u00fc",
        f"built {NAME} in 12 s (1 of 1)",
        "0 built, 0 re-pointed, 0 removed, 0 unchanged; the run ended early",
    ]
    assert done.stderr == b""


def test_as_data_stdout_has_the_report_alone(here: Checkout) -> None:
    argv = run_of(as_json=True)
    done = subprocess.run(argv, cwd=here.root, capture_output=True, check=False)
    assert json.loads(done.stdout)["mode"] == "update"
    assert b"(1 of 1)" in done.stderr


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_has_colours_unless_they_are_off(
    here: Checkout, no_color: str, coloured: bool
) -> None:
    master, terminal = os.openpty()
    env = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    subprocess.run(run_of(), cwd=here.root, stdout=terminal, env=env, check=False)
    os.close(terminal)
    text = os.read(master, 10_000).decode()
    os.close(master)
    assert ("\x1b[33mwarning:\x1b[0m " in text) is coloured
    assert ("\x1b[3" in text) is coloured
    assert f"built {NAME} in 12 s (1 of 1)" in text


def test_a_terminal_that_was_closed_costs_neither_the_run_nor_its_status(here: Checkout) -> None:
    master, terminal = os.openpty()
    os.close(master)
    done = subprocess.run(run_of(), cwd=here.root, stdout=terminal, stderr=terminal, check=False)
    os.close(terminal)
    assert done.returncode == 3


def test_in_a_log_progress_is_a_line_after_each_minute_of_silence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seconds = 0.0
    terminal = Terminal(clock=lambda: seconds)
    for second in range(150):
        seconds = second
        terminal.progress(str(second))
        if second == 80:
            terminal.show(["a line"])
    assert capsys.readouterr().out.split("\n")[:-1] == ["60", "a line", "140"]


def test_the_times_of_builds_are_kept_and_a_file_that_is_not_one_is_no_obstacle(
    tmp_path: Path,
) -> None:
    here = checkout(tmp_path)
    assert build_times.read(here) == {}
    here.make_state()
    build_times.add(here, {NAME: 12.0})
    build_times.add(here, {OTHER: 3.0})
    assert build_times.read(here) == {NAME: 12.0, OTHER: 3.0}
    for text in ("{", "[]", '{"a": "b"}'):
        (here.state / "build-times.json").write_text(text)
        assert build_times.read(here) == {}
