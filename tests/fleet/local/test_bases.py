"""Stand-ins for the official Python images."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from fleet.console import TroubleError
from fleet.local import certificates
from fleet.local.base_images import bases, rootfs, standin
from fleet.local.base_images.layers import layer_of_file
from fleet.local.base_images.push import Repository
from fleet.local.base_images.rootfs import Recipe, RootFilesystem, Suite
from fleet.local.base_images.standin import RECIPE_ANNOTATION, StandIn
from fleet.local.paths import Checkout
from fleet.local.platforms import NAMES, native
from tests.fleet.http.mocked import mocked
from tests.fleet.local.examples import PLATFORMS, checkout, command, needs, told

BOTH = (("3.11", "slim"), ("3.13", "slim"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout without decisions, on a machine that can't reach docker.io."""
    monkeypatch.setattr(bases, "_hub_is_reachable", lambda: False)
    made = checkout(tmp_path)
    made.tls.mkdir(parents=True)
    return made


def stand_in(**overrides: str) -> StandIn:
    values = {"host": "localhost:5443", "python": "3.11", "base": "slim", **overrides}
    return StandIn(platforms=PLATFORMS, **values)


def made_of(found: StandIn, folder: Path) -> dict[Recipe, RootFilesystem]:
    """Root file systems with a word each in place of Debian."""
    result = {}
    for recipe in found.recipes.values():
        own, common = folder / recipe.key, folder / f"{recipe.key}-common"
        own.write_bytes(gzip.compress(recipe.architecture.encode(), mtime=0))
        common.write_bytes(gzip.compress(b"common", mtime=0))
        result[recipe] = RootFilesystem(
            layer=layer_of_file(own),
            common=layer_of_file(common) if recipe.native else None,
            python_version="3.11.2",
        )
    return result


def test_each_python_and_base_gets_one_where_docker_io_is_out_of_reach(here: Checkout) -> None:
    found = bases.wanted(here, needs(bases=BOTH))
    assert [s.reference for s in found] == [
        "localhost:5443/stand-in/python:3.11-slim",
        "localhost:5443/stand-in/python:3.13-slim",
    ]


def test_the_full_base_has_no_part_in_its_tag_as_the_official_image_has_none() -> None:
    assert stand_in(base="full").reference == "localhost:5443/stand-in/python:3.11"
    assert stand_in(base="full").key == "3.11-full"


def test_none_is_made_where_docker_io_answers(
    here: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "_hub_is_reachable", lambda: True)
    assert bases.wanted(here, needs()) == []


@pytest.mark.parametrize("overrides", [{"built_here": ()}, {"port": None}])
def test_none_is_made_for_a_builder_or_registry_of_the_users(
    here: Checkout, overrides: dict[str, Any]
) -> None:
    assert bases.wanted(here, needs(**overrides)) == []


@pytest.mark.parametrize("reachable", [True, False])
def test_what_was_decided_before_holds(
    here: Checkout, monkeypatch: pytest.MonkeyPatch, reachable: bool
) -> None:
    here.bases_file.write_text("{}\n")
    assert bases.wanted(here, needs()) == []
    here.bases_file.write_text("3.11-slim: localhost:5443/stand-in/python:3.11-slim\n")
    monkeypatch.setattr(bases, "_hub_is_reachable", lambda: reachable)
    assert [s.key for s in bases.wanted(here, needs(bases=BOTH))] == ["3.11-slim", "3.13-slim"]


@pytest.mark.parametrize("pair", [("3.12", "slim"), ("3.11", "alpine")])
def test_a_base_that_debian_cannot_give_is_refused_with_what_it_can(
    here: Checkout, pair: tuple[str, str]
) -> None:
    with pytest.raises(TroubleError) as caught:
        bases.wanted(here, needs(bases=(pair,)))
    assert pair[0] in str(caught.value)
    assert "Declare Python 3.11 or 3.13 with the base slim or full" in str(caught.value)


