"""The commands around the engine, and the Makefile that calls them."""

import fcntl
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.cli.groups import GROUPS, ROOMS, TEXTS
from fleet.cli.main import main, parser
from fleet.cli.removed import COMMANDS, VARIABLES
from fleet.console import TroubleError, duration
from fleet.declaration.builder_nodes import Node
from fleet.declaration.parse import parse
from fleet.local import (
    backend,
    cleanup,
    debian,
    disk_forecast,
    engine,
    environment,
    mounts,
    prepare,
)
from fleet.local import commands as program
from fleet.local.base_images import bases
from fleet.local.paths import Checkout
from fleet.local.toolchain import toolchain
from fleet.reports.report import Report
from fleet.upkeep import commands as upkeep
from fleet.upkeep.split import stack_files
from providers.ociregistry.report import Entry
from providers.ociregistry.stale_pointers.allow_list import read_allowed
from tests.fleet.examples import config, image
from tests.fleet.local.examples import checkout, command, needs

ROOT = Path(__file__).parents[3]


def targets() -> dict[str, str]:
    """The targets of the Makefile that are for people, each with what it does."""
    text = (ROOT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z-]+):.*?## (.+?)(?: ## .+)?$", text, re.MULTILINE))


def groups(shown: str, command: str) -> dict[str, list[str]]:
    """Return the commands of a help, by the title above it; each name is behind ``command``."""
    parts = re.findall(r"^([a-z, ]+):\n((?:  .*\n)+)", shown, re.MULTILINE)
    return {
        title: re.findall(rf"^  {command}([a-z-]+)  ", text, re.MULTILINE) for title, text in parts
    }


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A make above this test must not hand its own flags down.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    argv = ["make", "-C", str(ROOT), "--no-print-directory", *arguments]
    return subprocess.run(argv, check=False, capture_output=True, text=True, env=env)


def test_help_is_the_default_and_names_every_target() -> None:
    shown = make()
    assert shown.returncode == 0
    assert all(f"make {name} " in shown.stdout for name in targets())


def test_both_helps_have_the_same_groups_order_and_texts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = groups(capsys.readouterr().out, "")
    assert {title: commands[title] for title in GROUPS} == {t: [*g] for t, g in GROUPS.items()}
    made = groups(make("help").stdout, "make ")
    assert [*made] == [*GROUPS, "tests"]
    for title, group in GROUPS.items():
        assert [name for name in made[title] if name in group] == [
            name for name in group if name in targets()
        ]
    assert {name: text for name, text in targets().items() if name in TEXTS} == {
        name: text for name, text in TEXTS.items() if name in targets()
    }


def test_a_text_is_understood_without_those_of_others() -> None:
    for text in {**targets(), **TEXTS}.values():
        assert not re.search(r"\b(it|them|these|same|that report)\b", text), text
        assert text[0].isupper()
        assert not text.endswith(".")


