"""What an `up --refresh` without changes asks of the registry, counted in front of it."""

from collections import Counter
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack
from tests.faults.proxy import Proxy, proxied

pytestmark = pytest.mark.integration

REPOSITORY, BUILD = "team/app", "team/app/build"
VERSIONS = [f"py3.{python}-0.3{minor}.0" for python in (11, 12) for minor in (2, 3, 4)]
POINTERS = {
    **{f"py3.{python}-LATEST": f"py3.{python}-0.34.0" for python in (11, 12)},
    **{version.removesuffix(".0"): version for version in VERSIONS},
}


def quiet(_line: str) -> None:
    """Let every request pass."""


def up(stack: EngineStack, proxy: Proxy, registry: Distribution) -> None:
    stack.declare(
        Declared(
            repository=f"{proxy.host}/{REPOSITORY}",
            build=f"{proxy.host}/{BUILD}",
            tags={tag: push_build(registry, BUILD, tag) for tag in VERSIONS},
            pointers=POINTERS,
            policy={"LATEST": "remove", "X.Y": "keep"},
        )
    )
    stack.up()
    proxy.log.clear()


@pytest.mark.parametrize("arguments", [(), ("--refresh",)], ids=["as the project says", "asked"])
def test_a_version_tag_costs_two_requests_a_pointer_one_and_the_list_one_more(
    distribution: Distribution, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with proxied(distribution, quiet) as proxy:
        stack = EngineStack(tmp_path / "project", {"FLEET_PLAIN_HTTP": proxy.host})
        up(stack, proxy, distribution)
        assert stack.up(*arguments).steps == ()
        asked = Counter(line.rpartition("/")[2] for line in proxy.log)
    tags = {*VERSIONS, *POINTERS}
    assert {tag: asked.pop(tag) for tag in tags} == dict.fromkeys(tags, 1)
    assert asked.pop("list") == 1
    platforms = {name for name in asked if name.startswith("sha256:")}
    assert sum(asked.pop(digest) for digest in platforms) == len(VERSIONS)
    assert asked == {}, "nothing else is asked for"
    assert len(proxy.log) == 2 * len(VERSIONS) + len(POINTERS) + 1
    assert proxy.writes == []
