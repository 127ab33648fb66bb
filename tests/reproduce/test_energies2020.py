"""`tundish reproduce`: the readings, the record that goes on, the tables, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from tundish.casting import PUBLISHED_UNKNOWNS
from tundish.cli.main import main
from tundish.reproduce.energies2020 import NOISE, Record, Run, report
from tundish.reproduce.energies2020 import study as paper


def test_the_published_numbers_are_all_there() -> None:
    """96 parameters and 12 lines of temperatures; values and errors agree with the truth as printed."""
    parameters, true = paper.published_parameters(), paper.truth().parameters()
    assert len(parameters) == 4 * 3 * 8
    for (_, _, name), line in parameters.items():
        assert abs(line.value - true[name]) == pytest.approx(line.error, abs=6e-4 * true[name])
        assert 0 < line.standard_deviation < 0.03 * true[name]
    temperatures = paper.published_temperatures()
    assert set(temperatures) == {(table, noise) for table in (2, 4, 6, 8) for noise in NOISE}
    assert all(line.mean_kelvin < line.max_kelvin for line in temperatures.values())
    assert temperatures[6, 5] == (14.5948, 1.2628, 1.1148, 0.1394)


@pytest.mark.parametrize(
    ("experiment", "count"),
    [(paper.ONE_STEP, 3 * 1530), (paper.COARSE, 3 * 765), (paper.TWO_SENSORS, 2 * 1530)],
)
def test_readings_of_fewer_places_are_some_of_all(experiment: paper.Experiment, count: int) -> None:
    noisy, every = paper.readings(experiment, 5, 0), paper.readings(paper.ONE_STEP, 5, 0)
    assert len(noisy) == count
    rows = {tuple(row) for row in np.stack([every.z, every.x, every.y, every.temperature], axis=1)}
    assert rows >= {tuple(row) for row in np.stack([noisy.z, noisy.x, noisy.y, noisy.temperature], axis=1)}
    assert noisy.z.min() == 0.21
    if experiment is paper.TWO_SENSORS:
        assert {tuple(sensor) for sensor in noisy.sensors} == {(0.062, 0.074), (0.074, 0.062)}


def test_noise_is_uniform_and_its_own_for_every_level_and_seed() -> None:
    true = paper.readings(paper.ONE_STEP, 0, 0).temperature
    for noise in NOISE:
        error = paper.readings(paper.ONE_STEP, noise, 0).temperature / true - 1
        assert np.max(np.abs(error)) == pytest.approx(noise / 100, rel=0.01)
        assert np.std(error) == pytest.approx(noise / 100 / np.sqrt(3), rel=0.03)
    one, other = (paper.readings(paper.ONE_STEP, 1, seed).temperature for seed in (0, 1))
    assert not np.any(one == other)


def test_temperatures_of_the_truth_err_by_the_mesh_alone() -> None:
    """2.3 K at the end of the mould; with face x's flux 2 % low, thermocouples 2 and 3 notice."""
    errors = paper.temperature_errors({})
    assert errors.mean_kelvin < 0.2
    assert errors.max_kelvin < 2.5
    true = paper.truth().parameters()
    # Thermocouple 3 lies nearer to face x, 1 nearer to face y, 2 in the corner.
    z, ours, exact = paper.temperatures({"mold.heat_flux.x": 0.98 * true["mold.heat_flux.x"]})
    assert z.shape == (1530,)
    hotter = np.mean((ours - exact)[:, z < 0.5], axis=1)
    assert hotter[1] > hotter[2] > 0.5 > abs(hotter[0])


