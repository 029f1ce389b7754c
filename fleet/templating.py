"""Templates of YAML files, in which nothing that is declared can be anything but a value.

``<< value >>`` stands for a value as JSON, which is YAML, whatever characters it has;
``| block(n)`` for a mapping as lines indented by ``n`` spaces. A name that is not given is an
error.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
import yaml


class Verbatim(str):
    """Text that goes into a file as it is: made here, or checked before."""

    __slots__ = ()


def environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """Return what renders ``templates``, a text by its path below ``templates/``."""
    made = strict(
        templates,
        # Of characters beyond ASCII, JSON would write some as pairs that YAML does not know.
        lambda value: json.dumps(value, ensure_ascii=False),
        # Not Jinja's own, which GitHub's expressions and shells have a use for.
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    made.filters["block"] = _block
    return made


def strict(
    templates: Mapping[str, str], quote: Callable[[Any], str], **settings: Any
) -> jinja2.Environment:
    """Return what renders ``templates``; ``quote`` writes each value that is not `Verbatim`."""

    def written(value: Any) -> str:
        # For what is undefined, str raises.
        return str(value) if isinstance(value, Verbatim | jinja2.Undefined) else quote(value)

    return jinja2.Environment(
        loader=jinja2.DictLoader(dict(templates)),
        undefined=jinja2.StrictUndefined,
        finalize=written,
        # The files are not HTML, whose entities mean nothing in YAML and too little in Markdown.
        autoescape=False,  # noqa: S701
        **settings,
    )


def _block(values: Mapping[str, str], indent: int) -> Verbatim:
    lines = yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=True, width=1000)
    return Verbatim(lines.rstrip("\n").replace("\n", "\n" + " " * indent))
