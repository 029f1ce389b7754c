"""The tools of a run: from PATH, the official installer, or the Go modules of ``toolchain/``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import daemons, gobuild, modules, official
from local.checkout import Checkout
from local.modules import Module
from local.needs import Needs
from local.say import TroubleError, say

_ENGINE = (modules.PULUMI, modules.LANGUAGE_PYTHON)


@dataclass(frozen=True, kw_only=True)
class Supply:
    """Where each tool is to come from.

    ``engine``, ``buildkit`` and ``registry`` are folders of what this machine has already;
    ``plugins`` are the lacking ones, and ``download`` says that their makers' site is asked for
    them, and for an engine that is lacking.
    """

    engine: Path | None
    buildkit: Path | None
    registry: Path | None
    plugins: tuple[Module, ...]
    download: bool


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Where the tools lie; the daemons' are ``None`` when no daemon is needed."""

    pulumi: Path
    buildkitd: Path | None
    buildctl: Path | None
    registry: Path | None


def survey(checkout: Checkout, needs: Needs) -> Supply:
    """Return where the tools that ``needs`` call on are to come from; nothing is changed.

    :raises TroubleError: when some have to be built and Go is missing or too old.
    """
    engine = official.on_path(checkout) or _downloaded(checkout)
    asked = (modules.DOCKER_BUILD, *([modules.GITHUB] if needs.github else []))
    plugins = [m for m in asked if m.plugin and not official.has_plugin(checkout, m.plugin)]
    # An engine that was built once is kept, and its plugins are built as well.
    wanted = bool(plugins) if engine else bool(gobuild.lacking(checkout, _ENGINE[:1]))
    supply = Supply(
        engine=engine,
        buildkit=daemons.buildkit(checkout) if needs.builder else None,
        registry=daemons.registry(checkout) if needs.port is not None else None,
        plugins=tuple(plugins),
        download=wanted and official.is_reachable(),
    )
    to_build = [] if supply.download else [*([] if engine else _ENGINE), *plugins]
    gobuild.require_go(checkout, [*to_build, *_daemons(needs, supply)])
    return supply


def ensure(checkout: Checkout, needs: Needs, supply: Supply, env: Mapping[str, str]) -> Tools:
    """Provide every tool that ``needs`` call on; what a person calls is linked in ``.fleet/bin``.

    ``env`` is the environment that the engine runs in.

    :raises TroubleError: when a tool can be had in no way; it says which and what to do.
    """
    fetched = official.install(checkout) if supply.download and not supply.engine else None
    engine = supply.engine or fetched
    unpublished = _published(supply, engine, env)
    built = [] if engine else [*_ENGINE]
    gobuild.ensure(checkout, [*built, *_daemons(needs, supply), *unpublished])
    tools = _tools(checkout, engine, needs, supply)
    for module in unpublished:
        _install_built(checkout, module, tools.pulumi, env)
    _link(checkout, tools)
    return tools


def _downloaded(checkout: Checkout) -> Path | None:
    folder = official.installed(checkout)
    return folder if folder.is_dir() else None


def _daemons(needs: Needs, supply: Supply) -> list[Module]:
    """Return what is to be built for the daemons that ``needs`` call on."""
    built = [modules.BUILDKIT] if needs.builder and not supply.buildkit else []
    return built + ([modules.REGISTRY] if needs.port is not None and not supply.registry else [])


def _published(supply: Supply, engine: Path | None, env: Mapping[str, str]) -> list[Module]:
    """Install what the official engine can fetch; return the rest, which is to be built."""
    if engine is None or not supply.download:
        return list(supply.plugins)
    rest = []
    for module in supply.plugins:
        try:
            if module.plugin:
                official.install_plugin(engine / "pulumi", module.plugin, env)
        except TroubleError as error:
            say(f"toolchain: {error}; building it from Go modules instead")
            rest.append(module)
    return rest


def _install_built(
    checkout: Checkout, module: Module, pulumi: Path, env: Mapping[str, str]
) -> None:
    if module.plugin:
        binary = gobuild.place(checkout, module) / f"pulumi-resource-{module.plugin.name}"
        official.install_plugin(pulumi, module.plugin, env, file=binary)


def _tools(checkout: Checkout, engine: Path | None, needs: Needs, supply: Supply) -> Tools:
    buildkit = supply.buildkit or gobuild.place(checkout, modules.BUILDKIT)
    registry = supply.registry or gobuild.place(checkout, modules.REGISTRY)
    return Tools(
        pulumi=(engine or gobuild.join(checkout, _ENGINE)) / "pulumi",
        buildkitd=buildkit / "buildkitd" if needs.builder else None,
        buildctl=buildkit / "buildctl" if needs.builder else None,
        registry=registry / "registry" if needs.port is not None else None,
    )


def _link(checkout: Checkout, tools: Tools) -> None:
    """Link what a person calls: the engine and BuildKit's client."""
    wanted = {path.name: path for path in (tools.pulumi, tools.buildctl) if path}
    checkout.bin.mkdir(parents=True, exist_ok=True)
    for held in checkout.bin.iterdir():
        if held.name not in wanted or not held.is_symlink() or held.readlink() != wanted[held.name]:
            held.unlink()
    for name, path in wanted.items():
        if not (checkout.bin / name).is_symlink():
            (checkout.bin / name).symlink_to(path)
