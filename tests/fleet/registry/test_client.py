import pytest

from fleet.registry.client import DeleteOutcome
from fleet.registry.errors import DeadlineError, RegistryError
from fleet.registry.manifest import Blob, Manifest
from fleet.registry.reference import Repository
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.registry_fake import OCI_INDEX, FakeRegistry, sha

INDEX = Manifest(
    body=b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
    media_type=OCI_INDEX,
)


class TestManifests:
    def test_what_is_put_is_what_is_got(self, call: Caller) -> None:
        call(lambda c: c.put(call.repository, "tag", INDEX))
        assert call(lambda c: c.get(call.repository, "tag")) == INDEX
        assert call(lambda c: c.head(call.repository, INDEX.digest)) == INDEX.digest

    def test_what_is_absent_is_none(self, call: Caller) -> None:
        assert call(lambda c: c.get(call.repository, "tag")) is None
        assert call(lambda c: c.head(call.repository, "tag")) is None

    def test_a_registry_that_names_no_digest_is_read_instead(self, call: Caller) -> None:
        call(lambda c: c.put(call.repository, "tag", INDEX))
        call.registry.tells_digest = False
        assert call(lambda c: c.head(call.repository, "tag")) == INDEX.digest

    def test_a_registry_without_head_is_read_instead(self, call: Caller) -> None:
        call(lambda c: c.put(call.repository, "tag", INDEX))
        call.registry.head_status = 405
        assert call(lambda c: c.head(call.repository, "tag")) == INDEX.digest
        assert call(lambda c: c.head(call.repository, "other")) is None
        call(lambda c: c.write_blob(call.repository, b"{}"))
        assert call.registry.repositories["team/app"].blobs == {sha(b"{}"): b"{}"}

    def test_a_head_that_is_refused_without_a_challenge_is_a_get(self, call: Caller) -> None:
        registry = call.registry
        call(lambda c: c.put(call.repository, "tag", INDEX))
        registry.repositories["team/app"].blobs[sha(b"{}")] = b"{}"
        registry.challenge, registry.challenges_heads = 'Bearer realm="REALM"', False
        assert call(lambda c: c.head(call.repository, "tag")) == INDEX.digest
        registry.log.clear()
        call(lambda c: c.write_blob(call.repository, b"{}"))
        assert registry.writes == []

    @pytest.mark.parametrize("reference", ["tag", INDEX.digest])
    def test_a_body_of_another_digest_is_refused(self, call: Caller, reference: str) -> None:
        headers = {"Docker-Content-Digest": INDEX.digest, "Content-Type": OCI_INDEX}
        call.registry.fault("GET", status=200, body=b"{}", headers=headers)
        with pytest.raises(RegistryError, match=f"not {INDEX.digest}"):
            call(lambda c: c.get(call.repository, reference))

    def test_a_manifest_over_four_mebibytes_is_neither_read_nor_written(self, call: Caller) -> None:
        huge = Manifest(body=b" " * (4 * 1024 * 1024 + 1), media_type=OCI_INDEX)
        with pytest.raises(RegistryError, match="exceeds the limit"):
            call(lambda c: c.put(call.repository, "tag", huge))
        assert call.registry.log == []
        call.registry.fault("GET", status=200, body=huge.body)
        with pytest.raises(RegistryError, match="exceeds 4194304 bytes"):
            call(lambda c: c.get(call.repository, "tag"))

    def test_a_reset_after_the_write_took_effect_is_success_without_another_put(
        self, call: Caller
    ) -> None:
        call.registry.fault("PUT", reset=True, after=True)
        call(lambda c: c.put(call.repository, "tag", INDEX))
        assert [line.split()[0] for line in call.registry.log] == ["PUT", "HEAD"]

    def test_a_reset_before_the_write_sends_the_same_bytes_again(self, call: Caller) -> None:
        call.registry.fault("PUT", reset=True)
        call(lambda c: c.put(call.repository, "tag", INDEX))
        assert [line.split()[0] for line in call.registry.log] == ["PUT", "HEAD", "PUT"]
        assert call.registry.repositories["team/app"].tags == {"tag": INDEX.digest}

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (202, DeleteOutcome.DONE),
            (404, DeleteOutcome.ABSENT),
            (400, DeleteOutcome.UNSUPPORTED),
            (405, DeleteOutcome.UNSUPPORTED),
        ],
    )
    def test_a_delete_tells_done_from_absent_and_unsupported(
        self, call: Caller, status: int, outcome: str
    ) -> None:
        call.registry.fault("DELETE", status=status)
        assert call(lambda c: c.delete(call.repository, "tag")) == outcome


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_a_passing_failure_is_tried_again(self, call: Caller, status: int) -> None:
        call.registry.fault("HEAD", status=status, times=2)
        assert call(lambda c: c.head(call.repository, "tag")) is None
        assert len(call.registry.log) == 3

    def test_retry_after_is_honoured(self, call: Caller) -> None:
        call.registry.fault("HEAD", status=429, headers={"Retry-After": "17"})
        call(lambda c: c.head(call.repository, "tag"))
        assert call.waits == [17.0]

    def test_a_wait_beyond_the_limit_fails_and_says_how_long(self, call: Caller) -> None:
        call.registry.fault("HEAD", status=429, headers={"Retry-After": "3600"})
        with pytest.raises(RegistryError, match="asks to wait 3600 s"):
            call(lambda c: c.head(call.repository, "tag"))

    def test_a_lasting_failure_ends_with_the_registry_s_words(self, call: Caller) -> None:
        call.registry.fault("GET", status=500, body=b"disk full", times=99)
        with pytest.raises(RegistryError, match=r"GET .*/manifests/tag.* 500: disk full"):
            call(lambda c: c.get(call.repository, "tag"))
        assert len(call.registry.log) == 5

    def test_a_refused_connection_names_place_and_remedy(self, call: Caller) -> None:
        nowhere = Repository(host="127.0.0.1:1", name="a")
        call.environment["FLEET_PLAIN_HTTP"] = "127.0.0.1:1"
        with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1/v2/a.*check that the server"):
            call(lambda c: c.head(nowhere, "tag"))

    @pytest.mark.parametrize("fault", ["stall", "drip"])
    def test_no_answer_outlasts_the_deadline(self, call: Caller, fault: str) -> None:
        call.deadline = 0.1
        call.registry.fault("GET", times=99, **{fault: True})
        with pytest.raises(DeadlineError, match=r"within 0\.1 s"):
            call(lambda c: c.get(call.repository, "tag"))


