import json
from pathlib import Path
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.local.paths import checkout
from fleet.registry.reference import Repository
from fleet.upkeep.state import parse_state, read_state

REPOSITORY = "localhost:5000/team/web"


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def exported(*resources: dict[str, Any]) -> str:
    return json.dumps({"version": 3, "deployment": {"resources": list(resources)}})


def remover(**outputs: Any) -> dict[str, Any]:
    values = {"repository": REPOSITORY, "pointers": ["py3.11-LATEST"], **outputs}
    return {"urn": "urn:s", "type": "ociregistry:index:StalePointers", "outputs": values}


def tag(**outputs: Any) -> dict[str, Any]:
    values = {"ref": f"{REPOSITORY}:v1", **outputs}
    return {"urn": "urn:t", "type": "ociregistry:index:Tag", "outputs": values}


class TestState:
    def test_every_digest_anywhere_counts_as_named(self) -> None:
        image = {"urn": "urn:i", "type": "docker-build:index:Image",
                 "inputs": {"buildArgs": {"BASE": f"python@{digest('c')}"}}}  # fmt: skip
        found = parse_state("dev", exported(image, tag(digest=digest("a"), previous=digest("b"))))
        assert found.digests == {digest("a"), digest("b"), digest("c")}

    def test_what_the_history_is_compared_with_does_not_count(self) -> None:
        found = parse_state("dev", exported(remover(digests={"t": digest("a")})))
        assert found.digests == frozenset()

    def test_what_a_repository_had_is_known_by_repository(self) -> None:
        record = [{"tag": "py3.8-LATEST", "digest": digest("c"), "removedAt": "2026-01-01"}]
        resources = (
            tag(digest=digest("a"), assembled=digest("a"), previous=""),
            remover(removed=record),
        )
        found = parse_state("dev", exported(*resources))
        place = Repository.parse(REPOSITORY)
        assert found.roots == {place: {digest("a"), digest("c")}}
        assert [(r.tag, r.digest, r.repository) for r in found.removed] == [
            ("py3.8-LATEST", digest("c"), place)
        ]

    def test_what_builds_made_and_take_is_known_by_repository(self) -> None:
        build = {
            "urn": "urn:i", "type": "docker-build:index:Image",
            "inputs": {"buildArgs": {"WHEELS": f"{REPOSITORY}/build@{digest('9')}"}},
            "outputs": {
                "tags": [f"{REPOSITORY}/build:v1"], "digest": digest("b"),
                "buildArgs": {"BASE": f"docker.io/library/python@{digest('c')}"},
            },
        }  # fmt: skip
        copied = tag(digest=digest("a"), source=f"{REPOSITORY}/build@{digest('a')}")
        parts = [f"{REPOSITORY}/build@{digest(letter)}" for letter in "de"]
        joined = tag(ref=f"{REPOSITORY}:v2", digest=digest("f"), sources=parts)
        found = parse_state("dev", exported(build, copied, joined))
        assert found.roots == {
            Repository.parse(REPOSITORY): {digest("a"), digest("f")},
            Repository.parse(f"{REPOSITORY}/build"): {digest(letter) for letter in "b9ade"},
            Repository.parse("docker.io/library/python"): {digest("c")},
        }

    def test_a_verification_and_a_failed_build_make_nothing(self) -> None:
        nothing = {"tags": None, "digest": "", "exports": [{"raw": "type=cacheonly"}]}
        image = {"urn": "urn:i", "type": "docker-build:index:Image"}
        found = parse_state("dev", exported(image | {"outputs": nothing}, image))
        assert found.roots == {}

    def test_the_names_of_tag_resources_are_known_but_of_those_that_are_being_forgotten(
        self,
    ) -> None:
        leaving = tag(ref=f"{REPOSITORY}:v2") | {"delete": True}
        found = parse_state("dev", exported(tag(digest=digest("a")), leaving, remover()))
        assert found.tags == {Repository.parse(REPOSITORY): {"v1"}}

    def test_a_remover_that_is_just_being_created_is_known_and_its_names_are_not(self) -> None:
        begun = remover()
        begun["inputs"] = begun.pop("outputs")
        name = {"urn": "urn:t", "type": "ociregistry:index:Tag", "inputs": {"ref": "a/b:c"}}
        operations = [{"resource": r, "type": "creating"} for r in (begun, name)]
        deployment = {"resources": [], "pending_operations": operations}
        found = parse_state("dev", json.dumps({"version": 3, "deployment": deployment}))
        assert [str(known.repository) for known in found.removers] == [REPOSITORY]
        assert found.tags == {}

    def test_a_remover_that_is_just_being_replaced_is_known_under_both_repositories(self) -> None:
        begun = remover(repository="localhost:5000/team/api")
        deployment = {
            "resources": [remover()],
            "pending_operations": [
                {"resource": resource, "type": "creating"} for resource in (begun, remover())
            ],
        }
        found = parse_state("dev", json.dumps({"version": 3, "deployment": deployment}))
        assert [str(known.repository) for known in found.removers] == [
            REPOSITORY, "localhost:5000/team/api",
        ]  # fmt: skip

    def test_a_pointers_kind_follows_from_the_recorded_grammar(self) -> None:
        grammar = [{"kind": "LATEST", "pattern": r"py[0-9.]+-LATEST"}]
        resource = remover(grammar=grammar, policy={"LATEST": "keep"})
        (found,) = parse_state("dev", exported(resource)).removers
        assert (found.kind("py3.8-LATEST"), found.kind("edge")) == ("LATEST", "")
        assert found.policies == {"LATEST": "keep"}

    def test_a_stack_that_was_never_brought_up_names_nothing(self) -> None:
        assert parse_state("dev", '{"version": 3, "deployment": null}').digests == frozenset()

    def test_without_an_engine_the_remedy_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(TroubleError, match="make lock"):
            read_state(checkout(tmp_path), "dev", {"PATH": str(tmp_path)})

    def test_a_backend_that_fails_is_told_in_its_own_words(self, tmp_path: Path) -> None:
        engine = tmp_path / "pulumi"
        engine.write_text("#!/bin/sh\necho 'error: no stack named dev' >&2\nexit 255\n")
        engine.chmod(0o755)
        with pytest.raises(TroubleError, match=r"(?s)no stack named dev.*make adopt"):
            read_state(checkout(tmp_path), "dev", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
