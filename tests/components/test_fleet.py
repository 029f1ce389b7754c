"""The program under a recording engine: what it asks for, of whom, and in which order."""

from dataclasses import replace
from typing import Any, get_args

import pulumi
import pytest

from fleet.declaration import model
from fleet.declaration.parse import parse
from fleet.declaration.stack_share import ShareConfig, narrowed
from fleet.plan.plan import Plan, make_plan
from providers.ociregistry.tag.model import OnConflict
from tests.components.engine import COMMIT, IMAGE, STACK, STALE, TAG, Engine, digest, run
from tests.components.plans import compiling, on_two_builders, plan, stacked
from tests.fleet.evidence.examples import key
from tests.fleet.examples import DIGEST, INDEX_DIGEST, assets, config, image, inputs, lock


def test_the_declaration_and_the_provider_have_the_same_answers_to_a_conflict() -> None:
    assert get_args(model.OnConflict) == get_args(OnConflict)


@pytest.fixture(scope="module")
def ran() -> tuple[Engine, dict[str, Any]]:
    return run(plan())


def test_a_tag_is_one_build_and_one_verification(ran: tuple[Engine, Any]) -> None:
    names = [image.name for image in ran[0].of(IMAGE)]
    assert sorted(names) == sorted(
        f"web/{kind}:py3.11-slim-{version}"
        for kind in ("build", "verify")
        for version in ("0.33.0", "0.34.0")
    )


def test_platforms_of_two_builders_are_built_apart_and_joined() -> None:
    engine, outputs = run(on_two_builders())
    tag = engine.named("localhost:5443/multi-py/web:py3.11-slim-0.34.0").inputs
    names = [f"web/build:py3.11-slim-0.34.0-{builder}" for builder in ("one", "two")]
    for name, builder, platform in zip(
        names, ("one", "two"), ("linux/amd64", "linux/arm"), strict=True
    ):
        for asked in (name, name.replace("/build:", "/verify:")):
            found = engine.named(asked).inputs
            assert (found["builder"]["name"], found["platforms"]) == (builder, [platform])
    repository = "localhost:5443/multi-py/web/build"
    assert tag["sources"] == [f"{repository}@{digest(name)}" for name in names]
    assert "source" not in tag
    assert tag["annotations"]["org.opencontainers.image.version"] == "0.34.0"
    assert [row["verified"] for row in outputs["tags"]] == ["2/2: amd64 whole"] * 2


def test_logical_names_stay_as_they_are_for_a_changed_one_is_another_resource(
    ran: tuple[Engine, Any],
) -> None:
    assert {asked.name for asked in ran[0].asked if asked.token in (TAG, STALE)} == {
        "localhost:5443/multi-py/web:py3.11-slim-0.33.0",
        "localhost:5443/multi-py/web:py3.11-slim-0.34.0",
        "localhost:5443/multi-py/web:py3.11-slim-0.33",
        "localhost:5443/multi-py/web:py3.11-slim-0.34",
        "localhost:5443/multi-py/web:py3.11-slim-LATEST",
        "localhost:5443/multi-py/web",
    }
    assert {asked.name for asked in ran[0].of("fleet:index:ImageTag")} == {
        "web:py3.11-slim-0.33.0",
        "web:py3.11-slim-0.34.0",
    }


def test_one_provider_with_the_names_of_the_logins_has_all_of_the_registrys_resources() -> None:
    declared = parse(config(registry="ghcr.io/multi-py"))
    engine, _ = run(make_plan(declared, inputs(declared), owner="fleet/prod"))
    (provider,) = engine.of("pulumi:providers:ociregistry")
    assert provider.name == "fleet/prod:registries"
    names = {"username": "FLEET_REGISTRY_USERNAME", "password": "FLEET_REGISTRY_PASSWORD"}
    assert provider.inputs == {"logins": {"ghcr.io": names}}
    ours = [asked.name for asked in engine.asked if asked.token.startswith("ociregistry:")]
    assert len(ours) == 6
    for name in ours:
        assert engine.options[name].provider.endswith(
            "::fleet/prod:registries::fleet/prod:registries-id"
        )


