"""The jobs of the workflow ``up`` that write: one, or one per stack of a fleet that was split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.github.render.emulation import building
from fleet.templating import Verbatim

_LISTED: Final = "${{ runner.temp }}/removals/preview"
_APPROVED: Final = (
    "needs.look.result == 'success'",
    "(needs.look.outputs.removals == '0' || needs.approve.result == 'success')",
)


@dataclass(frozen=True, kw_only=True)
class UpJob:
    """A job of the workflow ``up``.

    ``stack`` is empty where the fleet has one stack alone, which the workflow names. ``after`` are
    the jobs of other stacks that it waits for, ``needs`` all that it waits for. ``allowed`` is the
    report of the preview that lists what it may remove. ``images`` says that it has any;
    ``github``, that it looks after the repository.
    """

    key: Verbatim
    name: Verbatim
    stack: str
    after: Sequence[str]
    needs: Sequence[str]
    condition: str
    allowed: str
    images: bool
    github: bool
    builders: Sequence[str]
    emulated: str
    settings: Mapping[str, str]


def up_jobs(
    declaration: Declaration,
    github: GitHub,
    stacks: Sequence[FleetStack],
    settings: Mapping[str, str],
) -> Sequence[UpJob]:
    """Return a job per stack, or the one of a fleet that was not split."""
    if not stacks:
        images = tuple(declaration.by_name)
        only = FleetStack(name="", images=images, after=(), github=True)
        return [_job(declaration, github, only, {"": Verbatim("up")}, settings)]
    keys = {stack.name: Verbatim(f"up-{number}") for number, stack in enumerate(stacks, start=1)}
    return [_job(declaration, github, stack, keys, settings) for stack in stacks]


def _job(
    declaration: Declaration,
    github: GitHub,
    stack: FleetStack,
    keys: Mapping[str, Verbatim],
    settings: Mapping[str, str],
) -> UpJob:
    before = [name for name in keys if name != stack.name] if stack.github else stack.after
    after = [keys[name] for name in before]
    made = building(declaration, github, stack.images)
    # The pages are written also where a stack failed; without a result of its own, none is.
    built = () if stack.github else tuple(f"needs.{key}.result == 'success'" for key in after)
    part = f".{stack.name}" if stack.name else ""
    return UpJob(
        key=keys[stack.name],
        name=Verbatim(f"up {stack.name}".strip()),
        stack=stack.name,
        after=after,
        needs=["look", "approve", *after],
        # A job that is skipped, as approve mostly is, would skip this one too.
        condition=" && ".join(("!cancelled()", *_APPROVED, *built)),
        allowed=f"{_LISTED}{part}.json",
        images=bool(stack.images),
        github=stack.github,
        builders=made.builders,
        emulated=made.emulated,
        settings={k: v for k, v in settings.items() if stack.github or k != "GITHUB_TOKEN"},
    )
