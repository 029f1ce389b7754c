"""Other registries that the same images are published to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fleet.declaration.problems import Problems
from fleet.declaration.tags import EMBEDDED_HOSTS, is_embedded

_HUB: Final = "docker.io"


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A registry and namespace, ``place``, that has each image under the image's own name.

    At one that is not ``removable``, stale tags stay: Docker Hub removes no tag by the requests
    that registries have in common
    (https://docs.docker.com/reference/api/registry/latest/, "Delete image manifest").
    """

    place: str

    @property
    def host(self) -> str:
        """The registry's host and port."""
        return self.place.partition("/")[0]

    @property
    def removable(self) -> bool:
        """Tell whether tags can be removed there."""
        return self.host != _HUB


def parse_mirrors(declared: Sequence[str], registry: str, problems: Problems) -> tuple[Mirror, ...]:
    """Return the declared mirrors of ``registry``, ``host[:port]/namespace`` as that is."""
    first = {_known(registry): "fleet:registry"}
    for index, place in enumerate(declared):
        path = f"fleet:mirrors[{index}]"
        other = first.setdefault(_known(place), path)
        if other != path:
            what = f"is {place}, which {other} names already"
            problems.add(path, what, "Take one of the two out")
    return tuple(Mirror(place=place) for place in declared)


def _known(place: str) -> str:
    """Return one name for a place, whichever of this machine's names it has."""
    host, _, rest = place.partition(":")
    return f"{EMBEDDED_HOSTS[0] if is_embedded(host) else host}:{rest}"
