import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.github.doctor.examine import examine
from fleet.github.doctor.finding import Finding
from fleet.github.render.workflows import app_permissions
from fleet.local.toolchain import published
from fleet.releases.writing import text_of
from fleet.upkeep.split import stack_files
from tests.fleet.examples import PLATFORMS, config, image, lock
from tests.fleet.github.hub import REPOSITORY, Hub

ROOT = f"/repos/{REPOSITORY}"
GITHUB = {"repository": REPOSITORY}


def declared(**overrides: Any) -> Declaration:
    return parse(
        config(
            **{
                "registry": "ghcr.io/team",
                "builders": dict.fromkeys(PLATFORMS, "hosted"),
                "schedules": {"drift": "1 2 * * *", "versions": "1 3 * * *"},
                "secrets": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
                "github": GITHUB,
                **overrides,
            }
        )
    )


@pytest.fixture(scope="module")
def key() -> str:
    """A private key as GitHub gives one for an App."""
    argv = ["openssl", "genrsa", "-traditional", "2048"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def environment(key: str) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": "s3://bucket",
        "PULUMI_CONFIG_PASSPHRASE": "long",
        "GITHUB_TOKEN": "token-of-a-person",
        "FLEET_APP_CLIENT_ID": "Iv1",
        "FLEET_APP_PRIVATE_KEY": key,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    secret = {"secure": "v1:x"}
    values = {f"secrets:AWS_{name}": secret for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": values}))
    (tmp_path / "Pulumi.dev.yaml").write_text("encryptionsalt: of-the-empty-passphrase\n")
    (tmp_path / "templates").symlink_to(Path(__file__).parents[3] / "templates")
    for part in ("image", "verify"):
        folder = tmp_path / "assets" / "web" / part
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text("FROM scratch\n")
        (folder / ".dockerignore").write_text("*\n")
    urls = [url for target in published._TARGETS for url in published.addresses(target)]
    (tmp_path / "toolchain").mkdir()
    recorded = "".join(f"{'0' * 64}  {published.name_of(url)}\n" for url in urls)
    (tmp_path / published.RECORDED).write_text(recorded)
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "prod.yaml").write_bytes(text_of(lock(declared())))
    return tmp_path


@pytest.fixture
def github(hub: Hub) -> Hub:
    """A GitHub on which everything was given."""
    hub.settings = {"default_branch": "main", "permissions": hub.sampled("full-repository")}
    hub.settings["permissions"] = {"admin": True, "pull": True, "push": True}
    hub.headers = {
        "X-OAuth-Scopes": "repo, workflow, read:packages, write:packages, delete:packages"
    }
    hub.found["/app"] = hub.sampled("integration", slug="fleet-bot", id=9)
    installation = hub.sampled("installation", permissions=app_permissions())
    hub.found[f"{ROOT}/installation"] = installation
    hub.found[f"{ROOT}/rules/branches/main"] = [{"type": "pull_request", "ruleset_id": 5}]
    actors = [{"actor_id": 9, "actor_type": "Integration", "bypass_mode": "always"}]
    ruleset = hub.sampled("repository-ruleset", id=5, name="main", bypass_actors=actors)
    hub.found[f"{ROOT}/rulesets/5"] = ruleset
    for name in ("registry", "registry-preview", "registry-versions"):
        _environment(hub, name)
    _reviewed(hub, [{"type": "User", "reviewer": hub.sampled("simple-user", login="someone")}])
    for job in ("drift", "versions"):
        _workflow(hub, job, "active")
    for name, visibility in (("web", "public"), ("web/build", "private")):
        _package(hub, name, visibility)
    return hub


def _environment(hub: Hub, name: str) -> None:
    place = f"{ROOT}/environments/{name}"
    hub.found[place] = hub.sampled("environment", name=name)
    names = ["FLEET_APP_PRIVATE_KEY", "PULUMI_CONFIG_PASSPHRASE"]
    if name.endswith("-preview"):
        names += ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    secrets = [hub.sampled("actions-secret", name=n) for n in names]
    variables = [hub.sampled("actions-variable", name=n)
                 for n in ("FLEET_APP_CLIENT_ID", "PULUMI_BACKEND_URL")]  # fmt: skip
    hub.found[f"{place}/secrets"] = {"total_count": len(secrets), "secrets": secrets}
    hub.found[f"{place}/variables"] = {"total_count": 2, "variables": variables}


def _reviewed(hub: Hub, reviewers: list[Any]) -> None:
    """Make the environment of removals, with one rule of each kind."""
    rules = [
        {"id": 1, "node_id": "x", "type": "branch_policy"},
        {"id": 2, "node_id": "y", "type": "required_reviewers", "reviewers": reviewers},
    ]
    name = "registry-removals"
    found = hub.sampled("environment", name=name, protection_rules=rules)
    hub.found[f"{ROOT}/environments/{name}"] = found


def _workflow(hub: Hub, job: str, state: str) -> None:
    found = hub.sampled("workflow", name=job, state=state)
    hub.found[f"{ROOT}/actions/workflows/{job}.yml"] = found


def _package(hub: Hub, name: str, visibility: str, repository: str = REPOSITORY) -> None:
    linked = hub.sampled("nullable-minimal-repository", full_name=repository)
    found = hub.sampled("package", name=name, visibility=visibility, repository=linked)
    found["package_type"] = "container"
    hub.found[f"/orgs/team/packages/container/{quote(name, safe='')}"] = found


def examined(
    root: Path, hub: Hub, environment: Mapping[str, str], declaration: Declaration | None = None
) -> list[Finding]:
    found = examine(root, "prod", declaration or declared(), environment, hub.open)
    return list(found)


def of(found: list[Finding], verdict: str) -> list[str]:
    return [f"{f.what} -> {f.remedy}" for f in found if f.verdict == verdict]


def test_where_everything_was_given_nothing_is_left_to_do_and_nothing_is_written(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    before = sorted(path.name for path in root.iterdir())
    found = examined(root, github, environment)
    assert of(found, "FAIL") == of(found, "note") == []
    assert len(found) > 10
    assert github.writes == []
    assert sorted(path.name for path in root.iterdir()) == before


def test_before_the_first_up_what_it_makes_is_a_note_and_stops_nothing(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    kept = ("/app", "/installation", "/rules")
    github.found = {path: v for path, v in github.found.items() if any(k in path for k in kept)}
    found = examined(root, github, environment)
    (failure,) = of(found, "FAIL")
    assert "environment registry-removals: not there" in failure, "it is made by a person"
    notes = "\n".join(of(found, "note"))
    assert "environment registry: not there yet" in notes
    for job in ("drift", "versions"):
        assert f"schedule {job}: its workflow is not there yet" in notes
    assert "environment registry-preview: not there yet" in notes
    assert (
        "environment registry-versions: not there yet -> Run gh api --method PUT "
        f"{ROOT}/environments/registry-versions. Then give it the secrets FLEET_APP_PRIVATE_KEY "
        "and the variables FLEET_APP_CLIENT_ID:"
    ) in notes
    for package in ("web", "web/build"):
        assert f"package {package}: not there yet" in notes
    assert "role Admin" in notes


def test_a_lock_that_lacks_something_stands_in_the_way(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    more = declared(images={"web": image(versions=["0.33.0", "0.34.0", "0.35.0"])})
    (failure,) = of(examined(root, github, environment, more), "FAIL")
    assert "the lock has no uvicorn, gunicorn for 0.35.0 on Python 3.11" in failure
    assert "Run make lock STACK=prod" in failure
    (root / "locks" / "prod.yaml").unlink()
    (failure,) = of(examined(root, github, environment), "FAIL")
    assert "lock: locks/prod.yaml: was not written yet" in failure


def test_an_engine_that_each_job_would_have_to_build_is_noted(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    path = root / published.RECORDED
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "docker-build" not in line))
    (remark,) = of(examined(root, github, environment), "note")
    assert "no SHA-256 is recorded of pulumi-resource-docker-build-v0.0.22-linux-amd64" in remark
    assert "make checksums" in remark


Faults = list[tuple[dict[str, str], str]]
IN_THE_ENVIRONMENT: Faults = [
    ({"PULUMI_BACKEND_URL": ""}, "PULUMI_BACKEND_URL is not set"),
    ({"PULUMI_BACKEND_URL": "file:///tmp/x"}, "which the workflows can't reach"),
    ({"PULUMI_CONFIG_PASSPHRASE": ""}, "PULUMI_CONFIG_PASSPHRASE is not set"),
    ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set"),
    ({"FLEET_APP_CLIENT_ID": ""}, "FLEET_APP_CLIENT_ID and FLEET_APP_PRIVATE_KEY"),
    ({"FLEET_APP_PRIVATE_KEY": "no key"}, "expected an RSA private key in PEM"),
]


@pytest.mark.parametrize(("change", "told"), IN_THE_ENVIRONMENT)
def test_what_the_environment_lacks_is_named_with_its_remedy(
    root: Path, github: Hub, environment: dict[str, str], change: dict[str, str], told: str
) -> None:
    (failure,) = of(examined(root, github, {**environment, **change}), "FAIL")
    assert told in failure
    assert len(failure.partition(" -> ")[2]) > 20


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "secret AWS_ACCESS_KEY_ID: declared, and has no value"),
        ({"secrets:AWS_ACCESS_KEY_ID": "AKIA"}, "as plain text"),
    ],
)
def test_declared_secrets_need_an_encrypted_value(
    root: Path, github: Hub, environment: dict[str, str], values: dict[str, str], told: str
) -> None:
    secret = {"secrets:AWS_SECRET_ACCESS_KEY": {"secure": "v1:x"}}
    text = yaml.safe_dump({"config": {**secret, **values}})
    (root / "Pulumi.prod.yaml").write_text(text)
    (failure,) = of(examined(root, github, environment), "FAIL")
    assert told in failure
    assert "pulumi config set --secret --stack prod secrets:AWS_ACCESS_KEY_ID" in failure


