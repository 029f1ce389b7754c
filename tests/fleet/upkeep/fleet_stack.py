"""The fleet's own declaration, components and commands over the real engine, without builds."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from fleet.checkout.planning import gather
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.local import private_files, signing_key
from fleet.local.paths import checkout
from fleet.lock.serialization import values_of
from fleet.plan.plan import Plan, make_plan
from providers.ociregistry.evidence.signer import KEY_FILE
from tests.engine.seeding import push_image, push_index
from tests.engine.stack import EngineStack
from tests.engine.tools import ROOT
from tests.fleet import examples
from tests.registries.github import TOKEN
from tests.registries.live import LiveRegistry

IMAGE = "web"
PUBLIC = f"team/{IMAGE}"
BUILD = f"{PUBLIC}/build"
_FOLDERS = ("image", "verify")


class FleetStack(EngineStack):
    """A checkout below `root` whose registry is `live`, as the commands expect it."""

    def __init__(self, root: Path, live: LiveRegistry) -> None:
        self._live = live
        state = root / ".fleet" / "state"
        state.mkdir(parents=True)
        own = {
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_HOME": str(root / ".fleet" / "pulumi"),
            KEY_FILE: str(root / ".fleet" / "signing" / signing_key.PRIVATE),
        }
        signing_key.ensure(replace(checkout(), root=root))
        super().__init__(root, {**live.environment, **own})
        self._log_in(TOKEN if live.front and live.front.github else "")
        shutil.copy(Path(__file__).with_name("program.py"), root / "__main__.py")
        self.declare_image()

    def declare_image(self, seed: str = "", **image: Any) -> None:
        """Declare one image, lock it, and push what its builds would have pushed.

        Another `seed` gives other bytes, as a rebuild with another base would.
        """
        self.declare_images({IMAGE: examples.image(**image)}, seed)

    def declare_images(
        self, images: Mapping[str, Mapping[str, Any]], seed: str = "", **locked: Any
    ) -> None:
        """Declare several images; `locked` are parts of the lock that are not the examples'."""
        registry = f"{self._live.host}/team"
        config = examples.config(registry=registry, images=images)
        written = {f"fleet:{key}": value for key, value in config.items()}
        (self.root / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": written}))
        declaration = parse(config)
        lock = self.root / ".fleet" / "locks" / "dev.yaml"
        lock.parent.mkdir(exist_ok=True)
        lock.write_text(yaml.safe_dump(values_of(examples.lock(declaration, **locked))))
        for folder in (self.root / "assets" / i / part for i in images for part in _FOLDERS):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "Dockerfile").write_text("FROM scratch\n")
            (folder / ".dockerignore").write_text("*\n")
        self._push(self.plan(declaration), seed)

    def plan(self, declaration: Declaration) -> Plan:
        """Return the plan that program and commands make."""
        inputs = gather(self.root, "dev", declaration)
        return make_plan(declaration, inputs, owner="fleet/dev")

    def upkeep(self, *arguments: str, code: int = 0) -> str:
        """Run a command on this checkout; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "fleet", *arguments, "--root", str(self.root)],
            cwd=ROOT, env=self.environment, text=True, check=False, timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    def _log_in(self, password: str) -> None:
        """Put the login of a registry that asks for one where the commands look for it."""
        if password:
            here = replace(checkout(), root=self.root)
            private_files.write(here.auth / "password", password)

    def lose(self) -> None:
        """Lose the state, with everything that the engine kept."""
        shutil.rmtree(self.root / ".fleet" / "state")
        (self.root / ".fleet" / "state").mkdir()

    def _push(self, plan: Plan, seed: str) -> None:
        builds = [b for image in plan.images for tag in image.tags for b in tag.builds]
        digests = {}
        for build in builds:
            place = build.repository.partition("/")[2]
            pushed = push_image(self._live, place, build.platforms, f"{build.name} {seed}")
            tag = build.reference.rpartition(":")[2]
            digests[build.name] = push_index(self._live, place, [tag], pushed, build.annotations)
        (self.root / "images.json").write_text(json.dumps(digests))
