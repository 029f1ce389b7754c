"""The small Pulumi program of engine tests: tags, pointers and their remover, from a JSON file.

Copied as `__main__.py` into a project of its own; `declared.json` beside it holds a `Declared`.
"""

import json
from pathlib import Path

import pulumi

from providers.oci.resources import (
    PlatformSource,
    PointerPattern,
    StalePointers,
    StalePointersArgs,
    Tag,
    TagArgs,
)

declared = json.loads(Path("declared.json").read_text())
repository, owner = declared["repository"], declared["owner"]
tags = {
    tag: Tag(
        f"{repository}:{tag}",
        TagArgs(
            ref=f"{repository}:{tag}",
            owner=owner,
            identity=tag,
            sources=[
                PlatformSource(platform=platform, image=f"{declared['build']}@{digest}")
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
if declared["policy"]:
    StalePointers(
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
            wait_for=[tag.digest for tag in (*tags.values(), *pointers.values())],
        ),
    )
pulumi.export("digests", {tag: resource.digest for tag, resource in {**tags, **pointers}.items()})