def made_up(experiment: paper.Experiment, noise: int, method: str, number: int, seed: int = 0) -> Run:
    """A run whose parameters are all off by as many percent as its number and its noise say."""
    true = paper.truth().parameters()
    values = {name: true[name] * (1 + 0.001 * number + 0.001 * noise) for name in PUBLISHED_UNKNOWNS}
    errors = {name: 0.01 * true[name] for name in PUBLISHED_UNKNOWNS} if method == "least-squares" else {}
    return Run(experiment.name, noise, method, number, seed, 10.0 + number, values, errors, 100, 2.0)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The searches that were asked for; they take no time and find made-up values."""
    asked: list[tuple[Any, ...]] = []

    def search(experiment: Any, noise: int, method: str, first: int, runs: int, seed: int) -> list[Run]:
        asked.append((experiment.name, noise, method, first, runs, seed))
        return [made_up(experiment, noise, method, first + n, seed) for n in range(runs)]

    monkeypatch.setattr(paper, "search", search)
    return asked


def test_a_record_goes_on_where_it_stopped(tmp_path: Path, searches: list[tuple[Any, ...]]) -> None:
    """What is in the file is not done again, even when the last line was cut off."""
    file, told = tmp_path / "runs.jsonl", []
    Record(file).complete([paper.TWO_STEPS], ["bee-colony"], 6, told.append)
    assert searches == [("two steps", noise, "bee-colony", first, runs, 0)
                        for noise in NOISE for first, runs in ((0, 4), (4, 2))]  # fmt: skip
    assert len(told) == 6
    lines = file.read_text("utf-8").splitlines(keepends=True)
    assert len(lines) == 18
    file.write_text("".join(lines[:-1]) + lines[-1][:40], "utf-8")
    searches.clear()
    again = Record(file)
    assert [run.number for run in again.runs(paper.TWO_STEPS, 5, "bee-colony")] == [0, 1, 2, 3, 4]
    again.complete([paper.TWO_STEPS], ["bee-colony"], 6, told.append)
    assert searches == [("two steps", 5, "bee-colony", 4, 2, 0)]
    whole = Record(file)
    assert [run.number for run in whole.runs(paper.TWO_STEPS, 5, "bee-colony")] == [0, 1, 2, 3, 4, 5]
    assert whole.best(paper.TWO_STEPS, 5, "bee-colony").number == 0  # type: ignore[union-attr]
    assert Record(file, seed=1).best(paper.TWO_STEPS, 5, "bee-colony") is None


def test_tables_put_theirs_beside_ours(tmp_path: Path, searches: list[tuple[Any, ...]]) -> None:
    """Value, error and spread of a parameter; a search that was not made is a dash."""
    record = Record(tmp_path / "runs.jsonl")
    record.complete([paper.FOUR_STEPS], ["bee-colony"], 10, lambda _: None)
    lines = [line.split(" | ") for line in report.table(7, record).splitlines() if "(6,1)" in line]
    assert lines[0][2:6] == ["1000", "1014.33", "1001", "-"]
    assert lines[0][6:9] == ["1.433", "0.100", "-"]
    assert float(lines[0][10]) == pytest.approx(100 * np.std(np.arange(10), ddof=1) / 1000, abs=5e-4)
    assert "10 at 1 %, 10 at 2 %, 10 at 5 % runs of 7 bees in 10 cycles" in report.table(7, record)
    assert "No runs of the colony yet." in report.table(1, record)
    spoken = [line for line in report.two_sensors(record).splitlines() if line.startswith("| 5 %")]
    assert spoken[0].startswith("| 5 % | 11.95 | - | - | 0.99 |")
    effort = report.effort(record, [paper.FOUR_STEPS])
    assert "| four steps | bee colony | 30 | 100 | 2 | 60 | 730 | 2.2e+04 |" in effort
    assert "two machines and two grids" in effort


def test_figures_are_those_of_what_there_is(tmp_path: Path, searches: list[tuple[Any, ...]]) -> None:
    pytest.importorskip("matplotlib")
    record = Record(tmp_path / "runs.jsonl")
    assert list(report.figures(record)) == []
    record.complete([paper.TWO_STEPS], ["least-squares"], 1, lambda _: None)
    assert [number for number, _ in report.figures(record)] == [9]
    record.complete(paper.EXPERIMENTS, paper.METHODS, 1, lambda _: None)
    drawn = dict(report.figures(record))
    assert sorted(drawn) == [4, 5, 7, 8, 9, 10, 11]
    for number in (4, 8, 9, 11):
        figure = drawn[number]()
        assert f"Figure {number}" in "".join(
            [axes.get_title() for axes in figure.axes] + [figure.get_suptitle()]
        )
    page = report.page(record)
    assert all(f"### Table {n}" in page for n in range(1, 9))
    assert "figure-11.png" in page


def test_the_command_makes_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By least squares, in earnest: takes seconds for three fits."""
    command = [
        "reproduce",
        "energies2020",
        "--table",
        "8",
        "--method",
        "least-squares",
        "--out",
        str(tmp_path),
    ]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "Table 8" in out
    assert err.count("least-squares") == 3
    runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text("utf-8").splitlines()]
    assert [run["noise"] for run in runs] == [1, 2, 5]
    true = paper.truth().parameters()
    for run in runs:
        for name, value in run["parameters"].items():
            assert value == pytest.approx(true[name], rel=0.02 * run["noise"] + 0.02)
    assert "Table 8" in (tmp_path / "README.md").read_text("utf-8")
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "least squares" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "9"], "--table"),
        (["--runs", "0"], "--runs 0: must be at least 1"),
        (["--seed", "-1"], "--seed -1: must not be negative"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "energies2020", "--out", str(tmp_path / "new"), *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_paper_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "energies1999"]) == 2
    assert "energies2020" in capsys.readouterr().err


def test_a_file_that_is_no_record_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("not JSON\n", '{"experiment": "one step"}\n', "[1]\n"):
        (tmp_path / "runs.jsonl").write_text(text, "utf-8")
        assert main(["reproduce", "energies2020", "--out", str(tmp_path)]) == 2
        assert "not a record of runs" in capsys.readouterr().err
