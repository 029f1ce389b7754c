"""The tables of the reference page `docs/provider.md`, each behind a comment with its name.

`python -m tests.providers.ociregistry.reference_page` writes them, from the table of fields.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from providers.ociregistry.evidence.model import EvidenceState
from providers.ociregistry.fields import Field, fields_of
from providers.ociregistry.run_settings import SETTINGS
from providers.ociregistry.sdk import ARGUMENTS, Evidence, Login, ProviderArgs, outputs_of

PAGE = Path(__file__).parents[3] / "docs" / "provider.md"
_TABLE = re.compile(r"(<!-- ([^>]+) -->\n\n)(?:\|.*\n)*")


def page(text: str) -> str:
    """Return the page `text` with every table as it should be."""
    tables = dict(_tables())
    return _TABLE.sub(lambda match: match[1] + tables[match[2]], text)


def _tables() -> Iterator[tuple[str, str]]:
    for resource, arguments in ARGUMENTS.items():
        inputs = [_input(field) for field in fields_of(arguments)]
        outputs = [(f"`{field.name}`", field.description) for field in outputs_of(resource)]
        yield f"{resource.__name__} inputs", _table(("input", "required", "what it is"), *inputs)
        yield f"{resource.__name__} outputs", _table(("output", "what it is"), *outputs)
    evidence = [_input(field) for field in fields_of(Evidence)]
    yield "evidence", _table(("of `evidence`", "required", "what it is"), *evidence)
    signed = [(f"`{field.name}`", field.description) for field in fields_of(EvidenceState)]
    yield "signed", _table(("of `signed`", "what it is"), *signed)
    settings = [_input(field) for field in fields_of(ProviderArgs)]
    yield "settings of a stack", _table(("setting", "required", "what it is"), *settings)
    login = [(f"`{field.name}`", field.description) for field in fields_of(Login)]
    yield "login", _table(("of a login", "what it is"), *login)
    run = [(f"`{name}`", form, meaning) for name, (form, meaning) in SETTINGS.items()]
    yield "settings of a run", _table(("variable", "form", "what it does"), *run)


def _input(field: Field) -> tuple[str, str, str]:
    return f"`{field.name}`", "yes" if field.required else "", field.description


def _table(head: tuple[str, ...], *rows: tuple[str, ...]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
