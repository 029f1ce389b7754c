"""The jobs of the workflow ``up`` that write: one, or one per stack of a fleet that was split."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.templating import Verbatim

_LISTED: Final = "${{ runner.temp }}/removals/preview"
_APPROVED: Final = (
    "needs.look.result == 'success'",
    "(needs.look.outputs.removals == '0' || needs.approve.result == 'success')",
)
_EMBEDDED = ("fleet", "default")  # started by the program, or brought by the Docker engine


def up_jobs(
    declaration: Declaration,
    github: GitHub,
    stacks: Sequence[FleetStack],
    settings: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return a job per stack, or the one of a fleet that was not split, as ``up.yml`` shows it.

    Its ``stack`` is empty where the fleet has one stack alone, which the workflow names. ``after``
    are the jobs of other stacks that it waits for, ``needs`` all that it waits for. ``allowed`` is
    the report of the preview that lists what it may remove. ``images`` says that it has any;
    ``github``, that it looks after the repository; ``catalog``, that it renders the catalog too.
    """
    whole = FleetStack(name="", images=tuple(declaration.by_name), after=(), github=True)
    keys = {stack.name: Verbatim(f"up-{number}") for number, stack in enumerate(stacks, start=1)}
    keys = keys or {"": Verbatim("up")}
    return [_job(declaration, github, each, keys, settings) for each in stacks or [whole]]


def _job(
    declaration: Declaration,
    github: GitHub,
    stack: FleetStack,
    keys: Mapping[str, Verbatim],
    settings: Mapping[str, str],
) -> dict[str, Any]:
    before = [name for name in keys if name != stack.name] if stack.github else stack.after
    after = [keys[name] for name in before]
    # The pages are written also where a stack failed; without a result of its own, none is.
    built = () if stack.github else tuple(f"needs.{key}.result == 'success'" for key in after)
    part = f".{stack.name}" if stack.name else ""
    return {
        "key": keys[stack.name],
        "name": Verbatim(f"up {stack.name}".strip()),
        "stack": stack.name,
        "after": after,
        "needs": ["look", "approve", *after],
        # A job that is skipped, as approve mostly is, would skip this one too.
        "condition": " && ".join(("!cancelled()", *_APPROVED, *built)),
        "allowed": f"{_LISTED}{part}.json",
        "images": bool(stack.images),
        "github": stack.github,
        "catalog": stack.github and github.pages,
        "builders": builders_of(declaration, github, stack.images),
        "emulated": _emulated(declaration, github, stack.images),
        "settings": {k: v for k, v in settings.items() if stack.github or k != "GITHUB_TOKEN"},
    }


def builders_of(declaration: Declaration, github: GitHub, images: Iterable[str]) -> list[str]:
    """Return the builders that a job for ``images`` makes.

    Nodes that are described build natively, or emulate by themselves.
    """
    platforms = _platforms(declaration, images) if github.emulation else ()
    named = dict.fromkeys(declaration.builders[platform] for platform in platforms)
    return [n for n in named if n not in _EMBEDDED and n not in declaration.nodes]


def _emulated(declaration: Declaration, github: GitHub, images: Iterable[str]) -> str:
    """Return what the image ``binfmt`` calls the emulators that a job registers, with commas.

    Those are of every platform that the runner is not known to build natively. The image has none
    of the machine that it runs on, so that too many asked for do no harm.
    """
    own = builders_of(declaration, github, images)
    return ",".join(
        platform.split("/")[1]
        for platform in _platforms(declaration, images)
        if platform != github.architecture and declaration.builders[platform] in own
    )


def _platforms(declaration: Declaration, images: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(p for name in images for p in declaration.by_name[name].platforms)
