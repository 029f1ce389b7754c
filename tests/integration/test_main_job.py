"""The main job, in the order of a fleet's life: up, drift, releases, failures, destroy.

The tests share one stack and run in the order of this file; each leaves the shipped declaration
behind it, and begins by whatever ``up`` makes of the state that it finds.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.container import started, unpacked
from tests.integration.container_spec import Options
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import IMAGE, Workshop

PYTHONS = ("3.11", "3.13")
VERSIONS = ("0.33.0", "0.34.0")
NEXT, ITS_PYTHON = "0.35.0", "3.13"
LEFT_OUT = {"python": "3.11", "version": NEXT, "because": "one Python shows it"}
PLATFORMS = {"linux/amd64", "linux/arm64", "linux/arm/v7"}
# As in a verification: by QEMU's default, pointer authentication slows every call down.
EMULATED = {"linux/arm64": {"QEMU_CPU": "max,pauth-impdef=on"}}
VERSION_TAGS = {f"py{python}-slim-{version}" for python in PYTHONS for version in VERSIONS}
POINTERS = {
    f"py{python}-slim-{end}": f"py{python}-slim-{version}"
    for python in PYTHONS
    for end, version in (("LATEST", "0.34.0"), ("0.34", "0.34.0"), ("0.33", "0.33.0"))
}


def test_a_bad_declaration_is_refused_whole_before_anything_is_started(workshop: Workshop) -> None:
    before = _kept(workshop)
    workshop.declare(pythons=[3.11], platfroms=["linux/amd64"])
    refused = workshop.make("up", code=None)
    workshop.declare()
    assert "2 problems in Pulumi.dev.yaml; nothing was changed:" in refused.printed
    assert "pythons[0]: is the number 3.11, not text" in refused.printed
    assert "platfroms: unknown key" in refused.printed
    assert _kept(workshop) == before


def _kept(workshop: Workshop) -> set[str]:
    """The files of registry, state and daemons; none in a checkout that nothing was started in."""
    folders = [workshop.root / ".fleet" / name for name in ("registry", "state", "run", "log")]
    return {str(path) for folder in folders for path in folder.rglob("*")}


def test_one_command_makes_the_registry_equal_to_the_declaration(
    workshop: Workshop, registry: RegistryView
) -> None:
    printed = workshop.make("up").printed
    table = printed[printed.index("tags of ") :]
    live = registry.tags()
    assert set(live) == VERSION_TAGS | set(POINTERS)
    assert {tag: live[tag] for tag in POINTERS} == {tag: live[t] for tag, t in POINTERS.items()}
    for tag in VERSION_TAGS:
        (row,) = [line for line in table.splitlines() if line.startswith(f"{tag} ")]
        assert "3/3" in row, "every platform is said to be verified"
        assert live[tag].removeprefix("sha256:")[:12] in row
    assert "warning" not in printed.lower()


def test_a_second_up_changes_nothing_and_builds_nothing(workshop: Workshop) -> None:
    assert workshop.up().done == ()
    assert "unchanged" in workshop.make("up").printed


@pytest.mark.parametrize("python", PYTHONS)
def test_every_platform_pulls_and_answers(
    registry: RegistryView, tmp_path: Path, python: str
) -> None:
    images = registry.pull(f"py{python}-slim-LATEST")
    assert {image.platform for image in images} == PLATFORMS
    for number, image in enumerate(images):
        labels = image.config["config"]["Labels"]
        assert labels["python"] == python
        assert labels["org.opencontainers.image.description"] == (
            f"python:{python}-slim uvicorn:0.34.0 {image.platform}"
        )
        assert labels["org.opencontainers.image.revision"]
        folder = tmp_path / str(number)
        env = {"WORKERS": "1", **EMULATED.get(image.platform, {})}
        with (
            unpacked(image, folder) as built,
            started(built, folder, Options(env=env)) as container,
        ):
            assert container.get().status == 200, f"{image.platform} answers"


def test_a_pointer_moved_by_hand_is_found_and_repaired_without_a_build(
    workshop: Workshop, registry: RegistryView
) -> None:
    before = registry.tags()
    registry.move("py3.13-slim-LATEST", "py3.13-slim-0.33.0")
    shown = workshop.pulumi("preview", "--diff").printed
    assert "py3.13-slim-LATEST" in shown
    assert before["py3.13-slim-0.33.0"] in shown, "the preview shows what it names now"
    refreshed = workshop.make("refresh").printed
    digests = (before["py3.13-slim-0.33.0"][7:19], before["py3.13-slim-LATEST"][7:19])
    (row,) = [line for line in refreshed.splitlines() if "py3.13-slim-LATEST" in line]
    assert row.split(maxsplit=4)[1:] == ["re-point", *digests, "it was moved since the last update"]
    assert registry.tags() != before, "a refresh repairs nothing"
    steps = workshop.up()
    assert steps.tags() == ["py3.13-slim-LATEST"]
    assert steps.builds() == []
    assert registry.tags() == before


def test_a_pointer_deleted_by_hand_is_restored(workshop: Workshop, registry: RegistryView) -> None:
    before = registry.tags()
    registry.remove("py3.11-slim-LATEST")
    assert "py3.11-slim-LATEST" not in registry.tags()
    assert workshop.up().tags() == ["py3.11-slim-LATEST"]
    assert registry.tags() == before


def test_a_version_tag_moved_by_hand_is_repaired_without_a_build(
    workshop: Workshop, registry: RegistryView
) -> None:
    before = registry.tags()
    registry.move("py3.13-slim-0.34.0", "py3.13-slim-0.33.0")
    steps = workshop.up()
    assert steps.builds() == []
    assert "py3.13-slim-0.34.0" in steps.tags()
    assert registry.tags() == before


def test_a_new_version_builds_only_its_own_and_takes_the_pointer(
    workshop: Workshop, registry: RegistryView
) -> None:
    before = registry.tags()
    workshop.declare(versions=[*VERSIONS, NEXT], exclude=[LEFT_OUT])
    steps = workshop.up()
    assert steps.builds() == [f"{IMAGE}/build:py{ITS_PYTHON}-slim-{NEXT}"]
    live = registry.tags()
    new = {f"py{ITS_PYTHON}-slim-{end}" for end in (NEXT, "0.35", "LATEST")}
    assert len({live[tag] for tag in new}) == 1
    assert live.keys() == before.keys() | new
    assert {tag: live[tag] for tag in live.keys() - new} == {
        tag: before[tag] for tag in before.keys() - new
    }


def test_a_removed_version_keeps_its_tag_and_gives_the_pointer_back(
    workshop: Workshop, registry: RegistryView
) -> None:
    before = registry.tags()
    builds = workshop.view(f"{IMAGE}/build")
    workshop.declare()
    steps = workshop.up()
    assert steps.builds() == []
    live = registry.tags()
    assert {tag: live[tag] for tag in POINTERS} == {tag: live[t] for tag, t in POINTERS.items()}
    kept = f"py{ITS_PYTHON}-slim-{NEXT}"
    assert live[kept] == before[kept]
    images = registry.pull(kept)
    assert {image.platform for image in images} == PLATFORMS
    assert live[f"py{ITS_PYTHON}-slim-0.35"] == before[kept], "policy of X.Y is keep"
    assert builds.digest(kept) == live[kept], "its build stays too: the same index"
    builds.close()


def test_a_python_that_leaves_takes_its_latest_along_and_nothing_else(
    workshop: Workshop, registry: RegistryView
) -> None:
    before = registry.tags()
    workshop.declare(pythons=["3.11"])
    workshop.make("-s", "lock")
    shown = workshop.pulumi("preview", "--diff").printed
    assert "py3.13-slim-LATEST" in shown
    assert before["py3.13-slim-LATEST"] in shown, "named with its digest before it goes"
    assert registry.tags() == before, "a preview writes nothing"
    steps = workshop.up()
    assert steps.builds() == []
    live = registry.tags()
    assert before.keys() - live.keys() == {"py3.13-slim-LATEST"}
    assert {tag: live[tag] for tag in live} == {tag: before[tag] for tag in live}
    for tag in VERSION_TAGS:
        assert registry.platforms(tag) == PLATFORMS
    workshop.declare()
    workshop.up()
    assert registry.tags()["py3.13-slim-LATEST"] == before["py3.13-slim-LATEST"]


def test_a_renamed_resource_costs_no_live_name(workshop: Workshop, registry: RegistryView) -> None:
    before = registry.tags()
    components = "components/pointers.py"
    with (
        workshop.edited(components, "Tag(ref, tag, child)", 'Tag(f"{ref}-x", tag, child)'),
        workshop.edited(
            components,
            "StalePointers(image.repository, stale",
            'StalePointers(f"{image.repository}-x", stale',
        ),
    ):
        renamed = workshop.up()
        assert renamed.summary()["delete"] == len(POINTERS) + 1
        assert registry.tags() == before
    workshop.up()
    assert registry.tags() == before


def test_the_environment_serves_plain_pulumi_and_other_clients(workshop: Workshop) -> None:
    assert {row["tag"].rpartition(":")[2] for row in workshop.output("tags")} == VERSION_TAGS
    host = workshop.registry.partition("/")[0]
    env = workshop.environment()
    logins = json.loads((Path(env["DOCKER_CONFIG"]) / "config.json").read_text())["auths"]
    login = f"Authorization: Basic {logins[host]['auth']}"
    done = subprocess.run(
        ["curl", "-sS", "--fail", "-H", login, f"https://{host}/v2/multi-py/{IMAGE}/tags/list"],
        env={**env, "CURL_CA_BUNDLE": env["SSL_CERT_FILE"]},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert set(json.loads(done.stdout)["tags"]) >= VERSION_TAGS


def test_destroy_keeps_every_version_and_takes_only_our_pointers(
    workshop: Workshop, registry: RegistryView
) -> None:
    before = registry.tags()
    workshop.pulumi("destroy", "--yes")
    live = registry.tags()
    versions = VERSION_TAGS | {f"py{ITS_PYTHON}-slim-{NEXT}"}
    assert set(live) == versions
    assert {tag: live[tag] for tag in live} == {tag: before[tag] for tag in live}
    for tag in versions:
        assert registry.platforms(tag) == PLATFORMS


def test_what_was_destroyed_comes_back_with_the_same_digests(
    workshop: Workshop, registry: RegistryView
) -> None:
    before = registry.tags()
    workshop.up()
    live = registry.tags()
    assert {tag: live[tag] for tag in before} == before
    assert {tag: live[tag] for tag in POINTERS} == {tag: live[t] for tag, t in POINTERS.items()}


def test_down_stops_what_was_started_and_keeps_the_data(workshop: Workshop) -> None:
    records = (workshop.root / ".fleet/run").glob("*.pid")
    pids = [int(json.loads(path.read_text())["pid"]) for path in records]
    assert len(pids) == 2
    workshop.make("down")
    assert not any(map(_runs, pids))
    assert (workshop.root / ".fleet/registry").is_dir()
    assert (workshop.root / ".fleet/state").is_dir()


def _runs(pid: int) -> bool:
    """Tell whether a process does anything: one that ended may wait for its parent to notice."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
