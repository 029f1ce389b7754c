"""The tables of the reference page are those that the table of fields gives."""

from providers.ociregistry.run_settings import SETTINGS
from tests.providers.ociregistry.reference_page import PAGE, page


def test_the_page_is_as_the_fields_say() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page(text)
    assert text.count("<!-- ") == 11


def test_every_setting_of_a_run_is_in_its_table() -> None:
    for name in SETTINGS:
        assert f"| `{name}` | " in PAGE.read_text("utf-8")
