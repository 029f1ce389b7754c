"""The Go modules of ``toolchain/``: what each builds, and the key that its binaries are kept by."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fleet.lock.model import platform_of

PULUMI_VERSION: Final = "3.259.0"
"""The engine's version; the Python SDK in the lock is of the same."""

BUILDKIT_VERSION: Final = "0.31.1"
REGISTRY_VERSION: Final = "3.1.2"


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module in the folder ``toolchain/{name}``.

    ``packages`` are the commands to build, with the build ``tags``, ``linker`` what goes to the
    linker beside the flags of all, ``minutes`` how long two cores took with empty caches. Next to
    the binaries go the ``files`` of the module's own folder, and ``scripts`` of modules that it
    requires: for each name the module and the path in it. A resource plugin of the engine has a
    ``version``. ``archive`` is where its makers publish it, with ``{system}`` and ``{machine}`` as
    Go names them, or ``{x64}``; ``programs`` must be in the ``folder`` of that. What is ``beside``
    is built with it, into the same folder.
    """

    name: str
    packages: tuple[str, ...]
    minutes: float
    linker: str = ""
    tags: str = ""
    files: tuple[str, ...] = ()
    scripts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    version: str = ""
    archive: str = ""
    folder: str = ""
    programs: tuple[str, ...] = ()
    beside: tuple["Module", ...] = ()

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of ``go build``."""
        tags = ("-tags", self.tags) if self.tags else ()
        # The linker strips what debuggers read. Where the compiler does not write it either, a
        # build takes a sixth less of a processor's time: 203 seconds for the registry, not 244.
        compiler = "-gcflags=all=-dwarf=false"
        return ("-trimpath", compiler, "-ldflags", f"-s -w {self.linker}".strip(), *tags)

    def key(self, root: Path) -> str:
        """Return the SHA-256 of all that decides the binaries, shortened to 16 digits."""
        folder = root / "toolchain" / self.name
        digest = hashlib.sha256("\0".join((*self.packages, *self.flags, *target())).encode())
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"\0{path.relative_to(folder).as_posix()}\0{content}".encode())
        return digest.hexdigest()[:16]


_GITHUB = "https://github.com"
_PLUGIN = (
    "https://api.pulumi.com/releases/plugins/"
    "pulumi-resource-{name}-v{version}-{system}-{machine}.tar.gz"
)
_EXECUTOR = "pulumi-language-python-exec"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
LANGUAGE_PYTHON: Final = Module(
    name="language-python",
    packages=(f"{_SDK}/python/cmd/pulumi-language-python",),
    # The host starts programs through this script and looks for it next to itself alone.
    files=(_EXECUTOR,),
    scripts={f"{_EXECUTOR}.real": (_SDK, f"python/cmd/{_EXECUTOR}")},
    minutes=0.5,
)
PULUMI: Final = Module(
    name="pulumi",
    packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    linker=f"-X {_SDK}/go/common/version.Version=v{PULUMI_VERSION}",
    minutes=4.5,
    archive="https://get.pulumi.com/releases/sdk/"
    f"pulumi-v{PULUMI_VERSION}-{{system}}-{{x64}}.tar.gz",
    folder="pulumi",
    programs=("pulumi",),
    # It looks for its language host next to itself, and warns of any other place.
    beside=(LANGUAGE_PYTHON,),
)
DOCKER_BUILD: Final = Module(
    name="docker-build",
    packages=("github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build",),
    linker="-X github.com/pulumi/pulumi-docker-build/provider.Version=0.0.22",
    version="0.0.22",
    minutes=2,
    archive=_PLUGIN,
)
BUILDKIT: Final = Module(
    name="buildkit",
    packages=("github.com/moby/buildkit/cmd/buildctl", "github.com/moby/buildkit/cmd/buildkitd"),
    minutes=2,
    archive=f"{_GITHUB}/moby/buildkit/releases/download/v{BUILDKIT_VERSION}/"
    f"buildkit-v{BUILDKIT_VERSION}.{{system}}-{{machine}}.tar.gz",
    folder="bin",
    programs=("buildctl", "buildkitd"),
)
REGISTRY: Final = Module(
    name="registry",
    packages=("github.com/distribution/distribution/v3/cmd/registry",),
    minutes=1,
    archive=f"{_GITHUB}/distribution/distribution/releases/download/v{REGISTRY_VERSION}/"
    f"registry_{REGISTRY_VERSION}_{{system}}_{{machine}}.tar.gz",
    programs=("registry",),
)
GITHUB: Final = Module(
    name="github",
    # The main package of the module itself; Go names the binary after its last path element.
    packages=("fleet/toolchain/pulumi-resource-github",),
    version="6.15.0",
    minutes=2,
    archive=_PLUGIN,
)


def target() -> tuple[str, str]:
    """Return this machine as Go names it: operating system and architecture."""
    machine = platform.machine()
    return platform.system().lower(), (platform_of(machine) or f"/{machine}").split("/")[1]
