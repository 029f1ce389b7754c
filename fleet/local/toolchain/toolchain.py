"""The tools of a run: from PATH, a recorded archive, or the Go modules of ``toolchain/``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.local.paths import Checkout
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.requirements import Needs
from fleet.local.toolchain import archives, gobuild, golang, modules
from fleet.local.toolchain.modules import Module
from fleet.local.toolchain.plugins import fetch_plugin, has_plugin, install_plugin
from fleet.local.toolchain.system_binaries import on_path

_DOWNLOAD_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Supply:
    """The source of each tool.

    ``there`` has the folders of the programs that this machine has already, by module;
    ``plugins`` are the missing ones. Of missing programs and plugins, ``downloads`` come from a
    recorded archive, and ``builds`` are built by Go.
    """

    there: Mapping[str, Path]
    plugins: tuple[Module, ...]
    downloads: tuple[Module, ...]
    builds: tuple[Module, ...]

    @property
    def steps(self) -> Iterator[tuple[str, float]]:
        """The steps that take long, with seconds: programs to download, and to build."""
        yield from ((module.name, _DOWNLOAD_SECONDS) for module in self.downloads)
        yield from ((module.name, module.minutes * 60) for module in self.builds)


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The paths of the tools; the daemons are ``None`` when they are not needed.

    ``buildctl`` is beside ``buildkitd``, and linked in ``.fleet/bin`` as the engine is.
    """

    pulumi: Path
    buildkitd: Path | None
    registry: Path | None


def survey(checkout: Checkout, needs: Needs) -> Supply:
    """Return where the tools that ``needs`` call on are to come from; nothing is changed.

    :raises fleet.local.toolchain.golang.NoGoError: when some have to be built and there is no Go
        for it.
    """
    there = {
        module.name: folder
        for module in _programs(needs)
        if (folder := on_path(checkout, module) or archives.unpacked(checkout, module))
    }
    asked = (modules.DOCKER_BUILD, *([modules.GITHUB] if needs.github else []))
    plugins = tuple(m for m in asked if not has_plugin(checkout, m.name, m.version))
    programs = [module for module in _programs(needs) if module.name not in there]
    # A program that was built once is kept.
    missing = (*gobuild.missing(checkout, programs), *plugins)
    whys = archives.obstacles(checkout, missing)
    downloads = tuple(module for module in missing if whys.get(module.name) == "")
    lacking = [module for module in (*programs, *plugins) if module not in downloads]
    builds = tuple(gobuild.missing(checkout, lacking))
    if builds:
        new = archives.unrecorded(checkout, builds)
        golang.require([m.name for m in builds], unrecorded=[m.name for m in new])
        archives.say_built(builds, whys)
    return Supply(there=there, plugins=plugins, downloads=downloads, builds=builds)


def ensure(
    checkout: Checkout,
    needs: Needs,
    supply: Supply,
    env: Mapping[str, str],
    remaining: Remaining = UNKNOWN,
) -> Tools:
    """Provide every tool that ``needs`` call on; what a person calls is linked in ``.fleet/bin``.

    ``env`` is the environment that the engine runs in.

    :raises TroubleError: when a tool can be had in no way; it says which and what to do.
    :raises fleet.http.errors.HttpError: when a recorded archive can't be had.
    """
    programs = [module for module in supply.downloads if not module.version]
    fetched = {m.name: archives.unpack(checkout, m, remaining) for m in programs}
    supply = replace(supply, there={**supply.there, **fetched})
    gobuild.ensure(checkout, supply.builds, remaining)
    tools = _tools(checkout, needs, supply)
    for module in supply.plugins:
        if module in supply.downloads:
            fetch_plugin(checkout, tools.pulumi, module, env, remaining)
            continue
        binary = gobuild.place(checkout, module) / f"pulumi-resource-{module.name}"
        install_plugin(tools.pulumi, module, env, file=binary)
    _link(checkout, tools)
    return tools


def _programs(needs: Needs) -> list[Module]:
    """Return the engine, and the daemons that ``needs`` call on."""
    return [
        modules.PULUMI,
        *([modules.BUILDKIT] if needs.builder else []),
        *([modules.REGISTRY] if needs.port is not None else []),
    ]


def _tools(checkout: Checkout, needs: Needs, supply: Supply) -> Tools:
    def folder(module: Module) -> Path:
        return supply.there.get(module.name) or gobuild.place(checkout, module)

    return Tools(
        pulumi=folder(modules.PULUMI) / "pulumi",
        buildkitd=folder(modules.BUILDKIT) / "buildkitd" if needs.builder else None,
        registry=folder(modules.REGISTRY) / "registry" if needs.port is not None else None,
    )


def _link(checkout: Checkout, tools: Tools) -> None:
    """Link what a person calls: the engine and BuildKit's client."""
    wanted = {"pulumi": tools.pulumi}
    if tools.buildkitd:
        wanted["buildctl"] = tools.buildkitd.with_name("buildctl")
    checkout.bin.mkdir(parents=True, exist_ok=True)
    for link in checkout.bin.iterdir():
        # The client of a builder that is a container is a file, and there before.
        is_ours = link.is_symlink() or link.name in wanted
        if is_ours and not (link.is_symlink() and link.readlink() == wanted.get(link.name)):
            link.unlink()
    for name, path in wanted.items():
        if not (checkout.bin / name).is_symlink():
            (checkout.bin / name).symlink_to(path)
