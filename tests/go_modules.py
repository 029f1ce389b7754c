"""The Go modules of ``toolchain/`` that tests build: judges and registries to compare with."""

from typing import Final

from fleet.local.toolchain.modules import Module

ACTIONLINT: Final = Module(
    name="actionlint",
    packages=("github.com/rhysd/actionlint/cmd/actionlint",),
    minutes=0.5,
)
BUNDLE_VERIFIER: Final = Module(
    name="bundle-verifier",
    packages=("fleet/toolchain/bundle-verifier",),
    minutes=2,
)
SYFT: Final = Module(
    name="syft",
    packages=("github.com/anchore/syft/cmd/syft",),
    minutes=4,
)
TEST_REGISTRIES: Final = Module(
    name="test-registries",
    packages=(
        "github.com/google/go-containerregistry/cmd/registry",
        "github.com/olareg/olareg/cmd/olareg",
    ),
    minutes=0.5,
)
TEST_GITEA: Final = Module(
    name="test-gitea",
    packages=("code.gitea.io/gitea",),
    tags="sqlite,sqlite_unlock_notify",
    minutes=3,
)
