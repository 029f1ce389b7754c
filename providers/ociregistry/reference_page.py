"""The reference page of the provider, made from its schema: `docs/provider.md`.

`python -m providers.ociregistry.reference_page > docs/provider.md` writes it.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from providers.ociregistry.run_settings import SETTINGS
from providers.ociregistry.schema import SCHEMA

_TOP = """# The provider `ociregistry`

Made from the provider's schema:
`python -m providers.ociregistry.reference_page > docs/provider.md`.

`check` validates inputs and asks nobody. A refresh records what the registry holds and never ends a
run: what can't be read keeps its state, is warned of and is recorded as `unread`. `diff` compares
the state with the declaration and asks nobody. A create or update acts, or fails alone; a preview
fails with the same reason. `pulumi preview` and `pulumi up` end at the first resource that fails;
`pulumi up --continue-on-error` goes on with all others.

`StalePointers` removes what its state lists: with a refresh that is what the registry holds then,
with `--refresh=false` what the last run recorded. Only its create looks for itself, because there
is no state yet. What is not targeted (`--target`) is neither listed nor removed. Where its image
left, and at `pulumi destroy`, it removes what the state lists or declares, and names each pointer
with its digest before it goes. The preview of a destroy names them on Linux. About those of an
image that left, the engine asks no provider in a preview: the run's report lists each that may go,
by the state that the refresh recorded.

No pointer goes that another `StalePointers` declares. A create or update writes the declared
pointers into the undo record, an artifact in `<repository>/build`, and a removal reads there what
others declare.

A run is summed up from the engine's event log: `make` prints one line, and writes the report where
`FLEET_REPORT` says. With plain pulumi this does both:

```
PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json | python -m fleet report -
```

For it, a preview's outputs have three values that no state keeps: `lost` of a `Tag` whose build
the registry lost, `lastTags` of `StalePointers`, remarks on what is removed, and `removers`, those
that the undo record has.
"""
_STACK = """
## Settings of a stack

The configuration of the provider: names of environment variables, never their values, since it is
in the state. A refresh works with that of the last run. A change is an update of the provider, and
of no resource; `--expect-no-changes` fails for it.
"""
_RUN = """
## Settings of a run

Environment variables, read and checked when the plugin starts. They are never inputs, so they are
in no state, change no row of a preview, and hold in the same run's refresh.
"""


def page() -> str:
    """Return the page as Markdown."""
    schema = json.loads(SCHEMA)
    parts = [_TOP]
    for token, resource in schema["resources"].items():
        required, inputs = resource["requiredInputs"], resource["inputProperties"]
        parts.append(f"\n## `{token}`\n\n{resource['description']}\n")
        parts.append(_table(("input", "required", "what it is"), _inputs(inputs, required)))
        rest = {n: p for n, p in resource["properties"].items() if p != inputs.get(n)}
        rows = ((f"`{name}`", found["description"]) for name, found in rest.items())
        parts.append(_table(("output", "what it is"), rows))
    parts.append(_STACK)
    parts.append(_table(("setting", "required", "what it is"), _inputs(_config(schema), ())))
    login = schema["types"]["ociregistry:index:Login"]["properties"]
    rows = ((f"`{name}`", found["description"]) for name, found in login.items())
    parts.append(_table(("of a login", "what it is"), rows))
    parts.append(_RUN)
    settings = ((f"`{name}`", form, meaning) for name, (form, meaning) in SETTINGS.items())
    parts.append(_table(("variable", "form", "what it does"), settings))
    return "".join(parts)


def _config(schema: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = schema["provider"]["inputProperties"]
    return found


def _inputs(
    inputs: Mapping[str, Mapping[str, Any]], required: Iterable[str]
) -> Iterable[tuple[str, ...]]:
    for name, found in inputs.items():
        yield f"`{name}`", "yes" if name in required else "", str(found["description"])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