@pytest.mark.parametrize(
    ("asked", "answer"), [*COMMANDS.items(), ("nonsense", "--help"), ("--stack", "--help")]
)
def test_what_is_not_a_command_is_answered_with_what_to_ask_for(
    asked: str, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([asked, "--stack", "prod"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"'{asked}' is not a command" in told
    assert f"`fleet {answer}`" in told


def test_the_makefile_hands_on_each_removed_target() -> None:
    for name in COMMANDS:
        assert make("--dry-run", name).stdout.splitlines()[-1].endswith(f"-m fleet {name}")


@pytest.mark.parametrize("command", ["down", "clean"])
def test_what_stops_daemons_works_in_any_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("FLEET_CA", "/of/an/earlier/release")
    assert main([command, "--root", str(tmp_path)]) == 0


@pytest.mark.parametrize("name", VARIABLES)
def test_a_removed_variable_is_refused_with_what_takes_its_place(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "/of/an/earlier/release")
    assert main(["plan"]) == 1
    shown = capsys.readouterr()
    assert f"{name}: is set, and not read any more.\nUnset it, and {VARIABLES[name]}" in shown.err
    assert shown.out == ""
    monkeypatch.setenv(name, "")
    assert main(["plan"]) == 0


def test_every_command_has_a_target_that_calls_it() -> None:
    behind_others = {"resolve", "validate", "report"}
    names = {name for names in ROOMS.values() for name in names} - behind_others
    assert names <= targets().keys()
    for name in names:
        shown = make("--dry-run", name, "TAG=py3.8-LATEST").stdout
        assert re.search(rf"python -m fleet {name}\b", shown), name


def test_each_command_is_added_by_the_room_that_is_imported_for_it() -> None:
    for room, names in ROOMS.items():
        (added,) = (a.choices for a in parser([room])._actions if a.choices)
        assert sorted(added) == sorted(names)


def test_the_checkout_is_that_of_the_program_wherever_a_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for names in ROOMS.values():
        for name in names:
            given = ["--tag", "LATEST"] if name in {"restore", "rollback", "sbom"} else []
            assert parser(ROOMS).parse_args([name, *given]).root == ROOT
            chosen = parser(ROOMS).parse_args([name, *given, "--root", "there"])
            assert chosen.root == tmp_path / "there"


@pytest.mark.parametrize("name", ["down", "plan", "page"])
def test_a_command_starts_without_what_only_runs_and_bills_need(name: str) -> None:
    """Pulumi's SDK and CycloneDX take as long to load as all the rest."""
    code = (
        "import sys; from fleet.cli.groups import ROOMS; from fleet.cli.main import parser; "
        f"parser(room for room, names in ROOMS.items() if {name!r} in names); "
        "print({'pulumi', 'grpc', 'cyclonedx'} & sys.modules.keys())"
    )
    argv = [sys.executable, "-c", code]
    assert subprocess.run(argv, check=False, cwd=ROOT, capture_output=True, text=True).stdout == (
        "set()\n"
    )


def test_the_stack_is_dev_unless_another_is_named() -> None:
    assert 'fleet up --stack "${STACK}"' in make("--dry-run", "up").stdout
    assert "STACK=dev chooses" in make("help").stdout
    assert "STACK=prod chooses" in make("help", "STACK=prod").stdout


@pytest.mark.parametrize("name", ["down", "clean", "checksums", "report"])
def test_what_is_for_all_stacks_of_a_checkout_takes_none(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--stack", "prod"])
    assert ended.value.code == 2
    assert "unrecognized arguments: --stack" in capsys.readouterr().err
    # Who has it set, or gives it to each command, is served.
    for given in ([], ["STACK=prod"]) if name in targets() else ():
        shown = make("--dry-run", name, *given)
        assert shown.returncode == 0
        assert shown.stdout.splitlines()[-1].endswith(f"python -m fleet {name}")


def test_lock_asks_again_when_told_to() -> None:
    assert '--refresh "${REFRESH}"' in make("--dry-run", "lock", "REFRESH=builders").stdout
    assert "--refresh" not in make("--dry-run", "lock").stdout
    assert '--newest "${NEWEST:-}"' in make("--dry-run", "lock", "NEWEST=all").stdout


def test_lint_reads_every_dockerfile_and_every_shell_script_of_the_tree() -> None:
    shown = make("--dry-run", "lint").stdout.split()
    tops = [p for p in ROOT.iterdir() if p.name == ".ci" or not p.name.startswith(".")]
    files = [f for top in tops for f in (top.rglob("*") if top.is_dir() else [top]) if f.is_file()]
    wanted = [f for f in files if f.name == "Dockerfile" or is_shell(f)]
    assert len(wanted) >= 6
    assert [str(f.relative_to(ROOT)) for f in wanted if str(f.relative_to(ROOT)) not in shown] == []


def is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        return re.match(rb"#!.*\b(ba|da)?sh\b", file.readline()) is not None


def scratch(tmp_path: Path) -> Checkout:
    """A checkout with a sound declaration and nothing else."""
    here = checkout(tmp_path)
    shutil.copy(ROOT / "Pulumi.dev.yaml", here.root)
    return here


def test_env_prints_exports_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = scratch(tmp_path)
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    assert main(["env"]) == 0
    shown = capsys.readouterr()
    assert all(line.startswith("export ") for line in shown.out.splitlines())
    assert f"export SSL_CERT_FILE={here.tls}/bundle.pem" in shown.out
    assert "FLEET_CA" not in shown.out
    assert "FLEET_VERIFY_CHILDREN" not in shown.out
    assert shown.err == ""
    assert (here.tls / "bundle.pem").exists()


@pytest.mark.parametrize("command", ["env", "adopt"])
def test_the_users_login_is_there_for_a_stack_elsewhere_before_its_first_up(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    here = checkout(tmp_path)
    text = (ROOT / "Pulumi.prod.yaml").read_text()
    (here.root / "Pulumi.prod.yaml").write_text(text.replace(": hosted", ": fleet"))
    logins = tmp_path / ".docker" / "config.json"
    logins.parent.mkdir()
    logins.write_text('{"auths": {}}')
    for name in ("DOCKER_CONFIG", "BUILDX_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ["PULUMI_BACKEND_URL"] = "s3://bucket"
    if command == "env":
        monkeypatch.setattr(program, "checkout", lambda _root=None: here)
        assert main(["env", "--stack", "prod"]) == 0
        assert f"export DOCKER_CONFIG={here.docker_config_elsewhere}\n" in capsys.readouterr().out
    else:
        monkeypatch.setattr(upkeep, "_adopt", lambda *_: 0)
        assert main(["adopt", "--stack", "prod", "--root", str(here.root)]) == 0
        assert os.environ["DOCKER_CONFIG"] == str(here.docker_config_elsewhere)
    assert (here.docker_config_elsewhere / "config.json").samefile(logins)


@pytest.mark.parametrize("name", ["up", "preview", "refresh", "lock"])
def test_a_faulty_declaration_stops_everything_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    here = scratch(tmp_path)
    config = here.root / "Pulumi.dev.yaml"
    config.write_text(config.read_text().replace("fleet:registry:", "fleet:regsitry:"))
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert main([name]) == 1
    assert "fleet:regsitry" in capfd.readouterr().err
    assert [path.name for path in here.root.iterdir()] == ["Pulumi.dev.yaml"]


def test_trouble_is_one_message_and_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> prepare.Ready:
        raise TroubleError("port 1 is taken")

    monkeypatch.setattr(prepare, "prepare", refuse)
    assert main(["up"]) == 1
    assert capsys.readouterr().err == "error: port 1 is taken\n"


LOG = """for log; do :; done
case "$log" in */events.json) echo '{"summaryEvent": {"result": "succeeded"}}' >"$log" ;; esac"""
"""Writes the shortest event log that a run may leave."""


class Engine:
    """An engine that notes how it is called and prints given outputs."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        *,
        code: int = 0,
        port: int | None = 5443,
        nodes: Mapping[str, Node] | None = None,
    ) -> None:
        self.here = checkout(folder)
        self.folder = folder
        outputs = '{"tags": [{"tag": "a/b:py3.11-1.0"}]}'
        script = f"""{LOG}
        echo "$@" >>{folder}/calls
        echo "$1 ${{FLEET_VERIFY_CHILDREN-not set}}" >>{folder}/asked
        case "$1 $2" in "stack output") echo '{outputs}' ;; *) exit {code} ;; esac"""
        self.pulumi = command(folder, "pulumi", script)
        wanted = needs(port=port, builders=nodes or {}, nodes=nodes or {})
        ready = prepare.Ready(needs=wanted, pulumi=self.pulumi, env=dict(os.environ))
        patch.setattr(program, "checkout", lambda _root=None: self.here)
        patch.setattr(prepare, "prepare", lambda *_, **__: ready)
        patch.setattr(program, "planned_builds", lambda *_: frozenset())

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


def test_a_plugin_that_only_the_state_needs_may_be_fetched_by_a_second_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine(tmp_path, monkeypatch)
    provider = {"type": "pulumi:providers:github", "inputs": {"version": "6.14.0"}}
    state = json.dumps({"deployment": {"resources": [provider]}})
    fetching = f'"${{{environment.NO_FETCHING}-may fetch}}"'
    script = f"""{LOG}
    echo "$1 "{fetching} >>{tmp_path}/calls
    case "$1 $2" in "stack export") echo '{state}' ;; *) test {fetching} = "may fetch" ;; esac"""
    command(tmp_path, "pulumi", script)
    env = {**os.environ, environment.NO_FETCHING: "true"}
    ready = prepare.Ready(needs=needs(), pulumi=engine.pulumi, env=env)
    monkeypatch.setattr(prepare, "prepare", lambda *_, **__: ready)
    assert main(["preview"]) == 0
    assert engine.calls() == ["preview true", "stack true", "preview may fetch"]
    told = capsys.readouterr()
    assert "needs github 6.14.0, not installed here" in told.err
    assert told.out.count("0 unchanged") == 1, "the report is that of the second run alone"


@pytest.mark.parametrize("code", [0, 255])
def test_an_up_that_failed_names_the_nodes_that_do_not_answer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int,
) -> None:
    gone = Node(driver="remote", endpoint=f"unix://{tmp_path}/gone.sock", options={})
    Engine(tmp_path, monkeypatch, code=code, nodes={"arm": gone})
    assert main(["up"]) == code
    told = capsys.readouterr().err
    assert (f"  - arm ({gone.endpoint}) for " in told) is bool(code)
    assert ("its tags are as they were" in told) is bool(code)


@pytest.mark.parametrize("code", [0, 255])
def test_up_ends_with_the_table_and_the_engines_own_status(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int,
) -> None:
    made = Engine(tmp_path, monkeypatch, code=code)
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert main(["up", "--stack", "dev"]) == code
    up = "up --stack dev --non-interactive --continue-on-error --yes --skip-preview"
    assert without_log(made.calls()[0]) == up
    assert "py3.11-1.0" in capsys.readouterr().out


def without_log(call: str) -> str:
    """Return a call of the engine that is given an event log, without that."""
    before, option, path = call.partition(" --event-log ")
    assert option, call
    assert not Path(path).parent.exists(), "it is removed after the run"
    return before


class Terminal(io.StringIO):
    """A standard input with a person behind it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stdin", "code", "called"),
    [
        (io.StringIO(), 0, ["up"]),
        (Terminal("y\n"), 0, ["preview", "up"]),
        (Terminal("\n"), 1, ["preview"]),
        (Terminal(), 1, ["preview"]),
    ],
)
def test_up_of_a_stack_elsewhere_lets_a_person_look_before_it_changes_anything(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stdin: io.StringIO,
    code: int,
    called: list[str],
) -> None:
    made = Engine(tmp_path, monkeypatch, port=None)
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["up", "--stack", "prod"]) == code
    assert [call.split()[0] for call in made.calls() if "stack output" not in call] == called
    assert without_log(made.calls()[0]).startswith(f"{called[0]} --stack prod --non-interactive")


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize("own", ["", "/own.json"])
def test_what_is_asked_about_is_shown_on_stderr_and_is_all_that_may_go(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    own: str,
) -> None:
    made = Engine(tmp_path, monkeypatch, port=None)
    setting, path = "FLEET_ALLOWED_REMOVALS", tmp_path / "report.json"
    script = f"""{LOG}
    case "$1 $2" in "stack output") echo '{{}}' ;; esac
    test "$1" = up || exit 0
    echo "${setting}" >{tmp_path}/allowed
    cat "${setting}" >{tmp_path}/seen
    test ! -e {path}"""
    command(tmp_path, "pulumi", script)
    env = {**os.environ, **({setting: own} if own else {})}
    ready = prepare.Ready(needs=needs(port=None), pulumi=made.pulumi, env=env)
    monkeypatch.setattr(prepare, "prepare", lambda *_, **__: ready)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    monkeypatch.setenv("FLEET_REPORT", str(path))
    assert main(["up", "--stack", "prod", *flags]) == 0
    told = capsys.readouterr()
    counts = "0 build, 0 re-point, 0 remove, 0 unchanged"
    assert told.err.index(counts) < told.err.index("Update prod: as shown?")
    lines = [line for line in told.out.splitlines() if line.startswith("{")]
    assert [json.loads(line)["stack"] for line in lines] == ["prod"] * len(flags)
    allowed = (tmp_path / "allowed").read_text().strip()
    assert allowed == own if own else allowed.endswith("/shown.json")
    if not own:
        assert json.loads((tmp_path / "seen").read_text())["mode"] in {"preview", "refresh"}
    assert path.exists()