class TestTagLists:
    def test_all_pages_are_read(self, call: Caller) -> None:
        for number in range(7):
            call.registry.push_index("team/app", f"tag-{number}")
        call.registry.page = 3
        listed = call(lambda c: c.tags(call.repository))
        assert listed.tags == tuple(f"tag-{number}" for number in range(7))
        assert len(call.registry.log) == 3

    @pytest.mark.parametrize(("largest", "requests"), [(100, 2), (50, 3), (-1, 3)])
    def test_a_page_size_that_is_refused_is_only_a_wish(
        self, call: Caller, largest: int, requests: int
    ) -> None:
        for number in range(3):
            call.registry.push_index("team/app", f"tag-{number}")
        call.registry.largest_page = largest
        assert len(call(lambda c: c.tags(call.repository)).tags) == 3
        assert len(call.registry.log) == requests

    def test_the_pages_of_a_list_without_a_size_are_read_too(self, call: Caller) -> None:
        for number in range(7):
            call.registry.push_index("team/app", f"tag-{number}")
        call.registry.largest_page, call.registry.page = -1, 3
        assert len(call(lambda c: c.tags(call.repository)).tags) == 7

    def test_a_list_that_is_refused_in_any_size_is_an_error(self, call: Caller) -> None:
        call.registry.fault("/tags/list", status=400, body=b"no lists here", times=9)
        with pytest.raises(RegistryError, match="answered 400: no lists here"):
            call(lambda c: c.tags(call.repository))

    def test_an_emptied_repository_lists_null_and_is_known(self, call: Caller) -> None:
        call.registry.push_image("team/app", "linux/amd64")
        listed = call(lambda c: c.tags(call.repository))
        assert (listed.tags, listed.known) == ((), True)

    def test_an_unknown_repository_is_empty_and_flagged(self, call: Caller) -> None:
        listed = call(lambda c: c.tags(call.repository))
        assert (listed.tags, listed.known) == ((), False)

    @pytest.mark.parametrize(
        "body",
        [
            b'{"tags": ["a", ',
            b'{"tags": 3}',
            b'{"tags": [1]}',
            b'{"tags": ["a\\u001b[2Jb"]}',
            b'{"tags": ["a\\nb"]}',
            b'{"tags": ["' + b"a" * 129 + b'"]}',
            b'{"tags": {}}',
            b'{"tags": ""}',
            b"[]",
            b"{}",
            b'{"name": "team/app"}',
            b'{"errors": [{"code": "DENIED"}]}',
        ],
    )
    def test_a_truncated_or_malformed_list_is_refused(self, call: Caller, body: bytes) -> None:
        call.registry.fault("tags/list", status=200, body=body)
        with pytest.raises(RegistryError, match="tag list is"):
            call(lambda c: c.tags(call.repository))

    @pytest.mark.parametrize(
        ("link", "words"),
        [
            ("</v2/team/app/tags/list?n=1000>", "never end"),
            ("<https://elsewhere.example/v2/team/app/tags/list>", "on another host"),
        ],
    )
    def test_a_link_that_leads_astray_is_refused(self, call: Caller, link: str, words: str) -> None:
        headers = {"Link": f'{link}; rel="next"'}
        call.registry.fault("tags/list", status=200, body=b'{"tags":["a"]}', headers=headers)
        with pytest.raises(RegistryError, match=words):
            call(lambda c: c.tags(call.repository))


