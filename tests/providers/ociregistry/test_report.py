import json

from providers.ociregistry.report import Entry, counts, document, line

BUILT = Entry(
    ref="h/n:v2", kind="version", action="build", platforms=("linux/amd64", "linux/arm64")
)
MOVED = Entry(ref="h/n:LATEST", kind="pointer", action="re-point", version="v2")
STAYS = Entry(ref="h/n:v1", kind="version", action="unchanged")
GOES = Entry(ref="h/n:old-LATEST", kind="pointer", action="retire")
LEFT = Entry(ref="h/m:LATEST", kind="pointer", action="retire", later=True)
KEPT = Entry(ref="h/n:0.3", kind="pointer", action="keep")
FAILED = Entry(ref="h/n:v3", kind="version", action="fail", reasons=("no image",))


def test_names_are_counted_by_what_becomes_of_them() -> None:
    assert line([BUILT, MOVED, STAYS, GOES, KEPT], "preview") == (
        "1 build, 1 re-point, 1 retire, 1 unchanged"
    )
    assert counts([BUILT, KEPT])["keep"] == 1


def test_an_update_says_what_was_done() -> None:
    assert line([BUILT, MOVED, STAYS, GOES], "update") == (
        "1 built, 1 re-pointed, 1 retired, 1 unchanged"
    )


def test_failures_are_told_only_where_there_are_some() -> None:
    assert line([STAYS, FAILED], "update").endswith("1 unchanged, 1 failed")
    assert "failed" not in line([STAYS], "update")


def test_a_removal_that_is_still_to_come_is_not_said_to_be_done() -> None:
    assert line([GOES, LEFT], "preview").startswith("0 build, 0 re-point, 2 retire")
    assert line([GOES, LEFT], "idle").startswith("0 build, 0 re-point, 2 retire")
    assert line([GOES, LEFT], "update") == (
        "0 built, 0 re-pointed, 1 retired, 0 unchanged, 1 to be retired when this run ends"
    )


def test_the_document_is_json_and_holds_every_entry_in_order() -> None:
    found = json.loads(json.dumps(document([STAYS, MOVED, BUILT], "preview")))
    assert (found["version"], found["mode"]) == (1, "preview")
    assert found["summary"] == "1 build, 1 re-point, 0 retire, 1 unchanged"
    assert found["counts"] == {
        "build": 1, "re-point": 1, "retire": 0, "unchanged": 1, "keep": 0, "fail": 0
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
    }
