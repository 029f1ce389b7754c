"""Releases made of listed files: real ones, and the rules one at a time."""

from dataclasses import replace

import pytest

from fleet.releases.pypi.index import obstacle, releases_in, yanked_in
from tests.fleet.releases.listing import listed, made_up, recorded_releases
from tests.fleet.releases.outside import file


def test_every_real_release_is_found() -> None:
    found = recorded_releases("gunicorn")
    assert len(found) == 101
    assert {"0.1", "0.10.0", "19.10.0", "20.0.4", "27.0.1"} <= found.keys()


def test_a_real_release_was_yanked_and_its_post_release_was_not() -> None:
    found = recorded_releases("uvicorn")
    assert yanked_in(found) == ("0.17.0",)
    assert "0.17.0.post1" in found
    assert found["0.17.0"].allows("3.6"), "which is why it was yanked: 0.17.0 did not say"
    assert not found["0.17.0.post1"].allows("3.6")


@pytest.mark.parametrize(
    ("package", "version", "python", "why"),
    [
        ("gunicorn", "27.0.1", "3.9", "needs Python 3.10"),
        ("gunicorn", "27.0.1", "3.10", ""),
        ("gunicorn", "23.0.0", "3.9", ""),
        ("uvicorn", "0.54.0", "3.9", "needs Python 3.10"),
        ("uvicorn", "0.34.0", "3.9", ""),
        ("uvicorn", "0.34.0", "3.8", "needs Python 3.9"),
    ],
)
def test_real_releases_say_which_pythons_they_are_for(
    package: str, version: str, python: str, why: str
) -> None:
    assert obstacle(recorded_releases(package)[version], python) == why


@pytest.mark.parametrize(
    ("requires", "why"),
    [
        (">=3.8", ""),
        (">=3.12", "needs Python 3.12"),
        ("<3.10", "needs Python 3.9 at most"),
        ("!=3.11.*", "is not for Python 3.11"),
        (">=4", "is not for Python 3.11"),
        ("nonsense", ""),
        (">=3.6.*", ""),
    ],
)
def test_why_a_release_cannot_be_had_is_in_words_that_may_be_declared(
    requires: str, why: str
) -> None:
    release = listed(made_up("uvicorn", "1.0.0", requires=requires))["1.0.0"]
    assert obstacle(release, "3.11") == why


def test_each_file_has_a_requirement_of_its_own() -> None:
    old, new = made_up("uvicorn", "1.0.0")
    files = [replace(old, requires_python=">=3.12"), replace(new, requires_python=">=3.9")]
    release = releases_in("uvicorn", files)["1.0.0"]
    assert release.allows("3.9")
    withdrawn = [files[0], replace(files[1], yanked=True)]
    assert not releases_in("uvicorn", withdrawn)["1.0.0"].allows("3.9"), "pip takes no yanked file"
    assert not releases_in("uvicorn", withdrawn)["1.0.0"].yanked


def test_versions_are_spelled_as_pep_440_does() -> None:
    texts = ("1.0.rev3", "1!2.0", "1.2.3.4", "2.0c1")
    files = [file(f"uvicorn=={text}") for text in texts]
    assert list(releases_in("uvicorn", files)) == ["1.0.post3", "1!2.0", "1.2.3.4", "2.0rc1"]


@pytest.mark.parametrize(
    "name",
    [
        "uvicorn-1.0.exe",
        "uvicorn-1.0-py3.11.egg",
        "uvicorn-1.0.tar.bz2",
        "uvicorn-dev-r23.tar.gz",
        "uvicorn_worker-1.0.tar.gz",
        "uvicorn-1.0.whl",
        "README",
    ],
)
def test_what_pip_does_not_take_is_no_file_of_a_release(name: str) -> None:
    assert releases_in("uvicorn", [replace(file("uvicorn==1.0"), name=name)]) == {}


def test_names_are_compared_normalised() -> None:
    files = [replace(file("a==1.0"), name="Zope_Interface-1.0.tar.gz")]
    assert set(releases_in("zope.interface", files)) == {"1.0"}
