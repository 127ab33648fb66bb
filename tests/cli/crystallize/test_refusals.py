"""`tundish crystallize`: bad input in one line, with status 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("skimage")

from PIL import Image
from references.crystallize import SETTINGS, SMALL, Run, json_of, refused, series_text, write

from tundish.crystallization import FluxForecaster, FrameSequence


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
