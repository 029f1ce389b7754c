"""The authorities whose certificates count, from a trusted root of Sigstore in JSON.

Its form is that of `trustroot` in https://github.com/sigstore/protobuf-specs. `sigstore_root.json`
has the authorities of Sigstore's public instance, as its TUF repository gave them in November 2026.
Those of GitHub's own instance change each year, so that whoever needs them names a file.
"""

import base64
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from fleet.evidence.errors import EvidenceError
from fleet.http.document import MalformedError, parse_json

SETTING: Final = "FLEET_TRUSTED_ROOT"
"""The variable that names a file with more roots, as `gh attestation trusted-root` prints them."""

_PUBLIC = Path(__file__).with_name("sigstore_root.json")


def read_authorities(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the certificates of the authorities that are trusted, as DER.

    :raises EvidenceError: if the file that is named can't be read, or is not one of roots.
    """
    named = environment.get(SETTING, "")
    return (*_read(_PUBLIC), *(_read(Path(named)) if named else ()))


@cache
def _read(path: Path) -> tuple[bytes, ...]:
    try:
        return tuple(authorities_in(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{SETTING}: {path} could not be read: {error}") from error


def authorities_in(text: str) -> Iterator[bytes]:
    """Yield the certificate of each authority that issues to signers; a line holds a root.

    :raises EvidenceError: if the text is not one of trusted roots.
    """
    try:
        for line in filter(str.strip, text.splitlines()):
            for authority in parse_json(line.encode(), "a trusted root")["certificateAuthorities"]:
                # The one that issues is the first; those above it vouch for it.
                issuing = authority["certChain"]["certificates"][0]["rawBytes"]
                yield base64.b64decode(issuing, validate=True)
    except (MalformedError, KeyError, IndexError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"{SETTING}: expected what `gh attestation trusted-root` prints, one root per line"
        ) from error
