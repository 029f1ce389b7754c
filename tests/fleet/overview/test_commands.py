"""The two commands, on a checkout of their own."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fleet.cli.main import main
from fleet.declaration.parse import parse
from fleet.lock.serialization import values_of
from fleet.overview import commands
from fleet.plan.plan import make_plan
from tests.fleet import examples

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a lock, which was never brought up."""
    written = {f"fleet:{key}": value for key, value in examples.config().items()}
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": written}))
    lock = tmp_path / ".fleet" / "locks" / "dev.yaml"
    lock.parent.mkdir(parents=True)
    lock.write_text(yaml.safe_dump(values_of(examples.lock(examples.declaration()))))
    for part in ("image", "verify"):
        folder = tmp_path / "assets" / "web" / part
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text("FROM scratch\n")
        (folder / ".dockerignore").write_text("*\n")
    return tmp_path


def run(clone: Path, *arguments: str) -> int:
    return main([*arguments, "--root", str(clone)])


def files(clone: Path) -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in clone.rglob("*")}


def test_plan_prints_the_tables_and_writes_nothing(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(clone)
    assert run(clone, "plan") == 0
    printed = capsys.readouterr().out
    assert "make preview compares it" in printed
    assert "3.11    0.34.0   declared\n" in printed
    assert "3.11    LATEST   0.34.0\n" in printed
    assert files(clone) == before


def test_without_a_lock_the_matrix_is_printed_and_what_tells_the_rest(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(clone / ".fleet")
    before = files(clone)
    assert run(clone, "plan") == 0
    printed = capsys.readouterr().out
    assert ".fleet/locks/dev.yaml was not written yet" in printed
    assert "\nRun `make lock STACK=dev`.\n" in printed
    assert "3.11    0.34.0   declared\n" in printed
    assert files(clone) == before


def test_without_a_lock_what_the_matrix_leaves_out_has_its_reason(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "Pulumi.prod.yaml", clone)
    assert run(clone, "plan", "--stack", "prod") == 0
    printed = capsys.readouterr().out
    assert "locks/prod.yaml was not written yet" in printed
    assert "\nRun `make lock STACK=prod`, which asks docker.io/library" in printed
    assert "ghcr.io/multi-py: 3 images, 166 tags\n" in printed
    assert "left out: needs Python 3.10" in printed


def test_pages_take_a_lock(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(clone / ".fleet")
    assert run(clone, "docs") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Run `make lock STACK=dev`" in captured.err


def test_the_graph_is_printed_without_a_lock(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(clone / ".fleet")
    assert run(clone, "graph") == 0
    assert "```mermaid\nflowchart LR\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["plan", "graph"])
def test_the_part_that_manages_the_repository_alone_leads_to_the_whole(
    clone: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    part = {"fleet:part-of": "dev", "fleet:with-github": True}
    (clone / "Pulumi.dev-github.yaml").write_text(yaml.safe_dump({"config": part}))
    declared = clone / "Pulumi.dev.yaml"
    github = {"fleet:github": {"repository": "team/fleet"}}
    config = yaml.safe_load(declared.read_text())["config"] | github
    declared.write_text(yaml.safe_dump({"config": config}))
    assert run(clone, command, "--stack", "dev-github") == 0
    said = capsys.readouterr()
    assert "dev-github manages the repository and no image; STACK=dev" in said.out + said.err


def test_a_reader_that_leaves_early_is_no_error(clone: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, "-m", "fleet", "plan", "--root", str(clone)]
    done = subprocess.run(
        argv, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_terminal_can_not_show_is_spelt_out(clone: Path) -> None:
    declared = (clone / "Pulumi.dev.yaml").read_text()
    exclude = [{"version": "0.33.0", "because": "läuft nicht"}]
    image = examples.image(exclude=exclude)
    written = yaml.safe_load(declared)
    written["config"]["fleet:images"] = {"web": image}
    (clone / "Pulumi.dev.yaml").write_text(yaml.safe_dump(written))
    argv = [sys.executable, "-m", "fleet", "plan", "--root", str(clone)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, "left out: l\\xe4uft nicht" in done.stdout) == (0, True)


def test_the_catalog_is_written_where_it_is_said_also_of_what_was_never_brought_up(
    clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    shutil.copytree(ROOT / "templates", clone / "templates")
    site = tmp_path / "site"
    assert run(clone, "catalog", "--output", str(site)) == 0
    captured = capsys.readouterr()
    assert "digests and states are not known: stack dev was never brought up" in captured.err
    names = {"index.html", "web.html", "web.json", "catalog.json", "feed.xml"}
    assert {path.name for path in site.iterdir()} == names
    assert {*captured.out.splitlines()} == {str(site / name) for name in names}
    assert "not known here" in (site / "web.html").read_text()
    assert "also has" not in captured.err
    for name in ("gone.html", "CNAME"):
        (site / name).touch()
    assert run(clone, "catalog", "--output", str(site)) == 0
    assert f"{site} also has gone.html, not written now" in capsys.readouterr().err
    assert (site / "gone.html").exists(), "nothing is removed"


@pytest.mark.parametrize("command", ["plan", "check"])
def test_a_waiver_that_is_over_is_told(
    clone: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    declared = clone / "Pulumi.dev.yaml"
    written = yaml.safe_load(declared.read_text())
    waiver = {"id": "CVE-2020-1", "because": "not reached", "until": "2020-12-31"}
    written["config"]["fleet:advisories"] = {"source": "osv", "waivers": [waiver]}
    declared.write_text(yaml.safe_dump(written))
    run(clone, command)  # which may find more in this clone
    told = "warning: fleet:advisories.waivers[0]: the waiver of CVE-2020-1 ended on 2020-12-31"
    assert told in capsys.readouterr().err


def test_a_history_that_cannot_be_read_is_said_and_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        host = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("FLEET_PLAIN_HTTP", host)
    declared = parse(examples.config(registry=f"{host}/multi-py"))
    plan = make_plan(declared, examples.inputs(declared), "fleet/dev")
    assert asyncio.run(commands._moves(plan)) == {}
    assert f"what moved in {host}/multi-py/web is not known: " in capsys.readouterr().err
