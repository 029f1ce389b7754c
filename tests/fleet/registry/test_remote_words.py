"""What a registry says, in a body or an annotation, is one bounded line in a message."""

import pytest

from fleet.registry.errors import ConflictError, RegistryError
from fleet.registry.manifest import OWNER_ANNOTATION
from tests.providers.ociregistry.declared import NAME, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine

HOSTILE = "evil\x1b[2J\r\n\u202e" + "x" * 10_000


def is_clean(message: str) -> bool:
    return all(line.isprintable() for line in message.split("\n")) and len(message) < 1500


def test_an_error_document(engine: Engine, declared: Declared) -> None:
    declared.registry.fault("PUT", status=418, body=HOSTILE.encode(), times=99)
    with pytest.raises(RegistryError, match=r"answered 418: evil \[2J x+…") as caught:
        engine.up(TAG, "v1", declared.version("v1"))
    assert is_clean(str(caught.value))
    assert "\n" not in str(caught.value)


def test_the_owner_of_a_tag(engine: Engine, declared: Declared) -> None:
    declared.registry.push_index(NAME, "v1", {OWNER_ANNOTATION: HOSTILE})
    with pytest.raises(ConflictError, match=r"owned by evil \[2J x+…") as caught:
        engine.up(TAG, "v1", declared.version("v1", onConflict="refuse"))
    assert is_clean(str(caught.value))
