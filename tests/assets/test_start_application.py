"""Which application the start script of each image chooses, and what runs before it."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

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


CALLS = {
    "main:create()": ["--factory", "main:create"],
    'main:create("shop", debug=True)': ["--factory", "start_sh_application:create"],
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("settings", [{}, {"RELOAD": "true"}])
def test_a_call_that_makes_the_application_is_served_by_every_server(
    container: Container, call: str, settings: dict[str, str]
) -> None:
    start = container.start(APP_MODULE=call, **settings)
    assert start.errors == ""
    if start.server == "gunicorn":
        assert start.words[-1] == call
        return
    assert [word for word in start.words if word == "--factory"] + start.words[-1:] == CALLS[call]
    if "(" + ")" not in call:
        assert start.environ["START_SH_APPLICATION"] == call


def test_a_factory_gets_the_arguments_of_the_call(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    container.write("calls.py", "def create(*words, **named): return words, named\n")
    monkeypatch.syspath_prepend(str(container.app))
    monkeypatch.syspath_prepend(str(container.lib / "modules"))
    monkeypatch.setenv("START_SH_APPLICATION", 'calls:create("shop", 2, debug=True)')
    created = importlib.import_module("start_sh_application").create()
    assert created == (("shop", 2), {"debug": True})
    monkeypatch.setenv("START_SH_APPLICATION", "calls:create(name)")
    with pytest.raises(ValueError, match="malformed"):
        importlib.import_module("start_sh_application").create()
    sys.modules.pop("calls")
    sys.modules.pop("start_sh_application")


def test_the_example_is_said_to_be_one(container: Container) -> None:
    example = (container.lib / "example.py").read_text("utf-8")
    path = container.write("main.py", example)
    start = container.start()
    assert start.words[-1] == "main:app"
    assert start.errors == (
        f"start.sh: no application of yours was found, serving the example in {path}\n"
    )


def test_the_example_can_be_refused(container: Container) -> None:
    container.write("main.py", (container.lib / "example.py").read_text("utf-8"))
    start = container.start(REQUIRE_APPLICATION="true")
    assert (start.status, start.words) == (1, [])
    assert start.errors.startswith("start.sh: REQUIRE_APPLICATION is true, and ")
    assert start.errors.count("\n") == 1
    container.write("main.py", "app = None\n")
    assert container.start(REQUIRE_APPLICATION="true").words[-1] == "main:app"


def test_variables_with_names_of_everybody_move_nothing(container: Container) -> None:
    start = container.start(APP_ROOT="/opt/app-root", START_LIB="/opt/lib")
    assert start.words[-1] == "main:app"
    assert start.environ["APP_ROOT"] == "/opt/app-root"


@pytest.mark.parametrize("where", ["path", "package", "flag"])
def test_what_comes_before_the_example_is_not_taken_for_it(
    container: Container, where: str, tmp_path: Path
) -> None:
    container.write("main.py", (container.lib / "example.py").read_text("utf-8"))
    settings = {"REQUIRE_APPLICATION": "true"}
    if where == "path":
        settings["PYTHONPATH"] = str(tmp_path / "srv")
    elif where == "package":
        container.write("main/__init__.py", "app = None\n")
    else:
        name = "UVICORN" if container.image == "python-uvicorn" else "GUNICORN"
        flag = "--app-dir" if container.image == "python-uvicorn" else "--chdir"
        settings[f"{name}_EXTRA_FLAGS"] = f"{flag} /srv"
    assert container.start(**settings).words[-1] == "main:app"


def test_another_directorys_application_is_not_taken_for_the_example(
    container: Container, tmp_path: Path
) -> None:
    container.write("main.py", (container.lib / "example.py").read_text("utf-8"))
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/main.py").write_text("app = None\n")
    container.write("prestart.sh", f"cd '{tmp_path}/srv'\n")
    assert container.start(REQUIRE_APPLICATION="true").errors == ""
