"""What an update built is read from the engine's events."""

from typing import Any

from benchmarks.ours import summed


def event(kind: str, name: str, op: str, at: int, token: str = "") -> dict[str, Any]:
    urn = f"urn:pulumi:dev::fleet::docker-build:index:Image::{name}"
    step = {"urn": urn, "op": op, "type": token or "docker-build:index:Image"}
    return {"timestamp": at, kind: {"metadata": step}}


def both(name: str, op: str, begin: int, end: int) -> list[dict[str, Any]]:
    return [event("resourcePreEvent", name, op, begin), event("resOutputsEvent", name, op, end)]


def test_builds_and_verifications_are_counted_with_their_seconds() -> None:
    events = [
        *both("web/build:a", "create", 10, 15),
        *both("web/build:b", "update", 10, 17),
        *both("web/verify:a", "create", 15, 18),
        *both("web/wheels:py3.11-1", "create", 10, 14),
        {"timestamp": 18, "summaryEvent": {}},
    ]
    found = summed(events, seconds=9.0, locking=1.0)
    assert (found.builds, found.building) == (2, 12)
    assert (found.verifications, found.verifying) == (1, 3)
    assert (found.compiled, found.compiling) == (1, 4)
    assert str(found) == (
        "2 builds (12 s in all), 1 verifications (3 s in all), 1 sets of wheels (4 s in all), "
        "lock 1.0 s"
    )


def test_what_stayed_as_it_was_or_is_no_build_is_not_counted() -> None:
    events = [
        *both("web/build:a", "same", 10, 15),
        *both("web/build:b", "refresh", 10, 15),
        event("resourcePreEvent", "web:a", "create", 10, "ociregistry:index:Tag"),
        event("resOutputsEvent", "web:a", "create", 12, "ociregistry:index:Tag"),
    ]
    assert summed(events, seconds=9.0, locking=1.0).builds == 0
