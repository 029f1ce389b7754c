"""The fleet as a graph in Mermaid's text, which GitHub and editors draw within Markdown."""

from fleet.declaration.base_graph import in_order
from fleet.declaration.model import Declaration


def document(declaration: Declaration, stack: str) -> str:
    """Return as Markdown which image is built on which, below the official ones first."""
    arrows = [
        (below, image.name)
        for image in in_order(declaration.images)
        for below in ([image.builds_on] if image.builds_on else map(_official, image.bases))
    ]
    names = dict.fromkeys(name for arrow in arrows for name in arrow)
    # A name may be a word of Mermaid's own, such as `end`, so nodes are numbered.
    ids = {name: f"n{number}" for number, name in enumerate(names)}
    stacks = declaration.share.stacks if declaration.share else {}
    labels = {name: f"{name} of stack {stacks[name]}" if name in stacks else name for name in names}
    drawn = [
        *(f'{ids[name]}["{label}"]' for name, label in labels.items()),
        *(f"{ids[below]} --> {ids[name]}" for below, name in arrows),
    ]
    lines = "".join(f"  {line}\n" for line in drawn)
    return f"# {stack}: {declaration.registry}\n\n```mermaid\nflowchart LR\n{lines}```\n"


def _official(base: str) -> str:
    return "python:X" if base == "full" else f"python:X-{base}"
