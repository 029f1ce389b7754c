"""What ends the making of a stand-in's root file system, on packages made for the test."""

import shutil
import subprocess
from pathlib import Path

import pytest

from fleet.local.base_images import rootfs
from fleet.sbom.debian import read_status

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb makes packages")
SCRIPT = Path(rootfs.__file__).with_name("rootfs.sh")


def package(folder: Path, name: str, version: str, *lines: str) -> None:
    """Make a Debian package without files."""
    control = folder / "made" / name / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": "all",
        "Maintainer": "Ann <ann@example.org>",
        "Description": "a package\n Status: of a description is none\n .\n \\n stays",
    }
    text = "".join(f"{key}: {value}\n" for key, value in fields.items())
    control.write_text(text + "".join(f"{line}\n" for line in lines))
    file = f"{name}_{version.replace(':', '%3a')}_all.deb"
    subprocess.run(
        ["dpkg-deb", "--build", str(control.parents[1]), str(folder / file)],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root folder as mmdebstrap leaves it: extracted, and its packages in apt's cache."""
    made = tmp_path / "root"
    for path in ("usr/bin/python3.13", "usr/share/base-passwd/passwd.master",
                 "usr/share/base-passwd/group.master"):  # fmt: skip
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).touch()
    for path in ("bin", "etc", "tmp"):
        (made / path).mkdir()
    cache = made / "var/cache/apt/archives"
    cache.mkdir(parents=True)
    package(cache, "zlib1g", "1:1.3-1", "Depends: libc6")
    package(cache, "python3.13-minimal", "3.13.5-2+deb13u1")
    package(cache, "libc6", "2.41-12")
    return made


def finish(root: Path) -> None:
    subprocess.run(["sh", str(SCRIPT), str(root), "3.13", str(root.parent)], check=True)


def test_dpkg_knows_each_package_that_was_extracted(root: Path) -> None:
    finish(root)
    record = (root / "var/lib/dpkg/status").read_bytes()
    found = {each.name: each for each in read_status(record, "status")}
    assert {name: each.version for name, each in found.items()} == {
        "libc6": "2.41-12",
        "python3.13-minimal": "3.13.5-2+deb13u1",
        "zlib1g": "1:1.3-1",
    }
    assert found["zlib1g"].needs == (("libc6",),)
    assert record.count(b"\nStatus: install ok installed\n") == 3
    assert b" \\n stays\n" in record


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="dpkg-query reads it")
def test_dpkg_itself_reads_that_record(root: Path) -> None:
    finish(root)
    done = subprocess.run(
        ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "--show", "--showformat",
         "${Package} ${Version} ${db:Status-Abbrev}\n"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[:-1] == [
        "libc6 2.41-12 ii ",
        "python3.13-minimal 3.13.5-2+deb13u1 ii ",
        "zlib1g 1:1.3-1 ii ",
    ]


def test_the_record_is_the_same_each_time(root: Path) -> None:
    finish(root)
    first = (root / "var/lib/dpkg/status").read_bytes()
    finish(root)
    assert (root / "var/lib/dpkg/status").read_bytes() == first


def test_a_package_that_can_t_be_read_fails(root: Path) -> None:
    (root / "var/cache/apt/archives/broken_1_all.deb").write_text("no package")
    with pytest.raises(subprocess.CalledProcessError):
        finish(root)
