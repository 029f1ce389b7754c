"""A tag that is held: it is put on what the repository has, and says why it moves."""

import pytest

from fleet.registry.errors import OciError
from tests.providers.ociregistry.declared import NAME, OWNER, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry

VERSION, LATEST, OLDER = "py3.12-0.34.0", "py3.12-LATEST", "py3.12-0.33.0"


def held(declared: Declared, digest: str, **overrides: object) -> dict[str, object]:
    pinned = {"ref": f"{declared.place}:{VERSION}", "owner": OWNER, "pinned": "its base fails"}
    return {**pinned, "source": f"{declared.place}@{digest}", **overrides}


def test_a_version_tag_goes_back_to_a_digest_and_on_when_the_pin_is_taken_out(
    engine: Engine, declared: Declared
) -> None:
    first = engine.up(TAG, "t", declared.version(VERSION, "one")).outputs["digest"]
    second = engine.up(TAG, "t", declared.version(VERSION, "two")).outputs["digest"]
    back = held(declared, first)
    engine.preview(TAG, "t", back)
    assert (
        engine.messages[-1] == f"to be re-pointed from {second} to {first}: pinned: its base fails"
    )
    assert engine.up(TAG, "t", back).outputs["digest"] == first
    assert declared.tags[VERSION] == first
    assert engine.up(TAG, "t", back).kind == "same"
    engine.preview(TAG, "t", declared.version(VERSION, "two"))
    assert "no longer pinned" in engine.messages[-1]
    assert engine.up(TAG, "t", declared.version(VERSION, "two")).outputs["digest"] == second


def test_what_moves_a_tag_that_is_held_is_mended(
    engine: Engine, declared: Declared, registry: FakeRegistry
) -> None:
    first = engine.up(TAG, "t", declared.version(VERSION, "one")).outputs["digest"]
    engine.up(TAG, "t", held(declared, first))
    registry.push_index(NAME, VERSION)
    engine.up(TAG, "t", held(declared, first))
    assert declared.tags[VERSION] == first


def test_a_digest_that_is_not_there_is_refused_in_the_preview_too(
    engine: Engine, declared: Declared
) -> None:
    first = engine.up(TAG, "t", declared.version(VERSION, "one")).outputs["digest"]
    gone = held(declared, f"sha256:{'9' * 64}")
    for act in (engine.preview, engine.up):
        with pytest.raises(OciError, match=r"is pinned to sha256:9+, which the registry does not"):
            act(TAG, "t", gone)
    assert declared.tags[VERSION] == first


def test_a_pointer_says_that_it_is_pinned_and_that_it_is_no_longer(
    engine: Engine, declared: Declared
) -> None:
    new = engine.up(TAG, "new", declared.version(VERSION)).outputs["digest"]
    old = engine.up(TAG, "old", declared.version(OLDER)).outputs["digest"]
    free = declared.pointer(LATEST, new, identity=VERSION)
    engine.up(TAG, "latest", free)
    pinned = declared.pointer(LATEST, old, identity=OLDER, pinned="uploads fail")
    engine.events.clear()
    engine.up(TAG, "latest", pinned)
    (entry,) = engine.report.entries
    assert (entry.action, entry.reasons) == ("re-point", ("pinned: uploads fail",))
    assert (entry.previous_version, entry.version) == (VERSION, OLDER)
    engine.events.clear()
    engine.up(TAG, "latest", free)
    (entry,) = engine.report.entries
    assert entry.reasons == ("no longer pinned",)
