"""The list of seeded faults is of this program: each piece that it makes wrong is there, once."""

import pytest

from tests.seeded_faults import FAULTS, ROOT, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.old.strip()[:40])
def test_the_piece_is_in_its_file_once(fault: Fault) -> None:
    assert (ROOT / fault.file).read_text("utf-8").count(fault.old) == 1
    assert fault.new != fault.old
    assert all((ROOT / "tests" / each).exists() for each in fault.tests)


def test_there_are_thirty_or_more_of_all_parts() -> None:
    assert len(FAULTS) >= 30
    parts = {fault.file.partition("/")[0] for fault in FAULTS}
    assert parts == {"assets", "fleet", "providers"}
