"""Identity: a hash of everything that goes into a build, known without building."""

import hashlib
import json
from typing import Any


def digest_of(value: Any) -> str:
    """Return ``sha256:…`` of ``value``'s canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