def test_an_answer_that_is_no_text_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = io.TextIOWrapper(io.BytesIO(b"y\xff\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", answer)
    assert not program._is_agreed("Update?")


def test_an_update_that_a_preview_shows_to_fail_is_not_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Engine(tmp_path, monkeypatch, port=None, code=7)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert main(["up", "--stack", "prod"]) == 7
    first, *more = (call.split()[0] for call in made.calls())
    assert first == "preview"
    assert "up" not in more


def test_where_a_resource_fails_in_a_preview_all_else_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Engine(tmp_path, monkeypatch, port=None)
    urn = "urn:pulumi:prod::fleet::github:index/file:File::README.md"
    begun = {"urn": urn, "op": "create", "type": "github:index/file:File"}
    events = (
        {"resourcePreEvent": {"planning": True, "metadata": begun}},
        {"diagnosticEvent": {"severity": "error", "message": "refused", "urn": urn}},
        {"summaryEvent": {"result": "failed", "isPreview": True}},
    )
    (tmp_path / "failed.json").write_text("\n".join(map(json.dumps, events)))
    script = f"""for log; do :; done
    case "$1 $2" in "stack output") echo '{{}}'; exit ;; esac
    cp {tmp_path}/failed.json "$log"
    test "$1" = up || exit 255
    cp "$FLEET_ALLOWED_REMOVALS" {tmp_path}/allowed"""
    made.pulumi = command(tmp_path, "pulumi", script)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert main(["up", "--stack", "prod"]) == 255
    assert not (tmp_path / "allowed").exists()
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    main(["up", "--stack", "prod"])
    assert "Update prod: all else, and remove nothing" in capsys.readouterr().err
    assert read_allowed({"FLEET_ALLOWED_REMOVALS": str(tmp_path / "allowed")}) == {}


def split(root: Path) -> tuple[str, ...]:
    """Split the stack dev of a checkout, of two images, one on the other; return its parts."""
    images = {"top": image(**{"builds-on": "base"}), "base": image(package="gunicorn")}
    values = {f"fleet:{key}": value for key, value in config(images=images).items()}
    (root / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": values}))
    for name, text in stack_files(parse(config(images=images)), "dev").items():
        (root / name).write_text(text)
    return "dev-base", "dev-top"


def test_a_command_for_a_stack_that_was_split_is_one_for_each_of_its_parts_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Engine(tmp_path, monkeypatch)
    parts = split(made.here.root)
    for name, told in (("preview", "preview"), ("refresh", "refresh"), ("up", "up")):
        (tmp_path / "calls").write_text("")
        assert main([name, "--stack", "dev"]) == 0
        calls = [line.split(" ") for line in made.calls() if line.startswith(told)]
        assert [line[2] for line in calls] == list(parts)
        heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("stack ")]
        assert heads == [f"stack {part}" for part in parts]
    (tmp_path / "calls").write_text("")
    assert main(["preview", "--stack", "dev-top"]) == 0
    assert [line.split(" ")[2] for line in made.calls()] == ["dev-top"]


def test_of_a_stack_that_was_split_a_failed_part_stops_those_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Engine(tmp_path, monkeypatch, code=7)
    split(made.here.root)
    assert main(["up", "--stack", "dev"]) == 7
    assert "stack dev-top is left out: dev-base failed" in capsys.readouterr().err
    assert [line for line in made.calls() if line.startswith("up --stack dev-top")] == []
    assert main(["preview", "--stack", "dev"]) == 7
    assert [line for line in made.calls() if line.startswith("preview --stack dev-top")]


@pytest.mark.parametrize(
    ("stack", "exported", "refused"),
    [
        ("dev-top", '{"deployment": {"resources": [{"urn": "u"}]}}', True),
        ("dev-top", '{"deployment": {}}', False),
        ("dev-top", "", False),
        ("dev", '{"deployment": {"resources": [{"urn": "u"}]}}', False),
    ],
)
def test_a_part_is_not_touched_while_the_old_stack_still_holds_what_is_its_own(
    tmp_path: Path, stack: str, exported: str, refused: bool
) -> None:
    here = checkout(tmp_path)
    split(here.root)
    script = f"""case "$*" in *"--stack dev "*) ;; *) exit 9 ;; esac
    test -n '{exported}' || {{ echo "error: no stack named 'dev' found" >&2; exit 255; }}
    echo '{exported}'"""
    ready = prepare.Ready(
        needs=needs(), pulumi=command(tmp_path, "pulumi", script), env=dict(os.environ)
    )
    if refused:
        with pytest.raises(TroubleError, match="make split STACK=dev APPLY=1"):
            prepare._require_handed_over(here, stack, ready)
    else:
        prepare._require_handed_over(here, stack, ready)


def test_an_up_whose_outputs_cannot_be_read_fails_with_the_engines_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Engine(tmp_path, monkeypatch)
    for code, expected in (("0", 1), ("7", 7)):
        script = (
            f"{LOG}\ncase $1 in up) exit {code};; *) echo error: bucket is gone >&2; exit 1;; esac"
        )
        command(tmp_path, made.pulumi.name, script)
        assert main(["up"]) == expected
        assert "bucket is gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("preview", "preview --stack dev --non-interactive"),
        ("refresh", "refresh --stack dev --non-interactive --yes --skip-preview"),
    ],
)
def test_other_commands_pass_on_to_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: str
) -> None:
    made = Engine(tmp_path, monkeypatch)
    assert main([name]) == 0
    assert [without_log(call) for call in made.calls()] == [expected]


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("preview", None, "all"),
        ("refresh", None, "all"),
        ("up", None, "not set"),
        ("preview", "", ""),
        ("refresh", "", ""),
        ("up", "all", "all"),
    ],
)
def test_what_only_looks_asks_for_every_platform_unless_the_user_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, own: str | None, expected: str
) -> None:
    monkeypatch.delenv("FLEET_VERIFY_CHILDREN", raising=False)
    if own is not None:
        monkeypatch.setenv("FLEET_VERIFY_CHILDREN", own)
    Engine(tmp_path, monkeypatch)
    assert main([name]) == 0
    assert (tmp_path / "asked").read_text().splitlines()[0] == f"{name} {expected}"


