"""What a stack's state knows of its tags, read without making or starting anything."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet.console import TroubleError
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.local import backend, engine, environment
from fleet.local.paths import Checkout
from fleet.local.requirements import needs_of
from fleet.pages.view import Rows, rows
from providers.ociregistry.fields import TAG

_STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class Known:
    """The contents of a state: ``rows`` are the stack's outputs, as its last run left them.

    They are None where there is no state, or one of several is missing and the others have no tag:
    ``lacking`` says why.
    ``evidence`` has by reference a digest, and the kinds of statements that are signed of it.
    """

    rows: Rows | None = None
    evidence: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    lacking: str = ""


def read_known(
    here: Checkout, stack: str, declaration: Declaration, stacks: Sequence[FleetStack] = ()
) -> Known:
    """Return what the state of ``stack`` knows, or those of ``stacks`` that it was split into.

    :raises TroubleError: when there is a state that can't be read, or a loopback registry is
        declared without a port.
    """
    needs = needs_of(declaration, stack)
    try:
        backend.require(here, needs, os.environ)
    except TroubleError as error:
        return Known(lacking=str(error))
    env = environment.complete(here, needs)
    return _joined([_exported(here, name, env) for name in [s.name for s in stacks] or [stack]])


def parse_known(exported: str) -> Known:
    """Return what is in ``exported``, the JSON that ``pulumi stack export`` prints.

    A resource that is only waiting for its deletion is no longer known.
    """
    deployment = json.loads(exported).get("deployment") or {}
    resources = [r for r in deployment.get("resources") or [] if not r.get("delete")]
    outputs = [(r["type"], r.get("outputs") or {}) for r in resources]
    return Known(
        rows=rows(next((held for kind, held in outputs if kind == _STACK), {})),
        evidence={
            held["ref"]: (held["assembled"], tuple(sorted(held["signed"]["statements"])))
            for kind, held in outputs
            if kind == TAG and held.get("signed")
        },
    )


def _joined(found: Sequence[Known]) -> Known:
    """Return what several states hold, none of which has anything of another."""
    rows = {ref: row for known in found for ref, row in (known.rows or {}).items()}
    lacking = "; ".join(dict.fromkeys(known.lacking for known in found if known.lacking))
    return Known(
        # Beside a state that is missing, one without tags tells nothing.
        rows=None if lacking and not rows else rows,
        evidence={ref: held for known in found for ref, held in known.evidence.items()},
        lacking=lacking,
    )


def _exported(here: Checkout, stack: str, env: Mapping[str, str]) -> Known:
    none_yet = Known(lacking=f"stack {stack} was never brought up")
    if _is_unused(here.root, env):
        return none_yet
    pulumi = shutil.which("pulumi", path=env.get("PATH"))
    if pulumi is None:
        return Known(lacking="there is no pulumi on PATH yet")
    exported = engine.exported(here, Path(pulumi), stack, env)
    return none_yet if exported is None else parse_known(exported)


def _is_unused(root: Path, env: Mapping[str, str]) -> bool:
    """Tell whether the backend is a folder that the engine would first have to furnish.

    :raises TroubleError: when it is a folder that is closed to this user.
    """
    folder = backend.folder(root, env)
    try:
        return folder is not None and not (folder / ".pulumi").is_dir()
    except PermissionError as error:
        raise TroubleError(
            f"{backend.VARIABLE}: {folder} is closed to this user.\nSet it to a folder of this "
            "user, or rerun as the one who may read it."
        ) from error
