"""A mirror of OSV's files in a folder: packed or not, and what is missing or damaged in it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fleet.advisories.folder import OsvFolder
from fleet.advisories.package import AdvisoryError, distribution
from tests.fleet.advisories.records import BUSYBOX, GHSA, H11, OPENSSL, affected, ghsa, osv


def plain(folder: Path, *records: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in records:
        (folder / f"{each['id']}.json").write_text(json.dumps(each))


def packed(folder: Path, *records: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for each in records:
            archive.writestr(f"{each['id']}.json", json.dumps(each))


def test_each_ecosystem_is_found_packed_or_not_with_or_without_its_release(tmp_path: Path) -> None:
    withdrawn = ghsa() | {"id": "GHSA-w", "withdrawn": "2026-11-01T00:00:00Z"}
    packed(tmp_path / "PyPI", ghsa(), withdrawn, osv("GHSA-o", affected(distribution("o", "1"))))
    plain(tmp_path / "Debian:13", osv("DEBIAN-1", affected(OPENSSL, ("introduced", "0"))))
    fixed = affected(BUSYBOX, ("introduced", "0"), ("fixed", "1.37.0-r19"))
    plain(tmp_path / "Alpine", osv("ALPINE-1", fixed))
    newer = distribution("H11", "0.16.0")
    found = OsvFolder(tmp_path)([H11, newer, OPENSSL, BUSYBOX])
    assert {each: [one.id for one in records] for each, records in found.items()} == {
        H11: [GHSA], newer: [], OPENSSL: ["DEBIAN-1"], BUSYBOX: ["ALPINE-1"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["Typing.Extensions", "typing\\u005fextensions"])
def test_a_name_in_another_spelling_is_found(tmp_path: Path, name: str) -> None:
    package = distribution("typing_extensions", "4.0")
    text = json.dumps(osv("GHSA-1", affected(package, ("introduced", "0"))))
    (tmp_path / "PyPI").mkdir()
    (tmp_path / "PyPI" / "1.json").write_text(text.replace("typing-extensions", name))
    assert len(OsvFolder(tmp_path)([package])[package]) == 1


def test_an_ecosystem_that_is_not_mirrored_is_an_error(tmp_path: Path) -> None:
    plain(tmp_path / "PyPI", ghsa())
    with pytest.raises(AdvisoryError, match=r"no advisories of Debian:13 are there\.\nMirror"):
        OsvFolder(tmp_path)([H11, OPENSSL])
    (tmp_path / "Debian").mkdir()
    with pytest.raises(AdvisoryError, match="holds no record"):
        OsvFolder(tmp_path)([OPENSSL])


@pytest.mark.parametrize(
    "text", ['{"id": "GHSA-1", "name": "h11"', '{"affected": [], "name": "h11"}']
)
def test_a_damaged_record_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "PyPI").mkdir()
    (tmp_path / "PyPI" / "GHSA-1.json").write_text(text)
    with pytest.raises(AdvisoryError, match=r"GHSA-1\.json"):
        OsvFolder(tmp_path)([H11])


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    packed(tmp_path / "PyPI", ghsa())
    archive = tmp_path / "PyPI" / "all.zip"
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(AdvisoryError, match=r"all\.zip can't be read"):
        OsvFolder(tmp_path)([H11])


def test_a_damaged_archive_of_another_packing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "PyPI").mkdir()
    archive, text = tmp_path / "PyPI" / "all.zip", json.dumps(ghsa()).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("GHSA-1.json", text)
        place = made.infolist()[0].header_offset + 30 + len("GHSA-1.json") + 12
    packed_bytes = bytearray(archive.read_bytes())
    packed_bytes[place : place + 20] = bytes(20)
    archive.write_bytes(packed_bytes)
    with pytest.raises(AdvisoryError, match=r"all\.zip can't be read"):
        OsvFolder(tmp_path)([H11])


def test_a_record_that_unpacks_to_too_much_is_not_read(tmp_path: Path) -> None:
    packed(tmp_path / "PyPI", ghsa() | {"details": " " * (33 * 1024 * 1024)})
    with pytest.raises(AdvisoryError, match="more than any record"):
        OsvFolder(tmp_path)([H11])
