import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet.http.retry import retry_after
from providers.ociregistry.auth import merge_scopes, parse_challenge
from providers.ociregistry.credentials import Credentials, find_credentials, plain_http_hosts
from providers.ociregistry.errors import AuthenticationError


def find(tmp_path: Path, config: Any = None, **environment: str) -> Credentials | None:
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    return asyncio.run(find_credentials("ghcr.io", {"DOCKER_CONFIG": str(tmp_path), **environment}))


def helper(tmp_path: Path, script: str) -> str:
    """Write a credential helper and return a PATH that finds it."""
    program = tmp_path / "docker-credential-fake"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{tmp_path}:/usr/bin:/bin"


PAIR = base64.b64encode(b"me:se:cret").decode()


def test_the_environment_wins_over_docker(tmp_path: Path) -> None:
    config = {"auths": {"ghcr.io": {"auth": PAIR}}}
    found = find(tmp_path, config, FLEET_REGISTRY_USERNAME="env", FLEET_REGISTRY_PASSWORD="pw")
    assert found == Credentials(username="env", password="pw")


@pytest.mark.parametrize("name", ["FLEET_REGISTRY_USERNAME", "FLEET_REGISTRY_PASSWORD"])
def test_half_a_pair_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AuthenticationError, match="set both"):
        find(tmp_path, **{name: "half"})


@pytest.mark.parametrize("key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/"])
def test_docker_s_pair_is_found_under_each_spelling_of_the_host(tmp_path: Path, key: str) -> None:
    found = find(tmp_path, {"auths": {key: {"auth": PAIR}}})
    assert found == Credentials(username="me", password="se:cret")


def test_no_configuration_is_anonymous_access(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    assert find(tmp_path, {"auths": {"other.example": {"auth": PAIR}}}) is None


def test_a_credential_helper_is_asked_with_the_host(tmp_path: Path) -> None:
    script = 'read host; printf \'{"Username":"u","Secret":"%s"}\' "$host"'
    path = helper(tmp_path, script)
    found = find(tmp_path, {"credHelpers": {"ghcr.io": "fake"}}, PATH=path)
    assert found == Credentials(username="u", password="ghcr.io")


def test_a_helper_s_token_user_is_an_identity_token(tmp_path: Path) -> None:
    script = 'printf \'{"Username":"<token>","Secret":"t"}\''
    path = helper(tmp_path, script)
    assert find(tmp_path, {"credsStore": "fake"}, PATH=path) == Credentials(identity_token="t")


def test_a_helper_that_knows_nothing_leaves_the_stored_pair(tmp_path: Path) -> None:
    path = helper(tmp_path, "exit 1")
    found = find(tmp_path, {"credsStore": "fake", "auths": {"ghcr.io": {"auth": PAIR}}}, PATH=path)
    assert found == Credentials(username="me", password="se:cret")


@pytest.mark.parametrize("script", ["printf '{'", 'printf \'{"Secret":"canary"}\''])
def test_a_malformed_answer_is_refused_without_showing_it(tmp_path: Path, script: str) -> None:
    path = helper(tmp_path, script)
    with pytest.raises(AuthenticationError) as caught:
        find(tmp_path, {"credsStore": "fake"}, PATH=path)
    assert "canary" not in str(caught.value)


def test_a_missing_helper_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match="docker-credential-missing"):
        find(tmp_path, {"credsStore": "missing"})


def test_an_unreadable_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(AuthenticationError, match=r"config.json"):
        find(tmp_path)


def test_credentials_never_show_their_secrets() -> None:
    shown = repr(Credentials(username="me", password="canary", identity_token="canary"))
    assert "canary" not in shown


def test_plain_http_is_only_for_listed_hosts() -> None:
    listed = plain_http_hosts({"FLEET_PLAIN_HTTP": "localhost:5000, 127.0.0.1:1,"})
    assert listed == {"localhost:5000", "127.0.0.1:1"}
    assert plain_http_hosts({}) == frozenset()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("²", None),
    ],
)
def test_retry_after_reads_seconds_and_dates(value: str, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 1, 1, tzinfo=UTC)) == seconds


def test_a_challenge_is_read_with_quoted_and_bare_parameters() -> None:
    found = parse_challenge('Bearer realm="https://a/token?x=1,2", service=s, scope="a:b:c,d"')
    assert found.scheme == "bearer"
    assert found.parameters == {
        "realm": "https://a/token?x=1,2",
        "service": "s",
        "scope": "a:b:c,d",
    }


def test_scopes_of_one_repository_are_joined() -> None:
    joined = merge_scopes(("repository:a:pull", "repository:b:pull", "repository:a:push,pull"))
    assert joined == ("repository:a:pull,push", "repository:b:pull")
