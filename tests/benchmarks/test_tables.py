"""The figures as they are printed."""

from benchmarks import against_replaced, commits, growth


def test_a_ratio_tells_how_many_times_more_the_other_way_costs() -> None:
    costs = [(2.0, 0.0, 4.0), (200.0, 30.0, 8.0), (20.0, 30.0, 2.0)]
    rows = [line.split() for line in against_replaced.table("cold", costs).splitlines()]
    assert rows[0] == ["cold,", "seconds", "2.00", "200.00", "100.0", "20.00", "10.0"]
    assert rows[1][-5:] == ["0.00", "30.00", "-", "30.00", "-"]
    assert rows[2][-5:] == ["4.00", "8.00", "2.0", "2.00", "0.5"]


def test_a_figure_that_was_not_measured_is_named() -> None:
    assert "nothing changed: not run again" in against_replaced._derived(repeat=False)
    assert "nothing changed" not in against_replaced._derived(repeat=True)
    assert "one new version" in against_replaced._derived(repeat=True)


def test_growth_is_told_by_step_with_its_exponents() -> None:
    found = [
        growth.Figures(
            tags=tags, step=step, seconds=tags * factor, processor=tags**2, megabytes=100
        )
        for tags in (50, 500)
        for step, factor in (("plan", 1.0), ("preview", 2.0))
    ]
    lines = list(growth.exponents(found))
    assert [line.split()[0] for line in lines] == ["plan", "preview"]
    assert all("tags^1.00 in time, ^2.00 in processor time, ^0.00 in" in line for line in lines)


def test_a_single_size_has_no_exponent() -> None:
    found = [growth.Figures(tags=50, step="plan", seconds=1, processor=1, megabytes=1)]
    assert list(growth.exponents(found)) == []


def test_a_matrix_takes_the_place_of_what_is_declared_and_leaves_the_rest() -> None:
    declared = {"web": {"package": "uvicorn", "bases": ["slim"]}, "api": {}}
    assert against_replaced.Matrix().over(declared) == declared
    found = against_replaced.Matrix(image="other", requires=("httptools",)).over(declared)
    assert found == {
        "other": {"package": "uvicorn", "bases": ["slim"], "requires": ["httptools"]},
        "api": {"requires": ["httptools"]},
    }


def test_two_commits_are_set_side_by_side_with_their_ratio() -> None:
    lines = commits.table(
        {"preview, MiB": 100.0, "gone": 1.0}, {"preview, MiB": 50.0, "new": 2.0}, "1f2e3d4"
    )
    assert [line.split() for line in lines] == [
        ["1f2e3d4", "this", "commit", "ratio"],
        ["preview,", "MiB", "100.00", "50.00", "0.50"],
        ["gone", "1.00", "-", "-"],
        ["new", "-", "2.00", "-"],
    ]
