"""Where credentials come from, and that each is for one registry alone."""

import asyncio
import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from fleet.registry import docker_login
from fleet.registry.docker_login import Credentials
from fleet.registry.errors import AuthenticationError, RegistryError
from fleet.registry.login import find_credentials, find_logins
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport


def find(tmp_path: Path, config: Any = None, **environment: str) -> Credentials | None:
    return find_for("ghcr.io/multi-py/app", tmp_path, config, **environment)


def find_for(
    repository: str,
    tmp_path: Path,
    config: Any = None,
    logins: Any = None,
    **environment: str,
) -> Credentials | None:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    given = {"DOCKER_CONFIG": str(tmp_path), **environment}
    found = find_logins(logins or OURS, given)
    return asyncio.run(find_credentials(Repository.parse(repository), found, given))


def helper(tmp_path: Path, script: str) -> str:
    """Write a credential helper and return a PATH that finds it."""
    program = tmp_path / "docker-credential-fake"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{tmp_path}:/usr/bin:/bin"


def encoded(pair: str) -> dict[str, str]:
    return {"auth": base64.b64encode(pair.encode()).decode()}


UNKNOWN = 'printf "credentials not found in native keychain"; exit 1'
NAMES = {"username": "OUR_USER", "password": "OUR_WORD"}
OURS = {"ghcr.io": NAMES}
GHCR = {"OUR_USER": "octocat", "OUR_WORD": "secret"}
PAIR = base64.b64encode(b"me:se:cret").decode()


class TestDeclaredLogins:
    def test_one_wins_over_docker_for_its_own_host(self, tmp_path: Path) -> None:
        config = {"auths": {"ghcr.io": {"auth": PAIR}}}
        found = find(tmp_path, config, **GHCR)
        assert found == Credentials(username="octocat", password="secret")

    def test_one_whose_variables_are_not_set_leaves_the_host_to_docker(
        self, tmp_path: Path
    ) -> None:
        config = {"auths": {"ghcr.io": {"auth": PAIR}}}
        for environment in ({}, dict.fromkeys(GHCR, "")):
            found = find(tmp_path, config, **environment)
            assert found == Credentials(username="me", password="se:cret")

    def test_no_other_host_gets_it(self, tmp_path: Path) -> None:
        hub = "docker.io/library/python"
        assert find_for(hub, tmp_path, **GHCR) is None
        assert find_for("ghcr.io:444/a", tmp_path, **GHCR) is None
        assert find_for("x.ghcr.io/a", tmp_path, **GHCR) is None
        login = {"auths": {"https://index.docker.io/v1/": encoded("hubuser:hubpass")}}
        found = find_for(hub, tmp_path, login, **GHCR)
        assert found == Credentials(username="hubuser", password="hubpass")

    def test_each_host_gets_its_own(self, tmp_path: Path) -> None:
        both = {**OURS, "docker.io": {"username": "HUB_USER", "password": "HUB_WORD"}}
        environment = {**GHCR, "HUB_USER": "hub", "HUB_WORD": "other"}
        for host, user in (("ghcr.io", "octocat"), ("docker.io", "hub")):
            found = find_for(f"{host}/org/app", tmp_path, logins=both, **environment)
            assert found is not None
            assert found.username == user

    def test_docker_hub_s_is_found_by_each_of_its_names(self, tmp_path: Path) -> None:
        for named in ("docker.io", "index.docker.io"):
            for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
                found = find_for(f"{host}/org/app", tmp_path, logins={named: NAMES}, **GHCR)
                assert found is not None

    @pytest.mark.parametrize("name", list(GHCR))
    def test_half_a_pair_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(AuthenticationError, match=f"{name}: is set without OUR_.*Set both"):
            find(tmp_path, **{name: "half"})

    @pytest.mark.parametrize("name", list(GHCR))
    def test_half_a_pair_leaves_the_host_to_docker(self, tmp_path: Path, name: str) -> None:
        found = find(tmp_path, {"auths": {"ghcr.io": {"auth": PAIR}}}, **{name: "half"})
        assert found == Credentials(username="me", password="se:cret")
        assert find_for("docker.io/library/python", tmp_path, **{name: "half"}) is None

    def test_the_variable_that_named_another_host_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(AuthenticationError, match=r"FLEET_REGISTRY_HOST: is set.*Unset it"):
            find(tmp_path, **GHCR, FLEET_REGISTRY_HOST="docker.io")
        assert find(tmp_path, **GHCR, FLEET_REGISTRY_HOST="") is not None

    def test_every_fault_is_named_at_once(self, tmp_path: Path) -> None:
        both = {**OURS, "docker.io": {"username": "HUB_USER", "password": "HUB_WORD"}}
        wrong = {**GHCR, "OUR_USER": "a:canary", "HUB_USER": "hub", "HUB_WORD": "canary\n"}
        with pytest.raises(AuthenticationError, match=r"(?s)OUR_USER: .*HUB_WORD: ") as caught:
            find_for("ghcr.io/a", tmp_path, logins=both, **wrong)
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize("name", list(GHCR))
    @pytest.mark.parametrize("value", ["canary\n", " canary", "can\rary", "can\nary", "can\x00ary"])
    def test_what_cannot_be_sent_is_refused_by_the_name_of_its_variable(
        self, tmp_path: Path, name: str, value: str
    ) -> None:
        with pytest.raises(RegistryError, match=f"^{name}: ") as caught:
            find(tmp_path, **{**GHCR, name: value})
        assert "can" not in str(caught.value).replace("can't", "")

    def test_a_space_or_an_umlaut_inside_a_password_is_part_of_it(self, tmp_path: Path) -> None:
        found = find(tmp_path, **{**GHCR, "OUR_WORD": "p ä:w"})
        assert found is not None
        assert base64.b64decode(found.basic()[6:]).decode() == "octocat:p ä:w"

    def test_a_user_name_with_a_colon_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(AuthenticationError, match="OUR_USER: has a colon"):
            find(tmp_path, **{**GHCR, "OUR_USER": "a:b"})

    def test_values_are_in_no_repr(self) -> None:
        assert "secret" not in repr(find_logins(OURS, GHCR))


