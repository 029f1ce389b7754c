"""Registry and BuildKit in containers: what the daemons of this machine are, with Docker's means.

The builder shares the registry's network, so that ``localhost:PORT`` is the registry for both, and
for this machine, also where the engine is in a virtual machine. It is the container that buildx's
driver ``docker-container`` would make, with a configuration, a label and a volume of ours: that
one finds it by its name and starts it if need be.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fleet.checkout.page_texts import read_templates
from fleet.checkout.pinned import IMAGES as PINNED_IMAGES
from fleet.checkout.pinned import pinned
from fleet.console import say
from fleet.declaration.builder_nodes import CONTAINER, Node
from fleet.local import builder, certificates, ports, registry, registry_login
from fleet.local.docker import proxies, record
from fleet.local.docker.containers import Container, ensure, pulling, remove_all, stop
from fleet.local.docker.engine import LONG, Engine, Info
from fleet.local.paths import Checkout
from fleet.local.platforms import NAMES
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.requirements import Needs

_CONFIGURATION: Final = "/etc/distribution/config.yml"
IMAGES: Final = "/var/lib/registry"
"""The registry's data in its container."""

CACHE: Final = "/var/lib/buildkit"
"""BuildKit's data in its container."""

_TOML: Final = "/etc/buildkit/buildkitd.toml"
_OURS: Final = "/etc/fleet"
_REGISTRY: Final = "the registry"
_BUILDER: Final = "BuildKit"
_NOT_HERE: Final = (
    "If this program runs in a container of that engine, or the engine's socket leads to another "
    "machine, the port is published there and not here: rerun where the engine runs."
)
_CLIENT: Final = Path(__file__).with_name("buildctl.sh")


def registry_name(checkout: Checkout) -> str:
    """Return the name of the registry's container and of its volume."""
    return f"{_name(checkout)}-registry"


def node_name(checkout: Checkout) -> str:
    """Return the name of the builder's node in buildx, which no other checkout has."""
    return f"{_name(checkout)}-builder"


def builder_name(checkout: Checkout) -> str:
    """Return the name that buildx's driver gives the container of that node."""
    return f"buildx_buildkit_{node_name(checkout)}"


def node(checkout: Checkout, needs: Needs, endpoint: str) -> Node:
    """Return the builder as the clients of buildx are to know it."""
    network = f"container:{registry_name(checkout)}"
    options = {"image": images(checkout)["buildkit"]}
    options |= {"network": network} if needs.port is not None else {}
    return Node(driver=CONTAINER, endpoint=endpoint, options=options)


def images(checkout: Checkout) -> dict[str, str]:
    """Return the images that run, by name: each is pinned by its digest.

    :raises fleet.declaration.problems.DeclarationError: when one is not.
    """
    return pinned(read_templates(checkout.root), PINNED_IMAGES)


def pulls(checkout: Checkout, engine: Engine, needs: Needs) -> list[str]:
    """Return the steps that pull what the engine lacks of the images that ``needs`` call on."""
    pins = images(checkout)
    wanted = {
        _REGISTRY: pins["registry"] if needs.port is not None else "",
        _BUILDER: pins["buildkit"] if needs.builder else "",
    }
    return [
        pulling(title)
        for title, image in wanted.items()
        if image and engine.inspect("image", image) is None
    ]


def start(checkout: Checkout, engine: Engine, needs: Needs, remaining: Remaining = UNKNOWN) -> None:
    """Have the registry and the builder that ``needs`` call on, each as it is wanted now.

    :raises TroubleError: when one can't be made, does not answer, or can't build a platform.
    """
    moved = False
    if needs.port is not None:
        setting, port = f"Pulumi.{needs.stack}.yaml, fleet:registry", needs.port
        wanted = _registry(checkout, needs.port)
        moved = ensure(
            engine, checkout, wanted, guest=builder_name(checkout),
            require=lambda: _free(checkout, engine, port, setting), remaining=remaining,
        )  # fmt: skip
        if _lost_its_network(checkout, engine):
            stop(engine, builder_name(checkout))
    if moved:
        # What no manifest names any more; nobody pushes now.
        name = registry_name(checkout)
        engine.try_("exec", name, "registry", registry.COLLECT, _CONFIGURATION, seconds=LONG)
    if needs.builder:
        info = engine.info()
        _link_client(checkout, engine)
        wanted = _builder(checkout, engine, needs, info)
        ensure(engine, checkout, wanted, require=proxies.report_lost, remaining=remaining)
        builder.require_platforms(
            checkout,
            needs,
            _remedy(checkout, info),
            lambda each: _emulates(checkout, engine, each),
        )


def down(checkout: Checkout, engine: Engine) -> None:
    """Stop what was started for this checkout; all data stays."""
    # The builder first: it may still be pushing to the registry.
    for title, name in (
        (_BUILDER, builder_name(checkout)),
        (_REGISTRY, registry_name(checkout)),
    ):
        ran = stop(engine, name)
        say(f"stopped {title} (container {name})" if ran else f"{title} was not running")


