import itertools
import re
from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.mirrors import Mirror
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.lock.model import Lifetime
from fleet.pages.readme import FOLDER, pages, stack_readme
from tests.fleet import examples
from tests.fleet.evidence.examples import ED25519, key
from tests.fleet.pages.readmes import (  # fmt: skip
    DIGEST,
    SHIPPED,
    TEMPLATES,
    declared,
    like,
    plan_of,
    rendered,
    section,
    shipped_texts,
    tags_in,
)


@pytest.mark.parametrize("image", SHIPPED)
def test_a_page_has_every_section_of_the_contract_in_its_order(image: str) -> None:
    page = like(image)
    assert re.findall(r"^##+ (.+)$", page, re.MULTILINE) == [
        "Benefits", "Contents", "How to", "Full image", "Slim image", "Copy the packages",
        "Add your application", "Prestart script", "Behind a proxy", "Signals", "Kubernetes",
        "OpenShift", "Environment variables", "Python versions", "Variants", "Architectures",
        "Sponsorship", "Tags", "Pointers", "Older tags",
    ]  # fmt: skip
    assert len(shipped_texts(image)) == 3


@pytest.mark.parametrize("image", SHIPPED)
def test_pages_are_sound_markdown(image: str) -> None:
    for page in (like(image), rendered(declared())["README.md"]):
        lines = page.splitlines()
        for before, line in itertools.pairwise(lines):
            assert not (line.startswith("#") and before), f"no blank line before {line!r}"
            assert before or line, "two blank lines"
            if before.startswith("|") and line.startswith("|"):
                assert len(cells(before)) == len(cells(line)), line
        assert page.count("```") % 2 == 0
        assert not re.search(r"\{\{|\{%|None|Undefined", page)
        assert page.endswith("\n")


def cells(row: str) -> list[str]:
    return re.split(r"(?<!\\)\|", row)


def test_every_entry_of_the_contents_leads_to_a_heading_and_none_moves_with_a_release() -> None:
    page = like("python-uvicorn")
    links = re.findall(r"^ *- \[(.+)\]\(#(.+)\)$", section(page, "Contents"), re.MULTILINE)
    below = page[page.index("## How to") :]
    assert [title for title, _ in links] == re.findall(r"^##+ (.+)$", below, re.MULTILINE)
    assert all(anchor == title.lower().replace(" ", "-") for title, anchor in links)
    later = rendered(declared(versions=["1.0.0"], pythons=["3.13"]))["web.md"]
    first = rendered(declared())["web.md"]
    assert section(later, "Contents") == section(first, "Contents")


def test_the_table_has_what_stands_in_the_registry() -> None:
    rows = [line for line in section(rendered(declared())["web.md"], "Tags").splitlines()
            if line.startswith("| `py3.")]  # fmt: skip
    cell = "`linux/amd64`, `linux/arm/v7`"
    assert rows[0] == f"| `py3.11-slim-0.34.0` | `{DIGEST}` | {cell} | 123.5 MB |"
    assert rows[-1].startswith("| `py3.9-0.33.0` | `py3.9-0.33` |"), "pointers end the section"
    assert "| `py3.11-slim-0.34.0` | `py3.11-slim-LATEST`, `py3.11-slim-0.34` |" in rows


def test_what_was_not_published_is_named_nowhere() -> None:
    failed = "py3.11-0.34.0"
    pages_made = rendered(declared(), failed)
    plan = plan_of(declared())
    everything = {str(t.tag) for t in plan.images[0].tags} | {
        str(p.tag) for p in plan.images[0].pointers
    }
    gone = {failed, "py3.11-LATEST", "py3.11-0.34"}
    assert tags_in(pages_made["web.md"]) == everything - gone
    assert "FROM localhost:5443/multi-py/web:py3.11-0.33.0\n" in pages_made["web.md"]


def test_before_the_first_run_all_that_is_planned_is_named_without_digests() -> None:
    page = rendered(declared(), known=False)["web.md"]
    assert "| `py3.11-slim-0.34.0` | – | `linux/amd64`, `linux/arm/v7` | – |" in page  # noqa: RUF001
    assert "sha256:" not in page


def test_where_nothing_was_published_no_command_names_a_tag() -> None:
    declaration = declared()
    failed = [str(tag.tag) for tag in plan_of(declaration).images[0].tags]
    made = rendered(declaration, *failed)
    assert made["web.md"].count("Nothing has been published yet.") == 2
    assert not any(tags_in(page) or "docker pull" in page for page in made.values())


def test_the_same_run_gives_the_same_pages_and_a_new_digest_another() -> None:
    declaration = declared()
    assert rendered(declaration) == rendered(declaration)
    assert rendered(declaration)["web.md"] != rendered(declaration, "py3.9-0.33.0")["web.md"]


