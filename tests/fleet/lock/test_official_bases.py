"""Where an official base is pulled from, and what it is called wherever that is."""

import pytest

from fleet.lock.official_bases import place_of, short

MIRROR = "mirror.example.org/library"
OFFICIAL = "docker.io/library/python:3.13-slim"


@pytest.mark.parametrize(
    ("name", "mirror", "place"),
    [
        (OFFICIAL, "", OFFICIAL),
        (OFFICIAL, "docker.io/library", OFFICIAL),
        (OFFICIAL, MIRROR, f"{MIRROR}/python:3.13-slim"),
        ("localhost:5443/stand-in/python:3.13", MIRROR, "localhost:5443/stand-in/python:3.13"),
        ("docker.io/moby/buildkit:v1", MIRROR, "docker.io/moby/buildkit:v1"),
    ],
)
def test_only_official_images_are_looked_for_in_a_mirror(
    name: str, mirror: str, place: str
) -> None:
    assert place_of(name, mirror) == place


def test_people_write_an_official_name_without_its_registry() -> None:
    assert short(OFFICIAL) == "python:3.13-slim"
    assert short("localhost:5443/stand-in/python:3.13") == "localhost:5443/stand-in/python:3.13"
