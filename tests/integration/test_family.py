"""Three images of one run: one on another, one compiled where no wheel is, one in two bases."""

import gzip
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.releases.simple import Simple
from tests.integration.container import started, unpacked
from tests.integration.container_spec import Options
from tests.integration.curious import curious_source
from tests.integration.family import (  # fmt: skip
    BUILDS,
    LONE,
    ODD_TITLE,
    PARENT,
    PARENT_TAG,
    STACK,
    TAG,
    UVICORN,
    by_platform,
    declare,
)
from tests.integration.rebuilding import emptied, rebuilt, refused
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import IMAGE, Workshop


@pytest.fixture(scope="module")
def views(family: dict[str, RegistryView]) -> dict[str, RegistryView]:
    """The repositories of the family, brought up once."""
    return family


_COMPILER = re.compile(
    r"(?:bin|libexec/gcc/.*|lib/gcc/.*)/(?:[\w-]+-)?(?:gcc|g\+\+|cc1|as|ld)(?:-\d+)?$"
)


def names_in(*layers: bytes) -> list[str]:
    """The paths in some layers."""
    found = []
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
            found += archive.getnames()
    return found


def wheels_tag(views: dict[str, RegistryView]) -> str:
    """The one tag of what was compiled."""
    (tag,) = [name for name in views[BUILDS].tags() if name.startswith("wheels-")]
    return tag


def test_an_image_holds_all_of_the_one_below_and_says_which_it_was(
    views: dict[str, RegistryView],
) -> None:
    below, above = by_platform(views[PARENT], PARENT_TAG), by_platform(views[IMAGE], TAG)
    assert set(below) == set(above) == {"linux/amd64", "linux/arm64", "linux/arm/v7"}
    for platform, parent in below.items():
        child = above[platform]
        assert child.layers[: len(parent.layers)] == parent.layers, "nothing flattened or lost"
        labels = child.config["config"]["Labels"]
        digest = views[PARENT].digest(PARENT_TAG)
        assert labels["org.opencontainers.image.base.digest"] == digest, "of all its platforms"
        base = labels["org.opencontainers.image.base.name"]
        assert base == f"{views[PARENT].reference}:{PARENT_TAG}"
        own = names_in(*child.layers[len(parent.layers) :])
        assert not any("/gunicorn/" in name for name in own), "held already, not installed again"


def test_what_has_no_wheel_is_compiled_and_leaves_no_compiler(
    views: dict[str, RegistryView],
) -> None:
    image = by_platform(views[PARENT], PARENT_TAG)["linux/arm/v7"]
    names = names_in(*image.layers)
    compiled = [name for name in names if "setproctitle" in name and name.endswith(".so")]
    assert len(compiled) == 1
    assert "arm-linux-gnueabihf" in compiled[0]
    assert [name for name in names if _COMPILER.search(name)] == []


def test_the_registry_keeps_the_wheels_that_were_compiled_and_nothing_else_of_a_build(
    views: dict[str, RegistryView],
) -> None:
    tag = wheels_tag(views)
    assert tag.startswith("wheels-py3.13-")
    files = {
        platform: [name for name in names_in(*image.layers) if "." in name]
        for platform, image in by_platform(views[BUILDS], tag).items()
    }
    compiled = files.pop("linux/arm/v7")
    assert [name.partition("-")[0].lower() for name in compiled] == ["pyyaml", "setproctitle"]
    assert all(name.endswith(".whl") for name in compiled)
    assert files == {"linux/amd64": [], "linux/arm64": []}
    assert not any(name.startswith("wheels-") for name in views[f"{LONE}/build"].tags())


def test_what_a_platform_is_declared_to_lack_is_absent_there_and_nowhere_else(
    views: dict[str, RegistryView],
) -> None:
    has_gevent = {
        platform: any("site-packages/gevent/" in name for name in names_in(*image.layers))
        for platform, image in by_platform(views[PARENT], PARENT_TAG).items()
    }
    assert has_gevent == {"linux/amd64": True, "linux/arm64": True, "linux/arm/v7": False}


def test_full_and_slim_share_what_was_installed_once(views: dict[str, RegistryView]) -> None:
    full = views[LONE].pull(f"py3.13-{UVICORN}")[0]
    slim = views[LONE].pull(f"py3.13-slim-{UVICORN}")[0]
    shared = names_in(*(layer for layer in full.layers if layer in slim.layers))
    assert any("site-packages/uvicorn/" in name for name in shared), "the package"
    assert any("site-packages/h11/" in name for name in shared), "its dependencies"


def test_platforms_share_what_is_the_same_on_all(views: dict[str, RegistryView]) -> None:
    layers = [set(image.layers) for image in views[IMAGE].pull(TAG)]
    names = names_in(*set.intersection(*layers))
    assert any("site-packages/uvicorn/" in name for name in names)
    assert any("site-packages/h11/" in name for name in names)


def test_a_title_of_any_letters_arrives_as_it_was_written(views: dict[str, RegistryView]) -> None:
    for image in views[LONE].pull(f"py3.13-{UVICORN}"):
        assert image.config["config"]["Labels"]["org.opencontainers.image.title"] == ODD_TITLE


def test_pip_checks_upgrades_and_uninstalls_what_the_image_came_with(
    views: dict[str, RegistryView], tmp_path: Path
) -> None:
    (image,) = views[LONE].pull(f"py3.13-slim-{UVICORN}")
    newer = Simple()
    newer.wheel("h11", "99.0", modules={"h11/__init__.py": "__version__ = '99.0'\n"})
    ((file, (_, body)),) = newer.files["h11"].items()
    script = f"""
        set -e
        export PIP_ROOT_USER_ACTION=ignore
        pip check
        pip install --no-index --no-deps --upgrade /{file}
        python3 -c 'import h11; assert h11.__version__ == "99.0"'
        test ! -e /usr/local/lib/python3.13/site-packages/h11/_connection.py
        pip uninstall --yes uvicorn
        test ! -e /usr/local/lib/python3.13/site-packages/uvicorn
        test ! -e /usr/local/bin/uvicorn
    """
    options = Options(args=("sh", "-c", script), files={file: body})
    with unpacked(image, tmp_path) as built, started(built, tmp_path, options) as container:
        assert container.wait(at_most=90) == 0, container.output
        assert "No broken requirements found" in container.output


