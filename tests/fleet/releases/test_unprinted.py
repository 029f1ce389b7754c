"""What can not be printed was changed all the same, and no error says otherwise."""

import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.fleet.releases.following import held, run


class Full:
    """A stdout on a disk that is full."""

    def write(self, _text: str) -> NoReturn:
        raise OSError(28, "No space left on device")

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        """Do nothing."""


@pytest.mark.usefixtures("world")
def test_a_text_that_can_not_be_printed_leaves_what_was_written(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = held(root)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Full())
        assert run(root) == 1
    assert held(root) != before
    assert capsys.readouterr().err == "error: [Errno 28] No space left on device\n"
