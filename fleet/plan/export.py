"""What docker-build is told of a build's platforms and of where it goes, as it spells them."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Final

# docker-build's enumeration has no linux/arm/v7 and fails on it after the build; BuildKit
# normalises linux/arm to arm/v7, which is what the pushed image says.
_NAMES: Final = {"linux/arm/v7": "linux/arm"}


def pushed(reference: str, annotations: Mapping[str, str]) -> str:
    """Return the export of an index to ``reference``.

    It is a raw one, for docker-build's own has neither rewrite-timestamp, without which no rebuild
    gives the same bytes, nor annotations of an index. BuildKit reads it as a line of CSV.
    """
    fields = ["type=image", "push=true", "oci-mediatypes=true", "rewrite-timestamp=true"]
    fields += [f"name={reference}"]
    fields += [f"annotation-index.{key}={value}" for key, value in sorted(annotations.items())]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def platforms(names: Iterable[str]) -> tuple[str, ...]:
    """Return platforms as docker-build knows them."""
    return tuple(_NAMES.get(name, name) for name in names)
