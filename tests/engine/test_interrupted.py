"""Interrupted runs, by Ctrl-C or a closed terminal, end in order: no lock, no placeholder."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.gate import Gate
from tests.engine.registries import Distribution
from tests.engine.stack import TIMEOUT_SECONDS, kill_session, members
from tests.engine.test_crashes import STRAY, Scene, scene
from tests.engine.tools import ROOT, engine_folder
from tests.faults.proxy import Fault

pytestmark = pytest.mark.integration

TAG_DELETE = rf"DELETE .*/manifests/{STRAY}$"
PLACEHOLDER_PUT = rf"PUT .*/manifests/{STRAY}$"
NOT_SUPPORTED = Fault(kind="status", status=405)
WAIT = Fault(kind="status", status=429, retry_after="60")
# Less than the wait that the registry asks for, and than the deadline of a request.
SOON = 20.0
UP = ("up", "--yes", "--skip-preview")


class Refusing(Gate):
    """Holds a step of a removal, and answers the deletion of the tag with a fault."""

    def __init__(self, pattern: str, fault: Fault) -> None:
        super().__init__(pattern)
        self._fault = fault
        self.refusing = True

    def __call__(self, line: str) -> Fault | None:
        super().__call__(line)
        return self._fault if self.refusing and re.search(TAG_DELETE, line) else None


def by_placeholder() -> Refusing:
    """Hold the placeholder's write, on a registry that deletes no tags."""
    return Refusing(PLACEHOLDER_PUT, NOT_SUPPORTED)


def waiting() -> Refusing:
    """Have the deletion of the tag wait for a minute."""
    made = Refusing(TAG_DELETE, WAIT)
    made.open.set()
    return made


@dataclass
class Interruption:
    """A removal that is at a step, with the name on record."""

    here: Scene
    gate: Refusing
    stray: str

    def ends_in_order(self, started: "subprocess.Popen[str]", begun: float) -> str:
        """Check how a run ended, and that the next one needs no `pulumi cancel`."""
        printed, _ = started.communicate(timeout=TIMEOUT_SECONDS)
        while members(started.pid) and time.monotonic() - begun < SOON:
            time.sleep(0.05)
        assert time.monotonic() - begun < SOON, printed
        assert started.returncode != 0, printed
        assert self.here.view.tags()[STRAY] == self.stray, printed
        assert self.here.view.undo()[STRAY] == self.stray
        self.gate.open.set()
        self.gate.refusing = False
        assert not list((self.here.stack.root / "state" / ".pulumi" / "locks").rglob("*.json"))
        self.here.stack.up()
        self.here.as_declared()
        return printed


@pytest.fixture(params=[by_placeholder, waiting], ids=["placeholder", "wait"])
def interruption(
    request: pytest.FixtureRequest, distribution: Distribution, tmp_path: Path
) -> Iterator[Interruption]:
    gate = request.param()
    with scene(tmp_path, distribution, gate) as here:
        stray = here.view.tags()[STRAY]
        yield Interruption(here=here, gate=gate, stray=stray)


def test_an_interrupt_puts_back_or_ends_what_was_begun(interruption: Interruption) -> None:
    started = interruption.here.stack.start(*UP, log=False)
    assert interruption.gate.reached.wait(60)
    begun = time.monotonic()
    os.killpg(started.pid, signal.SIGINT)
    threading.Timer(1, interruption.gate.open.set).start()
    printed = interruption.ends_in_order(started, begun)
    assert "The run was interrupted" in printed


def make_up(here: Scene) -> list[str]:
    """Return `make` with a rule that runs the engine as `make up` does."""
    command = [str(engine_folder() / "pulumi"), *UP]
    script = here.stack.root / "up.py"
    script.write_text(
        "import dataclasses, os, pathlib, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from fleet.local import engine\n"
        "from fleet.local.paths import checkout\n"
        "here = dataclasses.replace(checkout(), root=pathlib.Path.cwd())\n"
        f"sys.exit(engine.run(here, {command!r}, os.environ))\n"
    )
    makefile = here.stack.root / "Makefile"
    makefile.write_text(f"up:\n\t@{sys.executable} up.py\n")
    # Where the tests were started with SIGHUP ignored (nohup), what they start would ignore it too.
    return ["env", "--default-signal=HUP", "make", "up"]


@pytest.mark.parametrize("interruption", [by_placeholder], ids=["placeholder"], indirect=True)
def test_a_hangup_of_the_whole_process_group_is_an_interrupt(interruption: Interruption) -> None:
    here = interruption.here
    with subprocess.Popen(
        make_up(here), cwd=here.stack.root, env=here.stack.environment, text=True,
        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as started:  # fmt: skip
        try:
            assert interruption.gate.reached.wait(60)
            begun = time.monotonic()
            os.killpg(started.pid, signal.SIGHUP)
            threading.Timer(1, interruption.gate.open.set).start()
            assert "The run was interrupted" in interruption.ends_in_order(started, begun)
        finally:
            kill_session(started)


@pytest.mark.parametrize("interruption", [by_placeholder], ids=["placeholder"], indirect=True)
def test_a_terminal_that_is_closed_is_an_interrupt(interruption: Interruption) -> None:
    here = interruption.here
    master, terminal = os.openpty()
    # A shell leads the session: it goes at once, and with it the kernel hangs up on its jobs.
    shell = ["sh", "-c", f"{' '.join(make_up(here))}; exit 1"]
    login = (
        "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
        f"os.login_tty({terminal}); os.execvp('sh', {shell!r})"
    )
    with subprocess.Popen(
        [sys.executable, "-c", login], cwd=here.stack.root, env=here.stack.environment,
        pass_fds=[terminal], text=True,
    ) as started:  # fmt: skip
        os.close(terminal)
        try:
            assert shown_until(master, interruption.gate.reached)
            begun = time.monotonic()
            os.close(master)
            threading.Timer(1, interruption.gate.open.set).start()
            interruption.ends_in_order(started, begun)
        finally:
            kill_session(started)


def shown_until(master: int, reached: threading.Event) -> bool:
    """Read what a terminal shows until an event; tell whether that came within a minute."""
    deadline = time.monotonic() + 60
    while not reached.is_set() and time.monotonic() < deadline:
        if select.select([master], [], [], 0.05)[0]:
            os.read(master, 65536)
    return reached.is_set()
