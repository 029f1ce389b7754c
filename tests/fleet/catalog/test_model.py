"""The catalog as data: what each tag is, by the plan and what the last run left."""

from dataclasses import asdict, replace

from fleet.catalog.build import Left, catalog_of, site_of
from fleet.catalog.model import AdvisoryEntry, PythonLife
from fleet.catalog.site import site
from fleet.declaration.github import GitHub
from fleet.declaration.model import Pin
from fleet.lock.advisories import Advisory, BasePackages, Findings
from fleet.registry.history import Move
from tests.fleet.catalog.examples import (
    FAILED,
    KINDS,
    POINTER,
    TEMPLATES,
    VERSION,
    Page,
    catalog,
    files,
    left,
    plan_of,
)
from tests.fleet.examples import DIGEST, INDEX_DIGEST, OTHER_DIGEST


def test_a_published_tag_has_all_that_is_known_of_it() -> None:
    (image,) = catalog().images
    tag = next(tag for tag in image.tags if tag.tag == VERSION)
    assert asdict(tag) == {
        "tag": VERSION,
        "state": "published",
        "digest": DIGEST,
        "platforms": ("linux/amd64", "linux/arm/v7"),
        "size": 123_456_789,
        "python": "3.11",
        "variant": "slim",
        "version": "0.34.0",
        "base": {"name": "python:3.11-slim", "digest": INDEX_DIGEST, "created": "2026-11-02"},
        "verified": "2/2: amd64 whole",
        "evidence": KINDS,
        "advisories": None,
        "pointers": (POINTER, "py3.11-slim-0.34"),
        "since": "2026-11-03T10:11:12Z",
        "pinned": "",
    }
    assert image.pythons == (
        PythonLife(python="3.11", until="2027-10-31", state="maintained"),
        PythonLife(python="3.10", until="2026-10-31", state="ending"),
    )


def test_the_mirrors_of_an_image_are_in_the_data_and_on_its_page() -> None:
    plan = plan_of(mirrors=["quay.io/org"])
    found = catalog_of(plan, left(plan))
    assert [image.mirrors for image in found.images] == [("quay.io/org/web",)]
    assert "<dd><code>quay.io/org/web</code></dd>" in site(found, TEMPLATES)["web.html"]


def test_what_failed_what_is_planned_and_what_is_not_known_are_told_apart() -> None:
    plan = plan_of()
    rows = dict(left(plan, FAILED).rows or {})
    del rows[f"ghcr.io/multi-py/web:{VERSION}"]

    def states(found: Left) -> dict[str, str]:
        tags = catalog_of(plan, found).images[0].tags
        assert all(not tag.digest for tag in tags if tag.state != "published")
        return {tag.tag: tag.state for tag in tags if tag.python == "3.11"}

    assert states(Left(rows=rows)) == {VERSION: "planned", FAILED: "failed"}
    assert states(Left()) == {VERSION: "unknown", FAILED: "unknown"}


def test_evidence_of_another_digest_is_none_of_this_one() -> None:
    plan = plan_of()
    found = left(plan)
    other = {ref: (OTHER_DIGEST, kinds) for ref, (_, kinds) in found.evidence.items()}
    (image,) = catalog_of(plan, replace(found, evidence=other)).images
    assert {tag.evidence for tag in image.tags} == {()}


def test_a_tag_is_at_its_digest_since_its_last_move_if_that_is_still_its_digest() -> None:
    plan = plan_of()

    def since(*moves: Move) -> str:
        (image,) = catalog_of(plan, left(plan, moves=moves)).images
        return next(tag.since for tag in image.tags if tag.tag == VERSION)

    first = Move(at="2026-01-01T00:00:00Z", tag=VERSION, before="", after=DIGEST, why="built")
    away = replace(first, at="2026-02-01T00:00:00Z", before=DIGEST, after=OTHER_DIGEST)
    back = replace(first, at="2026-03-01T00:00:00Z", before=OTHER_DIGEST)
    assert since(first) == first.at
    assert since(first, away) == ""
    assert since(first, away, back) == back.at
    assert since() == ""


def test_the_catalog_is_as_of_its_newest_move_or_its_newest_commit() -> None:
    plan = plan_of()
    assert catalog().updated == "2026-11-03T10:11:13Z"
    assert catalog_of(plan, left(plan, moves=())).updated == "2023-11-14T22:13:20Z"


def test_the_address_of_the_site_is_the_one_that_github_gives_a_repository() -> None:
    def site(repository: str) -> str:
        found = GitHub(
            repository=repository, branch="main", environment="registry", runner="r",
            architecture="", check_runner="c", emulation=True, drift="report", versions="propose",
        )  # fmt: skip
        return site_of(found)

    assert site("Multi-Py/Fleet") == "https://multi-py.github.io/Fleet/"
    assert site("team/Team.github.io") == "https://team.github.io/"
    assert catalog().url == "https://multi-py.github.io/fleet/"


def test_what_the_lock_holds_against_a_tag_is_said_with_its_fix_the_worst_first() -> None:
    plan = plan_of()
    worst = Advisory(id="CVE-1", severity="critical", fixed="0.35.0")
    base = Advisory(id="DSA-2", severity="low")
    found = Findings(
        found={
            "PyPI uvicorn==0.34.0": (worst,),
            "PyPI other==1.0": (worst,),
            "Debian:13 libc6==2.41-1": (base,),
        },
        bases={"3.11-slim": BasePackages(image=DIGEST, packages=("Debian:13 libc6==2.41-1",))},
    )
    (image,) = catalog_of(replace(plan, advisories=found), left(plan)).images
    held = {tag.tag: tag.advisories for tag in image.tags}
    debian = AdvisoryEntry(id="DSA-2", package="Debian:13 libc6==2.41-1", severity="low", fixed="")
    assert held[FAILED] == (debian,)
    assert held["py3.10-slim-0.33.0"] == ()
    assert held[VERSION] == (
        AdvisoryEntry(
            id="CVE-1", package="PyPI uvicorn==0.34.0", severity="critical", fixed="0.35.0"
        ),
        debian,
    )
    page = files(catalog_of(replace(plan, advisories=found), left(plan)))["web.html"]
    row = " ".join(Page(page).rows[VERSION].split())
    assert "2, 1 with a fix" in row
    assert "CVE-1 (critical), PyPI uvicorn==0.34.0: fixed in 0.35.0" in row


def test_a_pin_is_said_with_its_reason_and_its_end_and_nothing_is_claimed_of_its_digest() -> None:
    plan = plan_of()
    pin = Pin(to=DIGEST, because="0.34.0 loops", until="2026-12-31")
    (image,) = plan.images
    tags = tuple(replace(tag, pin=pin) if tag.tag == VERSION else tag for tag in image.tags)
    held = tuple(replace(p, pin=pin) if p.tag == POINTER else p for p in image.pointers)
    pinned = replace(plan, images=(replace(image, tags=tags, pointers=held),))
    found = catalog_of(pinned, replace(left(plan), evidence={}))
    tag = next(tag for tag in found.images[0].tags if tag.tag == VERSION)
    assert tag.pinned == "0.34.0 loops, until 2026-12-31"
    assert (tag.base.name, tag.advisories) == ("", None)
    rows = Page(files(found)["web.html"]).rows
    for name in (VERSION, POINTER):
        assert "pinned: 0.34.0 loops, until 2026-12-31" in " ".join(rows[name].split())
    assert "no evidence" in rows[VERSION]
