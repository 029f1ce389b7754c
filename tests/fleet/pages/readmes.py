"""Pages of declarations that tests make, and what such pages name."""

import re
from pathlib import Path
from typing import Any

import yaml

from fleet.checkout.page_texts import read_templates, read_texts
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.pages.readme import FOLDER, pages
from fleet.pages.view import rows
from fleet.plan.plan import Plan, make_plan
from tests.fleet import examples

ROOT = Path(__file__).parents[3]
SHIPPED = ("python-uvicorn", "python-gunicorn", "python-gunicorn-uvicorn")
TEMPLATES = read_templates(ROOT)
DIGEST = examples.DIGEST
_TAG = re.compile(r"\bpy3\.[0-9]+-[A-Za-z0-9.-]*[A-Za-z0-9]")


def declared(**image: Any) -> Declaration:
    """One image named ``web``, in two variants and three Pythons."""
    given = {"pythons": ["3.9", "3.10", "3.11"], "bases": ["slim", "full"], **image}
    return parse(examples.config(images={"web": examples.image(**given)}))


def plan_of(declaration: Declaration) -> Plan:
    """The plan with a lock that holds each image's own package, and gunicorn where asked for."""
    pins: dict[tuple[str, str, str], tuple[str, ...]] = {
        (image.name, python, version): (f"{image.package}=={version}",)
        + ("gunicorn==23.0.0",) * ("gunicorn" in image.required)
        for image in declaration.images
        for python in image.pythons
        for version in image.versions
    }
    lock = examples.lock(declaration, pins=pins)
    return make_plan(declaration, examples.inputs(declaration, lock=lock), "fleet/dev")


def outputs(plan: Plan, *failed: str) -> dict[str, Any]:
    """Return what an up of ``plan`` would export, with the tags in ``failed`` not published."""
    tags = [(image, tag) for image in plan.images for tag in image.tags]
    pointers = [(image, pointer) for image in plan.images for pointer in image.pointers]
    return {
        "tags": [
            {
                "tag": f"{image.repository}:{tag.tag}",
                "digest": "" if tag.tag in failed else DIGEST,
                "platforms": [] if tag.tag in failed else list(tag.platforms),
                "size": 0 if tag.tag in failed else 123_456_789,
                "verified": "",
            }
            for image, tag in tags
        ],
        "pointers": [
            {
                "tag": f"{image.repository}:{pointer.tag}",
                "target": pointer.target,
                "digest": "" if {pointer.tag, pointer.target} & set(failed) else DIGEST,
            }
            for image, pointer in pointers
        ],
    }


def rendered(
    declaration: Declaration, *failed: str, known: bool = True, texts: dict[str, str] | None = None
) -> dict[str, str]:
    """The pages by file name; with ``known``, as after an up that published all but ``failed``."""
    plan = plan_of(declaration)
    found = rows(outputs(plan, *failed)) if known else None
    made = pages(declaration, plan, found, {**TEMPLATES, **(texts or {})})
    return {path.removeprefix(f"{FOLDER}/"): text for path, text in made.items()}


def shipped_texts(*images: str) -> dict[str, str]:
    return read_texts(ROOT, images)


def like(image: str) -> str:
    """The page of an image called ``web``, with the texts of a shipped one."""
    texts = shipped_texts(image)
    own = {path.replace(f"assets/{image}/", "assets/web/"): text for path, text in texts.items()}
    return rendered(declared(), texts=own)["web.md"]


def tags_in(page: str) -> set[str]:
    """Every tag that a page names, in tables, commands and text."""
    return set(_TAG.findall(page))


def manifest(page: str) -> dict[str, Any]:
    """The one Kubernetes manifest of a page."""
    (text,) = re.findall(r"^```yaml\n(apiVersion: .*?)^```$", page, re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def section(page: str, title: str) -> str:
    """Return what stands below a heading of the second level."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]
