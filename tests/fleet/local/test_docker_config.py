"""What our Docker configuration shows of the user's, and builders that are nowhere."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.declaration.builder_nodes import Node
from fleet.local import docker_config, registry_login
from fleet.local.paths import Checkout
from fleet.local.requirements import Needs
from tests.fleet.local.examples import checkout, needs

ARM = Node(driver="remote", endpoint="unix:///run/buildkit/buildkitd.sock", options={})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout, and a user whose home holds nothing yet."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return checkout(tmp_path)


def instance(folder: Path, name: str, text: str = "{}") -> None:
    """Put buildx's instance file of the builder ``name`` into the Docker configuration."""
    path = folder / "buildx" / "instances" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def mixed(name: str = "mynode") -> Needs:
    return needs(built_here=("linux/amd64", "linux/arm/v7"), builders=(name,))


def test_a_named_builder_is_shown_beside_ours_and_follows_the_users(
    here: Checkout, tmp_path: Path
) -> None:
    theirs = tmp_path / "docker"
    for text in ("first", "second"):
        instance(theirs, "mynode", text)
        instance(theirs, "other")
        docker_config.share(here, mixed("MyNode"), {"DOCKER_CONFIG": str(theirs)})
        folder = here.docker_config / "buildx" / "instances"
        assert {path.name for path in folder.iterdir()} == {"fleet", "mynode"}
        assert (folder / "mynode").read_text() == text


def test_the_users_configuration_is_found_behind_ours(here: Checkout) -> None:
    instance(Path.home() / ".docker", "mynode")
    ours = {
        "DOCKER_CONFIG": str(here.docker_config),
        "BUILDX_CONFIG": str(here.docker_config / "buildx"),
    }
    docker_config.require_builders(here, mixed(), ours)
    docker_config.share(here, mixed(), ours)
    assert (here.docker_config / "buildx" / "instances" / "mynode").is_file()


def test_buildx_may_have_a_folder_of_its_own(here: Checkout, tmp_path: Path) -> None:
    instance(tmp_path, "mynode")
    docker_config.require_builders(here, mixed(), {"BUILDX_CONFIG": str(tmp_path / "buildx")})
    with pytest.raises(TroubleError, match="no such builder: mynode"):
        docker_config.require_builders(here, mixed(), {"BUILDX_CONFIG": str(tmp_path / "none")})


def test_builders_that_are_nowhere_are_named_with_the_place_and_the_remedy(
    here: Checkout,
) -> None:
    wanted = needs(built_here=(), builders=("one", "two"))
    told = r"Pulumi\.dev\.yaml, fleet:builders.*: one, two .*\n.*docker buildx ls"
    with pytest.raises(TroubleError, match=told):
        docker_config.require_builders(here, wanted, {})
    assert not here.state.exists()


def test_our_builder_and_dockers_own_need_no_instance_file(here: Checkout) -> None:
    docker_config.require_builders(here, needs(), {})
    docker_config.require_builders(here, mixed("default"), {})


def test_a_docker_context_is_a_builder_by_its_own_name(here: Checkout, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"rootless").hexdigest()
    (tmp_path / "contexts" / "meta" / digest).mkdir(parents=True)
    env = {"DOCKER_CONFIG": str(tmp_path)}
    docker_config.require_builders(here, mixed("rootless"), env)
    docker_config.share(here, mixed("rootless"), env)
    assert (here.docker_config / "contexts" / "meta" / digest).is_dir()


def test_the_users_logins_are_shown_where_the_registry_is_not_ours_and_only_there(
    here: Checkout, tmp_path: Path
) -> None:
    elsewhere = needs(port=None, host="ghcr.io")
    link = here.docker_config_elsewhere / "config.json"
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        env = {"DOCKER_CONFIG": str(folder)}
        docker_config.share(here, elsewhere, env)
        assert link.resolve() == folder / "config.json"
        docker_config.share(here, needs(), env)
        shown = json.loads((here.docker_config / "config.json").read_text())
        assert set(shown["auths"]) == {"localhost:5443", "127.0.0.1:5443"}


@pytest.mark.parametrize("key", ["proxies", "Proxies"])
def test_the_users_proxies_with_their_passwords_are_shown_to_no_build(
    here: Checkout, tmp_path: Path, key: str
) -> None:
    elsewhere, env = needs(port=None, host="ghcr.io"), {"DOCKER_CONFIG": str(tmp_path)}
    theirs, ours = tmp_path / "config.json", here.docker_config_elsewhere / "config.json"
    text = json.dumps({"auths": {"ghcr.io": {"auth": "x"}}, key: {"default": {"httpProxy": "p"}}})
    for _ in range(2):
        theirs.write_text(text)
        docker_config.share(here, elsewhere, env)
        assert json.loads(ours.read_text()) == {"auths": {"ghcr.io": {"auth": "x"}}}
        assert ours.stat().st_mode & 0o777 == 0o600
        assert theirs.read_text() == text
        theirs.write_text("{}")
        docker_config.share(here, elsewhere, env)
        assert ours.resolve() == theirs
    theirs.write_text(text)
    docker_config.share(here, elsewhere, env)
    theirs.unlink()
    docker_config.share(here, elsewhere, env)
    assert not ours.exists(), "a login that the user took back is not kept"


