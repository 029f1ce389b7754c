"""The program on registries that others wrote, by the real engine: a life of tags and evidence."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.reading import Reading
from tests.engine.seeding import OCI_INDEX, SOMEBODY, delete, move_tag, push_build
from tests.engine.stack import Declared, EngineStack
from tests.fleet.evidence.examples import P256, key
from tests.loopback import ask
from tests.registries.front import Front
from tests.registries.kinds import OTHERS, running

pytestmark = pytest.mark.integration

NAME, BUILD = "team/app", "team/app/build"
OLD, NEW = "py3.13-0.33.0", "py3.13-0.34.0"
LATEST, STALE = "py3.13-LATEST", "py3.13-0.33"
STATEMENTS = 5


@pytest.fixture(params=OTHERS, ids=[kind.name for kind in OTHERS])
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    with running(request.param, tmp_path / "registry") as served:
        yield served


def declare(stack: EngineStack, front: Front, pointers: dict[str, str]) -> dict[str, str]:
    """Declare two signed version tags and pointers; return the digests of the tags."""
    digests = {tag: push_build(front, BUILD, tag) for tag in (OLD, NEW)}
    stack.declare(
        Declared(
            repository=f"{front.host}/{NAME}",
            build=f"{front.host}/{BUILD}",
            tags=digests,
            pointers=pointers,
            keys=(key(P256).public.spki,),
        )
    )
    return digests


def referrers(front: Front, digest: str) -> list[str]:
    """Return the digests of what refers to an index, by the API or else by the fallback tag."""
    for path in (f"referrers/{digest}", f"manifests/{digest.replace(':', '-')}"):
        headers = {"Accept": OCI_INDEX, **SOMEBODY}
        answer = ask(front.storage.host, "GET", f"/v2/{NAME}/{path}", headers)
        if answer.status == 200:
            return [entry["digest"] for entry in json.loads(answer.content)["manifests"] or []]
    return []


def test_tags_are_published_kept_repaired_and_removed(front: Front, tmp_path: Path) -> None:
    stack = EngineStack(tmp_path / "project", front.environment)
    stack.environment["FLEET_SIGNING_KEY"] = P256
    view = Reading(front.storage, NAME)
    digests = declare(stack, front, {LATEST: NEW, STALE: OLD})
    stack.up()
    names = {**digests, LATEST: digests[NEW], STALE: digests[OLD]}
    assert {tag: view.digest(tag) for tag in names} == names
    assert [len(referrers(front, digest)) for digest in digests.values()] == [STATEMENTS] * 2

    front.log.clear()
    assert stack.up().steps == ()
    assert front.writes == []

    move_tag(front.storage, NAME, LATEST, OLD)
    for digest in referrers(front, digests[OLD])[:1]:
        delete(front.storage, NAME, digest)
    stack.environment["FLEET_VERIFY_CHILDREN"] = "all"
    told = stack.preview().report
    assert {entry.ref.rpartition(":")[2] for entry in told.of("sign")} == {OLD}
    assert {entry.ref.rpartition(":")[2] for entry in told.of("re-point")} == {LATEST}
    stack.up()
    assert {tag: view.digest(tag) for tag in names} == names
    assert [len(referrers(front, digest)) for digest in digests.values()] == [STATEMENTS] * 2

    declare(stack, front, {LATEST: NEW})
    stack.preview()
    stack.up()
    del names[STALE]
    assert {tag: digest for tag, digest in view.tags().items() if tag.startswith("py")} == names
    assert view.undo() == {STALE: digests[OLD]}
    assert view.pull(digests[OLD]), "no image goes with a name"

    stack.destroy()
    assert view.digest(LATEST) is None
    assert {tag: view.digest(tag) for tag in digests} == digests
