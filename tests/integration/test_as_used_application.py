"""The application and its prestart script, as people write them."""

import codecs

import pytest

from tests.integration.applications import application, factory
from tests.integration.container import Runs
from tests.integration.family import TAGS, WITH_GUNICORN

BASH = ("usr/bin/bash", "usr/bin/rbash")
BRANCH = """\
#!/usr/bin/env bash
if [[ -n "${HOSTNAME_OF_DATABASE:-}" && "${X:-}" == x* ]]; then export BRANCH=taken; fi
"""
# Functions and options under which the start would do something else, if they reached it.
DERAILING = """\
#!/bin/sh
fail() { echo derailed; }
note() { echo derailed; }
read_settings() { echo derailed; }
python3() { echo derailed; }
set -u
IFS=/
cd /tmp
umask 077
export PREPARED=yes
MODULE_NAME=other
readonly MODULE_NAME
"""
each_image = pytest.mark.parametrize("image", TAGS)
each_way = pytest.mark.parametrize("reload", ["false", "true"], ids=["serving", "reloading"])


@each_image
def test_the_example_says_that_it_is_served_and_can_be_refused(run: Runs, image: str) -> None:
    own = {"app/control/controller.py": application(image)}
    with run(image, files=own, env={"WORKERS": "1"}) as container:
        assert container.get().json()["message"] == "Hello, world!"
        (line,) = container.told
        assert "serving the example" in line
    with run(image, files=own, env={"REQUIRE_APPLICATION": "true"}) as container:
        assert container.wait() == 1
    (line,) = container.output.splitlines()
    assert line.startswith("start.sh: ")
    assert "/app" in line


@each_image
@pytest.mark.parametrize("place", ["app/main.py", "app/app/main.py"])
def test_an_application_of_the_users_is_required_and_found(
    run: Runs, image: str, place: str
) -> None:
    env = {"REQUIRE_APPLICATION": "true", "WORKERS": "1"}
    with run(image, files={place: application(image)}, env=env) as container:
        assert container.get().json()["cwd"] == "/app"
    assert container.told == []


@each_image
def test_variables_of_the_users_own_move_nothing(run: Runs, image: str) -> None:
    own = {"APP_ROOT": "/opt/app-root", "START_LIB": "/opt/lib"}
    env = {**own, "WORKERS": "1"}
    with run(image, files={"app/main.py": application(image)}, env=env) as container:
        assert container.get().json()["env"].items() >= own.items()


@each_image
@each_way
def test_a_factory_is_called_with_and_without_reloading(run: Runs, image: str, reload: str) -> None:
    env = {"APP_MODULE": "main:create_app()", "RELOAD": reload, "WORKERS": "1"}
    with run(image, files={"app/main.py": factory(image)}, env=env) as container:
        assert container.get().json()["module"] == "main"


@each_image
def test_a_prestart_script_for_bash_is_read_by_bash(run: Runs, image: str) -> None:
    env = {"HOSTNAME_OF_DATABASE": "db", "X": "xy", "WORKERS": "1"}
    files = {"app/main.py": application(image), "app/prestart.sh": BRANCH}
    with run(image, files=files, env=env) as container:
        assert container.get().json()["env"]["BRANCH"] == "taken"
    assert container.told == []


@each_image
@pytest.mark.parametrize(
    ("script", "without", "said"),
    [
        (BRANCH, BASH, "bash"),
        ("#!/usr/bin/python3\nprint('ran')\n", (), "python3"),
        ("#!/usr/bin/env -S perl -w\nprint 'ran'\n", (), "perl"),
    ],
    ids=["no bash", "Python", "Perl"],
)
def test_a_prestart_script_that_can_not_be_sourced_is_refused_in_one_line(
    run: Runs, image: str, script: str, without: tuple[str, ...], said: str
) -> None:
    with run(image, files={"app/prestart.sh": script}, without=without) as container:
        assert container.wait() == 1, container.output
    (line,) = container.output.splitlines()
    assert line.startswith("start.sh: ")
    assert said in line
    assert "/app/prestart.sh" in line


@each_image
@pytest.mark.parametrize("shell", ["#!/bin/sh\n", "#!/bin/bash\n", ""], ids=["sh", "bash", "none"])
def test_lines_may_end_as_on_windows(run: Runs, image: str, shell: str) -> None:
    script = (
        codecs.BOM_UTF8 + f"{shell}if true; then\nexport A=1\nfi\n".replace("\n", "\r\n").encode()
    )
    files = {"app/main.py": application(image), "app/prestart.sh": script}
    with run(image, files=files, env={"WORKERS": "1"}) as container:
        assert container.get().json()["env"]["A"] == "1"


@each_image
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_prestart_script_keeps_what_it_exports_and_derails_nothing(
    run: Runs, image: str, shell: str
) -> None:
    script = DERAILING.replace("/bin/sh", f"/bin/{shell}")
    files = {"app/other.py": application(image), "app/prestart.sh": script}
    with run(image, files=files, env={"WORKERS": "1"}) as container:
        seen = container.get().json()
    assert (seen["env"]["PREPARED"], seen["module"]) == ("yes", "other")
    assert (seen["cwd"], seen["umask"]) == ("/tmp", 0o77)
    assert "derailed" not in container.output


OURS = ("asgi_worker", "uvicorn_flags", "start_checks", "init", "common")


@pytest.mark.parametrize("image", WITH_GUNICORN)
@pytest.mark.parametrize("reload", ["false", "true"])
def test_modules_of_the_users_hide_none_of_ours_and_are_not_hidden(
    run: Runs, image: str, reload: str
) -> None:
    own = {f"app/{name}.py": "VALUE = 'theirs'\n" for name in OURS}
    imports = f"import {', '.join(OURS)}\nassert asgi_worker.VALUE == 'theirs'\n"
    files = {**own, "app/main.py": imports + application(image)}
    with run(image, files=files, env={"WORKERS": "1", "RELOAD": reload}) as container:
        assert container.get().status == 200
