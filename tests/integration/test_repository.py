"""The program whole, with a repository on GitHub: real engine, plugins, builder and registry.

GitHub is the stand-in that answers within GitHub's own description. Two small images, of which the
second is a copy that the tests break and take away.
"""

import re
from collections.abc import Iterator

import pytest

from tests.fleet.pages.readmes import tags_in
from tests.github.api import TOKEN, GitHub
from tests.github.call import NAME, OWNER
from tests.github.server import serving
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import IMAGE, Workshop

STACK = "hosted"
SECOND = "python-second"
DRIFT, VERSIONS = "1 2 * * *", "1 3 * * *"
PAGES = {f"docs/images/{name}.md" for name in ("README", IMAGE, SECOND)}
_SMALL = {"pythons": ["3.13"], "bases": ["slim"], "platforms": ["linux/amd64"]}


def declare(
    workshop: Workshop, images: tuple[str, ...] = (IMAGE, SECOND), *, drift: bool = True
) -> str:
    schedules = {"versions": VERSIONS, **({"drift": DRIFT} if drift else {})}
    return workshop.declare_stack(
        STACK,
        {name: {**_SMALL, "title": name, "versions": ["0.34.0"]} for name in images},
        github={"repository": f"{OWNER}/{NAME}"},
        schedules=schedules,
    )


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    made = GitHub()
    made.branch.commit("README.md", b"by a person\n")
    yield made
    assert made.violations == []


@pytest.fixture(scope="module")
def views(workshop: Workshop, github: GitHub) -> Iterator[dict[str, RegistryView]]:
    """The two repositories of the stack, brought up once, with GitHub where the plugin looks."""
    workshop.copy_assets(SECOND)
    registry = declare(workshop)
    with (
        serving(github) as url,
        pytest.MonkeyPatch.context() as patch,
        workshop.no_wait_for_github(),
        workshop.verified_in_short(IMAGE, SECOND),
    ):
        patch.setenv("GITHUB_BASE_URL", url)
        patch.setenv("GITHUB_TOKEN", TOKEN)
        for name in ("GITHUB_OWNER", "GITHUB_ORGANIZATION"):
            patch.delenv(name, raising=False)
        up(workshop)
        found = {name: workshop.view(name, registry) for name in (IMAGE, SECOND)}
        yield found
        for view in found.values():
            view.close()


def up(workshop: Workshop, code: int | None = 0) -> str:
    return workshop.make("up", f"STACK={STACK}", code=code).printed


def preview(workshop: Workshop) -> str:
    return workshop.make("preview", f"STACK={STACK}").printed


def text(github: GitHub, name: str) -> str:
    return github.branch.files[f"docs/images/{name}.md"].decode()


def test_the_first_up_writes_workflows_and_pages(
    github: GitHub, views: dict[str, RegistryView]
) -> None:
    workflows = {f".github/workflows/{job}.yml" for job in ("preview", "up", "drift", "versions")}
    files = set(github.branch.files)
    assert files == {*workflows, *PAGES, ".github/dependabot.yml", "README.md"}
    assert f'cron: "{DRIFT}"' in github.branch.files[".github/workflows/drift.yml"].decode()
    assert all(commit.message.endswith("[skip ci]") for commit in github.branch.commits[1:])


@pytest.mark.parametrize("image", [IMAGE, SECOND])
def test_every_tag_of_a_page_on_github_can_be_pulled_by_the_digest_beside_it(
    github: GitHub, views: dict[str, RegistryView], image: str
) -> None:
    page, view = text(github, image), views[image]
    shown = dict(re.findall(r"^\| `(py\S+)` \| `(sha256:\S+)` \|", page, re.MULTILINE))
    assert shown == {"py3.13-slim-0.34.0": view.digest("py3.13-slim-0.34.0")}
    assert tags_in(page) == set(view.tags())
    for tag in tags_in(page):
        assert view.pull(tag)


def test_an_unchanged_up_writes_no_commit(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    before = len(github.branch.commits)
    assert "unchanged" in up(workshop)
    assert len(github.branch.commits) == before


def test_a_page_that_somebody_edited_is_drift_and_repaired(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    page = text(github, IMAGE)
    github.branch.commit(f"docs/images/{IMAGE}.md", b"# Mine\n")
    changes = [line for line in preview(workshop).splitlines() if line.startswith("  update ")]
    assert len(changes) == 1, changes
    assert f"docs/images/{IMAGE}.md" in changes[0]
    up(workshop)
    assert text(github, IMAGE) == page


def test_a_build_that_fails_leaves_a_page_that_names_what_is_there(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    sound, before = text(github, IMAGE), views[SECOND].tags()
    with workshop.own_dockerfile(SECOND, "image", "EXPOSE 80", "RUN exit 3\nEXPOSE 80"):
        printed = up(workshop, code=None)
    assert "Traceback" not in printed
    assert views[SECOND].tags() == before
    assert text(github, IMAGE) == sound
    assert tags_in(text(github, SECOND)) <= set(before)
    up(workshop)
    assert tags_in(text(github, SECOND)) == set(before)


def test_the_files_of_a_schedule_and_an_image_that_leave_are_deleted(
    workshop: Workshop, github: GitHub, views: dict[str, RegistryView]
) -> None:
    kept = views[SECOND].digest("py3.13-slim-0.34.0")
    declare(workshop, (IMAGE,), drift=False)
    up(workshop)
    gone = {".github/workflows/drift.yml", f"docs/images/{SECOND}.md"}
    assert not gone & set(github.branch.files)
    assert SECOND not in text(github, "README")
    assert views[SECOND].tags() == {"py3.13-slim-0.34.0": kept}
    assert "README.md" in github.branch.files, "a person's"
