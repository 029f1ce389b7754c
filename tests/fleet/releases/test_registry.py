"""Base images' digests, from a registry over real HTTP, and of Docker Hub's own ways."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from fleet.http.retry import RetryPolicy
from fleet.registry import transport
from fleet.registry.errors import OciError
from fleet.registry.login import Logins, find_logins
from fleet.releases.lock.bases import BaseError, platform_digests
from tests.fleet.http.mocked import mocked
from tests.providers.ociregistry.registry_fake import OCI_INDEX, OCI_MANIFEST, FakeRegistry, serving


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    with serving() as fake:
        monkeypatch.setenv("FLEET_PLAIN_HTTP", fake.host)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        yield fake


def test_each_platform_has_its_own_digest(registry: FakeRegistry) -> None:
    registry.push_index("python", "3.13-slim")
    (child,) = [d for d, (kind, _) in registry.repositories["python"].manifests.items()
                if kind == OCI_MANIFEST]  # fmt: skip
    found = platform_digests(f"{registry.host}/python:3.13-slim")
    assert found.platforms == {"linux/amd64": child}
    assert found.index == registry.repositories["python"].tags["3.13-slim"]


def test_the_day_that_an_index_says_of_each_platform_is_read(registry: FakeRegistry) -> None:
    def index(created: object) -> dict[str, str]:
        registry.push_index("python", "3.13-slim")
        held = registry.repositories["python"]
        document = json.loads(held.manifests[held.tags["3.13-slim"]][1])
        document["manifests"][0]["annotations"] = {"org.opencontainers.image.created": created}
        registry.push_manifest("python", document, "3.13-slim")
        return dict(platform_digests(f"{registry.host}/python:3.13-slim").created)

    # The last instants of a day elsewhere are the next one in UTC.
    assert index("2026-11-02T23:30:00-02:00") == {"linux/amd64": "2026-11-03"}
    assert index("2026-11-02T23:30:00Z") == {"linux/amd64": "2026-11-02"}
    assert index("yesterday") == index(7) == index("2026-11-02T23:30:00") == {}


def test_an_image_that_is_not_there_is_told_apart_from_a_registry_that_fails(
    registry: FakeRegistry,
) -> None:
    reference = f"{registry.host}/python:3.99-slim"
    with pytest.raises(BaseError, match=r"3\.99-slim is not there"):
        platform_digests(reference)
    registry.fault("GET", times=99, status=403)
    with pytest.raises(OciError, match="403") as failure:
        platform_digests(reference)
    assert not isinstance(failure.value, BaseError)


def test_what_is_no_index_of_platforms_is_refused(registry: FakeRegistry) -> None:
    registry.push_manifest("python", {"schemaVersion": 2, "mediaType": OCI_MANIFEST}, "3.13")
    seen = rf"python:3\.13 is not an index of platforms \({re.escape(OCI_MANIFEST)}\)"
    with pytest.raises(BaseError, match=seen):
        platform_digests(f"{registry.host}/python:3.13")


@dataclass
class DockerHub:
    """Docker Hub's registry and token server: what they are sent, and what they answer."""

    logins: list[str] = field(default_factory=list)
    limits: str = ""
    wait: str = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.docker.io":
            self.logins.append(request.headers.get("Authorization", ""))
            if self.limits == "token server":
                return self._limited()
            return httpx.Response(HTTPStatus.OK, json={"token": "t"})
        assert request.url.host == "registry-1.docker.io"
        if request.headers.get("Authorization") != "Bearer t":
            challenge = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'
            return httpx.Response(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": challenge})
        if self.limits:
            return self._limited()
        kind = {"Content-Type": OCI_INDEX}
        return httpx.Response(HTTPStatus.OK, headers=kind, json={"manifests": []})

    def _limited(self) -> httpx.Response:
        headers = {"Retry-After": self.wait} if self.wait else {}
        body = {"errors": [{"code": "TOOMANYREQUESTS"}]}
        return httpx.Response(HTTPStatus.TOO_MANY_REQUESTS, headers=headers, json=body)


async def _at_once(_: float) -> None:
    return


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DockerHub:
    hub = DockerHub()
    monkeypatch.setattr(transport, "open_http", lambda **_: mocked(hub))
    monkeypatch.setattr(transport, "RetryPolicy", lambda: RetryPolicy(sleep=_at_once))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return hub


def logins(host: str) -> Logins:
    names = {host: {"username": "OUR_USER", "password": "OUR_WORD"}}
    return find_logins(names, {"OUR_USER": "octocat", "OUR_WORD": "secret"})


def test_the_login_of_the_fleets_registry_is_not_sent_to_docker_hub(hub: DockerHub) -> None:
    platform_digests("docker.io/library/python:3.13-slim", logins("ghcr.io"))
    assert hub.logins == [""]


def test_the_declared_login_of_docker_hub_is_sent_to_its_token_server(hub: DockerHub) -> None:
    platform_digests("docker.io/library/python:3.13-slim", logins("docker.io"))
    assert hub.logins == [f"Basic {base64.b64encode(b'octocat:secret').decode()}"]


def test_docker_hubs_own_login_is_sent_to_its_token_server(hub: DockerHub, tmp_path: Path) -> None:
    pair = base64.b64encode(b"hubuser:hubpass").decode()
    config = {"auths": {"https://index.docker.io/v1/": {"auth": pair}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    platform_digests("docker.io/library/python:3.13-slim")
    assert hub.logins == [f"Basic {pair}"]


@pytest.mark.parametrize("limits", ["registry", "token server"])
@pytest.mark.parametrize("wait", ["", "3600"])
def test_docker_hubs_limit_is_described_with_its_remedy(
    hub: DockerHub, limits: str, wait: str
) -> None:
    hub.limits, hub.wait = limits, wait
    with pytest.raises(OciError, match=r"answered 429.*Run `docker login`"):
        platform_digests("docker.io/library/python:3.13-slim")