class TestBlobs:
    BODY = b"layer" * 100_000

    @pytest.fixture
    def blob(self, registry: FakeRegistry) -> Blob:
        digest = sha(self.BODY)
        registry.repositories["team/build"].blobs[digest] = self.BODY
        return Blob(digest=digest, size=len(self.BODY))

    def transfer(self, call: Caller, blob: Blob) -> None:
        source = Repository(host=call.registry.host, name="team/build")
        call(lambda c: c.transfer_blob(source, call.repository, blob))

    def test_a_blob_is_mounted_with_one_request(self, call: Caller, blob: Blob) -> None:
        self.transfer(call, blob)
        assert call.registry.log == ["POST /v2/team/app/blobs/uploads/"]
        assert blob.digest in call.registry.repositories["team/app"].blobs

    def test_a_blob_is_copied_where_the_registry_does_not_mount(
        self, call: Caller, blob: Blob
    ) -> None:
        call.registry.mount = False
        self.transfer(call, blob)
        assert call.registry.repositories["team/app"].blobs[blob.digest] == self.BODY

    def test_a_blob_that_is_already_there_is_not_copied(self, call: Caller, blob: Blob) -> None:
        call.registry.mount = False
        call.registry.repositories["team/app"].blobs[blob.digest] = self.BODY
        self.transfer(call, blob)
        assert not [line for line in call.registry.log if line.startswith("GET")]

    @pytest.mark.parametrize("challenges", [True, False])
    def test_a_large_blob_is_seen_where_there_is_neither_head_nor_range(
        self, call: Caller, challenges: bool
    ) -> None:
        body = b"layer" * 1_000_000
        call.registry.mount = False
        call.registry.head_status = 405 if challenges else 401
        for name in ("team/build", "team/app"):
            call.registry.repositories[name].blobs[sha(body)] = body
        self.transfer(call, Blob(digest=sha(body), size=len(body)))
        assert not [line for line in call.registry.log if line.startswith("PUT")]

    def test_a_copy_that_breaks_off_starts_again(self, call: Caller, blob: Blob) -> None:
        call.registry.mount = False
        call.registry.fault("PUT", reset=True)
        self.transfer(call, blob)
        assert call.registry.repositories["team/app"].blobs[blob.digest] == self.BODY

    def test_a_damaged_blob_is_not_stored(self, call: Caller, blob: Blob) -> None:
        call.registry.mount = False
        call.registry.fault("GET", status=200, body=b"other" * 100_000, times=9)
        with pytest.raises(RegistryError, match=r"arrived damaged|answered 400"):
            self.transfer(call, blob)
        assert call.registry.repositories["team/app"].blobs == {}

    def test_a_blob_that_the_source_lost_is_named(self, call: Caller, blob: Blob) -> None:
        del call.registry.repositories["team/build"].blobs[blob.digest]
        with pytest.raises(RegistryError, match=f"blob {blob.digest} is missing"):
            self.transfer(call, blob)

    def test_a_small_blob_is_written_once_and_read_checked(self, call: Caller) -> None:
        for _ in range(2):
            call(lambda c: c.write_blob(call.repository, b"{}"))
        assert len([line for line in call.registry.log if line.startswith("PUT")]) == 1
        blob = Blob(digest=sha(b"{}"), size=2)
        assert call(lambda c: c.read_blob(call.repository, blob)) == b"{}"
        call.registry.fault("GET", status=200, body=b"[]")
        with pytest.raises(RegistryError, match="do not have that digest"):
            call(lambda c: c.read_blob(call.repository, blob))

    @pytest.mark.parametrize(("after", "uploads"), [(True, 1), (False, 2)])
    def test_a_small_blob_whose_answer_is_lost_is_looked_for_before_it_is_sent_again(
        self, call: Caller, after: bool, uploads: int
    ) -> None:
        call.registry.fault("PUT", reset=True, after=after)
        call(lambda c: c.write_blob(call.repository, b"{}"))
        assert call.registry.repositories["team/app"].blobs == {sha(b"{}"): b"{}"}
        assert len([line for line in call.registry.log if line.startswith("PUT")]) == uploads
