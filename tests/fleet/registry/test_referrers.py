"""Lists of referrers, as registries write them."""

import json

import pytest

from fleet.registry.errors import RegistryError
from fleet.registry.manifest import OCI_INDEX, Manifest
from fleet.registry.referrers import entries_in


def index(**fields: object) -> Manifest:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, **fields}
    return Manifest(body=json.dumps(document).encode(), media_type=OCI_INDEX)


@pytest.mark.parametrize("empty", [[], None], ids=["the specification", "olareg"])
def test_a_list_without_referrers_is_empty(empty: object) -> None:
    assert entries_in(index(manifests=empty), "here") == ()


@pytest.mark.parametrize("fields", [{}, {"manifests": {}}, {"manifests": [None]}])
def test_what_is_not_a_list_of_referrers_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(RegistryError):
        entries_in(index(**fields), "here")
