"""What is asked about a base: packages by OSV's names, read from a registry."""

from pathlib import Path

import pytest

from fleet.advisories.package import AdvisoryError, Package, distribution, installed, pinned
from fleet.lock.model import Base
from fleet.registry.client import Client
from fleet.releases.lock.locked_advisories import contents_of
from fleet.sbom.model import Contents, PackageKind, System
from fleet.sbom.model import Package as Installed
from fleet.sbom.reader import SbomReader
from tests.fleet.examples import DIGEST
from tests.fleet.sbom.layers import NAME, deb, file, layer, push, status
from tests.fleet.sbom.layers import distribution as metadata
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import serving


def contents(system: System, *packages: Installed) -> Contents:
    return Contents(
        digest=DIGEST, platform="linux/amd64", created="", labels={}, system=system,
        packages=packages,
    )  # fmt: skip


def test_pins_are_distributions_by_normalised_names() -> None:
    assert pinned(["Typing_Extensions==4.0 ; platform_machine == 'x86_64'", "h11==0.14.0"]) == {
        distribution("typing-extensions", "4.0"),
        distribution("h11", "0.14.0"),
    }


def test_packages_of_alpine_go_by_their_origin() -> None:
    apk = Installed(kind=PackageKind.ALPINE, name="ssl_client", version="1-r1", source="busybox")
    found = installed(contents(System(name="alpine", version="3.22.1"), apk), "base")
    assert found == {Package(ecosystem="Alpine:v3.22", name="busybox", version="1-r1")}


@pytest.mark.parametrize(
    "system",
    [
        System(),
        System(name="ubuntu", version="24.04"),
        System(name="debian"),
        System(name="alpine"),
    ],
)
def test_another_system_is_an_error_and_never_none(system: System) -> None:
    package = Installed(kind=PackageKind.DEBIAN, name="bash", version="5")
    with pytest.raises(AdvisoryError, match=r"base is of .*, and advisories are asked for of Deb"):
        installed(contents(system, package), "base")
    assert installed(contents(system), "base") == set()


def test_a_package_that_no_lock_can_hold_is_an_error() -> None:
    package = Installed(kind=PackageKind.ALPINE, name="a", version="1", source="x y\n")
    with pytest.raises(AdvisoryError, match="is not a package"):
        installed(contents(System(name="alpine", version="3.22.1"), package), "base")


def test_a_base_is_read_from_its_registry_by_source_packages(tmp_path: Path) -> None:
    release = file("etc/os-release", 'ID=debian\nVERSION_ID="13"\n')
    record = status(deb("libssl3t64", "3.5.1-1+b2", Source="openssl (3.5.1-1)"))
    with serving() as registry:
        digest = push(registry, [layer(release, record, metadata("pip", "25.0"))])
        call = Caller(registry, {"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": str(tmp_path)})

        def read(of: str) -> Contents:
            base = Base(
                name="python:3.13-slim", repository=f"{registry.host}/{NAME}", digest=of,
                platforms={"linux/amd64": of},
            )  # fmt: skip

            async def asked(client: Client) -> dict[str, Contents]:
                bases = {"3.13-slim": (base, "linux/amd64")}
                return await contents_of(bases, SbomReader(client))

            return call(asked)["3.13-slim"]

        assert installed(read(digest), "base") == {
            Package(ecosystem="Debian:13", name="openssl", version="3.5.1-1"),
            distribution("pip", "25.0"),
        }
        with pytest.raises(AdvisoryError, match=r"python:3\.13-slim: its packages can't be read"):
            read(DIGEST)
