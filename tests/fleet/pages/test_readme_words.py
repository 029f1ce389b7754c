import pytest

from fleet.pages.markdown import contents
from fleet.pages.prose import cell, code, environment, escaped, listed, plain
from fleet.units import in_units


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("multi-py", "multi-py"),
        ("a *b* _c_ ~d~", r"a \*b\* \_c\_ \~d\~"),
        ("[x](y) ![z](w)", r"\[x\](y) \!\[z\](w)"),
        ("<script>&amp;", r"\<script\>\&amp;"),
        ("# x\n\n- y", r"\# x - y"),
        ("a|b`c`\\", r"a\|b\`c\`\\"),
        ("a\u202eb", "a\ufffdb"),
        ("@octocat", "@\u200coctocat"),
        ("www.evil.com, https://evil.com", "www\u200c.evil.com, https\u200c://evil.com"),
    ],
)
def test_declared_text_is_shown_and_not_understood(text: str, shown: str) -> None:
    assert escaped(text) == shown
    assert environment({"x": "{{ value }}"}).get_template("x").render(value=text) == shown


@pytest.mark.parametrize("text", ["", "a b", "a\n```", "$(x)", "-x", "a`", "a;b", "<a>"])
def test_in_a_block_of_code_only_names_are_let_through(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain name"):
        plain(text)


def test_names_are_listed_as_code() -> None:
    assert plain("ghcr.io/x/y:py3.13-LATEST") == "ghcr.io/x/y:py3.13-LATEST"
    assert code("a|b") == r"`a\|b`"
    assert listed(["a"]) == "`a`"
    assert listed(["a", "b", "c"]) == "`a`, `b` and `c`"
    assert cell([]) == "–"  # noqa: RUF001


def test_contents_are_headings_outside_of_code_by_the_anchors_that_github_gives() -> None:
    body = (
        "## A b\n```sh\n## no\n```\n### What's `this`?\n#### deep\n## A b\n~~~\n```\n## no\n~~~\n"
    )
    assert contents(body) == ("- [A b](#a-b)\n  - [What's `this`?](#whats-this)\n- [A b](#a-b-1)\n")


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123_456_789, "123.5 MB"),
        (5_000_000_000_000, "5000.0 GB"),
    ],
)
def test_sizes_are_in_the_units_of_registries(size: int, shown: str) -> None:
    assert in_units(size) == shown
