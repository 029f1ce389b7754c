"""A BuildKit daemon that stands for a node on another machine, with a root of its own."""

import os
import signal
import subprocess
from pathlib import Path

from fleet.local import processes
from fleet.local.mounts import mounts_below
from tests.fleet.local import authority


class NodeDaemon:
    """``buildkitd`` on ``address`` below ``folder``; ``ca`` vouches for the registry at ``host``.

    With ``tls`` only clients that the folder's own authority signed are served.
    """

    def __init__(self, folder: Path, address: str, *, host: str, ca: Path, tls: bool) -> None:
        self.folder = folder
        self.address = address
        self._tls = authority.make(folder / "tls") if tls else None
        self._config = folder / "buildkitd.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(self._configuration(host, ca))

    @property
    def declared(self) -> dict[str, object]:
        """The entry of ``fleet:builder-nodes`` for it."""
        options = {"options": authority.options(self._tls)} if self._tls else {}
        return {"driver": "remote", "endpoint": self.address, **options}

    @property
    def _record(self) -> Path:
        return self.folder / "pid"

    def start(self, buildctl: Path) -> None:
        """Start it with the ``buildkitd`` beside ``buildctl``; return when it answers."""
        log = self.folder / "log"
        daemon = buildctl.parent / "buildkitd"
        # What a killed daemon leaves behind, its mounts included, is to lie below the folder.
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        started = processes.start(
            [str(daemon), "--config", str(self._config)],
            env={**os.environ, "PATH": path, "TMPDIR": str(temporary)},
            log=log,
            record=self._record,
            fingerprint="",
        )
        options = authority.options(self._tls) if self._tls else {}
        tls = {"cacert": "tlscacert", "cert": "tlscert", "key": "tlskey"}
        flags = [f"--{tls[key]}={value}" for key, value in options.items()]
        argv = [str(buildctl), "--addr", self.address, *flags, "debug", "workers"]
        processes.wait_until(
            lambda: subprocess.run(argv, check=False, capture_output=True).returncode == 0,
            started,
            name="the node",
            log=log,
        )

    def lose(self) -> None:
        """Kill it and all that it runs, as a machine that loses its power does."""
        known = processes.read_record(self._record)
        assert known is not None
        assert known.alive
        family = [known.pid, *processes.descendants(known.pid)]
        for pid in family:
            os.kill(pid, signal.SIGKILL)
        processes.stop(self._record)

    def stop(self) -> None:
        """Have nothing of it run or be mounted any more."""
        processes.stop(self._record)
        for mount in mounts_below(self.folder, Path("/proc/self/mountinfo").read_text()):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)

    def _configuration(self, host: str, ca: Path) -> str:
        lines = [
            f'root = "{self.folder}/root"',
            "[otel]",
            f'socketPath = "{self.folder}/otel.sock"',
            "[cdi]",
            "disabled = true",
            "[worker.containerd]",
            "enabled = false",
            "[worker.oci]",
            "enabled = true",
            f'[registry."{host}"]',
            "http = false",
            f'ca = ["{ca}"]',
            "[grpc]",
            f'address = ["{self.address}"]',
        ]
        if self._tls:
            files = {"cert": "node.pem", "key": "node.key", "ca": "ca.pem"}
            lines += ["[grpc.tls]", *(f'{k} = "{self._tls / v}"' for k, v in files.items())]
        return "\n".join([*lines, ""])
