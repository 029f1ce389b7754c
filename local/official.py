"""Pulumi as its makers ship it: on PATH, or by their installer where their site is reachable."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from fleet.http import probe
from local.checkout import Checkout
from local.daemons import search_path
from local.modules import PULUMI_VERSION, Plugin
from local.say import TroubleError, say, timed

_SITE = "get.pulumi.com"


def on_path(checkout: Checkout) -> Path | None:
    """Return the folder of a ``pulumi`` of the right version on PATH, with its language host."""
    search = search_path(checkout)
    found = shutil.which("pulumi", path=search)
    if found is None or not shutil.which("pulumi-language-python", path=search):
        return None
    answer = subprocess.run([found, "version"], check=False, capture_output=True, text=True)
    if answer.stdout.strip() == f"v{PULUMI_VERSION}":
        return Path(found).parent
    seen = answer.stdout.strip() or "of no known version"
    say(f"toolchain: {found} is {seen}, not v{PULUMI_VERSION}; it is left alone")
    return None


def installed(checkout: Checkout) -> Path:
    """Return where the official engine lies in the cache, once it is installed."""
    return checkout.cache / "tools" / f"pulumi-official-{PULUMI_VERSION}" / "bin"


def is_reachable() -> bool:
    """Tell whether Pulumi's download site answers within a few seconds."""
    return probe.is_reachable(f"https://{_SITE}/install.sh")


def install(checkout: Checkout) -> Path | None:
    """Install the engine into the cache by the SDK's own installer; ``None`` when that fails."""
    # Imported here: it brings in gRPC, and no other run of this package needs that.
    from pulumi.automation import PulumiCommand  # noqa: PLC0415
    from semver import VersionInfo  # noqa: PLC0415

    target = installed(checkout).parent
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".pulumi-", dir=target.parent))
    try:
        with timed(f"toolchain: installing pulumi {PULUMI_VERSION} from {_SITE}"):
            PulumiCommand.install(root=str(made), version=VersionInfo.parse(PULUMI_VERSION))
        made.replace(target)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        say(f"toolchain: the installer failed ({error}); building from Go modules instead")
        return None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target / "bin"


def has_plugin(checkout: Checkout, plugin: Plugin) -> bool:
    """Tell whether ``plugin`` is installed in this checkout's Pulumi home."""
    name = f"resource-{plugin.name}"
    folder = checkout.pulumi_home / "plugins" / f"{name}-v{plugin.version}"
    # The engine keeps this mark beside the folder until all of the plugin is in it.
    unfinished = folder.with_name(f"{folder.name}.partial")
    return (folder / f"pulumi-{name}").exists() and not unfinished.exists()


def install_plugin(
    pulumi: Path, plugin: Plugin, env: Mapping[str, str], *, file: Path | None = None
) -> None:
    """Install ``plugin`` into Pulumi's home, from ``file`` or from where its makers publish it.

    :raises TroubleError: when the engine refuses.
    """
    argv = [str(pulumi), "plugin", "install", "resource", plugin.name, plugin.version, "--exact"]
    source = ["--file", str(file)] if file else []
    result = subprocess.run(
        [*argv, *source, "--color", "never"],
        check=False,
        capture_output=True,
        text=True,
        env=dict(env),
        timeout=600,
    )
    if result.returncode:
        text = f"pulumi could not install the plugin {plugin.name}: {result.stderr.strip()}"
        raise TroubleError(text)
