"""`tundish reproduce flux2023`: the runs, the record that goes on, the tables, and the command."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("skimage")

from tundish.cli.main import main
from tundish.crystallization import FluxForecaster, backtest
from tundish.crystallization.baselines import AutoRegression
from tundish.reproduce.flux2023 import Data, Record, Task, report
from tundish.reproduce.flux2023 import study as paper


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Data:
    """A short film of few pixels, and networks of an epoch."""
    monkeypatch.setattr(paper, "SECONDS", 130.0)
    monkeypatch.setattr(paper, "SIZE", (24, 32))
    few = {name: {**settings, "epochs": 1} for name, settings in paper.FORECASTERS.items()}
    few[paper.SEEN]["image_size"] = 8
    monkeypatch.setattr(paper, "FORECASTERS", few)
    paper.synthetic_data.cache_clear()
    paper._shares.cache_clear()
    yield paper.synthetic_data(0)
    paper.synthetic_data.cache_clear()
    paper._shares.cache_clear()


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Two waves, a gap of two, and a thermocouple that is no value."""
    n = np.delete(np.arange(140), [50, 51])
    table = np.stack([110 + n, 70 + np.sin(n / 6), 110 + np.cos(n / 9), 900 + n], axis=1)
    with (tmp_path / "series.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", "blue", "green", "thermocouple1_c"])
        writer.writerows(table.tolist())
    return tmp_path / "series.csv"


def made_up(task: Task, data: Data, seed: int) -> dict[str, Any]:
    """A result that takes no time: errors by the model's place in the list."""
    place = 1.0 + paper.MODELS.index(task.model)
    horizons = (1,) if task.protocol == "published" else paper.HORIZONS
    rows = [
        {"horizon": h, "rmse": 0.02 * place, "mae": 0.01 * place, "mae_over_persistence": place / 7,
         "coverage": None if task.protocol == "published" else 0.9, "width": 0.1, "origins": 30}
        for h in horizons
    ]  # fmt: skip
    leak = {"neighbours": 0.001, "persistence": 0.004, "ratio": 0.25, "flag": True}
    return {
        "rows": rows,
        "means": {str(h): {"row": 60, "every": 2, "mean": [0.5, 0.6, 0.7]} for h in (1, 30)},
        "leak": leak if task.protocol == "published" else None,
        "history": [[(0.9, 0.8), (0.5, 0.6)]] if task.settings else [],
        "orders": [(1, 1, 0)] if task.model.endswith("ARIMA") else None,
        "seconds": 6.0,
    }


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """What was asked for."""
    asked: list[Task] = []

    def compute(task: Task, data: Data, seed: int) -> dict[str, Any]:
        asked.append(task)
        return made_up(task, data, seed)

    monkeypatch.setattr(paper, "compute", compute)
    return asked


def quiet(message: str) -> None:
    """Tells nobody."""


def test_rows_are_the_papers_models_and_what_they_have_to_beat(tiny: Data, series: Path) -> None:
    """The published form of the networks; no CNN without frames, no neighbours in a forecast."""
    by_protocol = {p: [t for t in paper.tasks(tiny) if t.protocol == p] for p in paper.PROTOCOLS}
    assert [task.model for task in by_protocol["published"]] == list(paper.MODELS)
    assert [task.model for task in by_protocol["rolling"]] == list(paper.MODELS[:-1])
    settings = {task.model: task.settings for task in by_protocol["rolling"]}
    assert (settings["CNN-LSTM"]["form"], settings["CNN-LSTM"]["window"]) == ("level", 20)
    assert settings["CNN-LSTM"]["units"] == 8
    assert settings["recommended"]["form"] == FluxForecaster().form
    assert "CNN-LSTM" not in {task.model for task in paper.tasks(paper.series_data(series))}


def test_a_series_is_put_on_even_steps(series: Path) -> None:
    data = paper.series_data(series)
    assert data.columns == ("blue", "green")
    assert (data.filled, len(data.time), data.time[0], data.time[-1]) == (2, 140, 110, 249)
    assert np.isfinite(data.values).all()
    assert data.key.startswith("series.csv, ")


def test_shares_are_seen_by_what_a_protocol_trains_on(tiny: Data) -> None:
    frames = tiny.frames
    assert frames is not None
    rolling = frames.features(frames[: int(0.7 * len(frames))].calibration())["share"]
    assert paper.values_of(tiny, "rolling", 0) == pytest.approx(rolling)
    published = frames.features(frames[::2].calibration())["share"]
    assert paper.values_of(tiny, "published", 0) == pytest.approx(published)


