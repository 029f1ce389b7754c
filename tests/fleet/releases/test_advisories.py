"""Advisories at the door: what comes in, what is resolved again, and what the lock says."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.advisories.door import Door
from fleet.advisories.osv import Record, record
from fleet.advisories.package import AdvisoryError, Package, distribution
from fleet.checkout.lock_file import read_lock
from fleet.declaration.advisories import AdvisorySource, Waiver
from fleet.lock.model import Lock
from fleet.sbom.model import Package as Installed
from fleet.sbom.model import PackageKind
from tests.fleet.advisories.records import OPENSSL, affected, osv
from tests.fleet.releases.following import DECLARED, declare, held, run
from tests.fleet.releases.outside import Outside

_WAIVER = Waiver(id="CVE-2026-7", because="not reached", until="2027-01-31")


class Known:
    """A source of advisories that knows ``records``, or that is away."""

    def __init__(self, *records: Record) -> None:
        self.records, self.away, self.asked = list(records), False, 0

    def __call__(self, packages: Iterable[Package]) -> Mapping[Package, list[Record]]:
        self.asked += 1
        if self.away:
            raise AdvisoryError("the source is away")
        return {p: [each for each in self.records if each.affects(p)] for p in packages}

    def door(self, *waivers: Waiver, today: str = "2026-11-30") -> Door:
        declared = AdvisorySource(source="mirror", debian="", waivers=waivers)
        return Door(ask=self, waiting=lambda _: {}, declared=declared, today=today)


def against(name: str, bad: str, fixed: str, of: str = "GHSA-1") -> Record:
    """A record on the versions of ``name`` from ``bad`` up to, without, ``fixed``."""
    events = [("introduced", bad), *([("fixed", fixed)] if fixed else [])]
    entry = affected(distribution(name, "0"), *events)
    return record(osv(of, entry, aliases=["CVE-2026-7"]), "here")


def lock(root: Path) -> Lock:
    return read_lock(root / "locks" / "prod.yaml")


def pins(root: Path) -> set[str]:
    return {pin for key, each in lock(root).pins.items() if key[0] == "web" for pin in each}


def test_a_new_release_with_a_finding_that_another_one_fixes_does_not_enter(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    world.door = Known(against("gunicorn", "27.0.1", "28.0.0")).door()
    assert run(root) == 0
    assert "27.0.1" not in (root / "Pulumi.prod.yaml").read_text()
    assert "- `27.0.1` is passed over: GHSA-1, fixed in 28.0.0\n" in capsys.readouterr().out


def test_a_new_release_of_which_nobody_has_a_fix_enters(root: Path, world: Outside) -> None:
    world.door = Known(against("gunicorn", "27.0.1", "")).door()
    assert run(root) == 0
    assert "27.0.1" in (root / "Pulumi.prod.yaml").read_text()


def test_a_declared_version_that_became_bad_stays_and_no_pointer_goes_back(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    world.door = Known(against("gunicorn", "26.0.0", "28.0.0")).door()
    assert run(root) == 0
    assert '"27.0.0"' in (root / "Pulumi.prod.yaml").read_text()
    row = "| `server` | `PyPI gunicorn==27.0.0` | `GHSA-1` | `-` | `stays; fixed in 28.0.0` |"
    assert row in capsys.readouterr().out


def test_what_leaves_the_declaration_is_not_said_to_be_fixed(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    world.door = Known(against("gunicorn", "27.0.1", "28.0.0")).door()
    assert run(root) == 0
    assert '"26.2.0"' in (root / "Pulumi.prod.yaml").read_text()
    capsys.readouterr()
    world.door = Known(against("gunicorn", "26.2.0", "26.3.0")).door()
    assert run(root) == 0
    assert '"26.2.0"' not in (root / "Pulumi.prod.yaml").read_text(), "a newer one took its place"
    out = capsys.readouterr().out
    row = "| `server` | `PyPI gunicorn==26.2.0` | `GHSA-1` | `-` | `not fixed: no longer declared"
    assert row in out
    assert "fixed by this" not in out


def test_a_waiver_lets_a_release_in_by_any_name_until_its_day(root: Path, world: Outside) -> None:
    known = Known(against("gunicorn", "27.0.1", "28.0.0"))
    world.door = known.door(_WAIVER, today="2027-02-01")
    assert run(root) == 0
    assert "27.0.1" not in (root / "Pulumi.prod.yaml").read_text(), "it was over the day before"
    world.door = known.door(_WAIVER, today="2027-01-31")
    assert run(root) == 0
    assert "27.0.1" in (root / "Pulumi.prod.yaml").read_text()


def test_a_pin_that_became_bad_is_resolved_again_and_proposed_with_its_advisory(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Known()
    world.door = known.door()
    declare(root, DECLARED.replace("requires: [h11]", "requires: []"))
    world.brings = {"uvicorn": ("h11==9.0.0",)}
    assert run(root) == 0
    assert pins(root) == {"h11==9.0.0", "uvicorn==0.34.0"}
    capsys.readouterr()
    known.records.append(against("h11", "9.0.0", "9.1.0"))
    world.door, world.brings = known.door(), {"uvicorn": ("h11==9.1.0",)}
    world.known.add("h11==9.1.0")
    assert run(root) == 0
    assert pins(root) == {"h11==9.1.0", "uvicorn==0.34.0"}
    out = capsys.readouterr().out
    assert "| `web` | `PyPI h11==9.0.0` | `GHSA-1` | `-` | `fixed by this` |" in out
    assert world.wanted[-1].apart == (), "nothing was in the way"


def test_a_resolution_is_asked_for_again_without_what_is_bad(root: Path, world: Outside) -> None:
    world.door = Known(against("h11", "9.0.0", "9.1.0")).door()
    assert run(root) == 0
    assert pins(root) == {"h11==8.0.0", "uvicorn==0.34.0"}
    assert {each.apart for each in world.wanted if "h11" in each.requirements} == {
        (),
        ("h11!=9.0.0",),
    }


def test_where_nothing_else_fits_it_is_taken_and_that_is_said(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    world.older = world.newest
    world.door = Known(against("h11", "0", "9.1.0")).door()
    assert run(root) == 0
    assert pins(root) == {"h11==9.0.0", "uvicorn==0.34.0"}
    told = "h11==9.0.0 is taken for web, although it has GHSA-1, fixed in 9.1.0: "
    assert {note.partition(": ")[0] + ": " for note in world.noted} == {told}
    out = capsys.readouterr().out
    assert "| `web` | `PyPI h11==9.0.0` | `GHSA-1` | `-` | `stays; fixed in 9.1.0` |" in out


def test_a_source_that_is_away_changes_nothing_and_is_never_none(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Known()
    known.away, world.door = True, known.door()
    before = held(root)
    assert run(root) == 1
    assert "error: Nothing was changed. the source is away" in capsys.readouterr().err
    assert held(root) == before


def test_without_a_source_nobody_is_asked_and_the_lock_says_nothing(
    root: Path, world: Outside
) -> None:
    assert run(root) == 0
    assert lock(root).advisories is None
    assert not any(asked.startswith("packages of") for asked in world.asked)


def _based_on(world: Outside, version: str) -> None:
    world.packages = (Installed(kind=PackageKind.DEBIAN, name="openssl", version=version),)


def test_a_base_is_read_once_and_its_advisories_move_with_it(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = affected(OPENSSL, ("introduced", "0"), ("fixed", "3.5.1-1+deb13u1"))
    known = Known(record(osv("DEBIAN-CVE-2026-1", entry), "here"))
    world.door = known.door()
    _based_on(world, "3.5.1-1")
    assert run(root) == 0
    waits = "| `python:3.13-slim` | `Debian:13 openssl==3.5.1-1` | `DEBIAN-CVE-2026-1` | `-` |"
    assert f"{waits} `stays; fixed in 3.5.1-1+deb13u1` |" in capsys.readouterr().out
    read = [asked for asked in world.asked if asked.startswith("packages of")]
    assert len(read) == 2, "one of each base, on one platform"
    world.door = known.door()
    assert run(root) == 0
    assert [asked for asked in world.asked if asked.startswith("packages of")] == read
    assert capsys.readouterr().out.startswith("Nothing changed.")
    world.digest, world.index = f"sha256:{'b' * 64}", f"sha256:{'c' * 64}"
    _based_on(world, "3.5.1-1+deb13u1")
    world.door = known.door()
    assert run(root) == 0
    assert f"{waits} `fixed by this` |" in capsys.readouterr().out
    found = lock(root).advisories
    assert found
    assert dict(found.found) == {}
    assert found.bases["3.13-slim"].packages == ("Debian:13 openssl==3.5.1-1+deb13u1",)


def test_what_nobody_can_fix_makes_no_proposal_of_its_own(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Known()
    world.door = known.door()
    assert run(root) == 0
    before = held(root)
    known.records.append(against("h11", "0", ""))
    world.door = known.door()
    capsys.readouterr()
    assert run(root) == 0
    assert held(root) == before
    assert capsys.readouterr().out == "Nothing changed.\n"
    world.door = replace(known.door(), known={})
    known.records.append(against("uvicorn", "0", "1.0.0", of="GHSA-2"))
    assert run(root) == 0
    found = lock(root).advisories
    assert found
    assert {each.id for held in found.found.values() for each in held} == {"GHSA-1", "GHSA-2"}


def test_the_lock_holds_what_is_known_without_a_date(root: Path, world: Outside) -> None:
    world.door = Known(against("uvicorn", "0", "1.0.0")).door()
    assert run(root) == 0
    text = (root / "locks" / "prod.yaml").read_text().partition("advisories:\n")[2]
    assert "    PyPI uvicorn==0.34.0:\n      GHSA-1:\n        aliases:\n" in text
    assert "2026-11" not in text


def test_a_waiver_that_is_over_is_told(root: Path, world: Outside) -> None:
    world.door = Known().door()
    waiver = '{ id: CVE-2026-7, because: not reached, until: "2020-01-31" }'
    key = f"  fleet:advisories: {{ source: mirror, waivers: [{waiver}] }}\n"
    declare(root, DECLARED.replace("  fleet:defaults:\n", f"{key}  fleet:defaults:\n"))
    assert run(root) == 0
    told = "fleet:advisories.waivers[0]: the waiver of CVE-2026-7 ended on 2020-01-31 (not reached)"
    assert [note.partition(". Fix")[0] for note in world.noted] == [told]
