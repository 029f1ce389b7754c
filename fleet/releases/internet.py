"""The internet as a source of locks: the package index, base registries, and a builder beside."""

import os
from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from fleet.advisories.door import door_of
from fleet.console import say
from fleet.declaration.logins import variables
from fleet.declaration.model import Declaration
from fleet.http.blocking import Blocking
from fleet.lock.model import Base
from fleet.registry.login import find_logins
from fleet.releases.lock.bases import at_registries, compiling, platform_digests
from fleet.releases.lock.builders import built
from fleet.releases.lock.built_metadata import Backends
from fleet.releases.lock.locked_advisories import contents_of
from fleet.releases.lock.resolver import Resolver
from fleet.releases.pypi import pypi
from fleet.releases.pypi.index import cooldown_of, releases_in, yanked_in
from fleet.releases.pypi.pypi import File
from fleet.releases.pypi.sdists import LeftOpenError, SdistError, build_requires, metadata
from fleet.releases.sources import Sources
from fleet.sbom.layer import LayerFacts
from fleet.sbom.moves import read_moves
from fleet.sbom.reader import SbomReader


def of_the_internet(  # noqa: PLR0913 - all that a command knows
    client: Blocking,
    declaration: Declaration,
    *,
    root: Path,
    stand_ins: Mapping[str, str],
    builders: Mapping[str, Base],
    notes: list[str],
    now: datetime,
) -> Sources:
    """Return the package index and base registries, each asked but once for the same.

    ``stand_ins`` are by ``{python}-{base}`` the bases that were made for the checkout at ``root``,
    ``builders`` by Python those of the lock that hold; ``now`` is in UTC. What people ought to know
    is printed, and added to ``notes``.
    """
    index, mirror = declaration.index, declaration.base_registry
    files = cache(lambda distribution: pypi.files(distribution, client, index=index))
    content = cache(lambda file: pypi.content(file, client))
    cooldown = cooldown_of(declaration.cooldown_days, now)

    # Once for each: the same is found for every Python and version.
    @cache
    def note(text: str) -> None:
        say(text)
        notes.append(text)

    logins = find_logins(variables(declaration.logins), os.environ)
    platforms = cache(partial(platform_digests, logins=logins))
    # What advisories are asked for is read from the same layers as what moved.
    facts: dict[str, LayerFacts] = {}

    # A refusal too is found out once.
    @cache
    def required(file: File, python: str) -> str | SdistError:
        try:
            try:
                return metadata(file.name, content(file))
            except LeftOpenError:
                return backends.metadata(file, python)
        except SdistError as error:
            return error

    resolver = Resolver(index=index, cooldown=cooldown, files=files, metadata=required, note=note)
    backends = Backends(
        base=cache(lambda python: compiling(python, declaration.images, builders, sources)),
        content=content,
        files=files,
        distributions=resolver,
        build=partial(built, root=root),
        say=say,
    )
    sources = Sources(
        distributions=resolver,
        yanked=cache(lambda name: yanked_in(releases_in(name, files(name)))),
        files=files,
        build_requires=cache(lambda file: build_requires(file.name, content(file))),
        platforms=platforms,
        base_contents=lambda bases: at_registries(
            lambda client: contents_of(bases, SbomReader(client, facts=facts)), logins
        ),
        moves=lambda bases: at_registries(lambda client: read_moves(client, bases, facts), logins),
        stand_ins=stand_ins,
        say=say,
        note=note,
        cooldown=cooldown,
        door=door_of(declaration.advisories, client, root=root, today=f"{now:%Y-%m-%d}"),
        base_registry=mirror,
    )
    return sources
