"""The small Pulumi program of engine tests: tags, pointers and their remover, from a JSON file.

Copied as `__main__.py` into a project of its own; `declared.json` beside it holds a `Declared`.
"""

import json
from pathlib import Path
from typing import cast

import pulumi

from providers.ociregistry.resources import (
    PlatformSource,
    PointerPattern,
    StalePointers,
    StalePointersArgs,
    Summary,
    SummaryArgs,
    Tag,
    TagArgs,
)

declared = json.loads(Path("declared.json").read_text())
repository, owner = declared["repository"], declared["owner"]


def identity(tag: str) -> str:
    """Return the declared identity, else a text that differs as the inputs do."""
    made = json.dumps(declared["inputs"].get(tag, tag), sort_keys=True)
    return str(declared["identities"].get(tag, made))


def image(tag: str, platform: str, digest: str) -> pulumi.Input[str]:
    """Return a source; in a preview, that of a build is unknown."""
    building = pulumi.runtime.is_dry_run() and platform in declared["building"].get(tag, ())
    known = f"{declared['build']}@{digest}"
    return pulumi.Output.from_input(cast("str", pulumi.UNKNOWN) if building else known)


tags = {
    tag: Tag(
        f"{repository}:{tag}",
        TagArgs(
            ref=f"{repository}:{tag}",
            owner=owner,
            identity=identity(tag),
            inputs=declared["inputs"].get(tag, {}),
            sources=[
                PlatformSource(platform=platform, image=image(tag, platform, digest))
                for platform, digest in sources.items()
            ],
            on_conflict=declared["on_conflict"],
        ),
    )
    for tag, sources in declared["tags"].items()
}
pointers = {
    pointer: Tag(
        f"{repository}:{pointer}",
        TagArgs(
            ref=f"{repository}:{pointer}",
            owner=owner,
            identity=target,
            source=pulumi.Output.concat(repository, "@", tags[target].digest),
        ),
    )
    for pointer, target in declared["pointers"].items()
}
awaited = [resource.digest for resource in (*tags.values(), *pointers.values())]
# As the components do: what comes after a resource that failed is asked for all the same.
ends = [digest.recover(lambda _: "") for digest in awaited]
if declared["policy"]:
    remover = StalePointers(
        repository,
        StalePointersArgs(
            repository=repository,
            owner=owner,
            pointers=list(pointers),
            grammar=[PointerPattern(kind=k, pattern=p) for k, p in declared["grammar"].items()],
            policy=declared["policy"],
            max_removals=declared["max_removals"],
            allow_mass=declared["allow_mass"],
            keep_on_destroy=declared["keep_on_destroy"],
            wait_for=awaited,
        ),
    )
    ends = [*ends, remover.urn.recover(lambda _: "")]
if declared["summary"]:
    Summary(owner, SummaryArgs(wait_for=ends))
pulumi.export("digests", {tag: resource.digest for tag, resource in {**tags, **pointers}.items()})
