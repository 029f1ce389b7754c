"""The Docker engine that is found, and what its client is asked for."""

import hashlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from fleet.console import TroubleError
from fleet.local import builder, cleanup, docker_config, environment, place_daemons, users_docker
from fleet.local.docker import containers, daemons, engine, proxies, record
from fleet.local.docker.containers import Container
from fleet.local.docker.engine import Engine
from fleet.local.paths import Checkout
from fleet.local.remaining import Remaining
from tests.fleet.local.examples import checkout, command, needs

SOCKET = "unix:///srv/docker.sock"


def context(folder: Path, name: str, host: str) -> None:
    meta = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": host}}}))


def test_the_engine_is_the_one_that_dockers_own_client_would_ask(tmp_path: Path) -> None:
    context(tmp_path, "colima", "unix:///colima.sock")
    context(tmp_path, "arm", "ssh://arm")
    assert users_docker.endpoint(tmp_path, {}) == "", "that is left to the default sockets"
    (tmp_path / "config.json").write_text('{"currentContext": "colima"}')
    assert users_docker.endpoint(tmp_path, {}) == "unix:///colima.sock"
    assert users_docker.endpoint(tmp_path, {"DOCKER_CONTEXT": "arm"}) == "ssh://arm"
    assert users_docker.endpoint(tmp_path, {"DOCKER_CONTEXT": "default"}) == ""
    with pytest.raises(TroubleError, match="context amr in use is not in"):
        users_docker.endpoint(tmp_path, {"DOCKER_CONTEXT": "amr"})
    named = {"DOCKER_HOST": SOCKET, "DOCKER_CONTEXT": "arm"}
    assert users_docker.endpoint(tmp_path, named) == SOCKET


def found(folder: Path, script: str, **env: str) -> str:
    path = command(folder / "bin", "docker", script).parent
    return engine.find(checkout(folder), {"PATH": f"{path}:/usr/bin:/bin", **env})


def test_an_engine_that_answers_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, "echo linux", DOCKER_HOST=SOCKET) == SOCKET


@pytest.mark.parametrize(
    ("host", "script", "why"),
    [
        (SOCKET, "echo permission denied >&2; exit 1", "does not answer (permission denied)"),
        (SOCKET, "echo windows", "runs windows containers, not linux"),
        ("ssh://build.example.org", "echo linux", "may be on another machine"),
        (
            "tcp://127.0.0.1:2375",
            "echo linux",
            "a socket (unix://) is needed, which DOCKER_HOST or",
        ),
        (SOCKET, "exit 1", "does not answer (it does not say why)"),
    ],
)
def test_why_an_engine_can_t_be_used_is_said(
    tmp_path: Path, host: str, script: str, why: str
) -> None:
    with pytest.raises(TroubleError, match=re.escape(why)):
        found(tmp_path, script, DOCKER_HOST=host)


def test_a_context_that_is_not_there_is_no_reason_for_another_engine(tmp_path: Path) -> None:
    with pytest.raises(
        TroubleError, match=r"the Docker context typo in use is not in.*DOCKER_CONTEXT"
    ):
        found(tmp_path, "echo linux", DOCKER_CONTEXT="typo")


def test_an_engine_is_looked_for_where_the_host_is_asked_for_and_can_t_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = command(tmp_path / "bin", "docker", "echo linux").parent
    env = {"PATH": f"{folder}:/usr/bin:/bin", "DOCKER_HOST": SOCKET, "FLEET_DAEMONS": "host"}
    monkeypatch.setattr(place_daemons, "_STATUS", tmp_path / "absent")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert place_daemons._machine(checkout(tmp_path), needs(), env).docker == SOCKET
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert place_daemons._machine(checkout(tmp_path), needs(), env).docker == ""


def test_without_a_client_there_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(TroubleError, match="docker is not on PATH"):
        engine.find(checkout(tmp_path), {"PATH": "/nowhere"})


