"""Stand-ins for the official Python images."""

import os
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from fleet.console import TroubleError
from fleet.http.errors import HttpError
from fleet.http.message import Reply
from fleet.local import registry
from fleet.local.base_images import bases, rootfs
from fleet.local.base_images.bases import RECIPE_ANNOTATION, StandIn
from fleet.local.base_images.rootfs import Recipe
from fleet.local.paths import Checkout
from fleet.local.platforms import NAMES, native
from tests.fleet.local.examples import PLATFORMS, checkout, command, needs, told

BOTH = (("3.11", "slim"), ("3.13", "slim"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout without decisions, on a machine that can't reach docker.io."""
    monkeypatch.setattr(bases, "is_reachable", lambda _: False)
    made = checkout(tmp_path)
    made.tls.mkdir(parents=True)
    return made


def stand_in(**overrides: str) -> StandIn:
    values = {"host": "localhost:5443", "python": "3.11", "base": "slim", **overrides}
    return StandIn(platforms=PLATFORMS, **values)


def made_of(found: StandIn, folder: Path) -> dict[Recipe, Path]:
    """Root file systems with a word each in place of Debian."""
    result = {}
    for recipe in found.recipes.values():
        made = folder / recipe.key
        made.mkdir()
        (made / "rootfs.tar.gz").write_text(recipe.architecture)
        (made / "version").write_text("3.11.2\n")
        if recipe.native:
            (made / "common.tar.gz").write_text("common")
        result[recipe] = made
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
    monkeypatch.setattr(bases, "is_reachable", lambda _: True)
    assert bases.wanted(here, needs()) == []


@pytest.mark.parametrize(
    "overrides",
    [{"built_here": ()}, {"port": None}, {"base_registry": "mirror.example.org/library"}],
)
def test_none_is_made_for_a_builder_registry_or_mirror_of_the_users(
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
    monkeypatch.setattr(bases, "is_reachable", lambda _: reachable)
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
    monkeypatch.setattr(bases, "_is_there", lambda *_: True)
    bases.ensure(here, needs(), [stand_in()])
    text = here.bases_file.read_text()
    assert yaml.safe_load(text) == {"3.11-slim": "localhost:5443/stand-in/python:3.11-slim"}
    assert text.startswith("# Base images made here because")


def test_that_the_official_images_are_used_is_written_down_too(here: Checkout) -> None:
    bases.ensure(here, needs(), [])
    assert yaml.safe_load(here.bases_file.read_text()) == {}


def test_one_is_made_again_when_the_recipe_is_another(
    here: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = stand_in()
    answers = {
        "whole": {"annotations": {RECIPE_ANNOTATION: wanted.recipe}},
        "another recipe": {"annotations": {RECIPE_ANNOTATION: "0"}},
        "absent": {},
    }
    found = {}
    for name, answer in answers.items():
        monkeypatch.setattr(registry, "index", lambda *_, given=answer: given)
        found[name] = bases._is_there(here, 5443, wanted)
    assert found == {"whole": True, "another recipe": False, "absent": False}


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [(200, b'{"annotations": {}}', {"annotations": {}}), (404, b"{}", {}),
     (500, b"<html>", None), (200, b"[]", None), (200, b"{", None)],
)  # fmt: skip
def test_what_a_tag_names_is_read_or_an_error(
    here: Checkout, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, found: object
) -> None:
    reply = Reply(status=status, headers=httpx.Headers(), body=body)
    monkeypatch.setattr(registry, "_get", lambda *_: reply)
    if found is None:
        with pytest.raises(HttpError, match=r"localhost:5443/stand-in/python:3\.11: .*\nRun make"):
            registry.index(here, 5443, bases.REPOSITORY, "3.11")
    else:
        assert registry.index(here, 5443, bases.REPOSITORY, "3.11") == found


def context(tmp_path: Path, wanted: StandIn) -> tuple[Path, str]:
    """The build context of ``wanted``, and the Dockerfile in it."""
    folder = tmp_path / "context"
    folder.mkdir()
    bases.write_context(folder, wanted, made_of(wanted, tmp_path), b"trusted")
    return folder, (folder / "Dockerfile").read_text()


def test_each_platform_has_its_own_layer_then_the_common_one_then_the_authorities(
    tmp_path: Path,
) -> None:
    folder, dockerfile = context(tmp_path, stand_in())
    stages = dockerfile.split("FROM ")[1:]
    for stage, debian in (("amd64", "amd64"), ("arm64", "arm64"), ("armv7", "armhf")):
        assert (folder / f"{stage}.tar.gz").read_text() == debian
        assert (
            f"scratch AS for-{stage}\nADD {stage}.tar.gz /\nENV PYTHON_VERSION=3.11.2\n" in stages
        )
    assert stages[-1].startswith(
        "for-${TARGETARCH}${TARGETVARIANT}\nADD common.tar.gz /\n"
        "COPY --chmod=644 ca-certificates.crt /etc/ssl/certs/ca-certificates.crt\n"
        "ENV PATH=/usr/local/bin:"
    )
    assert (folder / "common.tar.gz").read_text() == "common"
    assert (folder / "ca-certificates.crt").read_bytes() == b"trusted"


def test_this_machines_own_platform_is_there_even_if_nothing_is_built_for_it(
    tmp_path: Path,
) -> None:
    foreign = next(p for p in PLATFORMS if p != native())
    found = StandIn(host="localhost:5443", python="3.11", base="slim", platforms=(foreign,))
    assert list(found.recipes) == [foreign, native()], "wheels are installed on it"
    assert [recipe.native for recipe in found.recipes.values()] == [False, True]
    assert context(tmp_path, found)[1].count("FROM scratch") == 2


def test_one_for_other_platforms_is_another() -> None:
    foreign = next(p for p in PLATFORMS if p != native())
    values = {"host": "localhost:5443", "python": "3.11", "base": "slim"}
    one, both = (StandIn(platforms=p, **values) for p in ((foreign,), (foreign, native())))
    assert one.recipe == both.recipe
    assert one.recipe != StandIn(platforms=(native(),), **values).recipe


def test_one_of_more_platforms_serves_and_one_of_fewer_does_not() -> None:
    values = {"host": "localhost:5443", "python": "3.11", "base": "slim"}
    more, fewer = (StandIn(platforms=p, **values) for p in (PLATFORMS, (native(),)))
    assert fewer.is_served_by(more.recipe)
    assert not more.is_served_by(fewer.recipe)


@pytest.fixture
def making(here: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout whose registry has no stand-in yet, and whose root file systems are made."""
    (here.cache / "rootfs").mkdir(parents=True)
    monkeypatch.setattr(registry, "index", lambda *_: {})
    made = made_of(stand_in(), tmp_path)
    monkeypatch.setattr(rootfs, "ensure", lambda _, recipe, __: made[recipe])
    return here


def test_buildkit_pushes_one_index_for_all_platforms_with_our_login(
    making: Checkout, tmp_path: Path
) -> None:
    script = f'echo "$DOCKER_CONFIG" "$@" >{tmp_path}/asked'
    command(making.bin, "buildctl", script)
    wanted = stand_in()
    bases.ensure(making, needs(), [wanted])
    login, *words = (tmp_path / "asked").read_text().split()
    assert login == str(making.docker_config)
    assert words[:3] == ["--addr", f"unix://{making.socket}", "build"]
    assert f"--opt=platform={','.join(PLATFORMS)}" in words
    assert words[-1] == (
        f"--output=type=image,name={wanted.reference},push=true,oci-mediatypes=true,"
        f"rewrite-timestamp=true,annotation-index.{RECIPE_ANNOTATION}={wanted.recipe}"
    )
    assert list((making.cache / "rootfs").iterdir()) == [], "nothing is left of the context"


def test_other_checkouts_wait_for_root_file_systems_and_for_no_push(
    making: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, made = shlex.quote(str(making.cache / "lock")), rootfs.ensure
    free = ["flock", "--nonblock", str(making.cache / "lock"), "true"]

    def ensure(*given: Any) -> Path:
        assert subprocess.run(free, check=False).returncode == 1
        return made(*given)

    monkeypatch.setattr(rootfs, "ensure", ensure)
    command(making.bin, "buildctl", f"exec flock --nonblock {lock} true")
    bases.ensure(making, needs(), [stand_in()])


def test_a_refusal_is_told_with_what_buildkit_said(making: Checkout) -> None:
    command(making.bin, "buildctl", "echo 507: disk full >&2; exit 1")
    with pytest.raises(TroubleError, match=r"(?s)python:3\.11-slim.*507: disk full"):
        bases.ensure(making, needs(), [stand_in()])
    assert not making.bases_file.exists()


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
printf '%s\n' "$@" >"${out%/*}/words"
"""


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    command(tmp_path / "bin", "mmdebstrap", MMDEBSTRAP)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    told(tmp_path / "bin", CALLS=str(tmp_path / "calls"), FAILS="nothing")
    return tmp_path / "calls"


RECIPE = Recipe(python="3.13", base="slim", architecture="armhf", native=False)


def test_who_is_not_root_makes_root_file_systems_where_namespaces_are_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert rootfs.can_make(), "root needs nothing that apt does not install"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    command(tmp_path, "unshare", 'test "$*" = "--map-root-user --map-auto true"')
    assert not rootfs.can_make(), "mmdebstrap is not there"
    command(tmp_path, "mmdebstrap", "exit 0")
    assert rootfs.can_make()
    command(tmp_path, "unshare", "exit 1")
    assert not rootfs.can_make()


@pytest.mark.parametrize(("user", "mode"), [(0, "root"), (1000, "unshare")])
def test_files_are_handed_in_and_out(
    here: Checkout, mmdebstrap: Path, monkeypatch: pytest.MonkeyPatch, user: int, mode: str
) -> None:
    """The root of a namespace may read nothing of this user's."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    native = replace(RECIPE, native=True)
    made = rootfs.ensure(here, native, mmdebstrap.with_name("ca.pem"))
    words = (made / "words").read_text()
    assert f"--mode={mode}\n" in words
    hooks = [line.partition("=")[2] for line in words.splitlines() if "extract-hook" in line]
    verbs = [hook.partition(" ")[0] for hook in hooks]
    assert verbs == ["mkdir", "upload", "upload", "sh", "download", "download", "rm"]


def test_a_root_file_system_is_made_once_for_all_checkouts(
    here: Checkout, mmdebstrap: Path, tmp_path: Path
) -> None:
    first = rootfs.ensure(here, RECIPE, tmp_path / "ca.pem")
    assert rootfs.ensure(here, RECIPE, tmp_path / "ca.pem") == first
    assert mmdebstrap.read_text().count("call") == 1
    assert (first / "version").read_text() == "3.13.5\n"


def test_a_mirror_out_of_step_is_met_by_a_plainer_list_of_sources(
    here: Checkout, mmdebstrap: Path, tmp_path: Path
) -> None:
    told(tmp_path / "bin", FAILS=" trixie ")
    assert (rootfs.ensure(here, RECIPE, tmp_path / "ca.pem") / "rootfs.tar.gz").is_file()
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
    found = rootfs.sources("trixie", "stable")
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
