"""What a stack with a repository needs is asked for at once, before anything is declared."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest

from components.github_access import require_access
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from tests.fleet.examples import config
from tests.fleet.local.examples import command

TOKEN = {"GITHUB_TOKEN": "t"}


@pytest.fixture(autouse=True)
def _program() -> Iterator[None]:
    """A loop for outputs, as the engine's host gives a program, and no configuration left over."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    # The SDK keeps a list of all outputs, and another test's program would wait for these.
    loop.run_until_complete(pulumi.runtime.stack.wait_for_rpcs())
    pulumi.runtime.set_all_config({})
    asyncio.set_event_loop(None)
    loop.close()


def declared(*secrets: str) -> Declaration:
    github = {"repository": "team/fleet"}
    return replace(parse(config(github=github)), secrets=secrets)


def told(declaration: Declaration, environment: dict[str, str]) -> list[str]:
    with pytest.raises(DeclarationError) as caught:
        require_access(declaration, "prod", environment)
    assert caught.value.source == "Pulumi.prod.yaml"
    return [str(problem) for problem in caught.value.problems]


def test_every_value_that_lacks_is_named_with_the_command_that_gives_it() -> None:
    pulumi.runtime.set_all_config({"secrets:B": "b"}, ["secrets:B"])
    problems = told(declared("A", "B", "C"), TOKEN)
    assert [line.partition(":")[0] for line in problems] == ["secrets", "secrets"]
    assert "pulumi config set --secret --stack prod secrets:A." in problems[0]
    assert "secrets:C" in problems[1]


def test_a_value_in_plain_text_is_refused() -> None:
    pulumi.runtime.set_all_config({"secrets:A": "open"})
    (line,) = told(declared("A"), TOKEN)
    assert "is in plain text in the stack's file" in line
    assert "Have a new one issued" in line
    assert "open" not in line


def test_the_values_are_secret() -> None:
    pulumi.runtime.set_all_config({"secrets:A": "hidden"}, ["secrets:A"])
    found = require_access(declared("A"), "prod", TOKEN)
    assert list(found) == ["A"]
    assert asyncio.get_event_loop().run_until_complete(found["A"].is_secret())


@pytest.mark.parametrize("name", ["GITHUB_OWNER", "GITHUB_ORGANIZATION"])
def test_an_owner_in_the_environment_that_the_plugin_would_prefer_is_refused(name: str) -> None:
    (line,) = told(declared(), {**TOKEN, name: "other"})
    assert line.startswith("fleet:github.repository: ")
    assert f"Unset {name}" in line
    assert require_access(declared(), "prod", {**TOKEN, name: "Team"}) == {}


@pytest.mark.parametrize("token", ["canary\n", "can ary"])
def test_a_token_that_the_plugin_cannot_send_is_named_and_not_shown(token: str) -> None:
    (line,) = told(declared(), {"GITHUB_TOKEN": token})
    assert "GITHUB_TOKEN: has a space, a line break" in line
    assert token.strip() not in line


def test_no_token_is_told_with_every_way_to_give_one(tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path)}
    (line,) = told(declared(), nowhere)
    assert "Set GITHUB_TOKEN, or GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID" in line
    app = dict.fromkeys(("GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID"), "1")
    assert told(declared(), {**nowhere, **app}) == [line]
    whole = {**nowhere, **app, "GITHUB_APP_PEM_FILE": "key"}
    assert require_access(declared(), "prod", whole) == {}
    command(tmp_path, "gh", "echo token")
    assert require_access(declared(), "prod", nowhere) == {}


def test_a_stack_without_a_repository_needs_nothing(tmp_path: Path) -> None:
    without = replace(declared("A"), github=None)
    assert require_access(without, "prod", {"PATH": str(tmp_path)}) == {}
