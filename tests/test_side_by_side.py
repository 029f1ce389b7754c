"""Which tests share a worker: those that share what is costly to make."""

import pytest

from tests.ports import free_port
from tests.side_by_side import group

DRIFT = "tests/engine/test_drift.py::test_a_second_up_does_nothing"


def test_a_workshop_s_tests_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEET_WORKSHOP", raising=False)
    family, main, split = (
        f"tests/integration/test_{name}.py::test_x" for name in ("family", "main_job", "split")
    )
    page = "tests/integration/test_new_image.py::test_x"
    assert len({group(family), group(main), group(split)}) == 3
    assert group(main) == group(page), "both have the stack dev"
    runbook, next_section = (f"tests/integration/test_runbook.py::test_x[{n}]" for n in "ab")
    assert group(runbook) == group(next_section)
    others = {group(family), group(main), group(split)}
    assert group(runbook) not in others, "it loses what others need"
    monkeypatch.setenv("FLEET_WORKSHOP", "/kept")
    assert group(family) == group(main) == group(split), "one folder has one owner"


def test_a_stack_s_tests_stay_together_by_the_kind_of_registry() -> None:
    off, like = f"{DRIFT}[distribution, deletion off]", f"{DRIFT}[distribution, is like GitHub's]"
    other = off.replace("]", "-True]").replace("second_up_does", "wiped_repository")
    assert group(off) == group(other)
    assert group(off) != group(like)


def test_those_of_a_stack_that_is_brought_up_once_stay_together() -> None:
    first, second = (f"tests/engine/test_mirrors.py::test_{name}" for name in "ab")
    assert group(first) == group(second)


def test_all_others_run_wherever_there_is_room() -> None:
    nodeid = "tests/engine/test_import.py::test_x"
    assert group(nodeid) == nodeid


def test_no_port_is_given_out_twice() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)
    assert max(ports) < 32768, "the kernel gives those above to connections"
