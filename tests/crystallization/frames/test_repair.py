"""Repair of mis-read thermocouple numbers: what is found, what is put in its place, what is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tundish.crystallization import repair_readings

TIME = np.arange(400.0)
PROGRAMME = [(0, 900), (110, 1500), (200, 1500), (400, 1150)]


def programme() -> NDArray:
    return np.rint(np.interp(TIME, *np.array(PROGRAMME, float).T))


def flickering() -> NDArray:
    """A thermocouple that jumps by 300 K within two readings, now and then, and is right to."""
    level = np.full(400, 1146.0)
    for start in range(10, 380, 17):
        level[start : start + 4] += [80, 260, 300, 110]
    return level + np.random.default_rng(0).integers(-2, 3, 400)


def test_clean_readings_stay() -> None:
    for values in (programme(), flickering(), np.full(400, 1500.0)):
        found = repair_readings(TIME, values)
        assert np.array_equal(found.values, values)
        assert found.repairs == ()
        assert found.jumps == ()


@pytest.mark.parametrize(
    ("row", "read"),
    [
        (30, 164.0),  # 1064 lost a digit
        (30, 10064.0),  # one was doubled
        (30, 1964.0),  # one was taken for another
        (150, 500.0),
        (0, 100.0),
        (380, 185.0),
    ],
)
def test_a_digit_is_put_right(row: int, read: float) -> None:
    values = programme()
    values[row] = read
    found = repair_readings(TIME, values)
    assert np.array_equal(found.values, programme())
    (repair,) = found.repairs
    assert (repair.row, repair.column, repair.time) == (row, 0, TIME[row])
    assert (repair.read, repair.repaired, repair.reason, repair.digits) == (
        read,
        programme()[row],
        "spike",
        True,
    )


def test_what_no_digit_explains_is_interpolated() -> None:
    values = programme()
    values[150] = 33
    (repair,) = repair_readings(TIME, values).repairs
    assert not repair.digits
    assert repair.repaired == 1500


def test_runs_are_jumps() -> None:
    values = programme()
    values[40:44] -= 1000
    found = repair_readings(TIME, values)
    assert np.array_equal(found.values, programme())
    assert [r.reason for r in found.repairs] == ["jump"] * 4


@pytest.mark.parametrize("longest", [1, 2, 3, 9, 10])
def test_a_run_of_the_longest_is_repaired_and_one_more_is_not(longest: int) -> None:
    for length in (longest, longest + 1):
        values = np.full(100, 1200.0)
        values[40 : 40 + length] = 1500
        found = repair_readings(np.arange(100), values, longest=longest)
        assert len(found.repairs) == (longest if length == longest else 0)
        assert [row for row, _ in found.jumps] == ([] if length == longest else [40, 40 + length])


@settings(max_examples=40)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=12))
def test_any_finite_readings_can_be_looked_at(values: list[float]) -> None:
    found = repair_readings(np.arange(len(values)), values)
    assert np.isfinite(found.values).all()
    assert {r.row for r in found.repairs} >= set(np.flatnonzero(found.values != values).tolist())


@settings(max_examples=30)
@given(st.integers(-5, 5), st.integers(-100, 1600), st.integers(3, 60), st.floats(0.1, 10))
def test_a_clean_ramp_stays(slope: int, start: int, count: int, interval: float) -> None:
    time = interval * np.arange(count)
    values = start + slope * time
    found = repair_readings(time, values)
    assert np.array_equal(found.values, values)
    assert found.repairs == found.jumps == ()


@settings(max_examples=25)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 39))
def test_any_misreading_leaves_the_others_alone(read: float, row: int) -> None:
    values = 900.0 + 4 * np.arange(40)
    values[row] = read
    found = repair_readings(np.arange(40), values)
    assert {r.row for r in found.repairs} <= {row}
    assert np.abs(found.values - (900 + 4 * np.arange(40))).max() <= 12


def test_what_was_mis_read_keeps_its_sign() -> None:
    values = np.full(60, -15.0)
    values[30] = -150
    (repair,) = repair_readings(np.arange(60), values).repairs
    assert (repair.repaired, repair.digits) == (-15, True)
    values[30] = 150
    (repair,) = repair_readings(np.arange(60), values).repairs
    assert (repair.repaired, repair.digits) == (-15, False)


def test_the_first_and_last_readings_follow_the_trend() -> None:
    clean = 900.0 + 4 * np.arange(40)
    values = clean.copy()
    values[[0, 1, 39]] = [np.nan, np.nan, np.nan]
    assert repair_readings(np.arange(40), values).values == pytest.approx(clean)
    values[[0, 1, 39]] = [7, 33, 1]
    found = repair_readings(np.arange(40), values)
    assert found.values == pytest.approx(clean)
    assert [r.row for r in found.repairs] == [0, 1, 39]
    # Along a programme they keep their distance to it.
    near = repair_readings(np.arange(40), values, [(0, 890), (39, 1046)])
    assert near.values == pytest.approx(clean)


def test_a_programme_may_have_a_step() -> None:
    programme = [(0, 1500), (50, 1500), (50, 1200), (100, 1200)]
    values = np.where(np.arange(100) < 50, 1500.0, 1200.0)
    values[[20, 80]] = [150, 120]
    found = repair_readings(np.arange(100), values, programme)
    assert [(r.row, r.repaired) for r in found.repairs] == [(20, 1500), (80, 1200)]
    assert found.jumps == ()


def test_missing_readings_are_filled_unless_too_many() -> None:
    values = programme()
    values[[20, 30, 31]] = np.nan
    values[300:320] = np.nan
    found = repair_readings(TIME, values)
    assert found.values[[20, 30, 31]] == pytest.approx(programme()[[20, 30, 31]], abs=1.5)
    assert np.isnan(found.values[300:320]).all()
    assert len(found.repairs) == 23
    assert {r.reason for r in found.repairs} == {"missing"}


def test_a_quench_is_kept_and_told() -> None:
    values = np.concatenate([np.full(100, 1500.0), [1420.0, 1310.0, 1220.0], np.full(100, 1200.0)])
    found = repair_readings(np.arange(203), values)
    assert np.array_equal(found.values, values)
    assert found.repairs == ()
    assert [row for row, _ in found.jumps] == [100, 101, 102, 103]


def test_a_programme_tells_long_runs_and_quenches() -> None:
    values = programme()
    values[120:180] = 1900
    assert len(repair_readings(TIME, values).repairs) == 0
    found = repair_readings(TIME, values, PROGRAMME)
    assert found.values == pytest.approx(programme(), abs=1.0)
    assert [r.reason for r in found.repairs] == ["programme"] * 60
    with pytest.raises(ValueError, match="programme: 366 of the 400 readings of values differ"):
        repair_readings(TIME, programme(), [(0, 1200), (400, 1000)])


def test_columns_are_judged_by_themselves() -> None:
    values = np.stack([programme(), flickering()], axis=1)
    before = values.copy()
    values[25, 0], values[70, 1] = 136, 146
    found = repair_readings(TIME, values)
    assert [(r.row, r.column) for r in found.repairs] == [(25, 0), (70, 1)]
    assert found.values[:, 0] == pytest.approx(before[:, 0], abs=0.5)
    assert found.values[70, 1] == 1146


def test_most_misreadings_are_found_and_nothing_else() -> None:
    random = np.random.default_rng(4)
    wrong = found_wrong = others = 0
    for _ in range(10):
        values = programme()
        rows = random.choice(400, 20, replace=False)
        for row in rows:
            text = str(int(values[row]))
            place = random.integers(len(text))
            values[row] = float(text[:place] + text[place + 1 :])
        repaired = {r.row for r in repair_readings(TIME, values).repairs}
        far = {int(row) for row in rows if abs(values[row] - programme()[row]) > 25}
        wrong, found_wrong = wrong + len(far), found_wrong + len(far & repaired)
        others += len(repaired - {int(row) for row in rows})
    assert found_wrong >= 0.98 * wrong
    assert others == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": np.zeros(3)}, r"values: has shape \(3,\)"),
        ({"values": np.full(400, np.inf)}, r"values: is infinite at \[0\]"),
        ({"values": np.full(400, np.nan)}, "0 readings are known; at least 3"),
        ({"time": -TIME}, "runs backwards"),
        ({"time": np.zeros(400)}, "given twice"),
        ({"programme": [1, 2, 3]}, r"programme: has shape \(3,\)"),
        ({"programme": [(1, 900), (0, 1000)]}, r"programme\[:, 0\]\[1\] = 0 s: runs backwards after 1 s"),
        ({"programme": [(0, np.nan)]}, "must be finite"),
        ({"tolerance": 0}, "tolerance = 0"),
        ({"deviation": np.nan}, "deviation = nan"),
        ({"longest": 0}, "longest = 0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, object], message: str) -> None:
    given: dict = {"time": TIME, "values": programme(), **arguments}
    with pytest.raises(ValueError, match=message):
        repair_readings(**given)
