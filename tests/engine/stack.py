"""A Pulumi project of its own on a file backend, driven through the real engine."""

import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.reports.event_log import report_of
from fleet.reports.report import Report
from tests.engine.seeding import PLATFORMS
from tests.engine.tools import ROOT, engine_folder

STACK = "dev"
PROJECT = "fleet"
TIMEOUT_SECONDS = 300
GRAMMAR = {
    "LATEST": r"py[0-9]+\.[0-9]+(?:-slim)?-LATEST",
    "X.Y": r"py[0-9]+\.[0-9]+(?:-slim)?-[0-9]+\.[0-9]+",
}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The declarations of the small program.

    `repository` and `build` are `host/name`; `tags` maps a tag to the digest of its index in
    `build`, which has `platforms`; `pointers` maps a pointer to one of `tags`. Without a `policy`
    there is no remover. `more` are other repositories, declared likewise; `logins` hold for all of
    them. `remover` is the name of the remover's resource, else the repository; `provider` that of
    an explicit provider for it, which is a process of the plugin by itself.
    `inputs` maps a tag to what went into it, of which its identity is made unless `identities`
    names one; `keys` are the public ones (in base64) that evidence of each version tag is signed
    by; `mirrors` are other repositories (`host/name`) that have the same tags; `building` names the
    tags whose digests a preview does not know, as those of a build.
    """

    repository: str
    build: str
    tags: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = PLATFORMS
    pointers: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, str] = field(default_factory=lambda: {"LATEST": "remove", "X.Y": "remove"})
    grammar: Mapping[str, str] = field(default_factory=lambda: dict(GRAMMAR))
    owner: str = f"{PROJECT}/{STACK}"
    on_conflict: str = "refuse"
    max_removals: float = 1.0
    keep_on_destroy: bool = False
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    identities: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    building: tuple[str, ...] = ()
    remover: str = ""
    provider: str = ""
    logins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mirrors: tuple[str, ...] = ()
    more: tuple["Declared", ...] = ()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the engine: `name` is the resource's logical name."""

    op: str
    token: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The end of a command, what it printed, and the events that the engine logged."""

    code: int
    printed: str
    events: tuple[dict[str, Any], ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps announced (preview) or done that change something."""
        idle = {"same", "refresh", "read"}
        kinds = ("resourcePreEvent", "resOutputsEvent")
        found: dict[Step, None] = {}
        for event in self.events:
            for kind in kinds:
                data = event.get(kind, {}).get("metadata")
                if data and data["op"] not in idle and "pulumi:pulumi:Stack" not in data["urn"]:
                    name = data["urn"].rpartition("::")[2]
                    found[Step(op=data["op"], token=data["type"], name=name)] = None
        return tuple(found)

    @property
    def report(self) -> Report:
        """Return the report of the run, as `make` prints and writes it."""
        return report_of(self.events)

    @property
    def messages(self) -> str:
        """Return what the engine and the provider said, without colours or layout."""
        said = (event.get("diagnosticEvent") for event in self.events)
        return "\n".join(str(entry["message"]) for entry in said if entry)


