"""A registry in memory over real HTTP: the distribution specification, switches and faults."""

import hashlib
import json
import re
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests import loopback

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ROUTE = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>.*)")


def sha(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def http_date(text: str) -> str:
    """Return an RFC 3339 time as HTTP writes it."""
    return format_datetime(datetime.fromisoformat(text).astimezone(UTC), usegmt=True)


@dataclass
class Fault:
    """The fate of the next `times` requests whose `METHOD path` matches `pattern`.

    `after` lets the request take effect before the connection is reset. `act` is what somebody
    else does just then. With nothing but that, or nothing at all, the request is let through.
    """

    pattern: str
    times: int = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    reset: bool = False
    after: bool = False
    stall: bool = False
    drip: bool = False
    act: Callable[[], None] | None = None

    @property
    def disturbs(self) -> bool:
        """Tell whether the request is answered otherwise than without the fault."""
        return bool(self.status or self.reset or self.stall or self.drip)


@dataclass
class Storage:
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class FakeRegistry:
    """Storage, switches and the log of requests (`METHOD path`, without the query).

    `date` is what its answers say in place of the present.
    """

    host: str = ""
    repositories: defaultdict[str, Storage] = field(default_factory=lambda: defaultdict(Storage))
    log: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tag_delete: bool = True
    digest_delete: bool = True
    deletes_image_with_tag: bool = False
    mount: bool = True
    lists_referrers: bool = False
    """Has the referrers API; pages of it hold `page` entries."""
    tells_digest: bool = True
    page: int = 1000
    date: str | None = None
    """What is sent as `Date`, in place of what `clock` tells; without either none is sent."""
    clock: Callable[[], str] | None = None
    authorization: str = ""
    challenge: str = ""
    """The challenges that a request without authorization gets, one line per header."""
    tokens: list[str] = field(default_factory=list)
    token_requests: list[dict[str, list[str]]] = field(default_factory=list)
    token_logins: list[str] = field(default_factory=list)
    """The Authorization header of each request for a token."""
    token_end: str = ""
    challenges_heads: bool = True
    head_status: int = 0
    mount_status: int = 0
    largest_page: int = 0
    """The largest page that a tag list may be asked for, 0 for any size; -1 for no size at all."""
    sessions: set[str] = field(default_factory=set)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def writes(self) -> list[str]:
        """The requests that change something."""
        return [line for line in self.log if line.split()[0] in {"PUT", "POST", "DELETE"}]

    def fault(self, pattern: str, **fields: Any) -> None:
        self.faults.append(Fault(pattern=pattern, **fields))

    def take_fault(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and re.search(fault.pattern, line):
                fault.times -= 1
                if fault.act is not None:
                    fault.act()
                return fault if fault.disturbs else None
        return None

    def push_image(self, name: str, platform: str, text: str = "content") -> str:
        """Store a platform image with two layers and return its digest."""
        os, architecture, *variant = platform.split("/")
        config = {"os": os, "architecture": architecture, "text": text}
        if variant:
            config["variant"] = variant[0]
        return self.push_layers(name, config, [b"shared", f"{text} {platform}".encode()])

    def push_layers(self, name: str, config: dict[str, Any], layers: Sequence[bytes]) -> str:
        """Store an image of these layers and return its digest."""
        blobs = [json.dumps(config).encode(), *layers]
        for blob in blobs:
            self.repositories[name].blobs[sha(blob)] = blob
        entries = [
            {"mediaType": "application/octet-stream", "digest": sha(b), "size": len(b)}
            for b in blobs
        ]
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": entries[0],
            "layers": entries[1:],
        }
        return self.push_manifest(name, document)

    def push_manifest(self, name: str, document: dict[str, Any], tag: str = "") -> str:
        """Store a manifest as it is, under a tag too if one is given; return its digest."""
        body = json.dumps(document).encode()
        digest = sha(body)
        self.repositories[name].manifests[digest] = (str(document["mediaType"]), body)
        if tag:
            self.repositories[name].tags[tag] = digest
        return digest

    def push_index(self, name: str, tag: str, annotations: dict[str, str] | None = None) -> str:
        """Store an index of one amd64 image under a tag, with `tag` in its content."""
        children = {"linux/amd64": self.push_image(name, "linux/amd64", tag)}
        return self.push_children(name, children, annotations, tag)

    def push_children(
        self,
        name: str,
        children: Mapping[str, str],
        annotations: Mapping[str, str] | None = None,
        tag: str = "",
    ) -> str:
        """Store an index of manifests that are there (platform to digest), as builders do."""
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                {
                    "mediaType": OCI_MANIFEST,
                    "digest": digest,
                    "size": len(self.repositories[name].manifests[digest][1]),
                    "platform": dict(
                        zip(("os", "architecture", "variant"), platform.split("/"), strict=False)
                    ),
                }
                for platform, digest in children.items()
            ],
        }
        if annotations is not None:
            document["annotations"] = dict(annotations)
        return self.push_manifest(name, document, tag)

    def pullable(self, name: str, reference: str) -> bool:
        """Tell whether a tag or digest pulls whole: every platform, every blob."""
        storage = self.repositories[name]
        digest = storage.tags.get(reference, reference)
        if digest not in storage.manifests:
            return False
        document = json.loads(storage.manifests[digest][1])
        if "manifests" in document:
            return all(self.pullable(name, child["digest"]) for child in document["manifests"])
        entries = [document["config"], *document["layers"]]
        return all(entry["digest"] in storage.blobs for entry in entries)