def test_a_preview_says_why_and_sums_it_up_in_a_line(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    with workshop.edited(f"assets/{PARENT}/image/start.sh", "#!/bin/sh", "#!/bin/sh\n# edited"):
        printed = workshop.make("preview", f"STACK={STACK}").printed
    said = " ".join(printed.split())
    assert "start.sh changed" in said
    assert f"{PARENT}:{PARENT_TAG} is built again" in said
    assert " 2 build, " in said, "the image, and the one on it"
    quiet = workshop.make("preview", f"STACK={STACK}").printed
    assert "0 build, 0 re-point, 0 remove" in quiet
    assert views[IMAGE].tags()


def test_a_new_version_builds_its_own_tags_alone(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[LONE].pull(f"py3.13-slim-{UVICORN}")[0]
    declare(workshop, versions=[UVICORN, "0.35.0"])
    said = " ".join(workshop.make("-s", "preview", f"STACK={STACK}").printed.split())
    assert " 2 build, " in said
    steps = workshop.up(stack=STACK)
    assert steps.builds() == [f"{LONE}/build:py3.13-0.35.0", f"{LONE}/build:py3.13-slim-0.35.0"]
    after = views[LONE].pull("py3.13-slim-0.35.0")[0]
    shared = names_in(*(layer for layer in before.layers if layer in after.layers))
    assert any("site-packages/h11/" in name for name in shared), "what versions have in common"
    declare(workshop)
    workshop.up(stack=STACK)


def test_what_does_not_compile_fails_once_and_its_builds_say_so(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[PARENT].tags()
    stage = "FROM ${BUILDER} AS compile\n"
    with workshop.edited("assets/shared/wheels/Dockerfile", stage, f"{stage}RUN exit 7\n"):
        failed = workshop.up(code=None, stack=STACK)
    said = failed.ran.printed
    assert "did not complete successfully: exit code: 7" in said
    assert f"{PARENT}/build:see-the-error-of-its-wheels: not found" in said
    assert "Traceback" not in said
    assert views[PARENT].tags() == before
    workshop.up(stack=STACK)
    assert views[PARENT].tags() == before, "the same bytes, for nothing that is in it changed"


def test_compiled_wheels_that_were_lost_are_found_lost_and_made_again(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before, tag = views[BUILDS].tags(), wheels_tag(views)
    views[BUILDS].remove(before[tag])
    workshop.pulumi("refresh", "--yes", "--stack", STACK)
    assert not images_of(workshop, "/wheels:"), "the state knows that they are gone"
    steps = workshop.up(stack=STACK)
    assert [name for _, _, name in steps.done if "/wheels:" in name]
    assert (steps.builds(), steps.tags()) == ([], [])
    assert views[BUILDS].tags() == before


def test_an_emptied_builder_compiles_nothing_and_moves_no_tag(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before, builds = views[PARENT].tags(), views[BUILDS].tags()
    views[BUILDS].remove(builds[PARENT_TAG])
    emptied(workshop)
    steps = workshop.up(stack=STACK)
    assert steps.builds() == [f"{BUILDS}:{PARENT_TAG}"], "what is gone is built"
    assert not [name for _, _, name in steps.done if "/wheels:" in name], "of wheels that are there"
    assert steps.tags() == []
    assert (views[PARENT].tags(), views[BUILDS].tags()) == (before, builds)


def test_what_is_fetched_runs_only_where_there_is_no_network(
    workshop: Workshop, views: dict[str, RegistryView], tmp_path: Path
) -> None:
    assert views[PARENT].tags()
    (wheels,) = images_of(workshop, "/wheels:").values()
    wheels["inputs"]["platforms"] = ["linux/amd64"]
    with curious_source(tmp_path) as source:
        printed = refused(
            workshop, wheels["inputs"],
            COMPILED=f"linux/amd64 {source.requirement}",
            BUILD_REQUIREMENTS="",  # its backend comes along
        )  # fmt: skip
        assert source.asked == ["/curious-1.0.tar.gz"], "once, to be fetched, and never by its code"
    assert "curious could not be compiled, see above. There is no network here" in printed


def test_built_again_without_any_cache_on_any_platform_it_has_the_same_digest(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    """The child as a builder of another platform would build it, whose Python installs then."""
    assert views[PARENT].tags()
    emptied(workshop)
    found = images_of(workshop, "/build:", "/wheels:")
    foreign = {f"{IMAGE}/build:{TAG}": {"BUILDPLATFORM": "linux/arm64"}}
    again = {
        name: rebuilt(workshop, image["inputs"], **foreign.get(name, {}))
        for name, image in found.items()
    }
    assert again == {name: image["outputs"]["digest"] for name, image in found.items()}
    assert len(found) == len(("child", "parent", "its wheels", "full", "slim"))


def images_of(workshop: Workshop, *parts: str) -> dict[str, dict[str, Any]]:
    """The state of the resources that have one of ``parts`` in their names."""
    state = json.loads(workshop.pulumi("stack", "export", "--stack", STACK).printed)
    named = {r["urn"].rpartition("::")[2]: r for r in state["deployment"]["resources"]}
    return {name: r for name, r in named.items() if any(part in name for part in parts)}
