"""Processes are told apart, and their cost is read from /proc."""

import sys
from pathlib import Path

import pytest

from benchmarks.watched import role_of, run, seconds_of, status_of

STAT = "42 (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 {user} {system} 0 0 20 0 1 0 5 0 0"


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("/x/pulumi\0preview\0--stack\0growth", "engine"),
        ("/x/pulumi-language-python\x00127.0.0.1:1", "host"),
        ("/v/python\0-u\0/x/pulumi-language-python-exec\0--pwd\0/p", "program"),
        ("/v/python\0-m\0providers.ociregistry\x00127.0.0.1:1", "ociregistry"),
        ("/h/pulumi-resource-docker-build\x00127.0.0.1:1", "docker-build"),
        ("/usr/bin/git\0status", "git"),
    ],
)
def test_a_process_is_known_by_its_command(command: str, role: str) -> None:
    assert role_of(command) == role


def test_memory_is_read_in_mebibytes() -> None:
    assert status_of("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t1024 kB\nThreads:\t3\n") == {
        "VmHWM": 2,
        "VmRSS": 1,
    }


def test_processor_time_is_user_and_system_whatever_the_name_holds() -> None:
    assert seconds_of(STAT.format(user=150, system=50)) == pytest.approx(200 / 100)


def test_a_run_tells_how_it_ended_what_it_printed_and_what_it_held(tmp_path: Path) -> None:
    text = (
        "import time; held = bytearray(64 << 20); print('done'); time.sleep(1); raise SystemExit(3)"
    )
    ran = run([sys.executable, "-c", text], cwd=tmp_path, env={})
    assert (ran.code, ran.printed) == (3, "done\n")
    assert ran.megabytes > 64
    assert ran.usage[Path(sys.executable).name].megabytes > 64
