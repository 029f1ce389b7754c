"""What a builder is sent to ask a build backend, and what is taken of its answer."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet.lock.model import Base
from fleet.releases.lock.builders import Build, BuilderError
from fleet.releases.lock.built_metadata import Backends
from fleet.releases.lock.requirements import Wanted
from fleet.releases.lock.resolver import Resolver
from fleet.releases.pypi.pypi import File
from fleet.releases.pypi.sdists import SdistError
from tests.fleet.examples import DIGEST
from tests.fleet.releases.outside import NO_COOLDOWN
from tests.fleet.releases.simple import Simple, serving

METADATA = "Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nRequires-Dist: dep\n"


def report(name: str = "odd", *requires: str) -> bytes:
    known = {"name": name, "version": "1.0", "requires_dist": ["dep", *requires]}
    return json.dumps({"install": [{"metadata": known}]}).encode()


def archive(**files: bytes) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as made:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return body.getvalue()


@dataclass
class World:
    """An index, a builder that leaves ``left``, and what it was sent."""

    index: Simple
    left: bytes = archive(REPORT=report())
    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    builds: list[Build] = field(default_factory=list)
    sent: dict[str, bytes] = field(default_factory=dict)

    def backends(self) -> Backends:
        resolver = Resolver(
            index=self.index.url,
            cooldown=NO_COOLDOWN,
            files=self.index.listed,
            metadata=self.asked,
            note=lambda _: None,
        )
        return Backends(
            base=lambda python: Base(
                name=f"python:{python}",
                repository="python",
                digest=DIGEST,
                platforms=dict.fromkeys(self.platforms, DIGEST),
            ),
            content=self.index.content,
            files=self.index.listed,
            distributions=resolver,
            build=self.build,
            say=lambda _: None,
        )

    def build(self, build: Build) -> bytes:
        self.builds.append(build)
        files = (path for path in build.folder.rglob("*") if path.is_file())
        self.sent = {str(path.relative_to(build.folder)): path.read_bytes() for path in files}
        return self.left

    def asked(self, file: File, python: str) -> str | SdistError:
        try:
            return self.backends().metadata(file, python)
        except SdistError as error:
            return error

    def metadata(self) -> str:
        (sdist,) = self.index.listed("odd")
        return self.backends().metadata(sdist, "3.12")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving() as index:
        yield World(index)


def test_the_builder_is_sent_the_source_and_the_locked_wheels_that_build_it(world: World) -> None:
    world.index.wheel("helper", "1.0", "more")
    world.index.wheel("more", "2.0")
    world.index.sdist("odd", "1.0", builds=["helper"])
    assert world.metadata() == METADATA
    (build,) = world.builds
    assert (build.base, build.platform) == (f"python@{DIGEST}", "linux/amd64")
    assert world.sent.keys() == {
        "Dockerfile", "ask_backend.sh", "requirements.txt", "source.tar.gz",
        "wheels/helper-1.0-py3-none-any.whl", "wheels/more-2.0-py3-none-any.whl",
    }  # fmt: skip
    assert world.sent["requirements.txt"] == b"helper==1.0\nmore==2.0\n"
    assert b"--network=none" in world.sent["Dockerfile"]
    assert not build.folder.exists()


def test_what_is_required_is_resolved_with_the_rest(world: World) -> None:
    world.index.sdist("odd", "1.0")
    world.index.wheel("dep", "3.0")
    wanted = Wanted(requirements=("odd",), python="3.12", from_source=("odd",))
    found = world.backends().distributions(wanted)
    assert found.pins == ("dep==3.0", "odd==1.0")
    assert found.hashes["odd==1.0"] == (world.index.listed("odd")[0].sha256,)


def test_it_is_asked_where_something_is_declared(world: World) -> None:
    world.index.sdist("odd", "1.0")
    world.platforms = ("linux/arm64", "linux/arm/v7")
    world.metadata()
    assert world.builds[0].platform == "linux/arm/v7"


def test_what_builds_it_needs_a_wheel_and_is_never_asked_itself(world: World) -> None:
    world.index.sdist("odd", "1.0", builds=["odd-backend"])
    world.index.sdist("odd-backend", "1.0")
    with pytest.raises(
        SdistError, match=r"odd-1\.0\.tar\.gz: its build requirements can't be resolved: .*odd-"
    ):
        world.metadata()
    assert world.builds == []


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (
            archive(ERROR=b"no \x1b[31mcompiler\n"),
            "did not report its requirements: no [31mcompiler",
        ),
        (archive(), "did not report its requirements: it gave no reason"),
        (archive(REPORT=report("other")), "gives the metadata of other 1.0"),
        (archive(REPORT=b"x" * 3_000_000), "returned invalid metadata"),
    ],
)
def test_an_answer_is_a_strangers(world: World, left: bytes, says: str) -> None:
    world.index.sdist("odd", "1.0")
    world.left = left
    with pytest.raises(SdistError, match=r"odd-1\.0\.tar\.gz: ") as failure:
        world.metadata()
    assert says in str(failure.value)
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 2500


def test_a_link_in_an_answer_is_not_followed(world: World) -> None:
    world.index.sdist("odd", "1.0")
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as made:
        link = tarfile.TarInfo("REPORT")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    world.left = body.getvalue()
    with pytest.raises(SdistError, match="it gave no reason"):
        world.metadata()


def test_a_builder_that_fails_is_no_answer_and_nothing_older_is_taken(world: World) -> None:
    world.index.sdist("odd", "1.0")
    world.index.wheel("odd", "0.9")
    world.left = b"no archive"
    wanted = Wanted(requirements=("odd",), python="3.12", from_source=("odd",))
    with pytest.raises(BuilderError, match=r"odd-1\.0\.tar\.gz: its requirements can't be read"):
        world.backends().distributions(wanted)


def test_a_file_whose_name_leads_elsewhere_is_not_taken(world: World) -> None:
    world.index.sdist("odd", "1.0", builds=["helper"])
    world.index.offer("helper", "helper-1.0-1/../../x-py3-none-any.whl", b"x", None)
    with pytest.raises(SdistError, match="odd-1"):
        world.metadata()
    assert world.builds == []


def test_a_release_that_requires_an_address_is_passed_over_for_an_older_one(world: World) -> None:
    world.index.sdist("odd", "1.0")
    world.index.wheel("odd", "0.9")
    world.left = archive(REPORT=report("odd", "a @ git+https://evil.example/a"))
    wanted = Wanted(requirements=("odd",), python="3.12", from_source=("odd",))
    assert world.backends().distributions(wanted).pins == ("odd==0.9",)
