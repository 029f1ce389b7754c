"""The assets as files: linters, what reaches the builder, what Python they are written for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.assets.starting import ASSETS, IMAGES

DOCKERFILES = sorted(ASSETS.glob("*/*/Dockerfile"))
CONTEXTS = sorted(folder for part in ("image", "verify") for folder in ASSETS.glob(f"*/{part}/"))
SCRIPTS = sorted(ASSETS.glob("**/*.sh"))
MODULES = sorted(ASSETS.glob("**/*.py"))
TOOLS = Path(sys.executable).parent


def name(path: Path) -> str:
    return str(path.relative_to(ASSETS))


def findings(*command: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return run.stdout + run.stderr


def test_every_image_has_an_image_and_a_verification() -> None:
    for folder in ASSETS.iterdir():
        parts = {part.name for part in folder.iterdir()} - {"docs"}
        assert parts == {"image", "verify", *({"wheels"} if folder.name == "shared" else ())}


def test_the_images_here_are_built_with_the_common_dockerfiles() -> None:
    assert {name(file.parent) for file in DOCKERFILES} == {
        "shared/image",
        "shared/verify",
        "shared/wheels",
    }


def test_no_folder_is_sent_a_module_by_two_contexts() -> None:
    for image in IMAGES:
        for part in ("image/start", "verify"):
            shared = {file.name for file in (ASSETS / "shared" / part).glob("*.*")}
            own = {file.name for file in (ASSETS / image / part).glob("*.*")}
            assert shared & own <= {".dockerignore"}


@pytest.mark.parametrize("dockerfile", [*ASSETS.glob("*/image/Dockerfile")], ids=name)
def test_without_its_named_context_a_build_asks_no_registry_for_it(dockerfile: Path) -> None:
    lines = dockerfile.read_text("utf-8").splitlines()
    assert lines.index("FROM scratch AS shared") < next(
        number for number, line in enumerate(lines) if "from=shared" in line
    )


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=name)
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    assert findings(str(TOOLS / "hadolint"), str(dockerfile)) == ""


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=name)
def test_no_frontend_image_is_fetched_for_a_dockerfile(dockerfile: Path) -> None:
    lines = dockerfile.read_text("utf-8").splitlines()
    assert not [line for line in lines if line.replace(" ", "").lower().startswith("#syntax=")]


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_shellcheck_finds_nothing_in_posix_scripts(script: Path) -> None:
    assert script.read_text("utf-8").startswith("#!/bin/sh\n")
    assert findings(str(TOOLS / "shellcheck"), str(script)) == ""


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_modules_are_in_the_syntax_of_the_oldest_python(module: Path) -> None:
    # What builds runs on every Python that a fleet may have declared; start and checks on ours.
    minor = 7 if module.parent.name in ("building", "compiling") else 9
    ast.parse(module.read_text("utf-8"), feature_version=(3, minor))


def allowed_by(allow_list: Path) -> list[str]:
    """The lines of an allow-list that admit something."""
    lines = allow_list.read_text("utf-8").splitlines()
    first, *allowed = [line for line in lines if not line.startswith("#")]
    assert first == "*"
    assert allowed
    assert all(line.startswith("!") for line in allowed)
    return allowed


@pytest.mark.parametrize("context", CONTEXTS, ids=name)
def test_only_files_that_are_named_reach_the_builder(context: Path) -> None:
    allowed = allowed_by(context / ".dockerignore")
    if name(context) == "shared/image":
        # Wheels are made in the same folder, by an allow-list of their own.
        allowed += allowed_by(ASSETS / "shared/wheels/Dockerfile.dockerignore")
    reached = {file for line in allowed for file in context.glob(line[1:])}
    kept = {file for file in context.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert {name(file) for file in kept - reached} == {
        name(context / ".dockerignore"),
        *([name(context / "Dockerfile")] if (context / "Dockerfile").exists() else []),
    }
    assert all(any(context.glob(line[1:])) for line in allowed)


def test_the_labels_of_the_contract_are_in_the_final_stage() -> None:
    for dockerfile in ASSETS.glob("*/image/Dockerfile"):
        final = dockerfile.read_text("utf-8").rpartition("\nFROM ")[2]
        _, _, labels = final.partition("\nLABEL ")
        image = "org.opencontainers.image."
        expected = {
            "python": "PYTHON",
            "package": "PACKAGE",
            "maintainer": "MAINTAINER",
            f"{image}title": "TITLE",
            f"{image}description": "DESCRIPTION",
            f"{image}version": "VERSION",
            f"{image}source": "SOURCE",
            f"{image}revision": "REVISION",
            f"{image}licenses": "LICENSES",
            f"{image}base.name": "BASE_NAME",
            f"{image}base.digest": "BASE_DIGEST",
        }
        found = re.findall(r'(\S+)="\$\{(\w+)\}( \$\{TARGETPLATFORM\})?"', labels)
        of_platform = {f"{image}description"}
        assert found == [
            (label, argument, " ${TARGETPLATFORM}" if label in of_platform else "")
            for label, argument in expected.items()
        ]
        # An argument that its stage does not declare is empty, without a warning.
        declared = " ".join(re.findall(r"^ARG (.*)$", final, re.MULTILINE)).split()
        assert {*declared} == {*expected.values(), "TARGETPLATFORM"}


def test_the_builder_of_wheels_is_sent_what_it_copies() -> None:
    folder = ASSETS / "shared/wheels"
    rules = (folder / "Dockerfile.dockerignore").read_text("utf-8").splitlines()[2:]
    sent = {path for rule in rules for path in (ASSETS / "shared/image").glob(rule[1:])}
    dockerfile = (folder / "Dockerfile").read_text("utf-8")
    (copied,) = set(re.findall(r"^COPY (\w.*) \S+$", dockerfile, re.MULTILINE))
    places = [ASSETS / "shared/image" / place for place in copied.split()]
    wanted = {f for place in places for f in ([place] if place.is_file() else place.iterdir())}
    assert sent == {path for path in wanted if path.is_file()}
