"""The engine's plugins: from a recorded archive where their makers' site has it, or from a file."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fleet.console import TroubleError
from fleet.local.child_environment import run
from fleet.local.paths import Checkout
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.toolchain import published
from fleet.local.toolchain.archives import archive
from fleet.local.toolchain.modules import Module, target

_PROVIDER = "pulumi:providers:"


def missing_plugins(checkout: Checkout, state: str) -> list[str]:
    """Return those that providers in an exported ``state`` name and this checkout has not."""
    resources = (json.loads(state).get("deployment") or {}).get("resources") or []
    found = {
        (each["type"].removeprefix(_PROVIDER), str((each.get("inputs") or {}).get("version", "")))
        for each in resources
        if each["type"].startswith(_PROVIDER)
    }
    return [
        f"{name} {version}"
        for name, version in sorted(found)
        if version and not has_plugin(checkout, name, version)
    ]


def has_plugin(checkout: Checkout, plugin: str, version: str) -> bool:
    """Tell whether the plugin is installed in this checkout's Pulumi home."""
    name = f"resource-{plugin}"
    folder = checkout.pulumi_home / "plugins" / f"{name}-v{version}"
    # The engine keeps this mark beside the folder until all of the plugin is in it.
    unfinished = folder.with_name(f"{folder.name}.partial")
    return (folder / f"pulumi-{name}").exists() and not unfinished.exists()


def install_plugin(pulumi: Path, module: Module, env: Mapping[str, str], *, file: Path) -> None:
    """Install a plugin into Pulumi's home from ``file``, its binary or its archive.

    :raises TroubleError: when the engine refuses.
    """
    argv = [str(pulumi), "plugin", "install", "resource", module.name, module.version, "--exact"]
    argv += ["--file", str(file), "--color", "never"]
    result = run(argv, env=env, timeout=600)
    if result.returncode:
        text = f"pulumi could not install the plugin {module.name}: {result.stderr.strip()}"
        raise TroubleError(text)


def fetch_plugin(
    checkout: Checkout,
    pulumi: Path,
    module: Module,
    env: Mapping[str, str],
    remaining: Remaining = UNKNOWN,
) -> None:
    """Install a plugin from its recorded archive.

    :raises TroubleError: when it is another one, or the engine refuses it.
    :raises fleet.http.errors.HttpError: when it can't be had.
    """
    url = published.address(module, target())
    content = published.content(checkout.root, url, remaining, module.name)
    with tempfile.TemporaryDirectory(prefix=".plugin-") as folder:
        file = Path(folder, archive(module))
        file.write_bytes(content)
        install_plugin(pulumi, module, env, file=file)
