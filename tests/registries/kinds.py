"""Every kind of registry that names are removed from, each with a log of what reached it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.providers.ociregistry.registry_fake import serving
from tests.registries.front import Front, fronting
from tests.registries.programs import PROGRAMS, Program, running_program


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of registry: `tag` and `digest` are its answers to DELETE, 0 for its own answer.

    `lowers` says that it has tags in lower case alone. `real` says that a registry of others is
    behind it: `program`, else distribution, for which `deletes` says how it is configured.
    """

    name: str
    removes: bool = True
    tag: int = 0
    digest: int = 0
    ghcr: bool = False
    real: bool = False
    program: Program | None = None
    deletes: bool = True
    lowers: bool = False


_BEHAVIOURS = (
    Kind(name="deletes tags and digests"),
    Kind(name="deletes digests, answers 405 for a tag", tag=405),
    Kind(name="deletes digests, answers 400 for a tag", tag=400),
    Kind(name="answers 405 for both", tag=405, digest=405, removes=False),
    Kind(name="is like GitHub's", ghcr=True),
)
_REAL = (
    *(
        Kind(
            name=f"distribution, {k.name}", tag=k.tag, digest=k.digest, ghcr=k.ghcr,
            removes=k.removes, real=True,
        )
        for k in _BEHAVIOURS
        if k.removes
    ),
    Kind(name="distribution, deletion off", removes=False, real=True, deletes=False),
)  # fmt: skip
# What answers DELETE otherwise, or has it off, only matters to a removal; reading and writing are
# the same there.
LIVE = tuple(kind for kind in _REAL if kind.removes and not (kind.tag or kind.digest))
"""Those that a whole stack runs on."""
REFUSING = tuple(kind for kind in _REAL if not kind.removes)
OTHERS = tuple(Kind(name=name, real=True, program=name) for name in PROGRAMS)
"""Registries that are not distribution."""
GITEA = Kind(name="gitea", real=True, program="gitea", lowers=True)
"""For the slow tier."""


def parameters(*, removes: bool) -> list[object]:
    """Return the kinds that can, or that cannot, remove a name, as parameters of a test."""
    return [
        pytest.param(kind, id=kind.name, marks=[pytest.mark.integration] if kind.real else [])
        for kind in (*_BEHAVIOURS, *_REAL, *OTHERS)
        if kind.removes is removes
    ]


@contextmanager
def running(kind: Kind, folder: Path) -> Iterator[Front]:
    """Run a registry of a kind."""
    with ExitStack() as stack:
        if kind.program:
            upstream = stack.enter_context(running_program(kind.program, folder))
        elif kind.real:
            upstream = stack.enter_context(Distribution(folder, delete=kind.deletes)).host
        else:
            upstream = stack.enter_context(serving()).host
        front = stack.enter_context(fronting(upstream, ghcr=kind.ghcr))
        if not kind.ghcr:
            front.tag_status, front.digest_status = kind.tag, kind.digest
        yield front
        assert front.github is None or front.github.violations == []