class EngineStack:
    """Stack `dev` of project `fleet` below `root`; `environment` is what the provider needs."""

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self._log = root / "events.json"
        self.environment = {**os.environ, **_settings(root), **environment}
        self._write_project()
        self.pulumi("stack", "select", "--create", STACK)

    def declare(self, declared: Declared) -> None:
        """Write what the next run declares, and pass on its logins as `make` does."""
        fields = dataclasses.asdict(declared)
        self.environment["FLEET_LOGINS"] = json.dumps(fields["logins"])
        (self.root / "declared.json").write_text(json.dumps(fields))

    def up(self, *arguments: str, code: int | None = 0) -> Ran:
        """Refresh and update."""
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, code=code)

    def preview(self, *arguments: str, code: int | None = 0) -> Ran:
        """Refresh and foresee."""
        return self.pulumi("preview", *arguments, code=code)

    def refresh(self, *arguments: str, code: int | None = 0) -> Ran:
        """Read everything into the state."""
        return self.pulumi("refresh", "--yes", "--skip-preview", *arguments, code=code)

    def destroy(self, *arguments: str, code: int | None = 0) -> Ran:
        """Destroy all resources."""
        return self.pulumi("destroy", "--yes", "--skip-preview", *arguments, code=code)

    def cancel(self) -> Ran:
        """Remove the lock that a killed run left; no lock is not an error."""
        return self.pulumi("cancel", "--yes", code=None, log=False)

    def bring_in(self, resources: list[dict[str, str]], *, code: int | None = 0) -> Ran:
        """Import resources of the form `{type, name, id}`."""
        path = self.root / "import.json"
        path.write_text(json.dumps({"resources": resources}))
        return self.pulumi(
            "import", "--file", str(path), "--yes", "--skip-preview", "--generate-code=false",
            "--protect=false", code=code,
        )  # fmt: skip

    def export(self) -> dict[str, Any]:
        """Return the deployment as the backend keeps it."""
        exported: dict[str, Any] = json.loads(self.pulumi("stack", "export", log=False).printed)
        return exported

    def load(self, deployment: Mapping[str, Any]) -> None:
        """Replace the deployment."""
        path = self.root / "deployment.json"
        path.write_text(json.dumps(deployment))
        self.pulumi("stack", "import", "--file", str(path), log=False)

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the resources of the state by logical name."""
        listed = self.export()["deployment"].get("resources", [])
        return {entry["urn"].rpartition("::")[2]: entry for entry in listed}

    def lose_state(self) -> None:
        """Lose the backend whole; the stack is there again, and empty."""
        shutil.rmtree(self.root / "state")
        (self.root / "state").mkdir()
        self.pulumi("stack", "select", "--create", STACK)

    def pulumi(self, *arguments: str, code: int | None = 0, log: bool = True) -> Ran:
        """Run the engine; fail unless it ends with `code` (None: any)."""
        started = self.start(*arguments, log=log)
        try:
            printed, _ = started.communicate(timeout=TIMEOUT_SECONDS)
        finally:
            if started.poll() is None:
                kill_session(started)
        assert code in (None, started.returncode), f"{arguments}: {started.returncode}\n{printed}"
        return Ran(code=started.returncode, printed=printed, events=self.events())

    def start(self, *arguments: str, log: bool = True) -> "subprocess.Popen[str]":
        """Start the engine as a session of its own and return at once."""
        self._log.unlink(missing_ok=True)
        command = [str(engine_folder() / "pulumi"), "--non-interactive", *arguments]
        command += ["--event-log", str(self._log)] if log and arguments[0] in _LOGGED else []
        return subprocess.Popen(
            command,
            cwd=self.root, env=self.environment, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def events(self) -> tuple[dict[str, Any], ...]:
        """Return the events of the last run; a line that a kill cut off is left out."""
        if not self._log.exists():
            return ()
        lines = self._log.read_text().splitlines()
        return tuple(json.loads(line) for line in lines if line.endswith("}"))

    def _write_project(self) -> None:
        (self.root / "state").mkdir(parents=True)
        project = {
            "name": PROJECT,
            "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
            "options": {"refresh": "always"},
            "plugins": {
                "providers": [
                    {"name": "ociregistry", "path": str(ROOT / "providers" / "ociregistry")}
                ]
            },
        }
        (self.root / "Pulumi.yaml").write_text(json.dumps(project))
        (self.root / "Pulumi.dev.yaml").write_text("{}")
        shutil.copy(Path(__file__).with_name("program.py"), self.root / "__main__.py")
        # As `make` has it: the engine keeps no logs.
        home = Path(self.environment["PULUMI_HOME"])
        home.mkdir(parents=True, exist_ok=True)
        (home / "logs").touch()
        pip = self.root / _LISTED / "pip"
        pip.mkdir(parents=True)
        (pip / "__init__.py").touch()
        (pip / "__main__.py").write_text(_PIP.format(asked=_LIST, answer=_installed()))


_LISTED = "listed"
"""The folder with what stands for pip: see `_installed`."""
_LIST = ["list", "-v", "--format", "json"]
_PIP = """\
import sys
assert sys.argv[1:] == {asked!r}, sys.argv
print({answer!r})
"""

_LOGGED = frozenset({"up", "preview", "refresh", "destroy", "import"})


def _settings(root: Path) -> dict[str, str]:
    path = os.pathsep.join(
        (str(Path(sys.executable).parent), str(engine_folder()), os.environ.get("PATH", ""))
    )
    return {
        "PATH": path,
        "PYTHONPATH": os.pathsep.join((str(root / _LISTED), str(ROOT))),
        "PULUMI_HOME": str(root / "home"),
        "PULUMI_BACKEND_URL": f"file://{root / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Otherwise the engine spends 2.5 s per run on fetching the plugins of installed SDKs.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_COMMANDS": "true",  # --event-log is one of them
        "DOCKER_CONFIG": str(root / "docker"),
    }


@functools.cache
def _installed() -> str:
    """Return what the language host asks pip for, at each start of a program: always the same.

    That was an eighth of an update's time.
    """
    argv = [sys.executable, "-m", "pip", *_LIST]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def kill_session(leader: "subprocess.Popen[str]") -> None:
    """Kill -9 a process and everything in its session: the engine gives plugins own groups."""
    deadline = time.monotonic() + 10
    while (living := members(leader.pid)) and time.monotonic() < deadline:
        for pid in living:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        leader.poll()
        time.sleep(0.005)
    leader.communicate()


def members(session: int) -> list[int]:
    """Return the living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[3]) == session:
                found.append(int(entry.name))
    return found
