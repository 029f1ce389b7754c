"""Random fault schedules without the engine, each from a seed of its own."""

import random
import re
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from fleet.console import TroubleError
from fleet.registry.errors import OciError
from fleet.upkeep.prune.prune import Found, Swept
from tests.engine.registries import Served
from tests.faults.chaos import (
    CALM_DEADLINE_SECONDS,
    DEADLINE_SECONDS,
    LISTING,
    NOT_FOUND,
    Chaos,
)
from tests.faults.driver import Driver
from tests.faults.model import Fleet, step
from tests.faults.proxy import Proxy, proxied
from tests.faults.sweeping import promised, sweep
from tests.faults.verdict import (
    judge,
    judge_gone,
    judge_leaving,
    judge_left,
    judge_midway,
    judge_undo,
)
from tests.providers.ociregistry.engine_fake import Engine
from tests.registries.front import fronting

STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Mode:
    """The way in which a registry removes names, and the declared policy for stale ones."""

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
    """The events of a schedule: its story in words, faults by kind, ups that failed, kills.

    `swept` are digests that went, `raging` the sweeps under faults, `stopped` those of them that
    failed or did not believe the registry.
    `undoable` counts the removals on record at its end; each digest of them was pulled. `left`
    tells how often the image left the declaration and came back.
    """

    seed: str
    story: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    ups: int = 0
    failed_ups: int = 0
    kills: int = 0
    checks: int = 0
    swept: int = 0
    raging: int = 0
    stopped: int = 0
    undoable: int = 0
    left: int = 0


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
        fleet = Fleet(registry=served, storage=registry, name=name, deletes=not mode.ghcr)
        fleet.seed()
        proxy = stack.enter_context(proxied(served, chaos))
        # Schedules lose single platforms, which only a refresh that asks for all finds that day.
        environment = {
            "DOCKER_CONFIG": str(folder),
            **(front.spoken_to_at(proxy.host) if front else {}),
            "FLEET_PLAIN_HTTP": proxy.host,
            "FLEET_VERIFY_CHILDREN": "all",
        }
        with Engine(environment, deadline=CALM_DEADLINE_SECONDS) as engine:
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
                self._calm_sweep()
            for _ in range(self.draw.choice((0, 1, 2))):
                self._disturbed_sweep()
            self._idle_up()
        if self.draw.random() < 0.5:
            self._leave_and_return()

    def _live(self) -> dict[str, str]:
        return self.fleet.view.tags()

    def _disturb(self, *rates: float) -> None:
        if self.draw.random() < 0.4:
            after = self.draw.random() < 0.5
            self.chaos.doom(self.draw.randrange(80), after_effect=after)
        else:
            self.chaos.rage(self.draw.choice(rates))

    def _mislead(self) -> None:
        """Have every tag list wrong in the same way, or a kept tag hidden that is listed."""
        if self.draw.random() < 0.7:
            self.chaos.mislead("/tags/list$", self.draw.choice(LISTING))
        else:
            hidden = re.escape(self.draw.choice(sorted(self.fleet.kept)))
            self.chaos.mislead(f"^(GET|HEAD) .*/manifests/{hidden}$", NOT_FOUND)

    def _disturbed_up(self) -> None:
        self._patience(DEADLINE_SECONDS)
        self._disturb(0.05, 0.2, 0.4)
        done = self.driver.up(self.fleet)
        self.outcome.ups += 1
        self.outcome.failed_ups += bool(done.failures)
        self.outcome.story += [f"failed: {text}" for text in done.failures.values()]
        if self.chaos.killed:
            self.outcome.kills += 1
            self.outcome.story.append(f"killed at request {self.chaos.kill_at}")
        self.chaos.calm()
        self._patience(CALM_DEADLINE_SECONDS)

    def _patience(self, seconds: float) -> None:
        """Start a new provider process that waits so long for an answer."""
        self.driver.engine.restart(deadline=seconds)

    def _calm_up(self) -> None:
        before = self._live()
        done = self.driver.up(self.fleet)
        self.outcome.ups += 1
        assert not done.failures, f"a rerun without faults failed: {done.failures}"
        self.fleet.published()
        self._judge()
        judge_gone(self.fleet, before, self._removed())
        self.outcome.checks += 1
        self.driver.engine.restart()

    def _disturbed_sweep(self) -> None:
        """Sweep under faults: it may fail or stop, and has to cost nothing that is kept."""
        before = promised(self.driver.engine, self.fleet)
        if self.draw.random() < 0.5:
            self._mislead()
        else:
            # At a higher rate hardly a look at all names comes to its end.
            self._disturb(0.02, 0.05, 0.1)
        self.outcome.raging += 1
        try:
            found, swept = self._swept(DEADLINE_SECONDS)
        except (OciError, TroubleError) as error:
            self.outcome.stopped += 1
            self.outcome.story.append(f"a sweep under faults failed: {error}")
        else:
            self.outcome.stopped += bool(found.doubts)
            self._tell(swept, f"under faults, doubts {sorted(found.doubts.values())}")
        self.chaos.calm()
        self._judge_sweep(before)

    def _calm_sweep(self) -> None:
        """Sweep twice, for the first time only notes the names."""
        before = promised(self.driver.engine, self.fleet)
        for _ in range(2):
            found, swept = self._swept(CALM_DEADLINE_SECONDS)
            assert found.doubts == {}, f"a sweep without faults doubts: {found.doubts}"
            self._tell(swept, "without faults")
            self._judge_sweep(before)

    def _swept(self, seconds: float) -> tuple[Found, Swept]:
        return sweep(self.driver.engine, self.proxy.host, self.fleet, self.environment, seconds)

    def _tell(self, swept: Swept, how: str) -> None:
        self.outcome.swept += len(swept.gone)
        kept = sorted(swept.kept.items())
        self.outcome.story.append(f"swept {len(swept.gone)} {how}, kept {kept}")

    def _judge_sweep(self, before: dict[str, dict[str, str]]) -> None:
        self._judge()
        after = promised(self.driver.engine, self.fleet)
        lost = sorted(
            reference for reference in before if after.get(reference) != before[reference]
        )
        assert not lost, f"a sweep took or altered {lost}"
        self.fleet.swept()

    def _judge(self) -> None:
        judge(self.fleet, removes="remove" in self.mode.policy.values())
        removed = self._removed()
        judge_undo(self.fleet, removed)
        self.outcome.undoable = len(removed)

    def _removed(self) -> list[dict[str, str]]:
        record: list[dict[str, str]] = self.driver.engine.resources["stale"].outputs["removed"]
        return record

    def _leave_and_return(self) -> None:
        """Let the image leave the declaration, disturbed at first, and declare it again."""
        forgotten = False
        for disturbed in (*(True for _ in range(self.draw.randint(0, 2))), False):
            self._patience(DEADLINE_SECONDS if disturbed else CALM_DEADLINE_SECONDS)
            before, warned = self._live(), len(self.driver.engine.warnings)
            if disturbed:
                self._disturb(0.05, 0.2, 0.4)
            done = self.driver.leave()
            self.chaos.calm()
            self.outcome.story += [f"left: {text}" for text in done.failures.values()]
            assert disturbed or not done.failures, f"an image could not leave: {done.failures}"
            # A registry on loopback that can't be reached is not asked again, with a warning.
            said = self.driver.engine.warnings[warned:]
            forgotten = forgotten or any("is forgotten without removing" in text for text in said)
            judge_leaving(self.fleet, before, self._live())
        self._patience(CALM_DEADLINE_SECONDS)
        self.outcome.story.append(f"the image left the declaration, {forgotten=}")
        if not forgotten:
            judge_left(self.fleet)
        self.outcome.left += 1
        self._calm_up()
        self._idle_up()

    def _idle_up(self) -> None:
        before = len(self.proxy.writes)
        done = self.driver.up(self.fleet)
        self.outcome.ups += 1
        assert not done.failures, f"an idle up failed: {done.failures}"
        assert not done.work, f"an idle up worked on {sorted(done.work)}"
        assert len(self.proxy.writes) == before, f"an idle up wrote: {self.proxy.writes[before:]}"
