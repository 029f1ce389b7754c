"""The repository itself, its branch, commits and files, as the contents API has them."""

import base64
from typing import Any

from tests.github.call import API, ID, NAME, OWNER, PLACE, Call, Handler, answer, error
from tests.github.git import Branch, Commit, blob_sha
from tests.registries.description import Description
from tests.registries.github import Answer

_REPO = "/repos/{owner}/{repo}"
_FILE = f"{_REPO}/contents/{{path}}"
_MOMENT = "2026-11-23T12:00:00Z"


class Contents:
    """The one repository that there is, with one branch; `organisation` says whose it is."""

    def __init__(self, description: Description, branch: Branch) -> None:
        self._description = description
        self.branch = branch
        self.organisation = True

    @property
    def handlers(self) -> dict[str, Handler]:
        return {
            "GET /orgs/{org}": self._organisation,
            f"GET {_REPO}": self._repository,
            f"GET {_REPO}/branches/{{branch}}": self._branch,
            f"GET {_REPO}/commits/{{ref}}": self._commit,
            f"GET {_FILE}": self._read,
            f"PUT {_FILE}": self._write,
            f"DELETE {_FILE}": self._delete,
        }

    def _organisation(self, call: Call) -> Answer:
        if not self.organisation or call.values["org"] != OWNER:
            return error(404, "Not Found")
        told = self._description.example("GET /orgs/{org}")
        return answer({**told, "login": OWNER, "archived_at": None})

    def _repository(self, _: Call) -> Answer:
        told = self._description.example(f"GET {_REPO}")
        for key in ("parent", "source", "template_repository"):
            told.pop(key, None)
        named = {"id": ID, "name": NAME, "full_name": f"{OWNER}/{NAME}"}
        return answer({**told, **named, "language": None, "default_branch": self.branch.name})

    def _branch(self, call: Call) -> Answer:
        if call.values["branch"] != self.branch.name:
            return error(404, "Branch not found")
        told = self._description.example(f"GET {_REPO}/branches/{{branch}}")
        told["commit"]["sha"] = self.branch.head
        return answer({**told, "name": self.branch.name})

    def _commit(self, call: Call) -> Answer:
        for commit in self.branch.commits:
            if commit.sha == call.values["ref"]:
                return answer(_told_whole(commit))
        return error(422, f"No commit found for SHA: {call.values['ref']}")

    def _read(self, call: Call) -> Answer:
        path, branch = call.values["path"], call.query.get("ref", self.branch.name)
        content = self.branch.files.get(path)
        if branch != self.branch.name or content is None:
            return error(404, "Not Found")
        place = f"{PLACE}/contents/{path}?ref={branch}"
        # GitHub breaks Base64 into lines.
        text = base64.encodebytes(content).decode()
        return answer({**_told_file(path, content, place), "encoding": "base64", "content": text})

    def _write(self, call: Call) -> Answer:
        refused = self._refused(call, call.values["path"] in self.branch.files)
        if refused is not None:
            return refused
        path, known = call.values["path"], call.values["path"] in self.branch.files
        content = base64.b64decode(call.body["content"], validate=True)
        commit = self._record(call, content)
        told = _told_file(path, content, f"{PLACE}/contents/{path}?ref={self.branch.name}")
        return answer({"content": told, "commit": _told(commit)}, 200 if known else 201)

    def _delete(self, call: Call) -> Answer:
        if call.values["path"] not in self.branch.files:
            return error(404, "Not Found")
        refused = self._refused(call, known=True)
        if refused is not None:
            return refused
        return answer({"content": None, "commit": _told(self._record(call, None))})

    def _refused(self, call: Call, known: bool) -> Answer | None:
        path, given = call.values["path"], call.body.get("sha")
        if call.body.get("branch", self.branch.name) != self.branch.name:
            return error(404, f"Branch {call.body['branch']} not found")
        held = blob_sha(self.branch.files[path]) if known else None
        if known and given is None:
            return error(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        return error(409, f"{path} does not match {given}") if given != held else None

    def _record(self, call: Call, content: bytes | None) -> Commit:
        person = call.body.get("committer") or {"name": "app[bot]", "email": "app@example.org"}
        return self.branch.record(
            call.values["path"], content, call.body["message"], person["name"], person["email"]
        )


def _told_file(path: str, content: bytes, place: str) -> dict[str, Any]:
    sha = blob_sha(content)
    html = f"https://github.com/{OWNER}/{NAME}/blob/main/{path}"
    return {
        "type": "file", "name": path.rpartition("/")[2], "path": path, "sha": sha,
        "size": len(content), "url": place, "git_url": f"{PLACE}/git/blobs/{sha}",
        "html_url": html, "download_url": html,
        "_links": {"self": place, "git": f"{PLACE}/git/blobs/{sha}", "html": html},
    }  # fmt: skip


def _told(commit: Commit) -> dict[str, Any]:
    person = {"name": commit.name, "email": commit.email, "date": _MOMENT}
    return {
        "sha": commit.sha, "node_id": "C_1", "url": f"{PLACE}/git/commits/{commit.sha}",
        "html_url": f"https://github.com/{OWNER}/{NAME}/commit/{commit.sha}",
        "author": person, "committer": person, "message": commit.message,
        "tree": {"sha": commit.sha, "url": f"{PLACE}/git/trees/{commit.sha}"},
        "parents": [{"sha": commit.parent, "url": f"{PLACE}/git/commits/{commit.parent}"}],
    }  # fmt: skip


def _told_whole(commit: Commit) -> dict[str, Any]:
    told = _told(commit)
    inner = {key: told[key] for key in ("url", "author", "committer", "message", "tree")}
    outer = {key: told[key] for key in ("sha", "node_id", "html_url", "parents")}
    place = f"{API}/repos/{OWNER}/{NAME}/commits/{commit.sha}"
    return {
        **outer, "url": place, "comments_url": f"{place}/comments", "author": {}, "committer": {},
        "commit": {**inner, "comment_count": 0},
    }  # fmt: skip