def test_a_model_is_judged_as_the_library_does(series: Path) -> None:
    """Rolling as it is; published from the frame on that all models can foretell."""
    data = paper.series_data(series)
    result = paper.compute(Task(data.key, "autoregression", "rolling", {}), data, 0)
    table = backtest(AutoRegression(), data.values, 0.7, (1, 10, 30))
    assert [row["mae"] for row in result["rows"]] == pytest.approx(table["mae"].tolist())
    assert result["means"]["30"]["row"] == 98 + 29
    assert result["leak"] is None
    result = paper.compute(Task(data.key, "autoregression", "published", {}), data, 0)
    predicted = AutoRegression().fit(data.values[::2]).predict(data.values[1::2])
    error = predicted[20:] - data.values[1::2][20:]
    (row,) = result["rows"]
    assert (row["origins"], row["coverage"]) == (50, None)
    assert row["mae"] == pytest.approx(np.abs(error).mean())
    assert row["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert result["means"]["1"]["row"] == 41
    assert result["leak"]["flag"]


def test_neighbours_need_no_model(series: Path) -> None:
    """On the same tested frames, but for a last one without a neighbour."""
    data = paper.series_data(series)
    result = paper.compute(Task(data.key, paper.NEIGHBOURS, "published", {}), data, 0)
    tested = np.arange(41, 139, 2)
    between = (data.values[tested - 1] + data.values[tested + 1]) / 2
    (row,) = result["rows"]
    assert row["mae"] == pytest.approx(np.abs(between - data.values[tested]).mean())
    still = np.abs(data.values[tested] - data.values[tested - 2]).mean()
    assert row["mae_over_persistence"] == pytest.approx(row["mae"] / still)


def test_a_record_goes_on_where_it_stopped(tmp_path: Path, tiny: Data, computed: list[Task]) -> None:
    """What is in the file is not done again; half a line is, and another seed."""
    file, told = tmp_path / "runs.jsonl", []
    Record(file).complete([tiny], told.append)
    assert len(computed) == len(told) == 15
    assert told[0] == "synthetic sequence, published: SARIMA"
    lines = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:40], "utf-8")
    computed.clear()
    record = Record(file)
    assert not record.has(tiny)
    record.complete([tiny], quiet)
    assert [task.model for task in computed] == ["persistence"]
    assert Record(file).has(tiny)
    assert not Record(file, seed=1).has(tiny)


def test_theirs_are_beside_ours(tmp_path: Path, tiny: Data, series: Path, computed: list[Task]) -> None:
    """Where the paper states numbers; a section a record."""
    records = [tiny, paper.series_data(series)]
    record = Record(tmp_path / "runs.jsonl")
    record.complete(records, quiet)
    page = report.page(record, records)
    assert "**The data of the first section are synthetic.**" in page
    assert "| parameters of the LSTM | 320 | 320 |" in page
    assert "| parameters of the dense layer | - | 9 |" in page
    assert "| least error | CNN-LSTM | SARIMA (published), SARIMA (rolling) |" in page
    assert "| losses | fall and converge to 0 | validation 0.8 at first, 0.6 in epoch 2 |" in page
    assert "| SARIMA | 1 | 0.02 | 0.01 | 0.14 | 90 % | 6 |" in page
    assert "0.25 of what the frame just before does (0.004): the split leaks." in page
    assert "2 missing values were filled in along straight lines. Errors are pooled" in page
    assert page.count("## From origins that roll on") == 2
    assert "figure-5-series.png" in page


def test_figures_are_drawn(tmp_path: Path, tiny: Data, series: Path, computed: list[Task]) -> None:
    pytest.importorskip("matplotlib")
    records = [tiny, paper.series_data(series)]
    record = Record(tmp_path / "runs.jsonl")
    record.complete(records, quiet)
    drawn = dict(report.figures(record, records))
    assert list(drawn) == ["figure-4", "figure-5", "figure-4-series", "figure-5-series"]
    for name, draw in drawn.items():
        draw().savefig(tmp_path / f"{name}.png")


def test_the_command_computes_and_writes(
    tmp_path: Path, tiny: Data, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In earnest, of the models that take no time and a small network; then again from the record."""
    models = ("ARIMA", "CNN-LSTM", "recommended", "persistence", paper.NEIGHBOURS)
    monkeypatch.setattr(paper, "MODELS", models)
    monkeypatch.setattr("tundish.reproduce._study.picture", lambda draw: Path.touch)
    command = ["reproduce", "flux2023", "--out", str(tmp_path / "new")]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 9
    assert "### Every second frame, as published" in out
    runs = [json.loads(line) for line in (tmp_path / "new" / "runs.jsonl").read_text("utf-8").splitlines()]
    assert {run["task"]["protocol"] for run in runs} == set(paper.PROTOCOLS)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "README.md", "runs.jsonl", "figure-4.png", "figure-5.png"
    }  # fmt: skip
    assert main(command) == 0
    again, err = capsys.readouterr()
    assert (again, err) == (out, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["flux2023", "--table", "3"], "--table: is not for flux2023"),
        (["flux2023", "--full"], "--full: is for segregation2025 alone"),
        (["scrap2025", "--series", "x.csv"], "--series: is for flux2023 alone"),
        (["flux2023", "--series", "none.csv"], "none.csv: No such file or directory"),
        (["flux2023", "--seed", "-1"], "--seed -1: must not be negative"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", *arguments, "--out", str(tmp_path / "new")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"tundish reproduce: {message}\n")
    assert not (tmp_path / "new").exists()


def test_bad_series_are_refused_by_file(
    tmp_path: Path, series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = series.read_text().splitlines()
    for text, message in (
        ("\n".join([*lines[:10], "1,1,1,1"]), "line 11: 1 s runs backwards"),
        ("\n".join(lines[:20]), "series: has 19 values; at least 40 are needed"),
    ):
        series.write_text(text)
        assert main(["reproduce", "flux2023", "--series", str(series), "--out", str(tmp_path / "new")]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"tundish reproduce: {series}: {message}")


def test_a_file_that_is_no_record_is_refused(
    tmp_path: Path, tiny: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("not JSON\n", '{"experiment": "one step"}\n', "[1]\n"):
        (tmp_path / "runs.jsonl").write_text(text, "utf-8")
        assert main(["reproduce", "flux2023", "--out", str(tmp_path)]) == 2
        assert "not a record of runs" in capsys.readouterr().err
