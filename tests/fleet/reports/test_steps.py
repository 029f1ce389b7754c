import pytest

from fleet.reports.steps import parts_of

TAG = "ociregistry:index:Tag"


@pytest.mark.parametrize(
    ("urn", "parts"),
    [
        (f"urn:pulumi:prod::fleet::{TAG}::ghcr.io/a/b:v1", (TAG, "ghcr.io/a/b:v1")),
        (f"urn:pulumi:prod::fleet::fleet:index:ImageTag${TAG}::[::1]:5000/b:v1",
         (TAG, "[::1]:5000/b:v1")),
        ("", ("", "")),
    ],
    ids=["a resource", "a child on a registry by its IPv6 address", "none"],
)  # fmt: skip
def test_a_urn_has_a_type_and_a_name(urn: str, parts: tuple[str, str]) -> None:
    assert parts_of(urn) == parts
