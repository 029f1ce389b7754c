"""The images as other users, without privileges, and on a root that is read-only."""

from typing import Any

import pytest

from tests.integration.applications import application
from tests.integration.container import Runs
from tests.integration.family import BOOTED, LONE, TAGS, WITH_GUNICORN

OWN_USER = (10001, 10001)
# As OpenShift gives them: any user of a project's range, in root's group.
OPENSHIFT = (1000650000, 0)
PRIVILEGED = 1024
each_image = pytest.mark.parametrize("image", TAGS)
each_with_gunicorn = pytest.mark.parametrize("image", WITH_GUNICORN)


@each_image
@pytest.mark.parametrize(
    "options",
    [
        {"user": OWN_USER},
        {"user": OPENSHIFT},
        {"read_only": True},
        {"user": OPENSHIFT, "read_only": True},
        {"user": OWN_USER, "read_only": True, "shm": False, "tmpfs": ("/tmp",)},
        {"user": OWN_USER, "first_port": PRIVILEGED, "env": {"PORT": "8000"}},
        {"capabilities": (), "no_new_privileges": True},
    ],
    ids=["user", "OpenShift's user", "read-only", "any user, read-only", "only /tmp", "port",
         "no capabilities"],
)  # fmt: skip
def test_what_is_not_needed_may_be_taken_away(
    run: Runs, image: str, options: dict[str, Any]
) -> None:
    # One that has answered has started; a stop of others that start is no subject of this.
    env = {**({} if image == LONE else {"WORKERS": "1"}), **options.get("env", {})}
    with run(image, **{**options, "env": env}) as container:
        assert container.get().status == 200
        container.signal("TERM")
        assert container.wait() == 0
    assert "ERROR" not in container.output
    assert "Traceback" not in container.output


@each_with_gunicorn
@pytest.mark.parametrize("user", [OWN_USER, OPENSHIFT])
def test_a_user_without_a_home_gets_no_error_line(
    run: Runs, image: str, user: tuple[int, int]
) -> None:
    with run(image, user=user, env={"WORKERS": "1"}) as container:
        container.get()
        # Done by the master when it has started all else, its control socket too.
        container.signal("TTIN")
        container.until_printed(BOOTED[image], 2)
    assert "ERROR" not in container.output


@each_with_gunicorn
@pytest.mark.parametrize("user", [OWN_USER, (0, 0)])
def test_where_nothing_can_be_written_one_line_says_so(
    run: Runs, image: str, user: tuple[int, int]
) -> None:
    own = {"app/main.py": application(image)}
    with run(image, user=user, read_only=True, shm=False, files=own) as container:
        assert container.wait() == 1, container.output
    (line,) = container.output.splitlines()
    assert line.startswith("start.sh: ")
    assert "/tmp" in line


def test_uvicorn_alone_needs_nothing_to_write_to(run: Runs) -> None:
    own = {"app/main.py": application(LONE)}
    with run(LONE, user=OWN_USER, read_only=True, shm=False, files=own) as container:
        assert container.get().status == 200
    assert container.told == []


@each_image
@pytest.mark.parametrize("settings", [{}, {"RELOAD": "true"}], ids=["serving", "reloading"])
@pytest.mark.parametrize(
    "rights", [{"user": OWN_USER}, {"capabilities": ()}], ids=["a user", "root without rights"]
)
def test_a_port_that_may_not_be_bound_ends_the_start_in_one_line_with_the_remedy(
    run: Runs, image: str, settings: dict[str, str], rights: dict[str, Any]
) -> None:
    with run(image, env=settings, first_port=PRIVILEGED, **rights) as container:
        assert container.wait() == 1, container.output
    line = container.output.splitlines()[-1]
    assert line.startswith("start.sh: ")
    assert "80" in line
    assert "PORT=8000" in line
    assert "Traceback" not in container.output


def test_a_port_among_uvicorns_flags_is_the_one_that_counts(run: Runs) -> None:
    flags = {"UVICORN_EXTRA_FLAGS": "--no-access-log\n--port 8000\n"}
    with run(LONE, env=flags, user=OWN_USER, first_port=PRIVILEGED) as container:
        assert container.get(port=8000).status == 200
