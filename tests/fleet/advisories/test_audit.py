"""``make audit``: what the lock holds of advisories, by image."""

import json
from pathlib import Path

import pytest

from fleet.cli.main import main
from fleet.lock.advisories import Advisory, BasePackages, Findings
from fleet.lock.model import Base, Lock
from fleet.releases.writing import text_of
from tests.fleet.examples import DIGEST, INDEX_DIGEST

_OPENSSL, _H11 = "Debian:13 openssl==3.5.1-1", "PyPI h11==0.14.0"
_DECLARED = """\
config:
  fleet:registry: registry.test/fleet
  fleet:builders: { linux/amd64: fleet }
  fleet:advisories:
    source: mirror
    waivers:
      - { id: CVE-2026-7, because: not reached, until: "2099-01-31" }
      - { id: CVE-2020-1, because: long ago, until: "2020-01-31" }
  fleet:defaults: { maintainer: multi-py, platforms: [linux/amd64], bases: [slim] }
  fleet:images:
    web: { source: "https://x.test/web", package: uvicorn, pythons: ["3.13"], versions: ["0.34.0"] }
    api: { source: "https://x.test/api", package: uvicorn, pythons: ["3.12"], versions: ["0.34.0"] }
"""
_HELD = Lock(
    bases={
        "3.13-slim": Base(
            name="docker.io/library/python:3.13-slim", repository="docker.io/library/python",
            digest=INDEX_DIGEST, platforms={"linux/amd64": DIGEST},
        )
    },
    pins={("web", "3.13", "0.34.0"): ("h11==0.14.0", "uvicorn==0.34.0")},
    advisories=Findings(
        found={
            _H11: (
                Advisory(id="GHSA-1", aliases=("CVE-2026-7",), severity="high", fixed="0.16.0"),
                Advisory(id="GHSA-2", severity="critical"),
                Advisory(id="GHSA-3", severity="low", fixed="0.15.0"),
            ),
            _OPENSSL: (Advisory(id="DEBIAN-CVE-2026-1", severity="medium", fixed="3.5.1-2"),),
        },
        bases={"3.13-slim": BasePackages(image=DIGEST, packages=(_OPENSSL,))},
    ),
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.prod.yaml").write_text(_DECLARED)
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "prod.yaml").write_bytes(text_of(_HELD))
    return tmp_path


def audit(root: Path, *more: str) -> int:
    return main(["audit", "--stack", "prod", "--root", str(root), *more])


def test_what_can_be_fixed_comes_first_and_each_image_has_its_own(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit(root) == 0
    problem, _, *lines = [" ".join(x.split()) for x in capsys.readouterr().out.splitlines()]
    assert problem.startswith(
        "problem: fleet:advisories.waivers[1]: the waiver of CVE-2020-1 ended"
    )
    assert lines == [
        "advisories of web (4, 2 to be fixed)",
        "advisory severity package fixed in where waived",
        f"DEBIAN-CVE-2026-1 medium {_OPENSSL} 3.5.1-2 python:3.13-slim",
        f"GHSA-3 low {_H11} 0.15.0 Python 3.13",
        f"GHSA-1 high {_H11} 0.16.0 Python 3.13 until 2099-01-31: not reached",
        f"GHSA-2 critical {_H11} - Python 3.13",
        "",
        "advisories of api (0, 0 to be fixed)",
        "",
        "`make versions` takes releases without them, where others allow it",
        "",
        "`make versions` and `make lock REFRESH=1` ask whether a base was rebuilt",
    ]


def test_the_same_is_there_as_data(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(root, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in found["images"]["web"]] == [
        "DEBIAN-CVE-2026-1", "GHSA-3", "GHSA-1", "GHSA-2",
    ]  # fmt: skip
    assert found["images"]["web"][2] == {
        "id": "GHSA-1", "aliases": ["CVE-2026-7"], "severity": "high", "package": _H11,
        "fixed": "0.16.0", "fixable": True, "where": ["Python 3.13"],
        "waived": "until 2099-01-31: not reached",
    }  # fmt: skip
    assert len(found["problems"]) == 1


def test_without_a_source_the_command_says_how_to_declare_one(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, _, after = _DECLARED.partition("  fleet:advisories:\n")
    (root / "Pulumi.prod.yaml").write_text(before + after[after.index("  fleet:defaults") :])
    assert audit(root) == 1
    assert "fleet:advisories: { source: https://api.osv.dev }" in capsys.readouterr().err


def test_a_lock_that_says_nothing_is_not_taken_for_none(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "locks" / "prod.yaml").write_bytes(text_of(Lock()))
    assert audit(root) == 1
    assert "Run `make versions STACK=prod`" in capsys.readouterr().err
