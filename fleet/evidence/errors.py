"""The error of evidence that can't be made or taken."""

from fleet.http.errors import ReadableError


class EvidenceError(ReadableError):
    """A key can't be used, or a bundle is not what it should be."""
