"""Folders and files of frames: the times in their names, readings beside them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from references.frames import frames

from tundish.crystallization import FrameSequence


def write(folder: Path, names: list[str], images: NDArray[np.uint8]) -> None:
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(folder / name)


def test_a_folder_is_read_by_the_times_in_its_names(tmp_path: Path) -> None:
    images = frames(4)
    write(tmp_path, ["flux7_10.5s.png", "flux7_9.bmp", "flux7_0100.tif", "flux7_11.png"], images)
    (tmp_path / "notes.txt").write_text("no frame")
    s = FrameSequence.from_folder(tmp_path)
    assert s.time.tolist() == [9, 10.5, 11, 100]
    assert np.array_equal(s.images, images[[1, 0, 3, 2]])
    assert s.temperature is None
    assert FrameSequence.from_folder(tmp_path, frames_per_second=2).time.tolist() == [4.5, 5.25, 5.5, 50]


@pytest.mark.parametrize(
    ("names", "time"),
    [
        (["flux_t10.0s_T1200C.png", "flux_t11.5s_T1201C.png"], [10, 11.5]),
        (["10 s cam2.png", "11 s cam3.png"], [10, 11]),
        (["10steps_5.png", "10steps_6.png"], [5, 6]),
        (["cam2_-7.png", "cam2_8.png"], [7, 8]),  # a hyphen is no sign
        (["5s_10s.png", "5s_11s.png"], [10, 11]),
    ],
)
def test_the_time_in_a_name(tmp_path: Path, names: list[str], time: list[float]) -> None:
    write(tmp_path, names, frames(2))
    (tmp_path / "._5_6.png").write_bytes(b"hidden")
    assert FrameSequence.from_folder(tmp_path).time.tolist() == time


@pytest.mark.parametrize(
    "names",
    [
        ["10_T1200.png", "11_T1201.png"],
        ["10_5.png", "11_5.png"],
        ["1e2.png", "2e2.png"],
        ["00-01-10.png", "00-02-10.png"],
        ["frame_2 (1).png", "frame_2.png"],
    ],
)
def test_names_that_do_not_tell_the_time_are_refused(tmp_path: Path, names: list[str]) -> None:
    write(tmp_path, names, frames(2))
    with pytest.raises(
        ValueError, match=r"differs from .* in more numbers than the last, .* or give a pattern"
    ):
        FrameSequence.from_folder(tmp_path, errors="skip")


def test_a_pattern_tells_the_time(tmp_path: Path) -> None:
    write(tmp_path, ["t-10_T1200.png", "t1e1_T1201.png"], frames(2))
    assert FrameSequence.from_folder(tmp_path, pattern="t(.+)_").time.tolist() == [-10, 10]
    times = FrameSequence.from_folder(tmp_path, pattern=r"T1\d+(\d)", frames_per_second=2).time
    assert times.tolist() == [0, 0.5]
    for pattern, message in [
        ("t(.+", "pattern = .*: is no regular expression"),
        ("t.+", "pattern = .*: has 0 groups; one, of the time"),
        (r"T(1200)", r"t1e1_T1201\.png: its name without the suffix does not match pattern"),
        (r"(t).+", r"t-10_T1200\.png: 't', by pattern = .*, is no number"),
        (r"1200|(1)201", r"t-10_T1200\.png: .* does not match pattern"),
    ]:
        with pytest.raises(ValueError, match=message):
            FrameSequence.from_folder(tmp_path, pattern=pattern)


def test_a_folder_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    time = [0.1, 1.25, 2, 30.5, 31, 1000]
    readings = np.array([900, np.nan, 910.5, 9518, 915, 920])
    s = FrameSequence(frames(), time, temperature=readings)
    s.write_folder(tmp_path / "frames")
    back = FrameSequence.from_folder(tmp_path / "frames")
    assert np.array_equal(back.images, s.images)
    assert np.array_equal(back.time, s.time)
    assert np.array_equal(back.temperature, readings, equal_nan=True)
    with pytest.raises(ValueError, match="not empty"):
        s.write_folder(tmp_path / "frames")
    with pytest.raises(ValueError, match=r"time\[0\] = -1 s: names of frames carry no signs"):
        FrameSequence(frames(), np.arange(6) - 1).write_folder(tmp_path / "early")
    assert not (tmp_path / "early").exists()
    with pytest.raises(ValueError, match="before augment"):
        s.augment(1.0).write_folder(tmp_path / "other")


def test_frames_without_a_reading_have_none(tmp_path: Path) -> None:
    write(tmp_path, ["1.png", "2.png", "3.png"], frames(3))
    (tmp_path / "readings.csv").write_text("time_s, t1, t2\n1, 900, 1146\n3, , 1148\n9, 1, 2\n")
    s = FrameSequence.from_folder(tmp_path)
    expected = [[900, 1146], [np.nan, np.nan], [np.nan, 1148]]
    assert np.array_equal(s.temperature, expected, equal_nan=True)
    ((name, why),) = s.skipped
    assert name == "readings.csv"
    assert why.startswith("line 4, of 9 s, belongs to no frame: none is within 0.25 s")
    (tmp_path / "readings.csv").write_text("time_s,t\n")
    assert np.isnan(FrameSequence.from_folder(tmp_path).temperature).all()


def test_a_frame_has_the_readings_of_the_nearest_row(tmp_path: Path) -> None:
    write(tmp_path, ["0.1.png", "0.2.png", "0.3.png"], frames(3))
    rows = ["0.32,4", "0.1000001,1", "0.19,3", "0.18,2", "0.25,9"]
    (tmp_path / "readings.csv").write_text("time_s,t\n" + "\n".join(rows))
    s = FrameSequence.from_folder(tmp_path)
    assert np.array_equal(s.temperature, [1, 3, 4])
    assert s.skipped[0][1].startswith(
        "line 5, of 0.18 s, and 1 more belong to no frame: none is within 0.025 s"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seconds,t\n1,900\n", "the first line must be time_s"),
        ("time_s,t\n1,900,5\n", "line 2: has 3 fields; 2"),
        ("time_s,t\n1,hot\n", "line 2: could not convert"),
        ("time_s,t\n1,inf\n", "line 2, t: is infinite"),
        ("time_s,t\n,900\n", "line 2: has no time"),
        ("time_s,t\n1,900\n2,901\n1,902\n", "line 4: 1 s is there twice, as in line 2"),
    ],
)
def test_bad_readings_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, ["1.png"], frames(1))
    (tmp_path / "readings.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"readings\.csv: {message}"):
        FrameSequence.from_folder(tmp_path)


def test_bad_files_are_named_or_skipped_and_told(tmp_path: Path) -> None:
    write(tmp_path, [f"frame_{n}.png" for n in range(4)], frames(4))
    half = (tmp_path / "frame_2.png").read_bytes()
    (tmp_path / "frame_2.png").write_bytes(half[: len(half) // 2])
    write(tmp_path, ["frame_9.png"], frames(1, 5, 5))
    with pytest.raises(ValueError, match=r"frame_2\.png: cannot be read"):
        FrameSequence.from_folder(tmp_path)
    s = FrameSequence.from_folder(tmp_path, errors="skip")
    assert s.time.tolist() == [0, 1, 3]
    assert [name for name, _ in s.skipped] == ["frame_2.png", "frame_9.png"]
    assert "5 x 5 px; 8 x 10 px, as most" in s.skipped[1][1]
    assert "2 files skipped" in repr(s)
    (tmp_path / "frame_2.png").unlink()
    with pytest.raises(ValueError, match=r"frame_9\.png: is 5 x 5 px"):
        FrameSequence.from_folder(tmp_path)
    assert (tmp_path / "frame_9.png").exists()


def test_the_commonest_size_is_taken(tmp_path: Path) -> None:
    write(tmp_path, ["frame_0.png"], frames(1, 5, 5))
    write(tmp_path, [f"frame_{n}.png" for n in (1, 2, 3)], frames(3))
    s = FrameSequence.from_folder(tmp_path, errors="skip")
    assert s.time.tolist() == [1, 2, 3]
    assert [name for name, _ in s.skipped] == ["frame_0.png"]
    with pytest.raises(ValueError, match=r"frame_0\.png: is 5 x 5 px; 8 x 10 px, as most"):
        FrameSequence.from_folder(tmp_path)


def test_folders_without_frames_or_times_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        FrameSequence.from_folder(tmp_path / "none")
    with pytest.raises(ValueError, match="no frame can be read; it has none"):
        FrameSequence.from_folder(tmp_path)
    with pytest.raises(ValueError, match="errors = 'hide'"):
        FrameSequence.from_folder(tmp_path, errors="hide")
    write(tmp_path, ["7.png", "07.png"], frames(2))
    with pytest.raises(ValueError, match=r"7\.png: is at 7 s, as 07\.png is"):
        FrameSequence.from_folder(tmp_path)
    (tmp_path / "7.png").rename(tmp_path / "frame.png")
    with pytest.raises(ValueError, match=r"frame\.png: its name carries no time"):
        FrameSequence.from_folder(tmp_path)


def test_16_bit_frames_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "1.png")
    with pytest.raises(ValueError, match=r"1\.png: is of Pillow's mode 'I;16'"):
        FrameSequence.from_folder(tmp_path)


def tiff(path: Path, images: list[Image.Image]) -> Path:
    images[0].save(path, save_all=True, append_images=images[1:])
    return path


def test_the_pages_of_a_tiff_file_are_frames(tmp_path: Path) -> None:
    images = frames()
    path = tiff(tmp_path / "film.tif", [Image.fromarray(image) for image in images])
    s = FrameSequence.from_tiff(path, frames_per_second=2.0, start=110.0)
    assert np.array_equal(s.images, images)
    assert s.time.tolist() == [110, 110.5, 111, 111.5, 112, 112.5]
    given = FrameSequence.from_tiff(path, np.arange(6) ** 2, temperature=np.arange(6))
    assert given.time.tolist() == [0, 1, 4, 9, 16, 25]
    with pytest.raises(ValueError, match="frames_per_second = 2: is not used, since time is given"):
        FrameSequence.from_tiff(path, np.arange(6), frames_per_second=2)
    with pytest.raises(ValueError, match="start = 0: is not used"):
        FrameSequence.from_tiff(path, np.arange(6), start=0)


def test_bad_tiff_files_are_named(tmp_path: Path) -> None:
    sizes = tiff(tmp_path / "sizes.tif", [Image.new("L", (9, 9)), Image.new("L", (9, 8))])
    with pytest.raises(ValueError, match=r"sizes\.tif, page 1: is 8 x 9 px; 9 x 9 px"):
        FrameSequence.from_tiff(sizes)
    deep = tiff(tmp_path / "deep.tif", [Image.new("L", (9, 9)), Image.new("I;16", (9, 9))])
    with pytest.raises(ValueError, match=r"deep\.tif, page 1: is of Pillow's mode"):
        FrameSequence.from_tiff(deep)
    whole = tiff(tmp_path / "film.tif", [Image.fromarray(image) for image in frames()]).read_bytes()
    (tmp_path / "half.tif").write_bytes(whole[:300])
    with pytest.raises(ValueError, match=r"half\.tif"):
        FrameSequence.from_tiff(tmp_path / "half.tif")
    # Its first directory lies behind the first page: Pillow has a TypeError for a file without one.
    film = [Image.fromarray(np.zeros((64, 64), np.uint8))] * 3
    bytes_of_all = tiff(tmp_path / "behind.tif", film).read_bytes()
    for length in range(8, len(bytes_of_all), 1009):
        (tmp_path / "cut.tif").write_bytes(bytes_of_all[:length])
        with pytest.raises(ValueError, match=r"cut\.tif"):
            FrameSequence.from_tiff(tmp_path / "cut.tif")
    with pytest.raises(FileNotFoundError, match="no such file"):
        FrameSequence.from_tiff(tmp_path / "none.tif")
    with pytest.raises(ValueError, match="frames_per_second = 0"):
        FrameSequence.from_tiff(sizes.with_name("film.tif"), frames_per_second=0)
