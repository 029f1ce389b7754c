"""The reference page in docs is the one that the schema gives."""

from pathlib import Path

from providers.ociregistry.reference_page import page
from providers.ociregistry.run_settings import SETTINGS

ROOT = Path(__file__).parents[3]


def test_the_page_is_as_the_schema_says() -> None:
    assert (ROOT / "docs" / "provider.md").read_text() == page()


def test_every_setting_of_a_run_is_in_its_table() -> None:
    for name in SETTINGS:
        assert f"| `{name}` | " in page()
