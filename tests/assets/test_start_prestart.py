"""What a prestart script may do, and that the start goes on as if it had not."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.assets.starting import Container


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


def test_functions_and_traps_of_the_prestarts_own_change_nothing(container: Container) -> None:
    container.write(
        "prestart.sh",
        "for name in note fail discover read_settings find_application begin become_gunicorn"
        ' become_uvicorn; do eval "$name() { exit 9; }"; done\n'
        "trap 'exit 9' EXIT; lib=/opt; app_root=/opt; set -f; shift 0\n"
        "alias exec=false export=false\n",
    )
    start = container.start()
    assert (start.status, start.words[-1]) == (0, "main:app")


def test_what_a_process_keeps_is_kept(container: Container) -> None:
    container.write("prestart.sh", "cd /; umask 027; export GREETING=hello\n")
    start = container.start()
    assert start.environ["PWD"] == "/"
    assert start.environ["GREETING"] == "hello"
    assert start.words[-1] == "main:app"


def test_its_return_goes_on_with_the_start(container: Container) -> None:
    container.write("prestart.sh", "export GREETING=hello\nreturn\nexit 9\n")
    assert container.start().environ["GREETING"] == "hello"


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_it_may_come_from_an_editor_of_windows(container: Container, mark: str, end: str) -> None:
    lines = ["#!/bin/sh", 'if [ -n "$HOME" ]; then', "export GREETING=hello", "fi", "return"]
    path = container.write("prestart.sh", "")
    path.write_bytes((mark + end.join([*lines, ""])).encode())
    start = container.start(HOME="/root")
    assert start.environ["GREETING"] == "hello"
    assert start.errors == ""


@pytest.mark.parametrize(
    "line", ["#!/bin/bash", "#!/usr/bin/env bash", "#! /usr/bin/env -S bash -e"]
)
def test_bash_sources_what_asks_for_bash(container: Container, line: str) -> None:
    container.write(
        "prestart.sh", f'{line}\nif [[ -n "${{X:-}}" ]]; then export Y=1; fi\nPORT=8080\n'
    )
    start = container.start(X="1")
    assert start.environ["Y"] == "1"
    assert start.address == "0.0.0.0:8080"
    assert start.errors == ""


def test_where_there_is_no_bash_one_line_says_so(container: Container) -> None:
    container.write("prestart.sh", "#!/bin/bash\nexport Y=1\n")
    tools = container.root / "tools"
    tools.mkdir()
    for name in ("cat", "env", "head", "sed", "tr", "grep"):
        (tools / name).symlink_to(str(shutil.which(name)))
    start = container.start(PATH=f"{container.root / 'bin'}:{tools}:{python_folder(container)}")
    assert (start.status, start.words) == (1, [])
    assert start.errors == (
        f"start.sh: {container.app}/prestart.sh asks for bash (#!/bin/bash), and this image has"
        " none; install bash, or write the script for sh\n"
    )


def python_folder(container: Container) -> str:
    """A folder that holds this Python alone."""
    folder = container.root / "python"
    folder.mkdir()
    (folder / "python3").symlink_to(os.path.realpath(sys.executable))
    return str(folder)


@pytest.mark.parametrize("name", ["python3", "zsh", "/opt/tool"])
def test_any_other_interpreter_is_refused_in_one_line(container: Container, name: str) -> None:
    first = name if name.startswith("/") else f"/usr/bin/env {name}"
    container.write("prestart.sh", f"#!{first}\nthis is run by nothing\n")
    start = container.start()
    assert (start.status, start.words) == (1, [])
    assert start.errors.startswith(
        f"start.sh: {container.app}/prestart.sh asks for {name} (#!{first});"
    )
    assert start.errors.count("\n") == 1


@pytest.mark.parametrize("first", ["#!", "#!/usr/bin/env", "#!/bin/busybox sh"])
def test_a_first_line_that_names_no_other_shell_is_for_sh(container: Container, first: str) -> None:
    container.write("prestart.sh", f"{first}\nexport GREETING=hello\n")
    assert container.start().environ["GREETING"] == "hello"
