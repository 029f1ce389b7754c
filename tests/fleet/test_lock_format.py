"""The lock file: read whole or refused with every problem, and written as it is read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.lock import Base, Lock, pinned_versions
from fleet.lock_format import parse, values_of
from fleet.problems import DeclarationError
from tests.fleet.examples import declaration, lock


def test_a_lock_is_read_as_it_was_written() -> None:
    held = lock(declaration())
    assert parse(values_of(held), "lock.yaml") == held


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
    assert parse(values_of(held), "lock.yaml") == held


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"basis": {}}, "lock.basis"),
        ({"hashes": {"a==1": ["sha256:short"]}}, "lock.hashes.a==1[0]"),
        ({"requirements": {"web": {"3.11": {"1.0.0": ["a"]}}}}, "lock.requirements.web.3.11.1.0.0"),
        ({"requirements": {"web": {"3.11": {"1.0.0": ["a==1"]}}}}, "lock.hashes.a==1"),
        ({"bases": {"3.11-slim": {"name": "x"}}}, "lock.bases.3.11-slim.repository"),
        ({"bases": []}, "lock.bases"),
    ],
)
def test_what_is_wrong_in_a_lock_is_named(values: dict[str, Any], path: str) -> None:
    with pytest.raises(DeclarationError) as failure:
        parse(values, "lock.yaml")
    assert any(problem.path.startswith(path) for problem in failure.value.problems)


def test_a_pin_without_hashes_is_refused() -> None:
    values = values_of(lock(declaration()))
    del values["hashes"]["gunicorn==23.0.0"]
    with pytest.raises(DeclarationError, match=r"lock\.hashes\.gunicorn==23\.0\.0: is missing"):
        parse(values, "lock.yaml")


def test_distributions_are_known_by_their_normalised_names() -> None:
    assert pinned_versions(["Typing_Extensions==4.1", "a.b==1"]) == {
        "typing-extensions": "4.1",
        "a-b": "1",
    }
