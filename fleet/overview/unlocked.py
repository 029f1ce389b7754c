"""What ``make plan`` prints before anything was locked: the matrix, and what tells the rest."""

from collections.abc import Iterator

from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import Declaration, Image
from fleet.overview.notes import Notes, wrapped
from fleet.overview.report import heading
from fleet.overview.table import Look, left_out, matrix
from fleet.overview.words import counted

_STATE = "declared"


def unlocked(declaration: Declaration, lock: str, command: str, look: Look) -> str:
    """Return the whole text; ``lock`` is the file that lacks, ``command`` what writes it."""
    tags = sum(len(matrix_entries(image)) for image in declaration.images)
    images = counted(len(declaration.images), "image")
    title = f"{declaration.registry}: {images}, {counted(tags, 'tag')}"
    told = (
        f"{lock} was not written yet, so which digests and distributions these are made of, and "
        f"what would be built, is not known: {command} resolves it."
    )
    blocks = ["\n".join([*wrapped(title, look.width), *wrapped(told, look.width)])]
    for image in declaration.images:
        blocks += _image(image, declaration, look)
    return "\n\n".join(blocks)


def _image(image: Image, declaration: Declaration, look: Look) -> Iterator[str]:
    yield heading(image, declaration, look)
    notes, there = Notes(), {entry.tag for entry in matrix_entries(image)}

    def state(entry: MatrixEntry) -> str:
        return _STATE if entry.tag in there else left_out(entry, notes)

    yield from matrix(image, state, look)
    if lines := notes.lines(look.width):
        yield "\n".join(lines)