@contextmanager
def serving() -> Iterator[FakeRegistry]:
    """Serve a fresh registry on a loopback port."""
    registry = FakeRegistry()

    class Handler(_Handler):
        fake = registry

    with loopback.serving(Handler) as registry.host:
        try:
            yield registry
        finally:
            registry.stopping.set()


class _Handler(loopback.Handler):
    fake: FakeRegistry

    def serve(self) -> None:
        self.body = self.body_of_request()
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        line = f"{self.command} {url.path}"
        self.fake.log.append(line)
        fault = self.fake.take_fault(line)
        if fault is not None and not fault.after:
            self._fail(fault)
            return
        if url.path == "/token":
            self._token()
        elif self._authorized():
            self._route(url.path, mute=fault is not None)
        if fault is not None:
            self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        if fault.stall:
            self.fake.stopping.wait(5)
            self.close_connection = True
        elif fault.drip:
            self._drip()
        elif fault.reset:
            self.reset()
        else:
            self._answer(fault.status, fault.body or b"", fault.headers)

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not self.fake.stopping.wait(0.02):
            self.wfile.write(b"x")
            self.wfile.flush()

    def _authorized(self) -> bool:
        fake = self.fake
        given = self.headers.get("Authorization", "")
        if not fake.challenge or (fake.authorization and given == fake.authorization):
            return True
        if given.removeprefix("Bearer ") in fake.tokens:
            return True
        if self.command == "HEAD" and not fake.challenges_heads:
            self._answer(401)
            return False
        challenges = fake.challenge.replace("REALM", f"http://{fake.host}/token")
        self.send_response(401)
        for challenge in challenges.splitlines():
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _token(self) -> None:
        if self.body:
            self.query = parse_qs(self.body.decode())
        self.fake.token_requests.append(self.query)
        self.fake.token_logins.append(self.headers.get("Authorization", ""))
        token = f"token-{len(self.fake.token_requests)}{self.fake.token_end}"
        self.fake.tokens.append(token)
        self._answer(200, json.dumps({"token": token, "expires_in": 300}).encode())

    def _route(self, path: str, *, mute: bool) -> None:
        self.mute = mute
        match = _ROUTE.fullmatch(path)
        if match is None:
            self._answer(404)
            return
        if self.command == "HEAD" and self.fake.head_status:
            self._answer(self.fake.head_status)
            return
        handle = getattr(self, f"_{match['kind']}")
        handle(match["name"], match["rest"])

    def _tags(self, name: str, _: str) -> None:
        if name not in self.fake.repositories:
            self._answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
            return
        size = int(self.query.get("n", ["0"])[0])
        if size and self.fake.largest_page and size > self.fake.largest_page:
            self._answer(413, b'{"errors":[{"code":"TOO_MANY_TAGS_REQUESTED"}]}')
            return
        tags = sorted(self.fake.repositories[name].tags)
        rest = [tag for tag in tags if tag > self.query.get("last", [""])[0]]
        shown = rest[: self.fake.page]
        headers = {}
        if len(rest) > len(shown):
            wish = "" if self.fake.largest_page < 0 else "&n=1"
            headers["Link"] = f'</v2/{name}/tags/list?last={shown[-1]}{wish}>; rel="next"'
        body = json.dumps({"name": name, "tags": shown or None}).encode()
        self._answer(200, body, headers)

    def _manifests(self, name: str, reference: str) -> None:
        if self.command == "PUT":
            self._put_manifest(name, reference)
        elif self.command == "DELETE":
            self._delete_manifest(name, reference)
        else:
            self._show_manifest(name, reference)

    def _show_manifest(self, name: str, reference: str) -> None:
        storage = self.fake.repositories.get(name, Storage())
        digest = storage.tags.get(reference, reference)
        if digest not in storage.manifests:
            self._answer(404)
            return
        media_type, body = storage.manifests[digest]
        headers = {"Content-Type": media_type}
        if self.fake.tells_digest:
            headers["Docker-Content-Digest"] = digest
        self._answer(200, body, headers)

    def _put_manifest(self, name: str, reference: str) -> None:
        storage = self.fake.repositories[name]
        document = json.loads(self.body)
        needed = [c["digest"] for c in document.get("manifests", [])]
        blobs = [document["config"], *document["layers"]] if "config" in document else []
        missing = [d for d in needed if d not in storage.manifests]
        missing += [b["digest"] for b in blobs if b["digest"] not in storage.blobs]
        if missing:
            self._answer(400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}')
            return
        digest = sha(self.body)
        storage.manifests[digest] = (self.headers["Content-Type"], self.body)
        if not reference.startswith("sha256:"):
            storage.tags[reference] = digest
        headers = {"Docker-Content-Digest": digest}
        if self.fake.lists_referrers and "subject" in document:
            headers["OCI-Subject"] = document["subject"]["digest"]
        self._answer(201, b"", headers)

    def _referrers(self, name: str, subject: str) -> None:
        if not self.fake.lists_referrers:
            self._answer(404)
            return
        found = []
        for digest, (media_type, body) in self.fake.repositories[name].manifests.items():
            document = json.loads(body)
            if document.get("subject", {}).get("digest") == subject:
                found.append(
                    {
                        "mediaType": media_type,
                        "digest": digest,
                        "size": len(body),
                        "artifactType": document.get("artifactType", ""),
                        "annotations": document.get("annotations", {}),
                    }
                )
        rest = sorted(found, key=lambda entry: str(entry["digest"]))
        rest = [e for e in rest if str(e["digest"]) > self.query.get("last", [""])[0]]
        shown, headers = rest[: self.fake.page], {}
        if len(rest) > len(shown):
            address = f"/v2/{name}/referrers/{subject}?last={shown[-1]['digest']}"
            headers["Link"] = f'<{address}>; rel="next"'
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": shown}
        self._answer(200, json.dumps(index).encode(), {"Content-Type": OCI_INDEX, **headers})

    def _delete_manifest(self, name: str, reference: str) -> None:
        storage, fake = self.fake.repositories[name], self.fake
        by_digest = reference.startswith("sha256:")
        if not (fake.digest_delete if by_digest else fake.tag_delete):
            self._answer(405, b'{"errors":[{"code":"UNSUPPORTED"}]}')
            return
        known = reference in (storage.manifests if by_digest else storage.tags)
        if by_digest and known:
            del storage.manifests[reference]
            storage.tags = {t: d for t, d in storage.tags.items() if d != reference}
        elif known:
            digest = storage.tags.pop(reference)
            if fake.deletes_image_with_tag:
                storage.manifests.pop(digest, None)
                storage.tags = {t: d for t, d in storage.tags.items() if d != digest}
        self._answer(202 if known else 404)

    def _blobs(self, name: str, rest: str) -> None:
        storage = self.fake.repositories[name]
        if rest.startswith("uploads/"):
            self._upload(name)
        elif rest in storage.blobs:
            self._answer(200, storage.blobs[rest])
        else:
            self._answer(404)

    def _upload(self, name: str) -> None:
        digest = self.query.get("mount", self.query.get("digest", [""]))[0]
        storage = self.fake.repositories[name]
        if self.command == "POST" and "mount" in self.query and self.fake.mount_status:
            self._answer(self.fake.mount_status)
        elif self.command == "POST":
            source = self.fake.repositories.get(self.query.get("from", [""])[0], Storage())
            if self.fake.mount and digest in source.blobs:
                storage.blobs[digest] = source.blobs[digest]
                self._answer(201)
                return
            session = f"/v2/{name}/blobs/uploads/{uuid.uuid4()}"
            self.fake.sessions.add(session)
            self._answer(202, b"", {"Location": f"{session}?state=1"})
        elif self.path.partition("?")[0] not in self.fake.sessions:
            # What was finished or abandoned is forgotten, as distribution does it.
            self._answer(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
        elif self.command == "PUT" and sha(self.body) == digest:
            self.fake.sessions.remove(self.path.partition("?")[0])
            storage.blobs[digest] = self.body
            self._answer(201)
        else:
            self.fake.sessions.remove(self.path.partition("?")[0])
            self._answer(400 if self.command == "PUT" else 204)

    mute = False

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        if self.mute:
            self.mute = False
            return
        self.answer_with(status, body, headers or {})

    def send_response(self, code: int, message: str | None = None) -> None:
        # Without the name of a server, and with the date that the test wants.
        self.send_response_only(code, message)
        date = self.fake.clock() if self.fake.clock is not None else None
        date = date if self.fake.date is None else self.fake.date
        if date:
            self.send_header("Date", date)
