"""Three images of one run: one built on another, one compiled where no wheel is, one in two bases.

A stack of its own, as small as shows that. `python-gunicorn` compiles setproctitle for arm/v7, and
does there without gevent, as it is declared.
"""

import gzip
import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.curious import curious_source
from tests.integration.rebuilding import rebuilt, refused
from tests.integration.registry_view import Pulled, RegistryView
from tests.integration.workshop import IMAGE, Workshop

STACK = "family"
PARENT = "python-gunicorn"
LONE = "python-uvicorn"
CACHE = f"{PARENT}/cache"
GUNICORN, UVICORN = "23.0.0", "0.34.0"
LACKING = ["gevent", "greenlet", "zope-event", "zope-interface"]
PARENT_TAG, TAG = f"py3.13-slim-{GUNICORN}", f"py3.13-slim-{UVICORN}"


def declare(workshop: Workshop, **lone: object) -> str:
    common = {"pythons": ["3.13"], "bases": ["slim"], "requires": [], "extras": []}
    emulated = {"platforms": ["linux/amd64", "linux/arm64", "linux/arm/v7"]}
    return workshop.declare_stack(
        STACK,
        {
            IMAGE: {
                **common, **emulated, "versions": [UVICORN], "builds-on": PARENT,
                "requires": ["uvicorn-worker"], "pure": True,
            },
            PARENT: {
                **common, **emulated, "package": "gunicorn", "extras": ["gevent", "setproctitle"],
                "versions": [GUNICORN], "pure": False, "lacks": {"linux/arm/v7": LACKING},
            },
            LONE: {
                **common, "platforms": ["linux/amd64"], "bases": ["full", "slim"],
                "versions": [UVICORN], "pure": False, **lone,
            },
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def views(workshop: Workshop) -> Iterator[dict[str, RegistryView]]:
    """The repositories of the family, brought up once."""
    registry = declare(workshop)
    workshop.up(stack=STACK)
    found = {
        name: workshop.view(name, registry)
        for name in (IMAGE, PARENT, LONE, CACHE, f"{LONE}/cache")
    }
    yield found
    for view in found.values():
        view.close()


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


def by_platform(view: RegistryView, tag: str) -> dict[str, Pulled]:
    return {image.platform: image for image in view.pull(tag)}


def test_an_image_holds_all_of_the_one_below_and_says_which_it_was(
    views: dict[str, RegistryView],
) -> None:
    below, above = by_platform(views[PARENT], PARENT_TAG), by_platform(views[IMAGE], TAG)
    assert set(below) == set(above) == {"linux/amd64", "linux/arm64", "linux/arm/v7"}
    for platform, parent in below.items():
        child = above[platform]
        assert child.layers[: len(parent.layers)] == parent.layers, "nothing flattened or lost"
        labels = child.config["config"]["Labels"]
        assert labels["org.opencontainers.image.base.digest"] == parent.digest
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
    (tag,) = views[CACHE].tags()
    assert tag.startswith("py3.13-arm-v7-")
    files = [name for name in names_in(*views[CACHE].layers(tag)) if "." in name]
    assert [name.partition("-")[0] for name in files] == ["setproctitle"]
    assert files[0].endswith(".whl")
    assert views[f"{LONE}/cache"].tags() == {}


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


def test_a_preview_says_why_and_sums_it_up_in_a_line(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    with workshop.edited(f"assets/{PARENT}/image/start.sh", "#!/bin/sh", "#!/bin/sh\n# edited"):
        printed = workshop.pulumi("preview", "--stack", STACK).printed
    said = " ".join(printed.split())
    assert "start.sh changed" in said
    assert f"{PARENT} {PARENT_TAG} is built anew" in said
    assert " 6 build, " in said, "three platforms of the image, and of the one on it"
    quiet = " ".join(workshop.pulumi("preview", "--stack", STACK).printed.split())
    assert "0 build, 0 re-point, 0 retire" in quiet
    assert views[IMAGE].tags()


def test_a_new_version_builds_its_own_platforms_alone(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[LONE].pull(f"py3.13-slim-{UVICORN}")[0]
    declare(workshop, versions=[UVICORN, "0.35.0"])
    said = " ".join(workshop.make("-s", "preview", f"STACK={STACK}").printed.split())
    assert " 2 build, " in said
    steps = workshop.up(stack=STACK)
    assert steps.builds() == [
        f"{LONE}/build:py3.13-0.35.0-amd64", f"{LONE}/build:py3.13-slim-0.35.0-amd64",
    ]  # fmt: skip
    after = views[LONE].pull("py3.13-slim-0.35.0")[0]
    shared = names_in(*(layer for layer in before.layers if layer in after.layers))
    assert any("site-packages/h11/" in name for name in shared), "what versions have in common"
    declare(workshop)
    workshop.up(stack=STACK)


def test_what_does_not_compile_fails_once_and_its_builds_say_so(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    before = views[PARENT].tags()
    stage = "FROM compilers AS compile\n"
    with workshop.edited(f"assets/{PARENT}/image/Dockerfile", stage, f"{stage}RUN exit 7\n"):
        failed = workshop.up(code=None, stack=STACK)
    said = failed.ran.printed
    assert "did not complete successfully: exit code: 7" in said
    assert f"{PARENT}/build:see-the-error-of-its-wheels: not found" in said
    assert "Traceback" not in said
    assert views[PARENT].tags() == before
    workshop.up(stack=STACK)
    assert views[PARENT].tags() == before, "the same bytes, for nothing that is in it changed"


def test_what_is_fetched_runs_only_where_there_is_no_network(
    workshop: Workshop, views: dict[str, RegistryView], tmp_path: Path
) -> None:
    assert views[PARENT].tags()
    state = json.loads(workshop.pulumi("stack", "export", "--stack", STACK).printed)
    resources = state["deployment"]["resources"]
    inputs = {r["urn"].rpartition("::")[2]: r.get("inputs", {}) for r in resources}
    image = inputs[f"{PARENT}/build:{PARENT_TAG}-amd64"]
    wheels = next(given for name, given in inputs.items() if "/wheels:" in name)
    backends = wheels["buildArgs"]["BUILD_REQUIREMENTS"]
    with curious_source(tmp_path) as source:
        printed = refused(
            workshop, image, "wheels",
            COMPILED=source.requirement, BUILD_REQUIREMENTS=backends,
        )  # fmt: skip
        assert source.asked == ["/curious-1.0.tar.gz"], "once, to be fetched, and never by its code"
    assert "curious could not be compiled, see above. There is no network here" in printed


def test_built_again_without_any_cache_it_has_the_same_digest(
    workshop: Workshop, views: dict[str, RegistryView]
) -> None:
    state = json.loads(workshop.pulumi("stack", "export", "--stack", STACK).printed)
    resources = [r for r in state["deployment"]["resources"] if "/build:" in r["urn"]]
    found = {r["urn"].rpartition("::")[2]: r["outputs"]["digest"] for r in resources}
    again = {r["urn"].rpartition("::")[2]: rebuilt(workshop, r["inputs"]) for r in resources}
    assert again == found
    assert {name.rpartition("-")[2] for name in found} == {"amd64", "arm64", "v7"}
