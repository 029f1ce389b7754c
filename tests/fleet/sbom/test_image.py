"""What an image consists of, by its layers: each trap of layers is a test."""

import pytest

from fleet.sbom.model import Contents, UnreadableImageError
from tests.fleet.sbom.conftest import Read
from tests.fleet.sbom.layers import (
    OS_RELEASE,
    deb,
    distribution,
    file,
    folder,
    hard_link,
    layer,
    link,
    status,
    unpacked,
)

PIP = distribution("pip", "25.0", folder="usr/local/lib/python3.13/site-packages")
SITE = "usr/local/lib/python3.13/site-packages"


def names(contents: Contents) -> list[str]:
    return [f"{package.name} {package.version}" for package in contents.packages]


def test_packages_of_all_systems_are_found(read: Read) -> None:
    found = read(
        layer(OS_RELEASE, status(deb("openssl", "3.0.15-1~deb12u1"))),
        layer(file("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\n\n")),
        layer(PIP),
        env=("PATH=/bin", "PYTHON_VERSION=3.13.1"),
    )
    assert names(found) == [
        "musl 1.2.5-r0",
        "openssl 3.0.15-1~deb12u1",
        "python 3.13.1",
        "pip 25.0",
    ]
    assert (found.system.name, found.system.version) == ("debian", "13")


def test_a_later_record_replaces_an_earlier_one(read: Read) -> None:
    found = read(layer(status(deb("openssl", "1"))), layer(status(deb("openssl", "2"))))
    assert names(found) == ["openssl 2"]


@pytest.mark.parametrize(
    "hiding",
    [
        file(f"{SITE}/.wh.pip-25.0.dist-info"),
        file("usr/local/lib/.wh.python3.13"),
        file(f"{SITE}/pip-25.0.dist-info/.wh.METADATA"),
        file(f"{SITE}/.wh..wh..opq"),
        file(".wh..wh..opq"),
        file(f"{SITE}/pip-25.0.dist-info", "a file in place of the folder"),
        link("usr/local/lib", "/opt"),
        folder(f"{SITE}/pip-25.0.dist-info/METADATA"),
    ],
    ids=[
        "whiteout of the folder", "of a folder above", "of the file", "opaque folder",
        "opaque root", "file over folder", "link over folder", "folder over file",
    ],
)  # fmt: skip
def test_what_a_layer_hides_is_not_there(read: Read, hiding: object) -> None:
    assert names(read(layer(PIP), layer(hiding))) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sparing",
    [
        file("usr/local/lib/python3.13/.wh.site"),
        file("usr/local/lib/.wh..wh.plnk"),
        file(f"{SITE}/pip-25.0.dist-info/RECORD"),
        folder(SITE),
        file("opt/.wh..wh..opq"),
    ],
    ids=["another name", "a note of aufs", "a file beside", "the folder again", "another folder"],
)
def test_what_a_layer_does_not_hide_is_there(read: Read, sparing: object) -> None:
    assert names(read(layer(PIP), layer(sparing))) == ["pip 25.0"]  # type: ignore[arg-type]


@pytest.mark.parametrize("mark", [f"{SITE}/.wh..wh..opq", f"{SITE}/.wh.pip-25.1.dist-info"])
@pytest.mark.parametrize("first", [True, False])
def test_a_layer_hides_nothing_of_its_own(read: Read, mark: str, first: bool) -> None:
    own = distribution("pip", "25.1", folder=SITE)
    entries = (file(mark), own) if first else (own, file(mark))
    assert "pip 25.1" in names(read(layer(PIP), layer(*entries)))


def test_a_layer_that_comes_twice_counts_at_both_places(read: Read) -> None:
    hidden = layer(file(f"{SITE}/.wh..wh..opq"))
    assert names(read(layer(PIP), hidden, layer(PIP))) == ["pip 25.0"]


def test_an_entry_that_comes_twice_counts_as_the_later_one(read: Read) -> None:
    twice = layer(status(deb("a", "1")), status(deb("b", "2")))
    assert names(read(twice)) == ["b 2"]
    assert names(read(layer(PIP, folder(PIP.path)))) == []


