"""The tools of a run: from PATH, a recorded archive, or the Go modules of ``toolchain/``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.local.paths import Checkout
from fleet.local.requirements import Needs
from fleet.local.toolchain import gobuild, golang, modules, pulumi_installer, system_binaries
from fleet.local.toolchain.modules import Module

_ENGINE = (modules.PULUMI, modules.LANGUAGE_PYTHON)


@dataclass(frozen=True, kw_only=True)
class Supply:
    """Where each tool is to come from.

    ``engine``, ``buildkit`` and ``registry`` are folders of what this machine has already;
    ``plugins`` are the missing ones; ``downloads`` are those of the missing programs, the module of
    the engine among them, that are taken from a recorded archive.
    """

    engine: Path | None
    buildkit: Path | None
    registry: Path | None
    plugins: tuple[Module, ...]
    downloads: tuple[Module, ...]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Where the tools lie; the daemons are ``None`` when they are not needed.

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
    engine = system_binaries.engine(checkout) or pulumi_installer.installed(checkout)
    asked = (modules.DOCKER_BUILD, *([modules.GITHUB] if needs.github else []))
    plugins = tuple(
        m for m in asked if not pulumi_installer.has_plugin(checkout, m.name, m.version)
    )
    # An engine that was built once is kept.
    absent = [] if engine else gobuild.missing(checkout, [modules.PULUMI])
    supply = Supply(
        engine=engine,
        buildkit=system_binaries.buildkit(checkout) if needs.builder else None,
        registry=system_binaries.registry(checkout) if needs.port is not None else None,
        plugins=plugins,
        downloads=pulumi_installer.downloads(checkout, (*absent, *plugins)),
    )
    if names := [m.name for m in gobuild.missing(checkout, _to_build(needs, supply))]:
        golang.require(names)
    return supply


def ensure(checkout: Checkout, needs: Needs, supply: Supply, env: Mapping[str, str]) -> Tools:
    """Provide every tool that ``needs`` call on; what a person calls is linked in ``.fleet/bin``.

    ``env`` is the environment that the engine runs in.

    :raises TroubleError: when a tool can be had in no way; it says which and what to do.
    :raises fleet.http.errors.HttpError: when a recorded archive can't be had.
    """
    fetched = pulumi_installer.install(checkout) if modules.PULUMI in supply.downloads else None
    gobuild.ensure(checkout, _to_build(needs, supply))
    tools = _tools(checkout, supply.engine or fetched, needs, supply)
    for module in supply.plugins:
        if module in supply.downloads:
            pulumi_installer.fetch_plugin(checkout, tools.pulumi, module, env)
            continue
        binary = gobuild.place(checkout, module) / f"pulumi-resource-{module.name}"
        pulumi_installer.install_plugin(tools.pulumi, module, env, file=binary)
    _link(checkout, tools)
    return tools


def _to_build(needs: Needs, supply: Supply) -> list[Module]:
    """Return what is neither on this machine nor downloaded."""
    engine = supply.engine or modules.PULUMI in supply.downloads
    return [
        *([] if engine else _ENGINE),
        *([modules.BUILDKIT] if needs.builder and not supply.buildkit else []),
        *([modules.REGISTRY] if needs.port is not None and not supply.registry else []),
        *(module for module in supply.plugins if module not in supply.downloads),
    ]


def _tools(checkout: Checkout, engine: Path | None, needs: Needs, supply: Supply) -> Tools:
    buildkit = supply.buildkit or gobuild.place(checkout, modules.BUILDKIT)
    registry = supply.registry or gobuild.place(checkout, modules.REGISTRY)
    return Tools(
        pulumi=(engine or gobuild.join(checkout, _ENGINE)) / "pulumi",
        buildkitd=buildkit / "buildkitd" if needs.builder else None,
        registry=registry / "registry" if needs.port is not None else None,
    )


def _link(checkout: Checkout, tools: Tools) -> None:
    """Link what a person calls: the engine and BuildKit's client."""
    wanted = {"pulumi": tools.pulumi}
    if tools.buildkitd:
        wanted["buildctl"] = tools.buildkitd.with_name("buildctl")
    checkout.bin.mkdir(parents=True, exist_ok=True)
    for link in checkout.bin.iterdir():
        if not link.is_symlink() or link.readlink() != wanted.get(link.name):
            link.unlink()
    for name, path in wanted.items():
        if not (checkout.bin / name).is_symlink():
            (checkout.bin / name).symlink_to(path)