def test_the_salt_of_the_embedded_stack_stands_for_no_passphrase(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    path = root / "Pulumi.prod.yaml"
    path.write_text(f"encryptionsalt: of-the-empty-passphrase\n{path.read_text()}")
    (failure,) = of(examined(root, github, environment), "FAIL")
    assert "Delete its line encryptionsalt" in failure
    path.write_text(f"secretsprovider: awskms://key\n{path.read_text()}")
    assert of(examined(root, github, environment), "FAIL") == []


def _app_is_not_installed(hub: Hub) -> None:
    del hub.found[f"{ROOT}/installation"]


def _app_lacks_workflows(hub: Hub) -> None:
    granted = {**app_permissions(), "contents": "read"}
    del granted["workflows"]
    hub.found[f"{ROOT}/installation"] = hub.sampled("installation", permissions=granted)


def _token_lacks_scopes(hub: Hub) -> None:
    hub.headers = {"X-OAuth-Scopes": "repo, read:packages"}


def _archived(hub: Hub) -> None:
    hub.settings["archived"] = True


def _not_administered(hub: Hub) -> None:
    hub.settings["permissions"]["admin"] = False


def _other_default(hub: Hub) -> None:
    hub.settings["default_branch"] = "trunk"


def _no_bypass(hub: Hub) -> None:
    hub.found[f"{ROOT}/rulesets/5"] = hub.sampled("repository-ruleset", bypass_actors=[])


def _another_app(hub: Hub) -> None:
    actors = [{"actor_id": 10, "actor_type": "Integration", "bypass_mode": "always"}]
    found = hub.sampled("repository-ruleset", id=5, name="main", bypass_actors=actors)
    hub.found[f"{ROOT}/rulesets/5"] = found


def _only_when_asked(hub: Hub) -> None:
    actors = [{"actor_id": 9, "actor_type": "Integration", "bypass_mode": "pull_request"}]
    found = hub.sampled("repository-ruleset", id=5, name="main", bypass_actors=actors)
    hub.found[f"{ROOT}/rulesets/5"] = found


def _old_protection(hub: Hub) -> None:
    hub.found[f"{ROOT}/branches/main/protection"] = hub.sampled("branch-protection")


def _nobody_to_ask(hub: Hub) -> None:
    _reviewed(hub, [])


def _no_removals_environment(hub: Hub) -> None:
    del hub.found[f"{ROOT}/environments/registry-removals"]


def _switched_off(hub: Hub) -> None:
    _workflow(hub, "drift", "disabled_inactivity")


def _foreign_package(hub: Hub) -> None:
    _package(hub, "web/build", "private", "team/other")


@pytest.mark.parametrize(
    ("build_type", "verdict"), [("", "FAIL"), ("legacy", "FAIL"), ("workflow", "ok")]
)
def test_a_catalog_needs_a_site_that_a_workflow_publishes(
    root: Path, github: Hub, environment: dict[str, str], build_type: str, verdict: str
) -> None:
    if build_type:
        found = github.sampled("page", build_type=build_type, html_url="https://x.test/")
        github.found[f"{ROOT}/pages"] = found
    pages = declared(github={**GITHUB, "pages": True})
    lines = of(examined(root, github, environment, pages), verdict)
    (line,) = [each for each in lines if each.startswith("pages: ")]
    assert verdict == "ok" or "-f build_type=workflow" in line


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_app_is_not_installed, "fleet-bot is not installed"),
        (_app_lacks_workflows, "lacks contents: write, workflows: write"),
        (_token_lacks_scopes, "lacks the scopes workflow, write:packages, delete:packages"),
        (_archived, "is archived"),
        (_not_administered, "is not administered"),
        (_other_default, "has the default branch trunk, not main"),
        (_no_bypass, "stops the commits of generated files"),
        (_another_app, "stops the commits of generated files"),
        (_only_when_asked, "stops the commits of generated files"),
        (_old_protection, "protection of the old kind"),
        (_nobody_to_ask, "environment registry-removals: has no reviewers"),
        (_no_removals_environment, "environment registry-removals: not there"),
        (_switched_off, "schedule drift: GitHub has its workflow as disabled_inactivity"),
        (_foreign_package, "package web/build: is linked to team/other"),
    ],
)
def test_what_is_wrong_on_github_is_named_with_its_remedy(
    root: Path, github: Hub, environment: dict[str, str], spoil: Any, told: str
) -> None:
    spoil(github)
    (failure,) = of(examined(root, github, environment), "FAIL")
    assert told in failure
    assert len(failure.partition(" -> ")[2]) > 10


