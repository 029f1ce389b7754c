"""Our Docker configurations, and what they show of the user's: logins, contexts, builders."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fleet.console import TroubleError
from fleet.declaration.builder_nodes import EMBEDDED, REMOTE, Node
from fleet.local import buildx_instances, private_files, reach, registry_login, users_docker
from fleet.local.buildx_instances import path_of
from fleet.local.docker import daemons, record
from fleet.local.paths import Checkout
from fleet.local.requirements import DOCKER_BUILDER, Needs
from fleet.registry import docker_login

_LOGINS = users_docker.CONFIG
_PLUGINS = "cli-plugins"


def require_builders(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> None:
    """Return when every builder that ``needs`` name is declared or there.

    A Docker context is a builder by its own name; ``default`` is left to Docker.

    :raises TroubleError: naming those that are nowhere to be found.
    """
    theirs = users_docker.folder(checkout, env)
    buildx = _users_buildx(checkout, env)
    absent = [
        name
        for name in needs.builders
        if name != DOCKER_BUILDER
        and name not in needs.described
        and not reach.is_file(path_of(buildx, name))
        and not reach.is_dir(users_docker.context_folder(theirs, name))
    ]
    if absent:
        raise TroubleError(
            f"Pulumi.{needs.stack}.yaml, fleet:builders: no such builder: {', '.join(absent)} "
            f"(looked in {buildx / 'instances'}).\nName one that `docker buildx ls` shows, make it "
            "with `docker buildx create --name`, or declare it under fleet:builder-nodes."
        )


def share(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> None:
    """Let our configuration describe our builder and the declared nodes, and show the user's.

    It has the login of the registry on this machine; for one elsewhere it shows the user's logins.
    Where there is no builder to describe either, the user's own configuration is used, and there is
    nothing to show.
    """
    if not needs.own_docker_config:
        return
    checkout.make_state()
    theirs, ours = users_docker.folder(checkout, env), folder(checkout, needs)
    private_files.make_folder(ours)
    if needs.port is None:
        _show_logins(ours / _LOGINS, theirs / _LOGINS)
    else:
        _share_logins(checkout, needs.port, needs.others, env)
    for name in (users_docker.CONTEXTS, _PLUGINS):
        _link(ours / name, theirs / name)
    for name, node in needs.described.items():
        buildx_instances.write(ours / "buildx", name, node)
    if needs.builder:
        _describe_ours(checkout, needs, ours / "buildx")
    for name in needs.builders.keys() - needs.described.keys():
        instance = path_of(_users_buildx(checkout, env), name)
        if reach.is_file(instance):
            held = path_of(ours / "buildx", name)
            held.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(instance, held)


def _describe_ours(checkout: Checkout, needs: Needs, buildx: Path) -> None:
    if engine := record.endpoint(checkout):
        node = daemons.node(checkout, needs, engine)
        buildx_instances.write(buildx, EMBEDDED, node, called=daemons.node_name(checkout))
    else:
        node = Node(driver=REMOTE, endpoint=f"unix://{checkout.socket}", options={})
        buildx_instances.write(buildx, EMBEDDED, node)


def _share_logins(
    checkout: Checkout, port: int, others: Iterable[str], env: Mapping[str, str]
) -> None:
    """Let our configuration have the login of the registry on ``port`` of this machine.

    Of the user's file it takes which Docker context is in use, and the logins of the hosts in
    ``others``. A credential store named there would be asked in place of our entry.
    """
    theirs = users_docker.values(users_docker.folder(checkout, env) / _LOGINS)
    values: dict[str, Any] = {"auths": {}}
    for host in others:
        for key, held in docker_login.of_host(theirs, host).items():
            values[key] = values.get(key, {}) | held
    values["auths"] |= registry_login.docker_auths(registry_login.ensure(checkout), port)
    context = theirs.get("currentContext")
    text = json.dumps(values | ({"currentContext": context} if context else {}), indent=2)
    private_files.write(checkout.docker_config / _LOGINS, f"{text}\n")


def _show_logins(ours: Path, theirs: Path) -> None:
    """Have ``ours`` lead to ``theirs``, or be a copy without ``proxies`` where these are set.

    Every step of a build is given them as arguments, with the passwords in their addresses.
    """
    values = users_docker.values(theirs)
    # Docker's reader takes a key in whichever case.
    kept = {key: value for key, value in values.items() if key.lower() != "proxies"}
    if kept != values:
        private_files.write(ours, f"{json.dumps(kept, indent=2)}\n")
        return
    ours.unlink(missing_ok=True)
    _link(ours, theirs)


def folder(checkout: Checkout, needs: Needs) -> Path:
    """Return our configuration for ``needs``: with the login of this machine's registry, or not.

    With one folder for both, a run for the one would take the login from a run for the other.
    """
    return checkout.docker_config_elsewhere if needs.port is None else checkout.docker_config


def _users_buildx(checkout: Checkout, env: Mapping[str, str]) -> Path:
    named = env.get("BUILDX_CONFIG")
    theirs = users_docker.folder(checkout, env) / "buildx"
    return Path(named) if named and not checkout.holds(named) else theirs


def _link(link: Path, target: Path) -> None:
    """Have ``link`` lead to ``target`` where that exists, and nowhere else."""
    if link.is_symlink():
        link.unlink()
    if reach.exists(target) and not link.exists():
        link.symlink_to(target)