def clean(checkout: Checkout, engine: Engine) -> None:
    """Remove the containers and volumes of this checkout."""
    remove_all(engine, checkout, builder_name(checkout))
    say(f"removed this checkout's containers and volumes from Docker ({engine.endpoint})")


def _name(checkout: Checkout) -> str:
    return f"fleet-{record.identity(checkout)}"


def _free(checkout: Checkout, engine: Engine, port: int, setting: str) -> None:
    """Have nothing listen on ``port``, nor the builder in the network of what did."""
    stop(engine, builder_name(checkout))
    ports.require_free(port, setting=setting)


def _lost_its_network(checkout: Checkout, engine: Engine) -> bool:
    """Tell whether the builder was started before the registry, in a network that is no more."""
    names = (builder_name(checkout), registry_name(checkout))
    known = [engine.inspect("container", name) for name in names]
    started = [each["State"]["StartedAt"] for each in known if each]
    return len(started) == len(names) and started[0] < started[1]


def _registry(checkout: Checkout, port: int) -> Container:
    name, authority = registry_name(checkout), certificates.ensure(checkout)
    known_as = registry_login.ensure(checkout)
    # All addresses of the container, of which the engine publishes the port on one of this machine.
    configuration = registry.configuration(
        address=f":{port}", data=IMAGES, htpasswd=f"{_OURS}/htpasswd", tls=_OURS
    )
    return Container(
        name=name,
        title=_REGISTRY,
        place=f"https://localhost:{port}",
        image=images(checkout)["registry"],
        options=(
            f"--publish=127.0.0.1:{port}:{port}",
            "--env=OTEL_TRACES_EXPORTER=none",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--entrypoint=registry",
        ),
        command=("serve", _CONFIGURATION),
        volume=name,
        data=IMAGES,
        files={
            _CONFIGURATION: configuration,
            f"{_OURS}/server.pem": (checkout.tls / "server.pem").read_text(),
            f"{_OURS}/server.key": (checkout.tls / "server.key").read_text(),
            f"{_OURS}/htpasswd": registry_login.htpasswd(checkout).read_text(),
        },
        answers=lambda: registry.answers(port, authority, known_as),
        hint=_NOT_HERE,
    )


def _builder(
    checkout: Checkout,
    engine: Engine,
    needs: Needs,
    info: Info,
    env: Mapping[str, str] = os.environ,
) -> Container:
    name, authority, bundle = builder_name(checkout), f"{_OURS}/server.pem", f"{_OURS}/bundle.pem"
    passed = proxies.passed_on(env)
    processors = info.processors
    files = {_TOML: builder.configuration(needs, authority=authority, processors=processors)}
    # As buildx makes it: something collects what ended, and root is root.
    options = ["--privileged", "--entrypoint=buildkitd"]
    options += ["--init"] if info.has_init else []
    options += ["--userns=host"] if info.remaps else []
    if needs.port is not None:
        files[authority] = (checkout.tls / "server.pem").read_text()
        network = engine.inspect("container", registry_name(checkout))
        options.append(f"--network=container:{network['Id'] if network else ''}")
    if trusted := certificates.system_bundle(checkout):
        # An outgoing proxy that ends TLS is common: what this machine trusts, its builder does.
        files[bundle] = trusted.read_text()
        options.append(f"--env=SSL_CERT_FILE={bundle}")
    return Container(
        name=name,
        title=_BUILDER,
        place=f"docker-container://{name}",
        image=images(checkout)["buildkit"],
        options=tuple(options),
        command=("--config", _TOML),
        volume=name,
        data=CACHE,
        files=files,
        answers=lambda: builder.answers(checkout),
        env=passed,
    )


def _emulates(checkout: Checkout, engine: Engine, platform: str) -> bool:
    """Tell whether the builder has BuildKit's own emulator of ``platform`` on its PATH."""
    emulator = f"buildkit-qemu-{NAMES[platform].qemu}"
    return not engine.try_("exec", builder_name(checkout), "which", emulator).returncode


def _remedy(checkout: Checkout, info: Info) -> str:
    """Return what to do for a platform that neither BuildKit nor the kernel emulates."""
    if info.rootless:
        return (
            "No container of a rootless engine may give the kernel emulators: as root on that "
            "machine, install qemu-user-static and binfmt-support."
        )
    return (
        "To give the engine's kernel emulators, for all that runs on it: docker run --privileged "
        f"--rm {images(checkout)['binfmt']} --install all"
    )


def _link_client(checkout: Checkout, engine: Engine) -> None:
    """Put a client of the builder where that of a daemon would be."""
    path = checkout.bin / "buildctl"
    path.parent.mkdir(parents=True, exist_ok=True)
    words = [str(_CLIENT), engine.client, engine.endpoint, builder_name(checkout)]
    text = f'#!/bin/sh\nexec /bin/sh {shlex.join(words)} "$@"\n'
    if path.is_symlink() or not path.exists() or path.read_text() != text:
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)
