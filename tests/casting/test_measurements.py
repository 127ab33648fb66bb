"""Readings: from arrays, from files, from solutions; and what is refused of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tundish import ArgumentError
from tundish.casting import Grid, Measurements, Solution, Strand, solve, solve_batch

HEADER = "z_m,x_m,y_m,temperature_K\n"
SENSORS = [(0.015, 0.018), (0.018, 0.018)]


@pytest.fixture(scope="module")
def solution(strand: Strand, grid: Grid) -> Solution:
    return solve(strand, grid, probes=SENSORS)


def written(folder: Path, text: str) -> Path:
    file = folder / "readings.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_sensors_are_the_different_places() -> None:
    m = Measurements([0.5, 0.6, 0.5], [0.01, 0.01, 0.02], [0.0, 0.0, 0.0], [1500, 1400, 1300])
    assert len(m) == 3
    assert m.sensors.tolist() == [[0.01, 0.0], [0.02, 0.0]]
    assert m.sensor.tolist() == [0, 0, 1]
    assert np.array_equal(m.sensors[m.sensor], np.stack([m.x, m.y], axis=1))


def test_scale_is_one_over_sigma_or_the_root_of_the_weight() -> None:
    place = ([0.5, 0.6], [0.01, 0.01], [0.0, 0.0], [1500, 1400])
    assert Measurements(*place).scale.tolist() == [1, 1]
    assert Measurements(*place, sigma=[2.0, 4.0]).scale.tolist() == [0.5, 0.25]
    assert Measurements(*place, sigma=2.0).scale.tolist() == [0.5, 0.5]
    assert Measurements(*place, weight=[4.0, 9.0]).scale.tolist() == [2, 3]


def test_missing_readings_are_left_out_where_that_is_said() -> None:
    z, temperature = [0.5, 0.6, 0.7], [[1500, np.nan, 1300], [np.nan, 1200, 1100]]
    m = Measurements.from_arrays(SENSORS, z, temperature, sigma=3.0, missing=True)
    assert m.temperature.tolist() == [1500, 1300, 1200, 1100]
    assert m.z.tolist() == [0.5, 0.7, 0.6, 0.7]
    assert m.sensor.tolist() == [0, 0, 1, 1]
    assert m.sigma is not None
    assert m.sigma.tolist() == [3.0] * 4
    weighted = Measurements.from_arrays(SENSORS, z, temperature, weight=[[1, 2, 3], [4, 5, 6]], missing=True)
    assert weighted.weight is not None
    assert weighted.weight.tolist() == [1, 3, 5, 6]
    with pytest.raises(ValueError, match=r"temperature\[1\] = nan: .*missing=True"):
        Measurements.from_arrays(SENSORS, z, temperature)


def test_some_readings_are_selected_with_what_belongs_to_them() -> None:
    m = Measurements([0.5, 0.6], [0.01, 0.02], [0.0, 0.0], [1500, 1400], sigma=[1.0, 2.0]).select(
        [False, True]
    )
    assert (m.z.tolist(), m.temperature.tolist(), m.sensors.tolist()) == ([0.6], [1400], [[0.02, 0]])
    assert m.scale.tolist() == [0.5]


def test_measurements_do_not_change() -> None:
    given = np.array([0.5, 0.6])
    m = Measurements(given, [0.01, 0.01], [0.0, 0.0], [1500, 1400])
    given[:] = 7.0
    assert m.z.tolist() == [0.5, 0.6]
    with pytest.raises(ValueError, match="read-only"):
        m.z[0] = 1.0
    with pytest.raises(AttributeError, match="do not change"):
        m.z = given
    assert "2 readings of 1 sensors" in repr(m)


GOOD = {"z": [0.5, 0.6], "x": [0.01, 0.01], "y": [0.0, 0.0], "temperature": [1500.0, 1400.0]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": [0.01]}, r"x: has shape \(1,\)"),
        ({"z": [[0.5, 0.6]]}, "z: has shape"),
        ({"z": [0.5, 0.5]}, r"z\[1\]: .*already, z\[0\]"),
        ({"z": [0.5, np.inf]}, r"z\[1\] = inf"),
        ({"z": [-0.1, 0.6]}, r"z\[0\] = -0.1"),
        ({"y": [0.0, np.nan]}, r"y\[1\] = nan"),
        ({"temperature": [0.0, 1400.0]}, r"temperature\[0\] = 0"),
        ({"temperature": [np.nan, np.nan], "missing": True}, "all are missing"),
        ({"sigma": [1.0, 0.0]}, r"sigma\[1\] = 0"),
        ({"weight": [1.0, -1.0]}, r"weight\[1\] = -1"),
        ({"weight": 1.0, "sigma": 1.0}, "weight: .*together with sigma"),
        ({"temperature": ["hot", "cold"]}, "temperature: must be an array of numbers"),
        ({name: [] for name in GOOD}, "no readings"),
    ],
)
def test_bad_arrays_are_refused_by_name_and_index(changes: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        Measurements(**{**GOOD, **changes})


@pytest.mark.parametrize(
    ("name", "value"), [("sensors", [0.01, 0.0]), ("temperature", [[1500.0]]), ("sigma", [1.0, 2.0, 3.0])]
)
def test_bad_tables_are_refused_by_name(name: str, value: object) -> None:
    good = {"sensors": SENSORS, "z": [0.5, 0.6], "temperature": [[1500, 1400], [1300, 1200]]}
    with pytest.raises(ValueError, match=name):
        Measurements.from_arrays(**{**good, name: value})


@pytest.mark.parametrize(("name", "value"), [("x", 0.021), ("y", 0.03), ("z", 1.6)])
def test_readings_outside_the_strand_are_found_when_they_meet(
    strand: Strand, name: str, value: float
) -> None:
    columns = {**GOOD, name: [GOOD[name][0], value]}
    Measurements(**GOOD).check(strand)
    with pytest.raises(ValueError, match=rf"measurements\.{name}\[1\] = {value}"):
        Measurements(**columns).check(strand)


def test_exact_readings_are_the_solution_between_its_steps(solution: Solution) -> None:
    m = Measurements.from_solution(solution, every=0.07)
    assert m.z[:3].tolist() == [0.21, 0.28, 0.35]
    assert len(m) == 2 * 19
    for n in range(2):
        mine = m.sensor == n
        probe = np.flatnonzero((solution.probes == m.sensors[n]).all(axis=1))[0]
        exact = np.interp(m.z[mine], solution.z, solution.probe_temperature[probe])
        assert m.temperature[mine] == pytest.approx(exact, abs=1e-10)


def test_the_published_numbers_of_readings() -> None:
    """N2 = 1530 every 0.01 m and 765 every 0.02 m, from z = 0.21 to 15.5 m."""
    end = Solution.__new__(Solution)
    z = np.linspace(0, 15.5, 12)
    values = {
        "z": z,
        "status": 0,
        "probes": np.array(SENSORS),
        "fields": {"probe_temperature": np.ones((2, 12))},
    }
    for name, value in values.items():
        object.__setattr__(end, name, value)
    assert len(Measurements.from_solution(end, every=0.01)) == 2 * 1530
    assert len(Measurements.from_solution(end, every=0.02)) == 2 * 765
    assert Measurements.from_solution(end, every=0.01).z.max() == 15.5


def test_noise_has_the_asked_size_and_repeats_itself(solution: Solution) -> None:
    exact = Measurements.from_solution(solution, every=1e-3).temperature
    uniform = Measurements.from_solution(solution, every=1e-3, noise=0.02, rng=1)
    normal = Measurements.from_solution(solution, every=1e-3, noise=0.02, distribution="normal", rng=1)
    share = uniform.temperature / exact - 1
    assert 0.0195 < abs(share).max() <= 0.02
    assert share.std() == pytest.approx(0.02 / 3**0.5, rel=0.05)
    assert (normal.temperature / exact - 1).std() == pytest.approx(0.02, rel=0.05)
    again = Measurements.from_solution(solution, every=1e-3, noise=0.02, rng=np.random.default_rng(1))
    assert np.array_equal(uniform.temperature, again.temperature)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("every", 0.0),
        ("every", np.nan),
        ("start", 2.0),
        ("noise", -0.1),
        ("distribution", "gamma"),
        ("start", "a"),
    ],
)
def test_bad_sampling_is_refused_by_name(solution: Solution, name: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError), match=name):
        Measurements.from_solution(solution, **{name: value})


def test_a_solution_without_probes_is_refused(strand: Strand, grid: Grid) -> None:
    for other in (
        solve(strand, grid),
        solve(strand, grid, probes=SENSORS, outputs=["heat"]),
        solve_batch(strand, {"speed": [0.02]}, grid, probes=SENSORS),
    ):
        with pytest.raises(ValueError, match="solution: must be one strand's, solved with probes"):
            Measurements.from_solution(other)


def test_files_come_back_to_the_last_bit(tmp_path: Path, solution: Solution) -> None:
    m = Measurements.from_solution(solution, noise=0.05, rng=2)
    m = Measurements(m.z, m.x, m.y, m.temperature, sigma=m.temperature / 300)
    m.write_csv(tmp_path / "a.csv")
    back = Measurements.read_csv(tmp_path / "a.csv")
    for name in ("z", "x", "y", "temperature", "sigma", "sensor"):
        assert np.array_equal(getattr(m, name), getattr(back, name))
    assert back.weight is None


def test_files_may_have_columns_in_any_order_quotes_and_empty_lines(tmp_path: Path) -> None:
    text = '\ufeffweight, temperature_K ,y_m,x_m,z_m\r\n4,"1500.5",0,0.01,0.5\r\n\r\n1,1400,0,0.01,0.6\r\n'
    m = Measurements.read_csv(written(tmp_path, text))
    assert m.temperature.tolist() == [1500.5, 1400]
    assert m.scale.tolist() == [2, 1]


def test_empty_cells_and_nan_are_missing_where_that_is_said(tmp_path: Path) -> None:
    file = written(tmp_path, HEADER + "0.5,0.01,0,1500\n0.6,0.01,0,\n0.7,0.01,0,nan\n")
    assert len(Measurements.read_csv(file, missing=True)) == 1
    with pytest.raises(ValueError, match=r"readings\.csv: line 3, temperature_K = nan: .*missing=True"):
        Measurements.read_csv(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column z_m is missing"),
        ("0.5,0.01,0,1500\n", "column '0.5' is unknown"),
        ("z_m,x_m,temperature_K\n", "column y_m is missing"),
        ("z_m,z_m,x_m,y_m,temperature_K\n", "column z_m is given twice"),
        (HEADER, "no readings"),
        (HEADER + "0.5,0.01,0\n", "line 2: has 3 fields; 4 are needed"),
        (HEADER + "0.5,0.01,0,1500\n0.6,O.01,0,1500\n", "line 3, x_m = 'O.01': must be a number"),
        (HEADER + "0.5,,0,1500\n", "line 2, x_m = '': must be a number"),
        (HEADER + "0.5,0.01,0,1500\n\n0.5,0.01,0,1400\n", "line 4, z_m: .*already, line 2, z_m"),
        (HEADER + "0.5,0.01,-1,1500\n", "line 2, y_m = -1"),
        (HEADER + '0.5,0.01,0,"1500\n', "unexpected end of data"),
        (HEADER[:-1] + ",sigma_K,weight\n0.5,0.01,0,1500,1,1\n", "weight: must not be given together"),
    ],
)
def test_bad_files_are_refused_by_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        Measurements.read_csv(written(tmp_path, text))
    assert "readings.csv" in str(error.value)


@pytest.mark.parametrize(
    ("text", "argument", "line"),
    [
        ("", "", None),
        ("z_m,z_m,x_m,y_m,temperature_K\n", "", None),
        (HEADER, "", None),
        (HEADER + "0.5,0.01,0\n", "", 2),
        (HEADER + '0.5,0.01,0,"1500\n', "", 2),
        (HEADER + "0.5,0.01,0,1500\n0.6,O.01,0,1500\n", "x_m", 3),
    ],
)
def test_refusals_have_file_line_and_column(
    tmp_path: Path, text: str, argument: str, line: int | None
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ArgumentError) as refused:
        Measurements.read_csv(file)
    error = refused.value
    assert (error.argument, error.file, error.line) == (argument, str(file), line)


def test_masked_readings_are_refused() -> None:
    """Their values are what nobody meant."""
    masked = np.ma.masked_values([1500.0, -1.0, 1400.0], -1.0)
    with pytest.raises(TypeError, match=r"^temperature: is masked in places"):
        Measurements([0.1, 0.2, 0.3], [0.01] * 3, [0.01] * 3, masked, missing=True)
