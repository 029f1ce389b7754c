"""The bill of materials: what it says, and that equal images have equal bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.reference import Repository
from fleet.sbom.reader import SbomReader
from tests.fleet.sbom.layers import (
    LABELS,
    NAME,
    OS_RELEASE,
    deb,
    distribution,
    file,
    layer,
    push,
    status,
)
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import FakeRegistry, sha

ROOT = Path(__file__).parents[3]
PYTHON = "PYTHON_VERSION=3.13.1 "
RECORD = status(
    deb(
        "libssl3t64",
        "3.5.1-1",
        Source="openssl",
        Maintainer="Debian OpenSSL Team <openssl@example.org>",
        Depends="libc6 (>= 2.34), libzstd1 | zlib1g:any, absent",
    ),
    deb("libc6", "2.41-12", Pre_Depends="libgcc-s1"),
    deb("libgcc-s1", "14.2.0-19", Depends="libc6 (>= 2.35)", Source="gcc-14 (14.2.0-19+x)"),
    deb("zlib1g", "1:1.3.dfsg+really1.3.1-1+b1", Provides="libz1 (= 1)"),
    deb("gone", "1").replace("ok installed", "ok config-files"),
    deb("uses", "1", Depends="libz1"),
)
DISTRIBUTIONS = (
    distribution(
        "uvicorn",
        "0.34.0",
        "Author-email: Tom Christie <tom@example.org>, Marcelo <m@example.org>",
        "Requires-Dist: click>=7.0",
        "Requires-Dist: H_11>=0.8",
        'Requires-Dist: typing-extensions>=4.0; python_version < "3.11"',
        'Requires-Dist: httptools; extra == "standard"',
        'Requires-Dist: uvloop; sys_platform == "linux"',
        "Requires-Dist: not a requirement ((",
        f"Requires-Dist: click; {'(' * 5000}",
    ),
    distribution("click", "8.1.8"),
    distribution("H.11", "0.14.0"),
    distribution("httptools", "0.6.4"),
    distribution("uvloop", "0.21.0", "Maintainer: Yury Selivanov"),
    distribution("typing_extensions", "4.12.2"),
    distribution("broken", "not a version"),
    file("a.dist-info/METADATA", f"Name: digits\nVersion: {'1' * 5000}\n"),
    file("b.dist-info/METADATA", f"Name: long\nVersion: 1+{'a' * 300}\n"),
)
LAYERS = (layer(OS_RELEASE, RECORD), layer(*DISTRIBUTIONS))


def bills(
    registry: FakeRegistry, environment: dict[str, str], *digests: str, copies: str = ""
) -> list[bytes]:
    """Return the bills of several images, read by one reader."""

    async def asked(client: Client) -> list[bytes]:
        reader = SbomReader(client)
        place = Repository(host=registry.host, name=NAME)
        near = Repository(host=registry.host, name=copies) if copies else None
        found = [await reader.sboms(place, digest, copies=near) for digest in digests]
        return [bill for each in found for bill in each.values()]

    return Caller(registry, environment)(asked)


@pytest.fixture
def digest(registry: FakeRegistry) -> str:
    return push(registry, LAYERS, env=[PYTHON])


@pytest.fixture
def bill(registry: FakeRegistry, environment: dict[str, str], digest: str) -> dict[str, Any]:
    (found,) = bills(registry, environment, digest)
    return json.loads(found)  # type: ignore[no-any-return]


def by_name(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in bill["components"]}


def needed(bill: dict[str, Any], name: str) -> list[str]:
    names = {each["bom-ref"]: each["name"] for each in bill["components"]}
    refs = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    return sorted(names[ref] for ref in refs[by_name(bill)[name]["bom-ref"]])


def test_it_is_valid_by_the_strict_schema(bill: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    assert bill["specVersion"] == "1.6"


def test_the_image_is_named_by_its_digest_and_labels(bill: dict[str, Any], digest: str) -> None:
    image = bill["metadata"]["component"]
    assert (image["type"], image["name"], image["version"]) == ("container", *LABELS.values())
    assert image["bom-ref"] == digest
    assert image["hashes"] == [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]
    assert [each["value"] for each in image["properties"]] == ["linux/amd64"]
    assert bill["metadata"]["timestamp"] == "2025-03-04T05:06:07+00:00"


SYSTEM = "arch=amd64&distro=debian-13"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("libssl3t64", f"pkg:deb/debian/libssl3t64@3.5.1-1?{SYSTEM}&upstream=openssl"),
        (
            "libgcc-s1",
            f"pkg:deb/debian/libgcc-s1@14.2.0-19?{SYSTEM}&upstream=gcc-14%4014.2.0-19%2Bx",
        ),
        ("zlib1g", f"pkg:deb/debian/zlib1g@1%3A1.3.dfsg%2Breally1.3.1-1%2Bb1?{SYSTEM}"),
        ("uvicorn", "pkg:pypi/uvicorn@0.34.0"),
        ("typing-extensions", "pkg:pypi/typing-extensions@4.12.2"),
        ("python", "pkg:generic/python@3.13.1"),
    ],
)
def test_package_urls_are_those_that_scanners_write(
    bill: dict[str, Any], name: str, address: str
) -> None:
    assert by_name(bill)[name]["purl"] == address


def test_what_is_not_installed_or_no_distribution_is_left_out(bill: dict[str, Any]) -> None:
    assert {"gone", "broken", "digits", "long"} & by_name(bill).keys() == set()


def test_suppliers_are_those_that_a_package_names(bill: dict[str, Any]) -> None:
    found = {name: each.get("supplier", {}).get("name") for name, each in by_name(bill).items()}
    assert found["libssl3t64"] == "Debian OpenSSL Team"
    assert found["uvicorn"] == "Tom Christie"
    assert found["uvloop"] == "Yury Selivanov"
    assert found["python"] == "Python Software Foundation"
    assert found["click"] is None
    contact = by_name(bill)["uvicorn"]["supplier"]["contact"]
    assert contact == [{"email": "tom@example.org"}], "of the first of several"


def test_dependencies_are_among_what_is_there(bill: dict[str, Any]) -> None:
    assert needed(bill, "libssl3t64") == ["libc6", "zlib1g"]
    assert needed(bill, "libc6") == ["libgcc-s1"]
    assert needed(bill, "libgcc-s1") == ["libc6"]
    assert needed(bill, "uses") == ["zlib1g"]
    assert needed(bill, "uvicorn") == ["click", "h-11", "uvloop"]
    image = bill["metadata"]["component"]["bom-ref"]
    (whole,) = [each["dependsOn"] for each in bill["dependencies"] if each["ref"] == image]
    assert len(whole) == len(bill["components"])


def test_equal_images_have_equal_bytes_and_others_another_serial_number(
    registry: FakeRegistry, environment: dict[str, str], digest: str
) -> None:
    other = push(registry, LAYERS, env=[PYTHON], created="2025-03-04T05:06:08Z")
    one, two, three = bills(registry, environment, digest, digest, other)
    assert one == two
    assert json.loads(one)["serialNumber"] != json.loads(three)["serialNumber"]
    assert one.isascii()
    assert b"127.0.0.1" not in one


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_bytes_do_not_depend_on_the_seed_of_hashes(
    registry: FakeRegistry, environment: dict[str, str], digest: str, seed: str
) -> None:
    (expected,) = bills(registry, environment, digest)
    words = (registry.host, NAME, digest)
    program = f"""
