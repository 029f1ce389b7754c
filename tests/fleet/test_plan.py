"""The plan: what is built where, from what, and when its identity moves."""

from dataclasses import replace

import pytest

from fleet.identity import digest_of
from fleet.parse import parse
from fleet.plan import make_plan
from fleet.problems import DeclarationError
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
    assert {b.platform for t in tags for b in t.builds} == {"linux/amd64", "linux/arm/v7"}
    assert [t.tag for t in tags[:4]] == [
        "py3.11-0.33.0", "py3.11-0.34.0", "py3.11-slim-0.33.0", "py3.11-slim-0.34.0",
    ]  # fmt: skip


def test_every_build_has_places_of_its_own() -> None:
    declared = declaration(pythons=["3.11", "3.13"], bases=["full", "slim"])
    builds = [
        b for t in make_plan(declared, inputs(declared), OWNER).images[0].tags for b in t.builds
    ]
    for places in ([b.name for b in builds], [b.reference for b in builds]):
        assert len(set(places)) == 16
    assert builds[1].reference == "localhost:5443/multi-py/web/build:py3.11-0.33.0-arm-v7"


def identities(declared_inputs: object = None, **overrides: object) -> dict[tuple[str, str], str]:
    declared = declaration()
    given = declared_inputs or inputs(declared, **overrides)
    plan = make_plan(declared, given, OWNER)  # type: ignore[arg-type]
    return {(t.version, b.platform): b.identity for t in plan.images[0].tags for b in t.builds}


def test_pointers_of_a_kind_that_is_declared_no_more_are_still_known() -> None:
    declared = declaration(pointers={"X.Y": "remove"})
    policy = make_plan(declared, inputs(declared), OWNER).images[0].policy
    assert policy == {"LATEST": "remove", "X.Y": "remove", "X": "keep"}


def test_equal_inputs_have_equal_identities() -> None:
    assert identities() == identities()


def test_a_base_that_moved_for_one_platform_moves_that_platform_alone() -> None:
    declared = declaration()
    moved = replace(base(), platforms={**base().platforms, "linux/arm/v7": OTHER_DIGEST})
    after = identities(inputs(declared, lock=lock(declared, bases={"3.11-slim": moved})))
    before = identities()
    assert {key for key in before if before[key] != after[key]} == {
        ("0.33.0", "linux/arm/v7"),
        ("0.34.0", "linux/arm/v7"),
    }


def test_a_changed_distribution_moves_only_what_it_goes_into() -> None:
    declared = declaration()
    locked = lock(declared)
    pins = {**locked.pins, ("web", "3.11", "0.34.0"): ("gunicorn==24.0.0", "uvicorn==0.34.0")}
    hashes = {**locked.hashes, "gunicorn==24.0.0": (OTHER_DIGEST,)}
    after = identities(inputs(declared, lock=lock(declared, pins=pins, hashes=hashes)))
    before = identities()
    assert {version for version, _ in before if before[version, _] != after[version, _]} == {
        "0.34.0"
    }


def test_a_changed_asset_moves_every_identity() -> None:
    before, after = identities(), identities(assets={"web": assets(context_hash=OTHER_DIGEST)})
    assert all(before[key] != after[key] for key in before)


def test_a_changed_verification_moves_no_identity() -> None:
    assert identities() == identities(assets={"web": assets(verification_hash=OTHER_DIGEST)})


def arguments(**overrides: object) -> dict[str, dict[str, str]]:
    declared = declaration(**overrides)
    tag = make_plan(declared, inputs(declared), OWNER).images[0].tags[0]
    return {b.platform: dict(b.arguments) for b in tag.builds}


def test_what_compiles_compiles_on_its_own_platform() -> None:
    assert all("BUILDER_PLATFORM" not in given for given in arguments().values())


def test_pure_distributions_are_installed_once_on_the_builders_first_platform() -> None:
    given = arguments(pure=True)
    assert {values["BUILDER_PLATFORM"] for values in given.values()} == {"linux/amd64"}


def test_a_builder_of_its_own_installs_on_its_own_platform() -> None:
    declared = parse(
        config(
            builders={"linux/amd64": "one", "linux/arm/v7": "two"}, images={"web": image(pure=True)}
        )
    )
    tag = make_plan(declared, inputs(declared), OWNER).images[0].tags[0]
    assert [b.arguments["BUILDER_PLATFORM"] for b in tag.builds] == ["linux/amd64", "linux/arm/v7"]


def test_requirements_are_pip_files_in_hash_checking_mode() -> None:
    declared = declaration()
    build = make_plan(declared, inputs(declared), OWNER).images[0].tags[0].builds[0]
    assert build.arguments["DEPENDENCIES"].splitlines() == [
        "gunicorn==23.0.0 \\",
        "    --hash=sha256:" + "a" * 64,
    ]
    assert build.arguments["REQUIREMENT"].startswith("uvicorn==0.33.0 \\\n")
    assert '"uvicorn": "0.33.0"' in build.expectation


def test_the_description_is_what_the_contract_says() -> None:
    declared = declaration(bases=["full", "slim"])
    tags = make_plan(declared, inputs(declared), OWNER).images[0].tags
    assert tags[0].builds[1].arguments["DESCRIPTION"] == "python:3.11 uvicorn:0.33.0 linux/arm/v7"
    assert tags[2].annotations["org.opencontainers.image.description"] == (
        "python:3.11-slim uvicorn:0.33.0"
    )


def test_what_the_lock_and_the_assets_lack_is_named_all_at_once() -> None:
    declared = parse(config(images={"web": image(), "api": image()}))
    lacking = inputs(declaration())
    with pytest.raises(DeclarationError) as failure:
        make_plan(declared, lacking, OWNER)
    said = [str(problem) for problem in failure.value.problems]
    assert len(said) == 2
    assert "assets/api" in said[0]
    assert "the lock has no uvicorn, gunicorn for any version" in said[1]


def test_the_remedy_of_a_lock_that_lacks_something_names_its_stack() -> None:
    declared = declaration(requires=["gunicorn", "uvicorn-worker"])
    with pytest.raises(DeclarationError) as failure:
        make_plan(declared, inputs(declared, lock=lock(declaration()), stack="prod"), OWNER)
    assert {p.remedy for p in failure.value.problems} == {"Run `make lock STACK=prod`"}


def test_a_lock_made_for_other_distributions_does_not_serve() -> None:
    declared = declaration(requires=["gunicorn", "uvicorn-worker"])
    with pytest.raises(DeclarationError, match=r"was made for uvicorn, gunicorn, and"):
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
