"""A build step shares this machine's network: it reaches the registry and changes nothing there."""

import gzip
import json
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.integration.registry_view import INDEX, RegistryView
from tests.integration.workshop import IMAGE, Workshop

STACK = "login"
TAG = "py3.13-slim-0.34.0"

# Ends well only where every request was answered 401: a registry out of reach would prove nothing.
STEP = """RUN python3 - <<'SCRIPT'
import ssl, urllib.error, urllib.request
context = ssl._create_unverified_context()
for method, path in (
    ("GET", ""),
    ("GET", "{repository}/manifests/{tag}"),
    ("PUT", "{repository}/manifests/{tag}"),
    ("PUT", "{repository}/manifests/foreign"),
    ("POST", "{repository}/blobs/uploads/"),
    ("DELETE", "{repository}/manifests/{tag}"),
    ("DELETE", "{repository}/manifests/{digest}"),
):
    body = b"{{}}" if method in ("PUT", "POST") else None
    headers = {{"Content-Type": "{index}"}}
    url = "https://{host}/v2/" + path
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        urllib.request.urlopen(request, context=context, timeout=20)
    except urllib.error.HTTPError as error:
        assert error.code == 401, (method, url, error.code)
    else:
        raise SystemExit(f"{{method}} {{url}} was let in")
SCRIPT
EXPOSE 80"""


@pytest.fixture(scope="module")
def view(workshop: Workshop) -> Iterator[RegistryView]:
    """The repository of a small stack, brought up once."""
    registry = workshop.declare_stack(
        STACK,
        {
            IMAGE: {
                "pythons": ["3.13"],
                "bases": ["slim"],
                "versions": ["0.34.0"],
                "platforms": ["linux/amd64"],
            }
        },
    )
    with workshop.verified_in_short(IMAGE), closing(workshop.view(IMAGE, registry)) as found:
        workshop.up(stack=STACK)
        yield found


def test_a_build_step_can_neither_write_nor_delete_nor_read(
    workshop: Workshop, view: RegistryView
) -> None:
    before = view.tags()
    host, _, repository = view.reference.partition("/")
    step = STEP.format(host=host, repository=repository, tag=TAG, digest=before[TAG], index=INDEX)
    with workshop.own_dockerfile(IMAGE, "image", "EXPOSE 80", step):
        built = workshop.up(stack=STACK)
    assert built.builds(), "the step ran"
    after = view.tags()
    assert set(after) == set(before), "no tag came or went but by the program"
    assert "foreign" not in after


def test_the_login_is_in_no_image_and_no_state(workshop: Workshop, view: RegistryView) -> None:
    ours = workshop.root / ".fleet"
    password = (ours / "auth" / "password").read_text()
    entry = json.loads((ours / "docker" / "config.json").read_text())["auths"]
    needles = [password.encode(), *(value["auth"].encode() for value in entry.values())]
    for image in view.pull(TAG):
        texts = [json.dumps(image.config).encode(), *map(gzip.decompress, image.layers)]
        assert not any(needle in text for needle in needles for text in texts)
    files = [
        path for folder in ("state", "log") for path in (ours / folder).rglob("*") if path.is_file()
    ]
    assert files
    assert [p for p in files if any(needle in p.read_bytes() for needle in needles)] == []


def test_without_the_login_nobody_reads_and_with_it_a_docker_client_does(
    workshop: Workshop, view: RegistryView
) -> None:
    host = view.reference.partition("/")[0]
    context = ssl.create_default_context(cafile=str(workshop.root / ".fleet/tls/server.pem"))
    answer = httpx.get(f"https://{host}/v2/", verify=context)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert view.tags()


def test_buildkit_leaves_its_folders_in_the_checkout_and_down_removes_them(
    workshop: Workshop, view: RegistryView
) -> None:
    assert view.tags()
    ours = workshop.root / ".fleet"
    assert ours.stat().st_mode & 0o777 == 0o700
    pid = json.loads((ours / "run" / "buildkitd.pid").read_text())["pid"]
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    tmp = Path(dict(entry.split("=", 1) for entry in entries if entry)["TMPDIR"])
    assert tmp.is_relative_to(ours)
    assert tmp.is_dir()
    workshop.make("down")
    assert not tmp.exists()
    workshop.up(stack=STACK)
    assert view.tags()
