"""Evidence with the real engine, the real registry, and a judge that is not ours."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fleet.local.paths import checkout
from fleet.local.toolchain import gobuild
from fleet.reports.report import Report
from tests.engine.kept import Kept
from tests.engine.registries import Distribution
from tests.engine.seeding import PLATFORMS, delete, push_build
from tests.engine.stack import Declared, EngineStack, Ran
from tests.faults.proxy import proxied
from tests.fleet.evidence.examples import ED25519, P256, key
from tests.go_modules import BUNDLE_VERIFIER
from tests.registries.live import PLAIN, running_live

pytestmark = pytest.mark.integration

NAME, BUILD = "team/app", "team/app/build"
TAG, LATEST = "py3.13-slim-0.34.0", "py3.13-slim-LATEST"
STATED = ["provenance", "test-result", *(f"sbom {platform}" for platform in PLATFORMS)]
KINDS = ["provenance", *(f"sbom {platform}" for platform in sorted(PLATFORMS)), "test-result"]
RESOURCE = "ociregistry:index:Tag"
KEY = "FLEET_SIGNING_KEY"


class Scene:
    """A stack with evidence; `digest` is that of its one version tag."""

    def __init__(self, stack: EngineStack, registry: Distribution) -> None:
        self.stack, self.registry = stack, registry
        self.digest = push_build(registry, BUILD, TAG)
        stack.environment[KEY] = P256
        self.declare()

    def declare(self, *pems: str, **fields: Any) -> None:
        host = self.registry.host
        self.stack.declare(
            Declared(
                repository=f"{host}/{NAME}",
                build=f"{host}/{BUILD}",
                tags={TAG: self.digest},
                pointers={LATEST: TAG},
                keys=tuple(key(pem).public.spki for pem in pems or (P256,)),
                **fields,
            )
        )

    @property
    def fallback(self) -> str:
        return self.digest.replace(":", "-")

    def get(self, path: str) -> bytes:
        kinds = "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json"
        url = f"http://{self.registry.host}/v2/{NAME}/{path}"
        answer = httpx.get(url, headers={"Accept": kinds}, trust_env=False)
        answer.raise_for_status()
        return answer.content

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.get(f"manifests/{self.fallback}"))[
            "manifests"
        ]
        return found

    def bundles(self) -> dict[tuple[str, str], bytes]:
        """The bundles in the list, by kind and key."""
        found = {}
        for entry in self.listed():
            manifest = json.loads(self.get(f"manifests/{entry['digest']}"))
            said = entry["annotations"]
            name = "io.github.multi-py.fleet.evidence"
            body = self.get(f"blobs/{manifest['layers'][0]['digest']}")
            found[said[f"{name}.kind"], said[f"{name}.key"]] = body
        return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scene, Kept]]:
    """A scene that is up, once for the tests of this file."""
    folder = tmp_path_factory.mktemp("evidence")
    with running_live(PLAIN, folder / "registry") as live:
        scene = Scene(EngineStack(folder / "project", live.environment), live.storage)
        scene.stack.up()
        yield scene, Kept(folder / "kept", scene.stack, [live.storage])


@pytest.fixture
def scene(kept: tuple[Scene, Kept]) -> Scene:
    """A scene that is up."""
    kept[1].put_back()
    return kept[0]


def changed(ran: Ran) -> set[tuple[str, str]]:
    return {(step.op, step.token.rpartition("$")[2]) for step in ran.steps}


def signed(report: Report) -> dict[str, tuple[str, ...]]:
    """The tags whose evidence alone is signed, each with the reasons."""
    return {entry.ref.rpartition(":")[2]: entry.reasons for entry in report.of("sign")}


def test_what_is_named_has_evidence_that_others_verify(scene: Scene, tmp_path: Path) -> None:
    assert sorted(kind for kind, _ in scene.bundles()) == KINDS
    here = checkout()
    gobuild.ensure(here, [BUNDLE_VERIFIER])
    program = gobuild.place(here, BUNDLE_VERIFIER) / "bundle-verifier"
    public, file = tmp_path / "key.pem", tmp_path / "bundle.json"
    public.write_text(key(P256).public.pem)
    for bundle in scene.bundles().values():
        file.write_bytes(bundle)
        argv = [str(program), str(file), str(public), scene.digest]
        subprocess.run(argv, check=True, capture_output=True)


def test_a_second_run_changes_nothing_and_its_state_has_no_text(scene: Scene) -> None:
    assert scene.stack.preview("--expect-no-changes").steps == ()
    assert scene.stack.up().steps == ()
    state = json.dumps(scene.stack.export())
    assert "PRIVATE" not in state
    assert "buildDefinition" not in state
    (own,) = [r for r in scene.stack.export()["deployment"]["resources"] if r["urn"].endswith(TAG)]
    evident = len(json.dumps(own, separators=(",", ":")))
    del own["inputs"]["evidence"], own["outputs"]["signed"]
    assert evident - len(json.dumps(own, separators=(",", ":"))) <= 1024


def test_a_deleted_list_is_put_back_and_the_tag_is_not_touched(scene: Scene) -> None:
    before = scene.get(f"manifests/{scene.fallback}")
    delete(scene.registry, NAME, scene.fallback)
    for told in (scene.stack.refresh().report, scene.stack.preview().report):
        assert signed(told) == {TAG: ("the registry lost its " + ", ".join(STATED),)}
        assert told.differs
    ran = scene.stack.up()
    assert changed(ran) == {("update", RESOURCE)}
    assert (*signed(ran.report), ran.report.summary) == (
        TAG,
        "0 built, 0 re-pointed, 0 removed, 1 unchanged, 1 signed",
    )
    assert scene.get(f"manifests/{scene.fallback}") == before


def test_a_deleted_statement_is_put_back_by_a_run_that_asks_for_all(scene: Scene) -> None:
    before = scene.bundles()
    delete(scene.registry, NAME, scene.listed()[0]["digest"])
    scene.stack.environment["FLEET_VERIFY_CHILDREN"] = "all"
    assert changed(scene.stack.up()) == {("update", RESOURCE)}
    assert scene.bundles() == before


def test_a_new_key_signs_beside_the_old_one(scene: Scene) -> None:
    before = scene.bundles()
    scene.stack.environment[KEY] = ED25519
    scene.declare(ED25519, P256)
    previewed = scene.stack.preview()
    assert "to be signed: the signer changed" in previewed.messages
    assert changed(previewed) == {("update", RESOURCE)}
    assert signed(previewed.report) == {TAG: ("the signer changed",)}
    scene.stack.up()
    assert before.items() <= scene.bundles().items()
    assert len(scene.bundles()) == 2 * len(KINDS)


def test_without_the_key_nothing_is_named(stack: EngineStack, distribution: Distribution) -> None:
    scene = Scene(stack, distribution)
    del scene.stack.environment[KEY]
    ran = scene.stack.up("--continue-on-error", code=None)
    assert ran.code != 0
    assert "there is no key to sign with" in ran.messages
    failed = {e.ref.rpartition(":")[2]: e.reasons for e in ran.report.of("fail")}
    assert failed.keys() == {TAG, LATEST}
    assert "there is no key to sign with" in failed[TAG][0]
    assert (
        httpx.get(
            f"http://{scene.registry.host}/v2/{NAME}/manifests/{TAG}", trust_env=False
        ).status_code
        == 404
    )


def test_no_name_is_written_before_its_evidence(
    stack: EngineStack, distribution: Distribution
) -> None:
    with proxied(distribution, lambda _line: None) as proxy:
        stack.environment["FLEET_PLAIN_HTTP"] = f"{distribution.host},{proxy.host}"
        stack.environment[KEY] = P256
        stack.declare(
            Declared(
                repository=f"{proxy.host}/{NAME}",
                build=f"{proxy.host}/{BUILD}",
                tags={TAG: push_build(distribution, BUILD, TAG)},
                pointers={LATEST: TAG},
                keys=(key(P256).public.spki,),
            )
        )
        stack.up()
        written = [line for line in proxy.log if line.startswith("PUT ") and "/manifests/" in line]
    names = [line.rpartition("/")[2] for line in written]
    tags = [name for name in names if not name.startswith("sha256:")]
    assert [tag.partition("-")[0] for tag in tags[:2]] == ["sha256", "py3.13"]
    assert tags[1] == TAG
