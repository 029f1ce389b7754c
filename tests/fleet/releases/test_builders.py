"""Which builder is asked, and what its client is given: stand-ins for buildctl and docker."""

import time
from pathlib import Path
from threading import Timer

import pytest

from fleet.local.processes import birth, until
from fleet.releases.lock import builders
from fleet.releases.lock.builders import Build, BuilderError, built

CLIENT = """\
#!/bin/sh
case "$*" in *workers*|*version*) exit 0 ;; esac
env >{log}.env; printf '%s\\n' "$@" >{log}
{body}
"""


def client(path: Path, log: Path, body: str = "printf tar") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CLIENT.format(log=log, body=body))
    path.chmod(0o755)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path / 'docker'}:/usr/bin:/bin")
    return tmp_path


def own(root: Path, body: str = "printf tar") -> None:
    client(root / ".fleet/bin/buildctl", root / "buildctl", body)
    (root / ".fleet/run").mkdir()
    (root / "elsewhere.sock").touch()
    (root / ".fleet/run/buildkit.sock").symlink_to(root / "elsewhere.sock")


def docker(root: Path, body: str = "printf tar") -> None:
    client(root / "docker" / "docker", root / "buildx", body)


def run(root: Path) -> bytes:
    base = "python@sha256:0"
    return built(Build(folder=root / "context", base=base, platform="linux/amd64"), root)


def test_the_builder_of_the_checkout_goes_first(root: Path) -> None:
    own(root)
    docker(root)
    assert run(root) == b"tar"
    words = (root / "buildctl").read_text().splitlines()
    assert words[:3] == ["--addr", f"unix://{root}/elsewhere.sock", "build"]
    assert "build-arg:BASE=python@sha256:0" in words
    assert "platform=linux/amd64" in words
    assert words[-2:] == ["--output", "type=tar,dest=-"]
    assert not (root / "buildx").exists()


def test_dockers_own_serves_where_that_does_not_run(root: Path) -> None:
    docker(root)
    assert run(root) == b"tar"
    words = (root / "buildx").read_text().splitlines()
    assert words[:2] == ["buildx", "build"]
    # Those that Docker's configuration can set; a proxy's address may hold a password.
    for name in ("ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        assert {f"--build-arg={name}=", f"--build-arg={name.lower()}="} <= {*words}
    assert words[-3:] == [str(root / "context"), "--output", "type=tar,dest=-"]


def test_without_a_builder_the_command_that_starts_one_is_named(root: Path) -> None:
    with pytest.raises(BuilderError, match="`make up STACK=dev`"):
        run(root)


def test_the_client_gets_no_secret_of_the_shell(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(root)
    for name in ("FLEET_REGISTRY_PASSWORD", "GITHUB_TOKEN", "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("DOCKER_CONFIG", "/logins")
    run(root)
    given = (root / "buildx.env").read_text()
    assert "hunter2" not in given
    assert "DOCKER_CONFIG=/logins" in given


def test_a_failure_is_told_in_one_line_without_controls(root: Path) -> None:
    docker(root, "printf '\\033[31mno such\\nbase' >&2; exit 1")
    with pytest.raises(BuilderError, match=r"the builder failed: \[31mno such base"):
        run(root)


@pytest.mark.parametrize("body", ["exec sleep 60", "sleep 60"])
def test_a_build_that_never_ends_is_ended_with_all_it_started(
    root: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(builders, "_DEADLINE_SECONDS", 0.5)
    docker(root, body)
    begun = time.monotonic()
    with pytest.raises(BuilderError):
        run(root)
    assert time.monotonic() - begun < 30


def test_a_client_that_does_not_answer_is_ended_with_all_it_started(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builders, "_ANSWER_SECONDS", 2.0)
    script = f"#!/bin/sh\nsleep 60 &\necho $! >{root}/pid\nwait\n"
    docker(root)
    (root / "docker" / "docker").write_text(script)
    with pytest.raises(BuilderError, match="no builder answers"):
        run(root)
    pid = int((root / "pid").read_text())
    assert until(lambda: birth(pid) is None, 10)


def test_a_build_whose_deadline_can_t_be_set_is_ended(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Timer, "start", refuse)
    docker(root, "exec sleep 20")
    begun = time.monotonic()
    with pytest.raises(RuntimeError):
        run(root)
    assert time.monotonic() - begun < 15


def test_more_than_any_metadata_is_not_read(root: Path) -> None:
    docker(root, "exec cat /dev/zero")
    with pytest.raises(BuilderError, match="more than the 4194304 bytes"):
        run(root)


def test_a_socket_that_nobody_answers_is_no_builder(root: Path) -> None:
    own(root)
    (root / ".fleet/bin/buildctl").write_text("#!/bin/sh\nexit 1\n")
    docker(root)
    assert run(root) == b"tar"
    assert (root / "buildx").exists()
