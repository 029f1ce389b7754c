"""Where registry and builder run: what decides is looked at before any site is asked."""

import os
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import place_daemons
from fleet.local.place_daemons import Placed, place
from fleet.local.requirements import Needs
from fleet.local.toolchain import archives, golang, modules, published, toolchain
from fleet.local.toolchain.golang import NoGoError
from fleet.local.toolchain.lacking import Lacking
from fleet.local.toolchain.modules import Module
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import checkout, command, needs

ROOT = Path(__file__).parents[3]
ANSWERS = "case $* in *version*) echo linux ;; *) echo '{}' ;; esac"
NOTHING = Supply(there={}, plugins=(), downloads=(), builds=())


class Survey:
    """Stands in for the toolchain's survey, which asks sites: keeps the needs it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, lacks: tuple[str, ...] = ()) -> None:
        self.asked: list[Needs] = []
        self._lacks = lacks
        monkeypatch.setattr(toolchain, "survey", self._survey)

    def _survey(self, _checkout: object, wanted: Needs) -> Supply:
        self.asked.append(wanted)
        if self._lacks:
            raise NoGoError(Lacking(names=self._lacks, no_go="there is none"))
        return NOTHING


@pytest.fixture(autouse=True)
def privileged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may run in a container themselves."""
    monkeypatch.setattr(place_daemons, "_STATUS", tmp_path / "absent")


def placed(folder: Path, docker: str, **env: str) -> Placed:
    """Return where they run on Linux, with a client of Docker that runs the script ``docker``."""
    path = command(folder / "bin", "docker", docker).parent
    known = {"DOCKER_HOST": "unix:///srv/docker.sock", **env}
    return place(checkout(folder), needs(), {"PATH": f"{path}:/usr/bin:/bin", **known})


@pytest.fixture
def without_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Go on this machine."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.setattr(golang, "_FOLDER", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("user", "asked", "refusal"),
    [
        (0, "docker", "FLEET_DAEMONS is docker; and no Docker engine can be used"),
        (0, "elsewhere", "FLEET_DAEMONS is 'elsewhere'; expected docker or host"),
        (1000, "", "this user is not root"),
    ],
)
def test_no_site_is_asked_where_they_can_run_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, asked: str, refusal: str
) -> None:
    survey = Survey(monkeypatch, lacks=("buildkit",))
    monkeypatch.setattr(golang, "is_there", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(TroubleError, match=refusal):
        placed(tmp_path, "exit 1", FLEET_DAEMONS=asked)
    assert survey.asked == []


def test_the_programs_of_the_place_that_was_chosen_are_surveyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = Survey(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert placed(tmp_path, "exit 1") == Placed(docker="", tools=needs(), supply=NOTHING)
    in_docker = placed(tmp_path, ANSWERS)
    assert in_docker.docker == "unix:///srv/docker.sock"
    assert in_docker.free, "the host can be asked for"
    assert survey.asked == [needs(), needs().without_daemons]


@pytest.mark.parametrize(
    ("docker", "remedy"),
    [("exit 1", "^pulumi, buildkit can't be had"), ("echo linux", "^pulumi can't .* Docker does")],
)
def test_what_can_t_be_had_is_named_with_the_place_that_lacks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker: str, remedy: str
) -> None:
    Survey(monkeypatch, lacks=("pulumi", "buildkit"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(TroubleError, match=rf"(?s){remedy}"):
        placed(tmp_path, docker)


def recorded(folder: Path, *more: Module) -> None:
    """Record in a checkout what the project does, and the archives of ``more``."""
    path = checkout(folder).root / published.RECORDED
    path.parent.mkdir(exist_ok=True)
    lines = "".join(f"{'0' * 64}  {archives.archive(module)}\n" for module in more)
    path.write_text((ROOT / published.RECORDED).read_text() + lines)


@pytest.mark.parametrize(("user", "in_docker"), [(0, False), (1000, True)])
def test_who_does_all_that_a_refusal_says_is_not_refused_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without_go: None,
    user: int,
    in_docker: bool,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(published, "obstacle", lambda _: "")
    recorded(tmp_path)
    with pytest.raises(TroubleError) as refused:
        placed(tmp_path, "exit 1")
    said = str(refused.value)
    assert ("Start Docker" in said) is in_docker, "where it does not suffice, it is not offered"
    assert "docker-build" in said
    assert "make checksums" in said
    recorded(tmp_path, modules.DOCKER_BUILD)
    docker = ANSWERS if in_docker else "exit 1"
    assert placed(tmp_path, docker).supply.builds == ()


def test_where_sites_are_out_of_reach_only_go_is_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_go: None
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(published, "obstacle", lambda _: "it answers 403")
    recorded(tmp_path)
    for docker in ("exit 1", ANSWERS):
        with pytest.raises(TroubleError, match=r"\nInstall Go 1\.26 or newer [^,]*$"):
            placed(tmp_path, docker)


ALL_BITS = "000001ffffffffff"
UNPRIVILEGED = "00000000a80425fb"
"""What a container of Docker has without --privileged."""


@pytest.mark.parametrize(
    ("user", "rights", "refusal"),
    [
        (0, f"CapEff:\t{UNPRIVILEGED}", "root may not mount here"),
        (1000, f"CapBnd:\t{UNPRIVILEGED}", "start this container with --privileged and rerun"),
        (1000, f"CapBnd:\t{ALL_BITS}", "or rerun as root"),
        (0, f"CapEff:\t{ALL_BITS}", ""),
    ],
)
def test_root_that_may_not_mount_is_refused_before_anything_is_built(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    rights: str,
    refusal: str,
) -> None:
    Survey(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython\n{rights}\n")
    monkeypatch.setattr(place_daemons, "_STATUS", status)
    if not refusal:
        assert placed(tmp_path, "exit 1").docker == ""
        return
    with pytest.raises(TroubleError, match=refusal):
        placed(tmp_path, "exit 1")


@pytest.mark.parametrize("text", ["", "CapEff:\tnot a number\n"])
def test_rights_that_are_not_known_are_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "status").write_text(text)
    for status in (tmp_path / "status", tmp_path / "absent"):
        monkeypatch.setattr(place_daemons, "_STATUS", status)
        assert place_daemons._privileged()
