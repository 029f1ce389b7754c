"""The verdict on pointers that went, against a registry in memory."""

import pytest

from tests.faults.model import Fleet
from tests.faults.verdict import judge_gone
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME, TAG = "team/app", "py3.7-LATEST"


@pytest.fixture
def before(registry: FakeRegistry) -> dict[str, str]:
    """Return the tags as they were; the pointer is gone by now, and so is what is none."""
    for tag in (TAG, "py3.7-0.30.0", "edge"):
        registry.push_index(NAME, tag)
    tags = dict(registry.repositories[NAME].tags)
    registry.repositories[NAME].tags = {"py3.7-0.30.0": tags["py3.7-0.30.0"]}
    return tags


def fleet(registry: FakeRegistry) -> Fleet:
    return Fleet(registry=registry, storage=registry, name=NAME)


class TestJudgeGone:
    def test_a_pointer_that_is_on_record_went_as_it_should(
        self, registry: FakeRegistry, before: dict[str, str]
    ) -> None:
        judge_gone(fleet(registry), before, [{"tag": TAG, "digest": before[TAG]}])

    def test_a_pointer_on_no_record_is_a_finding(
        self, registry: FakeRegistry, before: dict[str, str]
    ) -> None:
        other = {"tag": "py3.8-LATEST", "digest": before[TAG]}
        with pytest.raises(AssertionError, match=f"{TAG} went and is on no record"):
            judge_gone(fleet(registry), before, [other])

    def test_so_is_another_digest_on_record_unless_what_it_named_is_gone(
        self, registry: FakeRegistry, before: dict[str, str]
    ) -> None:
        record = [{"tag": TAG, "digest": before["edge"]}]
        with pytest.raises(AssertionError, match=f"{TAG} named {before[TAG]}"):
            judge_gone(fleet(registry), before, record)
        del registry.repositories[NAME].manifests[before[TAG]]
        judge_gone(fleet(registry), before, record)
