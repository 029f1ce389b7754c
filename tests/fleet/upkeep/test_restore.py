import pytest

from fleet.console import TroubleError
from fleet.registry.errors import ConflictError
from fleet.registry.reference import Repository
from fleet.registry.removal.placeholder import placeholder_manifest
from fleet.upkeep.restore import candidates, choose, predict_next_update, restore
from tests.fleet.upkeep.conftest import removed, remover
from tests.fleet.upkeep.sweeping import DIGEST, Run, repository, state
from tests.providers.ociregistry.registry_fake import FakeRegistry

TAG = "py3.8-LATEST"


class TestWhichRemovalIsUndone:
    def test_the_last_removal_of_a_tag_counts(self, registry: FakeRegistry) -> None:
        place = repository(registry)
        record = (
            removed(place, TAG, at="1"),
            removed(place, TAG, digest="sha256:" + "b" * 64, at="2"),
            removed(place, "py3.7-LATEST", at="3"),
        )
        assert choose(state(removed=record), TAG).removed_at == "2"

    def test_a_tag_without_a_record_is_an_error_that_shows_the_record(
        self, registry: FakeRegistry
    ) -> None:
        known = state(removed=(removed(repository(registry), "py3.7-LATEST"),))
        with pytest.raises(TroubleError, match=r"no record .* py3\.8-LATEST") as raised:
            choose(known, TAG)
        assert f"team/web:py3.7-LATEST  {DIGEST}" in str(raised.value)

    def test_a_tag_of_two_images_needs_the_images_name(self, registry: FakeRegistry) -> None:
        places = repository(registry), repository(registry, "team/api")
        known = state(removed=tuple(removed(place, TAG) for place in places))
        with pytest.raises(TroubleError, match=r"team/api and .*team/web\.\nSay which"):
            choose(known, TAG)
        assert choose(known, TAG, "api").repository == places[1]

    def test_a_mirror_has_to_be_named_whole(self, registry: FakeRegistry) -> None:
        place, mirror = repository(registry), Repository(host="quay.io", name="org/web")
        known = state(
            removed=(removed(place, TAG), removed(mirror, TAG)),
            removers=(remover(place), remover(mirror, source=place)),
        )
        assert candidates(known, "ghcr.io/multi-py", []) == (place,)
        for image in ("", "web", str(place)):
            assert choose(known, TAG, image).repository == place
        assert choose(known, TAG, str(mirror)).repository == mirror

    def test_a_declared_tag_is_left_to_up(self, registry: FakeRegistry) -> None:
        place = repository(registry)
        declared = remover(place, pointers=frozenset({TAG}))
        with pytest.raises(TroubleError, match="is declared"):
            choose(state(removed=(removed(place, TAG),), removers=(declared,)), TAG)


class TestRestore:
    def test_the_name_is_back_on_the_same_digest(self, registry: FakeRegistry, run: Run) -> None:
        digest = registry.push_index("team/web", "py3.8-0.30.0")
        entry = removed(repository(registry), TAG, digest)
        done = run(lambda client: restore(client, entry))
        assert done.written
        assert registry.repositories["team/web"].tags[TAG] == digest
        assert registry.writes == [f"PUT /v2/team/web/manifests/{TAG}"]

    def test_a_name_that_is_there_already_is_not_written(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        digest = registry.push_index("team/web", TAG)
        entry = removed(repository(registry), TAG, digest)
        assert not run(lambda client: restore(client, entry)).written
        assert registry.writes == []

    def test_a_name_that_lives_on_something_else_is_refused_with_both_digests(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        old = registry.push_index("team/web", "old")
        new = registry.push_index("team/web", TAG)
        entry = removed(repository(registry), TAG, old)
        with pytest.raises(TroubleError, match=f"{old}.*{new}"):
            run(lambda client: restore(client, entry))
        assert registry.writes == []

    def test_a_name_that_is_taken_while_the_write_waits_is_left(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        digest = registry.push_index("team/web", "old")
        other = registry.push_index("team/web", "new")
        tags = registry.repositories["team/web"].tags
        registry.fault(
            f"PUT .*/{TAG}",
            act=lambda: tags.update({TAG: other}),
            status=429,
            headers={"Retry-After": "0"},
        )
        entry = removed(repository(registry), TAG, digest)
        with pytest.raises(ConflictError, match=f"{other}.*{digest}"):
            run(lambda client: restore(client, entry))
        assert tags[TAG] == other

    def test_the_leftover_of_an_interrupted_removal_does_not_count_as_a_name(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        digest = registry.push_index("team/web", "old")
        leftover = placeholder_manifest("nonce", digest)
        storage = registry.repositories["team/web"]
        storage.manifests[leftover.digest] = (leftover.media_type, leftover.body)
        storage.tags[TAG] = leftover.digest
        entry = removed(repository(registry), TAG, digest)
        assert run(lambda client: restore(client, entry)).written
        assert storage.tags[TAG] == digest

    def test_a_digest_that_is_gone_is_an_error_and_nothing_is_written(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        registry.push_index("team/web", "other")
        entry = removed(repository(registry), TAG)
        with pytest.raises(TroubleError, match=f"no longer holds {DIGEST}"):
            run(lambda client: restore(client, entry))
        assert registry.writes == []

    def test_a_digest_that_lost_a_platform_is_not_restored(
        self, registry: FakeRegistry, run: Run
    ) -> None:
        digest = registry.push_index("team/web", "old")
        storage = registry.repositories["team/web"]
        child = next(d for d in storage.manifests if d != digest)
        del storage.manifests[child]
        entry = removed(repository(registry), TAG, digest)
        with pytest.raises(TroubleError, match=rf"linux/amd64 \({child}\)"):
            run(lambda client: restore(client, entry))
        assert registry.writes == []


class TestOutlook:
    def test_under_the_policy_remove_it_says_what_to_declare(self, registry: FakeRegistry) -> None:
        place = repository(registry)
        known = state(removers=(remover(place),))
        text = predict_next_update(known, removed(place, TAG))
        assert "removes it again" in text
        assert "fleet:images.web: pointers: {LATEST: keep}" in text

    def test_under_the_policy_keep_it_stays(self, registry: FakeRegistry) -> None:
        place = repository(registry)
        known = state(removers=(remover(place, policies={"LATEST": "keep"}),))
        assert predict_next_update(known, removed(place, TAG)).startswith("It stays")
