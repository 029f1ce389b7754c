"""Random fault schedules without the engine, each from a seed of its own."""

import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.reading import Reading
from tests.engine.registries import Served
from tests.faults.chaos import Chaos
from tests.faults.driver import Driver
from tests.faults.model import Fleet, step
from tests.faults.proxy import Proxy, proxied
from tests.faults.sweeping import sweep
from tests.faults.verdict import judge, judge_midway
from tests.providers.engine_fake import Engine
from tests.registries.front import fronting

DEADLINE_SECONDS = 0.5
STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Mode:
    """How a registry removes names, and what is declared to be done with stale ones."""

    deletes_tags: bool
    policy: dict[str, str]
    ghcr: bool = False


MODES = (
    Mode(deletes_tags=True, policy={"LATEST": "remove", "X.Y": "remove"}),
    Mode(deletes_tags=False, policy={"LATEST": "remove", "X.Y": "remove"}),
    Mode(deletes_tags=True, policy={"LATEST": "keep", "X.Y": "keep"}),
    Mode(deletes_tags=True, policy={"LATEST": "remove", "X.Y": "remove"}, ghcr=True),
)


@dataclass
class Outcome:
    """What a schedule met: its story in words, faults by kind, ups that failed, kills."""

    seed: str
    story: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    ups: int = 0
    failed_ups: int = 0
    kills: int = 0
    checks: int = 0
    swept: int = 0


def run_schedule(registry: Served, seed: str, folder: Path) -> Outcome:
    """Run one schedule in a repository of its own; check after each step.

    :raises AssertionError: with the seed and the story, if a rerun does not converge or anything
        kept is missing.
    """
    outcome = Outcome(seed=seed)
    draw = random.Random(seed)  # noqa: S311 - replayable
    mode = draw.choice(MODES)
    chaos = Chaos(seed, deletes_tags=mode.deletes_tags)
    with ExitStack() as stack:
        front = stack.enter_context(fronting(registry.host, ghcr=True)) if mode.ghcr else None
        served = front or registry
        name = f"campaign/s{seed.replace('/', '-')}"
        fleet = Fleet(registry=served, name=name, deletes=not mode.ghcr)
        fleet.seed()
        proxy = stack.enter_context(proxied(served, chaos))
        # Schedules lose single platforms, which only a refresh that asks for all finds that day.
        environment = {
            **(front.spoken_to_at(proxy.host) if front else {}),
            "FLEET_PLAIN_HTTP": proxy.host,
            "FLEET_VERIFY_CHILDREN": "all",
            "DOCKER_CONFIG": str(folder),
        }
        with Engine(environment, deadline=DEADLINE_SECONDS) as engine:
            schedule = _Schedule(
                fleet=fleet, chaos=chaos, proxy=proxy, mode=mode, outcome=outcome, draw=draw,
                driver=Driver(engine, proxy.host, mode.policy), environment=environment,
            )  # fmt: skip
            try:
                schedule.run()
            except AssertionError as error:
                story = "\n  ".join(outcome.story)
                raise AssertionError(f"seed {seed}: {error}\n  {story}") from error
        outcome.faults = Counter(str(fault) for _, fault in proxy.injected)
        violations = front.github.violations if front and front.github else []
        assert violations == [], f"seed {seed}: {violations}"
    return outcome


@dataclass(frozen=True, kw_only=True)
class _Schedule:
    fleet: Fleet
    chaos: Chaos
    proxy: Proxy
    driver: Driver
    environment: dict[str, str]
    mode: Mode
    outcome: Outcome
    draw: random.Random

    def run(self) -> None:
        for number in range(STEPS):
            if number:
                self.outcome.story.append(step(self.fleet, self.draw))
            for _ in range(self.draw.randint(1, 2)):
                before = self._live()
                self._disturbed_up()
                judge_midway(self.fleet, before, self._live())
            self._calm_up()
            if self.draw.random() < 0.5:
                self._sweep()
            self._idle_up()

    def _live(self) -> dict[str, str]:
        return Reading(self.fleet.registry, self.fleet.name).tags()

    def _disturbed_up(self) -> None:
        if self.draw.random() < 0.4:
            after = self.draw.random() < 0.5
            self.chaos.doom(self.draw.randrange(80), after_effect=after)
        else:
            self.chaos.rage(self.draw.choice((0.05, 0.2, 0.4)))
        done = self.driver.up(self.fleet)
        self.outcome.ups += 1
        self.outcome.failed_ups += bool(done.failures)
        self.outcome.story += [f"failed: {text}" for text in done.failures.values()]
        if self.chaos.killed:
            self.outcome.kills += 1
            self.outcome.story.append(f"killed at request {self.chaos.kill_at}")
        self.driver.engine.restart()
        self.chaos.calm()

    def _calm_up(self) -> None:
        done = self.driver.up(self.fleet)
        self.outcome.ups += 1
        assert not done.failures, f"a rerun without faults failed: {done.failures}"
        self.fleet.published()
        judge(self.fleet, removes="remove" in self.mode.policy.values())
        self.outcome.checks += 1
        self.driver.engine.restart()

    def _sweep(self) -> None:
        swept = sweep(self.driver.engine, self.proxy.host, self.fleet, self.environment)
        self.outcome.swept += len(swept.gone)
        self.outcome.story.append(f"swept {len(swept.gone)}, kept {sorted(swept.kept.items())}")
        judge(self.fleet, removes="remove" in self.mode.policy.values())
        self.fleet.swept()

    def _idle_up(self) -> None:
        before = len(self.proxy.writes)
        done = self.driver.up(self.fleet)
        self.outcome.ups += 1
        assert not done.failures, f"an idle up failed: {done.failures}"
        assert not done.work, f"an idle up worked on {sorted(done.work)}"
        assert len(self.proxy.writes) == before, f"an idle up wrote: {self.proxy.writes[before:]}"
