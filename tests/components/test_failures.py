"""What depends on a build or a verification that failed gets no digest, so that it can't go on."""

from typing import Any

import pytest

from tests.components.engine import Engine, digest, run
from tests.components.plans import compiling, on_two_builders, plan, stacked

PUBLIC = "localhost:5443/multi-py/web"
BUILDS = f"{PUBLIC}/build"
FAILING, SOUND = "py3.11-slim-0.34.0", "py3.11-slim-0.33.0"
TAG = f"{PUBLIC}:{FAILING}"


def failing(name: str) -> tuple[Engine, dict[str, Any]]:
    """The program with one resource that fails while the rest goes on."""
    return run(plan(), fails={name})


@pytest.mark.parametrize("kind", ["build", "verify"])
def test_a_tag_gets_the_digest_of_no_build_that_failed(kind: str) -> None:
    engine, _ = failing(f"web/{kind}:{FAILING}")
    assert engine.named(TAG).inputs["source"] == f"{BUILDS}@"
    sound = engine.named(f"{PUBLIC}:{SOUND}").inputs["source"]
    assert sound == f"{BUILDS}@{digest(f'web/build:{SOUND}')}"


@pytest.mark.parametrize("kind", ["build", "verify"])
def test_a_tag_of_two_builders_gets_no_digest_of_the_one_that_failed(kind: str) -> None:
    engine, outputs = run(on_two_builders(), fails={f"web/{kind}:{FAILING}-two"})
    built = digest(f"web/build:{FAILING}-one")
    assert engine.named(TAG).inputs["sources"] == [f"{BUILDS}@{built}", f"{BUILDS}@"]
    assert [row["verified"] for row in outputs["tags"]] == ["2/2: amd64 whole", "failed, of 2"]


def test_the_verification_of_a_build_that_failed_starts_from_a_name_that_says_so() -> None:
    engine, _ = failing(f"web/build:{FAILING}")
    asked = engine.named(f"web/verify:{FAILING}").inputs["buildArgs"]["IMAGE"]
    assert asked == f"{BUILDS}:see-the-error-of-its-build"


def test_what_was_not_compiled_is_not_tried_again_by_every_build() -> None:
    (wheels,) = compiling().images[0].compiling
    engine, _ = run(compiling(), fails={wheels.name})
    for tag in (FAILING, SOUND):
        asked = engine.named(f"web/build:{tag}").inputs["buildArgs"]["WHEELS"]
        assert asked == f"{BUILDS}:see-the-error-of-its-wheels"


def test_an_image_on_one_that_failed_its_verification_gets_no_digest() -> None:
    engine, _ = run(stacked(), fails={"base/verify:py3.11-slim-23.0.0"})
    below = engine.named(f"child/build:{FAILING}").inputs["buildArgs"]
    assert below["BASE_DIGEST"] == ""
    assert below["BASE"].endswith("/base/build:see-the-error-of-its-build")


def test_a_pointer_to_a_tag_that_failed_gets_no_digest() -> None:
    engine, _ = failing(TAG)
    assert engine.named(f"{PUBLIC}:py3.11-slim-LATEST").inputs["source"] == f"{PUBLIC}@"
    sound = engine.named(f"{PUBLIC}:py3.11-slim-0.33").inputs["source"]
    assert sound == f"{PUBLIC}@{digest(f'{PUBLIC}:{SOUND}')}"


def test_the_outputs_say_which_tag_failed() -> None:
    _, outputs = failing(f"web/verify:{FAILING}")
    assert [(row["tag"], row["verified"]) for row in outputs["tags"]] == [
        (f"{PUBLIC}:{SOUND}", "2/2: amd64 whole"),
        (TAG, "failed, of 2"),
    ]
