"""Faults around the one remover: what it is told, what the registry can do, where it breaks off."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.registry.errors import OciError, RegistryError
from providers.ociregistry.stale_pointers.resource import RemovalFailedError
from tests.engine.registries import Distribution
from tests.engine.seeding import OCI_INDEX, delete, push_manifest
from tests.faults.conftest import LATEST, NEW, OLD, STALE, STRAY, Place
from tests.faults.proxy import Proxy, Rules, proxied
from tests.providers.ociregistry.engine_fake import Engine

pytestmark = pytest.mark.integration

LISTED = r"GET .*/tags/list$"
BY_TAG = r"DELETE .*/manifests/[^s][^/]*$"
BY_DIGEST = r"DELETE .*/manifests/sha256:"


@pytest.fixture
def undeletable(tmp_path: Path) -> Iterator[Distribution]:
    with Distribution(tmp_path / "undeletable", delete=False) as started:
        yield started


def both(place: Place) -> dict[str, str]:
    """Publish a declared and a stray pointer on two versions; return all tags."""
    place.published("py3.8-0.30.0", STRAY, "edge")
    place.published(NEW, LATEST)
    return place.view.tags()


def gone(place: Place, before: dict[str, str], *names: str) -> None:
    """Check that just these names went, and everything else pulls as before."""
    left = {tag: digest for tag, digest in before.items() if tag not in names}
    assert place.view.tags() == left
    for tag in left:
        place.view.pull(tag)


def test_a_registry_that_deletes_nothing_is_refused_before_any_write(
    undeletable: Distribution, rules: Rules, tmp_path: Path
) -> None:
    with proxied(undeletable, rules) as proxy:
        place = Place(registry=undeletable, host=proxy.host, name="team/app")
        before = both(place)
        environment = {"FLEET_PLAIN_HTTP": proxy.host, "DOCKER_CONFIG": str(tmp_path)}
        with Engine(environment) as engine, pytest.raises(OciError, match="deletes neither"):
            engine.up(STALE, "s", place.stale(LATEST))
        assert [line for line in proxy.writes if not line.startswith("DELETE")] == []
        assert place.view.tags() == before


@pytest.mark.parametrize("status", [400, 405])
def test_a_registry_that_deletes_digests_alone_loses_a_placeholder_and_the_name(
    engine: Engine, place: Place, rules: Rules, status: int
) -> None:
    before = both(place)
    rules.add(BY_TAG, "status", status=status, times=99)
    engine.up(STALE, "s", place.stale(LATEST))
    gone(place, before, STRAY)


def test_a_removal_cut_off_between_its_two_steps_is_finished_by_a_rerun(
    engine: Engine, place: Place, rules: Rules
) -> None:
    before = both(place)
    rules.add(BY_TAG, "status", status=405, times=99)
    # The first two deletions by digest only ask whether there are any; the third is the real one.
    rules.add(BY_DIGEST, "reset", times=99, skip=2)
    rules.add(f"PUT .*/manifests/{STRAY}$", "reset", times=99, skip=1)
    with pytest.raises(RemovalFailedError):
        engine.up(STALE, "s", place.stale(LATEST))
    assert place.view.tags()[STRAY] not in before.values(), "a placeholder lies over the name"
    del rules.entries[1:]
    engine.restart()
    engine.up(STALE, "s", place.stale(LATEST))
    gone(place, before, STRAY)
    assert engine.up(STALE, "s", place.stale(LATEST)).kind == "same"


def test_a_name_that_somebody_else_removed_first_is_success(
    engine: Engine, place: Place, rules: Rules
) -> None:
    before = both(place)
    rules.add(BY_TAG, "status", status=404)
    delete(place.registry, place.name, STRAY)
    engine.up(STALE, "s", place.stale(LATEST))
    gone(place, before, STRAY)


def test_a_deletion_whose_answer_is_lost_is_success_on_repetition(
    engine: Engine, place: Place, rules: Rules
) -> None:
    before = both(place)
    rules.add(BY_TAG, "reset-after")
    engine.up(STALE, "s", place.stale(LATEST))
    gone(place, before, STRAY)


def named(proxy: Proxy) -> list[str]:
    """The writes where images are named: what is declared may be put on record beside them."""
    return [line for line in proxy.writes if "/build/" not in line]


@pytest.mark.parametrize("body", [b'{"tags":[]}', b'{"tags":null}'])
def test_a_list_that_is_empty_makes_nothing_stale(
    engine: Engine, place: Place, proxy: Proxy, rules: Rules, body: bytes
) -> None:
    before = both(place)
    rules.add(LISTED, "list", body=body, times=99)
    engine.up(STALE, "s", place.stale(LATEST))
    assert named(proxy) == []
    assert place.view.tags() == before


def test_an_unknown_repository_makes_nothing_stale(
    engine: Engine, place: Place, proxy: Proxy
) -> None:
    engine.up(STALE, "s", place.stale(LATEST))
    assert named(proxy) == []


@pytest.mark.parametrize("body", [b'{"tags":["py3.8-LAT', b'{"tags":{"a":1}}', b"[]"])
def test_a_list_that_is_cut_off_or_malformed_stops_before_any_write(
    engine: Engine, place: Place, proxy: Proxy, rules: Rules, body: bytes
) -> None:
    both(place)
    rules.add(LISTED, "list", body=body, times=99)
    with pytest.raises(RegistryError, match="tag list is"):
        engine.up(STALE, "s", place.stale(LATEST))
    assert named(proxy) == []


def test_a_list_of_many_pages_is_read_whole(engine: Engine, place: Place, proxy: Proxy) -> None:
    before = both(place)
    proxy.page = 1
    engine.up(STALE, "s", place.stale(LATEST))
    gone(place, before, STRAY)
    assert len([line for line in proxy.log if line.endswith("/tags/list")]) > len(before)


def test_a_stale_list_names_what_is_gone_and_nothing_is_removed_for_it(
    engine: Engine, place: Place, proxy: Proxy, rules: Rules
) -> None:
    before = both(place)
    engine.up(STALE, "s", place.stale(LATEST))
    rules.add(LISTED, "stale-list", times=99)
    written = len(proxy.writes)
    assert engine.up(STALE, "s", place.stale(LATEST)).kind == "same"
    assert len(proxy.writes) == written
    gone(place, before, STRAY)


def test_too_large_a_share_of_removals_is_refused_with_the_names(
    engine: Engine, place: Place, proxy: Proxy
) -> None:
    before = both(place)
    with pytest.raises(Exception, match=f"max-removals.*{STRAY}"):
        engine.up(STALE, "s", place.stale(maxRemovals=0.5))
    assert named(proxy) == []
    assert place.view.tags() == before


def test_what_shares_a_digest_with_a_removed_name_goes_on_to_pull(
    engine: Engine, place: Place
) -> None:
    digest = place.published("py3.8-0.30.0", STRAY, "py3.7-LATEST", LATEST)
    engine.up(STALE, "s", place.stale(LATEST))
    assert place.view.tags() == {"py3.8-0.30.0": digest, LATEST: digest}
    assert set(place.view.pull(LATEST)) == set(place.view.pull("py3.8-0.30.0"))


def test_a_pointer_of_another_stack_on_the_same_image_stays(engine: Engine, place: Place) -> None:
    owner = {"io.github.multi-py.fleet.owner": "fleet/prod"}
    theirs = place.published(OLD, "py3.9-LATEST", annotations=owner)
    place.published(NEW, LATEST, STRAY)
    engine.up(STALE, "s", place.stale(LATEST))
    assert place.view.tags()["py3.9-LATEST"] == theirs
    assert STRAY not in place.view.tags()


def test_referrers_and_their_tags_and_children_are_never_stale(
    engine: Engine, place: Place
) -> None:
    digest = place.published("py3.8-0.30.0", STRAY)
    attached = digest.replace(":", "-")
    place.move(attached, "py3.8-0.30.0")
    referrer = push_referrer(place, digest)
    grammar = [{"kind": "LATEST", "pattern": ".*LATEST|sha256-.*"}]
    engine.up(STALE, "s", place.stale(grammar=grammar))
    assert place.view.tags() == {"py3.8-0.30.0": digest, attached: digest}
    assert place.view.digest(referrer) == referrer
    place.view.pull(attached)


def push_referrer(place: Place, subject: str) -> str:
    """Push a signature-like manifest that refers to `subject`; return its digest."""
    child = next(iter(place.view.pull(subject).values()))
    document = json.loads(place.view.manifest(child))
    document["subject"] = {"mediaType": OCI_INDEX, "digest": subject, "size": 1}
    return push_manifest(place.registry, place.name, document)
