"""A Docker engine that stands for one on another machine; all that it does ends with one process.

It runs in namespaces of its own: its mounts and containers are gone when it is, what it writes to
/etc and /run stays in memory, and no other engine of this machine learns of it.
"""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from fleet.local import debian, processes
from fleet.local.child_environment import child_environment
from fleet.local.paths import checkout
from fleet.local.run_lock import alone_on_this_machine

IMAGE = "localhost:9/buildkit:v0.31.1"
"""The builder's image. Nothing listens on that port, so no other one is pulled in its place."""

_GROUPS = Path("/sys/fs/cgroup")
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_PATH = child_environment()["PATH"]
_NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_BOOT = """\
mount -t tmpfs none "$1/own"
cd "$1/own"
for seen in etc run; do
  mkdir -p "upper/$seen" "work/$seen"
  mount -t overlay -o "lowerdir=/$seen,upperdir=upper/$seen,workdir=work/$seen" none "/$seen"
done
dockerd --config-file "$1/daemon.json"
"""


class Bridge:
    """A network of containers that reach what this machine reaches, as Docker's own bridge is.

    It is made by hand: Docker itself would change rules for all that this machine forwards.
    """

    def __init__(self) -> None:
        self.name = f"fleet{os.getpid()}"
        network = f"10.213.{os.getpid() % 250}"
        self._address = f"{network}.1/24"
        self._rule = ["POSTROUTING", "-s", f"{network}.0/24", "!", "-o", self.name, "-j"]
        self._forwarded = ""

    def make(self) -> None:
        """Have the bridge, and its addresses hidden behind this machine's."""
        debian.install({"ip": "iproute2", "iptables": "iptables"})
        _run("ip", "link", "add", "name", self.name, "type", "bridge")
        _run("ip", "address", "add", self._address, "dev", self.name)
        _run("ip", "link", "set", self.name, "up")
        _run("iptables", "--wait", "-t", "nat", "-A", *self._rule, "MASQUERADE")
        self._forwarded = _FORWARD.read_text()
        _FORWARD.write_text("1")

    def remove(self) -> None:
        """Have it no more."""
        if self._forwarded:
            _FORWARD.write_text(self._forwarded)
            self._forwarded = ""
            _run("iptables", "--wait", "-t", "nat", "-D", *self._rule, "MASQUERADE")
            _run("ip", "link", "delete", self.name)


class DockerEngine:
    """``dockerd`` on a socket below ``folder``, which the ``group`` of that number may use.

    Without a ``bridge`` its containers have this machine's network, or none.
    """

    def __init__(self, folder: Path, *, group: int = 0, bridge: Bridge | None = None) -> None:
        self.folder = folder
        self._users, self._bridge = group, bridge
        self.socket = folder / "docker.sock"
        self._record = folder / "pid"
        (folder / "own").mkdir(parents=True)
        (folder / "boot.sh").write_text(_BOOT)
        (folder / "daemon.json").write_text(json.dumps(self._configuration()))
        with alone_on_this_machine(checkout()):
            debian.install({"dockerd": "docker.io"})

    @property
    def declared(self) -> dict[str, object]:
        """The entry of ``fleet:builder-nodes`` for a builder on it."""
        # The registry of the tests listens on this machine's loopback address.
        options = {"image": IMAGE, "network": "host"}
        endpoint = f"unix://{self.socket}"
        return {"driver": "docker-container", "endpoint": endpoint, "options": options}

    def start(self) -> None:
        """Start it; return when it answers."""
        if self._bridge:
            self._bridge.make()
        log, boot = self.folder / "log", str(self.folder / "boot.sh")
        unshare = str(shutil.which("unshare", path=_PATH))
        started = processes.start(
            [unshare, *_NAMESPACES, "sh", "-e", boot, str(self.folder)],
            env=processes.environment(self.folder / "tmp"),
            log=log,
            record=self._record,
            fingerprint="",
        )
        processes.wait_until(self._answers, started, name="the Docker engine", log=log)

    def lose(self) -> None:
        """Kill it and all that it runs, as a machine that loses its power does."""
        processes.stop(self._record, patience=1)

    def stop(self) -> None:
        """Have nothing of it run any more, and nothing remain outside of its folder."""
        self.lose()
        for top in (*_GROUPS.glob(self._group), *_GROUPS.glob(f"*/{self._group}")):
            for group, _, _ in os.walk(top, topdown=False):
                Path(group).rmdir()
        if self._bridge:
            self._bridge.remove()

    def make_builder(self, binaries: Path, *, host: str, ca: Path) -> None:
        """Make ``IMAGE`` of BuildKit's ``binaries`` and runc; ``ca`` vouches for ``host``."""
        configuration = self.folder / "buildkitd.toml"
        configuration.write_text(
            f'[registry."{host}"]\nhttp = false\nca = ["/etc/buildkit/ca.pem"]\n'
        )
        files = {"/etc/buildkit/ca.pem": ca, "/etc/buildkit/buildkitd.toml": configuration}
        self.make_image(
            IMAGE, [binaries / "buildkitd", binaries / "buildctl", found("runc")], files
        )

    def make_image(
        self, image: str, commands: Sequence[Path], files: Mapping[str, Path] | None = None
    ) -> None:
        """Make an image that starts the first of ``commands``; ``files`` go to their paths."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", dereference=True) as archive:
            for command in commands:
                archive.add(command, f"/usr/bin/{command.name}")
            for library in {path for command in commands for path in _libraries(command)}:
                archive.add(library)
            archive.add(self.folder / "tmp", "/tmp", recursive=False)
            for path, file in (files or {}).items():
                archive.add(file, path)
        name, _, tag = image.rpartition(":")
        entry = f'ENTRYPOINT ["{commands[0].name}"]'
        query = urlencode({"fromSrc": "-", "repo": name, "tag": tag, "changes": entry})
        assert self._status("POST", f"/images/create?{query}", packed.getvalue()) == 200

    def _answers(self) -> bool:
        try:
            return self._status("GET", "/_ping") == 200
        except OSError:
            return False

    def _status(self, method: str, path: str, body: bytes | None = None) -> int:
        connection = HTTPConnection("docker", timeout=60)
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.connect(str(self.socket))
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    @property
    def _group(self) -> str:
        return self.folder.parent.name

    def _configuration(self) -> dict[str, object]:
        own, runc = self.folder / "own", Path(__file__).with_name("runc_of_engine.py")
        return {
            "hosts": [f"unix://{self.socket}"],
            "data-root": str(self.folder / "root"),
            "exec-root": str(own / "run"),
            "pidfile": str(own / "pid"),
            "group": str(self._users),
            "bridge": self._bridge.name if self._bridge else "none",
            "iptables": False,
            "ip6tables": False,
            "cgroup-parent": f"/{self._group}",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "default-runtime": "tests",
            "runtimes": {"tests": {"path": sys.executable, "runtimeArgs": [str(runc)]}},
        }


def found(command: str) -> Path:
    """Return where a ``command`` of the system lies."""
    return Path(shutil.which(command, path=_PATH) or "")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, env={"PATH": _PATH})


def _libraries(command: Path) -> list[str]:
    told = subprocess.run(["ldd", str(command)], check=False, capture_output=True, text=True)
    return re.findall(r"(/\S+) \(0x", told.stdout)
