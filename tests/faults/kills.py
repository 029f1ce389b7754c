"""Fault schedules with the real engine: kill -9 at a random request or moment, then a rerun."""

import random
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.engine.registries import Served
from tests.engine.stack import Declared, EngineStack, kill_session
from tests.faults.campaign import MODES, Mode, Outcome
from tests.faults.chaos import Chaos
from tests.faults.model import GRAMMAR, PLATFORMS, Fleet, step
from tests.faults.proxy import Proxy, proxied
from tests.faults.verdict import judge, judge_signed, judge_undo
from tests.fleet.evidence.examples import P256, key
from tests.registries.front import fronting

# An undisturbed up takes some seconds; later than this it has ended, or will never end.
_LATEST_SECONDS = 8.0
_LIMIT_SECONDS = 120.0
# The evidence of the first version tags takes about as many, and what is named is in the middle.
_REQUESTS = 150


def run_kills(registry: Served, seed: str, folder: Path, *, kills: int = 3) -> Outcome:
    """Kill `kills` ups of one stack in a repository of its own; check after each rerun.

    :raises AssertionError: with the seed and the story, if a rerun does not converge or anything
        kept is missing.
    """
    outcome = Outcome(seed=seed)
    draw = random.Random(seed)  # noqa: S311 - replayable
    mode = draw.choice(MODES)
    chaos = Chaos(seed, deletes_tags=mode.deletes_tags)
    with ExitStack() as opened:
        front = opened.enter_context(fronting(registry.host, ghcr=True)) if mode.ghcr else None
        served = front or registry
        name = f"kills/s{seed.replace('/', '-')}"
        fleet = Fleet(registry=served, storage=registry, name=name, deletes=not mode.ghcr)
        fleet.seed()
        proxy = opened.enter_context(proxied(served, chaos))
        # A step may lose a single platform, which only a refresh that asks for all finds that day.
        environment = {
            **(front.spoken_to_at(proxy.host) if front else {}),
            "FLEET_PLAIN_HTTP": proxy.host,
            "FLEET_VERIFY_CHILDREN": "all",
            "FLEET_SIGNING_KEY": P256,
        }
        stack = EngineStack(folder / fleet.name, environment)
        victim = _Victim(fleet, chaos, proxy, stack, mode)
        try:
            for number in range(kills):
                if number:
                    outcome.story.append(step(fleet, draw))
                words, hit = victim.killed_up(draw)
                outcome.story.append(words)
                outcome.kills += hit
                outcome.undoable = victim.rerun()
                outcome.checks += 1
                outcome.ups += 3
        except AssertionError as error:
            story = "\n  ".join(outcome.story)
            raise AssertionError(f"seed {seed}: {error}\n  {story}") from error
        violations = front.github.violations if front and front.github else []
        assert violations == [], f"seed {seed}: {violations}"
    return outcome


class _Victim:
    def __init__(
        self, fleet: Fleet, chaos: Chaos, proxy: Proxy, stack: EngineStack, mode: Mode
    ) -> None:
        self._fleet = fleet
        self._chaos = chaos
        self._proxy = proxy
        self._stack = stack
        self._mode = mode

    def killed_up(self, draw: random.Random) -> tuple[str, bool]:
        """Start an up and kill it with its plugins; return when, and whether it still ran."""
        self._declare()
        if draw.random() < 0.7:
            number, after = draw.randrange(_REQUESTS), draw.random() < 0.5
            self._chaos.doom(number, after_effect=after)
            limit, words = _LIMIT_SECONDS, f"kill at request {number} ({after=})"
        else:
            limit = draw.uniform(0.2, _LATEST_SECONDS)
            words = f"kill after {limit:.2f} s"
        started = self._stack.start("up", "--yes", "--skip-preview", log=False)
        ended = self._wait(started, limit)
        kill_session(started)
        judge_signed(self._fleet)
        return f"{words}{', which came after the end' if ended else ''}", not ended

    def rerun(self) -> int:
        """Take the lock away, run again undisturbed, and let the registry be judged.

        Return how many removals are on record.
        """
        self._chaos.calm()
        self._stack.cancel()
        self._stack.up()
        self._fleet.published()
        judge(self._fleet, removes="remove" in self._mode.policy.values())
        judge_signed(self._fleet)
        written = len(self._proxy.writes)
        idle = self._stack.up()
        assert idle.steps == (), f"an idle up worked on {idle.steps}"
        assert len(self._proxy.writes) == written, "an idle up wrote"
        remover = f"{self._proxy.host}/{self._fleet.name}"
        removed = self._stack.resources()[remover]["outputs"]["removed"]
        judge_undo(self._fleet, removed)
        return len(removed)

    def _wait(self, started: "subprocess.Popen[str]", limit: float) -> bool:
        """Return whether the run ended by itself before its moment came."""
        waited = 0.0
        while waited < limit and started.poll() is None:
            if self._chaos.struck.wait(0.02):
                return False
            waited += 0.02
        return started.poll() is not None

    def _declare(self) -> None:
        fleet = self._fleet
        self._stack.declare(
            Declared(
                repository=f"{self._proxy.host}/{fleet.name}",
                build=f"{self._proxy.host}/{fleet.build}",
                tags=fleet.indexes,
                platforms=PLATFORMS,
                pointers=fleet.pointers,
                policy=self._mode.policy,
                grammar=GRAMMAR,
                keys=(key(P256).public.spki,),
            )
        )
