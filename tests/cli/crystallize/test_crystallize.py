"""`tundish crystallize`: what it prints and writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("skimage")

from PIL import Image
from references.crystallize import (
    COUNT,
    FEW,
    FOLLOW,
    PICTURES,
    SETTINGS,
    SMALL,
    Run,
    growing,
    json_of,
    refused,
    series_text,
    write,
)

from tundish.crystallization import FluxForecaster, FrameSequence, _record, backtest, fit_jmak
from tundish.crystallization._report_text import text_of


def test_figures_are_those_of_the_library(run: Run, folder: Path) -> None:
    """Features, fit, forecast and backtest as from Python."""
    found = json_of(run(folder, *SMALL, "--seed", 3, "--json"))
    frames = FrameSequence.from_folder(folder).repair()
    table = frames.features()
    fit = fit_jmak(table["time"], table["share"])
    told = found["transformation"]
    assert told["rate"]["value"] == pytest.approx(fit.rate)
    assert [told["half"]["lower"], told["half"]["upper"]] == pytest.approx(fit.interval("half"))
    forecaster = FluxForecaster(**SETTINGS, seed=3)
    share = frames.features(frames[:42].calibration())["share"]
    expected = backtest(FluxForecaster(**SETTINGS, limits=(0, 1), seed=3), share, 0.7, (1, 4))
    rows = [row for row in found["backtest"]["rows"] if row["model"] == "recommended"]
    assert [row["mae"] for row in rows] == pytest.approx(expected["mae"].tolist())
    assert [row["origins"] for row in rows] == [18, 15]
    said = forecaster.fit(frames).forecast(6, 0.9)
    assert found["forecast"]["columns"]["share"]["mean"] == pytest.approx(said.mean.tolist())
    assert found["forecast"]["columns"]["share"]["upper"] == pytest.approx(said.upper.tolist())
    assert found["forecast"]["time_s"] == [60, 61, 62, 63, 64, 65]
    assert found["model"]["settings"] == forecaster.settings
    assert found["frames"]["count"] == COUNT
    (repair,) = found["repairs"]
    assert (repair["time"], repair["read"], repair["repaired"], repair["reason"]) == (
        20,
        12000,
        1200,
        "spike",
    )
    assert (found["files"], found["truth"], found["synthetic"]) == ([], None, False)


def test_files_are_written_and_the_model_goes_on(
    run: Run, folder: Path, tmp_path: Path, blank_pictures: None
) -> None:
    """On the frames that follow; then there is nothing new, and no table."""
    pytest.importorskip("matplotlib")
    out, first = tmp_path / "new" / "out", tmp_path / "first"
    FrameSequence.from_folder(folder)[:50].write_folder(first)
    found = json_of(run(first, *SMALL, "--out", out, "--json"))
    names = {Path(name).relative_to(out).as_posix() for name in found["files"]}
    tables = {"crystallize.json", "features.csv", "forecast.csv", "backtest.csv"}
    assert names == {*tables, "model", *PICTURES}
    rows = list(csv.DictReader((out / "features.csv").read_text("utf-8").splitlines()))
    assert [float(row["time_s"]) for row in rows] == list(range(50))
    assert float(rows[20]["temperature_c"]) == 1200
    ahead = list(csv.DictReader((out / "forecast.csv").read_text("utf-8").splitlines()))
    assert [float(row["share"]) for row in ahead] == pytest.approx(
        found["forecast"]["columns"]["share"]["mean"]
    )
    again = json_of(run(first, "--model", out / "model", *FEW, "--json"))
    assert again["forecast"] == found["forecast"]
    assert again["backtest"]["rows"] == []
    onwards = json_of(run(folder, "--model", out / "model", *FEW, "--json"))
    model = FluxForecaster.load(out / "model")
    frames = FrameSequence.from_folder(folder)
    values = model.observed(frames)
    errors = []
    for n in range(50, COUNT):
        errors.append(abs(model.forecast(1).mean[0] - values[n]))
        model.update(frames[n : n + 1])
    (row,) = (r for r in onwards["backtest"]["rows"] if (r["model"], r["horizon"]) == ("recommended", 1))
    assert row["mae"] == pytest.approx(np.mean(errors))
    assert row["origins"] == 10
    assert onwards["forecast"]["columns"]["share"]["mean"] == pytest.approx(model.forecast(6).mean.tolist())


def test_a_series_is_forecast_by_column(run: Run, series: Path, tmp_path: Path, blank_pictures: None) -> None:
    """All but the readings, which are repaired; the model then goes on with those columns."""
    out = tmp_path / "out"
    found = json_of(run(series, *SMALL, "--out", out, "--json"))
    assert found["columns"] == ["blue", "green"]
    assert (found["frames"], found["transformation"]) == (None, None)
    assert "no column share" in found["no_transformation"]
    assert [(r["time"], r["repaired"]) for r in found["repairs"]] == [(129, 1129)]
    assert (out / "repaired.csv").exists()
    assert not (out / "features.csv").exists()
    rows = series_text(70)
    longer = write(tmp_path / "longer.csv", rows)
    onwards = json_of(run(longer, "--model", out / "model", *FEW, "--json"))
    assert onwards["columns"] == ["blue", "green"]
    assert onwards["forecast"]["time_s"][0] == 170
    assert {row["model"] for row in onwards["backtest"]["rows"]} == {"recommended", "persistence"}
    one = json_of(run(series, *SMALL, "--column", "green", "--json"))
    assert list(one["forecast"]["columns"]) == ["green"]


def test_a_share_that_ends_early_is_remarked_on(run: Run, tmp_path: Path) -> None:
    n = np.arange(80.0)
    share = 0.6 * (1 - np.exp(-((n / 15) ** 2))) + 0.002 * np.sin(7 * n)
    rows = [["time_s", "share"], *([f"{a:g}", f"{b:.6f}"] for a, b in zip(n, share, strict=True))]
    status, out, err = run(write(tmp_path / "share.csv", rows), *SMALL, "--json")
    assert status == 0
    assert "transformation: share: comes to an end at 0.60" in err
    assert "does not hold" in json.loads(out)["remarks"][0]


def test_gaps_and_empty_cells_are_bridged_and_told(run: Run, series: Path) -> None:
    rows = series_text()
    rows[12][2] = ""
    del rows[40:43]
    write(series, rows)
    found = json_of(run(series, *SMALL, "--json"))
    assert found["left_out"] == [["line 13", "green is empty"]]
    assert found["gaps"] == [{"after_s": 110, "missing": 1}, {"after_s": 138, "missing": 3}]
    status, out, _ = run(series, *SMALL)
    assert status == 0
    assert "left out        1 left out: line 13: green is empty" in out
    assert "gaps            2 bridged: 1 missing after 110 s" in out
    alone = json_of(run(series, *SMALL, "--column", "blue", "--json"))
    assert alone["left_out"] == []


def test_the_report_tells_it_in_words(run: Run, folder: Path) -> None:
    status, out, err = run(folder, *SMALL)
    assert (status, err) == (0, "")
    assert f"{folder}: 60 frames of 24 x 24 px, 0 to 59 s, one each 1 s" in out
    assert "readings        1 put right: 20 s, thermocouple 1: 12000 -> 1200 degC (spike)" in out
    assert "transformation  X = 1 - exp" in out
    rows = [line for line in out.splitlines() if line.startswith(("model  ", "recommended", "persistence"))]
    assert len({len(row.rstrip("*")) for row in rows[:3]}) == 1
    assert "nan" not in out


def test_it_runs_without_a_record(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the synthetic sequence, and says so; what is measured is beside the truth."""
    monkeypatch.setattr(_record, "SECONDS", 80.0)
    monkeypatch.setattr(_record, "SIZE", (32, 40))
    found = json_of(run(*SMALL, "--json"))
    assert found["synthetic"]
    assert found["truth"]["share_rms"] < 0.05
    assert found["truth"]["exponent"] == 2.5
    assert "data            synthetic" in text_of(found)


