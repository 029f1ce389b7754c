"""Pulumi as its makers ship it: by a recorded archive where their site is reachable."""

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fleet.console import TroubleError, say
from fleet.http import probe
from fleet.http.errors import HttpError
from fleet.local.child_environment import run
from fleet.local.paths import Checkout
from fleet.local.toolchain import published
from fleet.local.toolchain.modules import PULUMI, PULUMI_VERSION, Module, target

_PROVIDER = "pulumi:providers:"


def installed(checkout: Checkout) -> Path | None:
    """Return where the engine lies in the cache that was unpacked from the recorded archive."""
    folder = _folder(checkout)
    return folder if folder and folder.is_dir() else None


def is_recorded(checkout: Checkout, module: Module) -> bool:
    """Tell whether the archive of a plugin, or of the engine, is known for this machine."""
    url = published.address(module, target())
    return published.name_of(url) in published.recorded(checkout.root)


def is_reachable() -> bool:
    """Tell whether Pulumi's download site answers within a few seconds."""
    return probe.is_reachable(published.address(PULUMI, target()))


def install(checkout: Checkout) -> Path | None:
    """Unpack the engine's recorded archive into the cache; ``None`` when it can't be had.

    No code of the archive is run for that, and nothing of it is used unless it is the recorded one.

    :raises TroubleError: when it is another one.
    """
    folder = _folder(checkout)
    if folder is None:
        return None
    tools = folder.parent.parent
    tools.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".pulumi-", dir=tools))
    try:
        content = published.content(checkout.root, published.address(PULUMI, target()))
        _unpack(content, made)
        made.replace(folder.parent)
    except (HttpError, OSError, tarfile.TarError) as error:
        say(f"toolchain: pulumi can't be downloaded ({error}); building it from Go modules instead")
        return None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _folder(checkout: Checkout) -> Path | None:
    # Named by the archive, so that what was unpacked from another one is never used.
    name = published.name_of(published.address(PULUMI, target()))
    digest = published.recorded(checkout.root).get(name)
    if digest is None:
        return None
    return checkout.cache / "tools" / f"pulumi-{PULUMI_VERSION}-{digest[:16]}" / "bin"


def _unpack(content: bytes, folder: Path) -> None:
    """Have the programs of the archive lie in ``bin`` below ``folder``."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        archive.extractall(folder, filter="data")
    inner = folder / "pulumi"
    inner.rename(folder / "bin")
    if not os.access(folder / "bin" / "pulumi", os.X_OK):
        raise tarfile.TarError("there is no pulumi/pulumi in the archive")


def has_plugin(checkout: Checkout, module: Module) -> bool:
    """Tell whether the plugin is installed in this checkout's Pulumi home."""
    return _has(checkout, module.name, module.version)


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
        if version and not _has(checkout, name, version)
    ]


def _has(checkout: Checkout, plugin: str, version: str) -> bool:
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


def fetch_plugin(checkout: Checkout, pulumi: Path, module: Module, env: Mapping[str, str]) -> bool:
    """Install a plugin from its recorded archive; return False when that can't be had.

    :raises TroubleError: when it is another one, or the engine refuses it.
    """
    url = published.address(module, target())
    try:
        content = published.content(checkout.root, url)
    except HttpError as error:
        say(f"toolchain: {error}; building it from Go modules instead")
        return False
    with tempfile.TemporaryDirectory(prefix=".plugin-") as folder:
        file = Path(folder, published.name_of(url))
        file.write_bytes(content)
        install_plugin(pulumi, module, env, file=file)
    return True
