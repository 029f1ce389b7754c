import pytest

from fleet.http.text import one_line


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("disk full", "disk full"),
        (" a\r\nb\tc ", "a b c"),
        ("\x1b[31mred\x07", "[31mred"),
        ("a\u2028b\u202ec\u200bd", "a b c d"),
        ("\ud800x", "x"),
        (b"\xffx\0y", "\ufffdx y"),
        ("", ""),
    ],
)
def test_remote_text_is_one_line_without_controls(remote: str | bytes, shown: str) -> None:
    assert one_line(remote) == shown
    one_line(remote).encode()


def test_remote_text_is_bounded() -> None:
    assert one_line("x" * 300) == "x" * 300
    assert one_line("x" * 10**8) == "x" * 299 + "…"
    assert one_line(" " * 3000 + "x") == "…"
