"""What a lock says of advisories: asked for whenever the lock is written, and without a date."""

from collections.abc import Mapping
from dataclasses import replace

from fleet.advisories.package import AdvisoryError, Package, installed, pinned
from fleet.http.errors import ReadableError
from fleet.lock.advisories import Advisory, BasePackages, Findings
from fleet.lock.model import Base, Lock
from fleet.registry.reference import Repository
from fleet.releases.sources import Sources
from fleet.sbom.model import Contents
from fleet.sbom.reader import SbomReader

_FIRST = "linux/amd64"


def with_advisories(made: Lock, held: Lock, sources: Sources, *, again: bool) -> Lock:
    """Return ``made`` with what is known of its distributions and of the packages in its bases.

    Without ``again``, nobody is asked where nothing but that could differ from what is ``held``.
    Where all that is new can't be fixed by anybody, what is held stays: it would be a pull request
    in which there is nothing to do.

    :raises AdvisoryError: when a source or a base can't be asked.
    """
    if sources.door.declared is None:
        return made
    before = held.advisories
    unchanged = before is not None and replace(made, advisories=before) == held
    if unchanged and not again:
        return held
    bases = _base_packages(made.bases, before or Findings(), sources)
    packages = {each for pins in made.pins.values() for each in pinned(pins)}
    packages |= {each for _, listed in bases.values() for each in listed}
    sources.say(f"asking for advisories on {len(packages)} packages")
    known = sources.door.findings(packages)
    after = Findings(
        found={str(package): found for package, found in sorted(known.items()) if found},
        bases={
            key: BasePackages(image=image, packages=tuple(map(str, sorted(listed))))
            for key, (image, listed) in bases.items()
        },
    )
    if unchanged and before and before.fixable == after.fixable and before.bases == after.bases:
        return held
    return replace(made, advisories=after)


def known_of(lock: Lock, sources: Sources) -> dict[str, tuple[Advisory, ...]]:
    """Return what is known now of all that ``lock`` holds, by package.

    :raises AdvisoryError: when a source can't be asked.
    """
    packages = {each for pins in lock.pins.values() for each in pinned(pins)}
    for base in (lock.advisories or Findings()).bases.values():
        packages |= {_package(text) for text in base.packages}
    return {str(each): found for each, found in sources.door.findings(packages).items()}


def _base_packages(
    bases: Mapping[str, Base], held: Findings, sources: Sources
) -> dict[str, tuple[str, set[Package]]]:
    """Return by base the image that was read, and its packages: what is held of it serves."""
    images = {
        key: (base, _FIRST if _FIRST in base.platforms else min(base.platforms))
        for key, base in bases.items()
    }
    found: dict[str, tuple[str, set[Package]]] = {}
    unread: dict[str, tuple[Base, str]] = {}
    for key, (base, platform) in images.items():
        digest, known = base.platforms[platform], held.bases.get(key)
        if known and known.image == digest:
            found[key] = digest, {_package(text) for text in known.packages}
        else:
            unread[key] = base, platform
    if unread:
        names = ", ".join(base.name for base, _ in unread.values())
        sources.say(f"reading which packages are in {names}")
        for key, contents in sources.base_contents(unread).items():
            base, platform = unread[key]
            found[key] = base.platforms[platform], installed(contents, base.name)
    return {key: found[key] for key in bases}


def _package(text: str) -> Package:
    ecosystem, _, rest = text.partition(" ")
    name, _, version = rest.partition("==")
    return Package(ecosystem=ecosystem, name=name, version=version)


async def contents_of(
    bases: Mapping[str, tuple[Base, str]], reader: SbomReader
) -> dict[str, Contents]:
    """Return what each base consists of on a platform.

    :raises AdvisoryError: naming the base that can't be read.
    """
    found = {}
    for key, (base, platform) in bases.items():
        try:
            where = Repository.parse(base.repository)
            found[key] = (await reader.contents(where, base.digest, platform))[platform]
        except ReadableError as error:
            raise AdvisoryError(
                f"{base.name}: its packages can't be read, which advisories are asked for by: "
                f"{error}"
            ) from None
    return found
