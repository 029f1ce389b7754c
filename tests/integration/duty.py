"""A small stack called `prod` in a checkout of its own, and what goes wrong with it.

By the titles of docs/runbook.md: what brings each section about, and what has to be true after it.
A registry and a state are lost here, so that the checkout is shared with no other test.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.engine.stack import kill_session
from tests.engine.tools import registry_binary
from tests.integration.guide import Deleted, Written
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import BUILD_LIMIT_SECONDS, Ran, Workshop
from tests.ports import free_port

STACK = "prod"
IMAGE, OLD_IMAGE = "python-uvicorn", "python-old"
OLDER, NEWER, LATEST = "py3.13-slim-0.33.0", "py3.13-slim-0.34.0", "py3.13-slim-LATEST"
_KEY = "FLEET_SIGNING_KEY_FILE"
_NEW_KEY = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out")
_IMAGE_KEYS: Mapping[str, Any] = {
    "package": "uvicorn",
    "requires": [],
    "pythons": ["3.13"],
    "bases": ["slim"],
    "platforms": ["linux/amd64"],
}
_GIT = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"))
}


class Prod:
    """The stack, as whoever is on duty has it: ``environment`` is that of their shell.

    ``stand_ins`` are texts of the page with what gives what each stands for.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop, self.root = workshop, workshop.root
        self.environment = {**_GIT, _KEY: str(self.root / "old.key")}
        self.stand_ins: dict[str, Callable[[], str]] = {}

    def bring_up(self) -> None:
        """Make the stack from nothing: two images, of which one has two versions, and a key."""
        shutil.copytree(self.root / "assets" / IMAGE, self.root / "assets" / OLD_IMAGE)
        self.run("git add -A && git commit -q -m images")
        self._openssl(*_NEW_KEY, "old.key")
        self._openssl("pkey", "-in", "old.key", "-pubout", "-out", "old.pub")
        images = {
            name: {**_IMAGE_KEYS, "title": name, "versions": versions}
            for name, versions in ((IMAGE, ["0.33.0", "0.34.0"]), (OLD_IMAGE, ["0.34.0"]))
        }
        keys = {"keys": [(self.root / "old.pub").read_text()]}
        self._workshop.declare_stack(STACK, images, signing=keys, protected=True)
        self.commit()
        self.up()

    @property
    def registry(self) -> str:
        """The declared registry, ``host/namespace``."""
        return str(self._config()["config"]["fleet:registry"])

    @property
    def state(self) -> Path:
        """The folder that the engine keeps the state in."""
        return self.root / ".fleet" / "state" / ".pulumi"

    def up(self) -> None:
        """Bring the stack up."""
        self.run(f"make up STACK={STACK}")

    def down(self) -> None:
        """Stop registry and builder."""
        self.run("make down")

    def run(self, line: str, *, fails: bool = False) -> Ran:
        """Run a line as a shell does; fail unless it ends well, or badly if it ``fails``."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=self.root, env={**os.environ, **self.environment}, text=True, check=False,
            timeout=BUILD_LIMIT_SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert bool(done.returncode) == fails, f"{line}: {done.returncode}\n{done.stdout}"
        return Ran(code=done.returncode, printed=done.stdout)

    def write(self, step: Written) -> None:
        """Put the keys of a part of the stack's file in the place of those that are there."""
        config, part = self._config(), json.dumps(yaml.safe_load(step.text))
        for named, ours in self.stand_ins.items():
            if named in part:
                part = part.replace(named, json.dumps(ours())[1:-1])
        config["config"] |= json.loads(part)
        self._declare(config)

    def commit(self) -> None:
        """Commit what changed of the stack's file, as the page says."""
        file = f"Pulumi.{STACK}.yaml"
        self.run(f"git diff --quiet HEAD -- {file} || git commit -q -m declared -- {file}")

    def delete(self, step: Deleted) -> None:
        """Delete a key of the stack's file."""
        config = self._config()
        held = config["config"]
        for key in step.place:
            held = held[key]
        del held[step.key]
        self._declare(config)

    @contextmanager
    def view(self, image: str = IMAGE, registry: str = "") -> Iterator[RegistryView]:
        """Give a repository, as those see it who pull."""
        with closing(self._workshop.view(image, registry or self.registry)) as found:
            yield found

    def tags(self, image: str = IMAGE) -> dict[str, str]:
        """Return the tags of an image, with their digests."""
        with self.view(image) as found:
            return found.tags()

    def _config(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.root / f"Pulumi.{STACK}.yaml").read_text())
        return found

    def _declare(self, config: Mapping[str, Any]) -> None:
        text = yaml.safe_dump(dict(config), sort_keys=False)
        (self.root / f"Pulumi.{STACK}.yaml").write_text(text)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.root, check=True, capture_output=True)


