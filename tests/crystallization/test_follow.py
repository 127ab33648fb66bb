"""Folders that are followed from Python."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("skimage")

from references.crystallize import growing

from tundish import ArgumentError
from tundish.crystallization import AnalysisSettings, FluxForecaster, Notice, Outlook, follow

SETTINGS = AnalysisSettings(window=5, epochs=1, horizons=(1, 4), steps=4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    growing().write_folder(tmp_path / "frames")
    return tmp_path / "frames"


def test_an_outlook_follows_the_frames_that_arrive(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    following = follow(folder, SETTINGS, after=40, out=tmp_path / "out")
    assert following.forecaster is None
    (outlook,) = following.watch(poll=0.01, seconds=0.005)
    assert isinstance(outlook, Outlook)
    assert (outlook.time, outlook.frames, outlook.columns) == (59, 60, ("share",))
    assert str(outlook).startswith("59 s: share ")
    assert outlook.facts()["forecast"]["time_s"] == [60, 61, 62, 63]
    frames = growing()
    same = FluxForecaster(window=5, epochs=1, horizons=(1, 4), image_size=None)
    expected = same.fit(type(frames)(frames.images[:40], frames.time[:40]))
    for n in range(40, 60):
        expected.update(frames.images[n], frames.time[n])
    assert np.array_equal(outlook.forecast.mean[:, 0], expected.forecast(4).mean)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"forecast.csv", "follow.csv"}
    found = following.report()
    assert found.facts == {"ended": True, "frames": 60, "left_out": []}
    assert found.lines == ("followed 60 frames; 0 left out",)
    assert list(found.files) == ["forecast.png", "forecast.csv", "follow.csv", "model"]
    (tmp_path / "copy").mkdir()
    for name in ("forecast.csv", "follow.csv"):
        found.files[name](tmp_path / "out" / name)  # there already
        found.files[name](tmp_path / "copy" / name)
        assert (tmp_path / "copy" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_notices_name_what_is_left_out_and_why_it_waits(folder: Path) -> None:
    (folder / "frame.png").write_bytes((folder / "frame_00.png").read_bytes())
    following = follow(folder, SETTINGS, after=90)
    (notice,) = following.watch(poll=0.01, seconds=0.005)
    assert isinstance(notice, Notice)
    assert notice.text.startswith(f"{folder / 'frame.png'}: left out: its name carries no time")
    assert [name for name, _ in following.left_out] == ["frame.png"]
    assert following.report().files == {}


def test_a_watch_ends_when_its_event_is_set(folder: Path) -> None:
    ended = threading.Event()
    events = follow(folder, SETTINGS, after=90).watch(ended=ended)
    ended.set()
    assert list(events) == []


def test_bad_arguments_are_refused(folder: Path) -> None:
    for arguments, message in (({"after": 0}, "after = 0"), ({"crystals": "grey"}, "crystals = 'grey'")):
        with pytest.raises(ArgumentError, match=message):
            follow(folder, SETTINGS, **arguments)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"folder: .* is no folder to watch"):
        follow(folder / "frame_00.png", SETTINGS)
    with pytest.raises(ArgumentError, match="poll = 0: must be finite and above 0") as caught:
        follow(folder, SETTINGS).watch(poll=0)
    assert caught.value.argument == "poll"
    numbers = FluxForecaster(window=5, epochs=1, horizons=(1, 4)).fit(np.sin(np.arange(60.0)))
    with pytest.raises(ArgumentError, match="model: was fitted to a series; frames are followed"):
        follow(folder, SETTINGS, model=numbers)