import asyncio, sys
from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport
from fleet.sbom.reader import SbomReader

async def run():
    transport = Transport()
    host, name, digest = {words!r}
    found = await SbomReader(Client(transport)).sboms(Repository(host=host, name=name), digest)
    await transport.close()
    sys.stdout.buffer.write(found["linux/amd64"])

asyncio.run(run())
"""
    env = {**os.environ, **environment, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, check=True
    )
    assert done.stdout == expected


def test_each_platform_has_its_own_and_shared_layers_are_fetched_once(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    children = {
        platform: push(registry, LAYERS, platform) for platform in ("linux/amd64", "linux/arm/v7")
    }
    index = registry.push_children(NAME, children)
    found = bills(registry, environment, index, index)
    assert len(set(found)) == 2
    fetched = [line for line in registry.log if line.startswith("GET") and "/blobs/" in line]
    assert len([line for line in fetched if line.endswith(sha(LAYERS[0]))]) == 1


def test_markers_are_those_of_the_image_and_not_of_this_machine(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    only = distribution(
        "only",
        "1",
        'Requires-Dist: click; platform_machine == "armv7l" and python_version == "3.9"',
    )
    layers = [layer(only, distribution("click", "8"))]
    digests = [
        push(registry, layers, "linux/arm/v7", env=["PYTHON_VERSION=3.9.1"]),
        push(registry, layers, "linux/arm/v7", env=["PYTHON_VERSION=3.10.1"]),
        push(registry, layers, "linux/amd64", env=["PYTHON_VERSION=3.9.1"]),
    ]
    found = [needed(json.loads(each), "only") for each in bills(registry, environment, *digests)]
    assert found == [["click"], [], []]


@pytest.mark.parametrize("created", [None, "", "yesterday"])
def test_an_image_that_does_not_say_when_it_was_created_is_refused(
    registry: FakeRegistry, environment: dict[str, str], created: str | None
) -> None:
    with pytest.raises(RegistryError, match="does not say when it was created"):
        bills(registry, environment, push(registry, LAYERS, created=created))


@pytest.mark.parametrize(
    "config", [None, "text", {"Env": "PATH", "Labels": []}, {"Env": [1, "X"], "Labels": {"a": 1}}]
)
def test_a_configuration_of_another_form_does_no_harm(
    registry: FakeRegistry, environment: dict[str, str], config: object
) -> None:
    (found,) = bills(registry, environment, push(registry, LAYERS, config=config))
    assert "python" not in by_name(json.loads(found))


def test_text_of_a_package_stays_text(registry: FakeRegistry, environment: dict[str, str]) -> None:
    hostile = distribution("odd", "1", "Author: \x1b[2J\u202e<script>")
    (found,) = bills(registry, environment, push(registry, [layer(hostile, file("x"))]))
    assert b"\x1b" not in found
    assert "\u202e" not in found.decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(found.decode()) is None
