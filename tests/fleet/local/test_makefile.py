"""What is given to make is text: neither make nor the shell expands it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fleet.checkout.stack_config import config_file
from fleet.declaration.problems import DeclarationError
from tests.fleet.local.examples import command

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "Makefile").read_text()
GIVEN = re.findall(r"^override GIVEN := (.+)$", TEXT, re.MULTILINE)[0].split()
OWN = sorted(
    {
        *re.findall(r"^(?:override )?(?:define )?([A-Za-z_.]+)(?: *[:?]?=|$)", TEXT, re.MULTILINE),
        *re.findall(r"\$\(([A-Za-z_.]+)\)", TEXT),
        *re.findall(r"\$\(foreach ([a-z]+),", TEXT),
        *("MAKEFILE_LIST", ".SHELLFLAGS", "SHELL", "ANY_OTHER"),
    }
    - {*GIVEN, "endif", "endef", "GITHUB_PATH"}
)
HOSTILE = (
    "x;touch canary",
    "x && touch canary",
    "x\ntouch canary",
    "$(touch canary)",
    "`touch canary`",
    '"; touch canary; "',
    "'; touch canary; '",
    "$(shell touch canary)",
    "${shell touch canary}",
    "$$(touch canary)",
    "$(eval y := $(shell touch canary))",
    "$(info $(shell touch canary))",
    "x | touch canary #",
    "x > canary",
    "a b\\",
)
FLAGS = {"APPLY": "--apply", "JSON": "--json", "MIRRORS": "--mirrors"}
"""Variables that are given or not, whatever their value."""

USES = {
    "prune": ("APPLY", "IMAGE", "KEEP_DAYS", "MAX_SHARE", "STACK"),
    "lock": ("NEWEST", "REFRESH"),
    "preview": ("JSON",),
    "docs": ("OUTPUT",),
    "restore": ("TAG",),
    "verify": ("IMAGE", "MIRRORS", "TAG"),
    "history": ("AT", "IMAGE", "JSON", "TAG"),
    "rollback": ("BECAUSE", "IMAGE", "TAG", "TO", "UNTIL"),
    "sbom": ("PLATFORM", "TAG"),
    "test-fast": ("FAST_WORKERS",),
    "test-integration": ("WORKERS",),
    "test-slow": ("SCHEDULES", "KILLS"),
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile, and a Python that writes down its arguments."""
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    record = f'for each; do printf "%s\\0" "$each"; done >>{tmp_path}/arguments'
    command(folder / ".venv" / "bin", "python", record)
    command(tmp_path / "bin", "python3", "exit 0")
    return folder


def make(clone: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in GIVEN}
    path = f"{clone.parent / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["make", "-s", *arguments],
        check=False, cwd=clone, capture_output=True, text=True, env={**clean, "PATH": path, **env},
    )  # fmt: skip


def recorded(clone: Path) -> list[str]:
    path = clone.parent / "arguments"
    return path.read_text().split("\0")[:-1] if path.exists() else []


def ran(clone: Path) -> bool:
    """Tell whether something of a value was run: each writes this file, be it where it may."""
    return any(path.name == "canary" for path in clone.parent.rglob("*"))


