"""How a container is run: an image's own configuration and the options of a `docker run`."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.local.child_environment import child_environment

# Those that Docker and containerd leave to a container's root.
CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
        "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    )
)  # fmt: skip
# The main ones that their default seccomp profile refuses.
REFUSED_CALLS = (
    "acct", "add_key", "bpf", "clock_settime", "delete_module", "finit_module", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_load",
    "keyctl", "mount", "move_pages", "open_by_handle_at", "perf_event_open", "personality",
    "pivot_root", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "reboot",
    "request_key", "setns", "settimeofday", "swapoff", "swapon", "umount2", "unshare",
    "userfaultfd",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a run beside the image; the defaults are those of `docker run`.

    `files` are texts by their path below the root, `without` paths that the image is to lack.
    Ports below `first_port` are those that only a capability may bind. `tmpfs` lists folders in
    memory that every user may write to, beside /dev/shm.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    user: tuple[int, int] = (0, 0)
    capabilities: tuple[str, ...] = CAPABILITIES
    first_port: int = 0
    no_new_privileges: bool = False
    seccomp: bool = False
    read_only: bool = False
    shm: bool = True
    tmpfs: tuple[str, ...] = ()
    memory: int = 0


def write_spec(bundle: Path, config: Mapping[str, Any], options: Options) -> None:
    """Write the runtime's configuration of the folder ``bundle``, for an image's ``config``.

    :raises ValueError: where the image names a user: no image here does.
    """
    if config.get("User"):
        raise ValueError(f"the image names the user {config['User']!r}; expected none")
    subprocess.run(["runc", "spec", "--bundle", str(bundle)], check=True, env=child_environment())
    path = bundle / "config.json"
    spec = json.loads(path.read_text())
    spec["process"] |= _process(config, options)
    spec["root"]["readonly"] = options.read_only
    spec["mounts"] = [
        mount for mount in spec["mounts"] if options.shm or mount["destination"] != "/dev/shm"
    ] + [_in_memory(folder) for folder in options.tmpfs]
    linux = spec["linux"]
    linux["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": str(options.first_port)}
    if options.memory:
        linux["resources"]["memory"] = {"limit": options.memory}
    if options.seccomp:
        refused = {"names": REFUSED_CALLS, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
        linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [refused]}
    path.write_text(json.dumps(spec))


def _process(config: Mapping[str, Any], options: Options) -> dict[str, Any]:
    uid, gid = options.user
    # Another user than root has what it may have, and nothing of it.
    own = options.capabilities if uid == 0 else ()
    kinds = {"bounding": options.capabilities, "effective": own, "permitted": own}
    given = [f"{name}={value}" for name, value in options.env.items()]
    return {
        "terminal": False,
        "user": {"uid": uid, "gid": gid},
        "args": options.args or (*(config.get("Entrypoint") or ()), *config["Cmd"]),
        "env": [*config["Env"], *given],
        "cwd": config.get("WorkingDir") or "/",
        "capabilities": {**kinds, "inheritable": (), "ambient": ()},
        "noNewPrivileges": options.no_new_privileges,
    }


def _in_memory(folder: str) -> dict[str, Any]:
    flags = ["nosuid", "nodev", "mode=1777", "size=65536k"]
    return {"destination": folder, "type": "tmpfs", "source": "tmpfs", "options": flags}
