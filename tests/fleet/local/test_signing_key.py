"""The key of a checkout, and the public half that its stacks are planned with."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fleet.checkout.planning import OWN_KEY
from fleet.evidence.keys import SigningKey
from fleet.local import signing_key
from tests.fleet.evidence.examples import P256
from tests.fleet.local.examples import checkout


def test_the_public_key_follows_a_private_one_that_was_replaced(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    signing_key.ensure(here)
    (here.signing / signing_key.PRIVATE).write_text(P256)
    signing_key.ensure(here)
    assert (here.root / OWN_KEY).read_text() == SigningKey.parse(P256, "").public.pem


def test_a_second_run_keeps_both_halves(tmp_path: Path) -> None:
    here = checkout(tmp_path)
    signing_key.ensure(here)
    files = (here.signing / signing_key.PRIVATE, here.root / OWN_KEY)
    before = [(file.read_text(), file.stat().st_mtime_ns) for file in files]
    signing_key.ensure(here)
    assert [(file.read_text(), file.stat().st_mtime_ns) for file in files] == before


def test_of_first_runs_at_once_one_makes_the_key(tmp_path: Path) -> None:
    here = checkout(tmp_path)

    def made(_: int) -> str:
        signing_key.ensure(here)
        return (here.signing / signing_key.PRIVATE).read_text()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(made, range(8)))) == 1