def test_a_build_is_pushed_as_an_index_and_has_no_cache(ran: tuple[Engine, Any]) -> None:
    build = ran[0].named("web/build:py3.11-slim-0.34.0").inputs
    assert build["platforms"] == ["linux/amd64", "linux/arm"], "docker-build's name for arm/v7"
    assert build["buildOnPreview"] is False
    assert build["builder"] == {"name": "fleet"}
    (export,) = build["exports"]
    assert "rewrite-timestamp=true" in export["raw"]
    assert "annotation-index.org.opencontainers.image.version=0.34.0" in export["raw"]
    assert build["tags"] == ["localhost:5443/multi-py/web/build:py3.11-slim-0.34.0"]
    assert not {"cacheTo", "cacheFrom"} & set(build)
    assert build["buildArgs"]["BASE"] == f"docker.io/library/python@{INDEX_DIGEST}"
    assert build["buildArgs"]["BUILDKIT_MULTI_PLATFORM"] == "1"
    assert "WHEELS" not in build["buildArgs"]


def test_what_is_compiled_is_pushed_once_and_taken_by_its_digest() -> None:
    engine, _ = run(compiling())
    (wheels,) = (asked for asked in engine.of(IMAGE) if "/wheels:" in asked.name)
    assert wheels.name.startswith("web/wheels:py3.11-")
    assert wheels.inputs["platforms"] == ["linux/amd64", "linux/arm"]
    assert wheels.inputs["context"]["location"] == "assets/shared/image"
    assert wheels.inputs["dockerfile"]["location"] == "assets/shared/wheels/Dockerfile"
    place = "localhost:5443/multi-py/web/build"
    assert wheels.inputs["tags"] == [f"{place}:wheels-{wheels.name.rpartition(':')[2]}"]
    for version in ("0.33.0", "0.34.0"):
        build = engine.named(f"web/build:py3.11-slim-{version}").inputs
        assert build["buildArgs"]["WHEELS"] == f"{place}@{digest(wheels.name)}"
        assert "PACKAGE_WHEELS" not in build["buildArgs"]


def test_a_verification_runs_the_very_digest_that_was_pushed(ran: tuple[Engine, Any]) -> None:
    verify = ran[0].named("web/verify:py3.11-slim-0.34.0").inputs
    pushed = digest("web/build:py3.11-slim-0.34.0")
    assert verify["buildArgs"]["IMAGE"] == f"localhost:5443/multi-py/web/build@{pushed}"
    assert verify["platforms"] == ["linux/amd64", "linux/arm"]
    assert verify["exports"] == [{"raw": "type=cacheonly"}]


def test_a_tag_copies_the_index_that_was_verified(ran: tuple[Engine, Any]) -> None:
    tag = ran[0].named("localhost:5443/multi-py/web:py3.11-slim-0.34.0").inputs
    built = digest("web/build:py3.11-slim-0.34.0")
    assert tag["source"] == f"localhost:5443/multi-py/web/build@{built}"
    assert "sources" not in tag
    assert tag["platforms"] == ["linux/amd64", "linux/arm/v7"]


def test_a_pointer_copies_the_digest_of_its_version(ran: tuple[Engine, Any]) -> None:
    pointer = ran[0].named("localhost:5443/multi-py/web:py3.11-slim-LATEST").inputs
    target = digest("localhost:5443/multi-py/web:py3.11-slim-0.34.0")
    assert pointer["source"] == f"localhost:5443/multi-py/web@{target}"
    assert pointer["onConflict"] == "take-over"
    assert ran[0].named("localhost:5443/multi-py/web:py3.11-slim-0.34.0").inputs["onConflict"] == (
        "refuse"
    )


