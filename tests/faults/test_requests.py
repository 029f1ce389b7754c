"""Faults of single requests: statuses, resets, stalls, tokens, damaged answers."""

import pytest

from fleet.registry.errors import AuthenticationError, DeadlineError, RegistryError
from tests.engine.seeding import push_image
from tests.faults.chaos import DEADLINE_SECONDS
from tests.faults.conftest import LATEST, NEW, OLD, PLATFORMS, TAG, Place
from tests.faults.proxy import Kind, Proxy, Rules
from tests.providers.ociregistry.engine_fake import Engine

pytestmark = pytest.mark.integration

TAG_PUT = rf"PUT .*/manifests/{NEW}$"
INDEX_GET = r"GET .*/manifests/sha256:"


def converges(engine: Engine, place: Place) -> None:
    """Check that a rerun publishes the whole version, and another does nothing."""
    engine.restart()
    inputs = place.version()
    engine.up(TAG, NEW, inputs)
    assert set(place.view.pull(NEW)) == set(PLATFORMS)
    assert engine.up(TAG, NEW, inputs).kind == "same"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["HEAD", "GET", "POST", "PUT"])
def test_a_status_that_passes_is_waited_for_as_the_registry_asks(
    engine: Engine, place: Place, rules: Rules, status: int, method: str
) -> None:
    rules.add(f"^{method} ", "status", status=status, retry_after="7", times=2)
    engine.up(TAG, NEW, place.version())
    assert engine.waits == [7.0, 7.0]
    assert set(place.view.pull(NEW)) == set(PLATFORMS)


def test_a_status_that_stays_fails_its_own_tag_and_no_other(
    engine: Engine, place: Place, rules: Rules
) -> None:
    rules.add(TAG_PUT, "status", status=503, times=99)
    with pytest.raises(RegistryError, match=rf"PUT .*/manifests/{NEW}.* 503"):
        engine.up(TAG, NEW, place.version())
    engine.up(TAG, OLD, place.version(OLD))
    assert set(place.view.tags()) == {OLD}
    assert len(engine.waits) < 10, "the tries are bounded"
    rules.entries.clear()
    converges(engine, place)


def test_a_reset_after_the_tag_was_written_is_success_without_a_second_write(
    engine: Engine, place: Place, proxy: Proxy, rules: Rules
) -> None:
    rules.add(TAG_PUT, "reset-after")
    engine.up(TAG, NEW, place.version())
    assert len([line for line in proxy.log if line.endswith(f"/{NEW}") and "PUT" in line]) == 1
    assert set(place.view.pull(NEW)) == set(PLATFORMS)


def test_a_reset_before_the_tag_was_written_sends_it_again(
    engine: Engine, place: Place, proxy: Proxy, rules: Rules
) -> None:
    rules.add(TAG_PUT, "reset")
    engine.up(TAG, NEW, place.version())
    assert len([line for line in proxy.log if line.endswith(f"/{NEW}") and "PUT" in line]) == 2
    assert set(place.view.pull(NEW)) == set(PLATFORMS)


@pytest.mark.parametrize("kind", ["stall", "drip"])
def test_an_answer_that_never_ends_meets_a_deadline(
    engine: Engine, place: Place, rules: Rules, kind: Kind
) -> None:
    rules.add(INDEX_GET, kind, times=99)
    with pytest.raises(DeadlineError, match=f"within {DEADLINE_SECONDS:g} s"):
        engine.up(TAG, NEW, place.version())
    assert place.view.tags() == {}
    rules.entries.clear()
    converges(engine, place)


def test_a_stall_that_passes_costs_nothing_but_time(
    engine: Engine, place: Place, rules: Rules
) -> None:
    rules.add(TAG_PUT, "stall")
    engine.up(TAG, NEW, place.version())
    assert set(place.view.pull(NEW)) == set(PLATFORMS)


