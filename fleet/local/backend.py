"""Where a stack's state lies: in the checkout for the embedded default, else where it is named."""

from collections.abc import Mapping
from pathlib import Path

from fleet.console import TroubleError
from fleet.local.paths import Checkout
from fleet.local.requirements import Needs

VARIABLE = "PULUMI_BACKEND_URL"


def require(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> None:
    """Return when the stack with ``needs`` has a backend that its state belongs in.

    :raises TroubleError: for a registry elsewhere whose state would lie in this checkout, which
        ``make clean`` removes, or nowhere.
    """
    if needs.port is not None:
        return
    if is_ours(checkout, env):
        raise TroubleError(
            f"{VARIABLE} is {env[VARIABLE]}, where the embedded stack keeps its state, and "
            f"{needs.stack} is not a stack of this machine alone. `make env` has set it in this "
            f"shell.\nRerun in a new shell, or name {needs.stack}'s own backend, such as "
            "s3://bucket, and set its passphrase again."
        )
    if not env.get(VARIABLE):
        raise TroubleError(
            f"{VARIABLE} is not set, and {needs.stack} is not a stack of this machine "
            "alone.\nName the backend that holds its state, such as s3://bucket, and rerun."
        )


def folder(root: Path, env: Mapping[str, str]) -> Path | None:
    """Return the folder that ``env`` names as the backend, ``None`` where that is not a folder.

    The engine reads a relative path from the project's folder, which is ``root``.
    """
    scheme, separator, path = env.get(VARIABLE, "").partition("://")
    if scheme != "file" or not separator:
        return None
    return root / Path(path.partition("?")[0]).expanduser()


def is_ours(checkout: Checkout, env: Mapping[str, str]) -> bool:
    """Tell whether ``env`` names a backend in the state of this checkout."""
    named = folder(checkout.root, env)
    return named is not None and checkout.holds(str(named))
