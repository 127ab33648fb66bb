"""Folders and files of frames, with the readings of thermocouples beside them."""

from __future__ import annotations

import csv
import math
import re
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._arrays import Floats, optional
from tundish._images import read_image, read_pages

READINGS = "readings.csv"
TIME = "time_s"

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")


class Frames(NamedTuple):
    """What a folder or file holds: frames, times (s), readings (degC) or None, and files left out."""

    images: list[NDArray[np.uint8]]
    time: Floats
    temperature: Floats | None
    skipped: tuple[tuple[str, str], ...]


def read_folder(path: str | PathLike[str], frames_per_second: float | None, skip: bool) -> Frames:
    """See `FrameSequence.from_folder`."""
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder")
    images: list[NDArray[np.uint8]] = []
    times: list[float] = []
    skipped = []
    for seconds, file in _timed(folder, frames_per_second):
        try:
            image = read_image(file)
            if images and image.shape != images[0].shape:
                raise ValueError(
                    f"{file}: is {size_of(image)}; {size_of(images[0])}, as the first, is needed"
                )
        except ValueError as error:
            if not skip:
                raise
            skipped.append((file.name, str(error)))
            continue
        images.append(image)
        times.append(seconds)
    if not images:
        raise ValueError(f"{folder}: no frame can be read; " + (skipped[0][1] if skipped else "it has none"))
    time = np.array(times)
    return Frames(images, time, _readings(folder / READINGS, time), tuple(skipped))


def read_tiff(path: str | PathLike[str]) -> list[NDArray[np.uint8]]:
    """The pages of a TIFF file, of one size."""
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file")
    images: list[NDArray[np.uint8]] = []
    for page, image in enumerate(read_pages(file)):
        if images and image.shape != images[0].shape:
            raise ValueError(f"{file}, page {page}: is {size_of(image)}; {size_of(images[0])} is needed")
        images.append(image)
    return images


def write_folder(
    path: str | PathLike[str], images: NDArray[np.uint8], time: Floats, temperature: Floats | None
) -> None:
    """Writes PNG files named by their times, and readings.csv, into a new or empty folder."""
    pillow = optional("PIL.Image", "vision")
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder}: is not empty; frames are written to a new folder")
    texts = [np.format_float_positional(seconds, trim="-") for seconds in time]
    before, after = (max(len(text.partition(".")[k]) for text in texts) for k in (0, 2))
    width = before + (after + 1 if after else 0)
    for image, seconds in zip(images, time, strict=True):
        pillow.fromarray(image).save(folder / f"frame_{seconds:0{width}.{after}f}.png")
    if temperature is not None:
        columns = temperature.reshape(len(time), -1)
        with (folder / READINGS).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([TIME, *(f"thermocouple{k + 1}_c" for k in range(columns.shape[1]))])
            for text, row in zip(texts, columns.tolist(), strict=True):
                writer.writerow([text, *("" if math.isnan(value) else repr(value) for value in row)])


def image_files(folder: Path) -> list[Path]:
    """The files that are frames by their suffix, by name."""
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in _SUFFIXES and f.is_file())


def seconds_of(file: Path, frames_per_second: float | None) -> float:
    """The time that a frame's name carries, s."""
    numbers = _NUMBER.findall(file.stem)
    if not numbers:
        raise ValueError(f"{file}: its name carries no time; a number of seconds is needed")
    return float(numbers[-1]) / (frames_per_second or 1.0)


def _timed(folder: Path, frames_per_second: float | None) -> list[tuple[float, Path]]:
    """The frames by time; two of one time, and a name without a number, are refused."""
    timed: dict[float, Path] = {}
    for file in image_files(folder):
        seconds = seconds_of(file, frames_per_second)
        if seconds in timed:
            raise ValueError(f"{file}: is at {seconds:g} s, as {timed[seconds].name} is")
        timed[seconds] = file
    return sorted(timed.items())


def _readings(file: Path, time: Floats) -> Floats | None:
    """(T, k) degC, or (T,) of one column; NaN where a frame has no reading. None without the file."""
    if not file.exists():
        return None
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines, strict=True)
            header = [name.strip() for name in next(rows, [])]
            if len(header) < 2 or header[0] != TIME:
                raise ValueError(f"the first line must be {TIME} and a name for each thermocouple")
            known = dict(_row(rows.line_num, row, len(header)) for row in rows if row)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{file}: {error}") from None
    missing = [math.nan] * (len(header) - 1)
    values = np.array([known.get(seconds, missing) for seconds in time.tolist()])
    return values[:, 0] if values.shape[1] == 1 else values


def _row(line: int, cells: list[str], count: int) -> tuple[float, list[float]]:
    if len(cells) != count:
        raise ValueError(f"line {line}: has {len(cells)} fields; {count} are needed")
    try:
        seconds, *values = (float(cell) if cell.strip() else math.nan for cell in cells)
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from None
    return seconds, values


def size_of(image: NDArray[Any]) -> str:
    return " x ".join(str(n) for n in image.shape[:2]) + (" px in colour" if image.ndim == 3 else " px")
