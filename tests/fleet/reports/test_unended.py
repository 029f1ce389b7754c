"""What a run began and told no end of, and what an import takes over, is not counted as done."""

from typing import Any

from fleet.reports.event_log import report_of

TAG, REMOVER = "ociregistry:index:Tag", "ociregistry:index:StalePointers"
PLACE, DIGEST = "h.example/n/a", f"sha256:{'1' * 64}"
INPUTS = {
    "ref": f"{PLACE}:v1",
    "owner": "fleet/prod",
    "source": f"{PLACE}@{DIGEST}",
    "platforms": ["linux/amd64"],
}
PLATFORM = {"platform": "linux/amd64", "digest": DIGEST, "size": 1}
NAMED = {"digest": DIGEST, "assembled": DIGEST, "platforms": [PLATFORM]}
TAKEN = {"inputs": INPUTS, "outputs": {**INPUTS, **NAMED}}
POINTERS = {"repository": PLACE, "owner": "fleet/prod", "pointers": ["LATEST"]}
LEAVING = {"inputs": POINTERS, "outputs": {**POINTERS, "live": {"LATEST": DIGEST}}}


def told(kind: str, op: str, token: str, **states: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::fleet::{token}::{PLACE}"
    return {kind: {"metadata": {"op": op, "type": token, "urn": urn, **states}}}


def test_what_a_killed_update_began_has_failed() -> None:
    create = told("resourcePreEvent", "create", TAG, new={"inputs": INPUTS, "outputs": {}})
    delete = told("resourcePreEvent", "delete", REMOVER, old=LEAVING)
    killed = report_of([create, delete])
    assert killed.summary == (
        "0 built, 0 re-pointed, 0 removed, 0 unchanged, 2 failed; the run ended early"
    )
    assert {why for entry in killed.entries for why in entry.reasons} == {
        "the engine ended before it told what became of this"
    }
    created = told("resOutputsEvent", "create", TAG, new=TAKEN)
    deleted = told("resOutputsEvent", "delete", REMOVER, old=LEAVING)
    done = report_of([create, delete, created, deleted])
    assert done.summary.startswith("1 built, 0 re-pointed, 1 removed, 0 unchanged;")


def test_an_import_builds_nothing_and_moves_no_name() -> None:
    begun = told("resourcePreEvent", "import", TAG, new={"inputs": {}, "outputs": {}})
    taken = told("resOutputsEvent", "import", TAG, new=TAKEN)
    end = {"summaryEvent": {"isPreview": False, "result": "succeeded"}}
    assert report_of([begun, taken, end]).summary == "0 built, 0 re-pointed, 0 removed, 1 unchanged"
    assert report_of([begun]).summary.endswith("1 failed; the run ended early")
