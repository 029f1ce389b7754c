"""A stand-in for the parts of GitHub that the jobs talk to, within GitHub's own description."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from fleet.github.api import Api
from fleet.github.job import BOT
from tests.fleet.github.branches import Branches
from tests.fleet.github.sample import sample
from tests.fleet.http.mocked import mocked
from tests.github.call import NAME, NOTHING, OWNER, PLACE, Call, answer, error
from tests.registries.description import Description
from tests.registries.github import Answer

TOKEN = "token-of-the-job"
REPOSITORY = f"{OWNER}/{NAME}"
_REPO = "/repos/{owner}/{repo}"
_DATA = Path(__file__).parent / "data" / "jobs.json"


class Hub:
    """One repository; `log` has `METHOD path` of every request, `violations` what is not allowed.

    `refusals` are answered first, one per request.
    """

    def __init__(self) -> None:
        self.description = Description(_DATA)
        self._schemas = json.loads(_DATA.read_text())["components"]["schemas"]
        self._operations = json.loads(_DATA.read_text())["operations"]
        self.log: list[str] = []
        self.violations: list[str] = []
        self.refusals: list[httpx.Response | httpx.TransportError] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.issues: list[dict[str, Any]] = []
        self.pulls: list[dict[str, Any]] = []
        self.dispatched: list[dict[str, Any]] = []
        self.merging: list[dict[str, Any]] = []
        self.merge_errors: list[str] = []
        self.settings: dict[str, Any] = {}
        self.found: dict[str, dict[str, Any] | list[Any]] = {}
        self.headers: dict[str, str] = {}
        self.branches = Branches(self)
        self._handlers = self._table()

    def open(self, token: str = TOKEN, *, sleep: Callable[[float], None] | None = None) -> Api:
        """Return the jobs' client of this stand-in, which waits for nothing."""
        return Api(
            "https://api.github.com", token, opened=self.connect, sleep=sleep or (lambda _: None)
        )

    def connect(self) -> httpx.AsyncClient:
        """Return a client that asks this stand-in."""
        return mocked(self._exchange)

    @property
    def writes(self) -> list[str]:
        return [line for line in self.log if not line.startswith("GET ")]

    def sampled(self, schema: str, **fields: Any) -> dict[str, Any]:
        """Return the least object of a schema, which may allow null, with `fields` on top."""
        made = {**self._schemas[schema]}
        if isinstance(made.get("type"), list):
            made["type"] = "object"
        return {**sample(made, self._schemas), **fields}

    def comment(self, number: int, body: str, author: str = BOT) -> dict[str, Any]:
        """Add a comment to an issue or a pull request."""
        said = self.comments.setdefault(number, [])
        user = self.sampled("simple-user", login=author, type="Bot")
        ident = sum(map(len, self.comments.values()))
        made = self.sampled("issue-comment", id=ident, body=body, user=user)
        said.append(made)
        return made

    def serve(
        self, method: str, path: str, query: str, headers: dict[str, str], content: bytes
    ) -> Answer:
        """Answer one request, judged by the description."""
        self.log.append(f"{method} {path}")
        if path == "/graphql":  # not described, for it is not a REST
            return self._graphql(json.loads(content))
        operation = self.description.operation_of(method, path)
        if operation is None:
            self.violations.append(f"{method} {path} is not described")
            return error(404, "Not Found")
        body = json.loads(content) if content else None
        self.violations += self.description.faults_of_request(operation, query, body)
        call = Call(values=operation.values, query=dict(httpx.QueryParams(query)), body=body)
        given = self._answered(operation.name, call, path)
        self.violations += self.description.faults_of_answer(operation, given.status, given.body)
        return given

    def _answered(self, name: str, call: Call, path: str) -> Answer:
        asked = (call.values.get("owner", OWNER), call.values.get("repo", NAME))
        if asked != (OWNER, NAME):
            return error(404, "Not Found")
        if path in self.found:
            return answer(self.found[path])
        handler = self._handlers.get(name)
        return handler(call) if handler else error(404, "Not Found")

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, httpx.TransportError):
                raise refusal
            return refusal
        if request.headers.get("Authorization") is None:
            return httpx.Response(401, json={"message": "Requires authentication"})
        given = self.serve(
            request.method,
            request.url.raw_path.decode().partition("?")[0],
            request.url.query.decode(),
            dict(request.headers),
            request.content,
        )
        headers = {"Content-Type": "application/json", **self.headers, **given.headers}
        return httpx.Response(given.status, content=given.body, headers=headers)

    def _table(self) -> dict[str, Callable[[Call], Answer]]:
        return {
            f"GET {_REPO}": self._repository,
            f"GET {_REPO}/issues": self._list_issues,
            f"POST {_REPO}/issues": self._add_issue,
            f"PATCH {_REPO}/issues/{{issue_number}}": self._edit_issue,
            f"GET {_REPO}/issues/{{issue_number}}/comments": self._list_comments,
            f"POST {_REPO}/issues/{{issue_number}}/comments": self._add_comment,
            f"PATCH {_REPO}/issues/comments/{{comment_id}}": self._edit_comment,
            f"POST {_REPO}/actions/workflows/{{workflow_id}}/dispatches": self._dispatch,
            f"GET {_REPO}/rules/branches/{{branch}}": lambda _: answer([]),
            f"GET {_REPO}/pulls": self._list_pulls,
            f"POST {_REPO}/pulls": self._add_pull,
            f"PATCH {_REPO}/pulls/{{pull_number}}": self._edit_pull,
            **self.branches.handlers,
        }

    def _repository(self, _: Call) -> Answer:
        return answer(self.sampled("full-repository", **self.settings))

    def _list_issues(self, call: Call) -> Answer:
        asked = call.query
        return answer([issue for issue in self.issues if issue["state"] == asked["state"]])

    def _add_issue(self, call: Call) -> Answer:
        user = self.sampled("simple-user", login=BOT)
        number = len(self.issues) + 1
        issue = self.sampled("issue", number=number, state="open", user=user, **call.body)
        self.issues.append(issue)
        return answer(issue, 201)

    def _edit_issue(self, call: Call) -> Answer:
        issue = self.issues[int(call.values["issue_number"]) - 1]
        issue.update(call.body)
        return answer(issue)

    def _list_comments(self, call: Call) -> Answer:
        said = self.comments.get(int(call.values["issue_number"]), [])
        size, page = int(call.query.get("per_page", 30)), int(call.query.get("page", 1))
        number = call.values["issue_number"]
        shown = json.dumps(said[(page - 1) * size : page * size]).encode()
        following = f"{PLACE}/issues/{number}/comments?per_page={size}&page={page + 1}"
        link = {"Link": f'<{following}>; rel="next"'} if page * size < len(said) else {}
        return Answer(200, shown, link)

    def _add_comment(self, call: Call) -> Answer:
        return answer(self.comment(int(call.values["issue_number"]), call.body["body"]), 201)

    def _edit_comment(self, call: Call) -> Answer:
        said = (entry for of in self.comments.values() for entry in of)
        found = next(entry for entry in said if entry["id"] == int(call.values["comment_id"]))
        found.update(call.body)
        return answer(found)

    def _dispatch(self, call: Call) -> Answer:
        self.dispatched.append({"workflow": call.values["workflow_id"], **call.body})
        return NOTHING

    def _list_pulls(self, call: Call) -> Answer:
        head = call.query["head"].rpartition(":")[2]
        shown = [p for p in self.pulls if p["state"] == "open" and p["head"]["ref"] == head]
        return answer(shown)

    def _add_pull(self, call: Call) -> Answer:
        pull = self.sampled("pull-request", number=len(self.pulls) + 1, state="open")
        pull |= {"title": call.body["title"], "body": call.body["body"], "node_id": "PR_1"}
        pull["head"] = {**pull["head"], "ref": call.body["head"]}
        self.pulls.append(self.sampled("pull-request-simple", **{
            key: pull[key] for key in ("number", "state", "title", "body", "node_id", "head")
        }))  # fmt: skip
        return answer(pull, 201)

    def _edit_pull(self, call: Call) -> Answer:
        number = int(call.values["pull_number"])
        found = next(pull for pull in self.pulls if pull["number"] == number)
        found.update(call.body)
        return answer(self.sampled("pull-request", number=number))

    def _graphql(self, body: dict[str, Any]) -> Answer:
        if self.merge_errors:
            return answer({"errors": [{"message": text} for text in self.merge_errors]})
        self.merging.append(body["variables"])
        return answer({"data": {"enablePullRequestAutoMerge": {"clientMutationId": None}}})
