"""Inputs of a plan: what is said where the lock is not there yet, or broken."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fleet.checkout.planning import gather
from fleet.declaration.model import StackShare
from fleet.declaration.problems import DeclarationError
from fleet.lock.serialization import values_of
from tests.fleet.checkout.folders import write
from tests.fleet.examples import declaration, lock


def test_a_lock_that_was_not_written_is_one_problem_with_the_command_for_its_stack(
    tmp_path: Path,
) -> None:
    here = replace(declaration(), registry="localhost:5443/multi-py")
    with pytest.raises(DeclarationError) as failure:
        gather(tmp_path, "dev", here)
    (problem,) = failure.value.problems
    assert problem.what.startswith("was not written yet, so the digests of the base images")
    plan = "`make plan STACK=dev` shows what is declared without it"
    assert problem.remedy == f"Run `make lock STACK=dev`. {plan}"


def test_elsewhere_it_is_said_who_is_asked_for_the_lock_and_what_can_be_seen_without(
    tmp_path: Path,
) -> None:
    mirrored = replace(declaration(), registry="ghcr.io/a", base_registry="mirror.example/library")
    with pytest.raises(DeclarationError) as failure:
        gather(tmp_path, "prod", mirrored)
    (problem,) = failure.value.problems
    assert "`make lock STACK=prod`, which asks mirror.example/library" in problem.remedy
    assert problem.remedy.endswith("`make plan STACK=prod` shows what is declared without it")


def test_a_part_is_told_the_stack_that_holds_the_lock_of_all(tmp_path: Path) -> None:
    whole = replace(declaration(), registry="ghcr.io/multi-py")
    share = replace(whole, share=StackShare(whole="prod", fleet=whole.images, stacks={}))
    with pytest.raises(DeclarationError, match=r"locks/prod\.yaml: .*`make lock STACK=prod`"):
        gather(tmp_path, "prod-web", share)
    write(tmp_path / "locks/prod.yaml", yaml.safe_dump(values_of(lock(whole))))
    assert gather(tmp_path, "prod-web", share).stack == "prod"


def test_a_broken_lock_is_restored_or_made_anew_for_its_stack(tmp_path: Path) -> None:
    whole = replace(declaration(), registry="ghcr.io/multi-py")
    broken = {**values_of(lock(whole)), "files": {"uvicorn": []}}
    write(tmp_path / "locks/prod.yaml", yaml.safe_dump(broken))
    with pytest.raises(DeclarationError) as failure:
        gather(tmp_path, "prod", whole)
    assert {problem.remedy for problem in failure.value.problems} == {
        "Restore the file, or remove it and run `make lock STACK=prod`"
    }
