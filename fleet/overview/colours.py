"""Colours of a table's cells on a terminal, by the state that stands in the cell."""

_RESET = "\x1b[0m"
# ANSI foregrounds that both light and dark terminals show well, and faint (ECMA-48, SGR).
_BY_STATE = {
    "new": "\x1b[32m",
    "build": "\x1b[33m",
    "re-point": "\x1b[36m",
    "=": "\x1b[2m",
    "-": "\x1b[2m",
}


def paint(cell: str) -> str:
    """Return ``cell`` in the colour of its state; what has no state stays as it is."""
    states = (_BY_STATE[word] for word in cell.split() if word in _BY_STATE)
    colour = next(states, "")
    return f"{colour}{cell}{_RESET}" if colour else cell
