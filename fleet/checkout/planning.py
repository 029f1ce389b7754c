"""The plan of a checkout's declaration, with all that lies beside it."""

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet.checkout.image_source import read_assets
from fleet.checkout.lock_file import lock_file, not_written, read_lock
from fleet.checkout.split_stacks import stacks_of
from fleet.checkout.stack_config import PROJECT, config_file, declaration_of_file
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problem, Problems
from fleet.declaration.signing import public_key
from fleet.declaration.stack_share import widened
from fleet.lock.model import platform_of
from fleet.plan.plan import Plan, WholeFleet, make_plan
from fleet.plan.plan_inputs import Assets, Inputs

OWN_KEY = Path(".fleet", "signing", "public.pem")
"""In a checkout, the public key that was made for stacks whose registry is on this machine."""


def plan_of(root: Path, stack: str, declaration: Declaration) -> Plan:
    """Return the plan of ``declaration``, which ``stack`` of the checkout ``root`` holds.

    :raises DeclarationError: with every problem of the lock, the assets or the plan.
    """
    owner = owner_of(stack, declaration)
    return make_plan(declaration, gather(root, stack, declaration), owner=owner)


def planned_builds(root: Path, stack: str) -> frozenset[str]:
    """Return the logical names of what the plan of ``stack`` has built: tags and wheels.

    :raises DeclarationError: as `plan_of`, and where the declaration can't be read.
    """
    plan = plan_of(root, stack, declaration_of_file(config_file(root, stack)))
    found = {build.name for image in plan.images for tag in image.tags for build in tag.builds}
    return frozenset(found | {each.name for image in plan.images for each in image.compiling})


def owner_of(stack: str, declaration: Declaration) -> str:
    """Return ``<pulumi project>/<stack>``; of a part, it is the whole's."""
    return f"{PROJECT}/{declaration.fleet_of(stack)}"


def whole_of(root: Path, stack: str, declaration: Declaration, plan: Plan) -> WholeFleet:
    """Return the fleet that ``stack`` is of, or a part of; ``plan`` is that of ``declaration``.

    :raises DeclarationError: as :func:`plan_of` and :func:`fleet.checkout.split_stacks.stacks_of`.
    """
    name, whole = declaration.fleet_of(stack), widened(declaration)
    return WholeFleet(
        name=name,
        declaration=whole,
        plan=plan if whole is declaration else plan_of(root, name, whole),
        stacks=stacks_of(root, name),
    )


def gather(root: Path, stack: str, declaration: Declaration) -> Inputs:
    """Return the lock and the asset digests that ``declaration`` needs.

    :raises DeclarationError: when the lock was not written yet, or it or an asset folder is
        unreadable.
    """
    path = lock_file(root, stack, declaration)
    if not path.exists():
        # Said once: without a lock, every base and distribution of the matrix would be missing.
        what, remedy = not_written(stack, declaration)
        remedy = f"{remedy}. `make plan STACK={stack}` shows what is declared without it"
        place = path.relative_to(root).as_posix()
        problem = Problem(path=place, what=what, remedy=remedy)
        raise DeclarationError([problem], f"Pulumi.{stack}.yaml")
    problems = Problems()
    assets = assets_of(root, declaration.by_name, problems)
    problems.raise_if_any()
    return Inputs(
        lock=read_lock(path),
        assets={name: found for name, found in assets.items() if found is not None},
        stack=declaration.fleet_of(stack),
        native=platform_of(platform.machine()),
        own_key=own_key(root),
        source=f"Pulumi.{stack}.yaml with {path.relative_to(root).as_posix()}",
    )


def own_key(root: Path) -> str:
    """Return the public key of a checkout for a registry on this machine, empty without one."""
    path = root / OWN_KEY
    return public_key(path.read_text("utf-8")) if path.is_file() else ""


def assets_of(root: Path, images: Iterable[str], problems: Problems) -> Mapping[str, Assets | None]:
    """Return the asset folders of each image, ``None`` where they lack.

    Of one that can't be read, the problems are noted.
    """
    found: dict[str, Assets | None] = {}
    for image in images:
        try:
            found[image] = read_assets(root, image)
        except DeclarationError as error:
            for problem in error.problems:
                problems.add(problem.path, problem.what, problem.remedy)
    return found
