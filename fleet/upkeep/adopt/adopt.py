"""Adoption: a registry's declared tags come under management without a write to the registry."""

import json
from pathlib import Path

from fleet.plan.plan import Plan
from fleet.registry.errors import UnreadableError
from fleet.registry.interface import Registry
from fleet.registry.reference import TagReference
from fleet.upkeep.adopt.import_file import Adoption, adoption, candidates
from fleet.upkeep.parallel import each
from providers.ociregistry.tag.reader import Found
from providers.ociregistry.tag.writer import Tagger

FLAGS = ("--yes", "--skip-preview", "--protect=false", "--generate-code=false")
"""Flags of ``pulumi import``: destroy is guarded elsewhere, and the code is there already."""


async def look(registry: Registry, plan: Plan) -> Adoption:
    """Read every declared tag and return what an import would take over.

    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    tagger = Tagger(registry)

    async def find(ref: TagReference) -> tuple[TagReference, Found | str | None]:
        try:
            return ref, await tagger.find(ref)
        except UnreadableError as error:
            return ref, str(error)

    pairs = await each(find, [candidate.ref for candidate in candidates(plan)])
    return adoption(
        plan,
        {ref: found for ref, found in pairs if isinstance(found, Found)},
        {ref: why for ref, why in pairs if isinstance(why, str)},
    )


def write(path: Path, adopted: Adoption) -> None:
    """Write the import file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(adopted.document, indent=2) + "\n", encoding="utf-8")


def report(adopted: Adoption) -> str:
    """Say what an import takes over and what it can't."""
    groups = (
        ("adopted", adopted.adopted, ""),
        (
            "of these written by something else than this fleet",
            adopted.unowned,
            "the next up replaces them by this fleet's builds; the old digest stays pullable",
        ),
        ("of these pointers that name something else than declared", adopted.off, "up moves them"),
        ("left alone, for they are another stack's", adopted.foreign, "move them by that stack"),
        (
            "unreadable, left out",
            adopted.unreadable,
            "up puts pointers right; at a version tag it stops unless fleet:on-conflict takes over",
        ),
        ("declared but not in the registry", adopted.absent, "up makes them"),
    )
    lines = [line for title, refs, then in groups for line in _group(title, refs, then)]
    return "\n".join([*lines, _LIMITS])


def _group(title: str, refs: tuple[str, ...], then: str) -> list[str]:
    if not refs:
        return []
    head = f"{len(refs)} {title}" + (f" ({then})" if then else "")
    return [f"{head}:", *(f"  {ref}" for ref in refs)]


_LIMITS = """\
Not in the file: builds and their verifications, because no registry tells which inputs an image
was built from. The next up builds and checks each tag once more; builds that give the same bytes
move no tag. The record of removed names begins again in the state; `make restore` reads the one in
the registry as well."""
