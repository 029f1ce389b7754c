"""Pulumi as its makers ship it: by a recorded archive where their site has it."""

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet.console import TroubleError
from fleet.local.child_environment import run
from fleet.local.paths import Checkout
from fleet.local.toolchain import gobuild, published
from fleet.local.toolchain.modules import PULUMI, PULUMI_VERSION, Module, target

_PROVIDER = "pulumi:providers:"
_REMEDY = f"To build from Go modules instead, remove its line in {published.RECORDED}."


def installed(checkout: Checkout) -> Path | None:
    """Return where the engine lies in the cache that was unpacked from the recorded archive."""
    digest = published.recorded(checkout.root).get(_archive(PULUMI))
    folder = _folder(checkout, digest) if digest else None
    return folder if folder and (folder / "pulumi").is_file() else None


def downloads(checkout: Checkout, wanted: Iterable[Module]) -> tuple[Module, ...]:
    """Return those of ``wanted`` whose archive is recorded, and there to be had."""
    recorded = published.recorded(checkout.root)
    known = (module for module in wanted if _archive(module) in recorded)
    return tuple(m for m in known if published.is_offered(published.address(m, target())))


def install(checkout: Checkout) -> Path:
    """Unpack the engine's recorded archive into the cache, and return the folder of its programs.

    No code of the archive is run for that, and nothing of it is used unless it is the recorded one.
    The folder is named by the archive, so that what was unpacked from another one is never used.
    Of two runs at a time one unpacks it.

    :raises TroubleError: when it is another one, or not an engine.
    :raises fleet.http.errors.HttpError: when it can't be had.
    """
    with gobuild.alone_in_cache(checkout):
        return installed(checkout) or _unpacked(checkout)


def _unpacked(checkout: Checkout) -> Path:
    url = published.address(PULUMI, target())
    content = published.content(checkout.root, url)
    folder = _folder(checkout, hashlib.sha256(content).hexdigest())
    with tempfile.TemporaryDirectory(prefix=".pulumi-", dir=folder.parent) as made:
        try:
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
                archive.extractall(made, filter="data")
            if not Path(made, "pulumi", "pulumi").is_file():
                raise tarfile.TarError("it has no pulumi/pulumi")  # noqa: TRY301
            shutil.rmtree(folder, ignore_errors=True)
            Path(made, "pulumi").rename(folder)
        except (OSError, tarfile.TarError) as error:
            raise TroubleError(f"{url} can't be unpacked: {error}. {_REMEDY}") from error
    return folder


def _archive(module: Module) -> str:
    return published.name_of(published.address(module, target()))


def _folder(checkout: Checkout, digest: str) -> Path:
    return checkout.cache / "tools" / f"engine-{PULUMI_VERSION}-{digest[:16]}"


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


def fetch_plugin(checkout: Checkout, pulumi: Path, module: Module, env: Mapping[str, str]) -> None:
    """Install a plugin from its recorded archive.

    :raises TroubleError: when it is another one, or the engine refuses it.
    :raises fleet.http.errors.HttpError: when it can't be had.
    """
    content = published.content(checkout.root, published.address(module, target()))
    with tempfile.TemporaryDirectory(prefix=".plugin-") as folder:
        file = Path(folder, _archive(module))
        file.write_bytes(content)
        install_plugin(pulumi, module, env, file=file)
