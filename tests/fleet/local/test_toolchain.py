"""Where the tools come from."""

import hashlib
import io
import json
import os
import re
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fleet.console import TroubleError
from fleet.http.errors import HttpError
from fleet.local.paths import Checkout
from fleet.local.remaining import Remaining
from fleet.local.requirements import Needs
from fleet.local.toolchain import (
    archives,
    gobuild,
    golang,
    modules,
    plugins,
    published,
    toolchain,
)
from fleet.local.toolchain.modules import Module
from fleet.local.toolchain.toolchain import Tools
from tests.fleet.local.examples import checkout, command, needs

ROOT = Path(__file__).parents[3]
ENGINE = modules.PULUMI
TARGET = modules.target()
# Answers as the engine does, and notes what it was asked to install.
PULUMI = """
case $1 in
version) echo "v${VERSION-3.259.0}" ;;
plugin)
    echo "$@" >>"$PULUMI_CALLS"
    mkdir -p "$PULUMI_HOME/plugins/resource-$4-v$5"
    : >"$PULUMI_HOME/plugins/resource-$4-v$5/pulumi-resource-$4"
    ;;
esac
"""


class World:
    """A checkout whose modules build at once, and a download site that is not there."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.built = folder, list[str]()
        self.here = checkout(folder)
        self.env = {"PULUMI_HOME": str(self.here.pulumi_home)}
        self.env |= {"PULUMI_CALLS": str(folder / "calls"), "PATH": "/usr/bin:/bin"}
        patch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")
        patch.setattr(gobuild, "ensure", self._build)
        command(folder / "bin", "go", "echo go version go1.26.1 linux/amd64")

    def _build(self, here: Checkout, wanted: list[Module], _: Remaining) -> None:
        for module in wanted:
            folder = gobuild.place(here, module)
            if folder.is_dir():
                continue
            self.built.append(module.name)
            parts = (module, *module.beside)
            for package in (package for part in parts for package in part.packages):
                command(folder, package.rpartition("/")[2], PULUMI)

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


class Site:
    """A site of published archives: a server on this machine, which notes what it is asked for."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut_off = 0
        """How many downloads end in their middle."""
        self.stalls = False
        self.elsewhere: set[str] = set()
        """Names of archives that it redirects to another host and path, as GitHub does."""
        self.closing = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = urlsplit(self.path).path.rpartition("/")[2]
                if name in site.elsewhere and not self.path.startswith("/stored/"):
                    self.send_response(302)
                    port = site.server.server_port
                    self.send_header("Location", f"http://localhost:{port}/stored/{name}?sig=a%2Fb")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                site.asked.append(f"{self.command} {name}")
                body = site.files.get(name)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                if self.command == "GET" and body and site.cut_off:
                    site.cut_off -= 1
                    self.wfile.write(body[: len(body) // 2])
                elif self.command == "GET" and body and site.stalls:
                    self.wfile.write(body[:1])
                    self.wfile.flush()
                    site.closing.wait(30)
                elif self.command == "GET":
                    self.wfile.write(body or b"")

            do_HEAD = do_GET  # noqa: N815 - the server's own name for it

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        address, here = published.address, f"http://127.0.0.1:{self.server.server_port}"
        patch.setattr(
            published, "address", lambda *given: f"{here}/{published.name_of(address(*given))}"
        )

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def name(self, module: Module) -> str:
        return published.name_of(published.address(module, TARGET))

    def publish(self, *found: Module) -> None:
        """Publish each of these as its makers do."""
        programs = {
            "pulumi": {"pulumi/pulumi": PULUMI, "pulumi/pulumi-language-python": "exit 0"},
            "buildkit": {f"bin/{name}": "exit 0" for name in ("buildctl", "buildkitd", "runc")},
            "registry": {"registry": "exit 0", "README.md": ""},
        }
        for module in found:
            files = programs.get(module.name, {"pulumi-resource-x": "exit 0"})
            self.files[self.name(module)] = packed(files)

    def record(self, here: Checkout) -> None:
        """Record what is published."""
        path = here.root / published.RECORDED
        path.parent.mkdir(exist_ok=True)
        lines = (f"{hashlib.sha256(b).hexdigest()}  {n}\n" for n, b in self.files.items())
        path.write_text("# What somebody looked at.\n" + "".join(lines))


def packed(scripts: dict[str, str]) -> bytes:
    """Return an archive with these programs."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, script in scripts.items():
            content = f"#!/bin/sh\n{script}\n".encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(monkeypatch)
    yield made
    made.close()


def ensure(world: World, wanted: Needs | None = None) -> Tools:
    """Survey and provide, as every run does."""
    wanted = wanted or needs()
    supply = toolchain.survey(world.here, wanted)
    return toolchain.ensure(world.here, wanted, supply, world.env)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def test_without_site_or_path_everything_is_built(world: World) -> None:
    tools = ensure(world)
    assert world.built == ["pulumi", "buildkit", "registry", "docker-build"]
    assert tools.pulumi.with_name("pulumi-language-python").exists()
    found = (tools.pulumi, tools.buildkitd, tools.registry)
    assert all(path and path.is_file() for path in found)


def test_the_plugin_that_was_built_is_installed_once_from_its_file(world: World) -> None:
    ensure(world)
    ensure(world)
    binary = gobuild.place(world.here, modules.DOCKER_BUILD) / "pulumi-resource-docker-build"
    installed = f"plugin install resource docker-build 0.0.22 --exact --file {binary}"
    assert world.calls() == [f"{installed} --color never"]


def test_the_plugin_for_github_is_built_and_installed_where_a_repository_is_declared(
    world: World,
) -> None:
    ensure(world, needs(github=True))
    assert world.built[-2:] == ["docker-build", "github"]
    binary = gobuild.place(world.here, modules.GITHUB) / "pulumi-resource-github"
    installed = f"plugin install resource github 6.15.0 --exact --file {binary}"
    assert world.calls()[1:] == [f"{installed} --color never"]


def test_the_plugin_of_the_toolchain_is_that_of_the_sdk() -> None:
    assert modules.GITHUB.version == version("pulumi-github")


def test_a_plugin_whose_install_was_cut_off_is_installed_again(world: World) -> None:
    ensure(world)
    (world.here.pulumi_home / "plugins" / "resource-docker-build-v0.0.22.partial").touch()
    ensure(world)
    assert len(world.calls()) == 2


def test_daemons_are_not_built_when_none_is_needed(world: World) -> None:
    tools = ensure(world, needs(built_here=(), port=None))
    assert world.built == ["pulumi", "docker-build"]
    assert (tools.buildkitd, tools.registry) == (None, None)


def test_an_engine_of_the_right_version_on_path_is_used(world: World) -> None:
    command(world.folder / "bin", "pulumi", PULUMI)
    command(world.folder / "bin", "pulumi-language-python", "exit 0")
    tools = ensure(world)
    assert tools.pulumi == world.folder / "bin" / "pulumi"
    assert "pulumi" not in world.built


def test_an_engine_of_another_version_on_path_is_left_alone_and_said_so(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    command(world.folder / "bin", "pulumi", f"VERSION=3.100.0\n{PULUMI}")
    command(world.folder / "bin", "pulumi-language-python", "exit 0")
    ensure(world)
    assert "pulumi" in world.built
    assert "is 3.100.0, not 3.259.0" in capsys.readouterr().err


def test_our_own_link_is_not_taken_for_an_engine_on_path(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = ensure(world)
    monkeypatch.setenv("PATH", f"{world.here.bin}:/usr/bin:/bin")
    assert ensure(world) == tools


def test_what_is_recorded_is_downloaded_and_run_only_if_it_is_that(
    world: World, site: Site
) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.record(world.here)
    tools = ensure(world)
    assert tools.pulumi.read_text().endswith(f"{PULUMI}\n")
    assert tools.pulumi.with_name("pulumi-language-python").exists()
    assert world.built == ["buildkit", "registry"]
    (call,) = world.calls()
    file = r"\S+/pulumi-resource-docker-build-v0\.0\.22-linux-\w+\.tar\.gz"
    installed = "plugin install resource docker-build 0.0.22 --exact --file"
    assert re.fullmatch(rf"{installed} {file} --color never", call)
    asked = len(site.asked)
    assert ensure(world) == tools
    assert len(site.asked) == asked, "it is kept"


ALL = (ENGINE, modules.BUILDKIT, modules.REGISTRY, modules.DOCKER_BUILD)


def test_where_all_is_recorded_nothing_is_built_and_go_is_not_asked_for(
    world: World, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_go(world, monkeypatch)
    site.publish(*ALL)
    site.record(world.here)
    tools = ensure(world)
    assert world.built == []
    assert tools.buildkitd
    assert tools.registry
    assert tools.registry.is_file()
    # Neither its runc nor anything else of an archive: a daemon runs what Debian keeps up to date.
    assert {path.name for path in tools.buildkitd.parent.iterdir()} == {"buildctl", "buildkitd"}
    asked = len(site.asked)
    assert ensure(world) == tools
    assert len(site.asked) == asked, "it is kept"


def test_an_archive_is_found_and_had_where_its_site_redirects_to(world: World, site: Site) -> None:
    site.publish(*ALL)
    site.record(world.here)
    moved = site.name(modules.BUILDKIT)
    site.elsewhere.add(moved)
    ensure(world)
    assert world.built == []
    assert [line for line in site.asked if moved in line] == [f"HEAD {moved}", f"GET {moved}"]


def test_an_archive_whose_redirect_leads_nowhere_is_built(world: World, site: Site) -> None:
    site.publish(*ALL)
    site.record(world.here)
    moved = site.name(modules.BUILDKIT)
    site.elsewhere.add(moved)
    del site.files[moved]
    ensure(world)
    assert world.built == ["buildkit"]


def test_the_archives_of_what_a_stack_does_not_use_are_not_asked_for(
    world: World, site: Site
) -> None:
    site.publish(*ALL)
    site.record(world.here)
    ensure(world, needs(built_here=(), port=None))
    names = {line.partition(" ")[2] for line in site.asked}
    assert names == {site.name(ENGINE), site.name(modules.DOCKER_BUILD)}


def test_the_archives_are_of_the_versions_that_the_modules_build() -> None:
    for module, path, version_ in (
        (modules.BUILDKIT, "github.com/moby/buildkit", modules.BUILDKIT_VERSION),
        (modules.REGISTRY, "github.com/distribution/distribution/v3", modules.REGISTRY_VERSION),
    ):
        required = (ROOT / "toolchain" / module.name / "go.mod").read_text()
        assert f"\t{path} v{version_}" in required


def test_a_download_that_ends_in_its_middle_is_begun_once_more(world: World, site: Site) -> None:
    site.publish(*ALL)
    site.record(world.here)
    site.cut_off = 1
    ensure(world)
    assert world.built == []
    assert sum(line.startswith("GET ") for line in site.asked) == len(ALL) + 1


@pytest.mark.parametrize("stalls", [False, True], ids=["truncated", "slow"])
def test_an_archive_that_never_arrives_whole_is_an_error_and_leaves_nothing(
    world: World, site: Site, monkeypatch: pytest.MonkeyPatch, *, stalls: bool
) -> None:
    monkeypatch.setattr(published, "_DEADLINE", 0.2)
    site.publish(*ALL)
    site.record(world.here)
    site.stalls, site.cut_off = stalls, 0 if stalls else 2
    with pytest.raises(HttpError, match=r"\.tar\.gz: .*\nRun it again.*remove its line"):
        ensure(world)
    assert world.built == []
    assert [path.name for path in (world.here.cache / "tools").iterdir()] == [".lock"]


@pytest.mark.parametrize("module", ALL, ids=[module.name for module in ALL])
def test_another_archive_than_the_recorded_one_stops_and_is_not_unpacked(
    world: World, site: Site, module: Module
) -> None:
    site.publish(*ALL)
    site.record(world.here)
    site.files[site.name(module)] = b"other bytes"
    with pytest.raises(TroubleError, match=r"has SHA-256 \w+, and \w+ is recorded.*it is not used"):
        ensure(world)
    assert world.calls() == []
    assert list((world.here.cache / "tools").glob(".*-*")) == []


def test_of_an_archive_with_a_program_missing_nothing_is_used(world: World, site: Site) -> None:
    site.publish(*ALL)
    site.files[site.name(modules.BUILDKIT)] = packed({"bin/buildkitd": "exit 0"})
    site.record(world.here)
    with pytest.raises(TroubleError, match=r"it has no bin/buildctl\. .*remove its line"):
        ensure(world)


def test_what_is_not_recorded_is_never_asked_for(world: World, site: Site) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    ensure(world)
    assert site.asked == []
    assert world.built[0] == "pulumi"
    assert world.built[-1] == "docker-build"


def test_a_plugin_that_is_not_recorded_is_built(world: World, site: Site) -> None:
    site.publish(ENGINE)
    site.record(world.here)
    ensure(world)
    assert world.built == ["buildkit", "registry", "docker-build"]


@pytest.mark.parametrize("module", [ENGINE, modules.DOCKER_BUILD])
def test_what_is_recorded_and_not_to_be_had_is_built(
    world: World, site: Site, module: Module, capsys: pytest.CaptureFixture[str]
) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.record(world.here)
    del site.files[site.name(module)]
    ensure(world)
    assert capsys.readouterr().err.startswith(
        f"toolchain: the recorded archive of {module.name} can't be had from "
        f"127.0.0.1:{site.server.server_port} (it answers 404), so it is built\n"
    )
    assert module.name in world.built
    assert {"pulumi", "docker-build"} & set(world.built) == {module.name}


def test_an_archive_that_goes_away_after_the_survey_is_an_error(world: World, site: Site) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.record(world.here)
    supply = toolchain.survey(world.here, needs())
    site.files.clear()
    with pytest.raises(HttpError, match="answered 404; expected the archive"):
        toolchain.ensure(world.here, needs(), supply, world.env)


@pytest.mark.parametrize("left", ["bin/pulumi", "pulumi-language-python"])
def test_a_folder_of_the_cache_without_the_program_is_made_again(
    world: World, site: Site, left: str
) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.record(world.here)
    folder = ensure(world).pulumi.parent
    (folder / "pulumi").unlink()
    command((folder / left).parent, (folder / left).name, "exit 0")
    assert ensure(world).pulumi.is_file()


def test_two_checkouts_at_once_unpack_the_engine_once(world: World, site: Site) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.record(world.here)
    supply = toolchain.survey(world.here, needs())
    first = toolchain.ensure(world.here, needs(), supply, world.env)
    assert toolchain.ensure(world.here, needs(), supply, world.env) == first
    assert site.asked.count(f"GET {site.name(ENGINE)}") == 1


def test_an_archive_without_an_engine_is_refused(world: World, site: Site) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.files[site.name(ENGINE)] = packed({"pulumi/other": PULUMI})
    site.record(world.here)
    with pytest.raises(TroubleError, match="it has no pulumi/pulumi"):
        ensure(world)


def test_where_the_site_can_not_be_reached_what_is_recorded_is_built(
    world: World, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.record(world.here)
    site.close()
    ensure(world)
    assert {"pulumi", "docker-build"} <= set(world.built)
    host = f"127.0.0.1:{site.server.server_port}"
    assert capsys.readouterr().err == (
        f"toolchain: the recorded archives of pulumi, docker-build can't be had from {host} "
        "(it can't be reached), so they are built\n"
    ), "what has no record is built because somebody wants it so"
    ensure(world)
    assert capsys.readouterr().err == "", "what is built is not looked for"


def test_each_reason_of_a_host_is_told_with_its_own_archives(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whys = {"buildkit": "it answers 404", "registry": "no answer within 5 s"}
    archives.say_built([modules.BUILDKIT, modules.REGISTRY], whys)
    said = "toolchain: the recorded archive of {} can't be had from github.com ({}), so it is "
    said += "built"
    assert capsys.readouterr().err.splitlines() == [said.format(*each) for each in whys.items()]


def test_a_site_that_is_too_slow_is_told_with_how_long_it_was_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(published, "_OFFER_DEADLINE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/archive"
        assert published.obstacle(url) == "no answer within 0.3 s"


def test_an_archive_that_writes_elsewhere_is_refused(
    world: World, site: Site, tmp_path: Path
) -> None:
    site.files[site.name(ENGINE)] = packed({"pulumi/pulumi": PULUMI, "../../evil": "x"})
    site.record(world.here)
    with pytest.raises(TroubleError, match=r"can't be unpacked: .*remove its line"):
        ensure(world)
    assert not list(tmp_path.rglob("evil"))
    assert [path.name for path in (world.here.cache / "tools").iterdir()] == [".lock"]


def test_a_line_that_is_no_checksum_records_nothing() -> None:
    digest = "a" * 64
    text = f"# {digest}  one\nsha256:{digest}  two\n {digest}  three\n{digest}  four"
    assert published.parse(text) == {"four": digest}


def names() -> set[str]:
    """The names of all archives, of every machine."""
    urls = (url for target in published._TARGETS for url in published.addresses(target))
    return {published.name_of(url) for url in urls}


def test_the_checksums_are_those_of_what_is_published(world: World, site: Site) -> None:
    for name in names():
        site.files[name] = name.encode()
    (world.here.root / "toolchain").mkdir()
    assert published.record(world.here.root) == 16
    found = published.recorded(world.here.root)
    assert found == {n: hashlib.sha256(n.encode()).hexdigest() for n in site.files}
    assert len(site.asked) == 16
    assert published.record(world.here.root) == 0
    assert len(site.asked) == 16, "nothing is downloaded again"


def test_a_recorded_checksum_stays_and_one_of_another_version_goes(
    world: World, site: Site
) -> None:
    absent, *others = sorted(names())
    for name in others:
        site.files[name] = name.encode()
    path = world.here.root / published.RECORDED
    path.parent.mkdir()
    kept = f"{'a' * 64}  {others[0]}\n"
    path.write_text(f"{kept}{'b' * 64}  pulumi-v1.0.0-linux-x64.tar.gz\n")
    said = (
        rf"of 14 archives, and 1 can't be had:\n  - \S+ \S+{absent}: answered 404.*\nRun it again"
    )
    with pytest.raises(TroubleError, match=said):
        published.record(world.here.root)
    assert set(published.recorded(world.here.root)) == set(others), "what succeeded is kept"
    site.files[absent] = b""
    assert published.record(world.here.root) == 1
    assert kept in path.read_text()
    assert set(published.recorded(world.here.root)) == names()
    path.write_text(f"{path.read_text()}{'b' * 64}  pulumi-v1.0.0-linux-x64.tar.gz\n")
    assert published.record(world.here.root) == 0
    assert set(published.recorded(world.here.root)) == names()


def test_this_machines_archives_are_recorded_first_and_kept_when_interrupted(
    world: World, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.here.root / "toolchain").mkdir()
    own = [published.name_of(url) for url in published.addresses(TARGET)]
    downloaded = published._downloaded

    def interrupted(url: str) -> bytes:
        if published.name_of(url) == own[-1]:
            raise KeyboardInterrupt
        return downloaded(url)

    monkeypatch.setattr(published, "_downloaded", interrupted)
    for name in names():
        site.files[name] = b""
    with pytest.raises(KeyboardInterrupt):
        published.record(world.here.root)
    assert [line.removeprefix("GET ") for line in site.asked] == own[:-1]
    assert set(published.recorded(world.here.root)) == set(own[:-1])
    assert "github" in own[-1], "which few stacks need"


def test_a_host_that_can_not_be_reached_is_asked_once_and_the_others_are(
    world: World, site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.here.root / "toolchain").mkdir()
    for name in names():
        site.files[name] = b""
    address = published.address

    def some_lost(module: Module, target: tuple[str, str]) -> str:
        url = address(module, target)
        return url if module == ENGINE else f"http://127.0.0.1:1/{published.name_of(url)}"

    monkeypatch.setattr(published, "address", some_lost)
    with pytest.raises(TroubleError, match="of 4 archives, and 12 can't be had") as caught:
        published.record(world.here.root)
    assert str(caught.value).count("not asked, because 127.0.0.1:1 can't be reached") == 11
    assert capsys.readouterr().err.count("downloading http://127.0.0.1:1/") == 1
    assert len(published.recorded(world.here.root)) == 4


def test_the_projects_own_file_records_digests_and_nothing_else() -> None:
    root = Path(__file__).parents[3]
    assert set(published.recorded(root)) <= names(), "a line for another version is of no use"


def test_the_tools_that_a_person_calls_are_linked_and_stale_links_go(world: World) -> None:
    world.here.bin.mkdir(parents=True)
    (world.here.bin / "pulumi").symlink_to("/nowhere/pulumi")
    (world.here.bin / "forgotten").symlink_to("/nowhere/forgotten")
    tools = ensure(world)
    links = {path.name: path.readlink() for path in world.here.bin.iterdir()}
    assert tools.buildkitd
    assert links == {"pulumi": tools.pulumi, "buildctl": tools.buildkitd.with_name("buildctl")}
    assert os.access(world.here.bin / "pulumi", os.X_OK)


def test_the_client_of_a_builder_in_docker_is_kept_until_there_is_a_daemon(world: World) -> None:
    world.here.bin.mkdir(parents=True)
    client = command(world.here.bin, "buildctl", "exit 0")
    ensure(world, needs().without_daemons)
    assert not client.is_symlink()
    ensure(world)
    assert client.is_symlink()


def without_go(world: World, patch: pytest.MonkeyPatch) -> None:
    (world.folder / "bin" / "go").unlink()
    patch.setattr(golang, "_FOLDER", world.folder / "nowhere")


def test_without_go_a_survey_names_all_that_needs_it_and_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_go(world, monkeypatch)
    wanted = (
        "^pulumi, buildkit, registry, docker-build can't be had: no SHA-256 .* of their archives"
    )
    with pytest.raises(TroubleError, match=rf"{wanted}, and .*\nInstall Go .* make checksums once"):
        toolchain.survey(world.here, needs())
    assert list(world.here.root.iterdir()) == []
    assert not world.here.cache.exists()


def test_go_is_not_asked_for_where_everything_is_in_the_cache(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = ensure(world)
    without_go(world, monkeypatch)
    assert ensure(world) == tools


def test_go_is_not_asked_for_where_engine_and_plugin_are_recorded_and_daemons_are_there(
    world: World, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_go(world, monkeypatch)
    daemons_on_path(world)
    with pytest.raises(TroubleError, match="pulumi, docker-build can't"):
        toolchain.survey(world.here, needs())
    site.publish(ENGINE, modules.DOCKER_BUILD)
    site.record(world.here)
    found = toolchain.survey(world.here, needs())
    assert found.downloads == (ENGINE, modules.DOCKER_BUILD)
    site.files = {site.name(ENGINE): site.files[site.name(ENGINE)]}
    site.record(world.here)
    with pytest.raises(TroubleError, match=r"^docker-build can't .*\nInstall Go.* make checksums"):
        toolchain.survey(world.here, needs())


def daemons_on_path(world: World, *, buildkit: str = "v0.23.1", registry: str = "v3.0.0") -> None:
    """Put daemons on PATH that answer for their version as the real ones do."""
    folder = world.folder / "bin"
    command(folder, "buildkitd", f"echo buildkitd github.com/moby/buildkit {buildkit} 0123abc")
    command(folder, "buildctl", "exit 0")
    command(folder, "registry", f"echo registry github.com/distribution/distribution/v3 {registry}")


def test_daemons_of_a_good_version_on_path_are_used(world: World) -> None:
    daemons_on_path(world)
    tools = ensure(world)
    folder = world.folder / "bin"
    assert tools.buildkitd == folder / "buildkitd"
    assert tools.registry == folder / "registry"
    assert world.built == ["pulumi", "docker-build"]


@pytest.mark.parametrize(
    ("versions", "built", "told"),
    [
        ({"buildkit": "v0.22.0"}, "buildkit", "buildkitd is 0.22.0, not 0.23 or newer"),
        ({"buildkit": "v0.0.0+unknown"}, "buildkit", "is 0.0.0+unknown, not 0.23 or newer"),
        ({"registry": "v2.8.3"}, "registry", "registry is 2.8.3, not 3.0 or newer"),
        ({"registry": "unknown"}, "registry", "is of no known version, not 3.0 or newer"),
    ],
)
def test_a_daemon_on_path_that_is_too_old_is_left_alone_and_said_so(
    world: World,
    capsys: pytest.CaptureFixture[str],
    versions: dict[str, str],
    built: str,
    told: str,
) -> None:
    daemons_on_path(world, **versions)
    ensure(world)
    assert {"buildkit", "registry"} & set(world.built) == {built}
    assert told in capsys.readouterr().err


def test_a_buildkit_daemon_without_its_client_beside_it_is_not_used(world: World) -> None:
    daemons_on_path(world)
    (world.folder / "bin" / "buildctl").unlink()
    ensure(world)
    assert "buildkit" in world.built


def test_plugins_that_the_state_needs_and_nothing_installed_are_named(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    there = here.pulumi_home / "plugins" / "resource-docker-build-v0.0.22"
    there.mkdir(parents=True)
    (there / "pulumi-resource-docker-build").touch()
    providers = [("docker-build", "0.0.22"), ("github", "6.14.0"), ("ociregistry", "")]
    state = {
        "deployment": {
            "resources": [
                {"type": f"pulumi:providers:{name}", "inputs": {"version": v} if v else {}}
                for name, v in providers
            ]
        }
    }
    found = plugins.missing_plugins(here, json.dumps(state))
    assert found == ["github 6.14.0"]
    assert plugins.missing_plugins(here, "{}") == []
