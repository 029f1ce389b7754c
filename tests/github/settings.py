"""What a repository has beside its files: environments and permissions of workflows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.github.call import NOTHING, PLACE, Call, Clock, Handler, answer, error
from tests.github.sealed import Secrets
from tests.github.variables import Variables
from tests.registries.github import Answer

_REPO = "/repos/{owner}/{repo}"
_ENVIRONMENT = f"{_REPO}/environments/{{environment_name}}"
_POLICIES = f"{_ENVIRONMENT}/deployment-branch-policies"
_POLICY = f"{_POLICIES}/{{branch_policy_id}}"
_VARIABLE = f"{_ENVIRONMENT}/variables/{{name}}"
_PERMISSIONS = f"{_REPO}/actions/permissions/workflow"


@dataclass
class Environment:
    """`policies` maps the number of a branch policy to its pattern."""

    name: str
    number: int
    settings: dict[str, Any]
    secrets: Secrets
    variables: Variables
    policies: dict[int, str] = field(default_factory=dict)


class Settings:
    """The settings of the one repository that there is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._number = 100
        self.environments: dict[str, Environment] = {}
        self.permissions: dict[str, Any] = {
            "default_workflow_permissions": "write",
            "can_approve_pull_request_reviews": True,
        }

    @property
    def handlers(self) -> dict[str, Handler]:
        own = {
            f"PUT {_ENVIRONMENT}": self._put_environment,
            f"GET {_PERMISSIONS}": lambda _: answer(self.permissions),
            f"PUT {_PERMISSIONS}": self._permit,
        }
        inside: dict[str, Callable[[Environment, Call], Answer]] = {
            f"GET {_ENVIRONMENT}": lambda e, _: answer(_told(e)),
            f"DELETE {_ENVIRONMENT}": self._drop_environment,
            f"POST {_POLICIES}": self._add_policy,
            f"GET {_POLICY}": _policy,
            f"PUT {_POLICY}": _change_policy,
            f"DELETE {_POLICY}": _drop_policy,
            f"POST {_ENVIRONMENT}/variables": lambda e, c: e.variables.add(c),
            f"GET {_VARIABLE}": lambda e, c: e.variables.read(c),
            f"PATCH {_VARIABLE}": lambda e, c: e.variables.change(c),
            f"DELETE {_VARIABLE}": lambda e, c: e.variables.drop(c),
            f"GET {_ENVIRONMENT}/secrets/public-key": lambda e, _: e.secrets.public_key(),
            f"GET {_ENVIRONMENT}/secrets/{{secret_name}}": lambda e, c: e.secrets.read(c),
            f"PUT {_ENVIRONMENT}/secrets/{{secret_name}}": lambda e, c: e.secrets.write(c),
            f"DELETE {_ENVIRONMENT}/secrets/{{secret_name}}": lambda e, c: e.secrets.delete(c),
        }

        def within(name: str) -> Handler:
            def handle(call: Call) -> Answer:
                found = self.environments.get(call.values["environment_name"])
                return inside[name](found, call) if found else error(404, "Not Found")

            return handle

        return {**own, **{name: within(name) for name in inside}}

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _put_environment(self, call: Call) -> Answer:
        name, settings = call.values["environment_name"], call.body or {}
        policy = settings.get("deployment_branch_policy")
        if policy and policy["protected_branches"] == policy["custom_branch_policies"]:
            return error(422, "protected_branches and custom_branch_policies cannot be the same")
        held = self.environments.get(name)
        if held is None:
            held = Environment(
                name, self._next(), settings, Secrets(self._clock), Variables(self._clock)
            )
            self.environments[name] = held
        held.settings = settings
        return answer(_told(held))

    def _drop_environment(self, environment: Environment, _: Call) -> Answer:
        del self.environments[environment.name]
        return NOTHING

    def _add_policy(self, environment: Environment, call: Call) -> Answer:
        if not (environment.settings.get("deployment_branch_policy") or {}).get(
            "custom_branch_policies"
        ):
            return Answer(404)
        if call.body["name"] in environment.policies.values():
            return Answer(303)
        number = self._next()
        environment.policies[number] = call.body["name"]
        return answer(_told_policy(number, call.body["name"]))

    def _permit(self, call: Call) -> Answer:
        self.permissions.update(call.body)
        return NOTHING


def _told(environment: Environment) -> dict[str, Any]:
    place = f"{PLACE}/environments/{environment.name}"
    moment = "2026-11-23T12:00:00Z"
    policy = environment.settings.get("deployment_branch_policy")
    rule = {"id": environment.number + 1000, "node_id": "GA_1", "type": "branch_policy"}
    return {
        "id": environment.number, "node_id": "EN_1", "name": environment.name, "url": place,
        "html_url": place, "created_at": moment, "updated_at": moment,
        "can_admins_bypass": environment.settings.get("can_admins_bypass", True),
        "protection_rules": [rule] if policy else [], "deployment_branch_policy": policy,
    }  # fmt: skip


def _told_policy(number: int, pattern: str) -> dict[str, Any]:
    return {"id": number, "node_id": "GP_1", "name": pattern, "type": "branch"}


def _policy(environment: Environment, call: Call) -> Answer:
    number = int(call.values["branch_policy_id"])
    held = environment.policies.get(number)
    return answer(_told_policy(number, held)) if held else error(404, "Not Found")


def _change_policy(environment: Environment, call: Call) -> Answer:
    number = int(call.values["branch_policy_id"])
    if number not in environment.policies:
        return error(404, "Not Found")
    environment.policies[number] = call.body["name"]
    return answer(_told_policy(number, call.body["name"]))


def _drop_policy(environment: Environment, call: Call) -> Answer:
    gone = environment.policies.pop(int(call.values["branch_policy_id"]), None)
    return NOTHING if gone else error(404, "Not Found")
