"""Analyses of records from Python: what the command `tundish crystallize` does, and the report of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("skimage")

from references.crystallize import growing, series_text, write

from tundish import ArgumentError
from tundish.crystallization import (
    Analysis,
    AnalysisSettings,
    FluxForecaster,
    analyse,
    fit_jmak,
    frames_record,
    has_frames,
    model_columns,
    read_record,
    report,
)

FEW: dict[str, Any] = dict(window=5, epochs=1, horizons=(1, 4), steps=6, against=("persistence",))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(frames_record(growing()), AnalysisSettings(**FEW))


def test_the_forecast_is_that_of_the_forecaster(analysis: Analysis) -> None:
    frames = growing().repair()
    same = FluxForecaster(window=5, epochs=1, horizons=(1, 4), image_size=None).fit(frames)
    assert np.array_equal(analysis.forecast.mean[:, 0], same.forecast(6).mean)
    assert analysis.ahead.tolist() == [60, 61, 62, 63, 64, 65]
    table = frames.features()
    assert analysis.fit is not None
    assert analysis.fit.rate == fit_jmak(table["time"], table["share"]).rate
    assert list(analysis.backtests.tables) == ["recommended", "persistence"]
    assert analysis.backtests.missing == {}
    assert [repair.time for repair in analysis.record.repairs] == [20]


def test_an_analysis_goes_on_from_a_model(analysis: Analysis, tmp_path: Path) -> None:
    frames = growing()
    model = FluxForecaster(window=5, epochs=1, horizons=(1, 4), image_size=None).fit(frames[:50])
    before = model.known[0].size
    onwards = analyse(frames_record(frames), AnalysisSettings(**FEW), model=model)
    assert model.known[0].size == before  # a copy is updated
    expected = model.update(frames.repair()[50:]).forecast(6)
    assert np.array_equal(onwards.forecast.mean[:, 0], expected.mean)
    assert onwards.backtests.tables["recommended"]["origins"].tolist() == [10, 7]
    assert report(onwards).facts["model"]["source"] == "given"
    assert report(onwards, source="model/").facts["model"]["source"] == "model/"
    series = write(tmp_path / "series.csv", series_text())
    assert model_columns(model, tmp_path) == ("share",)
    with pytest.raises(ArgumentError, match=r"model: was fitted to frames; .* has a series") as caught:
        model_columns(model, series)
    assert caught.value.argument == "model"
    with pytest.raises(ArgumentError, match="model: is of a record of 0 to 59 s, which frames, of"):
        analyse(frames_record(growing(40)), AnalysisSettings(**FEW), model=model)


def test_a_report_has_facts_lines_and_files(analysis: Analysis, tmp_path: Path) -> None:
    found = report(analysis, seconds=2.0)
    assert json.loads(found.json()) == found.facts
    assert found.facts["columns"] == ["share"]
    assert found.facts["forecast"]["columns"]["share"]["mean"] == analysis.forecast.mean[:, 0].tolist()
    assert str(found).startswith("frames: 60 frames of 24 x 24 px, 0 to 59 s, one each 1 s")
    assert "time            2 s" in found.lines
    tables = {"crystallize.json", "features.csv", "forecast.csv", "backtest.csv", "model"}
    assert tables < set(found.files)
    for name in sorted(tables):
        found.files[name](tmp_path / name)
    assert json.loads((tmp_path / "crystallize.json").read_text("utf-8")) == found.facts
    assert np.array_equal(FluxForecaster.load(tmp_path / "model").known[1], analysis.forecaster.known[1])


def test_a_series_is_read_as_a_record(tmp_path: Path) -> None:
    path = write(tmp_path / "series.csv", series_text())
    record = read_record(path)
    assert record.columns == ("blue", "green")
    assert (record.sequence, record.share, record.synthetic) == (None, None, False)
    assert list(record.readings) == ["thermocouple1_c"]
    assert read_record(path, columns=["green"]).values.shape == (60, 1)
    assert not has_frames(path)
    assert has_frames(tmp_path)
    assert has_frames(None)


@pytest.mark.parametrize(
    ("arguments", "argument", "allowed"),
    [
        ({"steps": 0}, "steps", "must be at least 1"),
        ({"level": 2.0}, "level", "must lie between 0 and 1"),
        ({"start": 1.0}, "start", "must lie between 0 and 1"),
        ({"seed": -1}, "seed", "must not be negative"),
        ({"horizons": (3, 1)}, "horizons", "must be whole numbers from 1, increasing"),
    ],
)
def test_settings_are_checked(arguments: dict[str, Any], argument: str, allowed: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        AnalysisSettings(**arguments)
    assert (caught.value.argument, caught.value.value) == (argument, arguments[argument])
    assert caught.value.allowed == allowed
    with pytest.raises(KeyError, match="'luck' is unknown"):
        AnalysisSettings(against=("luck",))


def test_what_belongs_to_other_records_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "series.csv", series_text())
    for arguments, name in (({"skip": True}, "skip"), ({"crystals": "dark"}, "crystals")):
        with pytest.raises(ArgumentError, match=f"{name}: is for frames; ") as caught:
            read_record(path, **arguments)
        assert caught.value.argument == name
        with pytest.raises(ArgumentError, match=f"{name}: is for a record of your own; none is given"):
            read_record(None, **arguments)
    with pytest.raises(ArgumentError, match="pattern: is for the names in a folder; "):
        read_record(path, pattern="(.)")
    with pytest.raises(ArgumentError) as caught:
        frames_record(growing(), columns=["colour"])
    assert (caught.value.argument, caught.value.value) == ("columns", "colour")
    with pytest.raises(ArgumentError, match="image_size: is for frames; "):
        analyse(read_record(path), AnalysisSettings(image_size=8))
    with pytest.raises(FileNotFoundError, match="there is no such file or folder"):
        read_record(tmp_path / "none")
