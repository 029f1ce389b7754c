"""Pins put into a stack's file and taken out of it."""

import textwrap
from dataclasses import replace

import pytest
import yaml

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


@pytest.mark.parametrize("rest", ["", PINS.partition("issue\n")[2]])
def test_what_is_said_of_a_pin_stays_with_it(rest: str) -> None:
    pins = f"{PINS.partition('issue')[0]}issue\n{rest}"
    changed = with_pin(HEAD + pins + TAIL, "web", LATEST, replace(PIN, to="0.34.0"))
    assert changed == HEAD + pins.replace(LINE, LINE.replace('to: "0.33.0"', 'to: "0.34.0"')) + TAIL


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


OTHER = '{ to: "1", because: x, until: "2026-12-31" }'
SHARED = f"""\
shared: &shared
  bases: [slim]
pin: &pin {OTHER}
"""


def fleet(entry: str) -> str:
    """A stack's file with the lines of an image, beside another one."""
    lines = textwrap.indent(entry, "    ")
    return f"{SHARED}config:\n  fleet:images:\n    web:{lines}    api:\n      versions: ['1']\n"


KEPT = {
    "a literal text at the end": "\n  because: |\n    two\n    # lines\n",
    "one with its empty lines": "\n  because: |+\n    two\n\n\n",
    "a folded one": "\n  because: >-\n    two\n    lines\n",
    "one of a list": "\n  exclude:\n    - python: '3'\n      because: |2-\n          two\n",
    "one of another pin": "\n  pins:\n    x:\n      to: '1'\n      because: |\n        two\n",
    "a quoted text of two lines": '\n  because: "two\n    lines"\n',
    "quoted keys": f"\n  'versions': ['1']\n  \"pins\": # both\n    'x': {OTHER} # it\n",
    "an alias at the end": "\n  versions: ['1']\n  pythons: *shared\n",
    "a merge at the end": "\n  versions: ['1']\n  <<: *shared\n",
    "an alias of a pin": "\n  pins:\n    x: *pin\n",
    "a tag of YAML": " !!map\n  versions: !!seq ['1']\n",
}


@pytest.mark.parametrize("entry", KEPT.values(), ids=KEPT)
def test_a_pin_comes_and_goes_in_any_form_of_its_image(entry: str) -> None:
    text = fleet(entry)
    pinned = with_pin(text, "web", LATEST, PIN)
    held = yaml.safe_load(pinned)["config"]["fleet:images"]["web"]["pins"]
    assert (held[LATEST]["to"], len(held)) == ("0.33.0", 1 + entry.count("pins"))
    assert without_pin(pinned, "web", LATEST) == text


PINNED = pytest.mark.parametrize(
    "pin",
    [
        " *pin",
        " # why\n      to: '1'\n      because: |\n        x\n        y",
        "\n      because: >-\n        x\n\n      to: '1'",
        " {\n      to: '1', because: x }",
    ],
)


@PINNED
def test_a_pin_goes_in_any_form_of_its_own(pin: str) -> None:
    text = "\n  pins:\n{}    x: *pin # it\n  versions: ['1']\n"
    entry = text.format(f"    {LATEST}:{pin}\n")
    assert without_pin(fleet(entry), "web", LATEST) == fleet(text.format(""))


@PINNED
def test_a_pin_gives_its_place_in_any_form_of_its_own(pin: str) -> None:
    text = "\n  pins:\n    # of it\n    {}    x: *pin # it\n  versions: ['1']\n"
    changed = with_pin(fleet(text.format(f"{LATEST}:{pin}\n")), "web", LATEST, PIN)
    assert changed == fleet(text.format(f"{LATEST}: {LINE}\n"))


REFUSED = {
    "an image in braces": f" {{ versions: ['1'], pins: {{ {LATEST}: {OTHER} }} }}\n",
    "one on several lines": f" {{\n  versions: ['1'],\n  pins: {{ {LATEST}: {OTHER} }} }}\n",
    "pins in braces": f"\n  pins: {{ {LATEST}: {OTHER}, x: {OTHER} }}\n",
    "pins of a merge": f"\n  <<: {{ pins: {{ {LATEST}: {OTHER}, x: {OTHER} }} }}\n",
    "pins that others have": f"\n  pins: &p\n    {LATEST}: {OTHER}\n  also: *p\n",
    "a pin that others have": f"\n  pins:\n    {LATEST}: &p {OTHER}\n    x: *p\n",
    "an image that others are": f" &web\n  pins:\n    {LATEST}: {OTHER}\nlater: *web\n",
}


@pytest.mark.parametrize("entry", REFUSED.values(), ids=REFUSED)
def test_what_can_t_be_changed_alone_is_told(entry: str) -> None:
    text = fleet(entry)
    assert LATEST in yaml.safe_load(text)["config"]["fleet:images"]["web"]["pins"]
    refusal = r"fleet:images\.web.*\nWrite "
    with pytest.raises(EditError, match=refusal):
        with_pin(text, "web", LATEST, PIN)
    with pytest.raises(EditError, match=refusal):
        without_pin(text, "web", LATEST)
    assert without_pin(text, "web", "py3.12-1.0") == text, "it has no such pin"


def test_a_fleet_in_json_is_told() -> None:
    text = '{"config": {"fleet:images": {"web": {"versions": ["1"]}}}}'
    with pytest.raises(EditError, match=r"fleet:images\.web is empty or in braces"):
        with_pin(text, "web", LATEST, PIN)


def test_an_empty_mapping_of_pins_is_replaced() -> None:
    text = f"{HEAD}      pins: {{}}\n{TAIL}"
    assert with_pin(text, "web", LATEST, PIN) == with_pin(HEAD + TAIL, "web", LATEST, PIN)
