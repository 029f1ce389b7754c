"""The environment that the engine and any registry client run in, also for use by hand."""

import json
import os
import shlex
from collections.abc import Iterable, Mapping

from fleet.declaration.logins import variables
from fleet.local import backend, certificates, docker_config, signing_key
from fleet.local.child_environment import PROXIES, direct_hosts
from fleet.local.paths import Checkout
from fleet.local.requirements import Needs
from providers.ociregistry.evidence.signer import KEY, KEY_FILE
from providers.ociregistry.run_settings import LOGINS

_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
_IN_THE_CHECKOUT = ("DOCKER_CONFIG", "BUILDX_CONFIG", "SSL_CERT_FILE", KEY_FILE)

NO_FETCHING = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"


def settings(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> dict[str, str]:
    """Return what is set on top of ``env`` for a stack with ``needs``.

    An embedded registry brings its authority, its login and a state in the checkout, whose salt is
    that of the empty passphrase; it and a builder that we describe bring a Docker configuration of
    our own. Elsewhere the user's own are kept.
    """
    chosen = {
        "PATH": _path(checkout, env),
        "PULUMI_HOME": str(checkout.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # What a stack needs is installed before. The engine would fetch the plugin of each SDK that
        # is installed, GitHub's for a stack without a repository too, and try five times per run.
        NO_FETCHING: "true",
        # A refresh goes by what was declared in the last run: a registry that has moved since must
        # not get the login of the one that took its place.
        LOGINS: json.dumps(variables(needs.logins), sort_keys=True),
    }
    if needs.own_docker_config:
        ours = docker_config.folder(checkout, needs)
        chosen["DOCKER_CONFIG"] = str(ours)
        # One of the user's would win over the folder in DOCKER_CONFIG.
        chosen["BUILDX_CONFIG"] = str(ours / "buildx")
    if any(node.foreign for node in needs.nodes.values()):
        # buildx on its own attests by default, which makes an index of a platform's image.
        chosen["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
    if any(env.get(name) or env.get(name.lower()) for name in PROXIES if name != "NO_PROXY"):
        # gRPC, by which the program speaks to the engine, would ask a proxy for loopback too.
        chosen |= dict.fromkeys(("NO_PROXY", "no_proxy"), direct_hosts(env))
    if needs.port is None:
        return chosen
    if needs.own_key:
        chosen[KEY_FILE] = str(checkout.signing / signing_key.PRIVATE)
    trusted = str(checkout.tls / "bundle.pem")
    state = f"file://{checkout.state / 'state'}"
    return {**chosen, backend.VARIABLE: state, _PASSPHRASE: "", "SSL_CERT_FILE": trusted}


def provide(checkout: Checkout, needs: Needs) -> None:
    """Have what the settings of a stack with ``needs`` name: certificate, key, configuration."""
    if needs.port is not None:
        certificates.ensure(checkout)
        signing_key.ensure(checkout)
    docker_config.share(checkout, needs, os.environ)


def unset(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> list[str]:
    """Return the names in ``env`` that must go for a stack with ``needs``.

    An embedded registry's stack has no use for a passphrase, nor for a key unless it declares one.
    One elsewhere must not take what the exports of the embedded stack left in the user's shell for
    the user's own.
    """
    chosen = settings(checkout, needs, env)
    gone = [n for n in _IN_THE_CHECKOUT if n not in chosen and checkout.holds(env.get(n) or "/")]
    if needs.own_key:
        # It is another stack's, and would win over the file.
        gone.append(KEY)
    if needs.port is not None:
        gone.append(f"{_PASSPHRASE}_FILE")
    elif backend.is_ours(checkout, env):
        gone += [backend.VARIABLE, *([] if env.get(_PASSPHRASE) else [_PASSPHRASE])]
    return [name for name in gone if name in env]


def complete(checkout: Checkout, needs: Needs) -> dict[str, str]:
    """Return this process's environment as a stack with ``needs`` wants it."""
    gone = unset(checkout, needs, os.environ)
    kept = {name: value for name, value in os.environ.items() if name not in gone}
    return {**kept, **settings(checkout, needs, os.environ)}


def for_reading(env: Mapping[str, str]) -> dict[str, str]:
    """Return ``env`` for a command that only reads: each platform of every tag is asked for.

    What the user set stays, an empty value too: that asks for one platform per tag, in turn.
    """
    return {"FLEET_VERIFY_CHILDREN": "all", **env}


def exports(values: Mapping[str, str], gone: Iterable[str] = ()) -> str:
    """Return lines for a POSIX shell that export ``values`` and unset the names in ``gone``."""
    lines = [f"unset {name}" for name in gone]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "".join(f"{line}\n" for line in lines)


def _path(checkout: Checkout, env: Mapping[str, str]) -> str:
    ours = [str(checkout.root / ".venv" / "bin"), str(checkout.bin)]
    rest = [entry for entry in env.get("PATH", os.defpath).split(os.pathsep) if entry not in ours]
    return os.pathsep.join([*ours, *rest])
