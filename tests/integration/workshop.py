"""A scratch checkout with a registry and a builder of its own, used as a person would use it."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fleet.local.placement import HOST, VARIABLE
from tests.integration.registry_view import RegistryView
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
IMAGE = "python-gunicorn-uvicorn"
BUILD_LIMIT_SECONDS = 3000
_PREPARED = "prepared"
_BUILD = "docker-build:index:Image"
_TAG = "ociregistry:index:Tag"
_GITHUB = "GITHUB_"
_WHOLE = '--mount=type=bind,from=verification,target=/verify ["sh", "/verify/verify.sh"]'
_SHORT = '["python3", "-B", "-c", "import main"]'
_WORK = frozenset({"create", "update", "replace", "create-replacement"})


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The output of a command, and its end."""

    code: int
    printed: str


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The work of one run of the engine: ``(operation, type, name)`` of each step that did work."""

    ran: Ran
    done: tuple[tuple[str, str, str], ...]

    def builds(self) -> list[str]:
        """Return the names of the platform images that were built, without verifications."""
        return sorted(name for op, token, name in self.done
                      if token == _BUILD and op in _WORK and "/build:" in name)  # fmt: skip

    def tags(self) -> list[str]:
        """Return the tags, without repository, that were created or moved."""
        return sorted(
            name.rpartition(":")[2]
            for op, token, name in self.done
            if token == _TAG and op in _WORK
        )

    def summary(self) -> Counter[str]:
        """Count the steps by operation."""
        return Counter(op for op, _, _ in self.done)


class Workshop:
    """A copy of the checkout's tracked files in ``root``, on a free port.

    ``make`` gives it a Python environment of its own, unless it shares the one of these tests.
    """

    def __init__(self, root: Path, *, shares_python: bool = False) -> None:
        self.root = root
        self._environment: dict[str, str] = {}
        _copy_checkout(root)
        if shares_python:
            (root / ".venv").symlink_to(sys.prefix)
        self.declared = yaml.safe_load(self._config.read_text())
        self.registry = _kept_registry(root) or f"localhost:{free_port()}/multi-py"
        self.declared["config"]["fleet:registry"] = self.registry
        if os.environ.get("FLEET_WORKSHOP"):
            (root / ".fleet").mkdir(exist_ok=True)
            (root / ".fleet" / "registry-of-tests").write_text(self.registry)
        self.declare()

    @property
    def _config(self) -> Path:
        return self.root / "Pulumi.dev.yaml"

    def declare(self, **image: Any) -> None:
        """Write the declaration with ``image``'s keys in place of the shipped ones."""
        declared: dict[str, Any] = json.loads(json.dumps(self.declared))
        declared["config"]["fleet:images"][IMAGE].update(image)
        self._config.write_text(yaml.safe_dump(declared, sort_keys=False))

    def declare_stack(self, stack: str, images: dict[str, dict[str, Any]], **values: Any) -> str:
        """Declare another stack of this registry; return its ``host/namespace``.

        Each of ``images`` is the shipped one with the given keys in place of its own.
        """
        declared: dict[str, Any] = json.loads(json.dumps(self.declared))
        config = declared["config"]
        shipped = config["fleet:images"][IMAGE]
        config["fleet:images"] = {name: {**shipped, **image} for name, image in images.items()}
        config["fleet:registry"] = self.registry.replace("/multi-py", f"/{stack}")
        config |= {f"fleet:{key}": value for key, value in values.items()}
        (self.root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
        return str(config["fleet:registry"])

    def declare_builders(
        self,
        stack: str,
        builders: Mapping[str, Sequence[str]],
        nodes: Mapping[str, Mapping[str, Any]],
    ) -> str:
        """Declare a stack of one tag whose platforms have several ``builders``, as `declare_stack`.

        ``nodes`` describes those that are not the embedded one.
        """
        by_platform = {platform: name for name, own in builders.items() for platform in own}
        image = {"pythons": ["3.13"], "versions": ["0.34.0"], "bases": ["slim"]}
        return self.declare_stack(
            stack,
            {IMAGE: {**image, "platforms": [*by_platform]}},
            builders=by_platform,
            **{"builder-nodes": dict(nodes)},
        )

    def prepare(self, *platforms: str) -> None:
        """Have registry, builder and the slim base of Python 3.13 for ``platforms``.

        Without any, for this machine's own. That is a part of what the shipped stack needs.
        """
        image = {"pythons": ["3.13"], "bases": ["slim"], "versions": ["0.34.0"]}
        chosen = list(platforms or ("linux/amd64",))
        self.declare_stack(_PREPARED, {IMAGE: {**image, "platforms": chosen}})
        self.make("-s", "lock", f"STACK={_PREPARED}")

    @contextmanager
    def no_wait_for_github(self) -> Iterator[None]:
        """Have GitHub's plugin not wait a second after each write: the stand-in has no limit."""
        owner = '{"owner": declared.owner'
        with self.edited("components/github_repository.py", owner, f'{owner}, "writeDelayMs": "1"'):
            yield

    def copy_assets(self, name: str) -> None:
        """Give an image called ``name`` the shipped image's asset folders."""
        shutil.copytree(
            self.root / "assets" / IMAGE, self.root / "assets" / name, dirs_exist_ok=True
        )

    @contextmanager
    def edited(self, name: str, old: str, new: str) -> Iterator[None]:
        """Change a file of the checkout for the length of a block."""
        path = self.root / name
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))
        try:
            yield
        finally:
            path.write_text(before)

    @contextmanager
    def own_dockerfile(self, image: str, part: str, old: str, new: str) -> Iterator[None]:
        """Give a folder of an image the common Dockerfile, changed, for the length of a block."""
        text = self._common_dockerfile(part)
        assert old in text
        with self._dockerfile(image, part, text.replace(old, new)):
            yield

    def short_verification(self) -> str:
        """Return a Dockerfile that verifies no more than that an image imports its application.

        It is for stacks that are about something else. Those of the main job, the family, the new
        image, the applications and the Docker path are verified by what is shipped.
        """
        text = self._common_dockerfile("verify")
        assert _WHOLE in text
        return text.replace(_WHOLE, _SHORT)

    @contextmanager
    def verified_in_short(self, *images: str) -> Iterator[None]:
        """Have `short_verification` for ``images``, for the length of a block."""
        with ExitStack() as stack:
            for image in images:
                text = self.short_verification()
                stack.enter_context(self._dockerfile(image, "verify", text))
            yield

    @contextmanager
    def verified_as_shipped(self, image: str) -> Iterator[None]:
        """Undo `verified_in_short` for the length of a block."""
        with self._dockerfile(image, "verify", self._common_dockerfile("verify")):
            yield

    def _common_dockerfile(self, part: str) -> str:
        return (self.root / "assets/shared" / part / "Dockerfile").read_text()

    @contextmanager
    def _dockerfile(self, image: str, part: str, text: str) -> Iterator[None]:
        path = self.root / "assets" / image / part / "Dockerfile"
        before = path.read_text() if path.exists() else None
        path.write_text(text)
        try:
            yield
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_text(before)

    def make(self, *targets: str, code: int | None = 0) -> Ran:
        """Run make targets; fail unless they end with ``code`` (``None``: anything but 0)."""
        return self._run(["make", *targets], code, None)

    def pulumi(self, *arguments: str, code: int | None = 0) -> Ran:
        """Run pulumi in the environment that ``make env`` prints."""
        return self._run(["pulumi", "--non-interactive", *arguments], code, self.environment())

    def up(self, code: int | None = 0, *, stack: str = "dev") -> Steps:
        """Lock what is new and bring the registry up; tell what the engine did."""
        self.make("-s", "lock", f"STACK={stack}")  # which makes and selects the stack, too
        flags = ("--yes", "--skip-preview", "--continue-on-error", "--suppress-outputs")
        return self._steps(["up", "--stack", stack, *flags], code)

    def steps(self, *arguments: str, code: int | None = 0) -> Steps:
        """Run a pulumi command; tell what the engine did."""
        return self._steps(list(arguments), code)

    def environment(self) -> dict[str, str]:
        """Return this process's environment with what ``make env`` adds."""
        if not self._environment:
            # It is the same for each stack of this registry, and the smallest one is soon ready.
            if not (self.root / f"Pulumi.{_PREPARED}.yaml").exists():
                self.prepare()
            printed = self.make("-s", "env", f"STACK={_PREPARED}").printed
            script = f"{printed}\nenv -0"
            done = subprocess.run(
                ["bash", "-c", script], capture_output=True, text=True, check=True, cwd=self.root
            )
            pairs = (entry.partition("=") for entry in done.stdout.split("\0") if entry)
            self._environment = {name: value for name, _, value in pairs}
        # What a test sets of GitHub for itself is not what the first one found.
        known = {k: v for k, v in self._environment.items() if not k.startswith(_GITHUB)}
        return {**known, **{k: v for k, v in os.environ.items() if k.startswith(_GITHUB)}}

    def view(self, image: str = IMAGE, registry: str = "") -> RegistryView:
        """Return a repository as those see it who pull."""
        ours = self.root / ".fleet"
        return RegistryView(
            registry or self.registry, image, ours / "tls/server.pem", ours / "docker/config.json"
        )

    def output(self, name: str) -> Any:
        """Return an output of the stack."""
        return json.loads(self.pulumi("stack", "output", "--json", name).printed)

    def _steps(self, arguments: list[str], code: int | None) -> Steps:
        log = self.root / ".fleet" / "events.json"
        log.unlink(missing_ok=True)
        environment = {**self.environment(), "PULUMI_DEBUG_COMMANDS": "true"}
        command = ["pulumi", "--non-interactive", *arguments, "--event-log", str(log)]
        ran = self._run(command, code, environment)
        return Steps(ran=ran, done=tuple(_steps_of(log)))

    def _run(self, command: list[str], code: int | None, environment: dict[str, str] | None) -> Ran:
        given = os.environ if environment is None else environment
        done = subprocess.run(
            command,
            # Whatever engine answers on this machine, it is none of the tests'.
            env={VARIABLE: HOST, **given},
            cwd=self.root, text=True, check=False, timeout=BUILD_LIMIT_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        ended_as_expected = done.returncode != 0 if code is None else done.returncode == code
        assert ended_as_expected, f"{shlex.join(command)}: {done.returncode}\n{done.stdout}"
        return Ran(code=done.returncode, printed=done.stdout)


def _steps_of(log: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the steps in an event log that ended; refreshes and unchanged resources left out."""
    for line in log.read_text().splitlines():
        event = json.loads(line)
        step = event.get("resOutputsEvent", {}).get("metadata")
        if step and step["op"] not in ("same", "refresh", "read"):
            yield step["op"], step["type"], step["urn"].rpartition("::")[2]


def _kept_registry(root: Path) -> str:
    """Return the registry that a kept workshop was made with, else nothing."""
    kept = root / ".fleet" / "registry-of-tests"
    return kept.read_text() if kept.exists() else ""


def _copy_checkout(root: Path) -> None:
    """Copy what a clone would hold, with a commit of its own: the revision comes from git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in listed.stdout.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "t"), ("EMAIL", "t@example.org"),
                                    ("DATE", "2026-01-01T00:00:00Z"))}  # fmt: skip
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-q", "--allow-empty", "-m", "copy"],
    ):
        subprocess.run(
            ["git", "-c", "commit.gpgsign=false", *arguments],
            cwd=root, check=True, env={**os.environ, **identity},
        )  # fmt: skip