def test_our_registrys_login_is_readable_by_this_user_alone_and_never_in_the_users_file(
    here: Checkout, tmp_path: Path
) -> None:
    theirs = tmp_path / "docker" / "config.json"
    theirs.parent.mkdir()
    text = '{"auths": {"ghcr.io": {"auth": "x"}}, "credsStore": "s", "currentContext": "rootless"}'
    theirs.write_text(text)
    ours = here.docker_config / "config.json"
    ours.parent.mkdir(parents=True)
    ours.symlink_to(theirs)
    docker_config.share(here, needs(), {"DOCKER_CONFIG": str(theirs.parent)})
    assert theirs.read_text() == text
    assert not ours.is_symlink()
    assert ours.stat().st_mode & 0o777 == 0o600
    found = json.loads(ours.read_text())
    # A credential store would be asked in place of the entry.
    assert set(found) == {"auths", "currentContext"}
    pair = base64.b64decode(found["auths"]["localhost:5443"]["auth"]).decode()
    assert pair == f"fleet:{registry_login.ensure(here).password}"


@pytest.mark.parametrize("helper", [{"credsStore": "s"}, {"credHelpers": {"mirror.lan": "s"}}])
def test_of_the_users_logins_ours_has_that_of_the_declared_mirror_and_no_other(
    here: Checkout, tmp_path: Path, helper: dict[str, object]
) -> None:
    entries = {"mirror.lan": {"auth": "eDp5"}, "ghcr.io": {"auth": "x"}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": entries, **helper}))
    mirrored = needs(base_registry="mirror.lan/library")
    docker_config.share(here, mirrored, {"DOCKER_CONFIG": str(tmp_path)})
    found = json.loads((here.docker_config / "config.json").read_text())
    assert set(found["auths"]) == {"mirror.lan", "localhost:5443", "127.0.0.1:5443"}
    assert found["auths"]["mirror.lan"] == {"auth": "eDp5"}
    assert found["credHelpers"] == {"mirror.lan": "s"}, "of that host alone"
    assert "credsStore" not in found


def test_those_of_mirrors_are_there_too(here: Checkout, tmp_path: Path) -> None:
    entries = {name: {"auth": "eDp5"} for name in ("quay.io", "mirror.lan", "ghcr.io")}
    helpers = {"docker.io": "s", "ghcr.io": "s"}
    text = json.dumps({"auths": entries, "credHelpers": helpers})
    (tmp_path / "config.json").write_text(text)
    mirrored = needs(base_registry="mirror.lan/library", mirrors=("quay.io", "docker.io"))
    docker_config.share(here, mirrored, {"DOCKER_CONFIG": str(tmp_path)})
    found = json.loads((here.docker_config / "config.json").read_text())
    assert set(found["auths"]) == {"mirror.lan", "quay.io", "localhost:5443", "127.0.0.1:5443"}
    assert set(found["credHelpers"].values()) == {"s"}
    assert len(found["credHelpers"]) == 1, "that of Docker Hub"


def test_a_declared_node_is_described_and_need_not_be_the_users(here: Checkout) -> None:
    far = needs(built_here=(), builders=("arm",), nodes={"arm": ARM})
    docker_config.require_builders(here, far, {})
    docker_config.share(here, far, {})
    described = here.docker_config / "buildx" / "instances" / "arm"
    assert json.loads(described.read_text())["Nodes"][0]["Endpoint"] == ARM.endpoint


def test_a_declared_node_wins_over_a_builder_of_the_users_by_its_name(
    here: Checkout, tmp_path: Path
) -> None:
    instance(tmp_path, "arm", "theirs")
    far = needs(builders=("arm",), nodes={"arm": ARM})
    docker_config.share(here, far, {"DOCKER_CONFIG": str(tmp_path)})
    described = here.docker_config / "buildx" / "instances" / "arm"
    assert described.read_text() != "theirs"
    assert (tmp_path / "buildx" / "instances" / "arm").read_text() == "theirs"


def test_a_cloud_builder_is_made_by_dockers_own_buildx(here: Checkout, tmp_path: Path) -> None:
    env = {"DOCKER_CONFIG": str(tmp_path)}
    cloud = needs(
        builders=("cloud-org-name",),
        nodes={"cloud-org-name": Node(driver="cloud", endpoint="", options={})},
    )
    with pytest.raises(TroubleError, match="no such builder: cloud-org-name"):
        docker_config.require_builders(here, cloud, env)
    instance(tmp_path, "cloud-org-name", '{"Driver": "cloud"}')
    (tmp_path / "cli-plugins").mkdir()
    docker_config.require_builders(here, cloud, env)
    docker_config.share(here, cloud, env)
    held = here.docker_config / "buildx" / "instances" / "cloud-org-name"
    assert held.read_text() == '{"Driver": "cloud"}'
    assert (here.docker_config / "cli-plugins").resolve() == tmp_path / "cli-plugins"


def test_nothing_is_shown_where_the_users_own_configuration_is_used(here: Checkout) -> None:
    docker_config.share(here, needs(port=None, built_here=(), builders=("mynode",)), {})
    assert not here.state.exists()
