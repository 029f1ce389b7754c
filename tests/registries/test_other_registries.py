"""The program on registries that others wrote, by the real engine: a life of tags and evidence."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.registry.client import Client
from fleet.registry.manifest import EMPTY, assemble_artifact
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from tests.engine.reading import Reading
from tests.engine.seeding import OCI_INDEX, SOMEBODY, delete, move_tag, push_build
from tests.engine.stack import Declared, EngineStack
from tests.fleet.evidence.examples import P256, key
from tests.loopback import ask
from tests.registries.front import Front
from tests.registries.gitea import LOGIN, running_gitea
from tests.registries.kinds import GITEA, OTHERS, Kind, running

pytestmark = pytest.mark.integration

NAME, BUILD = "team/app", "team/app/build"
OLD, NEW = "py3.13-0.33.0", "py3.13-0.34.0"
LATEST, STALE = "py3.13-LATEST", "py3.13-0.33"
STATEMENTS = 5


@pytest.fixture(
    params=[
        *(pytest.param(kind, id=kind.name) for kind in OTHERS),
        pytest.param(GITEA, id=GITEA.name, marks=pytest.mark.slow),
    ]
)
def kind(request: pytest.FixtureRequest) -> Kind:
    assert isinstance(request.param, Kind)
    return request.param


@pytest.fixture
def front(kind: Kind, tmp_path: Path) -> Iterator[Front]:
    with running(kind, tmp_path / "registry") as served:
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


def test_tags_are_published_kept_repaired_and_removed(
    kind: Kind, front: Front, tmp_path: Path
) -> None:
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
    listed = {tag.lower() if kind.lowers else tag: digest for tag, digest in names.items()}
    assert {tag: digest for tag, digest in view.tags().items() if tag.startswith("py")} == listed
    assert view.undo() == {STALE: digests[OLD]}
    assert view.pull(digests[OLD]), "no image goes with a name"

    stack.destroy()
    assert view.digest(LATEST) is None
    assert {tag: view.digest(tag) for tag in digests} == digests


@pytest.mark.slow
def test_gitea_knows_its_owners_login_has_no_case_and_deletes_an_image_with_its_last_tag(
    tmp_path: Path,
) -> None:
    with running_gitea() as host:
        config = {"auths": {host: {"auth": LOGIN.partition(" ")[2]}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        environment = {"FLEET_PLAIN_HTTP": host, "DOCKER_CONFIG": str(tmp_path)}
        repository = Repository(host=host, name=NAME)

        async def ask_it() -> None:
            async with Transport(environment=environment) as transport:
                client = Client(transport)
                await client.write_blob(repository, EMPTY)
                made = assemble_artifact("application/vnd.example", b"{}", {}, None)
                await client.put(repository, LATEST, made)
                assert (await client.tags(repository)).tags == (LATEST.lower(),)
                assert await client.head(repository, LATEST.lower()) == made.digest
                assert await client.referrers(repository, made.digest) == ()
                assert await client.head(repository, made.digest) == made.digest
                await client.delete(repository, LATEST, named=made.digest)
                assert await client.head(repository, made.digest) is None

        asyncio.run(ask_it())
