"""What depends on a build or a verification that failed gets no digest, so that it can't go on."""

from typing import Any

import pytest

from tests.components.engine import Engine, digest, run
from tests.components.plans import compiling, plan, stacked

PUBLIC = "localhost:5443/multi-py/web"
BUILDS = f"{PUBLIC}/build"
TAG = f"{PUBLIC}:py3.11-slim-0.34.0"
AMD64, ARM_V7 = (f"py3.11-slim-0.34.0-{suffix}" for suffix in ("amd64", "arm-v7"))


def failing(name: str) -> tuple[Engine, dict[str, Any]]:
    """The program with one resource that fails while the rest goes on."""
    return run(plan(), fails={name})


def sources(engine: Engine, tag: str) -> list[str]:
    return [source["image"] for source in engine.named(tag).inputs["sources"]]


@pytest.mark.parametrize("kind", ["build", "verify"])
def test_a_tag_gets_the_digest_of_no_platform_that_failed(kind: str) -> None:
    engine, _ = failing(f"web/{kind}:{ARM_V7}")
    assert sources(engine, TAG) == [f"{BUILDS}@{digest(f'web/build:{AMD64}')}", f"{BUILDS}@"]
    other = TAG.replace("0.34.0", "0.33.0")
    assert [image for image in sources(engine, other) if image.endswith("@")] == []


def test_the_verification_of_a_build_that_failed_starts_from_a_name_that_says_so() -> None:
    engine, _ = failing(f"web/build:{ARM_V7}")
    asked = engine.named(f"web/verify:{ARM_V7}").inputs["buildArgs"]["IMAGE"]
    assert asked == f"{BUILDS}:see-the-error-of-its-build"


def test_what_was_not_compiled_is_not_tried_again_by_every_build() -> None:
    ((wheels, _),) = compiling().images[0].compiling
    engine, _ = run(compiling(), fails={wheels.name})
    asked = {
        name: engine.named(f"web/build:{name}").inputs["buildArgs"]["BUILDER"]
        for name in (AMD64, ARM_V7)
    }
    assert asked[ARM_V7] == f"{BUILDS}:see-the-error-of-its-wheels"
    assert asked[AMD64].startswith("docker.io/library/python@sha256:")


def test_an_image_on_one_that_failed_its_verification_gets_no_digest() -> None:
    engine, _ = run(stacked(), fails={"base/verify:py3.11-slim-23.0.0-arm-v7"})
    below = {
        suffix: engine.named(f"child/build:py3.11-slim-0.34.0-{suffix}").inputs["buildArgs"]
        for suffix in ("amd64", "arm-v7")
    }
    assert below["arm-v7"]["BASE_DIGEST"] == ""
    assert below["arm-v7"]["BASE"].endswith("/base/build:see-the-error-of-its-build")
    sound = digest("base/build:py3.11-slim-23.0.0-amd64")
    assert below["amd64"]["BASE_DIGEST"] == sound


def test_a_pointer_to_a_tag_that_failed_gets_no_digest() -> None:
    engine, _ = failing(TAG)
    assert engine.named(f"{PUBLIC}:py3.11-slim-LATEST").inputs["source"] == f"{PUBLIC}@"
    sound = engine.named(f"{PUBLIC}:py3.11-slim-0.33").inputs["source"]
    assert sound == f"{PUBLIC}@{digest(f'{PUBLIC}:py3.11-slim-0.33.0')}"


def test_the_outputs_say_which_tag_failed() -> None:
    _, outputs = failing(f"web/verify:{ARM_V7}")
    assert [(row["tag"], row["verified"]) for row in outputs["tags"]] == [
        (TAG.replace("0.34.0", "0.33.0"), "2/2"),
        (TAG, "failed, of 2"),
    ]
