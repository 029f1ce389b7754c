"""A program that ends as it is told, run as `__main__.py` of a project of its own.

`ending.json` beside it holds `{"ending", "run", "good", "bad", "build", "digest"}`: how it ends,
whether it is handed to `components.entrypoint`, and two references with what they are made from.
"""

import asyncio
import atexit
import json
import sys
from pathlib import Path
from typing import Any

import pulumi

from components.entrypoint import run
from components.failures import or_else
from providers.ociregistry.sdk import Tag, TagArgs

told = json.loads(Path("ending.json").read_text())


def tag(ref: str, digest: pulumi.Input[str]) -> Tag:
    """Return a tag of one platform; the provider refuses an empty digest."""
    source, platforms = pulumi.Output.concat(told["build"], "@", digest), ["linux/amd64"]
    args = TagArgs(ref=ref, owner="fleet/dev", identity=ref, source=source, platforms=platforms)
    return Tag(ref, args)


def count_waits() -> None:
    """Print at the end how often the program waited for any of several outputs."""
    wait, waits = asyncio.wait, []

    def counted(tasks: Any, **options: Any) -> Any:
        waits.append(len(tasks))
        return wait(tasks, **options)

    asyncio.wait = counted  # type: ignore[assignment]
    atexit.register(lambda: sys.stdout.write(f"{len(waits)} waits for any output\n"))


def fail(_: object) -> str:
    """Fail as a mistake of the program does."""
    raise ValueError("a mistake in the program")


def main() -> None:
    """Declare a tag that stands, and whatever is to go wrong."""
    good = tag(told["good"], told["digest"])
    pulumi.export("good", good.digest)
    if told["ending"] == "resource":
        bad = tag(told["bad"], "")
        tag(f"{told['bad']}-after", or_else(bad.digest, ""))
        pulumi.export("bad", or_else(bad.digest, ""))
    if told["ending"] == "input":
        tag(told["bad"], good.digest.apply(fail))
    if told["ending"] == "output":
        pulumi.export("bad", or_else(good.digest.apply(fail), ""))
    if told["ending"] == "counted":
        count_waits()
    if told["ending"] == "declaration":
        fail(None)
    if told["ending"] == "refusal":
        raise pulumi.RunError("the declaration is refused")


if told["run"]:
    run(main)
else:
    main()