def test_links_are_followed_within_the_image(read: Read) -> None:
    lower = layer(link("lib", "usr/lib"), link("etc/os-release", "../../../usr/lib/os-release"))
    upper = layer(
        file("usr/lib/os-release", "ID=alpine\nVERSION_ID=3.23.0\n"),
        file("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\n\n"),
    )
    found = read(lower, upper)
    assert names(found) == ["musl 1.2.5-r0"]
    assert found.system.version == "3.23.0"


def test_a_whiteout_below_a_linked_folder_hides_what_the_link_leads_to(read: Read) -> None:
    installed = file("usr/lib/apk/db/installed", "P:musl\nV:1.2.5-r0\n\n")
    lower = layer(link("lib", "usr/lib"), installed)
    assert names(read(lower)) == ["musl 1.2.5-r0"]
    assert names(read(lower, layer(file("lib/apk/.wh.db")))) == []


def test_an_opaque_folder_is_found_through_links_and_by_its_whole_name(read: Read) -> None:
    lower = layer(link("opt", "usr/x."), distribution("pip", "25.0", folder="usr/x."))
    assert names(read(lower)) == ["pip 25.0"]
    assert names(read(lower, layer(file("opt/.wh..wh..opq")))) == []
    assert names(read(lower, layer(file("usr/x/.wh..wh..opq")))) == ["pip 25.0"]


def test_a_folder_in_place_of_a_link_ends_it(read: Read) -> None:
    lower = layer(link("lib", "usr/lib"), file("usr/lib/apk/db/installed", "P:a\nV:1\n\n"))
    upper = layer(folder("lib"), file("lib/apk/db/installed", "P:b\nV:2\n\n"))
    assert names(read(lower, upper)) == ["a 1", "b 2"]


def test_links_in_a_circle_are_refused(read: Read) -> None:
    around = layer(link("var/lib", "/opt"), link("opt", "var/lib"))
    with pytest.raises(UnreadableImageError, match="are circular"):
        read(around, layer(status(deb("a", "1"))))


def test_a_record_behind_a_link_to_nowhere_is_not_taken_for_none(read: Read) -> None:
    with pytest.raises(UnreadableImageError, match="var/lib/dpkg/status is a link to something"):
        read(layer(link("var/lib/dpkg/status", "/opt/status")))


def test_a_hard_link_has_the_content_of_its_target(read: Read) -> None:
    cached = distribution("six", "1.17.0", folder="root/cache")
    target = f"{SITE}/six-1.17.0.dist-info/METADATA"
    both = layer(cached, hard_link(target, cached.path))
    assert names(read(both, layer(file("root/.wh.cache")))) == ["six 1.17.0"]
    # Of a lower layer, too: layers are applied one on the other.
    assert names(
        read(layer(cached), layer(hard_link(target, cached.path), file("root/.wh.x")))
    ) == ["six 1.17.0"]


def test_a_hard_link_to_what_is_not_read_is_refused(read: Read) -> None:
    with pytest.raises(UnreadableImageError, match="hard link to opt/x"):
        read(layer(hard_link("var/lib/dpkg/status", "opt/x")))


def test_a_layer_need_not_be_compressed(read: Read) -> None:
    assert names(read(unpacked(PIP))) == ["pip 25.0"]


def test_distroless_records_are_read(read: Read) -> None:
    record = deb("tzdata", "2025a").replace("Status: install ok installed\n", "")
    found = read(
        layer(
            file("var/lib/dpkg/status.d/tzdata", record),
            file("var/lib/dpkg/status.d/tzdata.md5sums", "00 usr/share"),
        )
    )
    assert names(found) == ["tzdata 2025a"]


def test_the_same_distribution_at_two_places_is_one(read: Read) -> None:
    assert names(read(layer(PIP, distribution("pip", "25.0", folder="opt/venv")))) == ["pip 25.0"]
    two = layer(PIP, distribution("pip", "24.0", folder="opt/venv"))
    assert names(read(two)) == ["pip 24.0", "pip 25.0"]
