"""A synthetic stack has the size that was asked for, and a plan."""

import pytest

from benchmarks import synthetic
from fleet.declaration.parse import parse
from fleet.plan.plan import make_plan
from tests.fleet import examples

REGISTRY = "localhost:5443/team"


class TestConfig:
    @pytest.mark.parametrize(
        ("tags", "per_image", "images"), [(10, 50, [10]), (50, 50, [50]), (120, 50, [50, 50, 20])]
    )
    def test_every_image_but_the_last_has_as_many_tags_as_asked_for(
        self, tags: int, per_image: int, images: list[int]
    ) -> None:
        declared = parse(synthetic.config(tags, per_image, REGISTRY))
        inputs = examples.inputs(declared, lock=synthetic.lock(declared, hashes=3))
        plan = make_plan(declared, inputs, owner="fleet/growth")
        assert [len(image.tags) for image in plan.images] == images
        every = [tag for image in plan.images for tag in image.tags]
        assert {(len(tag.builds), len(tag.platforms)) for tag in every} == {(1, 3)}

    @pytest.mark.parametrize(("tags", "per_image"), [(0, 50), (15, 50), (50, 15), (50, 0)])
    def test_a_size_that_the_matrix_cannot_have_is_refused(self, tags: int, per_image: int) -> None:
        with pytest.raises(ValueError, match="multiples of 10"):
            synthetic.config(tags, per_image, REGISTRY)


def test_each_distribution_has_as_many_hashes_as_asked_for() -> None:
    declared = parse(synthetic.config(10, 50, REGISTRY))
    files = synthetic.lock(declared, hashes=7).files
    assert files
    assert {len(set(found)) for found in files.values()} == {7}


class TestExponent:
    @pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
    def test_it_is_the_power_that_the_cost_grows_by(self, power: float) -> None:
        points = [(size, 3 * size**power) for size in (50, 500, 5000)]
        assert synthetic.exponent(points) == pytest.approx(power)

    def test_one_size_has_none(self) -> None:
        with pytest.raises(ValueError, match="two sizes"):
            synthetic.exponent([(50, 1.0), (50, 2.0)])
