"""Which application the start script of each image chooses, and what runs before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.assets.starting import Container


def test_main_is_served_when_only_it_is_there(container: Container) -> None:
    assert container.start().words[-1] == "main:app"


def test_app_main_is_preferred_to_main(container: Container) -> None:
    container.write("app/main.py", "app = None\n")
    assert container.start().words[-1] == "app.main:app"


@pytest.mark.parametrize("settings", [{}, {"RELOAD": "true"}])
def test_no_application_is_one_clear_line(container: Container, settings: dict[str, str]) -> None:
    (container.app / "main.py").unlink()
    start = container.start(**settings)
    assert (start.status, start.words) == (1, [])
    assert start.errors.count("\n") == 1
    assert f"neither {container.app}/app/main.py nor {container.app}/main.py" in start.errors
    assert "MODULE_NAME or APP_MODULE" in start.errors


def test_module_and_variable_are_joined(container: Container) -> None:
    container.write("shop/web.py", "")
    start = container.start(MODULE_NAME="shop.web", VARIABLE_NAME="application")
    assert start.words[-1] == "shop.web:application"


def test_a_package_is_a_module_too(container: Container) -> None:
    container.write("shop/__init__.py", "")
    assert container.start(MODULE_NAME="shop").words[-1] == "shop:app"


def test_the_variable_alone_goes_with_the_module_found(container: Container) -> None:
    assert container.start(VARIABLE_NAME="api").words[-1] == "main:api"


def test_app_module_wins_over_module_and_variable(container: Container) -> None:
    container.write("chosen.py", "")
    start = container.start(APP_MODULE="chosen:entry", MODULE_NAME="absent", VARIABLE_NAME="x")
    assert start.words[-1] == "chosen:entry"


def test_an_installed_module_is_served(container: Container) -> None:
    assert container.start(APP_MODULE="json.tool:main").words[-1] == "json.tool:main"


@pytest.mark.parametrize("module", ["absent", "absent.inner", "json.absent", "main.inner", ""])
def test_a_missing_module_is_one_clear_line(container: Container, module: str) -> None:
    start = container.start(APP_MODULE=f"{module}:app")
    assert (start.status, start.words) == (1, [])
    assert start.errors.startswith(f"start.sh: there is no module '{module}'")
    assert start.errors.count("\n") == 1


def test_a_package_that_fails_to_import_is_left_to_the_server(container: Container) -> None:
    container.write("broken/__init__.py", "import absent_dependency\n")
    start = container.start(APP_MODULE="broken.web:app")
    assert start.words[-1] == "broken.web:app"


def test_a_flag_that_moves_the_search_leaves_the_check_to_the_server(container: Container) -> None:
    start = container.start(APP_MODULE="absent:app", GUNICORN_EXTRA_FLAGS="--chdir /srv")
    assert start.words[-1] == "absent:app"


def test_settings_of_gunicorns_own_that_move_the_search_leave_the_check_to_the_server(
    container: Container,
) -> None:
    start = container.start(APP_MODULE="absent:app", GUNICORN_CMD_ARGS="--chdir /srv")
    assert start.words[-1] == "absent:app"
    container.write("gunicorn.conf.py", 'chdir = "/srv"\n')
    assert container.start(APP_MODULE="absent:app").words[-1] == "absent:app"


def test_prestart_is_sourced_before_anything_is_read(container: Container) -> None:
    container.write("prestart.sh", "export GREETING=hello; PORT=8080; MODULE_NAME=late\n")
    container.write("late.py", "")
    start = container.start()
    assert start.environ["GREETING"] == "hello"
    assert start.address == "0.0.0.0:8080"
    assert start.words[-1] == "late:app"


def test_prestart_path_replaces_the_default(container: Container) -> None:
    container.write("prestart.sh", "export FROM_DEFAULT=yes\n")
    other = container.write("other.sh", "export FROM_OTHER=yes\n")
    environ = container.start(PRE_START_PATH=str(other)).environ
    assert environ["FROM_OTHER"] == "yes"
    assert "FROM_DEFAULT" not in environ


def test_a_relative_prestart_path_is_not_looked_up_on_path(container: Container) -> None:
    container.write("other.sh", "export FROM_OTHER=yes\n")
    assert container.start(PRE_START_PATH="other.sh").environ["FROM_OTHER"] == "yes"


def test_a_named_prestart_that_is_missing_is_an_error(container: Container) -> None:
    start = container.start(PRE_START_PATH="/absent.sh")
    assert (start.status, start.words) == (1, [])
    assert "PRE_START_PATH names /absent.sh" in start.errors


@pytest.mark.parametrize(("line", "status"), [("false", 1), ("exit 7", 7)])
def test_a_failing_prestart_stops_the_start(container: Container, line: str, status: int) -> None:
    container.write("prestart.sh", f"{line}\n")
    start = container.start()
    assert (start.status, start.words) == (status, [])
    assert f"prestart.sh ended with status {status} before the server" in start.errors


def test_the_prestarts_own_shell_settings_change_nothing(container: Container) -> None:
    container.write("prestart.sh", "set -u; IFS=:; set -- x y; set +e\n")
    flags = {"GUNICORN_EXTRA_FLAGS": "--name a:b"}
    if container.image == "python-uvicorn":
        flags = {"UVICORN_EXTRA_FLAGS": "--name a:b"}
    start = container.start(**flags)
    assert start.status == 0
    assert start.option("--name") == "a:b"
