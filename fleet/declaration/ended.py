"""What a declaration holds beyond its day: pins and waivers."""

from collections.abc import Iterator

from fleet.declaration.model import Declaration
from fleet.declaration.pins import expired


def ended(declaration: Declaration, today: str) -> Iterator[str]:
    """Yield each pin and waiver whose end is before ``today`` (YYYY-MM-DD), with what to do."""
    yield from map(str, expired(declaration.images, today))
    if declaration.advisories:
        yield from declaration.advisories.problems(today)
