"""Base images that moved, read from a registry: each layer once, within limits, never an error."""

import tempfile
from collections.abc import Callable, Mapping
from typing import NoReturn

import pytest

from fleet.registry.client import Client
from fleet.sbom.base_moves import BaseMoves, MovedBase
from fleet.sbom.layer import LayerFacts
from fleet.sbom.moves import MOST_BYTES, MOST_SECONDS, read_moves
from tests.fleet.sbom.layers import (
    NAME,
    OS_RELEASE,
    deb,
    distribution,
    file,
    layer,
    push,
    status,
)
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import FakeRegistry, sha

BOTH = ("linux/amd64", "linux/arm64")
ROOT = layer(OS_RELEASE, file("usr/share/doc/base", "the same in all"))
PIP = layer(distribution("pip", "25.0"))

Moves = Callable[..., BaseMoves]


def debian(*packages: tuple[str, str]) -> bytes:
    return layer(status(*(deb(name, version) for name, version in packages)))


OLD = debian(("openssl", "3.0.15-1~deb12u1"), ("zlib1g", "1:1.2.13"))
NEW = debian(("openssl", "3.0.16-1~deb12u1"), ("zlib1g", "1:1.2.13"))


@pytest.fixture
def pinned(registry: FakeRegistry) -> Callable[[Mapping[str, tuple[bytes, ...]]], str]:
    """Store an index of images with these layers by platform; return where it is."""

    def index(platforms: Mapping[str, tuple[bytes, ...]]) -> str:
        children = {name: push(registry, layers, name) for name, layers in platforms.items()}
        return f"{registry.host}/{NAME}@{registry.push_children(NAME, children)}"

    return index


@pytest.fixture
def read(registry: FakeRegistry, environment: dict[str, str]) -> Moves:
    def moves(*bases: MovedBase, most: int = MOST_BYTES, seconds: int = MOST_SECONDS) -> BaseMoves:
        async def asked(client: Client) -> BaseMoves:
            return await read_moves(client, bases, {}, most=most, seconds=seconds)

        return Caller(registry, environment)(asked)

    return moves


def moved(before: str, after: str, name: str = "python:3.13-slim") -> MovedBase:
    return MovedBase(name=name, before=before, after=after, platforms=BOTH, images=("web",))


Pinned = Callable[[Mapping[str, tuple[bytes, ...]]], str]


def same(pinned: Pinned, *layers: bytes) -> str:
    """Return an index of which all platforms have the same packages."""
    return pinned(dict.fromkeys(BOTH, layers))


def requests(registry: FakeRegistry, word: str) -> list[str]:
    return [line for line in registry.log if word in line and line.startswith("GET")]


def test_what_moved_on_all_platforms_is_one_line(pinned: Pinned, read: Moves) -> None:
    found = read(moved(same(pinned, ROOT, OLD, PIP), same(pinned, ROOT, NEW, PIP)))
    (line, note), (move,) = found.lines, found.bases
    assert line == (
        "base python:3.13-slim: 1 package moved: openssl 3.0.15-1~deb12u1 -> 3.0.16-1~deb12u1; "
        f"{move.before} B -> {move.after} B on linux/amd64"
    )
    read_bytes = sum(map(len, (ROOT, OLD, NEW, PIP)))
    size = f"{read_bytes} B" if read_bytes < 1000 else f"{read_bytes / 1000:.1f} kB"
    assert note == f"for this, {size} of layers were read (the limit is 1.0 GB and 5 min)"


def test_an_alpine_base_is_read_as_well(pinned: Pinned, read: Moves) -> None:
    def apk(version: str) -> bytes:
        text = f"P:musl\nV:{version}\nA:x86_64\n\n"
        return layer(file("lib/apk/db/installed", text))

    (line, _) = read(moved(same(pinned, apk("1.2.5-r9")), same(pinned, apk("1.2.5-r10")))).lines
    assert line.startswith("base python:3.13-slim: 1 package moved: musl 1.2.5-r9 -> 1.2.5-r10; ")


def test_what_moved_on_some_platforms_alone_names_them(pinned: Pinned, read: Moves) -> None:
    later = debian(("openssl", "3.0.16-1~deb12u1+b1"), ("zlib1g", "1:1.2.13"))
    after = pinned({"linux/amd64": (NEW, PIP), "linux/arm64": (later, PIP)})
    (found,) = read(moved(same(pinned, OLD), after)).bases
    assert (found.name, found.count) == ("python:3.13-slim", "2 packages moved")
    assert found.named == (
        "openssl 3.0.15-1~deb12u1 -> 3.0.16-1~deb12u1 (linux/amd64)",
        "openssl 3.0.15-1~deb12u1 -> 3.0.16-1~deb12u1+b1 (linux/arm64)",
        "added pip 25.0",
    )


def test_a_platform_that_did_not_move_is_not_read(
    pinned: Pinned, read: Moves, registry: FakeRegistry
) -> None:
    before = pinned({"linux/amd64": (OLD,), "linux/arm64": (PIP,)})
    after = pinned({"linux/amd64": (NEW,), "linux/arm64": (PIP,)})
    found = read(moved(before, after))
    assert [each.platforms for each in found.bases] == [("linux/amd64",)]
    assert not requests(registry, sha(PIP))


def test_each_layer_is_read_once_for_all_bases(
    pinned: Pinned, read: Moves, registry: FakeRegistry
) -> None:
    bases = [
        moved(same(pinned, ROOT, OLD, own), same(pinned, ROOT, NEW, own), f"python:3.1{n}")
        for n, own in enumerate((PIP, layer(distribution("pip", "24.0"))))
    ]
    assert [len(each.platforms) for each in read(*bases).bases] == [2, 2]
    for body in (ROOT, OLD, NEW, PIP):
        assert len(requests(registry, f"/blobs/{sha(body)}")) == 1