def test_a_repository_that_the_token_does_not_see_is_one_failure(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    elsewhere = declared(github={"repository": f"{REPOSITORY}-elsewhere"})
    found = of(examined(root, github, environment, elsewhere), "FAIL")
    assert any("-elsewhere to this token" in failure for failure in found)


def test_a_merge_by_itself_needs_the_setting_and_a_rule(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    github.settings["allow_auto_merge"] = False
    github.found[f"{ROOT}/rules/branches/main"] = []
    merging = declared(github={**GITHUB, "versions": "merge"})
    first, second = of(examined(root, github, environment, merging), "FAIL")
    assert "allows no auto-merge" in first
    assert "whoever may push publishes images" in second
    (remark,) = of(examined(root, github, environment), "note")
    assert "whoever may push publishes images" in remark


def test_a_secret_that_is_to_be_given_comes_with_its_command(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    github.found[f"{ROOT}/environments/registry/secrets"] = {"total_count": 0, "secrets": []}
    notes = of(examined(root, github, environment), "note")
    assert any(
        f"gh secret set PULUMI_CONFIG_PASSPHRASE --repo {REPOSITORY} --env registry" in line
        for line in notes
    )
    assert len(notes) == 2


def test_the_environment_of_previews_is_given_what_a_preview_reads_by_a_person(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    place = f"{ROOT}/environments/registry-preview/secrets"
    github.found[place] = github.found[f"{ROOT}/environments/registry/secrets"]
    removing = declared(secrets=["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    notes = of(examined(root, github, environment, removing), "note")
    assert [note.partition(" ->")[0] for note in notes] == [
        "environment registry-preview: has no secret AWS_ACCESS_KEY_ID",
        "environment registry-preview: has no secret AWS_SECRET_ACCESS_KEY",
    ]


@pytest.mark.parametrize(("name", "visibility"), [("web", "private"), ("web/build", "public")])
def test_who_sees_a_package_is_noted(
    root: Path, github: Hub, environment: dict[str, str], name: str, visibility: str
) -> None:
    _package(github, name, visibility)
    (remark,) = of(examined(root, github, environment), "note")
    assert f"package {name}: is {visibility}" in remark


def test_a_mirror_on_ghcr_that_is_not_public_is_noted(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    place = "/orgs/other/packages/container/images%2Fweb"
    mirrored = declared(mirrors=["ghcr.io/other/images", "quay.io/org"])
    (absent,) = of(examined(root, github, environment, mirrored), "note")
    assert "mirror ghcr.io/other/images/web is not there yet, or private" in absent
    package = github.sampled("package", name="images/web", visibility="public")
    github.found[place] = {**package, "visibility": "private"}
    (private,) = of(examined(root, github, environment, mirrored), "note")
    assert "mirror ghcr.io/other/images/web is private" in private
    github.found[place] = package
    assert of(examined(root, github, environment, mirrored), "note") == []


def test_other_notes_tell_what_the_declaration_leaves_open(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    bare = declared(schedules={}, secrets=[], builders=dict.fromkeys(PLATFORMS, "fleet"))
    notes = "\n".join(of(examined(root, github, environment, bare), "note"))
    for told in ("AWS_ACCESS_KEY_ID", "builder fleet", "schedule drift", "schedule versions"):
        assert told in notes


@pytest.mark.parametrize("change", [{"github": None}, {"registry": "localhost:5443/x"}])
def test_a_stack_that_has_no_need_of_it_is_told_so(
    root: Path, hub: Hub, environment: dict[str, str], change: dict[str, Any]
) -> None:
    failures = of(examined(root, hub, environment, replace(declared(), **change)), "FAIL")
    assert len(failures) == 1
    assert hub.log == []


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    # Rules of a branch have dozens of shapes there; the test gives what is read of them.
    assert [v for v in made.violations if "rules/branches" not in v] == []


def test_of_a_split_fleet_the_secrets_are_those_of_the_part_that_gives_them_to_github(
    root: Path, github: Hub, environment: dict[str, str]
) -> None:
    path = root / "Pulumi.prod.yaml"
    secrets = yaml.safe_load(path.read_text())["config"]
    values = {
        "registry": "ghcr.io/team",
        "builders": dict.fromkeys(PLATFORMS, "hosted"),
        "secrets": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
        "github": GITHUB,
    }
    whole = {f"fleet:{key}": value for key, value in config(**values).items()}
    path.write_text(yaml.safe_dump({"config": whole}))
    written = {"config": {**whole, **secrets}}
    for name, text in stack_files(declared(), "prod", written).items():
        (root / name).write_text(text)
    found = [str(each) for each in examined(root, github, environment)]
    for name in values["secrets"]:
        assert f"ok    secret {name}: encrypted in Pulumi.prod-github.yaml" in found
    assert not any("FAIL" in each for each in found)
