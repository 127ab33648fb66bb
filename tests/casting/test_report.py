"""Reports of solutions: facts, lines and files, which the command `tundish cast` prints and writes."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tundish import ArgumentTypeError
from tundish.casting import Grid, Solution, Strand, report, solve, solve_batch
from tundish.casting._report import _heights


@pytest.fixture(scope="module")
def solution(strand: Strand, grid: Grid) -> Solution:
    places = [(0.005, 0.005), (0.01, 0.01), (0.015, 0.02)]
    return solve(strand, grid, probes=places, sections=[0.5])


@pytest.mark.parametrize("ends", [[0.5, 1.2, 3.0, 15.5], [0.7, 40.0], [0.1, 0.2], [0.5, *range(1, 30)]])
def test_rows_include_every_end(ends):
    """Rows rise from the meniscus to the end of the strand, hold all ends, and are about fifteen at most."""
    rows = _heights(ends)
    assert rows == sorted(set(rows))
    assert {0.0, *ends} <= set(rows)
    assert 0 <= len(rows) - len(ends) <= 15
    assert (rows[0], rows[-1]) == (0.0, ends[-1])


def test_csv_has_units_in_its_header(solution, tmp_path):
    """The CSV has one line a step and names that end in units."""
    report(solution).files["strand.csv"](tmp_path / "strand.csv")
    with (tmp_path / "strand.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = dict(zip(header, np.array(rows, float).T, strict=True))
    assert header[:4] == ["z_m", "shell_thickness_x_m", "shell_thickness_y_m", "centre_temperature_K"]
    assert {"face_temperature_y_K", "probe_temperature_2_K", "solid_fraction", "heat_W"} < set(header)
    assert columns["z_m"] == pytest.approx(solution.z)
    assert columns["probe_temperature_2_K"] == pytest.approx(solution.probe_temperature[2])
    assert columns["shell_thickness_y_m"] == pytest.approx(solution.shell_thickness[1])


def test_facts_are_the_solution_in_si_units(solution: Solution) -> None:
    """As JSON takes them: no NaN, no infinity; times where they are known."""
    found = report(solution, name="mine", seconds=2.0)
    facts = json.loads(found.json(), parse_constant=pytest.fail)
    assert facts == found.facts
    assert facts["case"] == "mine"
    assert facts["status"] == "converged"
    assert facts["metallurgical_length"] == solution.metallurgical_length
    assert np.array_equal(facts["probe_temperature"], solution.probe_temperature)
    assert (facts["method"], facts["phase_change"], facts["dtype"]) == ("adi", "enthalpy", "float64")
    nodes = solution.x.size * solution.y.size
    assert facts["node_steps_per_second"] == nodes * (solution.z.size - 1) / 2.0
    assert "seconds" not in report(solution).facts


def test_options_of_the_solution_are_reported(strand: Strand, grid: Grid) -> None:
    found = report(solve(strand, grid, method="sor", phase_change="correction", tolerance=1e-3))
    assert (found.facts["method"], found.facts["phase_change"]) == ("sor", "correction")
    assert "sweeps" in str(found)


def test_lines_are_a_table_and_a_summary(solution: Solution) -> None:
    text = str(report(solution, name="mine", seconds=2.0))
    assert text.startswith("mine: 40 x ")
    for word in ("end of the mould", "end of zone 1", "metallurgical length", "time                  2 s"):
        assert word in text
    assert "time " not in str(report(solution))


def test_files_are_written_to_a_folder(solution: Solution, tmp_path: Path) -> None:
    for module in ("xarray", "h5netcdf", "h5py", "matplotlib"):
        pytest.importorskip(module)
    paths = report(solution).write(tmp_path / "new")
    assert [path.name for path in paths] == ["strand.csv", "strand.nc", "strand.png", "sections.png"]
    assert all(path.stat().st_size for path in paths)


def test_what_is_no_solution_of_one_strand_is_refused(strand: Strand, grid: Grid) -> None:
    batch = solve_batch(strand, {"speed": [0.02]}, grid)
    for value in (batch, strand, None):
        with pytest.raises(ArgumentTypeError, match="solution") as error:
            report(value)  # type: ignore[arg-type]
        assert error.value.argument == "solution"


def test_an_accuracy_is_reported_with_its_estimate(strand, tmp_path):
    """What is further off than asked for stands on a line of its own."""
    xarray, *_ = (pytest.importorskip(module) for module in ("xarray", "h5py"))
    solution = solve(strand, Grid(accuracy=1))
    sound = dataclasses.replace(solution, error_estimate={"probes": 0.9, "length": 0.012})
    found = report(sound)
    assert (found.facts["accuracy"], found.facts["message"]) == (1, "converged")
    assert "estimated error       probes 0.9 K, length 12 mm" in found.lines
    assert any(
        re.fullmatch(r"grid +\d+ x \d+ nodes, \d+ steps, chosen for 1 K", line) for line in found.lines
    )
    assert not any("doubt" in line for line in found.lines)
    doubtful = report(dataclasses.replace(solution, error_estimate={"probes": 1.2, "length": np.inf}))
    assert "in doubt              probes may be 1.2 K off (error_estimate): ask for a smaller accuracy" in (
        doubtful.lines
    )
    assert any(
        line.startswith("in doubt              the strand ends about where") for line in doubtful.lines
    )
    doubtful.files["strand.nc"](tmp_path / "strand.nc")
    with xarray.open_dataset(tmp_path / "strand.nc", engine="h5netcdf") as dataset:
        assert dataset["error_estimate_probes"] == 1.2
        assert dataset["error_estimate_length"] == np.inf
        assert dataset["error_estimate_length"].attrs["units"] == "m"