def test_the_clients_environment_has_no_secret_and_the_users_logins(tmp_path: Path) -> None:
    command(tmp_path, "docker", "exit 0")
    here = checkout(tmp_path)
    env = {"PATH": str(tmp_path), "TOKEN": "secret", "DOCKER_CONFIG": str(here.docker_config)}
    opened = engine.open_engine(here, SOCKET, env)
    assert "TOKEN" not in opened.env
    assert opened.env["DOCKER_CONFIG"] == str(Path.home() / ".docker"), "ours is not the user's"


@pytest.mark.parametrize("end", [cleanup.down, cleanup.clean])
def test_without_its_engine_nothing_is_said_to_be_stopped_or_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Callable[[Checkout], None]
) -> None:
    command(tmp_path / "bin", "docker", "echo connection refused >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    here = checkout(tmp_path)
    record.write(here, SOCKET)
    with pytest.raises(TroubleError, match=r"connection refused.*\n.*docker-engine\.json"):
        end(here)
    assert record.endpoint(here) == SOCKET


def pinned(here: Checkout) -> str:
    """Pin an image for BuildKit where the program reads its pins; return it."""
    templates = here.root / "templates" / "actions"
    templates.mkdir(parents=True)
    pin = f"example.org/buildkit:v1@sha256:{'a' * 64}"
    lines = [f"FROM {pin} AS {name}\n" for name in ("buildkit", "binfmt")]
    (templates / "Dockerfile").write_text("".join(lines))
    return pin


def test_buildx_clients_find_the_builders_container_by_its_node(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    pin = pinned(here)
    record.write(here, SOCKET)
    docker_config.share(here, needs(), {})
    described = json.loads((here.docker_config / "buildx" / "instances" / "fleet").read_text())
    assert described["Driver"] == "docker-container"
    (node,) = described["Nodes"]
    assert f"buildx_buildkit_{node['Name']}" == daemons.builder_name(here)
    assert node["Endpoint"] == SOCKET
    assert node["DriverOpts"]["image"] == pin
    assert node["DriverOpts"]["network"] == f"container:{daemons.registry_name(here)}"


def engine_of(folder: Path, script: str) -> Engine:
    client = command(folder, "docker", script)
    return Engine(endpoint=SOCKET, client=str(client), env={"PATH": "/usr/bin:/bin"})


PROXY = "http://me:secret@proxy.lan:3128"


def test_proxies_are_passed_on_unless_they_are_on_loopback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    env = {
        "HTTPS_PROXY": PROXY,
        "http_proxy": "http://127.0.0.2:3128",
        "ALL_PROXY": "[::1]:1080",
        "NO_PROXY": "localhost",
        "TOKEN": "secret",
    }
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1")
    assert proxies.passed_on(env) == {"HTTPS_PROXY": PROXY, **direct}
    assert proxies.passed_on({"NO_PROXY": "a.lan"}) == {}
    proxies.report_lost(env)
    assert "http_proxy, ALL_PROXY is not passed on" in capsys.readouterr().err


def test_the_builder_is_the_same_in_a_shell_with_what_make_env_prints(tmp_path: Path) -> None:
    shell = {"HTTPS_PROXY": PROXY, "NO_PROXY": "a.lan,localhost"}
    after = shell | environment.settings(checkout(tmp_path), needs(), shell)
    assert proxies.passed_on(after) == proxies.passed_on(shell)


@dataclass
class Fake:
    """An engine that keeps containers by name and what it was asked for."""

    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fails: str = ""
    log_drivers: tuple[str, ...] = ("json-file", "local")
    endpoint: str = SOCKET
    words: list[str] = field(default_factory=list)

    def info(self) -> engine.Info:
        return engine.info_of({"Plugins": {"Log": self.log_drivers}})

    def inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        return self.held.get(name) if kind == "container" else {"Id": name}

    def try_(self, *words: str, **_: object) -> "subprocess.CompletedProcess[bytes]":
        self.asked.append(" ".join(words[:2]))
        if words[0] == "rm":
            self.held.pop(words[-1], None)
        return subprocess.CompletedProcess(words, 0, b"what it printed\n", b"")

    def do(self, *words: str, sent: bytes | None = None, failed: str = "", **_: object) -> str:
        verb = words[0]
        self.words += words
        self.asked.append(" ".join(words[:2]))
        if verb == self.fails:
            raise TroubleError(failed)
        if verb == "create":
            name = words[1].partition("=")[2]
            labels = dict(w.removeprefix("--label=").split("=", 1) for w in words if "label" in w)
            self.held[name] = {"Config": {"Labels": labels}, "State": {"Running": False}}
        elif verb == "rename":
            self.held[words[2]] = self.held.pop(words[1])
        elif verb in ("start", "stop"):
            self.held[words[-1]]["State"]["Running"] = verb == "start"
        return ""


def wanted(fake: Fake, **changed: Any) -> Container:
    def answers() -> bool:
        known = fake.held.get("one")
        return bool(known and known["State"]["Running"])

    made = Container(
        name="one", title="one", place="here", image="image", options=(), command=(),
        volume="volume", data="/data", files={"/etc/one": "text"}, answers=answers,
    )  # fmt: skip
    return replace(made, **changed)


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def ensure(fake: Fake, tmp_path: Path) -> Callable[..., bool]:
    def ensured(**changed: Any) -> bool:
        fake.asked.clear()
        made = wanted(fake, **changed)
        asked: Any = fake
        return containers.ensure(asked, checkout(tmp_path), made, require=lambda: None)

    return ensured


def test_a_container_is_made_once_and_started_again(
    fake: Fake, ensure: Callable[..., bool]
) -> None:
    assert ensure() is True
    assert ensure() is False
    assert fake.asked == []
    fake.held["one"]["State"]["Running"] = False
    assert ensure() is True
    assert fake.asked == ["start one"], "its files and its data are there"


@pytest.mark.parametrize(
    "changed", [{"image": "other"}, {"files": {"/etc/one": "other"}}, {"options": ("--init",)}]
)
def test_a_container_that_is_wanted_otherwise_is_made_again(
    fake: Fake, ensure: Callable[..., bool], changed: dict[str, Any]
) -> None:
    ensure()
    assert ensure(**changed) is True
    assert "rm --force" in fake.asked
    assert ensure(**changed) is False


@pytest.mark.parametrize(
    ("drivers", "bounded"), [(("json-file", "local"), True), (("k8s-file", "journald"), False)]
)
def test_a_containers_output_is_bounded_where_the_engine_has_such_a_driver(
    fake: Fake, ensure: Callable[..., bool], drivers: tuple[str, ...], bounded: bool
) -> None:
    fake.log_drivers = drivers
    ensure()
    assert ("--log-driver=local" in fake.words) is bounded


def test_an_image_that_is_pulled_is_a_step_of_what_remains(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = fake.inspect
    monkeypatch.setattr(
        fake, "inspect", lambda kind, name: held(kind, name) if kind != "image" else None
    )
    remaining = Remaining([(containers.pulling("one"), 10.0), ("pulumi", 100.0)])
    asked = cast("Engine", fake)
    containers.ensure(asked, checkout(tmp_path), wanted(fake), remaining=remaining)
    assert "pull --quiet" in fake.asked
    assert re.search(
        r"docker: pulling image: .* s; then about 2 min for pulumi", capsys.readouterr().err
    )


def test_an_engine_that_can_t_pull_is_told_with_what_lets_it(tmp_path: Path) -> None:
    script = """
    case $* in
    *image\\ inspect*) echo Error: No such image: x >&2; exit 1 ;;
    *pull*) echo dial tcp: i/o timeout >&2; exit 1 ;;
    esac
    """
    said = r"the image image can't be pulled \(unix:.*\):\n +dial tcp: i/o timeout\n"
    ways = (
        r"Give the engine .* proxies or registry-mirrors of its own.*templates/actions/Dockerfile\."
    )
    with pytest.raises(engine.EngineError, match=rf"{said}{ways}$"):
        containers.pull(engine_of(tmp_path, script), wanted(Fake()))


def test_what_has_the_network_of_a_replaced_container_goes_first(
    fake: Fake, tmp_path: Path
) -> None:
    here, asked = checkout(tmp_path), cast("Engine", fake)
    fake.held["guest"] = {}
    containers.ensure(asked, here, wanted(fake), guest="guest")
    assert list(fake.held) == ["one"]


def test_a_password_of_a_proxy_is_in_no_list_of_processes(
    fake: Fake, ensure: Callable[..., bool]
) -> None:
    assert ensure(env={"HTTPS_PROXY": PROXY}) is True
    assert "--env=HTTPS_PROXY" in fake.words
    assert not any("secret" in word for word in fake.words)
    assert ensure(env={"HTTPS_PROXY": PROXY}) is False
    assert ensure(env={"HTTPS_PROXY": "http://other"}) is True


def test_the_place_is_on_record_only_when_something_is_kept_there(
    fake: Fake, ensure: Callable[..., bool], tmp_path: Path
) -> None:
    def refuse() -> None:
        raise TroubleError("the port is taken")

    here, asked = checkout(tmp_path), cast("Engine", fake)
    with pytest.raises(TroubleError):
        containers.ensure(asked, here, wanted(fake), require=refuse)
    assert place_daemons._before(here) == ""
    ensure()
    assert record.endpoint(here) == SOCKET


def test_a_moved_checkout_keeps_its_containers_and_a_copy_gets_its_own(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    record.write(here, SOCKET)
    name = daemons.registry_name(here)
    copy, moved = replace(here, root=tmp_path / "copy"), replace(here, root=tmp_path / "moved")
    shutil.copytree(here.root, copy.root)
    assert record.endpoint(copy) == "", "its containers are those of the other"
    assert daemons.registry_name(copy) != name
    here.root.rename(moved.root)
    assert record.endpoint(moved) == SOCKET
    assert daemons.registry_name(moved) == name
    (tmp_path / "elsewhere").mkdir()
    assert daemons.registry_name(checkout(tmp_path / "elsewhere")) != name


def test_a_registry_that_runs_and_is_not_reached_is_told_with_the_cause(
    fake: Fake, ensure: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_SECONDS", 0.1)
    with pytest.raises(
        engine.EngineError, match=r"(?s)not answer at here\..*printed.*\nPerhaps so"
    ):
        ensure(answers=lambda: False, hint="Perhaps so")


def test_what_an_engine_says_of_itself(tmp_path: Path) -> None:
    said = {
        "Name": socket.gethostname(), "DockerRootDir": str(tmp_path), "NCPU": 6,
        "InitBinary": "docker-init",
        "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=userns"],
    }  # fmt: skip
    asked = engine_of(tmp_path, f"echo {shlex.quote(json.dumps(said))}")
    assert asked.info() == engine.Info(
        root=tmp_path, processors=6, log_drivers=(), has_init=True, remaps=True, rootless=True
    )
    elsewhere = engine.info_of({**said, "Name": "docker-desktop", "SecurityOptions": None})
    assert elsewhere == engine.Info(
        root=None, processors=6, log_drivers=(), has_init=True, remaps=False, rootless=False
    )


@pytest.mark.parametrize(("kind", "way"), [("rootless", "as root on"), ("x", "--install all")])
def test_the_way_to_emulators_is_one_that_the_engine_allows(
    tmp_path: Path, kind: str, way: str
) -> None:
    here = checkout(tmp_path)
    pinned(here)
    asked = engine_of(tmp_path, f'echo \'{{"SecurityOptions": ["name={kind}"]}}\'')
    assert way in daemons._remedy(here, asked.info())


@pytest.mark.parametrize(("remaps", "init"), [(False, "docker-init"), (True, "")])
def test_the_builder_is_as_its_engine_is(tmp_path: Path, remaps: bool, init: str) -> None:
    here = checkout(tmp_path)
    pinned(here)
    options = ["name=userns"] if remaps else []
    said = {"NCPU": 6, "InitBinary": init, "SecurityOptions": options}
    asked = engine_of(tmp_path, f"echo {shlex.quote(json.dumps(said))}")
    made = daemons._builder(here, asked, needs(port=None), asked.info(), {})
    assert ("--userns=host" in made.options) is remaps
    assert ("--init" in made.options) is bool(init)
    assert "max-parallelism = 6\n" in made.files[daemons._TOML]


@pytest.mark.parametrize("step", ["create", "cp", "rename"])
def test_what_is_made_in_part_is_never_started(
    fake: Fake, ensure: Callable[..., bool], step: str
) -> None:
    fake.fails = step
    with pytest.raises(TroubleError):
        ensure()
    assert "one" not in fake.held
    fake.fails = ""
    assert ensure() is True
    assert list(fake.held) == ["one"]


def test_a_container_that_ends_is_told_with_what_it_printed(
    fake: Fake, ensure: Callable[..., bool]
) -> None:
    def dies() -> bool:
        fake.held["one"]["State"]["Running"] = False
        return False

    with pytest.raises(TroubleError, match=r"does not answer(?s:.*)what it printed"):
        ensure(answers=dies)


@pytest.mark.parametrize(
    ("builder", "registry", "lost"),
    [
        ("09:00:01.5Z", "09:00:00Z", False),
        ("09:00:00Z", "09:00:01Z", True),
        ("", "09:00:00Z", False),
    ],
)
def test_a_builder_from_before_the_registrys_start_has_lost_its_network(
    fake: Fake, tmp_path: Path, builder: str, registry: str, lost: bool
) -> None:
    here, asked = checkout(tmp_path), cast("Engine", fake)
    names = {daemons.builder_name(here): builder, daemons.registry_name(here): registry}
    fake.held = {n: {"State": {"StartedAt": f"2026-11-30T{at}"}} for n, at in names.items() if at}
    assert daemons._lost_its_network(here, asked) is lost


DOCKER = """
shift 2
echo "$@" >>"$CALLS"
case $* in
cp*) tar -t >>"$CALLS" ;;
exec*buildctl*) exit "$STATUS" ;;
esac
"""


@pytest.mark.parametrize("status", [0, 3])
def test_folders_and_logins_are_in_the_container_for_as_long_as_its_client_runs(
    tmp_path: Path, status: int
) -> None:
    client, calls = command(tmp_path, "docker", DOCKER), tmp_path / "calls"
    for name in ("context", "login"):
        (tmp_path / name).mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "login" / "config.json").write_text("{}")
    argv = ["sh", str(daemons._CLIENT), str(client), SOCKET, "box", "--addr", "unix:///x", "build"]
    argv += [f"--local=context={tmp_path}/context", "--local", f"dockerfile={tmp_path}/context"]
    argv += ["--addr=unix:///y", "--frontend=x"]
    env = {**os.environ, "CALLS": str(calls), "STATUS": str(status)}
    env["DOCKER_CONFIG"] = str(tmp_path / "login")
    done = subprocess.run([*argv, "--output=type=tar"], check=False, env=env)
    assert done.returncode == status
    told = calls.read_text().splitlines()
    (ran,) = (line for line in told if "buildctl" in line)
    place = ran.partition("DOCKER_CONFIG=")[2].partition(" ")[0]
    words = f"build --local=context={place}/1 --local=dockerfile={place}/2 --frontend=x"
    words += " --output=type=tar"
    assert ran.endswith(f"box buildctl {words}")
    assert told.count("./Dockerfile") == 2
    assert "config.json" in told
    assert told[-1] == f"exec box rm -rf {place}"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["debug", "workers"], "kept"),
        (["build", "--frontend", "x", "--local=context=."], "kept"),
        (["build"], ""),
        (["dial-stdio"], ""),
    ],
)
def test_the_client_reads_the_callers_input_only_where_it_is_for_it(
    tmp_path: Path, words: list[str], left: str
) -> None:
    client = command(tmp_path, "docker", "cat >/dev/null")
    argv = shlex.join(["sh", str(daemons._CLIENT), str(client), SOCKET, "box", *words])
    env = {**os.environ, "DOCKER_CONFIG": "/nowhere"}
    done = subprocess.run(
        ["sh", "-c", f"cd {tmp_path}; {argv}; cat"], check=True, capture_output=True, env=env,
        input=b"kept",
    )  # fmt: skip
    assert done.stdout.decode() == left


