"""Texts of errors, as a person reads them."""

from fleet.http.text import one_line
from fleet.registry.errors import OciError
from fleet.registry.interruption import origin


def message_of(error: Exception) -> str:
    """Return the text of an error, without a traceback.

    An error that nobody foresaw names its place in the source, for a report.
    """
    if isinstance(error, OciError):
        return str(error)
    return f"error in the ociregistry provider itself ({origin(error)}): {one_line(str(error))}"
