"""A lock that is made from an index on this machine, with uv itself and without TLS."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleet.declaration.parse import parse
from fleet.lock.model import Lock
from fleet.lock.serialization import parse as parse_lock
from fleet.lock.serialization import values_of
from fleet.releases import internet
from fleet.releases.lock.locking import completed
from fleet.releases.pypi.fetch import open_client
from fleet.releases.sources import Refresh
from tests.fleet.examples import config, gaps, image
from tests.fleet.releases.outside import LONG_AGO, Outside
from tests.fleet.releases.simple import serving


def test_files_are_locked_by_the_addresses_of_that_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with serving() as index, open_client() as client:
        for name in ("served", "wanted", "installer"):
            index.wheel(name, "1.0.0", *(["wanted"] if name == "served" else []))
        web = image(package="served", requires=[], versions=["1.0.0"])
        declared = parse(config(index=index.url, images={"web": web}))
        sources = internet.of_the_internet(
            client, declared, root=tmp_path, stand_ins={}, builders={}, notes=[], now=LONG_AGO
        )
        sources = replace(sources, platforms=Outside().base)
        made = completed(Lock(), declared, sources, Refresh())
        files = index.url.removesuffix("/simple") + "/files"
    assert made.pins[("web", "3.11", "1.0.0")] == ("served==1.0.0", "wanted==1.0.0")
    assert [address.partition("#")[0] for (address,) in made.files.values()] == [
        f"{files}/{name}/{name}-1.0.0-py3-none-any.whl"
        for name in ("installer", "served", "wanted")
    ]
    assert gaps(declared, made) == []
    assert parse_lock(values_of(made), "lock.yaml", "dev") == made
