from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.registry.errors import OciError
from fleet.registry.reference import ManifestReference, Repository, TagReference, is_digest

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        "localhost:5443/multi-py/python-gunicorn-uvicorn:py3.11-slim-0.34.0",
        "ghcr.io/a/b__c-d:LATEST",
        "[::1]:5000/name:_1",
    ],
)
def test_a_tag_reads_back_as_it_was_written(text: str) -> None:
    assert str(TagReference.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghcr.io/name",
        "name:tag",
        "localhost:5000/name",
        "ghcr.io/Name:tag",
        "ghcr.io/name:",
        "ghcr.io/name:.tag",
        "ghcr.io/name:a b",
        f"ghcr.io/name:tag@{DIGEST}",
        "ghcr.io/../name:tag",
        "ghcr.io/name:" + "x" * 129,
    ],
)
def test_what_is_no_tag_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(OciError, match=r"write host\[:port\]/name"):
        TagReference.parse(text)


def test_a_manifest_may_lack_its_digest_in_a_preview() -> None:
    parsed = ManifestReference.parse("localhost:5000/team/build@")
    assert parsed == ManifestReference(
        repository=Repository(host="localhost:5000", name="team/build"), digest=""
    )


@pytest.mark.parametrize(
    "text", ["h/n@sha256:12", "h/n@sha512:" + "a" * 128, "h/n", f"h/N@{DIGEST}"]
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(OciError):
        ManifestReference.parse(text)


@given(st.text())
def test_any_text_is_read_back_or_refused_in_the_provider_s_own_words(text: str) -> None:
    with suppress(OciError):
        assert str(TagReference.parse(text)) == text


def test_only_sha256_counts_as_a_digest() -> None:
    assert is_digest(DIGEST)
    assert not is_digest(DIGEST.upper())
    assert not is_digest(DIGEST + "\n")
