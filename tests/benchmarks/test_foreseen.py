"""What is pushed in a build's place is what the build itself would have said of its index."""

import pytest

from benchmarks.foreseen import annotations_of, platform_of
from fleet.plan.export import pushed


@pytest.mark.parametrize("text", ["plain", 'a "b", c=d', "äöü, x"])
def test_annotations_are_read_out_of_the_export(text: str) -> None:
    annotations = {"org.example.title": text, "b": "2"}
    assert annotations_of(pushed("localhost:5000/team/web/build:a", annotations)) == annotations


def test_platforms_are_named_as_buildkit_normalises_them() -> None:
    assert platform_of("linux/arm") == {"os": "linux", "architecture": "arm", "variant": "v7"}
    assert platform_of("linux/amd64") == {"os": "linux", "architecture": "amd64"}
