"""A LATEST that is the only tag of its image goes, and a preview says so."""

import pytest

from fleet.registry.manifest import VERSION_ANNOTATION
from providers.ociregistry.stale_pointers.last_tag import _ASKED
from providers.ociregistry.stale_pointers.model import beside
from tests.providers.ociregistry.engine_fake import STALE, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.providers.ociregistry.stale_fleet import NAME, OURS, Fleet

TAG = "py3.8-slim-LATEST"
LAST = "no other tag of its Python and base names its image"


@pytest.fixture
def fleet(registry: FakeRegistry) -> Fleet:
    """Return a repository with one stale LATEST; tests put others beside it."""
    made = Fleet(registry)
    del made.storage.tags["py3.8-LATEST"]
    registry.push_index(NAME, TAG)
    return made


@pytest.fixture
def lines(engine: Engine, fleet: Fleet) -> "Lines":
    return Lines(engine, fleet)


class Lines:
    def __init__(self, engine: Engine, fleet: Fleet) -> None:
        self.engine, self.fleet = engine, fleet

    def of_preview(self) -> list[str]:
        """Return the lines of the removal in a preview, which writes nothing."""
        self.fleet.registry.log.clear()
        self.engine.messages.clear()
        self.engine.preview(STALE, "s", self.fleet.inputs())
        assert self.fleet.registry.writes == []
        return [text for text in self.engine.messages if text.startswith("stale, to be removed")]

    @property
    def asked(self) -> list[str]:
        """Return the tags that were asked for a digest, in order."""
        heads = [line for line in self.fleet.registry.log if line.startswith("HEAD")]
        return [line.rpartition("/")[2] for line in heads]


class TestPreview:
    def test_the_line_of_the_removal_says_that_the_image_loses_its_last_name(
        self, lines: Lines, fleet: Fleet
    ) -> None:
        digest = fleet.storage.tags[TAG]
        said = f"stale, to be removed: {TAG} ({digest}; {LAST})"
        assert lines.of_preview()[-1] == said

    def test_the_tags_of_the_same_python_and_base_are_asked_until_one_shares(
        self, lines: Lines, fleet: Fleet
    ) -> None:
        old = fleet.storage.tags[TAG]
        other = fleet.registry.push_index(NAME, "another")
        for tag in ("py3.8-0.40.0", "py3.8-alpine-0.40.0", "py3.9-slim-0.40.0"):
            fleet.storage.tags[tag] = old
        versions = {"0.9.0": other, "0.10.0": old, "0.11.0": other, "0.11": other}
        fleet.storage.tags |= {f"py3.8-slim-{version}": d for version, d in versions.items()}
        assert len(lines.of_preview()) == 1
        asked = [tag for tag in lines.asked if tag.startswith("py3.8-slim-")]
        # The remover's own look at 0.11, which is a live pointer, comes first.
        assert asked == [f"py3.8-slim-{v}" for v in ("0.11", "0.11.0", "0.11", "0.10.0")]

    def test_a_tag_that_goes_as_well_is_no_name_that_stays(
        self, lines: Lines, fleet: Fleet, engine: Engine
    ) -> None:
        # It goes too, for we assembled its image for a version that it does not end in.
        annotations = {**OURS, VERSION_ANNOTATION: "0.30.4"}
        line = "py3.8-slim-0.30"
        fleet.storage.tags[TAG] = fleet.registry.push_index(NAME, line, annotations)
        assert len(lines.of_preview()) == 1
        policy = {"LATEST": "remove", "X.Y": "remove"}
        step = engine.preview(STALE, "s", fleet.inputs(policy=policy))
        assert step.outputs["stale"].keys() >= {line, TAG}
        assert f"{LAST}" in engine.messages[-1]

    def test_no_more_than_fifty_are_asked_and_that_is_said(
        self, lines: Lines, fleet: Fleet
    ) -> None:
        other = fleet.registry.push_index(NAME, "another")
        tags = [f"py3.8-slim-0.{minor}.0" for minor in range(_ASKED + 1)]
        fleet.storage.tags |= dict.fromkeys(tags, other)
        assert "none of the 50 highest tags of its Python and base" in lines.of_preview()[-1]
        assert [tag for tag in lines.asked if tag in tags] == tags[:0:-1]

    def test_a_registry_that_fails_then_stops_no_preview(self, lines: Lines, fleet: Fleet) -> None:
        fleet.storage.tags["py3.8-slim-0.30.0"] = fleet.storage.tags[TAG]
        fleet.registry.fault("HEAD .*/py3.8-slim-0.30.0", status=503, times=99)
        assert "whether another tag names its image could not be asked" in lines.of_preview()[-1]

    def test_the_report_has_it_at_the_removal(self, lines: Lines, engine: Engine) -> None:
        lines.of_preview()
        (going,) = engine.report.of("remove")
        assert going.reasons == ("nothing declares it", f"{LAST}")


class TestUpdate:
    def test_it_goes_all_the_same_and_is_on_record(self, engine: Engine, fleet: Fleet) -> None:
        digest = fleet.storage.tags[TAG]
        outputs = engine.up(STALE, "s", fleet.inputs()).outputs
        assert [(r["tag"], r["digest"]) for r in outputs["removed"]] == [(TAG, digest)]
        assert TAG not in fleet.tags
        assert fleet.registry.pullable(NAME, digest)
        assert not [text for text in engine.messages if LAST in text]


def test_beside_a_latest_are_the_versions_of_its_python_and_base() -> None:
    tags = ["py3.8-LATEST", "py3.8-9", "py3.8-10.0", "py3.8-slim-11", "py3.80-12", "3.8-13"]
    assert beside("py3.8-LATEST", tags) == ("py3.8-10.0", "py3.8-9")
