"""The embedded registry: distribution over TLS on loopback, behind a login of the checkout."""

import hashlib
import json
import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fleet.console import say
from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError
from fleet.http.message import Call
from fleet.http.opening import open_http
from fleet.local import certificates, ports, processes, registry_login
from fleet.local.paths import Checkout
from fleet.local.registry_login import Login

_RECORD = "registry.pid"
_SECONDS = 5.0

LOG: dict[str, Any] = {"level": "warn", "accesslog": {"disabled": True}}
"""What the registry logs; benchmarks read every request from it."""


def start(checkout: Checkout, binary: Path, *, port: int, stack_file: str) -> None:
    """Have the registry answer on ``https://localhost:{port}``; one that already does is kept.

    :raises TroubleError: when something else holds the port, or the registry does not start.
    """
    authority, known_as = certificates.ensure(checkout), registry_login.ensure(checkout)
    config = _configuration(checkout, port)
    fingerprint = _fingerprint(config, binary, checkout.tls / "server.pem")
    record, log = checkout.run / _RECORD, checkout.log / "registry.log"
    known = processes.read_record(record)
    is_ours = known and known.alive and known.fingerprint == fingerprint
    if is_ours and answers(port, authority, known_as):
        return
    processes.stop(record)
    ports.require_free(port, setting=f"{stack_file}, fleet:registry")
    checkout.make_run()
    checkout.etc.mkdir(parents=True, exist_ok=True)
    path = checkout.etc / "registry.yaml"
    path.write_text(config)
    started = processes.start(
        [str(binary), "serve", str(path)],
        # distribution sends traces to a collector on localhost unless it is told not to.
        env=processes.environment(checkout.tmp / "registry", OTEL_TRACES_EXPORTER="none"),
        log=log,
        record=record,
        fingerprint=fingerprint,
    )
    processes.wait_until(
        lambda: answers(port, authority, known_as), started, name="the registry", log=log
    )
    say(f"registry: https://localhost:{port} (pid {started.pid})")


def stop(checkout: Checkout) -> processes.Record | None:
    """Stop the registry if it was started from this checkout; its data stays."""
    return processes.stop(checkout.run / _RECORD)


def answers(port: int, authority: Path, known_as: Login) -> bool:
    """Tell whether a registry that takes our login speaks TLS by ``authority`` on ``port``.

    That is the specification's question whether there is a registry: /v2/.
    """
    call = Call(method="GET", url=f"https://127.0.0.1:{port}/v2/")
    try:
        with Blocking(opened=lambda: open_http(bundle=authority), deadline=_SECONDS) as client:
            return client.once(call, f"Basic {known_as.pair}").status == HTTPStatus.OK
    except HttpError:
        return False


def _configuration(checkout: Checkout, port: int) -> str:
    # distribution reads JSON, which is YAML too: a path needs no quoting rules of its own.
    return json.dumps(
        {
            "version": "0.1",
            "log": LOG,
            "storage": {
                "filesystem": {"rootdirectory": str(checkout.state / "registry")},
                "delete": {"enabled": True},
            },
            "auth": {
                "htpasswd": {
                    "realm": registry_login.REALM,
                    "path": str(registry_login.htpasswd(checkout)),
                }
            },
            "http": {
                "addr": f"127.0.0.1:{port}",
                "tls": {
                    "certificate": str(checkout.tls / "server.pem"),
                    "key": str(checkout.tls / "server.key"),
                },
            },
        },
        indent=2,
    )


def _fingerprint(config: str, binary: Path, certificate: Path) -> str:
    parts = (config.encode(), os.fsencode(binary), certificate.read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
