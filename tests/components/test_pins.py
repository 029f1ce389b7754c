"""Pins as the program declares them: what is held is not built, and pointers follow."""

from dataclasses import replace
from typing import Any

import pytest

from tests.components.engine import IMAGE, STALE, TAG, Engine, digest, run
from tests.components.plans import plan
from tests.fleet.evidence.examples import key

PLACE, OLD, NEW = "localhost:5443/multi-py/web", "py3.11-slim-0.33.0", "py3.11-slim-0.34.0"
LATEST = "py3.11-slim-LATEST"
HELD = digest("held")


def pin(to: str) -> dict[str, str]:
    return {"to": to, "because": "an example", "until": "2026-12-31"}


@pytest.fixture(scope="module")
def ran() -> tuple[Engine, dict[str, Any]]:
    return run(replace(plan(pins={NEW: pin(HELD)}), keys=(key().public.spki,)))


def test_a_version_tag_that_is_held_is_not_built_checked_or_signed(ran: tuple[Engine, Any]) -> None:
    engine, outputs = ran
    assert not [asked.name for asked in engine.of(IMAGE) if NEW in asked.name]
    assert [asked.name for asked in engine.of(IMAGE) if OLD in asked.name]
    tag = engine.named(f"{PLACE}:{NEW}").inputs
    assert tag["source"] == f"{PLACE}@{HELD}"
    assert (tag["pinned"], tag["identity"]) == ("an example", "")
    assert not {"platforms", "evidence"} & tag.keys()
    (row,) = (row for row in outputs["tags"] if row["tag"].endswith(NEW))
    assert row["verified"] == "pinned"


def test_a_pointer_follows_the_version_tag_that_is_held(ran: tuple[Engine, Any]) -> None:
    pointer = ran[0].named(f"{PLACE}:{LATEST}").inputs
    assert pointer["source"] == f"{PLACE}@{digest(f'{PLACE}:{NEW}')}"
    assert "pinned" not in pointer
    (stale,) = ran[0].of(STALE)
    assert set(stale.inputs["digests"]) >= {NEW, LATEST}


def test_a_pointer_that_is_held_copies_that_version() -> None:
    engine, _ = run(plan(pins={LATEST: pin("0.33.0")}))
    pointer = engine.named(f"{PLACE}:{LATEST}").inputs
    assert pointer["source"] == f"{PLACE}@{digest(f'{PLACE}:{OLD}')}"
    assert (pointer["identity"], pointer["pinned"]) == (OLD, "an example")
    assert len(engine.of(TAG)) == 5
