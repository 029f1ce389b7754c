"""What a first run says of its steps: each with its time, and about how long the rest takes."""

import time

import pytest

from fleet.local.remaining import UNKNOWN, Remaining

STEPS = (
    ("pulumi", 240),
    ("buildkit", 120),
    ("lock", 30),
)


class Clock:
    """A clock that only goes on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def take(steps: Remaining, clock: Clock, name: str, seconds: float) -> None:
    with steps.step(name, f"building {name}"):
        clock.now += seconds


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_each_step_says_its_time_and_what_is_left_at_the_pace_so_far(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Remaining(STEPS)
    steps.announce()
    take(steps, clock, "pulumi", 480)
    take(steps, clock, "buildkit", 60)
    take(steps, clock, "lock", 21)
    steps.conclude()
    assert lines(capsys) == [
        "first run: about 6 min for pulumi, buildkit, lock, on two cores with nothing else running",
        "building pulumi ...",
        "building pulumi: 8 min 00 s; then about 4 min for buildkit, lock",
        "building buildkit ...",
        "building buildkit: 1 min 00 s; then about 41 s for lock",
        "building lock ...",
        "building lock: 21 s",
        "first run: 9 min 21 s in all",
    ]


def test_a_step_that_stood_still_makes_the_rest_no_more_than_five_times_as_long(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    take(Remaining(STEPS[1:]), clock, "buildkit", 36_000)
    assert lines(capsys)[-1].endswith("; then about 2 min for lock")


def test_a_quick_first_step_does_not_make_the_rest_quick(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Remaining((("download", 10), *STEPS[1:]))
    take(steps, clock, "download", 0.2)
    assert lines(capsys)[-1].endswith("; then about 2 min for buildkit, lock")


def test_nothing_is_announced_where_little_is_to_be_done(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Remaining(STEPS[2:])
    steps.announce()
    assert steps.expects("lock")
    take(steps, clock, "lock", 21)
    assert not steps.expects("lock")
    steps.conclude()
    assert lines(capsys) == ["building lock ...", "building lock: 21 s"]


def test_a_step_that_nobody_expected_says_its_time_alone(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    take(UNKNOWN, clock, "syft", 5)
    assert lines(capsys) == ["building syft ...", "building syft: 5.0 s"]


def test_a_step_that_fails_says_no_time_and_stays_expected(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Remaining(STEPS)
    with pytest.raises(OSError, match="full"), steps.step("pulumi", "building pulumi"):
        raise OSError("full")
    assert lines(capsys) == ["building pulumi ..."]
    assert steps.expects("pulumi")
