"""Catalogs that tests make, and what they read in its pages."""

from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from fleet.catalog.build import Left, catalog_of
from fleet.catalog.model import Catalog
from fleet.catalog.site import site
from fleet.checkout.page_texts import read_templates
from fleet.declaration.parse import parse
from fleet.lock.model import Lifetime
from fleet.plan.plan import Plan, make_plan
from fleet.registry.history import Move
from tests.fleet import examples
from tests.fleet.evidence.examples import key

ROOT = Path(__file__).parents[3]
TEMPLATES = read_templates(ROOT)
REPOSITORY = "ghcr.io/multi-py/web"
VERSION, POINTER, FAILED = "py3.11-slim-0.34.0", "py3.11-slim-LATEST", "py3.11-slim-0.33.0"
KINDS = ("provenance", "sbom linux/amd64", "test-result")
_VOID = {"meta", "link", "input", "br"}


def plan_of(versions: tuple[str, ...] = ("0.33.0", "0.34.0"), **config: Any) -> Plan:
    """One image in two Pythons, of which one is ending, with a base that has a day."""
    image = examples.image(versions=list(versions), pythons=["3.10", "3.11"])
    values = {"registry": "ghcr.io/multi-py", "images": {"web": image}, **config}
    github = {"repository": "Multi-Py/fleet", "pages": True}
    declared = parse(examples.config(github=github, **values))
    lock = examples.lock(
        declared,
        bases={
            f"{python}-slim": replace(examples.base(), created="2026-11-02")
            for python in ("3.10", "3.11")
        },
        pythons={
            "3.10": Lifetime(until="2026-10-31", state="ending"),
            "3.11": Lifetime(until="2027-10-31", state="maintained"),
        },
    )
    plan = make_plan(declared, examples.inputs(declared, lock=lock), "fleet/prod")
    return replace(plan, keys=(key().public.spki,))


def left(plan: Plan, *failed: str, moves: tuple[Move, ...] | None = None) -> Left:
    """Return what an up of ``plan`` leaves, in which the tags in ``failed`` failed."""
    refs = [(image, tag) for image in plan.images for tag in image.tags]
    rows: dict[str, dict[str, Any]] = {
        f"{image.repository}:{tag.tag}": {
            "digest": "" if tag.tag in failed else examples.DIGEST,
            "platforms": list(tag.platforms),
            "size": 123_456_789,
            "verified": "2/2: amd64 whole",
        }
        for image, tag in refs
    }
    for image in plan.images:
        for pointer in image.pointers:
            rows[f"{image.repository}:{pointer.tag}"] = {"digest": examples.DIGEST}
    moved = Move(
        at="2026-11-03T10:11:12Z", tag=VERSION, before="", after=examples.DIGEST,
        why="there is a new build", commit="c" * 40, by="https://github.com/o/r/actions/runs/1",
    )  # fmt: skip
    known = (moved, replace(moved, at="2026-11-03T10:11:13Z", tag=POINTER, by="by hand"))
    return Left(
        rows=rows,
        evidence=dict.fromkeys(rows, (examples.DIGEST, KINDS)),
        moves={REPOSITORY: known if moves is None else moves},
    )


def catalog(*failed: str, **config: Any) -> Catalog:
    plan = plan_of(**config)
    return catalog_of(plan, left(plan, *failed))


def files(found: Catalog | None = None) -> dict[str, str]:
    """The site of a catalog."""
    return site(found or catalog(), TEMPLATES)


class Page(HTMLParser):
    """A page as a browser reads it: every element closed by its own end, ids, links and scripts.

    ``tables`` are the rows' cells in words; ``bare`` are tags that a page of ours never has.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.rows: dict[str, str] = {}
        self._row = ""
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"{tag} has an attribute twice"
        self.elements.append((tag, found))
        if tag not in _VOID:
            self.open.append(tag)
        if identifier := found.get("id"):
            self.ids.append(identifier)
        if tag == "tr":
            self._row = found.get("id") or ""
        if tag in {"a", "link"}:
            self.links.append(found["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)
        if self._row and "tr" in self.open:
            self.rows[self._row] = self.rows.get(self._row, "") + data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def attributes(self, tag: str) -> list[Mapping[str, str | None]]:
        return [found for name, found in self.elements if name == tag]
