"""A stack of two repositories, of which a test disturbs one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.engine.reading import Reading
from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack
from tests.faults.proxy import Rules, proxied

NAMES = ("team/app", "team/other")
VERSION, LATEST, LINE = "py3.11-0.34.0", "py3.11-LATEST", "py3.11-0.34"


@dataclass(frozen=True, kw_only=True)
class Two:
    """The stack, what it declares of each repository, and the proxy's faults."""

    stack: EngineStack
    rules: Rules
    distribution: Distribution
    declared: tuple[Declared, Declared]

    def declare(self, first: Declared, second: Declared) -> None:
        self.stack.declare(replace(first, more=(second,)))

    def view(self, name: str) -> Reading:
        return Reading(self.distribution, name)


@contextmanager
def two_repositories(distribution: Distribution, folder: Path) -> Iterator[Two]:
    """Declare a version with two pointers in each; nothing is up yet."""
    rules = Rules()
    with proxied(distribution, rules) as proxy:
        stack = EngineStack(folder / "project", {"FLEET_PLAIN_HTTP": proxy.host})
        first, second = (
            Declared(
                repository=f"{proxy.host}/{name}",
                build=f"{proxy.host}/{name}/build",
                tags={VERSION: push_build(distribution, f"{name}/build", name)},
                pointers={LATEST: VERSION, LINE: VERSION},
            )
            for name in NAMES
        )
        made = Two(stack=stack, rules=rules, distribution=distribution, declared=(first, second))
        made.declare(first, second)
        yield made