@contextmanager
def lost_state(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    shutil.rmtree(prod.root / ".fleet" / "state")
    yield
    assert prod.tags() == before
    with prod.view() as found:
        assert all(found.pull(tag) for tag in before)


@contextmanager
def unreadable_state(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    file = prod.state / "stacks" / "fleet" / f"{STACK}.json"
    for path in (file, file.with_name(f"{file.name}.bak")):
        body = path.read_bytes()
        path.write_bytes(body[: len(body) // 2])
    yield
    assert prod.tags() == before
    assert json.loads(file.read_text())["checkpoint"]


@contextmanager
def locked_state(prod: Prod) -> Iterator[None]:
    locks = prod.state / "locks"
    # What is killed removes nothing.
    left = prod.root / ".fleet" / "left"
    left.mkdir()
    env = {**os.environ, **prod.environment, "TMPDIR": str(left)}
    with subprocess.Popen(
        ["make", "up", f"STACK={STACK}"],
        cwd=prod.root, env=env, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as started:  # fmt: skip
        deadline = time.monotonic() + BUILD_LIMIT_SECONDS
        while not [*locks.rglob("*.json")] and started.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        kill_session(started)
    assert [*locks.rglob("*.json")], "it was killed with its lock"
    prod.stand_ins = _agreed("pulumi cancel --stack prod")
    yield
    assert not [*locks.rglob("*.json")]


@contextmanager
def wrong_push(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    with prod.view() as found:
        found.move(NEWER, OLDER)
        found.move(LATEST, OLDER)
        found.remove("py3.13-slim-0.33")
    yield
    assert prod.tags() == before


@contextmanager
def bad_release(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    yield
    assert prod.tags() == before, "the pin was taken out again"


@contextmanager
def bad_build(prod: Prod) -> Iterator[None]:
    good = prod.tags()[NEWER]
    start = prod.root / "assets" / IMAGE / "image" / "start.sh"
    start.write_text(start.read_text().replace("set -e\n", "set -e\n# broken\n", 1))
    prod.run("git commit -q -m broken assets")
    prod.up()
    bad = prod.tags()[NEWER]
    assert bad != good
    prod.stand_ins = {"sha256:d74336dab175": lambda: good[:19]}
    yield
    after = prod.tags()
    assert after[NEWER] not in {bad, good}, "the label of its commit moved"
    assert after[LATEST] == after[NEWER]


@contextmanager
def lost_key(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    with prod.view(OLD_IMAGE) as found:
        # So that there is something to sign.
        found.remove(found.tags()[NEWER].replace(":", "-"))
    old = prod.environment.pop(_KEY)
    Path(old).unlink()
    secrets = prod.root / "secrets"
    secrets.mkdir()
    prod.stand_ins = {
        "/media/secrets": lambda: str(secrets),
        "(the old public key)": partial(_body, prod.root / "old.pub"),
        "(the text of fleet.pub)": partial(_body, prod.root / "fleet.pub"),
    }
    try:
        yield
    finally:
        prod.environment[_KEY] = str(secrets / "fleet.key")
    assert prod.tags() == before


@contextmanager
def retired_image(prod: Prod) -> Iterator[None]:
    before, others = prod.tags(OLD_IMAGE), prod.tags()
    yield
    after = prod.tags(OLD_IMAGE)
    assert after == {tag: before[tag] for tag in (NEWER, LATEST)}, "one pointer was put back"
    assert prod.tags() == others


@contextmanager
def moved_registry(prod: Prod) -> Iterator[None]:
    """Have the old registry live on beside the new one, which `make` starts, with its data."""
    before, old = prod.tags(), prod.registry
    prod.down()
    ours = prod.root / ".fleet"
    (ours / "registry").rename(ours / "registry-old")
    config = json.loads((ours / "etc" / "registry.yaml").read_text())
    config["storage"]["filesystem"]["rootdirectory"] = str(ours / "registry-old")
    # A Docker configuration of ours has the login of the declared registry alone.
    del config["auth"]
    file = ours / "registry-old.json"
    file.write_text(json.dumps(config))
    prod.stand_ins = {"registry.example.com/acme": _elsewhere()}
    with subprocess.Popen(
        [str(registry_binary()), "serve", str(file)],
        env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as served:  # fmt: skip
        try:
            yield
            assert prod.tags().keys() == before.keys()
            assert prod.registry != old
        finally:
            served.send_signal(signal.SIGTERM)


@contextmanager
def lost_platform(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    with prod.view() as found, prod.view(f"{IMAGE}/build") as builds:
        (child,) = found.index(NEWER)["manifests"]
        for repository in (found, builds):
            repository.remove(child["digest"])
        prod.stand_ins = _agreed("pulumi up --stack prod")
        yield
        assert prod.tags() == before
        assert found.pull(NEWER)
        assert builds.pull(before[NEWER])


@contextmanager
def empty_registry(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    prod.down()
    shutil.rmtree(prod.root / ".fleet" / "registry")
    yield
    assert prod.tags().keys() == before.keys()


@contextmanager
def gone_registry(prod: Prod) -> Iterator[None]:
    before = prod.tags()
    prod.down()
    shutil.rmtree(prod.root / ".fleet" / "registry")
    prod.stand_ins = {"registry.example.net/acme": _elsewhere()}
    yield
    assert prod.tags().keys() == before.keys()


def _agreed(command: str) -> dict[str, Callable[[], str]]:
    """Stand in for who answers the question that a command of the engine asks at a terminal."""
    return {command: lambda: f"{command} --yes"}


def _elsewhere() -> Callable[[], str]:
    found = f"localhost:{free_port()}/acme"
    return lambda: found


def _body(path: Path) -> str:
    """Return a PEM file's text between its first line and its last."""
    return "\n".join(path.read_text().splitlines()[1:-1])


SCENARIOS: Mapping[str, Callable[[Prod], AbstractContextManager[None]]] = {
    "The state is lost": lost_state,
    "The state can't be read": unreadable_state,
    "The state is locked": locked_state,
    "A wrong push": wrong_push,
    "A bad release": bad_release,
    "A bad build": bad_build,
    "A signing key is lost": lost_key,
    "Retiring an image": retired_image,
    "Moving to another registry": moved_registry,
    "A build lost a platform": lost_platform,
    "A registry that is empty": empty_registry,
    "A registry that is gone": gone_registry,
}
"""In the order of the page: each begins with a stack that is up, and leaves one that is up."""
