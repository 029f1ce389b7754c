"""The lock: that it is there, and covers what is declared."""

from collections.abc import Iterator
from pathlib import Path

from fleet.checkout.lock_file import lock_file
from fleet.checkout.planning import plan_of
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError
from fleet.github.doctor.finding import Finding, fail, ok


def look(root: Path, stack: str, declaration: Declaration) -> Iterator[Finding]:
    """Yield what is found of it, and of all else that planning takes."""
    name = lock_file(root, stack, declaration).relative_to(root).as_posix()
    try:
        plan = plan_of(root, stack, declaration)
    except DeclarationError as error:
        more = len(error.problems) - 1
        rest = f" (and {more} more: make check STACK={stack})" if more else ""
        yield fail(
            f"lock: {error.problems[0].path}: {error.problems[0].what}{rest}",
            f"Run make lock STACK={stack} where PyPI and the bases' registry can be reached, and "
            f"commit {name}; the workflow versions, started by hand, proposes it as well",
        )
        return
    tags = sum(len(image.tags) for image in plan.images)
    yield ok(f"lock: {name} covers all {tags} version tags")
