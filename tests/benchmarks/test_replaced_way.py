"""The replaced way builds the same tags with the same packages on the same bases."""

from benchmarks.replaced_way import build_words, jobs
from fleet.plan.plan import make_plan
from tests.fleet import examples


def test_there_is_a_job_for_every_tag_with_all_of_its_platforms() -> None:
    declared = examples.declaration()
    inputs = examples.inputs(declared)
    plan = make_plan(declared, inputs, owner="fleet/dev")
    first, second = jobs(plan, inputs.lock, "localhost:5443")
    assert first.reference == "localhost:5443/replaced/web:py3.11-slim-0.33.0"
    assert second.reference == "localhost:5443/replaced/web:py3.11-slim-0.34.0"
    assert first.platforms == examples.PLATFORMS
    assert first.arguments == {
        "BASE": inputs.lock.bases["3.11-slim"].name,
        "BUILDER": inputs.lock.builders["3.11"].name,
        "PYTHON": "3.11",
        "REQUIREMENTS": "gunicorn==23.0.0 uvicorn==0.33.0",
    }


def test_the_client_is_asked_for_one_pushed_build_of_all_platforms() -> None:
    declared = examples.declaration()
    inputs = examples.inputs(declared)
    plan = make_plan(declared, inputs, owner="fleet/dev")
    words = build_words(jobs(plan, inputs.lock, "localhost:5443")[0])
    assert f"platform={','.join(examples.PLATFORMS)}" in words
    assert "build-arg:PYTHON=3.11" in words
    name = "localhost:5443/replaced/web:py3.11-slim-0.33.0"
    assert words[-2:] == ["--output", f"type=image,name={name},push=true"]


def test_what_only_one_platform_gets_is_installed_on_all() -> None:
    declared = examples.declaration(versions=["0.34.0"])
    marker = 'uvloop==0.22.1 ; platform_machine == "x86_64"'
    pins = {("web", "3.11", "0.34.0"): ("uvicorn==0.34.0", marker)}
    inputs = examples.inputs(declared, lock=examples.lock(declared, pins=pins))
    plan = make_plan(declared, inputs, owner="fleet/dev")
    (job,) = jobs(plan, inputs.lock, "localhost:5443")
    assert job.arguments["REQUIREMENTS"] == "uvicorn==0.34.0 uvloop==0.22.1"