def test_a_layer_that_was_read_for_another_purpose_is_not_read_again(
    pinned: Pinned, registry: FakeRegistry, environment: dict[str, str]
) -> None:
    base, facts = moved(same(pinned, ROOT, OLD), same(pinned, ROOT, NEW)), dict[str, LayerFacts]()
    caller = Caller(registry, environment)
    first = caller(lambda client: read_moves(client, [base], facts))
    again = caller(lambda client: read_moves(client, [base], facts))
    assert (first.bases, again.read) == (again.bases, "")
    assert len(requests(registry, f"/blobs/{sha(NEW)}")) == 1


def test_a_base_that_moved_only_in_other_files_says_so(pinned: Pinned, read: Moves) -> None:
    after = same(pinned, ROOT, OLD, layer(file("usr/share/zoneinfo", "newer")))
    (line, _) = read(moved(same(pinned, ROOT, OLD), after)).lines
    assert line.startswith("base python:3.13-slim: no package moved; ")


def test_what_exceeds_the_bytes_is_left_out_and_named(pinned: Pinned, read: Moves) -> None:
    big = layer(file("usr/lib/big", "".join(chr(33 + n * n % 90) for n in range(9000))))
    bases = [
        moved(same(pinned, OLD, big), same(pinned, NEW, big), "python:3.13"),
        moved(same(pinned, OLD), same(pinned, NEW), "python:3.13-slim"),
    ]
    most = len(OLD) + len(NEW) + 10
    found = read(*bases, most=most)
    assert [each.name for each in found.bases] == ["python:3.13-slim"], "it fits"
    assert found.lines[1] == (
        "what moved in python:3.13 (linux/amd64, linux/arm64) is not known: "
        f"{most} B of layers are read at most"
    )


def test_what_exceeds_the_time_is_left_out_and_named(pinned: Pinned, read: Moves) -> None:
    found = read(moved(same(pinned, OLD), same(pinned, NEW)), seconds=0)
    assert found.lines == (
        "what moved in python:3.13-slim (linux/amd64, linux/arm64) is not known: 0 min had passed",
    )


def test_a_base_that_is_gone_is_told_and_the_others_are_read(
    pinned: Pinned, read: Moves, registry: FakeRegistry
) -> None:
    gone = same(pinned, PIP)
    digest = gone.partition("@")[2]
    del registry.repositories[NAME].manifests[digest]
    after = same(pinned, NEW)
    lines = read(moved(gone, after, "python:3.9"), moved(same(pinned, OLD), after)).lines
    assert lines[0].startswith("base python:3.13-slim: 1 package moved")
    assert lines[1] == (
        "what moved in python:3.9 (linux/amd64, linux/arm64) is not known: "
        f"{digest} is not in {registry.host}/{NAME} any more"
    )


@pytest.mark.parametrize("status", [429, 503])
def test_a_registry_that_is_asked_too_much_ends_the_reading(
    pinned: Pinned, read: Moves, registry: FakeRegistry, status: int
) -> None:
    bases = [moved(same(pinned, OLD), same(pinned, NEW), f"python:3.{n}") for n in range(9)]
    registry.fault("GET .*/manifests/", times=99, status=status)
    found = read(*bases)
    (unread,) = found.unread
    assert len(unread.bases) == 9
    assert str(status) in unread.why
    assert len(set(requests(registry, "/manifests/"))) == 1


def test_an_image_that_can_not_be_read_leaves_out_its_platform_alone(
    pinned: Pinned, read: Moves
) -> None:
    after = pinned({"linux/amd64": (b"no tar",), "linux/arm64": (NEW,)})
    found = read(moved(same(pinned, OLD), after))
    assert [each.platforms for each in found.bases] == [("linux/arm64",)]
    (unread,) = found.unread
    assert unread.bases == ("python:3.13-slim (linux/amd64)",)
    assert "is not a sound tar archive" in unread.why


def test_a_full_disk_ends_the_reading_and_is_told(
    pinned: Pinned, read: Moves, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    found = read(moved(same(pinned, OLD), same(pinned, NEW)))
    assert {each.why for each in found.unread} == {"[Errno 28] No space left on device"}


def test_of_many_packages_a_line_names_some(pinned: Pinned, read: Moves) -> None:
    old, new = (debian(*((f"p{n:02}", version) for n in range(20))) for version in "12")
    (line, _) = read(moved(same(pinned, old), same(pinned, new))).lines
    assert line.startswith("base python:3.13-slim: 20 packages moved: p00 1 -> 2, ")
    assert ", p07 1 -> 2, 12 more; " in line
    assert "p08" not in line


def test_an_index_without_a_platform_names_it(pinned: Pinned, read: Moves) -> None:
    found = read(moved(pinned({"linux/amd64": (OLD,)}), same(pinned, NEW)))
    assert [each.platforms for each in found.bases] == [("linux/amd64",)]
    assert "has no image for linux/arm64" in found.unread[0].why


def test_what_is_no_index_is_told(pinned: Pinned, read: Moves, registry: FakeRegistry) -> None:
    alone = f"{registry.host}/{NAME}@{push(registry, [OLD])}"
    found = read(moved(alone, same(pinned, NEW)))
    (left,) = found.unread
    assert "not an index of platforms (application/vnd.oci.image.manifest.v1+json)" in left.why
    assert "make lock REFRESH=1" in left.why
