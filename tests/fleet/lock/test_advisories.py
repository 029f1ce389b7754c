"""What the lock holds of advisories: read as it was written, strictly, and no input of a build."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleet.declaration.parse import parse as parse_declaration
from fleet.declaration.problems import DeclarationError
from fleet.github.handover import LOCK, SUMMARY, received
from fleet.lock.advisories import Advisory, BasePackages, Findings
from fleet.lock.serialization import parse, values_of
from fleet.plan.plan import make_plan
from fleet.releases.writing import text_of
from tests.fleet.examples import DIGEST, config, declaration, inputs, lock

_H11 = "PyPI h11==0.14.0"
FINDINGS = Findings(
    found={
        _H11: (
            Advisory(id="GHSA-1", aliases=("CVE-2026-1",), severity="high", fixed="0.16.0"),
            Advisory(id="GHSA-2", fixed=">0.14.0"),
            Advisory(id="PYSEC-2026-1"),
        ),
        "Debian:13 libstdc++==1:2.0~rc1-1+deb13u1": (Advisory(id="trixie-security/x", fixed="3"),),
    },
    bases={"3.11-slim": BasePackages(image=DIGEST, packages=("Alpine:v3.22 busybox==1-r1",))},
)


def test_it_is_read_as_it_was_written() -> None:
    for findings in (FINDINGS, Findings(), None):
        held = replace(lock(declaration()), advisories=findings)
        assert parse(values_of(held), "lock.yaml", "prod") == held


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ({"found": {"h11": {}}}, "lock.advisories.found.h11"),
        ({"found": {_H11: {"a b": {}}}}, f"lock.advisories.found.{_H11}.a b"),
        ({"found": {_H11: {"GHSA-1": {"fixed": "a b"}}}}, f"{_H11}.GHSA-1.fixed"),
        ({"found": {_H11: {"GHSA-1": {"severity": "bad"}}}}, f"{_H11}.GHSA-1.severity"),
        ({"found": {_H11: {"GHSA-1": {"date": "2026"}}}}, f"{_H11}.GHSA-1.date"),
        ({"bases": {"3.11-slim": {"image": "x"}}}, "lock.advisories.bases.3.11-slim.image"),
        ({"bases": {"3.11-slim": {"image": DIGEST, "packages": ["x"]}}}, "3.11-slim.packages[0]"),
        ({"asked": "2026-11-30"}, "lock.advisories.asked"),
    ],
)
def test_what_is_not_of_its_form_is_refused(section: dict[str, Any], place: str) -> None:
    values = values_of(lock(declaration())) | {"advisories": section}
    with pytest.raises(DeclarationError) as error:
        parse(values, "lock.yaml", "prod")
    assert place in str(error.value)


def test_no_input_of_a_tag_depends_on_it() -> None:
    declared = declaration()
    given = inputs(declared)
    known = replace(given, lock=replace(given.lock, advisories=FINDINGS))
    plan = make_plan(declared, known, "fleet/t")
    assert plan.images == make_plan(declared, given, "fleet/t").images


def test_the_job_with_secrets_takes_it_from_the_one_without(tmp_path: Path) -> None:
    root, folder = tmp_path / "checkout", tmp_path / "proposal"
    (root / "locks").mkdir(parents=True)
    folder.mkdir()
    (root / "Pulumi.prod.yaml").write_text(
        "config:\n" + "".join(f"  fleet:{key}: {value!r}\n" for key, value in config().items())
    )
    held = lock(parse_declaration(config()))
    (root / "locks" / "prod.yaml").write_bytes(text_of(held))
    made = text_of(replace(held, advisories=FINDINGS))
    (folder / LOCK).write_bytes(made)
    (folder / SUMMARY).write_text("Changed.\n")
    assert received(root, "prod", folder).files == {"locks/prod.yaml": made.decode()}
