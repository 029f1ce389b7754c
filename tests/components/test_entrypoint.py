"""How the program runs: what it leaves out of the state, and what it does not."""

import traceback
from typing import Any

import pulumi
import pytest

from components import entrypoint
from components.entrypoint import untraced
from tests.components import engine as recorded
from tests.components.engine import run
from tests.components.plans import plan


class Tracing(recorded.Monitor):
    """Keeps the frames that come with each resource."""

    frames: list[int]

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        Tracing.frames.append(len(request.stackTrace.frames))
        return super().RegisterResource(request)


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr(recorded, "Monitor", Tracing)
    Tracing.frames = []
    return Tracing.frames


def test_no_resource_is_declared_with_the_paths_of_this_machine(frames: list[int]) -> None:
    with untraced():
        run(plan())
    assert set(frames) == {0}


def test_that_is_for_want_of_a_setting_in_the_sdk(frames: list[int]) -> None:
    run(plan())
    assert max(frames) > 5, "else the program need not care"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the SDK tells an engine that there is."""
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "get_engine", object)
    monkeypatch.setattr(pulumi.log, "_log", lambda _, __, message, *___: found.append(message))
    return found


def test_the_sdk_tells_the_engine_nothing_for_debugging(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi.log, "debug", pulumi.log.debug)
    monkeypatch.setattr(pulumi, "run", lambda _: None)
    entrypoint.run(lambda: None)
    run(plan())
    assert said == []


def test_it_would_in_several_calls_a_resource(said: list[str]) -> None:
    run(plan())
    assert len(said) > 20, "else the program need not care"


def test_an_error_is_told_with_all_its_calls() -> None:
    def fails() -> None:
        raise ValueError("here")

    with pytest.raises(ValueError, match="here") as failure, untraced():
        fails()
    assert len(traceback.format_tb(failure.value.__traceback__)) == 2