def test_a_page_says_where_else_the_images_can_be_pulled() -> None:
    assert "The same images" not in rendered(declared())["web.md"]
    mirrors = (Mirror(place="docker.io/org"), Mirror(place="quay.io/org"))
    there = rendered(replace(declared(), mirrors=mirrors))["web.md"]
    line = "by the same tags and digests, are at `docker.io/org/web` and `quay.io/org/web`."
    assert line in section(there, "Tags")


def test_pointers_are_called_as_they_are() -> None:
    for image in SHIPPED:
        assert not re.search(r"[-:]latest", like(image))
    without = rendered(declared(pointers={"X.Y": "remove after 90 days"}))["web.md"]
    assert "LATEST" not in without
    assert "It is removed after 90 days from when its line left" in without
    assert "web:py3.11-0.34.0" in without, "an example is a version then"


@pytest.mark.parametrize(
    ("schedules", "image", "said"),
    [
        (
            {"versions": "*/20 * * * *"}, {"releases": {"max-versions": 5}},
            "New releases and base images are looked for on the schedule `*/20 * * * *` (cron",
        ),
        (
            {"versions": "*/20 * * * *"}, {},
            "New base images are looked for on the schedule `*/20 * * * *` (cron, UTC).",
        ),
        (
            {"drift": "17 4 * * *"}, {},
            "compared with the declaration on the schedule `17 4 * * *` (cron, UTC).",
        ),
    ],
)  # fmt: skip
def test_schedules_are_those_that_are_declared(
    schedules: dict[str, str], image: dict[str, Any], said: str
) -> None:
    entry = examples.image(**image)
    made = rendered(parse(examples.config(schedules=schedules, images={"web": entry})))["web.md"]
    assert said in made
    assert said not in rendered(declared(**image))["web.md"]


def test_a_policy_of_releases_is_told_as_one_and_not_as_a_fact_of_today() -> None:
    made = rendered(declared(releases={"max-versions": 3}))["web.md"]
    assert "there are at most 3 at a time for a Python" in made
    assert "at a time" not in rendered(declared())["web.md"]


def test_what_is_left_out_and_what_lacks_is_said_with_its_reason() -> None:
    made = rendered(
        declared(
            exclude=[{"python": "3.9", "version": "0.34.0", "because": "needs Python 3.10"}],
            lacks={"linux/arm/v7": ["gunicorn"]},
        )
    )["web.md"]
    assert "- Python 3.9, uvicorn 0.34.0: needs Python 3.10\n" in made
    assert "| 3.9 | `0.33.0` | `gunicorn 23.0.0` |" in made
    assert "- `linux/arm/v7`, without `gunicorn`, which can't be had there\n" in made


def test_a_condition_is_shown_beside_the_release_that_it_led_to() -> None:
    made = rendered(declared(requires=["Gunicorn>=23, <28", "h11"]))["web.md"]
    assert "| 3.11 | `0.34.0`, `0.33.0` | `gunicorn 23.0.0` |" in made
    assert "\nWhat comes along is held to `Gunicorn>=23, <28`.\n" in made
    assert "held to" not in rendered(declared())["web.md"]


def test_a_shipped_text_names_no_release_the_newest_that_a_condition_holds_back() -> None:
    texts = {
        path.replace("python-gunicorn-uvicorn", "web"): text
        for path, text in shipped_texts("python-gunicorn-uvicorn").items()
    }
    for requires, end in (("gunicorn<28", " within `gunicorn<28`."), ("gunicorn", ".")):
        made = rendered(declared(requires=[requires]), texts=texts)["web.md"]
        assert f"gunicorn is the newest that each Python can have{end}\n" in made


def test_what_one_base_lacks_is_said_of_that_base() -> None:
    lacks = {f"linux/{where}": ["gunicorn"] for where in ("amd64 slim", "arm/v7", "arm/v7 slim")}
    made = rendered(declared(lacks=lacks))["web.md"]
    on_slim = "on slim without `gunicorn`, which can't be had there\n"
    assert f"- `linux/amd64`, {on_slim}- `linux/arm/v7`, without `gunicorn`, {on_slim}" in made


def family() -> Declaration:
    parent = examples.image(package="gunicorn", versions=["23.0.0"], requires=[])
    child = examples.image(requires=[], **{"builds-on": "below"})
    return parse(examples.config(images={"web": child, "below": parent}))


def test_an_image_on_another_links_to_it_and_says_what_lies_below() -> None:
    page = rendered(family())["web.md"]
    assert page.count("[`below`](below.md) for the same Python and variant") == 1
    assert "| 3.11 | `0.34.0`, `0.33.0` | `gunicorn 23.0.0` |" in page
    assert "| slim | `python:3.11-slim` |" in page, "the official image below both"


