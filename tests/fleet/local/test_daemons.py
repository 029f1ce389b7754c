"""Configuration of registry and builder, packages and emulation."""

import json
import os
import socket
import threading
import tomllib
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import builder, certificates, debian, docker_config, emulation, platforms, registry
from fleet.local.paths import SOCKET_PATH_LIMIT, Checkout
from fleet.local.requirements import Needs
from tests.fleet.local.examples import LOGIN, PLATFORMS, checkout, command, needs


def _toml(here: Checkout, wanted: Needs) -> str:
    return builder.daemon(here, Path("buildkitd"), wanted).config


def test_the_registry_listens_on_loopback_by_tls_and_can_delete(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    config = json.loads(registry.daemon(here, Path("registry"), 5999).config)
    assert config["http"]["addr"] == "127.0.0.1:5999"
    assert config["http"]["tls"]["certificate"] == str(here.tls / "server.pem")
    assert config["storage"]["delete"]["enabled"] is True
    assert config["auth"] == {"htpasswd": {"realm": "fleet", "path": str(here.auth / "htpasswd")}}
    assert Path(config["storage"]["filesystem"]["rootdirectory"]).is_relative_to(here.state)


def test_a_port_where_nothing_speaks_tls_by_our_authority_gives_no_answer(tmp_path: Path) -> None:
    authority = certificates.ensure(checkout(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            server.accept()[0].close()

        closing = threading.Thread(target=hang_up)
        closing.start()
        assert not registry.answers(port, authority, LOGIN)
        closing.join()
    assert not registry.answers(port, authority, LOGIN)


def test_the_builder_speaks_tls_to_our_registry_under_our_authority(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    config = tomllib.loads(_toml(here, needs(host="localhost:5999", port=5999)))
    assert config["registry"] == {
        "localhost:5999": {"http": False, "ca": [str(here.tls / "server.pem")]}
    }
    assert config["root"] == str(here.state / "buildkit")
    assert config["grpc"]["address"] == [f"unix://{here.socket}"]
    assert Path(config["otel"]["socketPath"]).parent == here.socket.parent
    assert config["worker"]["oci"]["max-parallelism"] >= 2
    assert config["worker"]["oci"]["minFreeSpace"] == 2 * 10**9, "its cache gives way before"


def test_the_builder_knows_no_registry_that_is_not_ours(tmp_path: Path) -> None:
    config = _toml(checkout(tmp_path), needs(port=None, host="ghcr.io"))
    assert "registry" not in tomllib.loads(config)


@pytest.mark.parametrize(("plain", "http"), [("", False), ("other:1, mirror.lan:5000", True)])
def test_the_builder_speaks_to_a_declared_mirror_as_the_program_does(
    plain: str, http: bool
) -> None:
    mirrored = needs(base_registry="mirror.lan:5000/library")
    given = {"FLEET_PLAIN_HTTP": plain}
    config = builder.configuration(mirrored, authority="ca.pem", environment=given)
    assert tomllib.loads(config)["registry"]["mirror.lan:5000"] == {"http": http}


def test_a_mirror_on_the_stacks_own_registry_is_spoken_to_as_that_is(tmp_path: Path) -> None:
    own = needs(base_registry="localhost:5443/library")
    config = tomllib.loads(_toml(checkout(tmp_path), own))
    assert list(config["registry"]) == ["localhost:5443"]
    assert "ca" in config["registry"]["localhost:5443"]


def test_odd_characters_of_a_path_stay_one_string(tmp_path: Path) -> None:
    here = Checkout(root=tmp_path / 'a "b" \\c', cache=tmp_path)
    config = tomllib.loads(_toml(here, needs()))
    assert config["root"] == str(here.state / "buildkit")


def test_buildx_clients_find_the_builder_by_its_instance_file(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    docker_config.share(here, needs(), {})
    found = json.loads((here.docker_config / "buildx" / "instances" / "fleet").read_text())
    assert (found["Name"], found["Driver"]) == ("fleet", "remote")
    assert [node["Endpoint"] for node in found["Nodes"]] == [f"unix://{here.socket}"]


def test_the_socket_lies_in_the_checkout_while_its_path_is_short_enough(tmp_path: Path) -> None:
    here = Checkout(root=Path("/srv/fleet"), cache=tmp_path)
    assert here.socket == Path("/srv/fleet/.fleet/run/buildkit.sock")


def test_a_long_path_moves_the_socket_to_a_short_private_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    deep = Checkout(root=tmp_path / ("d" * 100), cache=tmp_path)
    other = Checkout(root=tmp_path / ("e" * 100), cache=tmp_path)
    deep.root.mkdir()
    deep.make_run()
    assert len(os.fsencode(deep.socket)) <= SOCKET_PATH_LIMIT
    assert deep.socket != other.socket
    assert deep.socket.parent.stat().st_mode & 0o777 == 0o700
    assert (deep.run / "buildkit.sock").readlink() == deep.socket


def test_a_short_directory_that_others_can_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    deep = Checkout(root=tmp_path / ("d" * 100), cache=tmp_path)
    deep.root.mkdir()
    deep.socket.parent.mkdir()
    deep.socket.parent.chmod(0o777)
    with pytest.raises(TroubleError, match="is not private to this user"):
        deep.make_run()


def test_packages_are_wanted_for_what_is_needed_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "_KERNEL", tmp_path)
    own = (platforms.native(),)
    everything = debian.wanted(needs(), stand_ins=True)
    assert sorted(everything.values()) == [
        "binfmt-support", "mmdebstrap", "qemu-user-static", "runc",
    ]  # fmt: skip
    assert set(debian.wanted(needs(platforms=own), stand_ins=False)) == {"runc"}
    mixed = needs(platforms=PLATFORMS, built_here=own, builders=("mine",))
    assert set(debian.wanted(mixed, stand_ins=False)) == {"runc"}
    assert debian.wanted(needs(built_here=(), port=None), stand_ins=False) == {}


def test_where_the_kernel_has_all_formats_no_package_of_emulators_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fedora and Arch have no update-binfmts."""
    monkeypatch.setattr(emulation, "_KERNEL", tmp_path)
    formats = emulation.emulated(PLATFORMS)
    for name in formats:
        assert "update-binfmts" in debian.wanted(needs(), stand_ins=False)
        (tmp_path / name).write_text("enabled\ninterpreter /usr/bin/qemu\n")
    assert set(debian.wanted(needs(), stand_ins=False)) == {"runc"}


def test_a_package_is_missing_when_none_of_its_commands_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(tmp_path, "new-name", "exit 0")
    monkeypatch.setattr(debian, "_PATH", str(tmp_path))
    commands = {"old-name|new-name": "renamed", "absent": "lacking", "gone": "lacking"}
    assert debian.missing(commands) == ["lacking"]


def test_missing_packages_are_named_where_they_cannot_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "_PATH", str(tmp_path))
    monkeypatch.setattr(emulation, "_KERNEL", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    wanted = debian.wanted(needs(), stand_ins=True)
    refusal = (
        r"packages are missing: .*mmdebstrap qemu-user-static runc\.\n.*, install what brings "
        r"runc, mmdebstrap\. In place of qemu-user-static .*/binfmt_misc"
    )
    for judge in (debian.require, debian.install):
        with pytest.raises(TroubleError, match=refusal):
            judge(wanted)
    with pytest.raises(TroubleError) as refused:
        debian.require({"runc": "runc"})
    assert "qemu" not in str(refused.value)


def test_missing_packages_are_installed_after_one_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(tmp_path, "apt-get", f'echo "$DEBIAN_FRONTEND $@" >>{tmp_path}/calls')
    monkeypatch.setattr(debian, "_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    wanted = debian.wanted(needs(platforms=(platforms.native(),)), stand_ins=False)
    debian.require(wanted)
    assert not (tmp_path / "calls").exists(), "nothing is installed yet"
    debian.install(wanted)
    assert (tmp_path / "calls").read_text().splitlines() == [
        "noninteractive update --quiet",
        "noninteractive install --quiet --yes --no-install-recommends runc",
    ]


def test_a_failed_install_shows_the_end_of_what_apt_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(tmp_path, "apt-get", "echo E: no space left; exit 100")
    monkeypatch.setattr(debian, "_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(TroubleError, match=r"(?s)could not install runc.*no space left"):
        debian.install(debian.wanted(needs(platforms=(platforms.native(),)), stand_ins=False))


def test_only_foreign_platforms_are_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulation, "native", lambda: "linux/amd64")
    assert emulation.emulated(PLATFORMS) == ["qemu-aarch64", "qemu-arm"]


class Kernel:
    """A folder in place of the kernel's, where formats are enabled by writing a file."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "binfmt_misc"
        self.folder.mkdir()
        (self.folder / "register").touch()
        patch.setattr(emulation, "_KERNEL", self.folder)
        patch.setattr(emulation, "_FORMATS", folder / "binfmt.d")
        patch.setattr(emulation, "native", lambda: "linux/amd64")
        patch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")

    def enable(self, name: str) -> None:
        (self.folder / name).write_text("enabled\ninterpreter /usr/bin/qemu\n")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(tmp_path, monkeypatch)


def test_formats_that_are_enabled_are_left_alone(kernel: Kernel, tmp_path: Path) -> None:
    command(tmp_path / "bin", "update-binfmts", f"touch {tmp_path}/called")
    kernel.enable("qemu-aarch64")
    emulation.enable(("linux/amd64", "linux/arm64"))
    assert not (tmp_path / "called").exists()


def test_a_missing_format_is_enabled_by_name(kernel: Kernel, tmp_path: Path) -> None:
    script = f'[ "$1" = --enable ] && echo enabled >{kernel.folder}/"$2"'
    command(tmp_path / "bin", "update-binfmts", script)
    emulation.enable(("linux/arm/v7",))
    assert (kernel.folder / "qemu-arm").exists()


def test_a_format_of_binfmt_d_is_registered_where_the_tool_knows_none(
    kernel: Kernel, tmp_path: Path
) -> None:
    command(tmp_path / "bin", "update-binfmts", "exit 2")
    (tmp_path / "binfmt.d").mkdir()
    (tmp_path / "binfmt.d" / "qemu-arm.conf").write_text(":qemu-arm:M::x:y:/usr/bin/qemu:F\n")
    with pytest.raises(TroubleError, match="qemu-arm"):
        # This kernel is a folder, so nothing gets enabled; the line arrived all the same.
        emulation.enable(("linux/arm/v7",))
    assert (kernel.folder / "register").read_text() == ":qemu-arm:M::x:y:/usr/bin/qemu:F"


def test_a_format_that_cannot_be_enabled_is_told_with_package_and_way_out(
    kernel: Kernel, tmp_path: Path
) -> None:
    command(tmp_path / "bin", "update-binfmts", "echo read-only >&2; exit 2")
    told = r"qemu-aarch64.*\(.*update-binfmts .* failed: read-only\).*\n.*qemu-user-static.*fleet:b"
    with pytest.raises(TroubleError, match=told):
        emulation.enable(("linux/arm64",))
    (tmp_path / "bin" / "update-binfmts").unlink()
    with pytest.raises(TroubleError, match=r"neither update-binfmts nor binfmt\.d has it"):
        emulation.enable(("linux/arm64",))


def test_a_kernel_without_binfmt_misc_is_told_with_its_module_and_the_host(
    kernel: Kernel, tmp_path: Path
) -> None:
    (kernel.folder / "register").unlink()
    command(tmp_path / "bin", "mount", "echo unknown filesystem type >&2; exit 32")
    with pytest.raises(
        TroubleError, match=r"unknown filesystem.*\n.*modprobe .* on its host.*fleet:b"
    ):
        emulation.enable(("linux/arm64",))