def test_a_stack_that_cannot_be_selected_is_told_with_the_engines_words(tmp_path: Path) -> None:
    pulumi = command(tmp_path, "pulumi", "echo error: no such backend >&2; exit 255")
    with pytest.raises(TroubleError, match=r"(?s)select the stack dev.*no such backend"):
        engine.select(checkout(tmp_path), pulumi, "dev", dict(os.environ))


def test_a_stack_that_was_never_brought_up_has_no_outputs(tmp_path: Path) -> None:
    pulumi = command(tmp_path, "pulumi", "echo \"error: no stack named 'dev' found\" >&2; exit 6")
    assert engine.outputs(checkout(tmp_path), pulumi, "dev", dict(os.environ)) == {}


def test_a_backend_that_fails_is_told_and_not_taken_for_an_empty_stack(tmp_path: Path) -> None:
    pulumi = command(tmp_path, "pulumi", "echo error: incorrect passphrase >&2; exit 255")
    with pytest.raises(TroubleError, match=r"(?s)outputs of dev.*incorrect passphrase"):
        engine.outputs(checkout(tmp_path), pulumi, "dev", dict(os.environ))


def test_status_before_the_first_up_says_how_to_get_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = scratch(tmp_path)
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    assert main(["status"]) == 0
    assert capsys.readouterr().out == "no tags yet: run make up\n"


