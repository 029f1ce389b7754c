"""`make prune` where a repository shows something that can't be believed."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.local.paths import checkout
from fleet.registry.reference import Repository
from fleet.upkeep import commands as command
from fleet.upkeep import removers
from fleet.upkeep.images import Image
from fleet.upkeep.prune import prune
from fleet.upkeep.prune.ledger import Ledger

WEB = Repository(host="ghcr.io", name="team/web")


@pytest.mark.parametrize("doubts", [{}, {WEB: "its list is empty"}])
def test_no_remover_is_forgotten_where_anything_is_in_doubt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, doubts: dict[Repository, str]
) -> None:
    image = Image(public=WEB, planned=frozenset())
    asked: list[Any] = []

    @asynccontextmanager
    async def opened(_logins: object) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(registry=None, versions_of=lambda _host: None)

    async def look(_self: object, _image: Image) -> prune.Found:
        return prune.Found(image=image, unreferenced=(), ledger=Ledger(), doubts=doubts)

    async def forget(*arguments: object, **_named: object) -> tuple[str, ...]:
        asked.append(arguments)
        return ()

    monkeypatch.setattr(command, "opened", opened)
    monkeypatch.setattr(command, "_images", lambda *_: (image,))
    monkeypatch.setattr(prune.Pruner, "look", look)
    monkeypatch.setattr(removers, "forget", forget)
    chosen: Any = argparse.Namespace(stack="dev", apply=False, max_share=0.5)
    plan: Any = SimpleNamespace(logins={}, owner="fleet/dev")
    status = asyncio.run(command._pruned(checkout(tmp_path), chosen, plan, 30))
    assert (status, len(asked)) == ((1, 0) if doubts else (0, 1))
