"""A Pulumi project of its own whose one component is a repository on the stand-in for GitHub."""

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.declaration.github import GitHub as Settings
from fleet.local.paths import checkout
from fleet.local.toolchain import gobuild, modules, plugins
from tests.engine.stack import EngineStack, Ran
from tests.engine.tools import ROOT, engine_folder
from tests.github.api import TOKEN
from tests.github.call import NAME, OWNER

WORKFLOW, README = ".github/workflows/up.yml", "images/web/README.md"
SETTINGS = Settings(
    repository=f"{OWNER}/{NAME}",
    branch="main",
    environment="registry",
    runner="ubuntu-24.04",
    architecture="linux/amd64",
    check_runner="ubuntu-24.04",
    emulation=True,
    drift="report",
    versions="propose",
)


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The declarations of the small program; without `github`, nothing."""

    github: Settings | None = SETTINGS
    files: Mapping[str, str] = field(
        default_factory=lambda: {WORKFLOW: "name: up\non: push\n", README: "# Web — Grüße\n"}
    )
    secrets: tuple[str, ...] = ("BACKEND_KEY",)
    variables: Mapping[str, str] = field(default_factory=lambda: {"STACK": "prod"})


def plugin_home(folder: Path) -> Path:
    """Return a Pulumi home below `folder` with the plugin in it: built, where none is published."""
    home, module = folder / "home", modules.GITHUB
    here = checkout(ROOT)
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    gobuild.ensure(here, [module])
    binary = gobuild.place(here, module) / f"pulumi-resource-{module.name}"
    plugins.install_plugin(engine_folder() / "pulumi", module, environment, file=binary)
    return home


class GitHubStack(EngineStack):
    """Stack `dev` below `root`, with `home` as Pulumi's and `url` as GitHub's base URL."""

    def __init__(self, root: Path, home: Path, url: str) -> None:
        settings = {"PULUMI_HOME": str(home), "GITHUB_BASE_URL": url, "GITHUB_TOKEN": TOKEN}
        super().__init__(root, {**settings, "PULUMI_CONFIG_PASSPHRASE": "a passphrase"})
        for name in ("GITHUB_OWNER", "GITHUB_ORGANIZATION"):
            self.environment.pop(name, None)

    def manage(self, **fields: Any) -> None:
        """Write what the next run declares."""
        told = dataclasses.asdict(Declared(**fields))
        (self.root / "declared.json").write_text(json.dumps(told))

    def give(self, name: str, value: str, *, plain: bool = False) -> None:
        """Set a value of the stack's configuration as a person does, on standard input."""
        subprocess.run(
            [
                str(engine_folder() / "pulumi"), "config", "set", "--non-interactive",
                "--plaintext" if plain else "--secret", f"secrets:{name}",
            ],
            cwd=self.root, env=self.environment, input=value, text=True, check=True,
            capture_output=True,
        )  # fmt: skip

    def keep_going(self, *, code: int | None = 0) -> Ran:
        """Update as `make up` does."""
        return self.up("--continue-on-error", code=code)

    def _write_project(self) -> None:
        super()._write_project()
        shutil.copy(Path(__file__).with_name("program.py"), self.root / "__main__.py")
