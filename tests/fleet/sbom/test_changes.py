"""What moved between two lists of packages."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from fleet.sbom import changes as program
from fleet.sbom.model import Contents, Package, PackageKind, System

DEBIAN = System(name="debian", version="12")


def image(packages: Iterable[Package], system: System = DEBIAN) -> Contents:
    return Contents(
        digest=f"sha256:{'a' * 64}", platform="linux/amd64", created="", labels={}, system=system,
        packages=tuple(packages),
    )  # fmt: skip


def changes(before: Iterable[Package], after: Iterable[Package]) -> tuple[str, ...]:
    return tuple(move.text for move in program.changes(image(before), image(after)))


def package(name: str, version: str, kind: str = PackageKind.DEBIAN, arch: str = "") -> Package:
    return Package(kind=kind, name=name, version=version, architecture=arch)


def python(name: str, version: str) -> Package:
    return package(name, version, PackageKind.PYTHON)


def test_a_line_for_each_that_moved_came_or_went() -> None:
    before = [package("zlib1g", "1.3"), package("openssl", "3.0.15"), package("curl", "8.14.1")]
    after = [package("openssl", "3.0.16"), package("zlib1g", "1.3"), package("bash", "5.2")]
    assert changes(before, after) == (
        "openssl 3.0.15 -> 3.0.16",
        "added bash 5.2",
        "removed curl 8.14.1",
    )


def test_what_did_not_move_has_no_line() -> None:
    same = [package("openssl", "3.0.15"), python("pip", "25.0")]
    assert changes(same, reversed(same)) == ()
    assert changes([], []) == ()


def test_a_name_of_two_systems_says_which_one() -> None:
    before = [package("pip", "1"), python("pip", "24.0"), python("six", "1.16")]
    after = [package("pip", "1"), python("pip", "25.0"), python("six", "1.17")]
    assert changes(before, after) == ("pip (Python) 24.0 -> 25.0", "six 1.16 -> 1.17")


def test_a_package_that_changes_its_system_comes_and_goes() -> None:
    assert changes([package("six", "1")], [python("six", "1")]) == (
        "added six (Python) 1",
        "removed six (Debian) 1",
    )


def test_versions_side_by_side_are_all_listed() -> None:
    before = [python("six", "1.9"), python("six", "1.10")]
    assert changes(before, [python("six", "1.10")]) == ("six 1.9, 1.10 -> 1.10",)


def test_one_line_for_all_architectures_of_a_package() -> None:
    before = [package("libc6", "2.36", arch=arch) for arch in ("amd64", "i386")]
    after = [package("libc6", "2.41", arch=arch) for arch in ("amd64", "i386")]
    assert changes(before, after) == ("libc6 2.36 -> 2.41",)


def test_a_line_is_one_line_of_bounded_length() -> None:
    (line,) = changes([], [python("six", "1\n\x1b[2J")])
    assert line == "added six 1 [2J"
    (line,) = changes([], [python("x" * 300, "1" * 300)])
    assert len(line) < 220


def test_a_system_that_moved_comes_first() -> None:
    moved = ([package("bash", "5.2")], [package("bash", "5.3")])
    after = System(name="debian", version="13")
    found = program.changes(image(moved[0]), image(moved[1], after))
    assert [move.text for move in found] == ["debian 12 -> 13", "bash 5.2 -> 5.3"]
    other = program.changes(image([]), image([], System(name="alpine", version="3.22.1")))
    assert [move.text for move in other] == ["system debian 12 -> alpine 3.22.1"]
    (hostile,) = program.changes(image([]), image([], System(name="debian", version="1\n@all")))
    assert hostile.text == "debian 12 -> 1 @all"


_PACKAGES = st.lists(
    st.builds(
        package,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from([PackageKind.DEBIAN, PackageKind.PYTHON]),
    )
)


@given(_PACKAGES, _PACKAGES)
def test_lines_are_there_exactly_where_names_or_versions_differ(
    before: list[Package], after: list[Package]
) -> None:
    assert (changes(before, after) == ()) == ({p.key for p in before} == {p.key for p in after})
    assert changes(before, after) == changes(before[::-1], after[::-1])
