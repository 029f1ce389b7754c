"""Schedules side by side, each in a process of its own, against one registry."""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.engine.registries import Distribution, Served
from tests.faults.campaign import Outcome
from tests.registries.front import Storage

Run = Callable[[Served, str, Path], Outcome]


def outcomes(planned: Iterable[tuple[Run, str]], workers: int) -> Iterator[Outcome | str]:
    """Yield each outcome as it comes, or the words of a finding, of runs with their seeds."""
    fresh = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        Distribution(Path(folder, "registry")) as registry,
        ProcessPoolExecutor(workers, mp_context=fresh) as pool,
    ):
        # A process that runs can't be handed over, but where it listens can.
        place = Storage(host=registry.host)
        waiting = [pool.submit(_judged, run, place, seed, Path(folder)) for run, seed in planned]
        for done in as_completed(waiting):
            yield done.result()


def _judged(run: Run, registry: Served, seed: str, folder: Path) -> Outcome | str:
    try:
        return run(registry, seed, folder)
    except AssertionError as error:
        return str(error)
