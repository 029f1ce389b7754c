"""The lock file: read whole or refused with every problem, and written as it is read."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.declaration.problems import DeclarationError
from fleet.lock.model import Base, Lifetime, Lock, Tools, pinned_versions
from fleet.lock.serialization import FORMAT, parse, values_of
from tests.fleet.examples import base, declaration, lock, wheel

HASH = "sha256=" + "a" * 64


def test_a_lock_is_read_as_it_was_written() -> None:
    held = lock(declaration())
    assert parse(values_of(held), "lock.yaml", "prod") == held


def test_markers_and_tools_are_read_as_they_were_written() -> None:
    marked = "b==1 ; platform_machine == 'x86_64' or platform_machine == 'aarch64'"
    tools = Tools(
        pins=("setuptools==80.0.0",),
        compiled={"linux/arm/v7 glibc": ("a==1", "b==1"), "linux/arm/v7 musl": ("a==1",)},
        sources={
            pin: f"https://files.test/{pin[0]}-1.zip#sha256={'a' * 64}" for pin in ("a==1", "b==1")
        },
    )
    held = Lock(
        pins={("web", "3.11", "1.0.0"): ("a==1", marked)},
        tools={("web", "3.11"): tools},
        files={
            "b==1": (wheel("b==1", "py3-none-any.whl"), wheel("b==1", "py3-none-win32.whl")),
            "setuptools==80.0.0": (
                f"http://127.0.0.1:8080/setuptools-80.0.0-py3-none-any.whl#{HASH}",
            ),
        },
    )
    assert parse(values_of(held), "lock.yaml", "prod") == held


names = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
digests = st.integers(0, 2**256 - 1).map(lambda number: f"sha256:{number:064x}")
bases = st.builds(
    Base,
    name=names,
    repository=names,
    digest=digests,
    platforms=st.dictionaries(names, digests, max_size=3),
)


@given(
    st.dictionaries(names, bases, max_size=3),
    st.dictionaries(names, st.tuples(names), max_size=3),
)
def test_any_lock_is_read_as_it_was_written(
    found: dict[str, Base], yanked: dict[str, tuple[str, ...]]
) -> None:
    held = Lock(bases=found, builders=found, yanked=yanked)
    assert parse(values_of(held), "lock.yaml", "prod") == held


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"basis": {}}, "lock.basis"),
        ({"hashes": {}}, "lock.hashes"),
        ({"installer": "installer"}, "lock.installer"),
        ({"files": {"a==1": ["https://files.test/a.whl#sha256=short"]}}, "lock.files.a==1[0]"),
        ({"files": {"a==1": [f"ftp://files.test/a.whl#{HASH}"]}}, "lock.files.a==1[0]"),
        ({"files": {"a==1": [f"https://files.test/a b.whl#{HASH}"]}}, "lock.files.a==1[0]"),
        ({"files": {"a==1": [f"https://files.test/$(id).whl#{HASH}"]}}, "lock.files.a==1[0]"),
        ({"files": {"a": [wheel("a==1")]}}, "lock.files.a"),
        ({"files": {"a==1": [wheel("a==2")]}}, "lock.files.a==1[0]"),
        ({"files": {"a==1": [wheel("b==1")]}}, "lock.files.a==1[0]"),
        ({"files": {"a==1": [f"https://files.test/a-1.tar.gz#{HASH}"]}}, "lock.files.a==1[0]"),
        ({"requirements": {"web": {"3.11": {"1.0.0": ["a"]}}}}, "lock.requirements.web.3.11.1.0.0"),
        ({"bases": {"3.11-slim": {"name": "x"}}}, "lock.bases.3.11-slim.repository"),
        ({"bases": []}, "lock.bases"),
        ({"requirements": {"web": {"3.11": {"1": ["a==1 ; b"]}}}}, "lock.requirements.web.3.11.1"),
        (
            {"requirements": {"web": {"3.11": {"1.0.0": ["a==1", "a==1"]}}}},
            "lock.requirements.web.3.11.1.0.0[1]",
        ),
        ({"tools": {"web": {"3.11": {"for": "x"}}}}, "lock.tools.web.3.11.for"),
        ({"tools": {"web": {"3.11": {"pure": True}}}}, "lock.tools.web.3.11.pure"),
        ({"bases": {"3.11-slim": {"name": "x", "repository": "y"}}}, "lock.bases.3.11-slim.digest"),
        (
            {"tools": {"web": {"3.11": {"compiled": {"linux/amd64 glibc": ["a==1"]}}}}},
            "lock.tools.web.3.11.sources.a==1",
        ),
        (
            {
                "tools": {
                    "web": {
                        "3.11": {
                            "compiled": {"linux/amd64 glibc": ["a==1"]},
                            "sources": {"a==1": "http://files.test/a.zip"},
                        }
                    }
                }
            },
            "lock.tools.web.3.11.sources.a==1",
        ),
        (
            {"tools": {"web": {"3.11": {"compiled": {"linux/amd64 glibc": ["A_b"]}}}}},
            "lock.tools.web.3.11.compiled.linux/amd64 glibc[0]",
        ),
    ],
)
def test_what_is_wrong_in_a_lock_is_named(values: dict[str, Any], path: str) -> None:
    with pytest.raises(DeclarationError) as failure:
        parse({"format": FORMAT, **values}, "lock.yaml", "prod")
    assert any(problem.path.startswith(path) for problem in failure.value.problems)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"bases": {}}, "is missing"),
        ({"format": 1}, "1 is not known"),
        ({"format": 3, "new": {}}, "3 is not known"),
        ({"format": "x"}, "'x' is not known"),
    ],
)
def test_another_format_is_refused_and_nothing_else_is_told(
    values: dict[str, Any], what: str
) -> None:
    with pytest.raises(DeclarationError) as failure:
        parse(values, "lock.yaml", "prod")
    (problem,) = failure.value.problems
    assert str(problem) == (
        f"lock.format: {what}; format {FORMAT} is expected. "
        "Remove the file and run `make lock STACK=prod`, or update this program."
    )


def test_a_file_that_holds_nothing_is_an_empty_lock() -> None:
    assert parse({}, "lock.yaml", "prod") == Lock()


def test_distributions_are_known_by_their_normalised_names() -> None:
    assert pinned_versions(["Typing_Extensions==4.1", "a.b==1"]) == {
        "typing-extensions": "4.1",
        "a-b": "1",
    }


def test_lifetimes_and_days_of_bases_come_back_and_nothing_else_is_taken_for_one() -> None:
    held = Lock(
        bases={"3.11-slim": replace(base(), created="2026-11-02")},
        pythons={"3.11": Lifetime(until="2027-10-31", state="maintained")},
    )
    assert parse(values_of(held), "lock.yaml", "prod") == held
    faulty = {
        "format": FORMAT,
        "pythons": {"3.11": {"until": "soon", "state": "fine"}},
    }
    with pytest.raises(DeclarationError) as raised:
        parse(faulty, "lock.yaml", "prod")
    assert [each.path for each in raised.value.problems] == [
        "lock.pythons.3.11.state",
        "lock.pythons.3.11.until",
    ]
