"""The plan: what is built where, from what, and when its identity moves."""

import pytest

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.plan.identity import digest_of
from fleet.plan.plan import make_plan
from tests.fleet.examples import (
    OTHER_DIGEST,
    assets,
    base,
    config,
    declaration,
    image,
    inputs,
    lock,
)

OWNER = "fleet/test"


def test_the_matrix_is_planned_whole() -> None:
    declared = declaration(pythons=["3.11", "3.13"], bases=["full", "slim"])
    plan = make_plan(declared, inputs(declared), OWNER)
    tags = plan.images[0].tags
    assert len(tags) == 8
    assert {t.platforms for t in tags} == {("linux/amd64", "linux/arm/v7")}
    assert [len(t.builds) for t in tags] == [1] * 8
    assert [t.tag for t in tags[:4]] == [
        "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-slim-0.33.0", "py3.11-slim-0.34.0",
    ]  # fmt: skip


def test_every_build_has_places_of_its_own() -> None:
    declared = declaration(pythons=["3.11", "3.13"], bases=["full", "slim"])
    builds = [
        b for t in make_plan(declared, inputs(declared), OWNER).images[0].tags for b in t.builds
    ]
    for places in ([b.name for b in builds], [b.reference for b in builds]):
        assert len(set(places)) == 8
    assert builds[1].reference == "localhost:5443/multi-py/web/build:py3.11-0.34.0"


def identities(declared_inputs: object = None, **overrides: object) -> dict[str, str]:
    declared = declaration()
    given = declared_inputs or inputs(declared, **overrides)
    plan = make_plan(declared, given, OWNER)  # type: ignore[arg-type]
    return {t.version: t.identity for t in plan.images[0].tags}


def test_pointers_of_a_kind_that_is_declared_no_more_are_still_known() -> None:
    declared = declaration(pointers={"X.Y": "remove"})
    policy = make_plan(declared, inputs(declared), OWNER).images[0].policy
    assert policy == {"LATEST": "remove", "X.Y": "remove", "X": "keep"}


def test_equal_inputs_have_equal_identities() -> None:
    assert identities() == identities()


def test_a_base_that_moved_moves_every_identity() -> None:
    declared = declaration()
    moved = {"3.11-slim": base(index=OTHER_DIGEST)}
    before, after = identities(), identities(inputs(declared, lock=lock(declared, bases=moved)))
    assert all(before[version] != after[version] for version in before)


def test_a_changed_distribution_moves_only_what_it_goes_into() -> None:
    declared = declaration()
    pins = {
        **lock(declared).pins,
        ("web", "3.11", "0.34.0"): ("gunicorn==24.0.0", "uvicorn==0.34.0"),
    }
    before, after = identities(), identities(inputs(declared, lock=lock(declared, pins=pins)))
    assert {version for version in before if before[version] != after[version]} == {"0.34.0"}


def test_a_changed_asset_moves_every_identity() -> None:
    before, after = identities(), identities(assets={"web": assets(context_hash=OTHER_DIGEST)})
    assert all(before[key] != after[key] for key in before)


def test_a_changed_verification_moves_no_identity() -> None:
    assert identities() == identities(assets={"web": assets(verification_hash=OTHER_DIGEST)})


@pytest.mark.parametrize("where", [{"native": "linux/arm/v7"}, {"stack": "other"}])
def test_where_a_plan_is_made_moves_no_identity(where: dict[str, str]) -> None:
    assert identities() == identities(**where)


def test_where_all_is_checked_moves_no_identity() -> None:
    def planned(**said: str) -> list[str]:
        declared = parse(config(**said))
        plan = make_plan(declared, inputs(declared), OWNER)
        return [tag.identity for tag in plan.images[0].tags]

    assert planned() == planned(**{"whole-check": "everywhere"})


def test_the_description_is_what_the_contract_says_but_for_the_platform() -> None:
    declared = declaration(bases=["full", "slim"])
    tags = make_plan(declared, inputs(declared), OWNER).images[0].tags
    told = [tag.builds[0].arguments["DESCRIPTION"] for tag in tags]
    assert told[0] == "python:3.11 uvicorn:0.33.0"
    assert told[2] == "python:3.11-slim uvicorn:0.33.0"


def test_an_index_says_what_tells_it_from_others_and_no_more() -> None:
    build = make_plan(declaration(), inputs(declaration()), OWNER).images[0].tags[0].builds[0]
    assert build.annotations == {
        "io.github.multi-py.fleet.owner": OWNER,
        "org.opencontainers.image.base.name": "docker.io/library/python:3.11-slim",
        "org.opencontainers.image.revision": "0" * 40,
        "org.opencontainers.image.source": "https://github.com/multi-py/web",
        "org.opencontainers.image.version": "0.33.0",
    }


def test_what_the_lock_and_the_assets_lack_is_named_all_at_once() -> None:
    declared = parse(config(images={"web": image(), "api": image()}))
    lacking = inputs(declaration())
    with pytest.raises(DeclarationError) as failure:
        make_plan(declared, lacking, OWNER)
    said = [str(problem) for problem in failure.value.problems]
    assert len(said) == 2
    assert "assets/api" in said[0]
    assert "the lock has no uvicorn, gunicorn for 0.33.0, 0.34.0 on Python 3.11" in said[1]


def test_the_remedy_of_a_lock_that_lacks_something_names_its_stack() -> None:
    declared = declaration(requires=["gunicorn", "uvicorn-worker"])
    with pytest.raises(DeclarationError) as failure:
        make_plan(declared, inputs(declared, lock=lock(declaration()), stack="prod"), OWNER)
    assert {p.remedy for p in failure.value.problems} == {"Run `make lock STACK=prod`"}


def test_a_lock_made_for_other_distributions_does_not_serve() -> None:
    declared = declaration(requires=["gunicorn", "uvicorn-worker"])
    with pytest.raises(DeclarationError, match=r"has no uvicorn, gunicorn, uvicorn-worker for"):
        make_plan(declared, inputs(declared, lock=lock(declaration())), OWNER)


def test_versions_share_all_arguments_that_their_dependencies_are_made_from() -> None:
    tags = make_plan(declaration(), inputs(declaration()), OWNER).images[0].tags
    shared = ("BUILDER", "DEPENDENCIES")
    first, second = ([t.builds[0].arguments[name] for name in shared] for t in tags)
    assert first == second


def test_an_identity_is_the_hash_of_canonical_json() -> None:
    # printf '{"a":null,"b":[1,"ü"]}' | sha256sum
    expected = "sha256:6bafd57c7869b3aca54e576a5157b40cc195c8486124cab93d52f1b59556838e"
    assert digest_of({"b": [1, "ü"], "a": None}) == expected
