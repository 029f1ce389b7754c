"""Git objects of the stand-in for GitHub: trees, commits and branches, by real hashes of them."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, Protocol

from tests.github.call import NOTHING, Call, answer, error
from tests.registries.github import Answer

_GIT = "/repos/{owner}/{repo}/git"


class Sampler(Protocol):
    """A sampler of GitHub's schemas."""

    def sampled(self, schema: str, **fields: Any) -> dict[str, Any]: ...


class Branches:
    """`refs` maps a branch to its commit, `commits` a commit to its tree and parents."""

    def __init__(self, hub: Sampler) -> None:
        self._hub = hub
        self.refs: dict[str, str] = {}
        self.commits: dict[str, dict[str, Any]] = {}
        self.trees: dict[str, dict[str, str]] = {}
        self.handlers: dict[str, Callable[[Call], Answer]] = {
            f"GET {_GIT}/commits/{{commit_sha}}": self._commit,
            f"POST {_GIT}/commits": self._add_commit,
            f"POST {_GIT}/trees": self._add_tree,
            f"GET {_GIT}/ref/{{ref}}": self._ref,
            f"POST {_GIT}/refs": self._add_ref,
            f"PATCH {_GIT}/refs/{{ref}}": self._move_ref,
            f"DELETE {_GIT}/refs/{{ref}}": self._delete_ref,
        }

    def files(self, branch: str) -> dict[str, str]:
        """Return the files that a branch has beside those of its parent."""
        return self.trees[self.commits[self.refs[branch]]["tree"]]

    def add(self, sha: str) -> None:
        """Add a commit that a checkout has."""
        self.trees.setdefault("0" * 40, {})
        self.commits[sha] = {"tree": "0" * 40, "parents": []}

    def _commit(self, call: Call) -> Answer:
        found = self.commits.get(call.values["commit_sha"])
        return answer(self._shown(call.values["commit_sha"])) if found else error(404, "Not Found")

    def _shown(self, sha: str) -> dict[str, Any]:
        found, shown = self.commits[sha], self._hub.sampled("git-commit", sha=sha)
        shown["tree"]["sha"] = found["tree"]
        place = {"url": "https://api.github.com/x", "html_url": "https://api.github.com/x"}
        shown["parents"] = [{"sha": parent, **place} for parent in found["parents"]]
        return shown

    def _add_commit(self, call: Call) -> Answer:
        fields = {"tree": call.body["tree"], "parents": call.body["parents"]}
        sha = _hash([fields, call.body["message"], len(self.commits)])
        self.commits[sha] = fields
        return answer(self._shown(sha), 201)

    def _add_tree(self, call: Call) -> Answer:
        files = {entry["path"]: entry["content"] for entry in call.body["tree"]}
        whole = {**self.trees[call.body["base_tree"]], **files}
        sha = _hash(whole)
        self.trees[sha] = whole
        return answer(self._hub.sampled("git-tree", sha=sha), 201)

    def _ref(self, call: Call) -> Answer:
        branch = call.values["ref"].removeprefix("heads/")
        return self._told(branch) if branch in self.refs else error(404, "Not Found")

    def _told(self, branch: str, status: int = 200) -> Answer:
        shown = self._hub.sampled("git-ref", ref=f"refs/heads/{branch}")
        shown["object"]["sha"] = self.refs[branch]
        return answer(shown, status)

    def _add_ref(self, call: Call) -> Answer:
        branch = call.body["ref"].removeprefix("refs/heads/")
        if branch in self.refs:
            return error(422, "Reference already exists")
        self.refs[branch] = call.body["sha"]
        return self._told(branch, 201)

    def _move_ref(self, call: Call) -> Answer:
        branch = call.values["ref"].removeprefix("heads/")
        self.refs[branch] = call.body["sha"]
        return self._told(branch)

    def _delete_ref(self, call: Call) -> Answer:
        del self.refs[call.values["ref"].removeprefix("heads/")]
        return NOTHING


def _hash(value: Any) -> str:
    return hashlib.sha1(json.dumps(value, sort_keys=True).encode()).hexdigest()  # noqa: S324 - git's
