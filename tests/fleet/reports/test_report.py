import json

from fleet.reports.report import Mode, Report, document, joined, parse
from fleet.reports.table import text_of
from providers.ociregistry.report import Entry, counts
from tests.fleet.sbom.moved import base, moves_of

BUILT = Entry(
    ref="h/n:v2", kind="version", action="build", platforms=("linux/amd64", "linux/arm64")
)
MOVED = Entry(ref="h/n:LATEST", kind="pointer", action="re-point", version="v2")
STAYS = Entry(ref="h/n:v1", kind="version", action="unchanged")
GOES = Entry(ref="h/n:old-LATEST", kind="pointer", action="remove")
LEFT = Entry(ref="h/m:LATEST", kind="pointer", action="remove", later=True)
KEPT = Entry(ref="h/n:0.3", kind="pointer", action="keep")
FAILED = Entry(ref="h/n:v3", kind="version", action="fail", reasons=("not an image",))


MOVES = moves_of(base("python:3.9"), base(platforms=("linux/amd64", "linux/arm64")))


def report(*entries: Entry, mode: Mode = "preview", complete: bool = True) -> Report:
    return Report(mode=mode, entries=entries, complete=complete)


def test_names_are_counted_by_what_becomes_of_them() -> None:
    found = report(BUILT, MOVED, STAYS, GOES, KEPT)
    assert found.summary == "1 build, 1 re-point, 1 remove, 1 unchanged"
    assert counts([BUILT, KEPT])["keep"] == 1


def test_an_update_says_what_was_done() -> None:
    found = report(BUILT, MOVED, STAYS, GOES, mode="update")
    assert found.summary == "1 built, 1 re-pointed, 1 removed, 1 unchanged"


def test_failures_are_told_only_where_there_are_some() -> None:
    assert report(STAYS, FAILED).summary.endswith("1 unchanged, 1 failed")
    assert "failed" not in report(STAYS).summary


def test_a_run_that_ended_early_is_told_in_the_line() -> None:
    assert report(STAYS, complete=False).summary.endswith("1 unchanged; the run ended early")


def test_what_is_written_is_read_whole_and_in_order() -> None:
    made = Report(
        mode="preview",
        entries=(BUILT, FAILED, LEFT),
        changes=("update github:x y",),
        unverified=("no route",),
        errors=("not an image",),
        complete=False,
        bases=MOVES,
    )
    found = parse(json.loads(json.dumps(document(made))))
    assert sorted(found.entries, key=lambda entry: entry.ref) == list(found.entries)
    assert set(found.entries) == set(made.entries)
    assert (found.changes, found.unverified) == (made.changes, made.unverified)
    assert (found.errors, found.complete, found.mode) == (made.errors, False, "preview")
    assert found.bases == MOVES


def test_the_document_is_json_and_holds_every_entry_in_order() -> None:
    found = json.loads(json.dumps(document(report(STAYS, MOVED, BUILT))))
    assert (found["version"], found["mode"]) == (2, "preview")
    assert found["summary"] == "1 build, 1 re-point, 0 remove, 1 unchanged"
    assert found["counts"] == {
        "build": 1, "re-point": 1, "remove": 0, "unchanged": 1, "keep": 0, "fail": 0, "sign": 0,
        "copy": 0,
    }  # fmt: skip
    assert [entry["ref"] for entry in found["entries"]] == ["h/n:LATEST", "h/n:v1", "h/n:v2"]
    assert found["entries"][0] == {
        "ref": "h/n:LATEST",
        "kind": "pointer",
        "action": "re-point",
        "platforms": [],
        "reasons": [],
        "digest": "",
        "previous": "",
        "version": "v2",
        "previousVersion": "",
        "later": False,
        "signs": False,
    }


def test_what_moved_inside_bases_stands_before_the_line_that_sums_up() -> None:
    title, first, second, read, summary = text_of(Report(mode="preview", entries=(), bases=MOVES))
    assert (title, summary) == ("in base images", "0 build, 0 re-point, 0 remove, 0 unchanged")
    told = "1 package moved: openssl 3.0.15 -> 3.0.16; 41.2 MB -> 41.3 MB on linux/amd64"
    assert first == f"  base python:3.13-slim (linux/amd64): {told}"
    assert second == f"  base python:3.9: {told}"
    assert read == "  for this, 82.5 MB of layers were read (the limit is 1.0 GB and 5 min)"
    assert "in base images" not in text_of(Report(mode="preview", entries=()))


def test_stacks_on_the_same_base_tell_it_once() -> None:
    one = Report(mode="preview", entries=(), bases=MOVES)
    found = joined({"a": one, "b": one})
    assert found is not None
    assert found.bases == MOVES
