from typing import Any

from fleet.plan.plan import Plan, make_plan
from fleet.registry.reference import ManifestReference, TagReference
from fleet.reports.steps import IMAGE_TAG
from fleet.upkeep.adopt import adoption, candidates
from fleet.upkeep.state import POINTERS
from providers.ociregistry.tag.model import Platform, TagInputs, TagState
from providers.ociregistry.tag.reader import Found
from tests.fleet import examples

A, B = examples.DIGEST, examples.OTHER_DIGEST


def plan() -> Plan:
    declared = examples.declaration(versions=["0.33.0", "0.34.0"])
    return make_plan(declared, examples.inputs(declared), owner="fleet/dev")


def found(ref: TagReference, digest: str, owner: str = "fleet/dev") -> Found:
    state = TagState(
        digest=digest,
        assembled=digest,
        platforms=(Platform(platform="linux/amd64", digest=B, size=5),),
    )
    source = ManifestReference(repository=ref.repository, digest=digest)
    inputs = TagInputs(ref=ref, owner=owner, sources=(source,), platforms=("linux/amd64",))
    return Found(inputs=inputs, state=state)


def entries(document: Any) -> dict[str, Any]:
    return {entry["name"]: entry for entry in document["resources"]}


class TestImportFile:
    def test_every_declared_tag_is_a_candidate_in_its_component(self) -> None:
        made = {c.ref.tag: c.component for c in candidates(plan())}
        assert made["py3.11-slim-0.34.0"] == (IMAGE_TAG, "web:py3.11-slim-0.34.0")
        assert made["py3.11-slim-LATEST"] == (POINTERS, "web")
        assert len(made) == 5

    def test_components_come_as_components_and_tags_as_their_children(self) -> None:
        live = {c.ref: found(c.ref, A) for c in candidates(plan())}
        document = adoption(plan(), live).document
        listed = entries(document)
        assert [e["name"] for e in document["resources"] if e.get("component")] == [
            "web:py3.11-slim-0.33.0",
            "web:py3.11-slim-0.34.0",
            "web",
        ]
        tag = listed["localhost:5443/multi-py/web:py3.11-slim-0.34.0"]
        assert (tag["id"], tag["parent"]) == (tag["name"], "web:py3.11-slim-0.34.0")
        assert tag["outputs"]["digest"] == A

    def test_what_no_registry_tells_is_left_out_of_a_version_tag(self) -> None:
        (ref, *_) = [c.ref for c in candidates(plan())]
        listed = entries(adoption(plan(), {ref: found(ref, A)}).document)
        assert {"identity", "onConflict"}.isdisjoint(listed[str(ref)]["inputs"])
        assert listed[str(ref)]["inputs"]["source"] == f"{ref.repository}@{A}"
        assert listed[str(ref)]["inputs"]["platforms"] == ["linux/amd64"]
        (platform,) = listed[str(ref)]["outputs"]["platforms"]
        assert platform["platform"] == "linux/amd64"

    def test_a_pointer_is_a_copy_without_annotations_of_its_own(self) -> None:
        pointer = next(c.ref for c in candidates(plan()) if c.target is not None)
        listed = entries(adoption(plan(), {pointer: found(pointer, A)}).document)
        inputs = listed[str(pointer)]["inputs"]
        assert inputs["source"] == f"{pointer.repository}@{A}"
        assert inputs["annotations"] == {}
        assert "platforms" not in inputs

    def test_what_belongs_to_another_stack_stays_out(self) -> None:
        (ref, *_) = [c.ref for c in candidates(plan())]
        taken = adoption(plan(), {ref: found(ref, A, owner="fleet/prod")})
        assert taken.document == {"resources": []}
        assert taken.foreign == (str(ref),)

    def test_what_nobody_owns_is_adopted_and_told_apart(self) -> None:
        (ref, *_) = [c.ref for c in candidates(plan())]
        taken = adoption(plan(), {ref: found(ref, A, owner="")})
        assert taken.unowned == taken.adopted == (str(ref),)
        entry = entries(taken.document)[str(ref)]
        assert (entry["inputs"]["owner"], entry["outputs"]["owner"]) == ("fleet/dev", "")

    def test_a_pointer_off_its_target_is_told(self) -> None:
        pointers = [c for c in candidates(plan()) if c.target is not None]
        latest = next(c for c in pointers if c.ref.tag.endswith("LATEST"))
        assert latest.target is not None
        live = {latest.ref: found(latest.ref, A), latest.target: found(latest.target, B)}
        assert adoption(plan(), live).off == (str(latest.ref),)
        live[latest.ref] = found(latest.ref, B)
        assert adoption(plan(), live).off == ()

    def test_what_is_not_in_the_registry_is_told(self) -> None:
        assert len(adoption(plan(), {}).absent) == 5

    def test_what_names_no_image_is_told_and_is_not_called_absent(self) -> None:
        (ref, *_) = [c.ref for c in candidates(plan())]
        taken = adoption(plan(), {}, {ref: f"{ref} names {A}, which is not an image"})
        assert taken.unreadable == (f"{ref} names {A}, which is not an image",)
        assert str(ref) not in taken.absent
        assert taken.document == {"resources": []}
