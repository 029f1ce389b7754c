"""Lists changed where they stand: nothing else moves by a byte."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleet.releases.yaml_edit import EditError, Edits, Entry, edited

ROOT = Path(__file__).parents[3]
IMAGES = ("config", "fleet:images")
OLD = {"python": "3.9", "version": "2.0", "because": "needs Python 3.10"}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_shipped_declarations_come_back_byte_for_byte(stack: str) -> None:
    text = (ROOT / f"Pulumi.{stack}.yaml").read_bytes().decode()
    images = yaml.safe_load(text)["config"]["fleet:images"]
    there: Edits = {(*IMAGES, name, "versions"): images[name]["versions"] for name in images}
    assert edited(text, there) == text
    changed = edited(text, {path: ["9.8.7", *entries[1:]] for path, entries in there.items()})
    before, after = text.splitlines(), changed.splitlines()
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert len(moved) == len(there)
    assert all('["9.8.7", "' in line for line in moved)
    assert edited(changed, there) == text


def test_shipped_exclusions_come_and_go_with_all_around_them() -> None:
    text = (ROOT / "Pulumi.prod.yaml").read_text()
    path = (*IMAGES, "python-gunicorn", "exclude")
    there = yaml.safe_load(text)["config"]["fleet:images"]["python-gunicorn"]["exclude"]
    less = edited(text, {path: there[1:]})
    assert [line for line in text.splitlines() if line not in less.splitlines()] == [
        '        - { python: "3.9", version: "25.3.0", because: needs Python 3.10 }'
    ]
    assert edited(less, {path: there}) == text
    assert "      exclude: []\n" in edited(text, {path: []})


def change(text: str, *entries: Entry) -> str:
    """The document with another list ``a.b``."""
    return edited(text, {("a", "b"): entries})


@pytest.mark.parametrize(
    ("before", "entries", "after"),
    [
        ('a:\n  b: ["1", "2"] # why\n', ["2", "3"], 'a:\n  b: ["2", "3"] # why\n'),
        ("a:\n  b: ['1', two]\n", ["0", "two", "1"], "a:\n  b: [\"0\", two, '1']\n"),
        ('a:\n  b: &x ["1"]\n', ["2"], 'a:\n  b: &x ["2"]\n'),
        ('a:\n  b: ["1"]', ["2"], 'a:\n  b: ["2"]'),
        ('{"a": {"b": ["1"]}}', ["1", "2"], '{"a": {"b": ["1", "2"]}}'),
        (
            'a:\n  b:\n    # of one\n    - "1" # one\n    # of two\n    - "2" # two\n  c: d\n',
            ["0", "2", "3"],
            'a:\n  b:\n    # of one\n    - "0"\n    # of two\n    - "2" # two\n    - "3"\n  c: d\n',
        ),
        ('a:\n  b:\n  - "1"\n  c: d\n', ["1", "2"], 'a:\n  b:\n  - "1"\n  - "2"\n  c: d\n'),
        ('a:\n  b:\n    - "1"', ["1", "2", "3"], 'a:\n  b:\n    - "1"\n    - "2"\n    - "3"'),
        ('a:\r\n  b:\r\n    - "1"\r\n', ["1", "2"], 'a:\r\n  b:\r\n    - "1"\r\n    - "2"\r\n'),
        ('a:\n  "b": # all\n    - "1"\n  c: d\n', [], 'a:\n  "b": [] # all\n  c: d\n'),
        ("a:\n  b: [] # none\nc: d\n", ["1", "2"], 'a:\n  b: # none\n    - "1"\n    - "2"\nc: d\n'),
        ("a:\n  c: d # d\n# e\ne: f\n", ["1"], 'a:\n  c: d # d\n  b:\n    - "1"\n# e\ne: f\n'),
        ("a:\n  c: d", ["1", "2"], 'a:\n  c: d\n  b:\n    - "1"\n    - "2"'),
        ("a:\n  c:\n    - d\n\ne: f\n", ["1"], 'a:\n  c:\n    - d\n  b:\n    - "1"\n\ne: f\n'),
        ("a:\n  c: |\n    d\ne: f\n", ["1"], 'a:\n  c: |\n    d\n  b:\n    - "1"\ne: f\n'),
        ("a:\n  b:\n    - >-\n      1\n    - '2'\n", ["2"], "a:\n  b:\n    - '2'\n"),
        (
            "x: &x {}\na:\n  c: d\n  <<: *x\ne: f\n",
            ["1"],
            'x: &x {}\na:\n  c: d\n  <<: *x\n  b:\n    - "1"\ne: f\n',
        ),
    ],
)  # fmt: skip
def test_an_entry_comes_or_goes_alone(before: str, entries: list[Entry], after: str) -> None:
    assert change(before, *entries) == after


def test_mappings_are_entries_too() -> None:
    block = (
        "a:\n  b:\n    - python: '3.8'\n      because: old # very\n    # loud\n"
        '    - { because: loud, version: "1.0" }\n  c: d\n'
    )
    loud = {"version": "1.0", "because": "loud"}
    assert change(block, loud, OLD) == (
        'a:\n  b:\n    # loud\n    - { because: loud, version: "1.0" }\n'
        '    - { python: "3.9", version: "2.0", because: needs Python 3.10 }\n  c: d\n'
    )
    assert change(block, {"python": "3.8", "because": "old"}) == (
        "a:\n  b:\n    - python: '3.8'\n      because: old # very\n    # loud\n  c: d\n"
    )


def test_a_reason_that_yaml_could_take_for_something_else_is_quoted() -> None:
    text = change("a:\n  b: []\n", {"because": "no"}, {"because": "3.10: never"})
    assert yaml.safe_load(text) == {"a": {"b": [{"because": "no"}, {"because": "3.10: never"}]}}
    assert '"no"' in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('a:\n  b: [\n    "1", # one\n  ]\n', "a.b has brackets over several lines"),
        ("a:\n  b: c\n", "a.b is not a list"),
        ("a: {c: d}\n", "a.b can't be added"),
        ('a:\n  b:\n    -\n      "1"\n', "not every entry begins after its dash"),
        ('x: &x ["1"]\na:\n  b: *x\n', "can't be changed in place"),
        ('a:\n  b: &x ["1"]\nx: *x\n', "can't be changed in place"),
        ('a: &x\n  b: ["1"]\nx: *x\n', "can't be changed in place"),
        ('a:\n  b:\n    - &x "1"\nx: *x\n', "can't be changed in place"),
        ('x: &x "1"\na:\n  c:\n    - "2"\n    - *x\n', "can't be changed in place"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(text: str, words: str) -> None:
    with pytest.raises(EditError, match=words):
        change(text, "2")


def test_lists_that_are_one_change_as_one() -> None:
    text = 'a:\n  b: &b ["1"]\n  c: *b\n'
    paths = [("a", "b"), ("a", "c")]
    assert edited(text, {path: ["2"] for path in paths}) == 'a:\n  b: &b ["2"]\n  c: *b\n'


VERSIONS = st.lists(st.sampled_from([f"1.{n}.0" for n in range(9)]), unique=True)


@given(before=VERSIONS, after=VERSIONS, block=st.booleans())
def test_any_list_becomes_any_other(before: list[str], after: list[str], *, block: bool) -> None:
    lines = "".join(f'\n    - "{version}" # {version}' for version in before)
    shown = lines if block and before else f" [{', '.join(before)}]"
    kept = [version for version in before if version in after]
    wanted = [*kept, *(version for version in after if version not in before)]
    text = change(f"# first\na:\n  b:{shown}\n  # last\n  c: d\n", *wanted)
    assert yaml.safe_load(text) == {"a": {"b": wanted, "c": "d"}}
    assert text.startswith("# first\n")
    assert text.endswith("  # last\n  c: d\n")
    assert not block or all(f'- "{version}" # {version}\n' in text for version in kept)
