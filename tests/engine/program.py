"""The small Pulumi program of engine tests: tags, pointers and their remover, from a JSON file.

Copied as `__main__.py` into a project of its own; `declared.json` beside it holds a `Declared`.
"""

import json
from pathlib import Path
from typing import Any, cast

import pulumi

from providers.ociregistry.sdk import (
    Evidence,
    Login,
    Mirror,
    MirrorArgs,
    PointerPattern,
    Provider,
    ProviderArgs,
    StalePointers,
    StalePointersArgs,
    Tag,
    TagArgs,
)

Fields = dict[str, Any]


def identity(declared: Fields, tag: str) -> str:
    """Return the declared identity, else a text that differs as the inputs do."""
    made = json.dumps(declared["inputs"].get(tag, tag), sort_keys=True)
    return str(declared["identities"].get(tag, made))


def source(declared: Fields, tag: str, digest: str) -> pulumi.Input[str]:
    """Return a version tag's source; in a preview, that of a build is unknown."""
    building = pulumi.runtime.is_dry_run() and tag in declared["building"]
    known = f"{declared['build']}@{digest}"
    return pulumi.Output.from_input(cast("str", pulumi.UNKNOWN) if building else known)


STATED: dict[str, pulumi.Output[str]] = {}
"""What the evidence of each version tag is known by, for mirrors."""


def evidence(declared: Fields, tag: str) -> Evidence | None:
    """Return what is signed of a version tag, where there are keys."""
    if not declared["keys"]:
        return None
    return Evidence(
        keys=declared["keys"],
        provenance=json.dumps({"buildDefinition": declared["inputs"].get(tag, {})}),
        tests=json.dumps({"result": "PASSED"}),
    )


def declare_tags(declared: Fields) -> dict[str, Tag]:
    """Declare version tags and pointers."""
    repository, owner = declared["repository"], declared["owner"]
    tags = {
        tag: Tag(
            f"{repository}:{tag}",
            TagArgs(
                ref=f"{repository}:{tag}",
                owner=owner,
                identity=identity(declared, tag),
                inputs=declared["inputs"].get(tag, {}),
                source=source(declared, tag, digest),
                platforms=declared["platforms"],
                on_conflict=declared["on_conflict"],
                evidence=evidence(declared, tag),
            ),
            opts,
        )
        for tag, digest in declared["tags"].items()
    }
    # As the components do: what comes after a resource that failed is asked for all the same.
    digests = {tag: made.digest.recover(lambda _: "") for tag, made in tags.items()}
    for tag, made in tags.items() if declared["keys"] else ():
        stated = made.signed.apply(
            lambda signed: " ".join(sorted((signed or {}).get("statements", {}).values()))
        )
        STATED[f"{repository}:{tag}"] = stated.recover(lambda _: "")
    pointers = {
        pointer: Tag(
            f"{repository}:{pointer}",
            TagArgs(
                ref=f"{repository}:{pointer}",
                owner=owner,
                identity=target,
                source=pulumi.Output.concat(repository, "@", digests[target]),
            ),
            opts,
        )
        for pointer, target in declared["pointers"].items()
    }
    return {**tags, **pointers}


def declare(declared: Fields) -> dict[str, pulumi.Output[str]]:
    """Declare a repository; return the digests of its tags."""
    digests = {
        tag: made.digest.recover(lambda _: "") for tag, made in declare_tags(declared).items()
    }
    if declared["policy"]:
        args = stale(declared, digests)
        provider = declared["provider"] and pulumi.ProviderResource(
            "ociregistry", declared["provider"], {}
        )
        options = pulumi.ResourceOptions(provider=provider) if provider else opts
        StalePointers(declared["remover"] or declared["repository"], args, options)
    for place in declared["mirrors"]:
        declare_mirror(declared, place, digests)
    return digests


def stale(declared: Fields, digests: Any, **more: Any) -> StalePointersArgs:
    """Return the arguments of a remover, which waits for `digests`."""
    fields = {
        "repository": declared["repository"],
        "owner": declared["owner"],
        "pointers": list(declared["pointers"]),
        "grammar": [PointerPattern(kind=k, pattern=p) for k, p in declared["grammar"].items()],
        "policy": declared["policy"],
        "max_removals": declared["max_removals"],
        "keep_on_destroy": declared["keep_on_destroy"],
        "digests": digests,
    }
    return StalePointersArgs(**{**fields, **more})


def declare_mirror(declared: Fields, place: str, digests: dict[str, pulumi.Output[str]]) -> None:
    """Declare a mirror and its remover, as the components do."""
    repository = declared["repository"]
    stated = {tag: STATED.get(f"{repository}:{tag}") for tag in declared["tags"]}
    mirror = Mirror(
        place,
        MirrorArgs(
            repository=place,
            source=repository,
            owner=declared["owner"],
            tags=dict(digests),
            pointers=list(declared["pointers"]),
            evidence={tag: mark for tag, mark in stated.items() if mark is not None},
        ),
        opts,
    )
    named = mirror.tags.apply(lambda found: {tag: found.get(tag, "") for tag in digests}).recover(
        lambda _: dict.fromkeys(digests, "")
    )
    StalePointers(place, stale(declared, named, repository=place, source=repository), opts)


first = json.loads(Path("declared.json").read_text())
named = {host: Login(**names) for host, names in first["logins"].items()}
opts = (
    pulumi.ResourceOptions(provider=Provider("registries", ProviderArgs(logins=named)))
    if named
    else None
)
known = declare(first)
for another in first["more"]:
    declare(another)
pulumi.export("digests", known)
