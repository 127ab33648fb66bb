"""Folders and files of frames, with the readings of thermocouples beside them."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.images import read_image, read_pages
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, RefusalError
from tundish.crystallization.frames._checks import Quantity

READINGS = "readings.csv"
TIME = "time_s"

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?) ?s(?![^\W\d_])")  # 10.5s and 10.5 s, but not 10.5steps
_NEAR = 0.25  # usual intervals between frames that a row of readings may be off the frame it belongs to
_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")


class Frames(NamedTuple):
    """What a folder or file holds: frames, times (s), readings (degC) or None, and files left out."""

    images: list[NDArray[np.uint8]]
    time: Floats
    temperature: Floats | None
    skipped: tuple[tuple[str, str], ...]


class _Row(NamedTuple):
    """A line of readings.csv: its number, time (s) and readings (degC, NaN where there is none)."""

    line: int
    time: float
    readings: list[float]


class FrameNames:
    """The times, s, in the names of frames: see `FrameSequence.from_folder`.

    One object reads all names of a folder, since other numbers in them must be the same in all.
    """

    def __init__(self, frames_per_second: float | None = None, pattern: str | None = None) -> None:
        self._rate = frames_per_second or 1.0
        self._pattern = None if pattern is None else _compiled(pattern)
        self._first: tuple[str, list[str]] | None = None

    def seconds(self, file: Path) -> float:
        """The time of a frame; ValueError that begins with the file if its name has none."""
        return self._number(file) / self._rate

    def _number(self, file: Path) -> float:
        if self._pattern is not None:
            return self._matched(file, self._pattern)
        marked = _SECONDS.findall(file.stem)
        if len(marked) == 1:
            return float(marked[0])
        numbers = _NUMBER.findall(file.stem)
        if not numbers:
            allowed = "its name carries no time; a number of seconds is needed"
            raise ArgumentError(str(file), MISSING, allowed)
        first, others = self._first or (file.name, numbers[:-1])
        if others != numbers[:-1]:
            raise ArgumentError(
                str(file),
                MISSING,
                f"its name differs from {first} in more numbers than the last, so that it does not tell "
                "which is the time; write 12.5s for 12.5 s, or give a pattern",
            )
        self._first = first, others
        return float(numbers[-1])

    def _matched(self, file: Path, pattern: re.Pattern[str]) -> float:
        found = pattern.search(file.stem)
        text = found and found.group(1)
        if text is None:
            allowed = f"its name without the suffix does not match pattern = {pattern.pattern!r}"
            raise ArgumentError(str(file), MISSING, allowed)
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            allowed = f"{text!r}, by pattern = {pattern.pattern!r}, is no number"
            raise ArgumentError(str(file), MISSING, allowed)
        return number


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, TypeError) as error:
        raise ArgumentError("pattern", pattern, f"is no regular expression: {error}") from None
    if compiled.groups != 1:
        raise ArgumentError("pattern", pattern, f"has {compiled.groups} groups; one, of the time, is needed")
    return compiled


def read_folder(path: str | PathLike[str], names: FrameNames, skip: bool) -> Frames:
    """See `FrameSequence.from_folder`."""
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder")
    seconds = _timed(folder, names)
    images: dict[Path, NDArray[np.uint8]] = {}
    left_out: dict[Path, str] = {}
    for file in seconds:
        try:
            images[file] = read_image(file)
        except ValueError as error:
            if not skip:
                raise
            left_out[file] = str(error)
    for file, why in _of_other_size(images).items():
        if not skip:
            raise ValueError(why)
        left_out[file] = why
        del images[file]
    skipped = [(file.name, left_out[file]) for file in seconds if file in left_out]
    if not images:
        raise ValueError(f"{folder}: no frame can be read; " + (skipped[0][1] if skipped else "it has none"))
    time = np.array(list(seconds.values()))
    read = np.array([file in images for file in seconds])
    readings, unused = _readings(folder / READINGS, time)
    readings = None if readings is None else readings[read]
    return Frames([images[f] for f in seconds if f in images], time[read], readings, (*skipped, *unused))


def _of_other_size(images: dict[Path, NDArray[np.uint8]]) -> dict[Path, str]:
    """What is wrong with each frame that is not of the commonest size."""
    usual = {image.shape: image for image in images.values()}
    counted = Counter(image.shape for image in images.values()).most_common(1)
    return {
        file: f"{file}: is {size_of(image)}; {size_of(usual[shape])}, as most, is needed"
        for shape, _ in counted
        for file, image in images.items()
        if image.shape != shape
    }


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
    if time[0] < 0:
        allowed = "names of frames carry no signs; count from another time"
        raise ArgumentError("time[0]", Quantity(time[0], "s"), allowed)
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ArgumentError(str(folder), MISSING, "is not empty; frames are written to a new folder")
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
    """The files that are frames by their suffix, by name; those that begin with a dot are hidden."""
    return sorted(
        f for f in folder.iterdir() if f.suffix.lower() in _SUFFIXES and f.is_file() and f.name[0] != "."
    )


def _timed(folder: Path, names: FrameNames) -> dict[Path, float]:
    """The frames with their times, by time; two of one time, and a name without one, are refused."""
    timed: dict[float, Path] = {}
    for file in image_files(folder):
        seconds = names.seconds(file)
        if seconds in timed:
            raise ValueError(f"{file}: is at {seconds:g} s, as {timed[seconds].name} is")
        timed[seconds] = file
    return {file: seconds for seconds, file in sorted(timed.items())}


def _readings(file: Path, time: Floats) -> tuple[Floats | None, tuple[tuple[str, str], ...]]:
    """(T, k) degC, or (T,) of one column; NaN where a frame has no reading. None without the file.

    And (file, why) if there are rows that belong to no frame.
    """
    if not file.exists():
        return None, ()
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines, strict=True)
            header = [name.strip() for name in next(rows, [])]
            if len(header) < 2 or header[0] != TIME:
                raise ValueError(f"the first line must be {TIME} and a name for each thermocouple")
            found = [_row(rows.line_num, row, header) for row in rows if row]
            _refuse_twice(found)
    except RefusalError as error:
        raise error.at(file, error.line) from None
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{file}: {error}") from None
    values = np.full((len(time), len(header) - 1), math.nan)
    if not found:
        return values[:, 0] if values.shape[1] == 1 else values, ()
    near = _NEAR * float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    at = np.array([row.time for row in found])
    nearest = _nearest(at, time)
    has = np.abs(at[nearest] - time) <= near
    values[has] = np.array([row.readings for row in found])[nearest[has]]
    unused = [found[n] for n in sorted(set(range(len(found))) - set(nearest[has].tolist()))]
    return values[:, 0] if values.shape[1] == 1 else values, _unused(file, unused, near)


def _nearest(times: Floats, wanted: Floats) -> NDArray[np.intp]:
    """For each wanted time the index of the nearest one."""
    order = np.argsort(times)
    between = (times[order][1:] + times[order][:-1]) / 2
    return np.asarray(order[np.searchsorted(between, wanted)])


def _refuse_twice(rows: list[_Row]) -> None:
    lines: dict[float, int] = {}
    for row in rows:
        if row.time in lines:
            raise ValueError(f"line {row.line}: {row.time:g} s is there twice, as in line {lines[row.time]}")
        lines[row.time] = row.line


def _unused(file: Path, unused: list[_Row], near: float) -> tuple[tuple[str, str], ...]:
    """(file, why) of rows that were left out."""
    if not unused:
        return ()
    first, others = f"line {unused[0].line}, of {unused[0].time:g} s,", len(unused) - 1
    rows = f"{first} and {others} more belong" if others else f"{first} belongs"
    return ((file.name, f"{rows} to no frame: none is within {near:g} s, or another row is nearer"),)


def _row(line: int, cells: list[str], header: list[str]) -> _Row:
    if len(cells) != len(header):
        raise ValueError(f"line {line}: has {len(cells)} fields; {len(header)} are needed")
    try:
        seconds, *values = (float(cell) if cell.strip() else math.nan for cell in cells)
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from None
    if not math.isfinite(seconds):
        raise ValueError(f"line {line}: has no time")
    for name, value in zip(header[1:], values, strict=True):
        if math.isinf(value):
            allowed = "is infinite; leave the cell empty where nothing is known"
            raise ArgumentError(name, MISSING, allowed, line=line)
    return _Row(line, seconds, values)


def size_of(image: NDArray[Any]) -> str:
    """The size of an image in words."""
    return " x ".join(str(n) for n in image.shape[:2]) + (" px in colour" if image.ndim == 3 else " px")
