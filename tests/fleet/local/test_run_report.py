import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.declaration.problems import DeclarationError
from fleet.local import engine, prepare, run_report
from fleet.local.paths import checkout
from fleet.reports.report import Report, document
from providers.ociregistry.report import Entry

DIGEST = f"sha256:{'1' * 64}"
GOES = Entry(
    ref="h/n:LATEST", kind="pointer", action="remove", reasons=("its image left",),
    previous=DIGEST, later=True,
)  # fmt: skip
STAYS = Entry(ref="h/n:v1", kind="version", action="keep", reasons=("no longer declared, kept",))


def test_a_report_is_shown_as_a_table_or_as_data_of_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Report(mode="preview", entries=(GOES, STAYS))
    run_report.show(found)
    *rows, last = capsys.readouterr().out.splitlines()
    assert [row.split()[:2] for row in rows[2:]] == [["LATEST", "remove"], ["v1", "keep"]]
    assert last == "0 build, 0 re-point, 1 remove, 0 unchanged"
    run_report.show(found, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == json.loads(json.dumps(document(found)))
    run_report.show(found, as_json=True, stack="prod-web")
    assert json.loads(capsys.readouterr().out)["stack"] == "prod-web"


def test_the_report_is_written_where_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, path = tmp_path / "events.json", tmp_path / "report.json"
    log.write_text(json.dumps({"summaryEvent": {"isPreview": True, "result": "succeeded"}}))
    monkeypatch.setenv("FLEET_REPORT", str(path))
    found = run_report.read(log)
    assert found
    run_report.show(found)
    run_report.write(found)
    assert json.loads(path.read_text())["version"] == 2
    assert capsys.readouterr().out == "0 build, 0 re-point, 0 remove, 0 unchanged\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["events.json", "report.json"]


def test_a_run_that_breaks_off_leaves_no_earlier_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    monkeypatch.setenv("FLEET_REPORT", str(path))
    for listed, left in ((str(path), True), (str(tmp_path / "list.json"), False)):
        monkeypatch.setenv("FLEET_ALLOWED_REMOVALS", listed)
        path.write_text("{}")
        with pytest.raises(DeclarationError):
            prepare.prepare(checkout(tmp_path), "nowhere")
        assert path.exists() is left


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_REPORT", str(tmp_path / "nowhere" / "r.json"))
    with pytest.raises(TroubleError, match=r"FLEET_REPORT: .*/nowhere/r\.json can't be written"):
        run_report.write(Report(mode="preview", entries=()))


@pytest.mark.parametrize(
    "script", ["", """log.write_text('{"resourcePreEvent": {"metadata": {"op": "create"}}}')"""]
)
def test_a_run_that_left_no_sound_event_log_has_failed(
    script: str, capfd: pytest.CaptureFixture[str]
) -> None:
    program = f"import pathlib, sys\nlog = pathlib.Path(sys.argv[-1])\n{script}"
    ran = engine.attempt(checkout(), [sys.executable, "-c", program], os.environ)
    assert (ran.code, ran.report) == (1, None)
    assert "it counts as failed" in capfd.readouterr().err


ENGINE = """
import pathlib, sys
pathlib.Path(sys.argv[-1]).write_text('{"summaryEvent": {"result": "failed"}}')
print("x" * 1_000_000)
sys.exit(7)
"""


def test_a_reader_that_left_costs_neither_the_report_nor_the_engines_status(tmp_path: Path) -> None:
    argv, path = [sys.executable, "-c", ENGINE], tmp_path / "report.json"
    program = (
        "import os, sys\nfrom fleet.local import engine\nfrom fleet.local.paths import checkout\n"
        f"sys.exit(engine.run(checkout(), {argv!r}, dict(os.environ)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=checkout().root,
        env={**os.environ, "FLEET_REPORT": str(path)},
        stdout=subprocess.PIPE,
    ) as started:
        assert started.stdout is not None
        started.stdout.close()
        assert started.wait(30) == 7
    assert json.loads(path.read_text())["complete"] is False
