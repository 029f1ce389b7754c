"""What an `up --refresh` without changes asks of the registry, counted in front of it."""

from collections import Counter
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.engine.seeding import push_build
from tests.engine.stack import Declared, EngineStack
from tests.faults.proxy import Proxy, proxied
from tests.fleet.evidence.examples import P256, key

pytestmark = pytest.mark.integration

REPOSITORY, BUILD = "team/app", "team/app/build"
VERSIONS = [f"py3.{python}-0.3{minor}.0" for python in (11, 12) for minor in (2, 3, 4)]
POINTERS = {
    **{f"py3.{python}-LATEST": f"py3.{python}-0.34.0" for python in (11, 12)},
    **{version.removesuffix(".0"): version for version in VERSIONS},
}


def quiet(_line: str) -> None:
    """Let every request pass."""


def up(stack: EngineStack, proxy: Proxy, registry: Distribution, *keys: str) -> None:
    stack.declare(
        Declared(
            repository=f"{proxy.host}/{REPOSITORY}",
            build=f"{proxy.host}/{BUILD}",
            tags={tag: push_build(registry, BUILD, tag) for tag in VERSIONS},
            pointers=POINTERS,
            policy={"LATEST": "remove", "X.Y": "keep"},
            keys=keys,
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


def test_evidence_costs_one_request_more_for_each_version_tag(
    distribution: Distribution, tmp_path: Path
) -> None:
    with proxied(distribution, quiet) as proxy:
        environment = {"FLEET_PLAIN_HTTP": proxy.host, "FLEET_SIGNING_KEY": P256}
        stack = EngineStack(tmp_path / "project", environment)
        up(stack, proxy, distribution, key(P256).public.spki)
        assert stack.up().steps == ()
        lists = [line for line in proxy.log if line.rpartition("/")[2].startswith("sha256-")]
    assert len({*lists}) == len(lists) == len(VERSIONS)
    assert len(proxy.log) == 3 * len(VERSIONS) + len(POINTERS) + 1
    assert proxy.writes == []