def test_an_error_of_the_system_is_one_message_and_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> prepare.Ready:
        raise PermissionError(13, "Permission denied", "/srv/.fleet")

    monkeypatch.setattr(prepare, "prepare", refuse)
    assert main(["up"]) == 1
    assert capsys.readouterr().err == "error: [Errno 13] Permission denied: '/srv/.fleet'\n"


def test_what_asks_again_goes_with_lock_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(prepare, "lock", lambda *_, **again: asked.append(again))
    assert main(["lock", "--refresh"]) == 0
    assert main(["lock", "--newest", "all"]) == 0
    assert asked == [{"refresh": "1", "newest": ""}, {"refresh": "", "newest": "all"}]
    for option in (["--refresh"], ["--newest", "all"]):
        with pytest.raises(SystemExit):
            main(["up", *option])
        assert f"unrecognized arguments: {option[0]}" in capsys.readouterr().err


ELSEWHERE = needs(stack="prod", host="ghcr.io", port=None)


def test_a_stack_elsewhere_needs_a_backend_of_the_users(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    with pytest.raises(TroubleError, match=r"PULUMI_BACKEND_URL is not set, and prod"):
        backend.require(here, ELSEWHERE, {})
    for theirs in ("s3://bucket", "file:///srv/state", "file://~", "https://api.pulumi.com"):
        backend.require(here, ELSEWHERE, {"PULUMI_BACKEND_URL": theirs})


@pytest.mark.parametrize("place", ["{root}/.fleet/state", "{root}/.fleet", ".fleet/state?x=1"])
def test_a_stack_elsewhere_must_not_keep_its_state_in_the_checkout(
    tmp_path: Path, place: str
) -> None:
    here = checkout(tmp_path)
    env = {"PULUMI_BACKEND_URL": "file://" + place.format(root=here.root)}
    with pytest.raises(TroubleError, match=r"(?s)make env.*s3://bucket"):
        backend.require(here, ELSEWHERE, env)
    backend.require(here, needs(), env)


def elsewhere(tmp_path: Path) -> Checkout:
    """A checkout whose stack ``dev`` pushes to a registry elsewhere, by a builder of the user's."""
    here = scratch(tmp_path)
    config = here.root / "Pulumi.dev.yaml"
    text = config.read_text().replace("localhost:5443/", "ghcr.io/")
    config.write_text(text.replace(": fleet\n", ": mynode\n"))
    return here


@pytest.mark.parametrize("name", ["up", "preview", "refresh", "status"])
def test_after_the_exports_of_the_embedded_stack_another_is_refused_before_any_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    here = elsewhere(tmp_path)
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    monkeypatch.setattr(prepare, "check", lambda *_, **__: None)
    for variable, value in environment.settings(here, needs(), os.environ).items():
        monkeypatch.setenv(variable, value)
    assert main([name]) == 1
    assert "where the embedded stack keeps its state" in capsys.readouterr().err
    assert [path.name for path in here.root.iterdir()] == ["Pulumi.dev.yaml"]


def test_the_lock_of_a_stack_elsewhere_needs_neither_backend_nor_builder_nor_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = elsewhere(tmp_path)
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(prepare, "check", lambda _, *given: called.append(("check", *given)))
    monkeypatch.setattr(
        prepare, "_resolve", lambda _, __, *given: called.append((given[0], *given[1]))
    )
    assert main(["lock", "--refresh", "builders", "--newest", "all"]) == 0
    assert called == [
        ("check", "dev"),
        ("dev", "--refresh", "builders", "--newest", "all"),
    ]
    assert not here.state.exists()


@pytest.mark.parametrize("name", ["up", "preview", "refresh"])
def test_what_the_lock_of_a_stack_elsewhere_lacks_is_told_and_never_resolved_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    here = elsewhere(tmp_path)
    shutil.copytree(ROOT / "assets", here.root / "assets")
    before = sorted(here.root.rglob("*"))
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    monkeypatch.setattr(prepare, "_resolve", lambda *_: pytest.fail("the outside was asked"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert main([name]) == 1
    told = capfd.readouterr().err
    assert "locks/dev.yaml: was not written yet, so " in told
    assert "Run `make lock STACK=dev`" in told
    assert sorted(here.root.rglob("*")) == before


def test_a_builder_that_is_nowhere_is_told_before_any_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = elsewhere(tmp_path)
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    monkeypatch.setattr(prepare, "check", lambda *_, **__: None)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    assert main(["up"]) == 1
    assert "fleet:builders: no such builder: mynode" in capsys.readouterr().err
    assert [path.name for path in here.root.iterdir()] == ["Pulumi.dev.yaml"]


def test_a_remote_node_that_is_away_stops_an_up_before_any_change_and_no_preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class LaterError(TroubleError):
        pass

    def later(*_: object) -> toolchain.Supply:
        raise LaterError("the next step")

    here = elsewhere(tmp_path)
    config = here.root / "Pulumi.dev.yaml"
    socket = tmp_path / "gone.sock"
    node = f"fleet:builder-nodes:\n    mynode: {{driver: remote, endpoint: 'unix://{socket}'}}"
    config.write_text(config.read_text().replace("fleet:builders:", f"{node}\n  fleet:builders:"))
    monkeypatch.setattr(program, "checkout", lambda _root=None: here)
    monkeypatch.setattr(prepare, "check", lambda *_, **__: None)
    monkeypatch.setattr(toolchain, "survey", later)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert main(["up"]) == 1
    told = capsys.readouterr().err
    assert f"  - mynode (unix://{socket}) for linux/amd64, linux/arm64, linux/arm/v7: No" in told
    assert "No such file or directory. Start buildkitd there" in told
    assert not here.state.exists()
    assert main(["preview"]) == 1
    assert "the next step" in capsys.readouterr().err


def test_a_missing_go_is_told_before_packages_certificates_and_daemons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> toolchain.Supply:
        raise TroubleError("Go is missing")

    here = scratch(tmp_path)
    monkeypatch.setattr(prepare, "check", lambda *_, **__: None)
    monkeypatch.setattr(toolchain, "survey", refuse)
    monkeypatch.setattr(debian, "install", lambda *_, **__: pytest.fail("apt was called"))
    with pytest.raises(TroubleError, match="Go is missing"):
        prepare.prepare(here, "dev")
    assert {path.name for path in here.state.iterdir()} == {"lock", "pulumi"}


def test_what_checkouts_share_is_made_by_one_run_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second apt-get fails while a first one has its lock."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    here = scratch(tmp_path)

    def look(*_: object, **__: object) -> None:
        with (here.cache / "lock").open("w") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        raise TroubleError("looked")

    monkeypatch.setattr(prepare, "check", lambda *_, **__: None)
    nothing = toolchain.Supply(there={}, plugins=(), downloads=(), builds=())
    monkeypatch.setattr(toolchain, "survey", lambda *_: nothing)
    monkeypatch.setattr(debian, "install", look)
    with pytest.raises(TroubleError, match="looked"):
        prepare.prepare(here, "dev")
    with (here.cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("end", [cleanup.down, cleanup.clean])
def test_the_short_folder_goes_with_what_the_daemons_left_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[Checkout], None]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    here = Checkout(root=tmp_path / ("d" * 100), cache=tmp_path / "cache")
    here.root.mkdir()
    here.make_run()
    here.socket.touch()
    here.tmp.mkdir()
    end(here)
    assert not here.short.exists()
    here.make_run()
    assert here.short.is_dir()


def test_the_short_folder_of_another_runtime_directory_goes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    here = Checkout(root=tmp_path / ("d" * 100), cache=tmp_path / "cache")
    here.root.mkdir()
    here.make_run()
    made = here.short
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "other"))
    cleanup.down(here)
    assert not made.exists()


def test_clean_removes_the_state_and_keeps_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = checkout(tmp_path)
    (here.state / "registry").mkdir(parents=True)
    (here.cache / "tools").mkdir(parents=True)
    cleanup.clean(here)
    assert not here.state.exists()
    assert (here.cache / "tools").exists()
    said = capsys.readouterr().err
    assert f"removed {here.state}" in said
    assert f"kept {here.cache}" in said


def test_clean_and_down_on_a_fresh_clone_change_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = checkout(tmp_path)
    cleanup.clean(here)
    assert list(here.root.iterdir()) == []
    assert "nothing to remove" in capsys.readouterr().err


def test_mounts_below_a_folder_are_found_innermost_first() -> None:
    mountinfo = (
        "22 1 0:21 / /proc rw - proc proc rw\n"
        "30 1 0:30 / /a/.fleet/buildkit/x rw - overlay overlay rw\n"
        "31 30 0:31 / /a/.fleet/buildkit/x/with\\040space rw - overlay overlay rw\n"
        "32 1 0:32 / /a/.fleet2 rw - tmpfs tmpfs rw\n"
    )
    assert mounts.mounts_below(Path("/a/.fleet"), mountinfo) == [
        "/a/.fleet/buildkit/x/with space",
        "/a/.fleet/buildkit/x",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (125, "2 min 05 s")]
)
def test_durations_read_as_a_person_writes_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_stand_ins_with_compilers_are_made_once_the_lock_says_that_something_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = checkout(tmp_path)
    made: list[list[tuple[str, str]]] = []
    resolved: list[tuple[str, ...]] = []
    slim, full = (("3.11", "slim"),), (("3.11", "slim"), ("3.11", "full"))
    locked: tuple[tuple[str, str], ...] = slim
    monkeypatch.setattr(prepare, "read_needs", lambda *_: needs(bases=locked))
    monkeypatch.setattr(bases, "wanted", lambda _, found: list(found.bases))
    monkeypatch.setattr(bases, "absent", lambda *_: [])
    monkeypatch.setattr(bases, "ensure", lambda _, __, found: made.append(found))
    monkeypatch.setattr(prepare, "_resolve", lambda *asked: resolved.append(asked[-1]))
    forecast: list[object] = []
    monkeypatch.setattr(
        disk_forecast, "show_stand_ins", lambda _, *given: forecast.append((*given, len(made)))
    )
    assert prepare._with_compilers(here, needs(bases=slim), "", {}).bases == slim
    assert (made, resolved) == ([], [])
    locked = full
    assert prepare._with_compilers(here, needs(bases=slim), "", {}).bases == full
    assert (made, resolved) == ([list(full)], [()]), "with another builder, without another refresh"
    assert forecast == [("", list(full), 0)], "the room that they take is said before"
    assert prepare._with_compilers(here, needs(bases=full), "", {}).bases == full
    assert len(made) == 1


