"""Pins put into a stack's file and taken out of it."""

import pytest

from fleet.declaration.model import Pin
from fleet.releases.pin_edit import with_pin, without_pin
from fleet.releases.yaml_edit import EditError

PIN = Pin(to="0.33.0", because="0.34.0: uploads fail", until="2026-12-31")
LINE = '{ to: "0.33.0", because: "0.34.0: uploads fail", until: "2026-12-31" }'
LATEST = "py3.12-LATEST"

HEAD = """\
# The fleet.
config:
  fleet:images:
    web:
      versions: ["0.33.0", "0.34.0"]  # two
"""
TAIL = """\
    # The other one.
    api:
      versions:
        - "1.0"
"""
PINS = f"""\
      pins:
        # Until the fix is out.
        {LATEST}: {LINE}  # see the issue
        py3.11-LATEST: {{ to: "0.33.0", because: it too, until: "2026-12-31" }}
"""


def test_all_around_a_pin_stays_byte_for_byte() -> None:
    first = with_pin(HEAD + TAIL, "web", LATEST, PIN)
    assert first == f"{HEAD}      pins:\n        {LATEST}: {LINE}\n{TAIL}"
    assert without_pin(first, "web", LATEST) == HEAD + TAIL


@pytest.mark.parametrize(
    "text",
    [
        "config:\n  fleet:images:\n    web:\n    api: { pythons: ['3.12'] }\n",
        "config:\n  x: &x\n    web:\n      y: 1\n  fleet:images:\n    <<: *x\n",
    ],
)
def test_an_image_without_keys_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(EditError, match="Write "):
        with_pin(text, "web", LATEST, PIN)


def test_one_that_is_there_gives_its_place_to_the_new_one() -> None:
    other = Pin(to=f"sha256:{'a' * 64}", because="x", until="2027-01-31", needs_evidence=False)
    changed = with_pin(HEAD + PINS + TAIL, "web", LATEST, other)
    assert changed.startswith(f"{HEAD}      pins:\n        # Until the fix is out.\n")
    assert changed.count(LATEST) == 1
    assert f'to: "{other.to}", because: "x", until: "2027-01-31", evidence: ' in changed
    assert changed.endswith(TAIL)


def test_one_of_two_is_taken_out() -> None:
    left = without_pin(HEAD + PINS + TAIL, "web", LATEST)
    assert LINE not in left
    assert "py3.11-LATEST" in left
    assert "# Until the fix is out." in left


@pytest.mark.parametrize("image", ["web", "api"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_and_the_end_of_the_file_stay(image: str, newline: str) -> None:
    text = (HEAD + TAIL).rstrip("\n").replace("\n", newline)
    changed = with_pin(text, image, LATEST, PIN)
    assert without_pin(changed, image, LATEST) == text
    assert newline == "\n" or "\n" not in changed.replace("\r\n", "")


@pytest.mark.parametrize(
    "image",
    [
        '{ versions: ["1"] }',
        '\n      pins: { py3.11-LATEST: { to: "1", because: x, until: "2026-12-31" } }',
    ],
)
def test_what_is_in_braces_is_told(image: str) -> None:
    text = f"config:\n  fleet:images:\n    web: {image}\n"
    with pytest.raises(EditError, match=r"web|pins"):
        with_pin(text, "web", LATEST, PIN)


def test_an_empty_mapping_of_pins_is_replaced() -> None:
    text = f"{HEAD}      pins: {{}}\n{TAIL}"
    assert with_pin(text, "web", LATEST, PIN) == with_pin(HEAD + TAIL, "web", LATEST, PIN)
