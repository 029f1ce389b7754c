"""Our bundles, judged by sigstore-go: no code of this project takes part in that."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

from fleet.evidence.bundle import sign
from fleet.evidence.statement import statement_of
from fleet.local.paths import checkout
from fleet.local.toolchain import gobuild
from tests.fleet.evidence.examples import BUILDER, DIGEST, ED25519, OTHER, P256, key, statement
from tests.fleet.sigstore.services_fake import IDENTITY, ISSUER, FakeSigstore
from tests.fleet.sigstore.test_keyless import signed
from tests.go_modules import BUNDLE_VERIFIER

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def program() -> Path:
    """The verifier, built once from its Go module."""
    here = checkout()
    gobuild.ensure(here, [BUNDLE_VERIFIER])
    return gobuild.place(here, BUNDLE_VERIFIER) / "bundle-verifier"


class Judge:
    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder

    def __call__(
        self, bundle: bytes, pem: str = P256, digest: str = DIGEST
    ) -> "subprocess.CompletedProcess[str]":
        file, public = self._folder / "bundle.json", self._folder / "public.pem"
        file.write_bytes(bundle)
        public.write_text(key(pem).public.pem)
        argv = [str(self._program), str(file), str(public), digest]
        return subprocess.run(argv, capture_output=True, text=True, check=False)


def judged_by_identity(
    program: Path, folder: Path, fake: FakeSigstore, bundle: bytes, identity: str = IDENTITY
) -> "subprocess.CompletedProcess[str]":
    file, root = folder / "bundle.json", folder / "root.json"
    file.write_bytes(bundle)
    root.write_text(json.dumps(fake.trusted_root()))
    argv = [str(program), str(file), str(root), DIGEST, identity, ISSUER]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.fixture
def judged(program: Path, tmp_path: Path) -> Judge:
    return Judge(program, tmp_path)


@pytest.mark.parametrize("pem", [P256, ED25519])
def test_a_bundle_verifies(judged: Judge, pem: str) -> None:
    found = judged(sign(statement(), key(pem), BUILDER), pem)
    assert found.returncode == 0, found.stderr
    payload = statement_of(statement().payload(BUILDER))
    assert json.loads(found.stdout)["predicate"] == payload.predicate


def test_another_key_is_refused(judged: Judge) -> None:
    assert judged(sign(statement(), key(), BUILDER), ED25519).returncode == 1


def test_another_subject_is_refused(judged: Judge) -> None:
    found = judged(sign(statement(), key(), BUILDER), digest=OTHER)
    assert found.returncode == 1
    assert "does not match any digest in statement" in found.stderr


def test_an_altered_payload_is_refused(judged: Judge) -> None:
    bundle = json.loads(sign(statement(), key(), BUILDER))
    altered = statement(buildDefinition="other").payload(BUILDER)
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(altered).decode()
    found = judged(json.dumps(bundle).encode())
    assert found.returncode == 1
    assert "could not verify envelope" in found.stderr


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_a_keyless_bundle_verifies_by_its_log_or_its_timestamp(
    program: Path, tmp_path: Path, visibility: str
) -> None:
    fake = FakeSigstore(tmp_path, visibility)
    (bundle,) = signed(fake)
    found = judged_by_identity(program, tmp_path, fake, bundle)
    assert found.returncode == 0, found.stderr
    other = judged_by_identity(program, tmp_path, fake, bundle, "https://github.com/x/y")
    assert other.returncode == 1


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_a_keyless_bundle_without_its_log_or_timestamp_is_refused(
    program: Path, tmp_path: Path, visibility: str
) -> None:
    fake = FakeSigstore(tmp_path, visibility)
    (made,) = map(json.loads, signed(fake))
    material = made["verificationMaterial"]
    made["verificationMaterial"] = {"certificate": material["certificate"]}
    found = judged_by_identity(program, tmp_path, fake, json.dumps(made).encode())
    assert found.returncode == 1
