"""A program that ends as it is told, run as `__main__.py` of a project of its own.

`ending.json` beside it holds `{"ending", "run", "good", "bad", "build", "digest"}`: how it ends,
whether it is handed to `components.running`, and two references with what they are made from.
"""

import json
from pathlib import Path

import pulumi

from components.failures import digest_or_nothing
from components.running import run
from providers.oci.resources import PlatformSource, Tag, TagArgs

told = json.loads(Path("ending.json").read_text())


def tag(ref: str, digest: pulumi.Input[str]) -> Tag:
    """Return a tag of one platform; the provider refuses an empty digest."""
    image = pulumi.Output.concat(told["build"], "@", digest)
    sources = [PlatformSource(platform="linux/amd64", image=image)]
    return Tag(ref, TagArgs(ref=ref, owner="fleet/dev", identity=ref, sources=sources))


def fail(_: object) -> str:
    """Fail as a mistake of the program does."""
    raise ValueError("a mistake in the program")


def main() -> None:
    """Declare a tag that stands, and whatever is to go wrong."""
    good = tag(told["good"], told["digest"])
    pulumi.export("good", good.digest)
    if told["ending"] == "resource":
        bad = tag(told["bad"], "")
        tag(f"{told['bad']}-after", digest_or_nothing(bad.digest))
        pulumi.export("bad", digest_or_nothing(bad.digest))
    if told["ending"] == "input":
        tag(told["bad"], good.digest.apply(fail))
    if told["ending"] == "output":
        pulumi.export("bad", digest_or_nothing(good.digest.apply(fail)))
    if told["ending"] == "declaration":
        fail(None)
    if told["ending"] == "refusal":
        raise pulumi.RunError("the declaration is refused")


if told["run"]:
    run(main)
else:
    main()
