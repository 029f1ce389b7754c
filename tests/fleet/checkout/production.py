"""The production plan as text: a line for each tag and pointer, to be read in a diff.

``python -m tests.fleet.checkout.production`` writes it anew to ``production_plan.txt``.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from fleet.checkout.image_source import read_assets
from fleet.checkout.lock_file import lock_file, read_lock
from fleet.checkout.stack_config import declaration_of_file
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration
from fleet.lock.model import Base, Lock, Tools, asked
from fleet.plan.plan import ImagePlan, Plan, VersionTag, make_plan
from fleet.plan.plan_inputs import Inputs
from tests.fleet import examples

ROOT: Final = Path(__file__).parents[3]
GOLDEN: Final = Path(__file__).with_name("production_plan.txt")
COMMAND: Final = "python -m tests.fleet.checkout.production"

_DIGEST: Final = "sha256:" + "d" * 64
_PYTHON: Final = "docker.io/library/python"
_SHORT: Final = slice(len("sha256:"), len("sha256:") + 12)


def declared() -> Declaration:
    """The declaration of ``Pulumi.prod.yaml``."""
    return declaration_of_file(ROOT / "Pulumi.prod.yaml")


def plan(found: Declaration) -> Plan:
    """The plan with the shipped assets and lock; without a lock, with one of packages alone.

    Commits have no part in it: no text can hold the hash of the commit that it is in.
    """
    path = lock_file(ROOT, "prod", found)
    folders = {name: read_assets(ROOT, name) for name in found.by_name}
    assets = {n: replace(held, revision="", epoch=0) for n, held in folders.items() if held}
    lock = read_lock(path) if path.exists() else _covering(found)
    return make_plan(found, Inputs(lock=lock, assets=assets, stack="prod"), "fleet/prod")


def _covering(found: Declaration) -> Lock:
    """A lock that holds each image's own package alone."""
    every = [entry for image in found.images for entry in matrix_entries(image)]
    platforms = dict.fromkeys((p for image in found.images for p in image.platforms), _DIGEST)
    base = Base(name=f"{_PYTHON}:x", repository=_PYTHON, digest=_DIGEST, platforms=platforms)
    lock = Lock(
        bases={e.base_key: replace(base, name=f"{_PYTHON}:{e.base_key}") for e in every},
        builders={entry.builder_key: base for entry in every},
        asked={image.name: asked(image) for image in found.images},
        pins={e.pin_key: (f"{e.image.package}=={e.version}",) for e in every},
        tools={(entry.image.name, entry.python): Tools(pins=(), compiled={}) for entry in every},
        installer=examples.INSTALLER,
    )
    return examples.covering(lock)


def text(found: Plan) -> str:
    """Return ``found`` by image: its tags with identity and base, its pointers with target."""
    return "".join(f"{line}\n" for line in _lines(found))


def _lines(found: Plan) -> Iterator[str]:
    of = found.declaration
    yield f"{found.owner}, {'protected' if of.protected else 'not protected'}"
    yield f"on conflict: versions {of.version_conflict}, pointers {of.pointer_conflict}"
    yield f"removals: at most {of.max_removals} of the pointers"
    for image in found.images:
        yield ""
        yield f"{image.repository}, stale pointers: {_policy(image)}"
        yield from map(_tag, image.tags)
        yield from (f"{pointer.tag} -> {pointer.target}" for pointer in image.pointers)


def _policy(image: ImagePlan) -> str:
    return ", ".join(f"{kind} {policy}" for kind, policy in image.policy.items())


def _tag(tag: VersionTag) -> str:
    builds = " ".join(f"{build.builder}({','.join(build.platforms)})" for build in tag.builds)
    builds = builds.replace("linux/", "")
    base = tag.builds[0].arguments["BASE_NAME"].removeprefix("docker.io/library/")
    return f"{tag.tag} = {tag.identity[_SHORT]} {builds} on {base.rpartition('/')[2]}"


if __name__ == "__main__":
    GOLDEN.write_text(text(plan(declared())), encoding="utf-8")
