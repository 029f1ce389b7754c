"""The lock file: read whole or refused with every problem, and written as it is read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.lock import Base, Lock, Tools, pinned_versions
from fleet.lock_format import parse, values_of
from fleet.problems import DeclarationError
from tests.fleet.examples import DIGEST, declaration, lock


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
        looked_at={
            "linux/amd64 glibc": ("a==1", "b==1"),
            "linux/arm/v7 glibc": ("a==1",),
            "linux/arm64 glibc": ("a==1", "b==1"),
            "linux/arm64 musl": (),
        },
        pure=True,
    )
    older = Tools(pins=(), compiled={}, found_for=DIGEST)
    held = Lock(
        pins={("web", "3.11", "1.0.0"): ("a==1", marked)},
        tools={("web", "3.11"): tools, ("web", "3.12"): older},
        hashes=dict.fromkeys(("a==1", "b==1", "setuptools==80.0.0"), (DIGEST,)),
    )
    values = values_of(held)
    assert parse(values, "lock.yaml", "prod") == held
    assert list(values["tools"]["web"]["3.11"]["looked-at"]) == [
        "linux/amd64 glibc, linux/arm64 glibc", "linux/arm/v7 glibc", "linux/arm64 musl",
    ]  # fmt: skip


names = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
digests = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
bases = st.builds(
    Base,
    name=names,
    repository=names,
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
        ({"hashes": {"a==1": ["sha256:short"]}}, "lock.hashes.a==1[0]"),
        ({"requirements": {"web": {"3.11": {"1.0.0": ["a"]}}}}, "lock.requirements.web.3.11.1.0.0"),
        ({"requirements": {"web": {"3.11": {"1.0.0": ["a==1"]}}}}, "lock.hashes.a==1"),
        ({"bases": {"3.11-slim": {"name": "x"}}}, "lock.bases.3.11-slim.repository"),
        ({"bases": []}, "lock.bases"),
        ({"requirements": {"web": {"3.11": {"1": ["a==1 ; b"]}}}}, "lock.requirements.web.3.11.1"),
        ({"tools": {"web": {"3.11": {"pins": ["a==1"]}}}}, "lock.hashes.a==1"),
        ({"tools": {"web": {"3.11": {"for": "x"}}}}, "lock.tools.web.3.11.for"),
        ({"tools": {"web": {"3.11": {"found-for": "x"}}}}, "lock.tools.web.3.11.found-for"),
        (
            {"tools": {"web": {"3.11": {"looked-at": {"linux/amd64 glibc": ["a"]}}}}},
            "lock.tools.web.3.11.looked-at.linux/amd64 glibc[0]",
        ),
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
        parse(values, "lock.yaml", "prod")
    assert any(problem.path.startswith(path) for problem in failure.value.problems)


def test_a_pin_without_hashes_is_refused() -> None:
    values = values_of(lock(declaration()))
    del values["hashes"]["gunicorn==23.0.0"]
    with pytest.raises(DeclarationError) as failure:
        parse(values, "lock.yaml", "prod")
    (problem,) = failure.value.problems
    assert str(problem) == (
        "lock.hashes.gunicorn==23.0.0: is missing. "
        "Restore the file, or remove it and run `make lock STACK=prod`."
    )


def test_distributions_are_known_by_their_normalised_names() -> None:
    assert pinned_versions(["Typing_Extensions==4.1", "a.b==1"]) == {
        "typing-extensions": "4.1",
        "a-b": "1",
    }
