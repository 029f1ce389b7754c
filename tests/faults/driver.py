"""An `up` without the engine: the provider's requests in the engine's order, over one state."""

from dataclasses import dataclass, field
from typing import Any

from fleet.registry.errors import OciError
from providers.ociregistry.stale_pointers.resource import RemovalFailedError
from tests.faults.model import GRAMMAR, PLATFORMS, Fleet
from tests.providers.ociregistry.engine_fake import STALE, TAG, CheckFailedError, Engine, Resource

OWNER = "fleet/dev"
_FAILURES = (OciError, CheckFailedError)


@dataclass
class Upped:
    """The outcome of an up: `kinds` by resource name, and the failures in words."""

    kinds: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def work(self) -> set[str]:
        """Return the names of the resources that were not left as they were."""
        return {name for name, kind in self.kinds.items() if kind != "same"}


class Driver:
    """Brings a fleet up through `engine`, against the registry at `host`."""

    def __init__(self, engine: Engine, host: str, policy: dict[str, str]) -> None:
        self.engine = engine
        self._host = host
        self._policy = policy

    def up(self, fleet: Fleet) -> Upped:
        """Refresh all, then each resource; one that fails stops those which depend on it."""
        done = Upped()
        for name in list(self.engine.resources):
            self._try(name, done, "refreshed", lambda n=name: self.engine.refresh(n))
        if done.failures:
            return done
        digests = {tag: self._tag(fleet, tag, done) for tag in fleet.tags}
        for pointer, target in fleet.pointers.items():
            if digests[target]:
                self._pointer(fleet, pointer, target, digests[target], done)
        if not done.failures:
            self._stale(fleet, done)
        if not done.failures:
            self._forget(fleet, done)
        return done

    def leave(self) -> Upped:
        """Have the image leave the declaration: what hangs on others goes first, as in an up.

        What can't be deleted stays in the state, and so does all that it hangs on.
        """
        done = Upped()
        for name in list(self.engine.resources):
            self._try(name, done, "refreshed", lambda n=name: self.engine.refresh(n))
        # The remover depends on all others, so that it goes first.
        for name in sorted(self.engine.resources, key=lambda name: name != "stale"):
            if not done.failures:
                self._delete(name, done)
        return done

    def _delete(self, name: str, done: Upped) -> None:
        found = self.engine.resources[name]
        self._try(name, done, "deleted", lambda: self.engine.delete(name))
        if done.failures:
            self.engine.resources[name] = found
        else:
            done.kinds[name] = "delete"

    def _tag(self, fleet: Fleet, tag: str, done: Upped) -> str:
        inputs = self._common(fleet, tag) | {
            "identity": tag,
            "onConflict": "refuse",
            "source": f"{self._host}/{fleet.build}@{fleet.indexes[tag]}",
            "platforms": list(PLATFORMS),
        }
        return self._apply(TAG, tag, inputs, done)

    def _pointer(self, fleet: Fleet, pointer: str, target: str, digest: str, done: Upped) -> None:
        source = {"identity": target, "source": f"{self._host}/{fleet.name}@{digest}"}
        self._apply(TAG, pointer, self._common(fleet, pointer) | source, done)

    def _stale(self, fleet: Fleet, done: Upped) -> None:
        inputs = {
            "repository": f"{self._host}/{fleet.name}",
            "owner": OWNER,
            "pointers": sorted(fleet.pointers),
            "grammar": [{"kind": k, "pattern": p} for k, p in GRAMMAR.items()],
            "policy": self._policy,
            "maxRemovals": 1.0,
        }
        self._apply(STALE, "stale", inputs, done)

    def _forget(self, fleet: Fleet, done: Upped) -> None:
        gone = set(self.engine.resources) - {*fleet.tags, *fleet.pointers, "stale"}
        for name in sorted(gone):
            self.engine.delete(name)
            done.kinds[name] = "delete"

    def _apply(self, token: str, name: str, inputs: dict[str, Any], done: Upped) -> str:
        try:
            step = self.engine.up(token, name, inputs, refresh=False)
        except RemovalFailedError as error:
            # The engine keeps the state that such an error carries.
            known = error.properties
            kept = {key: known[key] for key in inputs if key in known}
            self.engine.resources[name] = Resource(token, error.resource_id, kept, known)
            done.failures[name] = str(error)
            return ""
        except _FAILURES as error:
            done.failures[name] = str(error)
            return ""
        done.kinds[name] = step.kind
        return str(step.outputs.get("digest", ""))

    def _try(self, name: str, done: Upped, what: str, act: Any) -> None:
        try:
            act()
        except _FAILURES as error:
            done.failures[name] = f"not {what}: {error}"

    def _common(self, fleet: Fleet, tag: str) -> dict[str, Any]:
        return {"ref": f"{self._host}/{fleet.name}:{tag}", "owner": OWNER}
