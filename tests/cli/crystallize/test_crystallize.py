"""`tundish crystallize`: what it prints, writes and follows, and its exit status."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("skimage")

from PIL import Image

from tundish.cli import _crystallize_case as cases
from tundish.cli import _crystallize_follow as following
from tundish.cli._crystallize_report import text_of
from tundish.cli.main import main
from tundish.crystallization import FluxForecaster, FrameSequence, backtest, fit_jmak

SMALL = ("--window", "5", "--epochs", "1", "--horizons", "1,4", "--steps", "6", "--against", "persistence")
FEW = ("--horizons", "1,4", "--steps", "6", "--against", "persistence")
SETTINGS: dict[str, Any] = dict(window=5, epochs=1, horizons=(1, 4), image_size=None)
PICTURES = {"frames.png", "transformation.png", "forecast.png", "backtest.png", "training.png"}
COUNT = 60

Result = tuple[int, str, str]
Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line, and returns (exit status, stdout, stderr)."""

    def ran(*argv: object) -> Result:
        status = main(["crystallize", *(str(word) for word in argv)])
        return status, *capsys.readouterr()

    return ran


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are files without content: to draw them takes seconds."""
    for module in ("_crystallize_files", "_crystallize_follow"):
        monkeypatch.setattr(f"tundish.cli.{module}.write_picture", lambda plot, path: path.touch())


def growing(count: int = COUNT, rng: int = 0) -> FrameSequence:
    """A disc that grows on a pool of dark melt as the law says; a reading that doubles a digit."""
    y, x = np.mgrid[:24, :24] - 11.5
    share = 1 - np.exp(-((np.clip(np.arange(count) - 5, 0, None) / (0.5 * count)) ** 2))
    inside = np.hypot(x, y) < 11
    radius = 11 * np.sqrt(share)
    grey = np.where(inside, 50, 20) + 120 * (np.hypot(x, y)[None] < radius[:, None, None])
    noisy = grey + np.random.default_rng(rng).normal(0, 3, (count, 24, 24))
    readings = 1200.0 + np.arange(count) % 3
    readings[20] = 12000
    return FrameSequence(
        np.clip(noisy, 0, 255).astype(np.uint8), np.arange(count, dtype=float), temperature=readings,
        mask=inside,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    growing().write_folder(tmp_path / "frames")
    return tmp_path / "frames"


def series_text(count: int = COUNT, **changes: Any) -> list[list[str]]:
    """Rows of a series: two waves and a thermocouple."""
    n = np.arange(count)
    columns = [100 + n, 50 + np.sin(n / 5), 80 + np.cos(n / 7), 1100 + n]
    rows = [[f"{value:.6g}" for value in row] for row in zip(*columns, strict=True)]
    return [["time_s", "blue", "green", "thermocouple1_c"], *rows]


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def series(tmp_path: Path) -> Path:
    rows = series_text()
    rows[30][3] = "11299"  # of 1129
    return write(tmp_path / "series.csv", rows)


def json_of(result: Result) -> dict[str, Any]:
    status, out, err = result
    assert (status, err) == (0, "")
    found: dict[str, Any] = json.loads(out, parse_constant=pytest.fail)
    return found


# ---- what is found


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
    monkeypatch.setattr(cases, "SECONDS", 80.0)
    monkeypatch.setattr(cases, "SIZE", (32, 40))
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


# ---- following


def lines_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


FOLLOW = ("--follow", "--poll", "0.02", "--after", "40", "--window", "5", "--epochs", "1", "--steps", "4")


def test_frames_that_arrive_are_forecast_from(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank_pictures: None
) -> None:
    """Half a file is waited for, one that stays so is left out, and nothing is removed."""
    monkeypatch.setattr(following, "_PATIENCE", 0.2)
    growing().write_folder(tmp_path / "made")
    made = sorted((tmp_path / "made").glob("*.png"))
    watched, out = tmp_path / "watched", tmp_path / "out"
    watched.mkdir()
    for file in made[:45]:
        (watched / file.name).write_bytes(file.read_bytes())

    def arrive() -> None:
        for n, file in enumerate(made[45:50], 45):
            whole = file.read_bytes()
            (watched / file.name).write_bytes(whole[: len(whole) // 2])
            time.sleep(0.05)
            if n != 47:
                (watched / file.name).write_bytes(whole)

    thread = threading.Thread(target=arrive)
    thread.start()
    before = set(sorted(path.name for path in watched.iterdir()))
    # A second is enough for five frames and a file that stands still; the rest is the machine's.
    status, text, err = run(watched, *FOLLOW, "--follow-seconds", 3, "--out", out, "--json")
    thread.join()
    assert status == 0
    *told, end = lines_of(text)
    assert (end["ended"], end["frames"]) == (True, 49)
    assert [name for name, _ in end["left_out"]] == [made[47].name]
    assert f"{watched / made[47].name}: left out: cannot be read" in err
    assert told[-1]["time_s"] == 49
    assert told[-1]["forecast"]["time_s"] == [50, 51, 52, 53]
    assert before <= {path.name for path in watched.iterdir()}
    model = FluxForecaster.load(out / "model")
    assert model.known[0].tolist() == list(range(50))
    assert [(gap.after, gap.missing) for gap in model.gaps] == [(46, 1)]
    rows = list(csv.DictReader((out / "forecast.csv").read_text("utf-8").splitlines()))
    assert [float(row["share"]) for row in rows] == pytest.approx(
        told[-1]["forecast"]["columns"]["share"]["mean"]
    )
    followed = list(csv.DictReader((out / "follow.csv").read_text("utf-8").splitlines()))
    assert [float(row["time_s"]) for row in followed] == [line["time_s"] for line in told]


def test_a_saved_model_follows_what_comes_after(run: Run, folder: Path, tmp_path: Path) -> None:
    frames = FrameSequence.from_folder(folder)
    FluxForecaster(**SETTINGS).fit(frames[:50]).save(tmp_path / "model")
    command = ("--follow", "--follow-seconds", 0.01, "--model", tmp_path / "model", "--steps", 4, "--json")
    status, text, _ = run(folder, *command)
    assert status == 0
    told, end = lines_of(text)
    expected = FluxForecaster.load(tmp_path / "model").update(frames[50:])
    assert end["frames"] == 10
    assert told["forecast"]["columns"]["share"]["mean"] == pytest.approx(expected.forecast(4).mean.tolist())


def test_ctrl_c_ends_it_in_order(run: Run, folder: Path, tmp_path: Path, blank_pictures: None) -> None:
    """With status 0, the model saved, and the handler as it was."""
    before = signal.getsignal(signal.SIGINT)
    out = tmp_path / "out"

    def interrupt() -> None:
        while not (out / "follow.csv").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    status, text, err = run(folder, *FOLLOW, "--follow-seconds", 60, "--out", out)
    thread.join()
    assert (status, err) == (0, "")
    assert "59 s: share" in text
    assert "followed 60 frames; 0 left out" in text
    assert (out / "model" / "card.json").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_it_waits_for_a_flux_that_changes_and_for_enough_frames(run: Run, tmp_path: Path) -> None:
    """A melt of one level cannot be learnt from; it is said once."""
    still = growing()
    flat = FrameSequence(np.repeat(still.images[:1], 50, axis=0), np.arange(50.0))
    flat.write_folder(tmp_path / "still")
    status, text, err = run(tmp_path / "still", *FOLLOW, "--follow-seconds", 0.01)
    assert (status, text) == (0, "followed 50 frames; 0 left out\n")
    assert err.count("waits for more frames") == 1
    still[:30].write_folder(tmp_path / "few")
    assert run(tmp_path / "few", *FOLLOW, "--follow-seconds", 0.01)[1:] == (
        "followed 30 frames; 0 left out\n", ""
    )  # fmt: skip


def test_what_does_not_fit_is_left_out(run: Run, folder: Path) -> None:
    """Frames of another size, without a time, of names that do not tell it, and two of one time."""
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "frame_70.png")
    Image.fromarray(np.zeros((24, 24), np.uint8)).save(folder / "frame.png")
    (folder / "frame_59.0.png").write_bytes((folder / "frame_59.png").read_bytes())
    (folder / "frame_71_2.png").write_bytes((folder / "frame_59.png").read_bytes())
    status, text, err = run(folder, *FOLLOW, "--follow-seconds", 0.01, "--json")
    assert status == 0
    left_out = dict(lines_of(text)[-1]["left_out"])
    assert set(left_out) == {"frame.png", "frame_59.png", "frame_70.png", "frame_71_2.png"}
    assert "differs from frame_00.png in more numbers" in left_out["frame_71_2.png"]
    assert "carries no time" in left_out["frame.png"]
    assert "of another size" in left_out["frame_70.png"]
    assert len(err.splitlines()) == 4


def test_a_long_gap_begins_another_record(run: Run, folder: Path) -> None:
    (folder / "frame_59.png").rename(folder / "frame_500.png")
    status, text, err = run(folder, *FOLLOW, "--follow-seconds", 0.01)
    assert status == 0
    assert "442 s after the last; begins anew" in err
    assert text == "followed 60 frames; 0 left out\n"


# ---- bad input


def refused(result: Result, *words: object) -> None:
    status, out, err = result
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("tundish crystallize: ")
    for word in words:
        assert str(word) in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[7].__setitem__(1, "abc"), "line 8, blue: 'abc' is no number"),
        (lambda rows: rows[7].__setitem__(1, "-inf"), "line 8, blue: is infinite"),
        (lambda rows: rows[7].pop(), "line 8: has 3 cells; 4, one a name, are needed"),
        (lambda rows: rows[7].__setitem__(0, "105"), "line 8: 105 s is there twice, as 105 s of line 7"),
        (lambda rows: rows[7].__setitem__(0, "90"), "line 8: 90 s runs backwards, after 105 s of line 7"),
        (lambda rows: rows[7].__setitem__(0, ""), "line 8: has no time"),
        (lambda rows: rows[0].__setitem__(0, "seconds"), "line 1: must name one column of times"),
        (
            lambda rows: rows[0].__setitem__(slice(None), ["time_s;blue"]),
            "line 1: cells are separated by semi",
        ),
        (lambda rows: rows[0].__setitem__(2, "blue"), "line 1: blue is there twice"),
        (lambda rows: rows[0].__setitem__(2, ""), "line 1: column 3 has no name"),
        (lambda rows: rows.__delitem__(slice(1, None)), "has no line of numbers"),
        (lambda rows: rows.clear(), "is empty"),
        (lambda rows: rows.__delitem__(slice(10, None)), "series: has 9 values; at least 17 are needed"),
        (lambda rows: rows.__delitem__(slice(20, 50)), "time[19] = 149 s: comes 31 s after the one before"),
        (lambda rows: [row.__setitem__(slice(1, 3), ["5", "5"]) for row in rows[1:]], "series: is constant"),
        (
            lambda rows: [row.__delitem__(slice(1, 3)) for row in rows],
            "has no column of values to forecast beside time_s",
        ),
    ],
)
def test_bad_series_are_refused_by_line(
    run: Run, series: Path, change: Callable[[list[list[str]]], object], message: str
) -> None:
    rows = series_text()
    change(rows)
    refused(run(write(series, rows), *SMALL), f"tundish crystallize: {series}: ", message)


def test_files_that_are_no_series_are_refused(run: Run, tmp_path: Path, series: Path) -> None:
    refused(run(tmp_path / "none.csv"), tmp_path / "none.csv", "there is no such file or folder")
    series.write_bytes(b"time_s,a\n0,\xff\n")
    refused(run(series, *SMALL), series, "is no text in UTF-8")
    series.write_text('time_s,a\n0,"1\n')
    refused(run(series, *SMALL), series)
    write(series, series_text())
    refused(run(series, *SMALL, "--column", "red"), series, "has no column 'red'; there are blue, green")
    refused(run(series, *SMALL, "--pixels", 8), "--pixels: is for frames")
    refused(run(series, "--follow"), f"--follow: {series}: is no folder to watch")


def test_bad_folders_are_refused_by_file(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(run(tmp_path / "empty"), tmp_path / "empty", "no frame can be read")
    refused(run(folder, *SMALL, "--column", "colour"), "--column colour: frames have no such feature")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "frame_70.png")
    refused(run(folder, *SMALL), folder / "frame_70.png", "is 8 x 8 px; 24 x 24 px, as most, is needed")
    (folder / "frame_70.png").unlink()
    (folder / "readings.csv").write_text("time_s,thermocouple1_c\n0,hot\n")
    refused(run(folder, *SMALL), folder / "readings.csv", "line 2")


def test_frames_of_one_state_are_refused(run: Run, tmp_path: Path) -> None:
    images = np.random.default_rng(0).normal(50, 3, (40, 24, 24)).astype(np.uint8)
    FrameSequence(images, np.arange(40.0)).write_folder(tmp_path / "melt")
    refused(run(tmp_path / "melt", *SMALL), tmp_path / "melt", "series: is constant")


def test_a_programme_guides_the_repair(run: Run, series: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "programme.csv", [["time_s", "degc"], ["100", "1100"], ["160", "1160"]])
    found = json_of(run(series, *SMALL, "--programme", file, "--json"))
    assert [r["reason"] for r in found["repairs"]] == ["programme"]
    write(file, [["time_s", "degc"], ["100", "1100"], ["90", "1160"]])
    refused(run(series, *SMALL, "--programme", file), file, "line 3: 90 s runs backwards")
    write(file, [["degc"], ["1100"]])
    refused(run(series, *SMALL, "--programme", file), file, "line 1: must be time_s and a name")


def test_bad_models_are_refused(run: Run, folder: Path, series: Path, tmp_path: Path) -> None:
    """Missing, of another record, or of numbers where frames are."""
    model = tmp_path / "model"
    refused(run(folder, "--model", model), model / "card.json", "is missing")
    frames = FrameSequence.from_folder(folder)
    FluxForecaster(**SETTINGS).fit(frames).save(model)
    refused(run(series, "--model", model), f"--model {model}: was fitted to frames; {series} has a series")
    late = FrameSequence(frames.images, frames.time + 500)
    late.write_folder(tmp_path / "late")
    refused(run(tmp_path / "late", "--model", model), "--model", "of 500 to 559 s, does not go on")
    FluxForecaster(**SETTINGS).fit(np.sin(np.arange(60.0))).save(tmp_path / "numbers")
    refused(run(folder, "--model", tmp_path / "numbers"), "was fitted to a series; ", "has frames")
    command = ("--follow", "--model", tmp_path / "numbers")
    refused(run(folder, *command), "was fitted to a series; frames are followed")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "0"], "--steps 0: must be at least 1"),
        (["--level", "1.5"], "--level 1.5: must lie between 0 and 1"),
        (["--level", "nan"], "--level nan: must lie between 0 and 1"),
        (["--start", "0"], "--start 0: must lie between 0 and 1"),
        (["--seed", "-1"], "--seed -1: must not be negative"),
        (["--horizons", "3,1"], "--horizons 3,1: must be whole numbers from 1, increasing"),
        (["--horizons", "one"], "--horizons one: must be whole numbers"),
        (["--against", "luck"], "--against luck: 'luck' is unknown; known are persistence"),
        (["--window", "2"], "--window 2: must be at least 4"),
        (["--epochs", "0"], "--epochs 0: must be at least 1"),
        (["--ensemble", "0"], "--ensemble 0: must be at least 1"),
        (["--pixels", "1"], "--pixels 1: must be at least"),
        (["--device", "abacus"], "--device 'abacus': is unknown to torch"),
        (["--frames-per-second", "0"], "--frames-per-second 0: must be finite and above 0"),
        (["--model", "m", "--window", "9"], "--window: is of a training; --model m has had its own"),
        (["--poll", "1"], "--poll: is for --follow alone"),
        (["--follow", "--poll", "0"], "--poll 0: must be finite and above 0"),
        (["--follow", "--follow-seconds", "-1"], "--follow-seconds -1: must be finite and above 0"),
        (["--follow", "--after", "0"], "--after 0: must be at least 1"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    run: Run, folder: Path, arguments: list[str], message: str
) -> None:
    refused(run(folder, *arguments), message)


def test_following_needs_a_folder(run: Run) -> None:
    refused(run("--follow"), "--follow: needs a FOLDER to watch")


def test_a_folder_that_cannot_be_made_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(
        run(folder, *SMALL, "--out", tmp_path / "file"), f"--out {tmp_path / 'file'}: is a file; a folder"
    )


def test_a_missing_library_is_named(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the pip command, status 1."""
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    status, out, err = run(folder, *SMALL)
    assert (status, out) == (1, "")
    assert "tundish[vision]" in err
    assert len(err.splitlines()) == 1


def test_help(run: Run) -> None:
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    assert "--follow-seconds" in out
