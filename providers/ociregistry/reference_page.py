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

This page is generated from the provider's schema:
`python -m providers.ociregistry.reference_page > docs/provider.md`.

## What each operation does

| operation | what the provider does |
| --- | --- |
| `check` | Validates the inputs. Sends no request. |
| refresh | Records what the registry holds. It never ends a run: if a resource can't be read, its \
state is kept, a warning is printed, and the reason is recorded as `unread`. |
| `diff` | Compares the state with the declaration. Sends no request. |
| create, update | Acts, or fails for this resource alone. A preview fails with the same reason. |

`pulumi preview` and `pulumi up` end at the first resource that fails. `pulumi up
--continue-on-error` goes on with all others.

## What `StalePointers` removes

An update removes what the state lists: after a refresh, that is what the registry holds; with
`--refresh=false`, it is what the last run recorded. Only a create reads the registry itself,
because no state exists yet. A resource that `--target` leaves out neither lists nor removes
anything.

When its image leaves the declaration, and at `pulumi destroy`, the resource removes the pointers
that its state lists or declares, and prints each with its digest first. On Linux, the preview of a
destroy prints them too. In the preview of an image that leaves, the engine does not call the
provider. There the report of the run lists each pointer that may be removed, from the state that
the refresh recorded.

A pointer that another `StalePointers` declares is never removed. Each create and update writes its
declared pointers into the undo log, an artifact in `<repository>/build`, and each removal reads
there what others declare.

## The report of a run

The report is made from the engine's event log. `make preview` ends with the pointers that will be
removed with their image's declaration and one line that counts the tags. If `FLEET_REPORT` names a
file, it gets the report as JSON (version 2): `mode` (`preview`, `update` or `refresh`), `complete`,
`entries` (one per tag), `changes` of other resources, `unverified` and `errors`. [What a run
prints](output.md#the-report-as-json) describes the fields. With plain pulumi, this prints the same
lines and writes the same file:

```
PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json | python -m fleet report -
```

For the report, the outputs of a preview have three values that are never in the state: `lost` (of a
`Tag`: the registry lost its build), `lastTags` (of `StalePointers`: remarks on removed tags) and
`removers` (of `StalePointers`: the removers listed in the undo log).
"""
_STACK = """
## Settings of a stack

The provider's configuration. It holds names of environment variables, never their values, because
it is kept in the state. A refresh uses the configuration of the last run. A changed configuration
updates the provider and no resource; `--expect-no-changes` fails for it.
"""
_RUN = """
## Settings of a run

Environment variables, read and checked when the plugin starts. They are never inputs: they are not
in the state, they change nothing in a preview, and they already apply to the refresh of the same
run.
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
