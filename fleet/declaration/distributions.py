"""Names of distributions."""

from packaging.utils import NormalizedName, canonicalize_name


def normalised(distribution: str) -> NormalizedName:
    """Return a distribution's name as PEP 503 normalises it, without extras."""
    return canonicalize_name(distribution.partition("[")[0])
