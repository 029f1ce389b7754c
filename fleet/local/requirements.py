"""Requirements of a stack's declaration on this machine."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet.checkout.lock_file import lock_file, read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.declaration.builder_nodes import EMBEDDED, KEY_OPTIONS, Node
from fleet.declaration.logins import Login
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration
from fleet.lock.model import Lock

DOCKER_BUILDER = "default"
"""The name of the builder that a Docker engine brings; buildx keeps no instance file of it."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The needs of a stack on this machine.

    ``host`` is the registry's ``host:port``; ``port`` is ``None`` when it is not on this machine.
    Of ``platforms``, the embedded builder builds those in ``built_here``; ``builders`` has those of
    each other one by its name, and ``nodes`` holds the declared ones of these. ``bases`` are pairs
    of Python and base, such as ``("3.11", "slim")``, that are built on or compiled on. ``github``
    says that a repository on GitHub is managed. ``logins`` are the declared ones, names of
    variables by host; ``base_registry`` is the declared mirror of the official bases, or empty, and
    ``mirrors`` are the hosts that images are mirrored to. ``tags`` counts the declared version
    tags. ``signing`` says that a key is declared, ``only_keyless`` that nothing but a workflow
    signs.
    """

    stack: str
    host: str
    port: int | None
    platforms: tuple[str, ...]
    built_here: tuple[str, ...]
    builders: Mapping[str, tuple[str, ...]]
    nodes: Mapping[str, Node]
    bases: tuple[tuple[str, str], ...]
    github: bool
    logins: Mapping[str, Login] = field(default_factory=dict)
    base_registry: str = ""
    mirrors: tuple[str, ...] = ()
    tags: int = 0
    signing: bool = False
    only_keyless: bool = False

    @property
    def own_key(self) -> bool:
        """True where the key of this checkout signs: here, and no other one is declared."""
        return self.port is not None and not self.signing

    @property
    def builder(self) -> bool:
        """True where the embedded builder is wanted."""
        return bool(self.built_here)

    @property
    def described(self) -> Mapping[str, Node]:
        """The nodes that clients learn of by an instance file of ours."""
        return {name: node for name, node in self.nodes.items() if not node.foreign}

    @property
    def own_docker_config(self) -> bool:
        """True with a login or a builder of ours, which the user's folder does not get."""
        return self.port is not None or self.builder or bool(self.described)

    @property
    def stand_ins(self) -> bool:
        """True where base images may be made here: they need our registry and our builder.

        Nothing stands in for a declared mirror: the images of one declaration are the same
        everywhere, or it is an error.
        """
        return self.port is not None and self.builder and not self.base_registry

    @property
    def mirror(self) -> str:
        """The host of the declared mirror; empty without one, or on the fleet's registry."""
        host = self.base_registry.partition("/")[0]
        return "" if host == self.host else host

    @property
    def without_daemons(self) -> "Needs":
        """The programs that this machine needs if registry and builder run elsewhere."""
        return replace(self, port=None, built_here=())

    @property
    def others(self) -> tuple[str, ...]:
        """The hosts beside the fleet's own that a run asks with the user's logins."""
        known = dict.fromkeys(filter(None, (self.mirror, *self.mirrors)))
        return tuple(host for host in known if host != self.host)

    @property
    def anything(self) -> bool:
        """True where any daemon is to run on this machine."""
        return self.port is not None or self.builder


def needs_of(declaration: Declaration, stack: str, lock: Lock | None = None) -> Needs:
    """Return what ``declaration`` asks for, by what ``lock`` knows of what has to be compiled."""
    images = declaration.images
    platforms = tuple(dict.fromkeys(p for image in images for p in image.platforms))
    builders = {p: declaration.builders[p] for p in platforms}
    others = {
        builder: tuple(p for p in platforms if builders[p] == builder)
        for builder in builders.values()
        if builder != EMBEDDED
    }
    return Needs(
        stack=stack,
        host=declaration.host,
        port=int(declaration.host.partition(":")[2]) if declaration.is_local else None,
        platforms=platforms,
        built_here=tuple(p for p, builder in builders.items() if builder == EMBEDDED),
        builders=others,
        nodes={name: declaration.nodes[name] for name in others if name in declaration.nodes},
        bases=tuple(dict.fromkeys(_bases(declaration, lock or Lock()))),
        github=declaration.github is not None,
        logins=declaration.logins,
        base_registry=declaration.base_registry,
        mirrors=tuple(mirror.host for mirror in declaration.mirrors),
        tags=sum(len(matrix_entries(image)) for image in images),
        signing=bool(declaration.signing.keys),
        only_keyless=declaration.signing.keyless is not None and not declaration.signing.keys,
    )


def _bases(declaration: Declaration, lock: Lock) -> Iterator[tuple[str, str]]:
    """Yield Python and base of each image that a build starts from, or that has the compilers.

    The lock is the whole fleet's, also for a stack that manages a part of it. What has no wheel is
    compiled on the full image; what runs on alpine, on the alpine one that it starts from.
    """
    fleet = declaration.by_name.values()
    for entry in (entry for image in fleet for entry in matrix_entries(image)):
        if not entry.image.builds_on:
            yield entry.python, entry.base
    declared = {(image.name, python) for image in fleet for python in image.pythons}
    for key, tools in lock.tools.items():
        if key in declared and any(target.endswith(" glibc") for target in tools.compiled):
            yield key[1], "full"


def read_needs(root: Path, stack: str, environment: Mapping[str, str] = os.environ) -> Needs:
    """Return what the stack's file asks for, and its lock where bases are made here.

    ``FLEET_NODE_KEYS`` in ``environment`` names a folder with a folder per node, which then has
    ``cacert.pem``, ``cert.pem`` and ``key.pem`` in place of the declared files: a job has these for
    its own length alone.

    :raises fleet.declaration.problems.DeclarationError: when a file does not hold what it should.
    """
    declaration = declaration_of_file(config_file(root, stack))
    # Only bases of a registry on this machine are made here.
    path = lock_file(root, stack, declaration)
    lock = read_lock(path) if declaration.is_local else None
    needs = needs_of(declaration, stack, lock)
    keys = environment.get("FLEET_NODE_KEYS")
    if not keys:
        return needs
    nodes = {name: _with_keys(node, Path(keys, name)) for name, node in needs.nodes.items()}
    return replace(needs, nodes=nodes)


def _with_keys(node: Node, folder: Path) -> Node:
    named = [option for option in KEY_OPTIONS if option in node.options]
    files = {option: str(folder / f"{option}.pem") for option in named}
    return replace(node, options={**node.options, **files})
