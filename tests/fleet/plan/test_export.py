import csv

import pytest

from fleet.plan import export


@pytest.mark.parametrize(
    "text", ["Größe, so & so", 'says "so"', "a=b", "a,annotation-index.owner=other", ""]
)
def test_no_text_of_an_annotation_adds_or_loses_a_field(text: str) -> None:
    written = export.pushed("localhost/x:y", {"owner": "fleet/dev", "title": text})
    (fields,) = csv.reader([written])
    assert fields[4:] == [
        "name=localhost/x:y", "annotation-index.owner=fleet/dev", f"annotation-index.title={text}",
    ]  # fmt: skip


def test_a_platform_is_spelt_as_docker_build_knows_it() -> None:
    assert export.platforms(["linux/arm64", "linux/arm/v7"]) == ("linux/arm64", "linux/arm")