def test_the_remover_waits_for_every_tag_and_knows_what_is_declared(
    ran: tuple[Engine, Any],
) -> None:
    (stale,) = ran[0].of(STALE)
    place = "localhost:5443/multi-py/web"
    tags = {f"py3.11-slim-{end}" for end in ("0.33", "0.33.0", "0.34", "0.34.0", "LATEST")}
    assert stale.inputs["digests"] == {tag: digest(f"{place}:{tag}") for tag in tags}
    assert stale.inputs["commit"] == COMMIT
    assert stale.inputs["pointers"] == [
        "py3.11-slim-0.33",
        "py3.11-slim-0.34",
        "py3.11-slim-LATEST",
    ]
    assert stale.inputs["policy"] == {"LATEST": "remove", "X.Y": "keep", "X": "keep"}
    assert ran[0].asked[-1] is stale or ran[0].asked.index(stale) > max(
        ran[0].asked.index(tag) for tag in ran[0].of(TAG)
    )


def test_the_remover_is_told_the_declared_policies_in_their_words() -> None:
    words = {"LATEST": "remove", "X.Y": "remove after 90 days"}
    (stale,) = run(plan(pointers=words))[0].of(STALE)
    assert stale.inputs["policy"] == {**words, "X": "keep"}
    assert [entry["kind"] for entry in stale.inputs["grammar"]] == ["LATEST", "X.Y", "X"]


@pytest.mark.parametrize("stay", [False, True])
def test_the_remover_is_told_whether_pointers_stay_when_it_goes(stay: bool) -> None:
    made = plan()
    declared = replace(made.declaration, pointers_stay=stay)
    (stale,) = run(replace(made, declaration=declared))[0].of(STALE)
    assert stale.inputs["keepOnDestroy"] is stay


def test_the_outputs_say_what_was_verified(ran: tuple[Engine, dict[str, Any]]) -> None:
    tags = ran[1]["tags"]
    assert [row["verified"] for row in tags] == ["2/2: amd64 whole"] * 2
    assert tags[0]["platforms"] == ["linux/amd64", "linux/arm/v7"]
    assert {row["target"] for row in ran[1]["pointers"]} == {
        "py3.11-slim-0.33.0",
        "py3.11-slim-0.34.0",
    }


def test_in_a_preview_the_digests_of_builds_to_come_are_empty() -> None:
    engine, _ = run(plan(), preview=True)
    tag = engine.named("localhost:5443/multi-py/web:py3.11-slim-0.34.0").inputs
    assert tag["source"] == "localhost:5443/multi-py/web/build@"


def test_children_inherit_nothing_but_their_parent() -> None:
    engine, _ = run(plan(pythons=["3.11"], versions=["0.34.0"]))
    assert len(engine.of(IMAGE)) == 2
    assert len(engine.of(TAG)) == 3


def test_an_image_starts_from_the_digest_of_the_one_below() -> None:
    engine, _ = run(stacked())
    arguments = engine.named("child/build:py3.11-slim-0.34.0").inputs["buildArgs"]
    below = digest("base/build:py3.11-slim-23.0.0")
    assert arguments["BASE"] == f"localhost:5443/multi-py/base/build@{below}"
    assert arguments["BASE_DIGEST"] == below


def test_common_files_are_a_context_of_their_own(ran: tuple[Engine, Any]) -> None:
    for kind in ("build", "verify"):
        context = ran[0].named(f"web/{kind}:py3.11-slim-0.34.0").inputs["context"]
        folder = {"build": "image", "verify": "verify"}[kind]
        assert context["named"] == {"shared": {"location": f"assets/shared/{folder}"}}


WHOLE = parse(
    config(
        images={
            "child": image(**{"builds-on": "base", "requires": []}),
            "base": image(requires=[], package="gunicorn", versions=["23.0.0"]),
        }
    )
)
PINS = {
    ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0",),
    ("child", "3.11", "0.33.0"): ("uvicorn==0.33.0",),
    ("child", "3.11", "0.34.0"): ("uvicorn==0.34.0",),
}
BASE_BUILD = "base/build:py3.11-slim-23.0.0"
ARGUMENTS = "child/build:py3.11-slim-0.34.0"


def part(only: str, *, revision: str = "0" * 40, **below: str) -> Plan:
    """The plan of one image in a stack of its own; the files of ``base`` are of ``revision``."""
    share = ShareConfig(whole="prod", only=(only,), below=below, github=False)
    given = inputs(
        WHOLE,
        lock=lock(WHOLE, pins=PINS),
        assets={"child": assets(), "base": assets(revision=revision)},
    )
    return make_plan(narrowed(WHOLE, share, "P"), given, "fleet/prod")


