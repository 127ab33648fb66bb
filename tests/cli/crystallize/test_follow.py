"""`tundish crystallize --follow`: a folder into which frames arrive."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("skimage")

from PIL import Image
from references.crystallize import FOLLOW, SETTINGS, Run, growing, process
from references.limits import HANG

from tundish.crystallization import FluxForecaster, FrameSequence

NEEDS_SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def lines_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def last_row(file: Path) -> str:
    return file.read_text("utf-8").rpartition("\n")[0].rpartition("\n")[2] if file.exists() else ""


def wait_for_row(process: subprocess.Popen[str], file: Path, start: str) -> None:
    """Until the last row of the table begins so, or the process that writes it has ended."""
    until = time.monotonic() + HANG
    while not last_row(file).startswith(start) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


@NEEDS_SIGNALS
def test_frames_that_arrive_are_forecast_from(tmp_path: Path) -> None:
    """Half a file is waited for, one that stays so is left out, and nothing is removed."""
    growing().write_folder(tmp_path / "made")
    made = sorted((tmp_path / "made").glob("*.png"))
    watched, out = tmp_path / "watched", tmp_path / "out"
    watched.mkdir()
    for file in made[:45]:
        (watched / file.name).write_bytes(file.read_bytes())
    before = {path.name for path in watched.iterdir()}
    with process(watched, *FOLLOW, "--follow-seconds", HANG, "--out", out, "--json") as following:
        wait_for_row(following, out / "follow.csv", "44,")
        for n, file in enumerate(made[45:50], 45):
            whole = file.read_bytes()
            (watched / file.name).write_bytes(whole[: len(whole) // 2])
            time.sleep(0.05)
            if n != 47:
                (watched / file.name).write_bytes(whole)
        # All but one are whole now, however long that took.
        assert following.stdin is not None
        following.stdin.write("\n")
        following.stdin.flush()
        wait_for_row(following, out / "follow.csv", "49,")
        following.send_signal(signal.SIGINT)
        text, err = following.communicate(timeout=HANG)
        status = following.returncode
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


@NEEDS_SIGNALS
def test_ctrl_c_ends_it_in_order(folder: Path, tmp_path: Path) -> None:
    """With status 0, the model saved, and the handler as it was."""
    out = tmp_path / "out"
    with process(folder, *FOLLOW, "--follow-seconds", HANG, "--out", out) as following:
        wait_for_row(following, out / "follow.csv", "59,")
        following.send_signal(signal.SIGINT)
        text, err = following.communicate(timeout=HANG)
    assert (following.returncode, err) == (0, "")
    assert "59 s: share" in text
    assert "followed 60 frames; 0 left out" in text
    assert (out / "model" / "card.json").exists()


WITHIN_WAIT = """
import signal
from tundish.cli.crystallize import _until_interrupted

with _until_interrupted() as ended:
    with ended._cond:  # as `wait` holds it when it begins and ends
        signal.raise_signal(signal.SIGINT)
    print(ended.wait(60))
"""


def test_ctrl_c_may_come_while_the_event_is_locked() -> None:
    """Within `ended.wait`, whose lock the handler must not wait for."""
    command = [sys.executable, "-c", WITHIN_WAIT]
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)
    assert (result.stdout, result.stderr) == ("True\n", "")


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
