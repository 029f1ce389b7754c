"""What a program that was started here gets of the shell's environment: nothing secret."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import builder, certificates, debian, emulation, platforms, processes, registry
from fleet.local.child_environment import child_environment, run
from fleet.local.paths import Checkout
from tests.fleet.local.examples import checkout, command, needs
from tests.ports import free_port

SECRETS = {
    "ACTIONS_RUNTIME_TOKEN": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "DOCKER_CONFIG": "/home/me/.docker",
    "FLEET_REGISTRY_PASSWORD": "secret",
    "GITHUB_TOKEN": "secret",
    "LD_PRELOAD": "",
    "PULUMI_ACCESS_TOKEN": "secret",
    "PULUMI_CONFIG_PASSPHRASE": "secret",
    # distribution would listen on all of the machine's addresses.
    "REGISTRY_HTTP_ADDR": "0.0.0.0:5000",
    "REGISTRY_STORAGE_DELETE_ENABLED": "false",
    "BUILDKIT_HOST": "tcp://elsewhere:1234",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://elsewhere:4318",
}
NEEDED = {"https_proxy": "http://proxy:3128", "SSL_CERT_FILE": "/etc/ssl/company.pem"}

# Answers as the specification's /v2/ over TLS; the check of the login is distribution's own.
REGISTRY = """
import http.server, json, ssl, sys
config = json.load(open(sys.argv[2]))["http"]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
host, _, port = config["addr"].partition(":")
server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(config["tls"]["certificate"], config["tls"]["key"])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout in a shell that holds secrets."""
    for name, value in {**SECRETS, **NEEDED}.items():
        monkeypatch.setenv(name, value)
    # Where the test's own path is too long for a socket, the folders of daemons lie there.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return checkout(tmp_path)


def environ(pid: int) -> dict[str, str]:
    """Return the environment that the kernel says a process was started with."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


@contextmanager
def started(here: Checkout, name: str) -> Iterator[dict[str, str]]:
    """Yield the environment of the daemon on record as ``name``, and stop it."""
    path = here.run / f"{name}.pid"
    found = processes.read_record(path)
    assert found is not None
    assert found.alive
    try:
        yield environ(found.pid)
    finally:
        processes.stop(path)


def check(found: dict[str, str], here: Checkout, tmp: str) -> None:
    assert set(found) & set(SECRETS) == set()
    assert found.items() >= NEEDED.items()
    assert found["TMPDIR"] == str(here.tmp / tmp)
    assert {"/usr/sbin", "/sbin"} <= set(found["PATH"].split(":")), "runc lies there"


def test_the_registry_gets_no_secret_and_no_setting_of_the_shells(
    here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bundle of the test's own shell is none.
    monkeypatch.delenv("SSL_CERT_FILE")
    certificates.ensure(here)
    monkeypatch.setenv("SSL_CERT_FILE", NEEDED["SSL_CERT_FILE"])
    (tmp_path / "registry.py").write_text(REGISTRY)
    binary = command(
        tmp_path / "bin", "registry", f'exec {sys.executable} {tmp_path}/registry.py "$@"'
    )
    registry.start(here, binary, port=free_port(), stack_file="Pulumi.dev.yaml")
    with started(here, "registry") as found:
        check(found, here, "registry")


def test_the_builder_gets_no_secret_and_leaves_nothing_in_the_systems_tmp(
    here: Checkout, tmp_path: Path
) -> None:
    here.make_run()
    left = here.tmp / "buildkitd" / "buildkit-mount1"
    left.mkdir(parents=True)
    command(here.bin, "buildctl", f"echo {platforms.native()}/")
    buildkitd = command(tmp_path / "bin", "buildkitd", "exec sleep 60")
    builder.start(here, buildkitd, needs(platforms=(platforms.native(),)))
    with started(here, "buildkitd") as found:
        check(found, here, "buildkitd")
        assert not left.exists(), "of a daemon that was killed"
        assert Path(found["TMPDIR"]).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["apt-get", "update-binfmts"])
@pytest.mark.usefixtures("here")
def test_a_program_of_the_system_gets_no_secret_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    command(tmp_path / "bin", name, f"env -0 >{tmp_path}/environ; exit 9")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    runs: dict[str, Callable[[], object]] = {
        "apt-get": lambda: debian._apt(["update"], "x"),
        "update-binfmts": lambda: emulation._register("qemu-none"),
    }
    with suppress(TroubleError):
        runs[name]()
    text = (tmp_path / "environ").read_bytes().decode()
    found = dict(entry.split("=", 1) for entry in text.split("\0") if entry)
    assert set(found) & set(SECRETS) == set()
    assert found.items() >= NEEDED.items()


def test_a_program_does_not_read_what_was_sent_to_the_caller(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("theirs")
    kept = os.dup(0)
    with given.open() as file:
        os.dup2(file.fileno(), 0)
        try:
            assert run(["cat"]).stdout == ""
            assert run(["cat"], input="ours").stdout == "ours"
        finally:
            os.dup2(kept, 0)
            os.close(kept)


def test_what_is_needed_passes_and_what_is_added_wins() -> None:
    shell = {**SECRETS, **NEEDED, "HOME": "/root", "PATH": "/bin", "TMPDIR": "/var/tmp"}
    assert child_environment(shell, TMPDIR="/srv/tmp") == {
        **NEEDED, "HOME": "/root", "PATH": "/bin:/usr/sbin:/sbin", "TMPDIR": "/srv/tmp",
    }  # fmt: skip
    assert child_environment({})["PATH"] == f"{os.defpath}:/usr/sbin:/sbin"
