"""The stacks that a fleet was split into, as the stack files of a checkout tell."""

from pathlib import Path

from fleet.checkout.stack_config import config_file, config_of_file, declaration_of_file
from fleet.declaration.problems import DeclarationError, Problem, Problems
from fleet.declaration.split import FleetStack, in_turn
from fleet.declaration.stack_share import ShareConfig, is_share, narrowed, parse_share

_PREFIX, _SUFFIX = "Pulumi.", ".yaml"


def stacks_of(root: Path, stack: str) -> tuple[FleetStack, ...]:
    """Return the stacks that ``stack`` is split into, each after those that it needs.

    There are none where ``stack`` is not split, or is a share itself.

    :raises DeclarationError: with every problem of one of the files, or of how they fit together.
    """
    shares = _shares(root, stack)
    if not shares:
        return ()
    whole = declaration_of_file(config_file(root, stack))
    for name, share in shares.items():
        narrowed(whole, share, config_file(root, name).name)
    return in_turn(whole, shares)


def refuse_split(root: Path, stack: str) -> None:
    """Return unless ``stack`` is split, for it would write the same names as its shares.

    :raises DeclarationError: when it is; and as of :func:`stacks_of`.
    """
    found = stacks_of(root, stack)
    if found:
        what = f"is split into {', '.join(each.name for each in found)}"
        remedy = f"Name one of them, or run `make up STACK={stack}`, which brings up each in turn"
        problem = Problem(path=config_file(root, stack).name, what=what, remedy=remedy)
        raise DeclarationError([problem])


def share_file(path: Path, stack: str) -> Path:
    """Return what ``path``, a file that each run writes, is called for one stack of several."""
    return path.with_name(f"{path.stem}.{stack}{path.suffix}")


def _shares(root: Path, whole: str) -> dict[str, ShareConfig]:
    """Return what each share of ``whole`` says, by the name of its stack."""
    found = {}
    for path in sorted(root.glob(f"{_PREFIX}*{_SUFFIX}")):
        # Files of other stacks are none of this one's business, whatever is wrong with them.
        if "part-of" not in path.read_text(encoding="utf-8", errors="replace"):
            continue
        problems = Problems()
        config = config_of_file(path, problems)
        if is_share(config) and config["part-of"] == whole:
            name = path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
            found[name] = parse_share(config, path.name, problems)
    return found