def run_child(exported: dict[str, Any], *, preview: bool = False, **base: str) -> Engine:
    """Run the stack of ``child`` where that of ``base`` exports ``exported``."""
    plan = part("child", base="prod-base", **base)
    return run(plan, preview=preview, stacks={"organization/fleet/prod-base": exported})[0]


def base_of(engine: Engine) -> str:
    return str(engine.named(ARGUMENTS).inputs["buildArgs"]["BASE"])


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    """The outputs of the stack of ``base``."""
    return run(part("base"))[1]


def test_a_part_exports_what_others_build_on_with_what_it_was_made_from(
    exported: dict[str, Any],
) -> None:
    builds = {b.name: b for i in part("base").images for tag in i.tags for b in tag.builds}
    assert exported["builds"] == {
        BASE_BUILD: {"digest": digest(BASE_BUILD), "identity": builds[BASE_BUILD].identity}
    }
    assert "builds" not in run(plan())[1], "nobody builds on it"


def test_a_part_starts_from_what_the_other_stack_exports(exported: dict[str, Any]) -> None:
    child = run_child(exported)
    assert {asked.name for asked in child.of(IMAGE)} == {
        f"child/{kind}:py3.11-slim-{version}"
        for kind in ("build", "verify")
        for version in ("0.33.0", "0.34.0")
    }
    assert base_of(child) == f"localhost:5443/multi-py/base/build@{digest(BASE_BUILD)}"
    assert [asked.name for asked in child.of(STACK)] == ["organization/fleet/prod-base"]


def test_a_part_builds_on_nothing_that_the_other_stack_made_from_older_files(
    exported: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    child = run_child(exported, revision="1" * 40)
    assert base_of(child).endswith(":see-the-error-of-its-build")
    ((severity, text),) = told
    assert severity == "error"
    assert f"prod-base has no verified {BASE_BUILD} as declared" in text
    assert "make up STACK=prod-base" in text


@pytest.mark.parametrize("lacking", [{}, {"builds": None}, {"builds": {BASE_BUILD: DIGEST}}])
def test_a_part_builds_on_nothing_where_the_other_stack_has_nothing(
    lacking: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    assert base_of(run_child(lacking)).endswith(":see-the-error-of-its-build")
    assert [severity for severity, _ in told] == ["error"]


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.usefixtures("told")
def test_of_what_is_built_on_nothing_known_nothing_is_claimed_or_named(
    exported: dict[str, Any], *, preview: bool
) -> None:
    signed = replace(part("child", base="prod-base"), keys=(key().public.spki,))
    for outputs, named in (({}, ""), (exported, digest("child/build:py3.11-slim-0.34.0"))):
        stacks = {"organization/fleet/prod-base": outputs}
        tags = run(signed, preview=preview, stacks=stacks)[0].of(TAG)
        (source,) = [
            a.inputs["source"] for a in tags if a.name.endswith("child:py3.11-slim-0.34.0")
        ]
        # A preview knows no digest of a build.
        assert source == f"localhost:5443/multi-py/child/build@{'' if preview else named}"


@pytest.mark.parametrize(
    ("exported", "says"),
    [
        ({"builds": {}}, f"stack prod-base goes first: it is to build {BASE_BUILD}"),
        ({}, "stack prod-base has not been up as a stack of its own: what is built on its images"),
    ],
)
def test_in_a_preview_it_is_no_error_that_the_other_stack_is_to_build_first(
    told: list[tuple[str, str]], exported: dict[str, Any], says: str
) -> None:
    assert base_of(run_child(exported, preview=True)).endswith(":see-the-error-of-its-build")
    ((severity, text),) = told
    assert severity == "info"
    assert says in text


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return the messages of the program, with their severity."""
    said: list[tuple[str, str]] = []
    for severity in ("info", "error"):
        monkeypatch.setattr(
            pulumi.log, severity, lambda text, severity=severity: said.append((severity, text))
        )
    return said