def test_a_text_of_its_own_takes_the_place_of_the_default() -> None:
    own = {"assets/web/docs/description.md": "Made for {{ declared.package | code }}.\n"}
    assert "# Web server\n\nMade for `uvicorn`.\n" in rendered(declared(), texts=own)["web.md"]
    assert "`uvicorn` on Python, ready to run." in rendered(declared())["web.md"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{% if %}", "assets/web/docs/description.md, line 1"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ declared.title | plain }}", "'Web server' is not a plain name"),
    ],
)
def test_a_text_that_can_not_be_rendered_is_a_problem_of_its_place(text: str, place: str) -> None:
    with pytest.raises(DeclarationError, match=re.escape(place)):
        rendered(declared(), texts={"assets/web/docs/description.md": text})


def test_the_catalog_has_a_line_an_image_and_a_page_for_each() -> None:
    made = rendered(family())
    assert set(made) == {"README.md", "web.md", "below.md"}
    lines = [line for line in made["README.md"].splitlines() if line.startswith("| [")]
    rest = "3.11 | slim | `linux/amd64`, `linux/arm/v7` |"
    assert lines == [
        f"| [`web`](web.md) | `uvicorn` | `0.34.0`, `0.33.0` | {rest}",
        f"| [`below`](below.md) | `gunicorn` | `23.0.0` | {rest}",
    ]
    assert not tags_in(made["README.md"]), "which tags there are, only a run can tell"


def test_a_stack_says_which_images_it_has() -> None:
    declaration = family()
    made = stack_readme(declaration, plan_of(declaration), "dev", TEMPLATES)
    rest = "3.11 | `linux/amd64`, `linux/arm/v7` |"
    assert [line for line in made.splitlines() if line.startswith("| `localhost")] == [
        f"| `localhost:5443/multi-py/web` | 2 | 3 | `uvicorn` `0.34.0` | {rest}",
        f"| `localhost:5443/multi-py/below` | 1 | 3 | `gunicorn` `23.0.0` | {rest}",
    ]
    assert "`make verify STACK=dev`" in made
    assert not tags_in(made), "it stays as it is while digests move"


def test_pages_have_a_folder_of_their_own_in_the_repository() -> None:
    declaration = declared()
    made = pages(declaration, plan_of(declaration), None, TEMPLATES)
    assert set(made) == {"docs/images/README.md", "docs/images/web.md"}


def test_a_page_says_until_when_a_python_is_maintained_and_warns_before() -> None:
    def page(lives: dict[str, Lifetime]) -> str:
        declaration = declared()
        plan = replace(plan_of(declaration), pythons=lives)
        return pages(declaration, plan, None, TEMPLATES)[f"{FOLDER}/web.md"]

    ended = Lifetime(until="2025-10-31", state="ended")
    ending = Lifetime(until="2026-10-31", state="ending")
    found = section(page({"3.9": ended, "3.10": ending}), "Python versions")
    assert "| comes with | maintained until |" in found
    rows = [line for line in found.splitlines() if line.startswith("| 3.")]
    assert [row.split(" | ")[-1] for row in rows] == ["not known |", "2026-10-31 |", "2025-10-31 |"]
    assert "**Python 3.9 reached its end of life on 2025-10-31: it gets no" in found
    assert "**Python 3.10 is near its end of life, 2026-10-31: after that day" in found
    assert "maintained until" not in page({})
    assert "**Python" not in page({"3.11": Lifetime(until="2027-10-31", state="maintained")})


def test_a_page_says_how_to_check_what_is_signed_by_who_signs_it() -> None:
    def page(**config: Any) -> str:
        image = examples.image(pythons=["3.11"])
        return rendered(
            parse(examples.config(registry="ghcr.io/multi-py", images={"web": image}, **config))
        )["web.md"]

    identity = "https://example.org/a/workflow@main;$(id)"
    keyless = {"identity": identity}
    assert "Check where it is from" not in page()
    with_key = page(signing={"keys": [key().public.pem]})
    assert "cosign verify --key fleet.pub --insecure-ignore-tlog=true " in with_key
    assert "--certificate-identity" not in with_key
    assert "An older key" not in with_key
    old = {"key": key(ED25519).public.pem, "until": "2026-11-30"}
    after = page(signing={"keys": [key().public.pem], "retired": [old]})
    assert "**An older key counts no more since 2026-11-30.** Who has it takes the one" in after
    without = page(signing={"keyless": keyless})
    assert f"cosign verify --certificate-identity '{identity}' " in without
    assert "--key" not in without
    assert "gh attestation" not in without, "it is not a workflow on github.com"
