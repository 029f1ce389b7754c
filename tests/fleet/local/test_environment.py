"""The environment of the engine, and its lines for a shell."""

import json
import subprocess
from pathlib import Path

import pytest

from fleet.declaration.builder_nodes import Node
from fleet.declaration.logins import Login
from fleet.local import environment
from fleet.local.requirements import Needs
from tests.fleet.local.examples import checkout, needs

ARM = Node(driver="remote", endpoint="unix:///run/buildkit/buildkitd.sock", options={})
CLOUD = Node(driver="cloud", endpoint="", options={})
ELSEWHERE = needs(port=None, host="ghcr.io", built_here=(), builders=("mine",))


def test_our_tools_come_first_on_path_and_are_named_once(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    first = environment.settings(here, needs(), {"PATH": "/usr/bin:/bin"})["PATH"]
    again = environment.settings(here, needs(), {"PATH": first})["PATH"]
    assert first == f"{here.root}/.venv/bin:{here.bin}:/usr/bin:/bin"
    assert again == first


def test_state_settings_and_logins_lie_in_the_checkout(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    found = environment.settings(here, needs(), {})
    assert found["PULUMI_BACKEND_URL"] == f"file://{here.root}/.fleet/state"
    assert found["PULUMI_HOME"] == f"{here.root}/.fleet/pulumi"
    assert found["DOCKER_CONFIG"] == f"{here.root}/.fleet/docker"
    assert found["SSL_CERT_FILE"] == f"{here.root}/.fleet/tls/bundle.pem"


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_the_embedded_stacks_passphrase_is_empty_whatever_the_user_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "/theirs")
    found = environment.complete(checkout(tmp_path), needs())
    assert found["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in found


def test_the_key_of_another_stack_does_not_sign_for_the_registry_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_SIGNING_KEY", "of production")
    monkeypatch.setenv("FLEET_SIGNING_KEY_FILE", "/theirs.pem")
    here = checkout(tmp_path)
    found = environment.complete(here, needs())
    assert "FLEET_SIGNING_KEY" not in found
    assert found["FLEET_SIGNING_KEY_FILE"] == f"{here.root}/.fleet/signing/private.pem"


@pytest.mark.parametrize("where", [needs(signing=True), ELSEWHERE], ids=["here", "elsewhere"])
@pytest.mark.parametrize("name", ["FLEET_SIGNING_KEY", "FLEET_SIGNING_KEY_FILE"])
def test_the_key_of_a_stack_that_declares_one_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Needs, name: str
) -> None:
    monkeypatch.delenv("FLEET_SIGNING_KEY", raising=False)
    monkeypatch.delenv("FLEET_SIGNING_KEY_FILE", raising=False)
    monkeypatch.setenv(name, "/theirs")
    found = environment.complete(checkout(tmp_path), where)
    assert {n: v for n, v in found.items() if n.startswith("FLEET_SIGNING")} == {name: "/theirs"}


def test_a_passphrase_file_is_unset_for_the_embedded_stack_and_kept_elsewhere(
    tmp_path: Path,
) -> None:
    here, env = checkout(tmp_path), {"PULUMI_CONFIG_PASSPHRASE_FILE": "/theirs"}
    assert environment.unset(here, needs(), env) == ["PULUMI_CONFIG_PASSPHRASE_FILE"]
    assert environment.unset(here, needs(), {}) == []
    assert environment.unset(here, ELSEWHERE, env) == []


def test_a_stack_elsewhere_keeps_the_users_backend_trust_and_passphrase(tmp_path: Path) -> None:
    found = environment.settings(checkout(tmp_path), needs(port=None, host="ghcr.io"), {})
    assert set(found) == {
        "PATH", "PULUMI_HOME", "PULUMI_SKIP_UPDATE_CHECK", "DOCKER_CONFIG", "BUILDX_CONFIG",
        "FLEET_LOGINS", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
    }  # fmt: skip


def test_what_the_embedded_stacks_exports_left_behind_is_unset_for_a_stack_elsewhere(
    tmp_path: Path,
) -> None:
    here = checkout(tmp_path)
    left = environment.settings(here, needs(), {})
    assert set(environment.unset(here, ELSEWHERE, left)) == {
        "DOCKER_CONFIG", "BUILDX_CONFIG", "SSL_CERT_FILE", "PULUMI_BACKEND_URL",
        "PULUMI_CONFIG_PASSPHRASE", "FLEET_SIGNING_KEY_FILE",
    }  # fmt: skip


def test_what_the_user_set_is_kept_for_a_stack_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {
        "DOCKER_CONFIG": "/home/me/.docker",
        "SSL_CERT_FILE": "/etc/pki/tls/company.pem",
        "PULUMI_BACKEND_URL": "s3://bucket",
        "PULUMI_CONFIG_PASSPHRASE": "",
    }
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    found = environment.complete(checkout(tmp_path), ELSEWHERE)
    assert theirs.items() <= found.items()


def test_a_passphrase_that_the_user_set_after_our_exports_is_kept(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    env = {**environment.settings(here, needs(), {}), "PULUMI_CONFIG_PASSPHRASE": "theirs"}
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment.unset(here, ELSEWHERE, env)


def test_the_users_docker_configuration_is_kept_with_the_users_builder(tmp_path: Path) -> None:
    assert "DOCKER_CONFIG" not in environment.settings(checkout(tmp_path), ELSEWHERE, {})


def test_a_declared_node_is_described_in_the_checkout_and_not_to_the_user(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    far = needs(port=None, host="ghcr.io", built_here=(), builders=("arm",), nodes={"arm": ARM})
    found = environment.settings(here, far, {})["DOCKER_CONFIG"]
    assert found == str(here.docker_config_elsewhere)


def test_dockers_own_buildx_is_told_not_to_attest_and_only_it(tmp_path: Path) -> None:
    here, name = checkout(tmp_path), "BUILDX_NO_DEFAULT_ATTESTATIONS"
    names, nodes = ("cloud-org-name",), {"cloud-org-name": CLOUD}
    cloud = needs(port=None, host="ghcr.io", built_here=(), builders=names, nodes=nodes)
    found = environment.settings(here, cloud, {})
    assert found[name] == "1"
    assert "DOCKER_CONFIG" not in found
    assert name not in environment.settings(here, needs(nodes={"arm": ARM}), {})


@pytest.mark.parametrize("wanted", [needs(), ELSEWHERE])
def test_loopback_goes_past_a_proxy(tmp_path: Path, wanted: Needs) -> None:
    here, proxy = checkout(tmp_path), {"HTTPS_PROXY": "http://proxy:3128"}
    assert "NO_PROXY" not in environment.settings(here, wanted, {})
    found = environment.settings(here, wanted, {**proxy, "no_proxy": "example.org"})
    assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1,example.org"
    again = environment.settings(here, wanted, {**proxy, "NO_PROXY": found["NO_PROXY"]})
    assert again["NO_PROXY"] == found["NO_PROXY"]


def test_a_shell_reads_back_every_value_as_it_was() -> None:
    values = {"PLAIN": "/a/b", "EMPTY": "", "ODD": 'it\'s $HOME `id` "x"\nnext; rm -rf /'}
    script = environment.exports(values) + 'printf "%s|" "$PLAIN" "$EMPTY" "$ODD"'
    shell = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)
    assert shell.stdout == "".join(f"{value}|" for value in values.values())


def test_a_shell_forgets_what_is_unset() -> None:
    script = environment.exports({"ONE": "1"}, ["TWO"]) + 'printf "%s|" "$ONE" "${TWO-gone}"'
    shell = subprocess.run(
        ["sh", "-c", script], check=True, capture_output=True, text=True, env={"TWO": "2"}
    )
    assert shell.stdout == "1|gone|"


def test_a_run_is_told_which_logins_are_declared_now(tmp_path: Path) -> None:
    names = {"username": "OUR_USER", "password": "OUR_WORD"}
    given = needs(
        port=None,
        host="ghcr.io",
        logins={"ghcr.io": Login(username="OUR_USER", password="OUR_WORD")},
    )
    found = environment.settings(checkout(tmp_path), given, {})["FLEET_LOGINS"]
    assert json.loads(found) == {"ghcr.io": names}
    assert environment.settings(checkout(tmp_path), needs(), {})["FLEET_LOGINS"] == "{}"
