"""Where registry and builder run: what decides is looked at before any site is asked."""

import os
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local.place_daemons import Placed, place
from fleet.local.requirements import Needs
from fleet.local.toolchain import toolchain
from fleet.local.toolchain.golang import NoGoError
from fleet.local.toolchain.toolchain import Supply
from tests.fleet.local.examples import checkout, command, needs

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
            raise NoGoError(self._lacks, "there is no Go")
        return NOTHING


def placed(folder: Path, docker: str, **env: str) -> Placed:
    """Return where they run on Linux, with a client of Docker that runs the script ``docker``."""
    path = command(folder / "bin", "docker", docker).parent
    known = {"DOCKER_HOST": "unix:///srv/docker.sock", **env}
    return place(checkout(folder), needs(), {"PATH": f"{path}:/usr/bin:/bin", **known})


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
    in_docker = placed(tmp_path, "case $* in *version*) echo linux ;; *) echo '{}' ;; esac")
    assert in_docker.docker == "unix:///srv/docker.sock"
    assert survey.asked == [needs(), needs().without_daemons]


@pytest.mark.parametrize(
    ("docker", "remedy"), [("exit 1", "no Docker engine can be"), ("echo linux", "Docker does")]
)
def test_what_can_t_be_had_is_named_with_the_place_that_lacks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker: str, remedy: str
) -> None:
    Survey(monkeypatch, lacks=("pulumi", "buildkit"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(TroubleError, match=rf"(?s)no Go to build pulumi, buildkit.*{remedy}"):
        placed(tmp_path, docker)
