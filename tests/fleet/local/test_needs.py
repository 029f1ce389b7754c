"""What a declaration asks of this machine."""

import platform
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from fleet.console import TroubleError
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.local import platforms
from fleet.local.requirements import needs_of, read_needs
from fleet.lock.model import Lock, Tools
from fleet.lock.serialization import values_of
from tests.fleet import examples
from tests.fleet.evidence.examples import key


def declared(**overrides: object) -> Declaration:
    return parse(examples.config(**overrides))


def test_a_loopback_registry_is_needed_on_its_declared_port() -> None:
    found = needs_of(declared(registry="localhost:5999/multi-py"), "dev")
    assert (found.host, found.port) == ("localhost:5999", 5999)


def test_the_declared_tags_are_counted() -> None:
    image = examples.image(pythons=["3.11", "3.13"], versions=["0.34.0"])
    assert needs_of(declared(images={"web": image}), "dev").tags == 2


def test_the_loopback_address_counts_as_this_machine() -> None:
    assert needs_of(declared(registry="127.0.0.1:5999/multi-py"), "dev").port == 5999


def test_a_registry_elsewhere_is_not_started_even_with_a_port() -> None:
    found = needs_of(declared(registry="registry.example.org:5000/multi-py"), "prod")
    assert found.port is None
    assert not found.stand_ins


def test_the_key_of_this_checkout_signs_here_where_no_other_one_is_declared() -> None:
    assert needs_of(declared(registry="localhost:5999/multi-py"), "dev").own_key
    other = declared(registry="localhost:5999/multi-py", signing={"keys": [key().public.pem]})
    assert not needs_of(other, "dev").own_key
    assert not needs_of(declared(registry="ghcr.io/multi-py"), "prod").own_key


def test_the_builder_is_needed_when_one_platform_names_it() -> None:
    builders = {"linux/amd64": "mine", "linux/arm/v7": "fleet"}
    found = needs_of(declared(builders=builders), "dev")
    assert found.builder
    assert found.built_here == ("linux/arm/v7",)
    assert found.builders == {"mine": ("linux/amd64",)}


def test_no_builder_is_started_when_every_platform_has_one_of_the_users() -> None:
    builders = dict.fromkeys(examples.PLATFORMS, "mine")
    found = needs_of(declared(builders=builders), "dev")
    assert not found.builder
    assert not found.stand_ins
    assert found.builders == {"mine": ("linux/amd64", "linux/arm/v7")}


def test_a_declared_node_comes_along_with_the_builder_that_it_serves() -> None:
    builders = {"linux/amd64": "fleet", "linux/arm/v7": "arm"}
    arm = {"driver": "remote", "endpoint": "unix:///run/buildkit/buildkitd.sock"}
    found = needs_of(declared(builders=builders, **{"builder-nodes": {"arm": arm}}), "dev")
    assert found.builders == {"arm": ("linux/arm/v7",)}
    assert found.nodes["arm"].endpoint == arm["endpoint"]
    assert set(found.described) == {"arm"}


def test_a_node_for_a_platform_that_no_image_wants_is_left_alone() -> None:
    builders = {**dict.fromkeys(examples.PLATFORMS, "mine"), "linux/arm64": "arm"}
    arm = {"driver": "kubernetes"}
    values = {"registry": "ghcr.io/multi-py", "builder-nodes": {"arm": arm}}
    found = needs_of(declared(builders=builders, **values), "prod")
    assert found.nodes == {}
    assert not found.own_docker_config


@pytest.mark.parametrize(("driver", "described"), [("kubernetes", True), ("cloud", False)])
def test_a_docker_configuration_of_our_own_is_for_what_we_describe(
    driver: str, *, described: bool
) -> None:
    builders = dict.fromkeys(examples.PLATFORMS, "far")
    values = {"registry": "ghcr.io/multi-py", "builder-nodes": {"far": {"driver": driver}}}
    found = needs_of(declared(builders=builders, **values), "prod")
    assert not found.builder
    assert found.own_docker_config is described


def test_the_login_of_our_registry_lies_in_a_docker_configuration_of_our_own() -> None:
    found = needs_of(declared(builders=dict.fromkeys(examples.PLATFORMS, "mine")), "dev")
    assert not found.builder
    assert found.own_docker_config


def test_a_builder_for_a_platform_that_no_image_wants_is_not_started() -> None:
    builders = {**dict.fromkeys(examples.PLATFORMS, "mine"), "linux/arm64": "fleet"}
    assert not needs_of(declared(builders=builders), "dev").builder


def test_platforms_and_bases_are_named_once_over_all_images() -> None:
    images = {
        "one": examples.image(pythons=["3.11", "3.13"]),
        "two": examples.image(pythons=["3.13"], bases=["slim", "full"]),
    }
    found = needs_of(declared(images=images), "dev")
    assert found.platforms == examples.PLATFORMS
    assert found.bases == (("3.11", "slim"), ("3.13", "slim"), ("3.13", "full"))


