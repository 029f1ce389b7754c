"""Bytes are counted by what the registry logged and what it stored."""

from pathlib import Path

from benchmarks.traffic import Storage, Upload, uploads

ONE, TWO, THREE = ("sha256:" + letter * 64 for letter in "abc")


def line(method: str, path: str, status: int) -> str:
    stamp = "23/Nov/2026:18:00:00 +0000"
    return f'127.0.0.1 - - [{stamp}] "{method} {path} HTTP/1.1" {status} 0 "" "buildkit/v0.31"\n'


def put(repository: str, digest: str, status: int = 201, *, quoted: bool = True) -> str:
    query = f"_state=x%3D%3D&digest={digest.replace(':', '%3A') if quoted else digest}"
    return line("PUT", f"/v2/{repository}/blobs/uploads/0b-1?{query}", status)


class TestUploads:
    def test_every_blob_that_was_sent_whole_is_one(self) -> None:
        log = put("team/web/build", ONE) + "time=now level=warning\n" + put("a", TWO, quoted=False)
        assert uploads(log) == [
            Upload(repository="team/web/build", digest=ONE),
            Upload(repository="a", digest=TWO),
        ]

    def test_what_was_refused_mounted_asked_for_or_no_blob_is_none(self) -> None:
        mount = f"/v2/a/blobs/uploads/?from=b&mount={ONE}"
        log = put("a", ONE, 400) + line("POST", mount, 201) + line("HEAD", f"/v2/a/{ONE}", 200)
        assert uploads(log + line("PUT", f"/v2/a/manifests/{ONE}", 201)) == []


def store(root: Path, digest: str, size: int, link: str) -> None:
    name = digest.removeprefix("sha256:")
    folder = root / "docker/registry/v2"
    (folder / "repositories" / link / name).mkdir(parents=True)
    data = folder / "blobs/sha256" / name[:2] / name / "data"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_bytes(b"x" * size)


class TestStorage:
    def test_it_counts_blobs_and_manifests_of_one_namespace(self, tmp_path: Path) -> None:
        store(tmp_path, ONE, 5, "team/web/build/_layers/sha256")
        store(tmp_path, TWO, 3, "team/web/_manifests/revisions/sha256")
        store(tmp_path, THREE, 9, "other/web/_layers/sha256")
        storage = Storage(tmp_path)
        assert storage.held("team") == {ONE, TWO}
        assert storage.size(storage.held("team")) == 8

    def test_a_forgotten_namespace_holds_nothing(self, tmp_path: Path) -> None:
        store(tmp_path, ONE, 5, "team/web/_layers/sha256")
        storage = Storage(tmp_path)
        storage.forget("team")
        assert storage.held("team") == set()

    def test_what_was_sent_twice_counts_twice_and_what_is_left_out_never(
        self, tmp_path: Path
    ) -> None:
        store(tmp_path, ONE, 5, "team/web/_layers/sha256")
        store(tmp_path, TWO, 3, "team/web/_layers/sha256")
        sent = [Upload(repository="team/web", digest=digest) for digest in (ONE, ONE, TWO)]
        assert Storage(tmp_path).sent(sent, {TWO}) == 10