def test_the_bases_file_names_the_stand_ins_by_python_and_base(
    here: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates.ensure(here)
    monkeypatch.setattr(bases, "_is_there", lambda *_: True)
    bases.ensure(here, needs(), [stand_in()])
    text = here.bases_file.read_text()
    assert yaml.safe_load(text) == {"3.11-slim": "localhost:5443/stand-in/python:3.11-slim"}
    assert text.startswith("# Base images made here because")


def test_that_the_official_images_are_used_is_written_down_too(here: Checkout) -> None:
    bases.ensure(here, needs(), [])
    assert yaml.safe_load(here.bases_file.read_text()) == {}


def test_one_is_made_again_when_a_platform_or_the_recipe_is_another(
    here: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = stand_in()
    whole = {
        "manifests": [
            {"platform": {"os": "linux", "architecture": "amd64"}},
            {"platform": {"os": "linux", "architecture": "arm64"}},
            {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
        ],
        "annotations": {RECIPE_ANNOTATION: wanted.recipe},
    }
    answers = {
        "whole": whole,
        "a platform less": {**whole, "manifests": whole["manifests"][:2]},  # type: ignore[index]
        "another recipe": {**whole, "annotations": {RECIPE_ANNOTATION: "0"}},
        "absent": {},
    }
    found = {}
    for name, answer in answers.items():
        monkeypatch.setattr(Repository, "index", lambda *_, given=answer: given)
        with opened(here, Registry()) as repository:
            found[name] = bases._is_there(repository, wanted)
    assert found == {
        "whole": True, "a platform less": False, "another recipe": False, "absent": False,
    }  # fmt: skip


def test_each_platform_has_its_own_layer_then_the_common_one_then_the_authorities(
    tmp_path: Path,
) -> None:
    wanted = stand_in()
    made = made_of(wanted, tmp_path)
    images = standin.images_of(wanted, made, b"trusted")
    assert [image.platform for image in images] == list(PLATFORMS)
    common = made[wanted.recipes[native()]].common
    for image in images:
        own, second, third, config = image.blobs
        assert own == made[wanted.recipes[image.platform]].layer.blob
        assert common is not None
        assert second == common.blob
        assert third == images[0].blobs[2]
        assert isinstance(config.content, bytes)
        env = json.loads(config.content)["config"]["Env"]
        assert "PYTHON_VERSION=3.11.2" in env
        assert any(entry.startswith("PATH=/usr/local/bin:") for entry in env)


def test_this_machines_own_platform_is_there_even_if_nothing_is_built_for_it(
    tmp_path: Path,
) -> None:
    foreign = next(p for p in PLATFORMS if p != native())
    found = StandIn(host="localhost:5443", python="3.11", base="slim", platforms=(foreign,))
    assert list(found.recipes) == [foreign, native()]
    assert [recipe.native for recipe in found.recipes.values()] == [False, True]
    made = standin.images_of(found, made_of(found, tmp_path), b"trusted")
    assert [image.platform for image in made] == [foreign, native()], "wheels are installed on it"


def test_one_for_other_platforms_is_another() -> None:
    foreign = next(p for p in PLATFORMS if p != native())
    values = {"host": "localhost:5443", "python": "3.11", "base": "slim"}
    one, both = (StandIn(platforms=p, **values) for p in ((foreign,), (foreign, native())))
    assert one.recipe == both.recipe
    assert one.recipe != StandIn(platforms=(native(),), **values).recipe


class Registry:
    """Answers as a registry does, and keeps what was stored in the order of its arrival."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.refuses = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v2/stand-in/python/")
        if self.refuses and path.startswith(self.refuses):
            return httpx.Response(507, text="disk full")
        if request.method == "HEAD":
            return httpx.Response(200 if path in self.stored else 404)
        if request.method == "POST":
            return httpx.Response(202, headers={"location": str(request.url.join("42?state=x"))})
        if "digest" in request.url.params:
            assert request.url.params["state"] == "x"
            assert len(request.read()) == int(request.headers["content-length"])
            path = f"blobs/{request.url.params['digest']}"
        self.stored.append(path)
        return httpx.Response(201)


def opened(here: Checkout, answers: Registry) -> Repository:
    return Repository.open(here, 5443, "stand-in/python", lambda _: mocked(answers))


@pytest.fixture
def answering(here: Checkout) -> Iterator[tuple[Registry, Repository]]:
    answers = Registry()
    with opened(here, answers) as repository:
        yield answers, repository


def test_blobs_go_before_manifests_and_the_tag_is_last(
    answering: tuple[Registry, Repository], tmp_path: Path
) -> None:
    answers, repository = answering
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(b"trusted")
    wanted = stand_in()
    standin.push(repository, wanted, made_of(wanted, tmp_path), trusted)
    kinds = re.sub(r"sha256:[0-9a-f]+", "D", " ".join(answers.stored))
    assert kinds == (
        "blobs/D blobs/D blobs/D blobs/D manifests/D "
        "blobs/D blobs/D manifests/D "  # what is common was pushed with the first platform
        "blobs/D blobs/D manifests/D manifests/3.11-slim"
    )


@pytest.mark.parametrize("refused", ["blobs/uploads/42", "manifests/sha256:"])
def test_a_refusal_is_told_with_what_the_registry_said(
    answering: tuple[Registry, Repository], tmp_path: Path, refused: str
) -> None:
    answers, repository = answering
    answers.refuses = refused
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(b"trusted")
    with pytest.raises(TroubleError, match="507: disk full"):
        standin.push(repository, stand_in(), made_of(stand_in(), tmp_path), trusted)
    assert "manifests/3.11-slim" not in answers.stored


# Makes what the real one makes, unless the sources hold the word that is to fail.
MMDEBSTRAP = """
. "${0%/*}/told"
echo call >>"$CALLS"
sources=$(cat)
case $sources in *"$FAILS"*) echo "E: out of sync: $sources" >&2; exit 100 ;; esac
for out; do case $out in */rootfs.tar.gz) break ;; esac; done
echo root | gzip -n >"$out"
echo common | gzip -n >"${out%/*}/common.tar.gz"
echo 3.13.5 >"${out%/*}/version"
"""


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    command(tmp_path / "bin", "mmdebstrap", MMDEBSTRAP)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    told(tmp_path / "bin", CALLS=str(tmp_path / "calls"), FAILS="nothing")
    return tmp_path / "calls"


RECIPE = Recipe(python="3.13", base="slim", architecture="armhf", native=False)


def test_a_root_file_system_is_made_once_for_all_checkouts(
    here: Checkout, mmdebstrap: Path, tmp_path: Path
) -> None:
    first = rootfs.ensure(here, RECIPE, tmp_path / "ca.pem")
    assert rootfs.ensure(here, RECIPE, tmp_path / "ca.pem") == first
    assert mmdebstrap.read_text().count("call") == 1
    assert (first.python_version, first.common) == ("3.13.5", None)


def test_a_mirror_out_of_step_is_met_by_a_plainer_list_of_sources(
    here: Checkout, mmdebstrap: Path, tmp_path: Path
) -> None:
    told(tmp_path / "bin", FAILS=" trixie ")
    assert rootfs.ensure(here, RECIPE, tmp_path / "ca.pem").python_version == "3.13.5"
    assert mmdebstrap.read_text().count("call") == 3


def test_when_no_sources_serve_the_last_lines_are_told_and_nothing_is_left(
    here: Checkout, mmdebstrap: Path, tmp_path: Path
) -> None:
    told(tmp_path / "bin", FAILS="deb")
    with pytest.raises(TroubleError, match=r"(?s)python:3\.13 \(slim\) for armhf.*out of sync"):
        rootfs.ensure(here, RECIPE, tmp_path / "ca.pem")
    assert mmdebstrap.exists()
    assert list((here.cache / "rootfs").iterdir()) == []


def test_sources_get_plainer_and_end_with_the_alias_of_the_release() -> None:
    found = rootfs.sources(Suite(codename="trixie", alias="stable"))
    assert [len(lines) for lines in found] == [2, 1, 1]
    assert found[-1] == ["deb http://deb.debian.org/debian stable main"]


def test_the_recipe_follows_python_base_and_architecture() -> None:
    recipes = [
        Recipe(python=python, base=base, architecture=architecture, native=native)
        for python in rootfs.SUITES
        for base in rootfs.PACKAGES
        for architecture in (NAMES[platform].debian for platform in PLATFORMS)
        for native in (True, False)
    ]
    assert len({recipe.key for recipe in recipes}) == len(recipes)
