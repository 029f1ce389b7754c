"""Challenges of a registry over real HTTP: who is asked for a token, and what it sees."""

import asyncio
import json
import re
from contextlib import suppress
from typing import Any

import httpx
import pytest

from fleet.http.message import Call, Reply
from fleet.registry.auth import Authenticator
from fleet.registry.client import Client
from fleet.registry.errors import AuthenticationError, RegistryError
from fleet.registry.login import find_logins
from fleet.registry.manifest import Manifest
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import OCI_INDEX

INDEX = Manifest(body=b'{"schemaVersion":2,"manifests":[]}', media_type=OCI_INDEX)


class TestAuthentication:
    BEARER = 'Bearer realm="REALM",service="fake",scope="repository:team/app:pull"'

    def login(self, call: Caller, host: str = "") -> None:
        call.logins = {host or call.registry.host: {"username": "OUR_USER", "password": "OUR_WORD"}}
        call.environment.update(OUR_USER="me", OUR_WORD="canary")

    def test_a_token_is_fetched_once_for_a_scope(self, call: Caller) -> None:
        call.registry.challenge = self.BEARER
        self.login(call)

        async def twice(client: Client) -> None:
            await client.head(call.repository, "tag")
            await client.head(call.repository, "tag")

        call(twice)
        assert [line.split()[0] for line in call.registry.log] == ["HEAD", "GET", "HEAD", "HEAD"]
        assert call.registry.token_requests == [
            {"service": ["fake"], "scope": ["repository:team/app:pull"]}
        ]

    def test_a_write_asks_for_the_scope_to_push(self, call: Caller) -> None:
        call.registry.challenge = self.BEARER
        call(lambda c: c.put(call.repository, "tag", INDEX))
        assert call.registry.token_requests[0]["scope"] == ["repository:team/app:pull,push"]

    def test_a_scope_of_another_form_is_asked_for_as_it_was_named(self, call: Caller) -> None:
        # Gitea's, for whatever is asked of it.
        call.registry.challenge = 'Bearer realm="REALM",service="container_registry",scope="*"'
        call(lambda c: c.head(call.repository, "tag"))
        (asked,) = call.registry.token_requests
        assert asked["scope"] == ["*", "repository:team/app:pull"]

    def test_an_expired_token_is_renewed_once(self, call: Caller) -> None:
        call.registry.challenge = self.BEARER

        async def expire(client: Client) -> None:
            await client.head(call.repository, "tag")
            call.registry.tokens.clear()
            await client.head(call.repository, "tag")

        call(expire)
        assert len(call.registry.token_requests) == 2

    def test_a_token_that_is_never_accepted_fails_after_one_renewal(self, call: Caller) -> None:
        call.registry.challenge = self.BEARER
        headers = {"WWW-Authenticate": f'Bearer realm="http://{call.registry.host}/token"'}
        call.registry.fault("HEAD", status=401, headers=headers, times=99)
        with pytest.raises(AuthenticationError, match="answered 401; check the credentials"):
            call(lambda c: c.head(call.repository, "tag"))
        assert len(call.registry.log) == 3

    def test_basic_credentials_answer_a_basic_challenge(self, call: Caller) -> None:
        call.registry.challenge = 'Basic realm="fake"'
        call.registry.authorization = "Basic bWU6Y2FuYXJ5"
        self.login(call)
        assert call(lambda c: c.head(call.repository, "tag")) is None

    @pytest.mark.parametrize("host", ["ghcr.io", "127.0.0.1:1"])
    @pytest.mark.parametrize("challenge", [BEARER, 'Basic realm="fake"'])
    def test_the_pair_of_another_host_is_sent_nowhere(
        self, call: Caller, host: str, challenge: str
    ) -> None:
        self.login(call, host)
        call.registry.challenge = challenge
        if challenge == self.BEARER:
            assert call(lambda c: c.head(call.repository, "tag")) is None
            assert call.registry.token_logins == [""]
        else:
            with pytest.raises(AuthenticationError, match=f"none for {call.registry.host}"):
                call(lambda c: c.head(call.repository, "tag"))

    @pytest.mark.parametrize(
        "challenges",
        [
            'Negotiate\nBasic realm="registry"',
            'Negotiate, Basic realm="registry"',
            'Basic realm="registry", Digest realm="x", nonce="y"',
            'Bearer error="no realm"\nBasic realm="registry"',
        ],
    )
    def test_basic_is_found_among_schemes_that_are_unknown(
        self, call: Caller, challenges: str
    ) -> None:
        call.registry.challenge = challenges
        call.registry.authorization = "Basic bWU6Y2FuYXJ5"
        self.login(call)
        assert call(lambda c: c.head(call.repository, "tag")) is None

    @pytest.mark.parametrize("between", [", ", "\n"])
    @pytest.mark.parametrize("turned", [False, True])
    def test_a_token_is_better_than_basic_and_has_its_own_realm(
        self, call: Caller, between: str, turned: bool
    ) -> None:
        offered = [self.BEARER, 'Basic realm="registry"']
        call.registry.challenge = between.join(reversed(offered) if turned else offered)
        self.login(call)
        assert call(lambda c: c.head(call.repository, "tag")) is None
        assert call.registry.token_requests[0]["service"] == ["fake"]
        assert call.registry.token_logins == ["Basic bWU6Y2FuYXJ5"]

    @pytest.mark.parametrize("other", ['Basic realm="fake"', BEARER])
    def test_a_token_server_of_another_domain_is_passed_over_for_what_can_be_answered(
        self, call: Caller, other: str
    ) -> None:
        call.registry.challenge = f'Bearer realm="https://elsewhere.test/token", {other}'
        if other != self.BEARER:
            call.registry.authorization = "Basic bWU6Y2FuYXJ5"
        self.login(call)
        assert call(lambda c: c.head(call.repository, "tag")) is None

    @pytest.mark.parametrize(("realm", "asked"), [("t.example2", True), ("", False)])
    def test_a_token_server_of_another_domain_is_asked_where_it_is_declared(
        self, realm: str, asked: bool
    ) -> None:
        seen: list[str] = []

        async def fetch(call: Call, authorization: str) -> Reply:
            seen.append(f"{call.url.partition('?')[0]} {authorization}")
            return Reply(status=200, headers=httpx.Headers(), body=b'{"token":"t"}')

        named = {"a.example": {"username": "OUR_USER", "password": "OUR_WORD", "realm": realm}}
        values = {"DOCKER_CONFIG": "/nowhere", "OUR_USER": "me", "OUR_WORD": "canary"}
        auth = Authenticator(fetch, values, find_logins(named, values))
        call = Call(method="GET", url="https://a.example/v2/")
        with suppress(AuthenticationError):
            asyncio.run(auth.renew(call, ['Bearer realm="https://t.example2/token"'], ""))
        assert seen == (["https://t.example2/token Basic bWU6Y2FuYXJ5"] if asked else [])

    def test_a_scheme_that_nobody_knows_is_named(self, call: Caller) -> None:
        call.registry.challenge = "Negotiate"
        with pytest.raises(
            AuthenticationError, match=r"scheme.*asks for negotiate; expected Bearer"
        ):
            call(lambda c: c.head(call.repository, "tag"))

    @pytest.mark.parametrize("end", ["\n", "\r\nX: y", " ", "ä"])
    def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(
        self, call: Caller, end: str
    ) -> None:
        call.registry.challenge, call.registry.token_end = self.BEARER, end
        with pytest.raises(RegistryError, match="/token: has a space, a line") as caught:
            call(lambda c: c.head(call.repository, "tag"))
        assert "token-1" not in str(caught.value) + repr(caught.value.__cause__)

    def test_a_repository_that_does_not_exist_yet_is_absent_to_those_who_may_make_it(
        self, call: Caller
    ) -> None:
        call.registry.challenge = self.BEARER
        self.login(call)
        call.registry.fault("/token", status=403)
        assert call(lambda c: c.head(call.repository, "tag")) is None
        assert [line.split()[0] for line in call.registry.log] == ["HEAD", "GET", "GET", "HEAD"]
        (asked,) = call.registry.token_requests
        assert asked["scope"] == ["repository:team/app:pull,push"]

    @pytest.mark.parametrize("login", [True, False])
    def test_a_token_that_is_refused_for_pushing_too_is_an_error(
        self, call: Caller, login: bool
    ) -> None:
        call.registry.challenge = self.BEARER
        if login:
            self.login(call)
        call.registry.fault("/token", status=403, times=9)
        says = "may not create" if login else "answered 403 without a login.\nName the variables"
        with pytest.raises(AuthenticationError, match=says):
            call(lambda c: c.head(call.repository, "tag"))

    def test_a_grant_is_kept_by_scheme_and_host(self) -> None:
        async def run() -> tuple[str, ...]:
            async def fetch(_: Call, __: str) -> Reply:
                return Reply(status=200, headers=httpx.Headers(), body=b'{"token":"t"}')

            auth = Authenticator(fetch, {"DOCKER_CONFIG": "/nowhere"})
            addresses = ("https://a.example/v2/", "http://a.example/v2/", "https://a.example:1/v2/")
            calls = [Call(method="GET", url=address) for address in addresses]
            await auth.renew(calls[0], ['Bearer realm="https://a.example/token"'], "")
            return tuple(auth.current(each) for each in calls)

        assert asyncio.run(run()) == ("Bearer t", "", "")

    def test_missing_credentials_are_named_with_the_variables_to_set(self, call: Caller) -> None:
        call.registry.challenge = 'Basic realm="fake"'
        with pytest.raises(AuthenticationError, match="Name the variables of its login"):
            call(lambda c: c.head(call.repository, "tag"))
        self.login(call)
        call.environment.update(OUR_USER="", OUR_WORD="")
        with pytest.raises(AuthenticationError, match="Set OUR_USER and OUR_WORD, or log in"):
            call(lambda c: c.head(call.repository, "tag"))

    def test_a_token_server_without_tls_gets_no_credentials(self, call: Caller) -> None:
        realm = 'Bearer realm="http://elsewhere.example/token"'
        call.registry.fault("HEAD", status=401, headers={"WWW-Authenticate": realm})
        call.environment["FLEET_PLAIN_HTTP"] = call.registry.host
        self.login(call)
        with pytest.raises(AuthenticationError, match="elsewhere"):
            call(lambda c: c.head(call.repository, "tag"))

    def test_no_message_holds_the_password(self, call: Caller) -> None:
        self.login(call)
        call.registry.challenge = self.BEARER
        call.registry.fault("/token", status=403, times=9)
        with pytest.raises(AuthenticationError) as caught:
            call(lambda c: c.head(call.repository, "tag"))
        assert not re.search(
            "canary|bWU6Y2FuYXJ5", str(caught.value) + repr(caught.value.__cause__)
        )

    def test_an_identity_token_is_exchanged_by_post(self, call: Caller, tmp_path: Any) -> None:
        config = {"auths": {call.registry.host: {"identitytoken": "long-lived"}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        call.registry.challenge = self.BEARER
        call(lambda c: c.head(call.repository, "tag"))
        assert call.registry.token_requests[0]["refresh_token"] == ["long-lived"]