def test_crystals_may_be_darker_than_the_melt(run: Run, folder: Path, series: Path, tmp_path: Path) -> None:
    bright = growing()
    FrameSequence(255 - bright.images, bright.time).write_folder(tmp_path / "dark")
    first = json_of(run(folder, *SMALL, "--json"))
    second = json_of(run(tmp_path / "dark", *SMALL, "--crystals", "dark", "--json"))
    assert second["frames"]["share"] == pytest.approx(first["frames"]["share"], abs=0.05)
    assert second["frames"]["share"]["last"] > 0.9
    status, out, err = run(series, "--crystals", "dark")
    assert (status, out) == (2, "")
    assert "--crystals: is for frames" in err
    status, out, err = run("--crystals", "dark")
    assert (status, out) == (2, "")
    assert err.endswith("--crystals: is for a record of your own; none is given\n")


def test_a_tiff_of_pages_is_a_record(run: Run, tmp_path: Path) -> None:
    images = growing().images
    pages = [Image.fromarray(image) for image in images]
    pages[0].save(tmp_path / "film.tif", save_all=True, append_images=pages[1:])
    found = json_of(run(tmp_path / "film.tif", *SMALL, "--frames-per-second", 2, "--json"))
    assert found["time_s"] == {"first": 0, "last": 29.5, "step": 0.5, "count": COUNT}