def compiling(*targets: str, python: str = "3.11", image: str = "web") -> Lock:
    compiled = dict.fromkeys(targets, ("gunicorn==23.0.0",))
    return Lock(tools={(image, python): Tools(pins=(), compiled=compiled)})


@pytest.mark.parametrize(
    ("lock", "more"),
    [
        (None, ()),
        (Lock(), ()),
        (compiling("linux/arm/v7 glibc"), (("3.11", "full"),)),
        (compiling("linux/arm/v7 musl"), ()),
        (compiling("linux/arm/v7 glibc", python="3.12"), ()),
        (compiling("linux/arm/v7 glibc", image="gone"), ()),
    ],
)
def test_compilers_are_needed_where_the_lock_has_something_compiled(
    lock: Lock | None, more: tuple[tuple[str, str], ...]
) -> None:
    assert needs_of(declared(), "dev", lock).bases == (("3.11", "slim"), *more)


def test_an_image_on_another_needs_no_base_of_its_own() -> None:
    images = {
        "one": examples.image(pythons=["3.11"], bases=["slim"]),
        "two": examples.image(**{"pythons": ["3.11"], "bases": ["slim"], "builds-on": "one"}),
    }
    assert needs_of(declared(images=images), "dev").bases == (("3.11", "slim"),)


def test_the_lock_of_a_registry_on_this_machine_is_looked_at(tmp_path: Path) -> None:
    def bases(registry: str) -> tuple[tuple[str, str], ...]:
        values = examples.config(registry=registry)
        text = yaml.safe_dump({"config": {f"fleet:{key}": value for key, value in values.items()}})
        (tmp_path / "Pulumi.dev.yaml").write_text(text)
        return read_needs(tmp_path, "dev", {}).bases

    held = compiling("linux/arm/v7 glibc")
    sources = {"gunicorn==23.0.0": examples.wheel("gunicorn==23.0.0")}
    tools = {key: replace(entry, sources=sources) for key, entry in held.tools.items()}
    path = tmp_path / ".fleet" / "locks" / "dev.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(values_of(replace(held, tools=tools))))
    assert bases("localhost:5443/multi-py") == (("3.11", "slim"), ("3.11", "full"))
    assert bases("registry.example.org/multi-py") == (("3.11", "slim"),)
    path.write_text("format: 1\n")
    with pytest.raises(DeclarationError, match="format"):
        bases("localhost:5443/multi-py")


def test_the_plugin_for_github_is_needed_only_where_a_repository_is_declared() -> None:
    assert not needs_of(declared(), "dev").github
    assert needs_of(declared(github={"repository": "team/fleet"}), "dev").github


def test_a_faulty_file_is_reported_by_its_problems(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {fleet:regsitry: localhost:5443/a}\n")
    with pytest.raises(DeclarationError, match="fleet:regsitry"):
        read_needs(tmp_path, "dev")


def test_a_machine_that_is_not_linux_is_told_to_name_builders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(TroubleError, match=r"(?s)Darwin.*fleet:builders"):
        platforms.native()


@pytest.mark.parametrize(
    ("machine", "expected"),
    [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("armv7l", "linux/arm/v7")],
)
def test_the_machine_is_named_as_in_an_image_index(
    monkeypatch: pytest.MonkeyPatch, machine: str, expected: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert platforms.native() == expected


def test_a_job_keeps_the_keys_of_nodes_in_a_folder_of_its_own(tmp_path: Path) -> None:
    files = {"cacert": "/etc/n/ca.pem", "cert": "/etc/n/c.pem", "key": "/etc/n/k.pem"}
    nodes = {
        "arm": {"driver": "remote", "endpoint": "tcp://a.example:1", "options": files},
        "plain": {"driver": "remote", "endpoint": "unix:///run/b.sock"},
    }
    builders = {"linux/amd64": "plain", "linux/arm/v7": "arm"}
    values = examples.config(builders=builders, **{"builder-nodes": nodes})
    text = yaml.safe_dump({"config": {f"fleet:{key}": value for key, value in values.items()}})
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    assert read_needs(tmp_path, "prod", {}).nodes["arm"].options == files
    held = read_needs(tmp_path, "prod", {"FLEET_NODE_KEYS": "/tmp/job/nodes"})
    assert held.nodes["arm"].options == {
        "cacert": "/tmp/job/nodes/arm/cacert.pem",
        "cert": "/tmp/job/nodes/arm/cert.pem",
        "key": "/tmp/job/nodes/arm/key.pem",
    }
    assert held.described["arm"] == held.nodes["arm"], "what clients learn of it"
    assert held.nodes["plain"].options == {}
