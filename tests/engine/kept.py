"""A stack that is brought up once for several tests, each of which finds it as it was then."""

import copy
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.engine.registries import Distribution
from tests.engine.stack import EngineStack
from tests.registries.live import LiveRegistry


class Kept:
    """A stack and its registries as they are now; `folder` takes a copy of their files.

    Whoever has a registry in memory has it back as well: what GitHub's knows is in `live`.
    """

    def __init__(
        self,
        folder: Path,
        stack: EngineStack,
        registries: Iterable[Distribution],
        live: Iterable[LiveRegistry] = (),
    ) -> None:
        self._stack, self._environment = stack, dict(stack.environment)
        places = [stack.root, *(registry.root / "storage" for registry in registries)]
        self._folders = {place: folder / str(number) for number, place in enumerate(places)}
        for place, kept in self._folders.items():
            shutil.copytree(place, kept)
        known = [each.front.github for each in live if each.front and each.front.github]
        self._known = [(each, _fields(each)) for each in known]

    def put_back(self) -> None:
        """Have all of it as it was."""
        for place, kept in self._folders.items():
            shutil.rmtree(place)
            shutil.copytree(kept, place)
        self._stack.environment.clear()
        self._stack.environment.update(self._environment)
        for github, fields in self._known:
            vars(github).update(copy.deepcopy(fields))


def _fields(github: Any) -> dict[str, Any]:
    """Return what may change, but for the violations: the first of them is seen at the end."""
    fixed = {"storage", "violations"}
    return copy.deepcopy({k: v for k, v in vars(github).items() if k not in fixed})
