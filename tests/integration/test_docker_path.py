"""`make up` by a user who is not root: registry and builder are containers of a Docker engine.

No hub is needed: the images are made of the toolchain's own binaries, published by digest in a
registry of the test, and pinned where the program reads its pins. The base images are made
beforehand, as root, in the cache that the user finds.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from fleet.local import certificates
from fleet.local.base_images import rootfs
from fleet.local.base_images.bases import StandIn
from fleet.local.docker import daemons, record
from fleet.local.paths import Checkout, checkout
from fleet.local.toolchain import gobuild, modules
from tests.engine.registries import Distribution
from tests.engine.tools import engine_folder, registry_binary
from tests.integration.docker_engine import Bridge, DockerEngine, found
from tests.integration.workshop import ROOT, Ran, Workshop

NOBODY, DOCKER_USERS = 65_534, 64_000
PLATFORMS = ("linux/amd64", "linux/arm64")
VERSION, LATEST = "py3.13-slim-0.34.0", "py3.13-slim-LATEST"
# May read what root may, such as a Python in root's home, and write only what is its own.
_AS_USER = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={DOCKER_USERS}",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip


class UsersWorkshop(Workshop):
    """A checkout of a user who may use the Docker engine at ``socket``."""

    def __init__(self, root: Path, socket: Path) -> None:
        super().__init__(root, shares_python=True)
        self.cache, self._home = root.parent / "cache", root.parent / "home"
        self._docker = f"unix://{socket}"
        self.declare(pythons=["3.13"], versions=["0.34.0"], platforms=[*PLATFORMS])
        self._home.mkdir()

    @property
    def here(self) -> Checkout:
        """The checkout as the program knows it."""
        return Checkout(root=self.root, cache=self.cache / "image-fleet")

    def pin(self, **images: str) -> None:
        """Write the images that the program runs in the one place that it reads them from."""
        text = "".join(f"FROM {image} AS {name}\n" for name, image in images.items())
        (self.root / "templates/actions/Dockerfile").write_text(text)

    def give(self) -> None:
        """Give all to the user."""
        for folder, _, files in os.walk(self.root.parent):
            for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def docker(self, *words: str) -> list[str]:
        """Return the lines that the engine's client prints for root."""
        argv = ["docker", "--host", self._docker, *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()

    def fleet(self, command: str) -> str:
        """Return what a command of the program prints.

        make itself refuses to start a Python that this user's rights alone would not reach.
        """
        return self._run([".venv/bin/python", "-m", "fleet", command], 0, None).printed

    def _run(self, command: list[str], code: int | None, environment: dict[str, str] | None) -> Ran:
        given = os.environ if environment is None else environment
        own = {"HOME": self._home, "XDG_CACHE_HOME": self.cache, "USER": "nobody"}
        env = {**given, **{k: str(v) for k, v in own.items()}, "DOCKER_HOST": self._docker}
        env["FLEET_DAEMONS"] = ""
        return super()._run([*_AS_USER, *command], code, env)


def _published(engine: DockerEngine, workshop: UsersWorkshop, host: str) -> dict[str, str]:
    """Return the images by digest, made and pushed, and not in the engine any more."""
    here = checkout(ROOT)
    gobuild.ensure(here, [modules.BUILDKIT])
    buildkit = gobuild.place(here, modules.BUILDKIT)
    commands = {
        "registry": [registry_binary(), found("du")],
        "buildkit": [
            buildkit / "buildkitd", buildkit / "buildctl", found("runc"), found("mkdir"),
            found("rm"), found("du"),
        ],
    }  # fmt: skip
    pins = {}
    for name, programs in commands.items():
        image = f"{host}/{name}:made"
        engine.make_image(image, programs)
        workshop.docker("push", "--quiet", image)
        (pins[name],) = workshop.docker("inspect", "--format={{index .RepoDigests 0}}", image)
        workshop.docker("rmi", "--force", image)
    return {name: pin.replace("@", ":made@") for name, pin in pins.items()}


def _fill(cache: Path) -> None:
    """Have in a cache what the toolchain builds and what the bases are made of."""
    ours = checkout(ROOT)
    gobuild.ensure(ours, [modules.DOCKER_BUILD])
    engine_folder()
    shutil.copytree(ours.cache / "tools", cache / "tools", copy_function=_linked)
    trusted = certificates.system_bundle(ours)
    assert trusted
    stand_in = StandIn(host="", python="3.13", base="slim", platforms=PLATFORMS)
    for recipe in stand_in.recipes.values():
        made = rootfs.ensure(ours, recipe, trusted)
        shutil.copytree(made, cache / "rootfs" / made.name)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def users() -> Iterator[UsersWorkshop]:
    """A checkout of that user, whose Docker engine can pull the images."""
    folder = Path(tempfile.mkdtemp(prefix="fleet-docker-"))
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, folder)
        engine = DockerEngine(folder / "engine", group=DOCKER_USERS, bridge=Bridge())
        ending.callback(engine.stop)
        engine.start()
        folder.chmod(0o711)
        engine.folder.chmod(0o711)
        workshop = UsersWorkshop(folder / "user" / "checkout", engine.socket)
        hub = ending.enter_context(Distribution(folder / "hub"))
        pins = _published(engine, workshop, hub.host)
        workshop.pin(**pins, binfmt=pins["buildkit"])
        _fill(workshop.cache / "image-fleet")
        workshop.give()
        yield workshop


def test_a_user_without_root_brings_up_dev_in_docker_and_removes_it_again(
    users: UsersWorkshop,
) -> None:
    here = users.here
    # Made by the first command of the checkout that asks; here before, for the names.
    record.identity(here)
    users.give()
    names = [daemons.builder_name(here), daemons.registry_name(here)]
    # What a run leaves that was killed while it made a container.
    (buildkit,) = [
        line.split()[1]
        for line in (users.root / "templates/actions/Dockerfile").read_text().splitlines()
        if line.endswith("AS buildkit")
    ]
    users.docker("create", f"--name={names[0]}.unfinished", buildkit)

    first = users.make("up").printed
    assert "registry and builder: in Docker (unix://" in first
    assert "because this user is not root" in first
    assert "1 build on 2 platforms, 300.0 MB for 1 slim base on 2 platforms" in first
    assert "2/2: amd64 whole" in first
    assert sorted(users.docker("ps", "--format={{.Names}}", "--all")) == sorted(names)
    with closing(users.view()) as view:
        tags = view.tags()
        assert tags[LATEST] == tags[VERSION]
        assert view.platforms(VERSION) == {*PLATFORMS}

    held = users.make("status").printed
    assert re.search(r"(?m)^disk: registry [\d.]+ MB, BuildKit's cache [\d.]+ MB \(kept", held)

    assert users.fleet("down").count("stopped") == 2
    assert users.docker("ps", "--quiet") == []
    assert "unchanged" in users.make("up").printed
    with closing(users.view()) as view:
        assert view.tags() == tags, "the volumes kept the images"

    told = users.fleet("clean")
    assert "removed this checkout's containers and volumes" in told
    assert users.docker("ps", "--all", "--quiet") == []
    assert users.docker("volume", "ls", "--quiet") == []
    assert not here.state.exists()
