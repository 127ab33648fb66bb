"""What `tundish crystallize` looks at: frames or a series, with what was put right or left out."""

from __future__ import annotations

import argparse
import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tundish.cli import BadInputError
from tundish.cli._common import bar, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tundish._common.arguments import Floats
    from tundish.crystallization import FrameSequence, Repair
    from tundish.crystallization.frames._features import Calibration
    from tundish.crystallization.frames._series_file import SeriesFile

# The synthetic record: small, and still crystallising when the last 30 % of it begin.
SECONDS, SIZE, RATE = 300.0, (96, 128), 4.0
_TIFF = (".tif", ".tiff")
BRIGHT = "bright"  # as crystals are beside the melt, unless --crystals says otherwise
_CALIBRATE = "calibrate: "  # begins the warnings of calibrations


class Case(NamedTuple):
    """A record.

    - `name`: of its file or folder. `sequence`: its frames, with `calibration` and `table` of features; None
      of a series. `file`: the series, None of frames.
    - `columns`: those that are forecast. `time` (n,), s, and `values` (n, k) of them.
    - `share`: time and crystallised share, None of a series without it.
    - `readings`: time and degC by thermocouple. `repairs`: readings that were replaced.
    - `left_out`: (file or line, why). `remarks`: what else is to be told.
    """

    name: str
    sequence: FrameSequence | None
    calibration: Calibration | None
    table: NDArray[Any] | None
    file: SeriesFile | None
    columns: tuple[str, ...]
    time: Floats
    values: Floats
    share: tuple[Floats, Floats] | None
    readings: dict[str, tuple[Floats, Floats]]
    repairs: tuple[Repair, ...]
    left_out: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


def shows_frames(path: Path | None) -> bool:
    """Whether a record has frames: a folder, a TIFF file, or what there is without one."""
    return path is None or path.is_dir() or path.suffix.lower() in _TIFF


def case_of(arguments: argparse.Namespace) -> Case:
    """The record that is asked for; BadInputError or ValueError naming the file where it cannot be had."""
    path: Path | None = arguments.record
    if path is None:
        for name in ("frames_per_second", "pattern", "crystals", "skip"):
            if getattr(arguments, name):
                raise BadInputError(f"--{name.replace('_', '-')}: is for a record of your own; none is given")
        return of_frames("synthetic sequence", _synthetic(arguments.seed), arguments)
    if path.is_dir():
        with shown("reading frames"):
            sequence = _folder(path, arguments)
        return of_frames(str(path), sequence, arguments)
    if not path.exists():
        raise BadInputError(f"{path}: there is no such file or folder")
    if arguments.pattern is not None:
        raise BadInputError(f"--pattern: is for the names in a folder; {path} is a file")
    if path.suffix.lower() in _TIFF:
        return of_frames(str(path), _pages(path, arguments), arguments)
    for name in ("frames_per_second", "crystals", "skip", "pixels"):
        if getattr(arguments, name):
            raise BadInputError(f"--{name.replace('_', '-')}: is for frames; {path} is a series")
    return _of_series(path, arguments)


def _synthetic(seed: int) -> FrameSequence:
    from tundish.crystallization import synthetic

    with shown("filming the synthetic sequence"):
        return synthetic.sequence(SECONDS, seed, size=SIZE, rate=RATE / SECONDS, progress=bar())


def _folder(path: Path, arguments: argparse.Namespace) -> FrameSequence:
    from tundish.crystallization import FrameSequence

    errors = "skip" if arguments.skip else "raise"
    return FrameSequence.from_folder(
        path, frames_per_second=arguments.frames_per_second, pattern=arguments.pattern, errors=errors,
        crystals=arguments.crystals or BRIGHT,
    )  # fmt: skip


def _pages(path: Path, arguments: argparse.Namespace) -> FrameSequence:
    from tundish.crystallization import FrameSequence

    crystals = arguments.crystals or BRIGHT
    return FrameSequence.from_tiff(path, frames_per_second=arguments.frames_per_second, crystals=crystals)


def of_frames(name: str, sequence: FrameSequence, arguments: argparse.Namespace) -> Case:
    """The features of frames, and the columns asked for."""
    sequence, remarks = _repaired(sequence, arguments)
    calibration, doubts = calibrated(sequence)
    with shown("looking at frames"):
        table = sequence.features(calibration, progress=bar())
    columns = tuple(arguments.column or ("share",))
    known = [each for each in table.dtype.names or () if each != "time"]
    for column in columns:
        if column not in known:
            raise BadInputError(
                f"--column {column}: frames have no such feature; known are {', '.join(known)}"
            )
    remarks += doubts
    values = table_of(table, columns)
    readings = {}
    if sequence.temperature is not None:
        for n, degrees in enumerate(sequence.temperature.reshape(len(sequence), -1).T):
            readings[f"thermocouple {n + 1}"] = (sequence.time, degrees)
    return Case(
        name, sequence, calibration, table, None, columns, sequence.time, values,
        (sequence.time, table["share"]), readings, sequence.repairs, sequence.skipped, remarks,
    )  # fmt: skip


def calibrated(sequence: FrameSequence) -> tuple[Calibration, tuple[str, ...]]:
    """The calibration of frames, and what it warns of."""
    with doubts_told() as told:
        calibration = sequence.calibration()
    return calibration, tuple(told)


@contextlib.contextmanager
def doubts_told() -> Iterator[list[str]]:
    """What calibrations within it warn of, each once, when it ends; they do not show otherwise."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield told
    for warning in caught:
        text = str(warning.message)
        if not text.startswith(_CALIBRATE):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif (doubt := text.removeprefix(_CALIBRATE).partition("; give ")[0]) not in told:
            told.append(doubt)


def table_of(table: NDArray[Any], columns: tuple[str, ...]) -> Floats:
    """(n, k) of the columns of features."""
    import numpy as np

    return np.stack([table[column].astype(float) for column in columns], axis=1)


def _repaired(
    sequence: FrameSequence, arguments: argparse.Namespace
) -> tuple[FrameSequence, tuple[str, ...]]:
    """With readings put right, or the reason why they are as they were."""
    import numpy as np

    if sequence.temperature is None:
        return sequence, ()
    if np.isfinite(sequence.temperature.reshape(len(sequence), -1)).sum(axis=0).min() < 3:
        return sequence, ("readings are as they were: fewer than 3 of a thermocouple are known",)
    return sequence.repair(_programme(arguments)), ()


def _programme(arguments: argparse.Namespace) -> Floats | None:
    from tundish.crystallization.frames._series_file import read_programme

    return None if arguments.programme is None else read_programme(arguments.programme)


def _of_series(path: Path, arguments: argparse.Namespace) -> Case:
    from tundish.crystallization.frames._series_file import SHARE, read_series

    file = read_series(path, _programme(arguments))
    columns = tuple(arguments.column or file.usual())
    time, values, left_out = file.chosen(columns)
    share = None
    if SHARE in file.values:
        at, shares, _ = file.chosen([SHARE])
        share = (at, shares[:, 0])
    readings = {name: (file.time, degrees) for name, degrees in file.readings.items()}
    return Case(
        str(path), None, None, None, file, columns, time, values, share, readings, file.repairs, left_out, ()
    )