@pytest.mark.parametrize("method", ["HEAD", "GET", "POST", "PUT"])
def test_a_token_that_expired_is_renewed_once(
    engine: Engine, place: Place, rules: Rules, method: str
) -> None:
    rules.add(f"^{method} ", "unauthorized")
    engine.up(TAG, NEW, place.version())
    assert set(place.view.pull(NEW)) == set(PLATFORMS)


def test_a_registry_that_refuses_the_renewed_token_fails_without_a_loop(
    engine: Engine, place: Place, proxy: Proxy, rules: Rules
) -> None:
    rules.add(TAG_PUT, "unauthorized", times=99)
    with pytest.raises(AuthenticationError, match="check the credentials"):
        engine.up(TAG, NEW, place.version())
    assert len([line for line in proxy.log if line.endswith(f"/{NEW}") and "PUT" in line]) == 2
    assert place.view.tags() == {}


@pytest.mark.parametrize("kind", ["other-body", "other-digest"])
def test_a_manifest_of_another_digest_is_refused_and_nothing_is_named(
    engine: Engine, place: Place, rules: Rules, kind: Kind
) -> None:
    rules.add(INDEX_GET, kind, times=99)
    with pytest.raises(RegistryError, match="nothing was taken from it"):
        engine.up(TAG, NEW, place.version())
    assert place.view.tags() == {}
    rules.entries.clear()
    converges(engine, place)


def test_a_truncated_manifest_is_fetched_again(engine: Engine, place: Place, rules: Rules) -> None:
    rules.add(INDEX_GET, "truncate", times=2)
    engine.up(TAG, NEW, place.version())
    assert set(place.view.pull(NEW)) == set(PLATFORMS)


def test_a_write_acknowledged_with_another_digest_fails_and_a_rerun_converges(
    engine: Engine, place: Place, rules: Rules
) -> None:
    rules.add(TAG_PUT, "other-digest")
    with pytest.raises(RegistryError, match="not sha256:0000"):
        engine.up(TAG, NEW, place.version())
    converges(engine, place)


def test_a_platform_that_cannot_be_placed_leaves_the_tag_absent(
    engine: Engine, place: Place, rules: Rules
) -> None:
    inputs = place.version()
    arm = push_image(place.registry, place.build, PLATFORMS, NEW)["linux/arm64"]
    rules.add(f"PUT .*/manifests/{arm}", "status", status=500, times=99)
    with pytest.raises(RegistryError):
        engine.up(TAG, NEW, inputs)
    assert place.view.tags() == {}
    rules.entries.clear()
    converges(engine, place)


def test_a_platform_that_cannot_be_placed_leaves_a_tag_that_was_there_unchanged(
    engine: Engine, place: Place, rules: Rules
) -> None:
    before = str(engine.up(TAG, NEW, place.version()).outputs["digest"])
    rebuilt = push_image(place.registry, place.build, PLATFORMS, "rebuilt")
    rules.add(f"PUT .*/manifests/{rebuilt['linux/arm64']}", "status", status=500, times=99)
    with pytest.raises(RegistryError):
        engine.up(TAG, NEW, place.version(source=place.built("rebuilt")))
    assert place.view.tags() == {NEW: before}
    assert set(place.view.pull(NEW)) == set(PLATFORMS)


def test_a_failing_pointer_leaves_the_name_on_what_it_was(
    engine: Engine, place: Place, rules: Rules
) -> None:
    old, new = place.published(OLD), place.published(NEW)
    engine.up(TAG, LATEST, place.pointer(old))
    rules.add(rf"PUT .*/manifests/{LATEST}$", "status", status=502, times=99)
    with pytest.raises(RegistryError):
        engine.up(TAG, LATEST, place.pointer(new))
    assert place.view.tags()[LATEST] == old
    rules.entries.clear()
    engine.up(TAG, LATEST, place.pointer(new))
    assert place.view.tags()[LATEST] == new