@pytest.mark.parametrize("stdin", [Terminal("y\n"), io.StringIO()])
@pytest.mark.parametrize(
    ("entry", "refused"),
    [
        (Entry(ref="r:1", kind="version", action="sign", signs=True), True),
        (Entry(ref="r:1", kind="version", action="build", signs=True), True),
        (Entry(ref="r:1", kind="version", action="re-point"), False),
        (Entry(ref="r:1", kind="version", action="unchanged"), False),
        (Entry(ref="r:1", kind="pointer", action="re-point"), False),
    ],
)
def test_without_an_identity_an_update_that_has_to_sign_is_refused_before_any_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stdin: Any, entry: Entry, refused: bool
) -> None:
    ran: list[str] = []
    report = Report(mode="preview", entries=(entry,))

    def attempt(_here: Checkout, argv: list[str], *_: object, **__: object) -> engine.Ran:
        ran.append(argv[1])
        return engine.Ran(code=0, report=report)

    wanted = replace(needs(port=None), only_keyless=True)
    ready = prepare.Ready(needs=wanted, pulumi=tmp_path / "pulumi", env={})
    monkeypatch.setattr(prepare, "prepare", lambda *_, **__: ready)
    monkeypatch.setattr(engine, "attempt", attempt)
    monkeypatch.setattr(engine, "print_status", lambda *_: None)
    monkeypatch.setattr(program, "planned_builds", lambda *_: {})
    monkeypatch.setattr(sys, "stdin", stdin)
    stdin.seek(0)
    asked = program.Asked(here=checkout(tmp_path), stack="prod", as_json=False, is_part=False)
    if refused:
        with pytest.raises(TroubleError, match="r:1: to be signed, and this run has no identity"):
            program._up(asked)
    else:
        assert program._up(asked) == 0
    assert ran == (["preview"] if refused else ["preview", "up"])
    ran.clear()
    job = {"ACTIONS_ID_TOKEN_REQUEST_URL": "x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}
    ready = replace(ready, env=job)
    if not isinstance(stdin, Terminal):
        assert program._up(asked) == 0
        assert ran == ["up"]
