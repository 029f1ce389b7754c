"""A plan applied through the provider to the in-process registry, in a given order of tags."""

from collections.abc import Callable, Sequence
from typing import Any

from fleet.declaration import tags
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry


class Watched(list[str]):
    """A registry's log that looks at the registry before every write is carried out."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def append(self, line: str) -> None:
        """Note a request."""
        if not line.startswith(("GET", "HEAD")):
            self._look()
        super().append(line)


class Applied:
    """One image of a plan; `up` returns the kind of each step that was not `same`."""

    def __init__(self, engine: Engine, registry: FakeRegistry, plan: Plan) -> None:
        self._engine = engine
        self._registry = registry
        self._plan = plan
        (self._image,) = plan.images
        self.name = self._image.repository.partition("/")[2]
        self._sources = {tag.tag: self._built(tag) for tag in self._image.tags}

    def up(self, order: Sequence[tags.Tag]) -> dict[str, str]:
        """Refresh; then each version tag with the pointers on it; then the stale pointers."""
        for name in list(self._engine.resources):
            self._engine.refresh(name)
        kinds: dict[str, str] = {}
        for tag in order:
            digest = self._apply(kinds, TAG, tag, self._version(tag))
            for pointer in self._image.pointers:
                if pointer.target == tag:
                    source = f"{self._registry.host}/{self.name}@{digest}"
                    inputs = self._common(pointer.tag) | {"source": source, "identity": tag}
                    self._apply(kinds, TAG, pointer.tag, inputs)
        self._apply(kinds, STALE, "stale", _stale(self._image, self._plan, self._place))
        return {name: kind for name, kind in kinds.items() if kind != "same"}

    @property
    def _place(self) -> str:
        return f"{self._registry.host}/{self.name}"

    def _apply(self, kinds: dict[str, str], token: str, name: str, inputs: dict[str, Any]) -> str:
        step = self._engine.up(token, name, inputs, refresh=False)
        kinds[name] = step.kind
        return str(step.outputs.get("digest", ""))

    def _built(self, tag: VersionTag) -> str:
        (build,) = tag.builds
        place = build.repository.partition("/")[2]
        images = {p: self._registry.push_image(place, p, tag.tag) for p in build.platforms}
        digest = self._registry.push_children(place, images, dict(build.annotations))
        return f"{self._registry.host}/{place}@{digest}"

    def _version(self, name: tags.Tag) -> dict[str, Any]:
        (tag,) = (tag for tag in self._image.tags if tag.tag == name)
        return self._common(name) | {
            "source": self._sources[name],
            "platforms": list(tag.platforms),
            "identity": tag.identity,
        }

    def _common(self, tag: str) -> dict[str, Any]:
        return {
            "ref": f"{self._place}:{tag}",
            "owner": self._plan.owner,
            "onConflict": "take-over",
        }


def _stale(image: ImagePlan, plan: Plan, place: str) -> dict[str, Any]:
    return {
        "repository": place,
        "owner": plan.owner,
        "pointers": sorted(pointer.tag for pointer in image.pointers),
        "grammar": [{"kind": k, "pattern": tags.pointer_pattern(k)} for k in image.policy],
        "policy": dict(image.policy),
        "maxRemovals": 1.0,
    }
