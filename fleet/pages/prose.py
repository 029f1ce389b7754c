"""Templates of Markdown pages, in which declared text is shown and never understood.

``{{ value }}`` stands for a value as text without markup; ``| code`` for it as code; ``| plain``
for a name within a block of code, where nothing can be escaped. A name that is not given is an
error.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import jinja2

from fleet.pages import markdown
from fleet.templating import Verbatim, strict

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
# GitHub makes links of these without any markup: mentions, issues' numbers are `#`'s, addresses.
_ACTIVE: Final = re.compile(r"(@|\bwww(?=\.)|\b[a-z]+(?=://))", re.IGNORECASE)
_APART: Final = "\N{ZERO WIDTH NON-JOINER}"
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")


def environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """Return what renders ``templates``, a text by its path."""
    made = strict(
        templates, lambda value: escaped(str(value)), trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"code": code, "plain": plain, "shell": shell, "listed": listed, "cell": cell}
    return made


def escaped(text: str) -> str:
    """Return ``text`` on one line, with nothing in it that Markdown or HTML would act upon."""
    line = " ".join(markdown.one_line(text).split())
    return _ACTIVE.sub(rf"\1{_APART}", _MARKUP.sub(r"\\\1", line))


def code(text: str) -> Verbatim:
    """Return ``text`` as code within a line."""
    return Verbatim(markdown.code(text))


def plain(text: str) -> Verbatim:
    """Return a name, reference or version as it is.

    :raises ValueError: when it has any other character: in a block of code it would stay active.
    """
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{text!r} is not a plain name")
    return Verbatim(text)


def shell(line: str) -> Verbatim:
    """Return a line of a shell, whose words are quoted, for a block of code.

    :raises ValueError: when it could end the block.
    """
    if not line.isprintable() or "```" in line:
        raise ValueError(f"{line!r} is not a line of a shell")
    return Verbatim(line)


def listed(items: Iterable[str], last: str = "and") -> Verbatim:
    """Return ``items`` as code, as they are listed in a sentence."""
    named = [code(item) for item in items]
    if len(named) < 2:  # noqa: PLR2004 - nothing to join
        return Verbatim("".join(named))
    return Verbatim(f"{', '.join(named[:-1])} {last} {named[-1]}")


def cell(items: Iterable[str]) -> Verbatim:
    """Return ``items`` as code for a table's cell; a dash where there are none."""
    return Verbatim(", ".join(map(code, items)) or "–")  # noqa: RUF001 - an empty cell
