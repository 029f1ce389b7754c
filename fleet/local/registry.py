"""The embedded registry: distribution over TLS on loopback, behind a login of the checkout."""

import json
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fleet.console import say, tail_of
from fleet.http.blocking import Blocking
from fleet.http.document import MalformedError, parse_json
from fleet.http.errors import HttpError
from fleet.http.message import Call, Reply
from fleet.http.opening import open_http
from fleet.local import certificates, ports, processes, registry_login
from fleet.local.child_environment import child_environment, run
from fleet.local.paths import Checkout
from fleet.registry.docker_login import Credentials
from fleet.registry.manifest import MANIFEST_LIMIT, OCI_INDEX

NAME = "registry"
"""The daemon's name."""

COLLECT = "garbage-collect"
"""Distribution's command that frees the room of what was deleted, given its configuration."""

_SECONDS = 5.0
# distribution sends traces to a collector on localhost unless it is told not to.
_SETTINGS = {"OTEL_TRACES_EXPORTER": "none"}

LOG: dict[str, Any] = {"level": "warn", "accesslog": {"disabled": True}}
"""What the registry logs; benchmarks read every request from it."""


def start(checkout: Checkout, binary: Path, *, port: int, stack_file: str) -> None:
    """Have the registry answer on ``https://localhost:{port}``; one that already does is kept.

    :raises TroubleError: when something else holds the port, or the registry does not start.
    """
    processes.ensure(
        daemon(checkout, binary, port),
        require=lambda: _prepare(checkout, binary, port, f"{stack_file}, fleet:registry"),
    )


def _prepare(checkout: Checkout, binary: Path, port: int, setting: str) -> None:
    """Have the port free, and no bytes in the storage that no manifest names.

    The registry does not run, so that nobody pushes. Without its flag for untagged manifests,
    distribution removes only what deleted manifests alone had.
    """
    ports.require_free(port, setting=setting)
    file = _file(checkout)
    if file.exists() and (checkout.state / "registry").exists():
        done = run([str(binary), COLLECT, str(file)], env=child_environment(**_SETTINGS))
        if done.returncode:
            why = tail_of(done.stderr)
            say(f"warning: the registry can't free the room of what was deleted:\n{why}")


def daemon(checkout: Checkout, binary: Path, port: int) -> processes.Daemon:
    """Return the daemon as it is wanted; its certificate and its login are there."""
    authority, known_as = certificates.ensure(checkout), registry_login.ensure(checkout)
    file = _file(checkout)
    return processes.Daemon(
        checkout=checkout,
        name=NAME,
        title="the registry",
        place=f"https://localhost:{port}",
        argv=(str(binary), "serve", str(file)),
        file=file,
        config=configuration(
            address=f"127.0.0.1:{port}",
            data=str(checkout.state / "registry"),
            htpasswd=str(registry_login.htpasswd(checkout)),
            tls=str(checkout.tls),
        ),
        reads=(checkout.tls / "server.pem",),
        answers=lambda: answers(port, authority, known_as),
        settings=_SETTINGS,
    )


def _file(checkout: Checkout) -> Path:
    return checkout.state / "etc" / "registry.yaml"


def answers(port: int, authority: Path, known_as: Credentials) -> bool:
    """Tell whether a registry that takes our login speaks TLS by ``authority`` on ``port``.

    That is the specification's question whether there is a registry: /v2/.
    """
    try:
        return _get(port, "", authority, known_as).status == HTTPStatus.OK
    except HttpError:
        return False


def index(checkout: Checkout, port: int, repository: str, tag: str) -> dict[str, Any]:
    """Return the index that ``tag`` of ``repository`` names, empty when there is none.

    :raises fleet.http.errors.HttpError: when the registry gives no answer that can be read.
    """
    path, known_as = f"{repository}/manifests/{tag}", registry_login.ensure(checkout)
    reply = _get(port, path, checkout.tls / "server.pem", known_as)
    if reply.status == HTTPStatus.NOT_FOUND:
        return {}
    found = None
    if reply.status == HTTPStatus.OK:
        with suppress(MalformedError):
            found = parse_json(reply.body, path)
    if not isinstance(found, dict):
        raise HttpError(
            f"localhost:{port}/{repository}:{tag}: the registry on this machine answered "
            f"{reply.status}, and no index as expected.\nRun make down, which keeps its data, and "
            "rerun"
        )
    return found


def _get(port: int, path: str, authority: Path, known_as: Credentials) -> Reply:
    url, headers = f"https://127.0.0.1:{port}/v2/{path}", {"Accept": OCI_INDEX}
    call = Call(method="GET", url=url, headers=headers, limit=MANIFEST_LIMIT)
    with Blocking(opened=lambda: open_http(bundle=authority), deadline=_SECONDS) as client:
        return client.once(call, known_as.basic())


def configuration(*, address: str, data: str, htpasswd: str, tls: str) -> str:
    """Return distribution's configuration.

    It listens on ``address``. The others are paths: the folder of its data, the file of logins, and
    the folder of ``server.pem`` and ``server.key``. distribution reads JSON, which is YAML too: a
    path needs no quoting rules of its own.
    """
    return json.dumps(
        {
            "version": "0.1",
            "log": LOG,
            "storage": {
                "filesystem": {"rootdirectory": data},
                "delete": {"enabled": True},
            },
            "auth": {"htpasswd": {"realm": registry_login.REALM, "path": htpasswd}},
            "http": {
                "addr": address,
                "tls": {"certificate": f"{tls}/server.pem", "key": f"{tls}/server.key"},
            },
        },
        indent=2,
    )
