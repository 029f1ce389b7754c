"""The site: well-formed, linked, the same each time, and inert whatever it shows."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from fleet.catalog.model import Catalog
from fleet.catalog.site import site
from tests.fleet.catalog.examples import (
    FAILED,
    POINTER,
    REPOSITORY,
    ROOT,
    TEMPLATES,
    VERSION,
    Page,
    catalog,
    files,
)
from tests.fleet.examples import DIGEST

HOSTILE = (
    "</title></code><script>alert(1)</script>\"' onload=x {{ 7*7 }} &amp; \x00\x1b[31m\u202e\ud800"
)
ATOM = "{http://www.w3.org/2005/Atom}"


def pages(found: dict[str, str]) -> dict[str, Page]:
    return {name: Page(text) for name, text in found.items() if name.endswith(".html")}


def hostile() -> Catalog:
    """A catalog with hostile text wherever a registry or a declaration can put text."""
    found = catalog(FAILED)
    (image,) = found.images
    tags = tuple(
        replace(
            tag,
            verified=HOSTILE,
            platforms=(HOSTILE,),
            evidence=(HOSTILE,),
            since=HOSTILE,
            base=replace(tag.base, name=HOSTILE, created=HOSTILE),
        )
        for tag in image.tags
    )
    moves = tuple(
        replace(move, why=HOSTILE, by=f"https://example.org/{HOSTILE}", before=HOSTILE)
        for move in image.moves
    )
    other = replace(
        image, title=HOSTILE, source=f"javascript:{HOSTILE}", package=HOSTILE, tags=tags,
        builds_on=HOSTILE, moves=(*moves, replace(moves[0], by=f"javascript:{HOSTILE}")),
        pythons=tuple(replace(life, until=HOSTILE) for life in image.pythons),
    )  # fmt: skip
    return replace(found, registry=HOSTILE, images=(other,))


@pytest.mark.parametrize("name", ["index", "catalog"])
def test_an_image_with_the_name_of_the_fleets_own_file_takes_no_place(name: str) -> None:
    whole = catalog()
    (web,) = whole.images
    named = replace(whole, images=(replace(web, name=name), replace(web, builds_on=name)))
    found = site(named, TEMPLATES)
    assert json.loads(found["catalog.json"])["images"], "it is that of the fleet"
    assert "Images of" in found["index.html"]
    assert json.loads(found[f"_{name}.json"])["releases"]
    assert f'href="_{name}.html"' in found["index.html"]
    assert f'href="_{name}.html"' in found["web.html"]
    assert f'href="_{name}.json"' in found[f"_{name}.html"]
    assert f"/_{name}.html#" in found["feed.xml"]


def test_every_link_of_the_site_leads_to_something() -> None:
    found = files()
    read = pages(found)
    for name, page in read.items():
        assert len(page.ids) == len({*page.ids}), f"{name} has an id twice"
        for link in page.links:
            target, _, anchor = link.partition("#")
            if link.startswith(("https://", "data:")):
                continue
            assert not target or target in found, f"{name} leads to {link}"
            if anchor:
                assert anchor in read[target or name].ids, f"{name} leads to {link}"


def test_a_page_says_state_digest_end_of_life_base_evidence_and_lines_to_copy() -> None:
    row = Page(files(catalog(FAILED))["web.html"]).rows
    text = " ".join(row[VERSION].split())
    for words in (
        "✓ published",
        DIGEST[:19],
        "linux/amd64, linux/arm/v7",
        "123.5 MB",
        "2027-10-31",
        "python:3.11-slim, 2026-11-02",
        "run and checked 2/2: amd64 whole; signed: provenance, sbom linux/amd64, test-result",
        f"{POINTER}, py3.11-slim-0.34",
        f"docker pull {REPOSITORY}:{VERSION}@{DIGEST}",
        f"FROM {REPOSITORY}:{VERSION}@{DIGEST}",
        f"cosign verify --key key-1.pem --insecure-ignore-tlog=true {REPOSITORY}@{DIGEST}",
    ):
        assert words in text
    failed = " ".join(row[FAILED].split())
    assert "✗ failed in the last run" in failed
    assert "docker pull" not in failed
    assert "! ends soon 2026-10-31" in " ".join(row["py3.10-slim-0.34.0"].split())
    assert POINTER in row


def test_a_python_that_is_near_its_end_is_warned_of_on_both_pages() -> None:
    for page in pages(files()).values():
        warned = " ".join("".join(page.texts["li"]).split())
        assert "Python 3.10: its end of life is near:" in warned
        assert "Python 3.11" not in warned


def test_what_moved_is_told_with_its_reason_and_run() -> None:
    found = files()
    page = Page(found["web.html"])
    assert "https://github.com/o/r/actions/runs/1" in page.links
    assert "there is a new build" in page.texts["td"]
    assert "What moved" in page.texts["h2"]
    (image,) = catalog().images
    without = replace(catalog(), images=(replace(image, moves=()),))
    assert "What moved" not in Page(files(without)["web.html"]).texts["h2"]


def test_tables_are_read_out_with_captions_and_headings_and_scroll_by_keyboard() -> None:
    for page in pages(files()).values():
        tables = [tag for tag, _ in page.elements if tag == "table"]
        assert len(tables) == len([tag for tag, _ in page.elements if tag == "caption"])
        assert all(th.get("scope") in {"row", "col"} for th in page.attributes("th"))
        regions = [a for a in page.attributes("div") if a.get("class") == "scroller"]
        assert len(regions) == len(tables)
        for region in regions:
            assert (region["role"], region["tabindex"]) == ("region", "0")
            assert region["aria-labelledby"] in page.ids
        assert page.attributes("html") == [{"lang": "en"}]
        assert {"role": "status", "aria-live": "polite", "id": "count"} in page.attributes("p")


def test_hostile_text_is_shown_and_nothing_of_it_is_markup() -> None:
    found = files(hostile())
    for name, text in found.items():
        text.encode()  # no half of a pair
        if name.endswith((".html", ".xml")):
            assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text), name
    ordinary = pages(files(catalog(FAILED)))
    for name, page in pages(found).items():
        kinds = {tag for tag, _ in page.elements}
        assert kinds <= {tag for each in ordinary.values() for tag, _ in each.elements}
        assert len(page.attributes("script")) == 1
        assert not any(key.startswith("on") for _, held in page.elements for key in held)
        assert not any(link.startswith("javascript") for link in page.links), name
        assert any("alert(1)" in text for text in page.texts["td"]), "it is shown"
        assert "49" not in page.texts["h1"][0]
    ET.fromstring(found["feed.xml"])  # noqa: S314 - our own


def test_the_policy_admits_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    for text in (files()["index.html"], files(hostile())["web.html"]):
        page = Page(text)
        (policy,) = (m["content"] or "" for m in page.attributes("meta") if "http-equiv" in m)
        rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
        assert rules == {
            "default-src": "'none'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            **{f"{kind}-src": f"'sha256-{_hash(text, kind)}'" for kind in ("style", "script")},
        }
        assert not any("style" in held for _, held in page.elements)


def _hash(text: str, tag: str) -> str:
    (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()


def test_the_feed_is_an_atom_feed_of_the_moves_newest_first() -> None:
    feed = ET.fromstring(files()["feed.xml"])  # noqa: S314 - our own
    _is_valid(feed)
    entries = feed.findall(f"{ATOM}entry")
    titles = [entry.findtext(f"{ATOM}title") for entry in entries]
    assert titles == [f"web:{POINTER} names {DIGEST[:19]}", f"web:{VERSION} names {DIGEST[:19]}"]
    assert feed.findtext(f"{ATOM}updated") == "2026-11-03T10:11:13Z"
    links = [entry.find(f"{ATOM}link") for entry in entries]
    assert links[1] is not None
    assert links[1].get("href") == f"https://multi-py.github.io/fleet/web.html#{VERSION}"


def test_a_feed_without_a_move_is_an_atom_feed_too() -> None:
    found = catalog()
    (image,) = found.images
    feed = files(replace(found, url="", images=(replace(image, moves=()),)))["feed.xml"]
    _is_valid(ET.fromstring(feed))  # noqa: S314 - our own


def _is_valid(feed: ET.Element) -> None:
    """Compare a feed with what RFC 4287 demands (sections 4.1.1 and 4.1.2)."""
    assert feed.tag == f"{ATOM}feed"
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    identifiers = []
    for element in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", element.findtext(f"{ATOM}updated") or ""
        )
        alternates = [e for e in element.findall(f"{ATOM}link") if e.get("rel") == "alternate"]
        assert len(alternates) == 1
        identifiers.append(element.findtext(f"{ATOM}id") or "")
    assert len(identifiers) == len({*identifiers})
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", each) for each in identifiers)


def test_renovate_is_given_releases_with_digests_and_instants() -> None:
    found: dict[str, Any] = json.loads(files(catalog(FAILED))["web.json"])
    assert found.keys() == {"releases", "sourceUrl"}
    by_version = {release["version"]: release for release in found["releases"]}
    assert by_version[VERSION] == {
        "version": VERSION,
        "digest": DIGEST,
        "releaseTimestamp": "2026-11-03T10:11:12Z",
    }
    assert FAILED not in by_version, "what failed is not a release"
    assert POINTER not in by_version, "a pointer is not a release"
    assert by_version["py3.10-slim-0.34.0"].keys() == {"version", "digest"}


def test_a_release_on_a_python_that_ended_is_deprecated() -> None:
    found = catalog()
    (image,) = found.images
    ended = tuple(replace(life, state="ended") for life in image.pythons)
    releases = json.loads(
        files(replace(found, images=(replace(image, pythons=ended),)))["web.json"]
    )
    assert all(release["isDeprecated"] is True for release in releases["releases"])


def test_all_of_it_is_in_one_json_file() -> None:
    found = json.loads(files()["catalog.json"])
    assert found["registry"] == "ghcr.io/multi-py"
    tags = {tag["tag"]: tag for tag in found["images"][0]["tags"]}
    assert tags[VERSION]["digest"] == DIGEST
    assert found["images"][0]["moves"][1]["commit"] == "c" * 40


def test_the_same_catalog_gives_the_same_bytes_under_any_hash_seed() -> None:
    program = (
        "import hashlib, json; from tests.fleet.catalog.examples import files;"
        "print(hashlib.sha256(json.dumps(files()).encode()).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1


@pytest.mark.parametrize("name", ["index.html", "web.html"])
def test_what_is_only_in_the_way_without_a_script_is_hidden_until_one_runs(name: str) -> None:
    page = Page(files()[name])
    assert page.attributes("form") == [{"role": "search", "hidden": None}]
    assert {"for": "filter"} in page.attributes("label")


def test_a_public_key_is_beside_the_pages() -> None:
    assert files()["key-1.pem"].startswith("-----BEGIN PUBLIC KEY-----\n")
    without = site(replace(catalog(), keys=()), TEMPLATES)
    assert "key-1.pem" not in without
    assert "cosign" not in without["web.html"]


def test_who_signs_keyless_is_on_the_page_with_the_lines_that_check_it() -> None:
    page = files(catalog(signing={"keyless": {}}))["web.html"]
    workflow = "Multi-Py/fleet/.github/workflows/up.yml"
    assert (
        f"gh attestation verify oci://{REPOSITORY}@{DIGEST} --repo Multi-Py/fleet "
        f"--signer-workflow {workflow} --source-ref refs/heads/main"
    ) in page
    assert (
        f"cosign verify --certificate-identity https://github.com/{workflow}@refs/heads/main "
        "--certificate-oidc-issuer https://token.actions.githubusercontent.com "
        f"{REPOSITORY}@{DIGEST}"
    ) in page
    assert "gh attestation" not in files()["web.html"]