def test_the_place_is_kept_with_the_checkout(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    assert place_daemons._before(here) == ""
    (here.state / "etc").mkdir(parents=True)
    assert place_daemons._before(here) == "host"
    daemons.registry_name(here)
    assert record.endpoint(here) == "", "a name alone is no place"
    record.write(here, SOCKET)
    assert place_daemons._before(here) == "docker"
    assert record.endpoint(here) == SOCKET


@pytest.mark.parametrize("said", ["Error: No such image: x", "no such container: x"])
def test_what_an_engine_does_not_have_is_none(tmp_path: Path, said: str) -> None:
    asked = engine_of(tmp_path, f"echo '[]'; echo {said} >&2; exit 1")
    assert asked.inspect("container", "x") is None


@pytest.mark.parametrize(
    "said", ["dial unix /x: no such file or directory", "Internal Server Error"]
)
def test_what_an_engine_does_not_say_is_no_absence(tmp_path: Path, said: str) -> None:
    asked = engine_of(tmp_path, f"echo '[]'; echo {said} >&2; exit 1")
    with pytest.raises(TroubleError, match=rf"{SOCKET} does not say .* container x:\n +{said}"):
        asked.inspect("container", "x")


def test_an_engine_that_hangs_is_named(tmp_path: Path) -> None:
    asked = engine_of(tmp_path, "exec sleep 60")
    with pytest.raises(TroubleError, match=rf"{SOCKET} did not .*\(docker container inspect\)"):
        asked.try_("container", "inspect", "x", seconds=0.1)


def test_a_builder_that_does_not_answer_in_time_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(argv: list[str], timeout: float) -> None:
        raise subprocess.TimeoutExpired(argv, timeout)

    monkeypatch.setattr(builder, "run", hangs)
    assert builder.answers(checkout(tmp_path)) is False


def test_a_client_that_is_waited_for_in_vain_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = command(tmp_path / "bin", "docker", f"echo $$ >{tmp_path}/pid; exec sleep 60")
    here = checkout(tmp_path)
    daemons._link_client(here, replace(engine_of(tmp_path, "exit"), client=str(docker)))
    monkeypatch.setattr(builder, "_ANSWER_SECONDS", 2.0)
    assert builder.answers(here) is False
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_emulators_of_the_builders_image_count(tmp_path: Path) -> None:
    """Have none in the kernel: BuildKit does not list its own."""
    has = 'case $* in *"which buildkit-qemu-aarch64") ;; *) exit 1 ;; esac'
    here, asked = checkout(tmp_path), engine_of(tmp_path, has)

    def require(*platforms: str) -> None:
        builder.require_platforms(
            here, needs(platforms=platforms), "do that", lambda p: daemons._emulates(here, asked, p)
        )

    command(here.bin, "buildctl", "echo linux/amd64/")
    require("linux/amd64", "linux/arm64")
    with pytest.raises(TroubleError, match=r"can't build linux/arm/v7: neither"):
        require("linux/amd64", "linux/arm64", "linux/arm/v7")


def test_engine_takes_its_words_to_the_endpoint(tmp_path: Path) -> None:
    asked = engine_of(tmp_path, 'echo "$@"; test "$3" != fail || exit 1')
    assert asked.do("ps") == f"--host {SOCKET} ps"
    with pytest.raises(engine.EngineError, match="it failed"):
        asked.do("fail", failed="it failed")
