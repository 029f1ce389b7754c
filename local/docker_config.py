"""Our Docker configuration, and what it shows of the user's: logins, contexts, named builders."""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from local.checkout import Checkout
from local.needs import DOCKER_BUILDER, Needs
from local.say import TroubleError

_LOGINS = "config.json"
_CONTEXTS = "contexts"
_INSTANCES = "instances"


def require_builders(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> None:
    """Return when every builder of the user's that ``needs`` name is there.

    A Docker context is a builder by its own name; ``default`` is left to Docker.

    :raises TroubleError: naming those that are nowhere to be found.
    """
    theirs = users_folder(checkout, env)
    instances = _users_buildx(checkout, env) / _INSTANCES
    absent = [
        name
        for name in needs.builders
        if name != DOCKER_BUILDER
        and not (instances / _file_name(name)).is_file()
        and not _context(theirs, name).is_dir()
    ]
    if absent:
        raise TroubleError(
            f"Pulumi.{needs.stack}.yaml, fleet:builders: no such builder: {', '.join(absent)} "
            f"(looked in {instances}). Name one that `docker buildx ls` shows, or make it with "
            "`docker buildx create --name`."
        )


def share(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> None:
    """Let our configuration show the user's builders, and logins where the registry is not ours.

    Without our builder it is the user's own that is used, and there is nothing to show.
    """
    if not needs.builder:
        return
    theirs, ours = users_folder(checkout, env), checkout.docker_config
    ours.mkdir(parents=True, exist_ok=True)
    _link(ours / _LOGINS, theirs / _LOGINS if needs.port is None else None)
    _link(ours / _CONTEXTS, theirs / _CONTEXTS)
    for name in map(_file_name, needs.builders):
        instance = _users_buildx(checkout, env) / _INSTANCES / name
        if instance.is_file():
            folder = ours / "buildx" / _INSTANCES
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(instance, folder / name)


def users_folder(checkout: Checkout, env: Mapping[str, str]) -> Path:
    """Return the user's Docker configuration, also where ``make env`` has put ours before it."""
    named = env.get("DOCKER_CONFIG")
    return Path(named) if named and not checkout.holds(named) else Path.home() / ".docker"


def _users_buildx(checkout: Checkout, env: Mapping[str, str]) -> Path:
    named = env.get("BUILDX_CONFIG")
    theirs = users_folder(checkout, env) / "buildx"
    return Path(named) if named and not checkout.holds(named) else theirs


def _file_name(builder: str) -> str:
    # buildx keeps an instance by its name in lower case.
    return builder.lower()


def _context(folder: Path, name: str) -> Path:
    # Docker keeps a context by the digest of its name.
    return folder / _CONTEXTS / "meta" / hashlib.sha256(name.encode()).hexdigest()


def _link(link: Path, target: Path | None) -> None:
    """Have ``link`` lead to ``target`` where that exists, and nowhere else."""
    if link.is_symlink():
        link.unlink()
    if target and target.exists() and not link.exists():
        link.symlink_to(target)
