"""Calls the provider in the order of the engine: read, check, diff, then create or update."""

import asyncio
import copy
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from pulumi.provider.experimental import provider as p

from fleet.http.retry import RetryPolicy
from fleet.registry.errors import OciError
from fleet.registry.login import Logins
from fleet.registry.reference import ManifestReference, Repository
from fleet.registry.transport import Transport
from fleet.reports.event_log import report_of
from fleet.reports.report import Report
from fleet.sigstore.keyless import Services
from providers.ociregistry.context import Session
from providers.ociregistry.properties import plain_map, wrap_map
from providers.ociregistry.provider import OciProvider
from tests.providers.ociregistry.declared import PLATFORMS

TAG = "ociregistry:index:Tag"
STALE = "ociregistry:index:StalePointers"
MIRROR = "ociregistry:index:Mirror"

_T = TypeVar("_T")


class CheckFailedError(Exception):
    """The provider rejected inputs: property to reason."""

    def __init__(self, failures: dict[str, str]) -> None:
        super().__init__(str(failures))
        self.failures = failures


@dataclass
class Resource:
    token: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """The engine's next operation, and the outputs that follow from it."""

    kind: str
    changed: tuple[str, ...] = ()
    outputs: dict[str, Any] = field(default_factory=dict)


class Engine:
    """A provider process with a state; a new process is `restart`."""

    def __init__(
        self, environment: dict[str, str], *, services: Services | None = None, **transport: Any
    ) -> None:
        self._services = services
        self.resources: dict[str, Resource] = {}
        self.messages: list[str] = []
        self.warnings: list[str] = []
        self.waits: list[float] = []
        self.now = "2026-01-02T03:04:05Z"
        self.events: list[dict[str, Any]] = []
        self._environment = environment
        self._transport = transport
        self._runner = asyncio.Runner()
        self.provider = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self.provider.close())
        self._runner.close()

    def restart(self, **transport: Any) -> None:
        """Start a new provider process over the same state, its transport set otherwise."""
        self._transport |= transport
        self._runner.run(self.provider.close())
        self.events.clear()
        self.provider = self._start()

    def close_to(self, host: str) -> None:
        """Start a new process that speaks plain HTTP to one more registry."""
        hosts = self._environment["FLEET_PLAIN_HTTP"]
        self._environment["FLEET_PLAIN_HTTP"] = f"{hosts},{host}"
        self.restart()

    def preview(self, token: str, name: str, inputs: dict[str, Any]) -> Step:
        """Foresee, after a refresh that is not kept."""
        before = dict(self.resources)
        self.refresh(name)
        step = self._step(token, name, inputs, preview=True)
        self.resources = before
        return step

    def up(self, token: str, name: str, inputs: dict[str, Any], *, refresh: bool = True) -> Step:
        """Refresh, then carry out."""
        if refresh:
            self.refresh(name)
        return self._step(token, name, inputs, preview=False)

    def refresh(self, name: str) -> None:
        """Read the resource; forget it where it is gone."""
        found = self.resources.get(name)
        if found is None:
            return
        urn = _urn(found.token, name)
        request = p.ReadRequest(urn, found.id, wrap_map(found.outputs), wrap_map(found.inputs))
        answer = self._run(self.provider.read(request))
        self._tell("resourcePreEvent", "refresh", found.token, name, found, found)
        if not answer.resource_id:
            self._tell("resOutputsEvent", "refresh", found.token, name, found, None)
            del self.resources[name]
            return
        outputs, inputs = plain_map(answer.properties), plain_map(answer.inputs)
        read = Resource(found.token, found.id, inputs, outputs)
        self._tell("resOutputsEvent", "refresh", found.token, name, found, read)
        # The engine has what it shows of a refresh compared by the provider.
        diff = p.DiffRequest(urn, found.id, wrap_map(outputs), wrap_map(found.inputs), [])
        self._run(self.provider.diff(diff))
        self.resources[name] = read

    def adopt(self, token: str, name: str, resource_id: str) -> bool:
        """Import, and have the provider check what it read; tell whether there was something."""
        urn = _urn(token, name)
        request = p.ReadRequest(urn, resource_id, {}, {})
        answer = self._run(self.provider.read(request))
        if not answer.resource_id:
            return False
        outputs, inputs = plain_map(answer.properties), plain_map(answer.inputs)
        resource = Resource(token, resource_id, inputs, outputs)
        resource.inputs = self._check(urn, resource, inputs)
        self.resources[name] = resource
        return True

    def delete(self, name: str) -> None:
        found = self.resources.pop(name)
        urn = _urn(found.token, name)
        request = p.DeleteRequest(urn, found.id, wrap_map(found.outputs), 0)
        self._run(self.provider.delete(request))
        self._tell("resOutputsEvent", "delete", found.token, name, found, None)

    def forget(self, name: str) -> None:
        """Preview that a resource is deleted, which asks the provider nothing."""
        found = self.resources[name]
        self._tell("resOutputsEvent", "delete", found.token, name, found, None, planning=True)

    @property
    def report(self) -> Report:
        """The report of the events since the last start."""
        end = {"isPreview": self._planned, "result": "succeeded"}
        return report_of([*self.events, {"summaryEvent": end}])

    @property
    def _planned(self) -> bool:
        return any(step.get("planning") for event in self.events for step in event.values())

    def _tell(  # noqa: PLR0913, PLR0917 - what an event is made of
        self,
        event: str,
        op: str,
        token: str,
        name: str,
        old: Resource | None,
        new: Resource | None,
        *,
        planning: bool = False,
    ) -> None:
        states = {
            key: {"inputs": state.inputs, "outputs": state.outputs}
            for key, state in (("old", old), ("new", new))
            if state is not None
        }
        metadata = {"op": op, "type": token, "urn": _urn(token, name), **copy.deepcopy(states)}
        self.events.append({event: {"planning": planning, "metadata": metadata}})

    def _step(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> Step:
        """Take a step, and tell of it as the engine's event log does."""
        old = copy.deepcopy(self.resources.get(name))
        try:
            step = self._taken(token, name, inputs, preview=preview)
        except (OciError, CheckFailedError) as error:
            said = {"severity": "error", "urn": _urn(token, name), "message": f"{error}\n"}
            self.events.append({"diagnosticEvent": said})
            new = Resource(token, "", inputs, getattr(error, "properties", {}))
            if isinstance(error, OciError):
                self._tell("resOpFailedEvent", "update", token, name, old, new, planning=preview)
            raise
        op = "create-replacement" if step.kind == "replace" else step.kind
        new = Resource(token, "", self._checked, step.outputs)
        self._tell("resOutputsEvent", op, token, name, old, new, planning=preview)
        return step

    def _taken(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> Step:
        old, urn = self.resources.get(name), _urn(token, name)
        checked = self._checked = self._check(urn, old, inputs)
        if old is None:
            return self._create(token, name, checked, preview=preview)
        request = p.DiffRequest(urn, old.id, wrap_map(old.outputs), wrap_map(checked), [])
        answer = self._run(self.provider.diff(request))
        if not answer.changes:
            if not preview:
                old.inputs = checked
            return Step(kind="same", outputs=old.outputs)
        if answer.replaces:
            step = self._create(token, name, checked, preview=preview)
            return Step(kind="replace", changed=tuple(answer.diffs), outputs=step.outputs)
        update = p.UpdateRequest(
            urn, old.id, wrap_map(old.outputs), wrap_map(checked), 0, [], preview
        )
        outputs = plain_map(self._run(self.provider.update(update)).properties)
        if not preview:
            self.resources[name] = Resource(token, old.id, checked, outputs)
        paths = tuple(answer.detailed_diff)
        return Step(kind="update", changed=paths, outputs=outputs)

    def _check(self, urn: str, old: Resource | None, inputs: dict[str, Any]) -> dict[str, Any]:
        olds = wrap_map(old.inputs) if old is not None else {}
        answer = self._run(self.provider.check(p.CheckRequest(urn, olds, wrap_map(inputs), b"")))
        if answer.failures:
            raise CheckFailedError({f.property: f.reason for f in answer.failures})
        return plain_map(answer.inputs or {})

    def _create(self, token: str, name: str, checked: dict[str, Any], *, preview: bool) -> Step:
        request = p.CreateRequest(_urn(token, name), wrap_map(checked), 0, preview)
        answer = self._run(self.provider.create(request))
        outputs = plain_map(answer.properties)
        if not preview:
            identifier = str(answer.resource_id)
            self.resources[name] = Resource(token, identifier, checked, outputs)
        return Step(kind="create", outputs=outputs)

    def _start(self) -> OciProvider:
        session = Session(
            open_transport=self._open,
            now=lambda: self.now,
            environment=self._environment,
            sboms=_sboms,
            services=self._services,
        )
        session.log, session.warn = self._log, self._warn
        return OciProvider(session)

    def _open(self, logins: Logins) -> Transport:
        return Transport(
            environment=self._environment,
            retry=RetryPolicy(sleep=self._sleep),
            logins=logins,
            **self._transport,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def _log(self, message: str, _urn: str) -> None:
        self.messages.append(message)

    async def _warn(self, message: str, _urn: str) -> None:
        self.warnings.append(message)

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return self._runner.run(coroutine)


async def _sboms(source: ManifestReference, _copies: Repository) -> dict[str, bytes]:
    """Stand in for what reads layers, which an image of these tests has none of."""
    text = json.dumps({"bomFormat": "CycloneDX", "metadata": {"of": source.digest}})
    return dict.fromkeys(PLATFORMS, text.encode())


def _urn(token: str, name: str) -> str:
    # As the engine spells a child of a component: the types of its parents come first.
    return f"urn:pulumi:dev::fleet::fleet:index:ImageTag${token}::{name}"
