"""A stand-in for GitHub's Packages API over the storage of a registry.

It answers within GitHub's own description, and notes every request or answer that is not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.registries.description import (
    Operation,
    faults_of_answer,
    faults_of_request,
    operation_of,
)

TOKEN = "token-of-the-test"
_MOMENT = "2026-11-23T12:00:00Z"
_DEFAULT_PAGE = 30


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class GitHub:
    """The API of one account, and its switches.

    It knows what was pushed through the front: digests in the order of their first push, and what
    each tag names. `stale` listings of versions to come are as they were at `freeze`. `statuses`
    maps an operation's method to what it answers instead, `scopes` are those that the token tells,
    `newest_first` is the order of listings, which GitHub does not promise.
    """

    storage: httpx.Client
    pushed: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    organisation: bool = True
    scopes: str | None = None
    newest_first: bool = True
    stale: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    downloads: dict[str, int] = field(default_factory=dict)
    deleted: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    _gone: set[tuple[str, str]] = field(default_factory=set)
    _frozen: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def freeze(self, repository: str, times: int) -> None:
        """Answer the next `times` listings with what the versions are now."""
        self._frozen[repository] = self._versions(repository)
        self.stale = times

    def note_push(self, repository: str, reference: str, digest: str) -> None:
        """Note a manifest that the registry took."""
        pushed = self.pushed.setdefault(repository, [])
        self._gone.discard((repository, digest))
        if digest not in pushed:
            pushed.append(digest)
        if reference != digest:
            self.tags.setdefault(repository, {})[reference] = digest

    def delete_version(self, repository: str, digest: str) -> tuple[str, ...]:
        """Delete a version as a person does on its page; return the tags that went with it."""
        versions = self._versions(repository)
        found = next(v for v in versions if v["name"] == digest)
        answer = self._delete(repository, found, versions)
        assert answer.status == 204, answer.body
        return _tags(found)

    def forget(self, repository: str) -> None:
        """Know nothing of a package any more, as after its deletion; the next push makes it."""
        self.pushed.pop(repository, None)
        self.tags.pop(repository, None)

    def serve(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request, judged by the description."""
        operation = operation_of(method, path)
        if operation is None:
            self.violations.append(f"{method} {path} is not described")
            return _error(404, "Not Found")
        self.violations += faults_of_request(operation, query)
        answer = self._answer(operation, query, headers)
        self.violations += faults_of_answer(operation, answer.status, answer.body)
        told = {} if self.scopes is None else {"X-OAuth-Scopes": self.scopes}
        kind = {"Content-Type": "application/json; charset=utf-8"} if answer.body else {}
        return Answer(answer.status, answer.body, {**kind, **told, **answer.headers})

    def _answer(self, operation: Operation, query: str, headers: Mapping[str, str]) -> Answer:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "Requires authentication")
        method, _, path = operation.name.partition(" ")
        owner = operation.values.get("org") or operation.values["username"]
        repository = f"{owner}/{operation.values['package_name']}"
        known = ("org" in operation.values) == self.organisation and repository in self.pushed
        if not known:
            return _error(404, "Package not found.")
        if method in self.statuses:
            return _error(self.statuses[method], "Refused by the test")
        if path.endswith("/versions"):
            return self._page(repository, query, operation)
        if "package_version_id" not in operation.values:
            return _json(self._package(repository))
        number = int(operation.values["package_version_id"])
        return self._one(method, repository, number)

    def _one(self, method: str, repository: str, number: int) -> Answer:
        versions = self._versions(repository)
        found = next((v for v in versions if v["id"] == number), None)
        if found is None:
            return _error(404, "Package not found.")
        if method == "GET":
            return _json(found)
        return self._delete(repository, found, versions)

    def _delete(
        self, repository: str, found: dict[str, Any], versions: list[dict[str, Any]]
    ) -> Answer:
        tagged = [v for v in versions if _tags(v)]
        if tagged == [found]:
            return _error(400, "You cannot delete the last tagged version of a package.")
        if self.downloads.get(found["name"], 0) > 5000:
            return _error(400, "Publicly visible package versions with more than 5000 downloads.")
        self.deleted.append((found["name"], _tags(found)))
        self._gone.add((repository, found["name"]))
        self.storage.delete(f"/v2/{repository}/manifests/{found['name']}").raise_for_status()
        named = self.tags.get(repository, {})
        self.tags[repository] = {t: d for t, d in named.items() if d != found["name"]}
        return Answer(204)

    def _page(self, repository: str, query: str, operation: Operation) -> Answer:
        versions = self._versions(repository)
        if self.stale:
            self.stale -= 1
            versions = self._frozen[repository]
        fields = dict(httpx.QueryParams(query))
        size = int(fields.get("per_page", _DEFAULT_PAGE))
        page = int(fields.get("page", 1))
        shown = versions[(page - 1) * size : page * size]
        headers = {}
        # The description has no pages for a user's package: all comes at once there.
        if "org" not in operation.values:
            shown = versions
        elif page * size < len(versions):
            path = f"orgs/{operation.values['org']}/packages/container"
            name = operation.values["package_name"].replace("/", "%2F")
            link = f"/api/{path}/{name}/versions?per_page={size}&page={page + 1}"
            headers["Link"] = f'<{link}>; rel="next"'
        return Answer(200, json.dumps(shown).encode(), headers)

    def _package(self, repository: str) -> dict[str, Any]:
        owner, _, name = repository.partition("/")
        return {
            "id": 1,
            "name": name,
            "package_type": "container",
            "owner": None,
            "version_count": len(self._versions(repository)),
            "visibility": "public",
            "url": f"https://api.github.com/orgs/{owner}/packages/container/{name}",
            "html_url": f"https://github.com/orgs/{owner}/packages/container/package/{name}",
            "created_at": _MOMENT,
            "updated_at": _MOMENT,
        }

    def _versions(self, repository: str) -> list[dict[str, Any]]:
        """Return the versions that there are now, the newest first."""
        numbered = enumerate(self.pushed.get(repository, []), start=1)
        gone = {digest for place, digest in self._gone if place == repository}
        held = [(number, digest) for number, digest in numbered if digest not in gone]
        tags = self.tags.get(repository, {})
        return [
            _version(repository, number, digest, [t for t, d in tags.items() if d == digest])
            for number, digest in (reversed(held) if self.newest_first else held)
        ]


def _version(repository: str, number: int, digest: str, tags: list[str]) -> dict[str, Any]:
    owner, _, name = repository.partition("/")
    place = f"https://api.github.com/orgs/{owner}/packages/container/{name}"
    return {
        "id": number,
        "name": digest,
        "url": f"{place}/versions/{number}",
        "package_html_url": f"https://github.com/orgs/{owner}/packages/container/package/{name}",
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
        "metadata": {"package_type": "container", "container": {"tags": sorted(tags)}},
    }


def _tags(version: dict[str, Any]) -> tuple[str, ...]:
    return tuple(version["metadata"]["container"]["tags"])


def _json(fields: object) -> Answer:
    return Answer(200, json.dumps(fields).encode())


def _error(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"message": message, "status": str(status)}).encode())