class TestStoredLogins:
    @pytest.mark.parametrize(
        "key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/", "GHCR.io"]
    )
    def test_a_host_is_found_under_each_spelling(self, tmp_path: Path, key: str) -> None:
        found = find(tmp_path, {"auths": {key: {"auth": PAIR}}})
        assert found == Credentials(username="me", password="se:cret")

    def test_no_configuration_is_anonymous_access(self, tmp_path: Path) -> None:
        assert find(tmp_path) is None
        assert find(tmp_path, {"auths": {"other.example": {"auth": PAIR}}}) is None

    @pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
    @pytest.mark.parametrize(
        "key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"]
    )
    def test_docker_hub_s_login_is_found(self, tmp_path: Path, host: str, key: str) -> None:
        config = {"auths": {key: {"auth": "aHVidXNlcjpodWJwYXNz"}}}
        found = find_for(f"{host}/library/python", tmp_path, config)
        assert found == Credentials(username="hubuser", password="hubpass")

    @pytest.mark.parametrize("turned", [False, True])
    def test_the_longest_path_wins_and_no_other_namespace_s_login_is_taken(
        self, tmp_path: Path, turned: bool
    ) -> None:
        auths = {
            "ghcr.io/acme": encoded("acme:a"),
            "ghcr.io/multi-py": encoded("multi:m"),
            "ghcr.io/multi-py/special": encoded("special:s"),
        }
        config = {"auths": dict(reversed(auths.items())) if turned else auths}

        def user(repository: str) -> str:
            found = find_for(repository, tmp_path, config)
            return found.username if found else ""

        assert user("ghcr.io/multi-py/x") == "multi"
        assert user("ghcr.io/multi-py/special") == "special"
        assert user("ghcr.io/multi-py/special/build") == "special"
        assert user("ghcr.io/multi-python/x") == ""
        assert user("ghcr.io/other/x") == ""
        config["auths"]["ghcr.io"] = encoded("host:h")
        assert user("ghcr.io/other/x") == "host"
        assert user("ghcr.io/multi-py/x") == "multi"

    @pytest.mark.parametrize(
        "entry",
        [
            {"identitytoken": "canary\n"},
            {"username": "me", "password": "canary\n"},
            encoded("me:canary\n"),
            {"auth": "canary"},
            encoded("canary"),
            "canary",
        ],
    )
    def test_one_that_cannot_be_sent_is_named_and_not_shown(
        self, tmp_path: Path, entry: Any
    ) -> None:
        with pytest.raises(RegistryError, match=r"the login of ghcr\.io") as caught:
            find(tmp_path, {"auths": {"ghcr.io": entry}})
        assert "canary" not in str(caught.value) + repr(caught.value.__cause__)

    @pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
    def test_an_unreadable_configuration_is_named(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(AuthenticationError, match=r"config.json"):
            find(tmp_path)

    def test_one_that_is_closed_to_this_user_is_named_and_no_anonymous_access(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        # These tests may run as root, whom no folder is closed to.
        for name in ("stat", "read_text"):
            monkeypatch.setattr(Path, name, refuse)
        with pytest.raises(
            AuthenticationError, match=f"{tmp_path}/config.json: .*\nSet DOCKER_CONFIG"
        ):
            find(tmp_path)


class TestHelpers:
    @pytest.mark.parametrize(
        ("repository", "key"),
        [
            ("ghcr.io/multi-py/app", "ghcr.io"),
            ("docker.io/library/python", "https://index.docker.io/v1/"),
            ("registry-1.docker.io/library/python", "https://index.docker.io/v1/"),
        ],
    )
    def test_it_is_asked_with_the_key_of_docker_s_own_login(
        self, tmp_path: Path, repository: str, key: str
    ) -> None:
        path = helper(tmp_path, 'read host; printf \'{"Username":"u","Secret":"%s"}\' "$host"')
        for config in ({"credsStore": "fake"}, {"credHelpers": {key: "fake"}}):
            found = find_for(repository, tmp_path, config, PATH=path)
            assert found == Credentials(username="u", password=key)

    def test_an_empty_helper_of_a_host_leaves_the_stored_login(self, tmp_path: Path) -> None:
        config = {"credsStore": "missing", "credHelpers": {"ghcr.io": ""},
                  "auths": {"ghcr.io": {"auth": PAIR}}}  # fmt: skip
        assert find(tmp_path, config) == Credentials(username="me", password="se:cret")

    def test_its_token_user_is_an_identity_token(self, tmp_path: Path) -> None:
        path = helper(tmp_path, 'printf \'{"Username":"<token>","Secret":"t"}\'')
        assert find(tmp_path, {"credsStore": "fake"}, PATH=path) == Credentials(identity_token="t")

    def test_one_that_has_no_login_leaves_the_stored_one_or_none(self, tmp_path: Path) -> None:
        path = helper(tmp_path, UNKNOWN)
        assert find(tmp_path, {"credsStore": "fake"}, PATH=path) is None
        config = {"credsStore": "fake", "auths": {"ghcr.io": {"auth": PAIR}}}
        found = find(tmp_path, config, PATH=path)
        assert found == Credentials(username="me", password="se:cret")

    @pytest.mark.parametrize("script", ["exit 1", "printf 'canary: locked'; exit 2", "kill -9 $$"])
    def test_one_that_fails_is_an_error_and_not_anonymous_access(
        self, tmp_path: Path, script: str
    ) -> None:
        path = helper(tmp_path, script)
        config = {"credsStore": "fake", "auths": {"ghcr.io": {"auth": PAIR}}}
        with pytest.raises(AuthenticationError, match=r"failed for ghcr\.io.*echo ghcr") as caught:
            find(tmp_path, config, PATH=path)
        assert "canary" not in str(caught.value)

    @pytest.mark.parametrize(
        "script",
        [
            "printf '{'",
            'printf \'{"Secret":"canary"}\'',
            'printf \'{"Username":"u","Secret":"canary\\\\n"}\'',
            'printf \'{"Username":"<token>","Secret":"can ary"}\'',
        ],
    )
    def test_an_answer_that_cannot_be_used_is_refused_without_showing_it(
        self, tmp_path: Path, script: str
    ) -> None:
        path = helper(tmp_path, script)
        with pytest.raises(RegistryError, match="docker-credential-fake") as caught:
            find(tmp_path, {"credsStore": "fake"}, PATH=path)
        assert "canary" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_one_that_is_missing_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(AuthenticationError, match="docker-credential-missing: can't be run"):
            find(tmp_path, {"credsStore": "missing"})

    def test_one_that_hangs_ends_with_all_that_it_started(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(docker_login, "_DEADLINE", 0.5)
        path = helper(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; wait")
        began = time.monotonic()
        with pytest.raises(AuthenticationError, match=r"no answer for ghcr\.io within 0\.5 s"):
            find(tmp_path, {"credsStore": "fake"}, PATH=path)
        assert time.monotonic() - began < 10
        child = int((tmp_path / "child").read_text())
        assert has_ended(child)


def has_ended(pid: int) -> bool:
    """Tell whether a process ends within some seconds; one that is dead and unclaimed counts."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_credentials_never_show_their_secrets() -> None:
    shown = repr(Credentials(username="me", password="canary", identity_token="canary"))
    assert "canary" not in shown


def test_plain_http_is_only_for_listed_hosts() -> None:
    def base(listed: str, host: str) -> str:
        return Transport(http=http, environment={"FLEET_PLAIN_HTTP": listed}).base(host)

    http = httpx.AsyncClient()
    assert base("localhost:5000, 127.0.0.1:1,", "127.0.0.1:1") == "http://127.0.0.1:1"
    assert base("localhost:5000, 127.0.0.1:1,", "ghcr.io") == "https://ghcr.io"
    assert base("", "localhost:5000") == "https://localhost:5000"
