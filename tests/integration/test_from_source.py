"""What has no wheel: its backend is asked in a builder, and its requirements are in the lock."""

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.fleet.releases.simple import Simple, serving
from tests.integration.workshop import Workshop

STACK = "sources"
LONE, ODD = "python-uvicorn", "python-odd"
SECRET = "hunter2-of-the-caller"
# It requires `dep` where it sees nothing, and fails with what it saw else.
BACKEND = """\
import glob, os, pathlib, socket

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    seen = [name for _, name in socket.if_nameindex() if name != "lo"]
    for host, port in (("localhost", {port}), ("pypi.org", 443), ("1.1.1.1", 443)):
        try:
            socket.create_connection((host, port), timeout=3)
            seen.append(f"{host}:{port}")
        except OSError:
            pass
    places = ["/proc/*/environ", "/proc/*/cmdline", "/in/*", "/run/**", "/root/**", "/tmp/**"]
    for path in (path for place in places for path in glob.glob(place, recursive=True)):
        try:
            if b"{secret}" in pathlib.Path(path).read_bytes():
                seen.append(path)
        except OSError:
            pass
    usual = {"HOME", "LANG", "PATH", "PYTHONHASHSEED", "TMPDIR"}
    pips = ("PIP_", "_PIP_", "_PYPROJECT_", "PEP517_")
    seen += [each for each in os.environ if each not in usual and not each.startswith(pips)]
    if seen:
        raise SystemExit(f"seen: {seen}")
    info = pathlib.Path(folder, "odd-1.0.0.dist-info")
    info.mkdir()
    head = "Metadata-Version: 2.1\\nName: odd\\nVersion: 1.0.0\\nRequires-Dist: dep>=2\\n"
    (info / "METADATA").write_text(head)
    return info.name
"""


@pytest.fixture(scope="module")
def sources(workshop: Workshop) -> Workshop:
    """The checkout, prepared: its authority and its builder are there."""
    workshop.copy_assets(ODD)
    workshop.prepare()
    return workshop


@pytest.fixture
def index(sources: Workshop) -> Iterator[Simple]:
    """An index that this checkout's clients trust."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours = sources.root / ".fleet" / "tls"
    tls.load_cert_chain(ours / "server.pem", ours / "server.key")
    with serving(tls) as made:
        yield made


def declare(workshop: Workshop, name: str, image: Mapping[str, object], **values: object) -> None:
    common = {"pythons": ["3.13"], "bases": ["slim"], "platforms": ["linux/amd64"]}
    none: dict[str, object] = {"requires": [], "extras": []}
    workshop.declare_stack(STACK, {name: {**common, **none, **image}}, **values)


def lock_of(workshop: Workshop) -> Path:
    return workshop.root / ".fleet" / "locks" / f"{STACK}.yaml"


def pins(workshop: Workshop) -> list[str]:
    lock = yaml.safe_load(lock_of(workshop).read_text())
    (pythons,) = lock["requirements"].values()
    return sorted(pin for (versions,) in [p.values() for p in pythons.values()] for pin in versions)


def test_a_backend_finds_no_secret_and_no_network_and_what_it_requires_is_locked(
    sources: Workshop, index: Simple, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FLEET_SECRET", "FLEET_REGISTRY_PASSWORD", "https_proxy_password", "UV_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    port = index.url.partition("localhost:")[2].partition("/")[0]
    backend = BACKEND.replace("{port}", port, 1).replace("{secret}", SECRET)
    index.sdist("odd", "1.0.0", backend=backend)
    index.wheel("dep", "1.0")
    index.wheel("dep", "2.0")
    index.wheel("installer", "1.0.0")
    image = {"package": "odd", "versions": ["1.0.0"]}
    declare(sources, ODD, image, index=index.url)
    refused = sources.make("-s", "lock", f"STACK={STACK}", code=None)
    assert f"write `from-source: [odd]` in fleet:images.{ODD}" in refused.printed
    declare(sources, ODD, {**image, "from-source": ["odd"]}, index=index.url)
    locked = sources.make("-s", "lock", f"STACK={STACK}")
    assert "asking odd-1.0.0.tar.gz in a builder what it requires on Python 3.13" in locked.printed
    assert pins(sources) == ["dep==2.0", "odd==1.0.0"]
    again = sources.make("-s", "lock", f"STACK={STACK}")
    assert "asking" not in again.printed, "the lock holds what was found out"
    # What follows takes what installs wheels from where it is offered to all.
    lock_of(sources).unlink()


def test_what_is_only_known_to_its_setup_is_locked_compiled_and_verified(
    sources: Workshop,
) -> None:
    # All that was ever released of it is a source distribution with a setup.py.
    image = {"versions": ["0.34.0"], "requires": ["sgmllib3k"], "from-source": ["sgmllib3k"]}
    declare(sources, LONE, image)
    sources.up(stack=STACK)
    (row,) = sources.output("tags")
    assert row["verified"] == "1/1: amd64 whole"
    assert any(pin.startswith("sgmllib3k==") for pin in pins(sources))
