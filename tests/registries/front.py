"""A front before a registry: deletion as one or another kind of registry has it, and GitHub's."""

import base64
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests import loopback
from tests.loopback import ask
from tests.registries.github import TOKEN, Answer, GitHub
from tests.registries.tokens import USER, Tokens

_MANIFEST = re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)")
_HOP = frozenset(
    {"authorization", "connection", "transfer-encoding", "date", "server", "content-length"}
)
_UNSUPPORTED = b'{"errors":[{"code":"UNSUPPORTED"}]}'


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A registry that is asked without the front, by those who only look."""

    host: str


@dataclass
class Front:
    """The refusals of the front; `tag_status` and `digest_status` answer DELETEs, 0 lets them pass.

    `date` is what its answers say in place of the present. `login` is the Authorization of what is
    passed on, empty for none. `log` holds `METHOD path` of every
    request, `writes` those that change something. Requests for GitHub's tokens, and those that
    lacked one, are not in it. Docker configurations lie below `folder`.
    """

    upstream: str
    host: str = ""
    folder: str = ""
    tag_status: int = 0
    digest_status: int = 0
    date: str | None = None
    login: str = ""
    log: list[str] = field(default_factory=list)
    github: GitHub | None = None
    tokens: Tokens = field(default_factory=Tokens)

    @property
    def writes(self) -> list[str]:
        return [line for line in self.log if line.split()[0] in {"PUT", "POST", "PATCH", "DELETE"}]

    @property
    def storage(self) -> "Storage":
        """The registry behind the front."""
        return Storage(host=self.upstream)

    @property
    def environment(self) -> dict[str, str]:
        """The environment that the provider needs."""
        return self.spoken_to_at(self.host)

    def spoken_to_at(self, host: str) -> dict[str, str]:
        """Return what the provider needs where something stands before the front, at `host`."""
        found = {"FLEET_PLAIN_HTTP": host}
        if self.github is not None:
            found |= {
                "FLEET_GITHUB_API": f"http://{host}/api",
                "FLEET_GHCR_HOSTS": host,
                "FLEET_GITHUB_TOKEN": TOKEN,
                "DOCKER_CONFIG": str(self._logged_in(host)),
            }
        return found

    def _logged_in(self, host: str) -> Path:
        """Return a Docker configuration with the login for `host`, as `docker login` leaves it."""
        folder = Path(self.folder, host)
        folder.mkdir(exist_ok=True)
        pair = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        config = {"auths": {host: {"auth": pair}}}
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    def refused(self, method: str, path: str) -> int:
        """Return the status of a DELETE that this kind of registry does not have."""
        match = _MANIFEST.fullmatch(path)
        if method != "DELETE" or match is None:
            return 0
        by_digest = match["reference"].startswith("sha256:")
        return self.digest_status if by_digest else self.tag_status


@contextmanager
def fronting(upstream: str, *, ghcr: bool = False) -> Iterator[Front]:
    """Serve a front of `upstream` (`host:port`) on a loopback port; `ghcr` adds GitHub's API."""
    with (
        httpx.Client(base_url=f"http://{upstream}", trust_env=False, timeout=30) as http,
        tempfile.TemporaryDirectory() as folder,
    ):
        front = Front(upstream=upstream, folder=folder)

        class Handler(_Handler):
            served = front

        if ghcr:
            front.tag_status = front.digest_status = 405
            front.github = GitHub(http)
        with loopback.serving(Handler, daemon_threads=True) as front.host:
            yield front


class _Handler(loopback.Handler):
    served: Front

    def date_time_string(self, timestamp: float | None = None) -> str:
        if self.served.date is None:
            return super().date_time_string(timestamp)
        return self.served.date

    def serve(self) -> None:
        body = self.body_of_request()
        path, _, query = self.path.partition("?")
        github = self.served.github
        if github is not None and (unauthorized := self._unauthorized(path, query, github)):
            self._answer(unauthorized)
            return
        self.served.log.append(f"{self.command} {path}")
        if github is not None and path.startswith("/api/"):
            self._answer(
                github.serve(self.command, path.removeprefix("/api"), query, dict(self.headers))
            )
            return
        refused = self.served.refused(self.command, path)
        self._answer(Answer(refused, _UNSUPPORTED) if refused else self._forward(path, body))

    def _unauthorized(self, path: str, query: str, github: GitHub) -> Answer | None:
        """Return the answer of the token server, or to a request that needs another token."""
        given, tokens = self.headers.get("Authorization", ""), self.served.tokens
        if path == "/token":
            return tokens.issue(query, given, github.pushed)
        # By the host that was asked, so that what stands before the front sees tokens as well.
        return tokens.challenge(self.command, path, given, self.headers["Host"])

    def _forward(self, path: str, body: bytes) -> Answer:
        # The host of the request stays, so that addresses in answers lead back through here.
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        headers["Content-Length"] = str(len(body))
        if self.served.login:
            headers["Authorization"] = self.served.login
        reply = ask(self.served.upstream, self.command, self.path, headers, body)
        if self.command == "PUT" and reply.status < 300 and self.served.github is not None:
            self._note(path, reply.headers.get("docker-content-digest", ""))
        kept = {k: v for k, v in reply.headers.items() if k not in _HOP}
        if self.command == "HEAD":
            kept["content-length"] = reply.headers.get("content-length", "0")
        return Answer(reply.status, reply.content, kept)

    def _note(self, path: str, digest: str) -> None:
        match, github = _MANIFEST.fullmatch(path), self.served.github
        if match and digest and github is not None:
            github.note_push(match["name"], match["reference"], digest)

    def _answer(self, answer: Answer) -> None:
        self.answer_with(answer.status, answer.body, answer.headers)
