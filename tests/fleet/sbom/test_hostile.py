"""Layers that are made to harm whoever reads them: refused in a line, and before much is read."""

import gzip
import io
import tarfile
import threading

import pytest

from fleet.registry.errors import RegistryError
from fleet.sbom.image import RootFolder
from fleet.sbom.layer import LayerFacts, Limits, read_layer
from fleet.sbom.model import UnreadableImageError
from tests.fleet.sbom.conftest import Read
from tests.fleet.sbom.layers import Entry, file, hard_link, layer, link, status, unpacked, zstd

SMALL = Limits(packed=100_000, unpacked=1_000_000, entries=20, file=1000, kept=1500)


def refused(body: bytes, limits: Limits = SMALL) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        read_layer(io.BytesIO(body), "layer", limits)
    text = str(caught.value)
    assert text.startswith("layer ")
    assert "\n" not in text
    return text


def test_a_bomb_is_not_unpacked() -> None:
    bomb = layer(file("a", bytes(5_000_000)))
    assert len(bomb) < 10_000
    assert refused(bomb) == "layer holds more than 1000000 bytes; it was not read"


def test_many_entries_are_refused() -> None:
    assert "more than 20 entries" in refused(layer(*(file(f"f{n}") for n in range(21))))


def test_a_large_record_is_refused() -> None:
    assert "more than 1000 bytes" in refused(layer(file("var/lib/dpkg/status", bytes(1001))))


def test_many_records_are_refused() -> None:
    many = (file(f"a{n}.dist-info/METADATA", bytes(600)) for n in range(3))
    assert "more than 1500 bytes" in refused(layer(*many))


def test_a_large_file_that_nobody_needs_is_passed_over() -> None:
    found = read_layer(io.BytesIO(layer(file("a", bytes(5000)))), "layer", SMALL)
    assert found.covering == {"a"}
    assert found.files == {}


@pytest.mark.parametrize(
    "path", ["../etc/os-release", "usr/../../x", "a/..", "/../var/lib/dpkg/status"]
)
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    assert "leads out" in refused(layer(file(path)))


def test_a_hard_link_that_leads_out_is_refused() -> None:
    assert "leads out" in refused(layer(hard_link("var/lib/dpkg/status", "../../status")))


def test_an_absolute_path_is_one_of_the_image() -> None:
    found = read_layer(io.BytesIO(layer(file("/var/lib/dpkg/status", "x"))), "layer", SMALL)
    assert found.files == {"var/lib/dpkg/status": b"x"}


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "a/.wh..."])
def test_a_whiteout_of_no_name_is_refused(name: str) -> None:
    assert "hides nothing" in refused(layer(file(name)))


def test_a_long_path_is_refused() -> None:
    assert "path of more than" in refused(layer(file("/".join(["aaaa"] * 1000))))


def test_a_header_that_is_large_itself_is_refused() -> None:
    large = gzip.compress(unpacked(file("a" * 2_000_000)))
    assert "header of more than" in refused(large, Limits())


def test_headers_in_headers_are_refused() -> None:
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 0
    assert "not a sound tar archive" in refused(name.tobuf() * 5000, Limits())


@pytest.mark.parametrize("cut", [0.2, 0.9])
def test_a_layer_that_is_cut_off_is_refused(cut: float) -> None:
    body = layer(*(file(f"f{n}", f"{n * 7919 % 1000}" * 200) for n in range(10)))
    assert "not a sound tar archive" in refused(body[: int(len(body) * cut)])


def test_a_damaged_header_does_not_end_the_reading() -> None:
    head, tail = unpacked(file("a")), unpacked(status())
    assert "a header is damaged" in refused(head[:512] + b"x" * 512 + tail)


def test_a_record_that_is_cut_off_is_refused() -> None:
    body = unpacked(file("var/lib/dpkg/status", "Package: a\n"))
    assert "not a sound tar archive" in refused(body[: 512 + 4])


@pytest.mark.parametrize(
    "body",
    [b"", b"text", b"\x1f\x8b", gzip.compress(b"text")],
    ids=["nothing", "text", "the start of gzip", "packed text"],
)
def test_what_is_no_archive_is_refused(body: bytes) -> None:
    assert "not a sound tar archive" in refused(body)


