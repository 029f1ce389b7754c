"""A stand-in for GitHub's API that answers within GitHub's own description.

It notes every request or answer that the description does not allow; a test has to find none.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.github.call import ID, NAME, OWNER, Call, Clock, Handler, error
from tests.github.contents import Contents
from tests.github.git import Branch
from tests.github.settings import Settings
from tests.registries.description import Description, Operation
from tests.registries.github import Answer

TOKEN = "token-of-the-test"
_REPO = "/repos/{owner}/{repo}"
_BY_NUMBER = re.compile(r"/repositories/(\d+)/")
# GitHub does these, and its description is silent: a name that is taken, and a setting of an
# environment that its own pages offer. Of a conflict it gives two forms and says that just one
# fits, though whatever is of the second is of the first.
_UNDESCRIBED_ANSWERS = frozenset(
    {
        (f"POST {_REPO}/environments/{{environment_name}}/variables", 409),
        (f"PUT {_REPO}/contents/{{path}}", 409),
    }
)
_UNDESCRIBED_FIELDS = {f"PUT {_REPO}/environments/{{environment_name}}": {"can_admins_bypass"}}


@dataclass
class Fault:
    """The answer instead: to the next `times` requests whose `METHOD path` has `pattern`.

    With `done`, the request takes effect and only its answer is lost. A `status` of 0 answers as
    ever, after `first` was called.
    """

    pattern: str
    status: int = 0
    times: int = 1
    message: str = "Refused by the test"
    documentation: str = "rest"
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = False
    first: Callable[[], object] = bool


class GitHub:
    """The API for one repository; `log` has `METHOD path` of every request."""

    def __init__(self, branch: str = "main") -> None:
        description = Description(Path(__file__).parent / "data" / "repository.json")
        self.description = description
        self.contents = Contents(description, Branch(branch))
        self.settings = Settings(Clock())
        self.handlers: dict[str, Handler] = {**self.contents.handlers, **self.settings.handlers}
        self.faults: list[Fault] = []
        self.log: list[str] = []
        self.violations: list[str] = []

    @property
    def branch(self) -> Branch:
        return self.contents.branch

    @property
    def writes(self) -> list[str]:
        return [line for line in self.log if not line.startswith("GET ")]

    def serve(
        self, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """Answer one request, judged by the description."""
        # The plugin asks by number, which GitHub takes and describes by name alone.
        named = _BY_NUMBER.sub(
            lambda m: f"/repos/{OWNER}/{NAME}/" if m[1] == str(ID) else m[0], path
        )
        self.log.append(f"{method} {named}")
        operation = self.description.operation_of(method, named)
        if operation is None:
            self.violations.append(f"{method} {path} is not described")
            return error(404, "Not Found")
        body = json.loads(content) if content else None
        self.violations += self._faults_of_request(operation, query, body)
        given = self._answer(operation, query, headers, body, f"{method} {named}")
        if (operation.name, given.status) not in _UNDESCRIBED_ANSWERS:
            self.violations += self.description.faults_of_answer(
                operation, given.status, given.body
            )
        return given

    def _faults_of_request(self, operation: Operation, query: str, body: Any) -> list[str]:
        silent = _UNDESCRIBED_FIELDS.get(operation.name, set())
        judged = {k: v for k, v in body.items() if k not in silent} if silent and body else body
        return self.description.faults_of_request(operation, query, judged)

    def _answer(
        self, operation: Operation, query: str, headers: Mapping[str, str], body: Any, line: str
    ) -> Answer:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, "Requires authentication")
        call = Call(values=operation.values, query=dict(httpx.QueryParams(query)), body=body)
        fault = next((f for f in self.faults if f.times and re.search(f.pattern, line)), None)
        if fault is None:
            return self._handle(operation.name, call)
        fault.times -= 1
        fault.first()
        if fault.done or not fault.status:
            given = self._handle(operation.name, call)
        if not fault.status:
            return given
        refused = error(fault.status, fault.message, fault.documentation)
        return Answer(refused.status, refused.body, fault.headers)

    def _handle(self, name: str, call: Call) -> Answer:
        asked = (call.values.get("owner", OWNER), call.values.get("repo", NAME))
        return self.handlers[name](call) if asked == (OWNER, NAME) else error(404, "Not Found")
