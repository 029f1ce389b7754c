"""The bill of materials of one platform's image, CycloneDX 1.6: equal contents, equal bytes.

Nothing of a registry or of a run is in it. So an image has one bill, wherever it is copied to. It
has the minimum elements of NTIA ("The Minimum Elements For a Software Bill of Materials", 2021):
supplier, name, version, identifier, dependencies, author and time.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from fleet.http.text import one_line
from fleet.sbom.model import (
    Contents,
    Package,
    PackageKind,
    System,
    UnreadableImageError,
    dependencies_of,
)

MEDIA_TYPE: Final = "application/vnd.cyclonedx+json"
PLATFORM_PROPERTY: Final = "io.github.multi-py.fleet.platform"
_AUTHOR = "image-fleet"
_NAMED = re.compile(r"([^<>]*)<([^<>]*)>")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_TITLE = "org.opencontainers.image.title"
_VERSION = "org.opencontainers.image.version"


class PackageAddress(PackageURL):
    """A package URL, written as scanners write it: a colon, such as an epoch's, is ``%3A``."""

    def to_string(self, encode: bool | None = True) -> str:  # noqa: FBT001, FBT002 - inherited
        """Return its text."""
        scheme, _, rest = super().to_string(encode).partition(":")
        return f"{scheme}:{rest.replace(':', '%3A')}"


def address_of(package: Package, system: System) -> PackageAddress:
    """Return the package URL of a package on ``system``, with what advisories are found by."""
    qualifiers = {}
    if package.kind in {PackageKind.DEBIAN, PackageKind.ALPINE}:
        distro = "-".join(part for part in (system.name, system.version) if part)
        source = package.source + (f"@{package.source_version}" if package.source_version else "")
        named = {"arch": package.architecture, "distro": distro, "upstream": source}
        qualifiers = {key: value for key, value in named.items() if value}
    namespaces = {PackageKind.DEBIAN: "debian", PackageKind.ALPINE: "alpine"}
    namespace = namespaces.get(package.kind)
    return PackageAddress(
        type=package.kind,
        namespace=(system.name or namespace) if namespace else None,
        name=package.name,
        version=package.version,
        qualifiers=qualifiers,
    )


def document(contents: Contents) -> bytes:
    """Return the bill of materials as canonical JSON: sorted keys, no spaces, ASCII.

    :raises UnreadableImageError: if the image does not say when it was made.
    """
    image = _image(contents)
    parts = {package: _component(package, contents.system) for package in contents.packages}
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, contents.digest),
        metadata=BomMetaData(
            timestamp=_time(contents),
            component=image,
            authors=[OrganizationalContact(name=_AUTHOR)],
            tools=ToolRepository(
                components=[Component(type=ComponentType.APPLICATION, name=_AUTHOR)]
            ),
        ),
        components=[*_system(contents.system), *parts.values()],
    )
    bom.register_dependency(image, bom.components)
    for package, needed in dependencies_of(contents.packages).items():
        bom.register_dependency(parts[package], [parts[each] for each in needed])
    text = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(text, sort_keys=True, separators=(",", ":")).encode()


def _image(contents: Contents) -> Component:
    return Component(
        type=ComponentType.CONTAINER,
        name=contents.labels.get(_TITLE) or "image",
        version=contents.labels.get(_VERSION) or contents.digest,
        bom_ref=contents.digest,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=contents.digest.partition(":")[2])],
        properties=[Property(name=PLATFORM_PROPERTY, value=contents.platform)],
    )


def _component(package: Package, system: System) -> Component:
    address = address_of(package, system)
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=address,
        bom_ref=address.to_string(),
        supplier=_entity(package.supplier),
    )


def _entity(text: str) -> OrganizationalEntity | None:
    """Return who ``Name <address>`` is, None for nobody."""
    named = _NAMED.match(text)
    name, address = named.groups() if named else (text, text)
    shown = one_line(name.strip('" ') or address)
    contacts = [OrganizationalContact(email=address)] if _EMAIL.fullmatch(address) else []
    return OrganizationalEntity(name=shown, contacts=contacts) if shown else None


def _system(system: System) -> Iterable[Component]:
    if system.name:
        yield Component(
            type=ComponentType.OPERATING_SYSTEM,
            name=system.name,
            version=system.version or None,
            bom_ref=f"os:{system.name}@{system.version}",
        )


def _time(contents: Contents) -> datetime:
    try:
        moment = datetime.fromisoformat(contents.created)
    except ValueError:
        raise UnreadableImageError(
            f"{contents.digest}: the image does not say when it was created, and a bill of "
            "materials has to. Build it with SOURCE_DATE_EPOCH"
        ) from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