def test_an_empty_layer_is_sound() -> None:
    assert read_layer(io.BytesIO(layer()), "layer", SMALL).covering == frozenset()


def test_a_sparse_record_is_refused() -> None:
    member = tarfile.TarInfo("var/lib/dpkg/status")
    member.type = tarfile.GNUTYPE_SPARSE
    assert "sparse" in refused(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def test_a_device_is_not_read() -> None:
    device = Entry(path="var/lib/dpkg/status", kind=tarfile.CHRTYPE)
    assert read_layer(io.BytesIO(layer(device)), "layer", SMALL).files == {}


@pytest.mark.parametrize(
    "body",
    [
        b"\x28\xb5\x2f\xfd" + bytes(100),
        zstd(unpacked(status()))[:-5],
        # An empty block after a window of 1 GiB, which a reader would have to keep (RFC 8878).
        b"\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00",
        zstd(b"no archive"),
    ],
)
def test_a_damaged_or_greedy_layer_packed_by_zstd_is_refused(body: bytes) -> None:
    assert "is not a sound tar archive" in refused(body)


def test_a_bomb_packed_by_zstd_is_not_unpacked() -> None:
    bomb = zstd(unpacked(file("a", bytes(5_000_000))))
    assert len(bomb) < 10_000
    assert refused(bomb) == "layer holds more than 1000000 bytes; it was not read"


@pytest.mark.parametrize("pieces", [1, 2])
def test_a_layer_packed_by_zstd_says_what_one_packed_by_gzip_does(pieces: int) -> None:
    entries = (status("Package: a\n"), link("l", "m"), file("large", bytes(5000)))
    plain = unpacked(*entries)
    half = len(plain) // pieces
    frames = b"".join(zstd(plain[n : n + half]) for n in range(0, len(plain), half))
    # A table of contents at the end, as zstd:chunked and seekable layers have it.
    skipped = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"toc"
    found = read_layer(io.BytesIO(frames + skipped), "layer", SMALL)
    assert found == read_layer(io.BytesIO(layer(*entries)), "layer", SMALL)


def test_a_layer_that_is_too_large_is_not_fetched(read: Read) -> None:
    with pytest.raises(RegistryError, match="more than 10"):
        read(layer(status()), limits=Limits(packed=10))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("var/lib/dpkg/status", "Package: a b\nVersion: 1\n"),
        ("var/lib/dpkg/status", "Package: a\n"),
        ("var/lib/dpkg/status", "Package: a\nVersion: \x1b[31m\n"),
        ("lib/apk/db/installed", "P:a\n"),
        ("lib/apk/db/installed", "P:a\nV:1 2\n"),
    ],
)
def test_a_record_with_a_package_of_no_proper_name_or_version_is_refused(
    read: Read, path: str, text: str
) -> None:
    with pytest.raises(UnreadableImageError, match="is not a package of") as caught:
        read(layer(file(path, text)))
    assert "\x1b" not in str(caught.value)


def test_a_link_with_a_long_target_is_refused() -> None:
    assert "link of more than 4096 characters" in refused(layer(link("l", "a/" * 5000)))


def test_a_long_link_that_lies_above_a_record_is_followed_no_further_than_a_path() -> None:
    root = RootFolder("image")
    entries = [link("l", "l1"), link("l1", "m/" * 2000 + "l")]
    entries.append(link("m/" * 2000 + "l", "n/" * 1000 + "l"))
    entries.append(file("l/x.dist-info/METADATA", "x"))
    facts = read_layer(io.BytesIO(layer(*entries)), "layer", Limits())
    with pytest.raises(UnreadableImageError, match="lead to a path of more than 4096 characters"):
        root.add(facts)


def test_layers_are_put_together_off_the_loop(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider's other requests wait for the loop."""
    threads: list[threading.Thread] = []
    add = RootFolder.add

    def noted(root: RootFolder, facts: LayerFacts) -> None:
        threads.append(threading.current_thread())
        add(root, facts)

    monkeypatch.setattr(RootFolder, "add", noted)
    read(layer(status()))
    assert threads
    assert threading.main_thread() not in threads