def test_doubts_about_the_flux_are_told(run: Run, tmp_path: Path) -> None:
    """Of a disc that grows where no pool is seen: on stderr and in the report, and without a warning."""
    y, x = np.mgrid[:24, :24] - 11.5
    grey = 50 + 120 * (np.hypot(x, y)[None] < 0.15 * np.arange(COUNT)[:, None, None])
    noisy = grey + np.random.default_rng(0).normal(0, 3, grey.shape)
    FrameSequence(noisy.astype(np.uint8), np.arange(float(COUNT))).write_folder(tmp_path / "frames")
    status, out, err = run(tmp_path / "frames", *SMALL, "--json")
    assert status == 0
    doubt, of_part = json.loads(out)["remarks"]
    assert doubt.startswith("melt that never changes does not stand out from what is around it")
    assert doubt.endswith("so the whole frame is taken for the flux")
    assert of_part == f"of the first 70 % of the frames, by which forecasts are judged: {doubt}"
    assert err.count("so the whole frame is taken for the flux") == 2
    status, _, err = run(tmp_path / "frames", *FOLLOW, "--follow-seconds", 0.01)
    assert (status, err.count("so the whole frame is taken for the flux")) == (0, 1)


def test_networks_may_see_frames(run: Run, folder: Path) -> None:
    found = json_of(run(folder, *SMALL, "--pixels", 8, "--json"))
    assert found["model"]["settings"]["image_size"] == 8
    assert {row["model"] for row in found["backtest"]["rows"]} == {"recommended", "persistence"}


def test_bad_frames_are_skipped_if_asked(run: Run, folder: Path) -> None:
    """And what they leave is bridged; networks that see frames are then not judged by them."""
    file = sorted(folder.glob("*.png"))[30]
    file.write_bytes(file.read_bytes()[:60])
    refused(run(folder, *SMALL), file, "cannot be read")
    found = json_of(run(folder, *SMALL, "--skip", "--json"))
    assert [name for name, _ in found["left_out"]] == [file.name]
    assert found["gaps"] == [{"after_s": 29, "missing": 1}]
    status, out, err = run(folder, *SMALL, "--skip", "--pixels", 8, "--json")
    assert status == 0
    assert "frames are missing" in err
    assert "frames are missing" in json.loads(out)["remarks"][0]


def test_a_pattern_tells_the_times_in_names(run: Run, folder: Path, series: Path) -> None:
    for n, file in enumerate(sorted(folder.glob("*.png"))):
        file.rename(folder / f"t{n}_T{1200 + n % 3}.png")
    (folder / "readings.csv").unlink()
    refused(run(folder, *SMALL), folder, "differs from t0_T1200.png in more numbers than the last")
    found = json_of(run(folder, *SMALL, "--pattern", r"t(\d+)_T", "--json"))
    assert found["time_s"] == {"first": 0, "last": COUNT - 1, "step": 1, "count": COUNT}
    refused(run(folder, *SMALL, "--pattern", "t("), "--pattern 't(': is no regular expression")
    refused(run(series, *SMALL, "--pattern", "(t)"), "--pattern: is for the names in a folder")


def test_readings_of_no_frame_are_told(run: Run, folder: Path) -> None:
    with (folder / "readings.csv").open("a") as file:
        file.write("99,1200\n")
    found = json_of(run(folder, *SMALL, "--json"))
    assert [name for name, _ in found["left_out"]] == ["readings.csv"]


def test_a_short_record_is_judged_as_far_as_it_reaches(run: Run, folder: Path) -> None:
    """Told on stderr, too; baselines that need more are named."""
    result = run(
        folder, "--window", 5, "--epochs", 1, "--horizons", "1,4,20", "--against", "autoregression", "--json"
    )
    status, out, err = result
    assert status == 0
    assert "18 values are left" in err
    found = json.loads(out)
    assert {row["horizon"] for row in found["backtest"]["rows"]} == {1, 4}
    assert "at least 61 are needed" in found["backtest"]["missing"]["autoregression"]


def test_pictures_are_drawn(run: Run, folder: Path, series: Path, tmp_path: Path) -> None:
    """In earnest, all of them."""
    pytest.importorskip("matplotlib")
    assert run(folder, *SMALL, "--out", tmp_path / "out")[0] == 0
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == PICTURES
    assert run(series, *SMALL, "--out", tmp_path / "series")[0] == 0
    drawn = {path.name for path in (tmp_path / "series").glob("*.png")}
    assert drawn == PICTURES - {"frames.png", "transformation.png"}