def test_every_variable_that_a_recipe_reads_is_tried_here_and_make_expands_none() -> None:
    used = {name for names in USES.values() for name in names} | {"PYTHON"}
    assert used == {*GIVEN}
    read = set(re.findall(r"\$\$\{([A-Z_]+)", TEXT))
    assert read >= used - {*FLAGS}
    others = read - used
    # Those of the tests alone.
    lines = [line for line in TEXT.splitlines() if any(f"{{{name}" in line for name in others)]
    assert [
        line for line in lines if " -m pytest " not in line and "tests.faults" not in line
    ] == []
    conditions = set(re.findall(r"\$\(if \$\(([A-Z_]+)\)", TEXT))
    expanded = set(re.findall(r"\$\(([A-Z_]+)\)", TEXT.split("# These are not", 1)[1]))
    assert expanded & read <= conditions | {*FLAGS} <= {*GIVEN}


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("target", USES)
@pytest.mark.parametrize("place", ["command line", "environment"])
def test_a_value_arrives_as_it_was_given(clone: Path, place: str, target: str, value: str) -> None:
    # Each value has its name in it, so that none is taken for another's.
    values = {name: f"{name} {value}" for name in USES[target]}
    if place == "environment":
        done = make(clone, target, **values)
    else:
        done = make(clone, target, *(f"{name}={text}" for name, text in values.items()))
    assert done.returncode == 0, done.stderr
    assert not ran(clone)
    expected = {FLAGS.get(name, text) for name, text in values.items()}
    assert expected <= set(recorded(clone))


@pytest.mark.parametrize("value", ["host", *HOSTILE])
@pytest.mark.parametrize("place", ["command line", "environment"])
def test_what_no_recipe_reads_reaches_the_program_as_well(
    clone: Path, place: str, value: str
) -> None:
    command(clone / ".venv" / "bin", "python", f'printf %s "$FLEET_DAEMONS" >{clone}/seen')
    given = {"FLEET_DAEMONS": value} if place == "environment" else {}
    done = make(clone, "up", *([] if given else [f"FLEET_DAEMONS={value}"]), **given)
    assert done.returncode == 0, done.stderr
    assert not ran(clone)
    assert (clone / "seen").read_text() == value


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("place", ["command line", "environment"])
def test_the_python_is_one_program_by_its_name(clone: Path, place: str, value: str) -> None:
    given = {"PYTHON": value} if place == "environment" else {}
    done = make(clone, "status", *([] if given else [f"PYTHON={value}"]), **given)
    assert done.returncode != 0
    assert not ran(clone)
    shown = make(clone, "help", *([] if given else [f"PYTHON={value}"]), **given)
    assert f"PYTHON={value}" in shown.stdout
    assert not ran(clone)


def test_what_the_help_shows_can_be_pasted_into_a_shell(clone: Path) -> None:
    shown = make(clone, "help").stdout
    assert 'eval "$(make -s env)"' in shown
    assert "$$" not in shown, "to a shell, that is the number of its process"


@pytest.mark.parametrize("value", ["x;touch canary", "$(shell touch canary)", "touch canary"])
def test_the_makefiles_own_variables_cannot_be_given(clone: Path, value: str) -> None:
    assert {"SHELL", "VENV", "GIVEN", "each", "name", "take"} <= {*OWN}
    for target in ("help", "status"):
        assert make(clone, target, *(f"{name}={value}" for name in OWN)).returncode == 0
        assert make(clone, target, **dict.fromkeys(OWN, value)).returncode == 0
    assert not ran(clone)
    assert recorded(clone) == ["-m", "fleet", "status", "--stack", "dev"] * 2


@pytest.mark.parametrize("name", ["status", "prune", "check", "plan", "versions", "validate"])
@pytest.mark.parametrize("stack", ["dev;touch x", "../dev", "a/b", "", ".", "d\nx", "x" * 101])
def test_a_name_that_is_no_stacks_is_refused_before_anything(name: str, stack: str) -> None:
    if stack not in ("dev;touch x", "../dev"):
        with pytest.raises(DeclarationError, match="is not a stack name"):
            config_file(ROOT, stack)
        return
    done = subprocess.run(
        [str(ROOT / ".venv/bin/python"), "-m", "fleet", name, "--stack", stack],
        check=False, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"--stack: {stack!r} is not a stack name. Use letters" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_names_of_stacks_that_there_are_pass() -> None:
    for stack in ("dev", "prod", "prod-python-gunicorn", "a.b_c-1", "x" * 100):
        assert config_file(ROOT, stack).name == f"Pulumi.{stack}.yaml"
