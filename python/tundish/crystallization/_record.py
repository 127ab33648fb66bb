"""Records of a crystallisation: frames or a series, with what was put right or left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats
from tundish._common.refusals import MISSING, ArgumentError
from tundish.crystallization import synthetic
from tundish.crystallization._settings import Progress, stage
from tundish.crystallization.frames._calibration import Calibration, collect_doubts
from tundish.crystallization.frames._repair import Repair
from tundish.crystallization.frames._sequence import FrameSequence
from tundish.crystallization.frames._series_file import SHARE, SeriesFile, read_programme, read_series

# The synthetic record: small, and still crystallising when the last 30 % of it begin.
SECONDS, SIZE, RATE = 300.0, (96, 128), 4.0

_SYNTHETIC = "synthetic sequence"
_TIFF = (".tif", ".tiff")
_MIN_READINGS = 3  # of a thermocouple, for a repair

Curve = tuple[Floats, Floats]  # time (s) and values


@dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """A crystallisation that was recorded, as :func:`analyse` takes it.

    - `name`: of its file or folder. `synthetic`: whether it was simulated.
    - `columns`: those that are forecast. `time` (n,), s, and `values` (n, k) of them.
    - `sequence`: its frames, with their `calibration` and `table` of features; None of a series.
    - `file`: the series, None of frames.
    - `share`: time and crystallised share, None of a series without it.
    - `readings`: time and degC by thermocouple. `repairs`: readings that were replaced.
    - `left_out`: (file or line, why). `remarks`: doubts about the record, in words.
    """

    name: str
    columns: tuple[str, ...]
    time: Floats
    values: Floats
    sequence: FrameSequence | None = None
    calibration: Calibration | None = None
    table: NDArray[Any] | None = None
    file: SeriesFile | None = None
    share: Curve | None = None
    readings: Mapping[str, Curve] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    synthetic: bool = False


def has_frames(path: str | PathLike[str] | None) -> bool:
    """Whether a record has frames: a folder, a TIFF file, or the synthetic one (None)."""
    return path is None or Path(path).is_dir() or Path(path).suffix.lower() in _TIFF


def read_record(
    path: str | PathLike[str] | None,
    *,
    columns: Iterable[str] | None = None,
    programme: str | PathLike[str] | ArrayLike | None = None,
    frames_per_second: float | None = None,
    pattern: str | None = None,
    crystals: str | None = None,
    skip: bool = False,
    seed: int = 0,
    progress: Progress = False,
) -> Record:
    """Reads a record and measures its frames, or repairs the readings of a series.

    **Main arguments:**

    - `path`: a folder of frames or a TIFF file of pages (:class:`FrameSequence`), or a CSV file with a series
      (:func:`read_series`). None: a synthetic record of 300 s (:func:`synthetic.sequence`).
    - `columns`: those that are forecast: features of frames, or columns of the series. None: the share, or
      all columns of a series without it.

    **Other arguments:**

    - `programme`: of the heating, for the repair of readings: (n, 2) s and degC, or a CSV file of them.
    - `frames_per_second`, `pattern`, `crystals`: as for :meth:`FrameSequence.from_folder`, frames alone.
    - `skip`: leave out frames that cannot be read, and list them in `left_out`.
    - `seed`: of the synthetic record.
    - `progress`: True shows bars (needs rich); a function is called with the name of each stage, and its
      result is entered around it.

    **Raises:** ValueError or TypeError naming the argument, or beginning with the file at fault;
    FileNotFoundError.
    """
    of_frames = {"frames_per_second": frames_per_second, "crystals": crystals, "skip": skip}
    if path is None:
        _refuse_given({**of_frames, "pattern": pattern}, "is for a record of your own; none is given")
        return _synthetic_record(seed, columns, programme, progress)
    file = Path(path)
    if file.is_dir():
        with stage(progress, "reading frames"):
            sequence = FrameSequence.from_folder(
                file, frames_per_second=frames_per_second, pattern=pattern,
                errors="skip" if skip else "raise", crystals=crystals or "bright",
            )  # fmt: skip
        return frames_record(sequence, str(path), columns=columns, programme=programme, progress=progress)
    if not file.exists():
        raise FileNotFoundError(f"{path}: there is no such file or folder")
    if pattern is not None:
        raise ArgumentError("pattern", MISSING, f"is for the names in a folder; {path} is a file")
    if has_frames(file):
        sequence = FrameSequence.from_tiff(
            file, frames_per_second=frames_per_second, crystals=crystals or "bright"
        )
        return frames_record(sequence, str(path), columns=columns, programme=programme, progress=progress)
    _refuse_given(of_frames, f"is for frames; {path} is a series")
    return _series_record(file, columns, programme)


def frames_record(
    sequence: FrameSequence,
    name: str = "frames",
    *,
    columns: Iterable[str] | None = None,
    programme: str | PathLike[str] | ArrayLike | None = None,
    progress: Progress = False,
) -> Record:
    """The record of frames: their readings repaired, and their features measured.

    **Main arguments:** `sequence`: of frames. `name`: of the record, in reports.

    **Other arguments:** as for :func:`read_record`.
    """
    sequence, remarks = _repaired(sequence, programme)
    calibration, doubts = calibrated(sequence)
    with stage(progress, "looking at frames"):
        table = sequence.features(calibration, progress=progress is True)
    wanted = ("share",) if columns is None else tuple(columns)
    known = [each for each in table.dtype.names or () if each != "time"]
    for column in wanted:
        if column not in known:
            allowed = f"frames have no such feature; known are {', '.join(known)}"
            raise ArgumentError("columns", column, allowed)
    readings = {}
    if sequence.temperature is not None:
        for n, degrees in enumerate(sequence.temperature.reshape(len(sequence), -1).T):
            readings[f"thermocouple {n + 1}"] = (sequence.time, degrees)
    return Record(
        name=name,
        columns=wanted,
        time=sequence.time,
        values=features_of(table, wanted),
        sequence=sequence,
        calibration=calibration,
        table=table,
        share=(sequence.time, table["share"]),
        readings=readings,
        repairs=sequence.repairs,
        left_out=sequence.skipped,
        remarks=remarks + doubts,
    )


def calibrated(sequence: FrameSequence) -> tuple[Calibration, tuple[str, ...]]:
    """The calibration of frames, and its doubts."""
    with collect_doubts() as doubts:
        calibration = sequence.calibration()
    return calibration, tuple(doubts)


def features_of(table: NDArray[Any], columns: tuple[str, ...]) -> Floats:
    """(n, k) of the columns of features."""
    return np.stack([table[column].astype(float) for column in columns], axis=1)


def _repaired(sequence: FrameSequence, programme: Any) -> tuple[FrameSequence, tuple[str, ...]]:
    """With readings put right, or the reason why they are as they were."""
    if sequence.temperature is None:
        return sequence, ()
    known = np.isfinite(sequence.temperature.reshape(len(sequence), -1)).sum(axis=0).min()
    if known < _MIN_READINGS:
        return sequence, ("readings are as they were: fewer than 3 of a thermocouple are known",)
    return sequence.repair(_programme(programme)), ()


def _programme(given: Any) -> Any:
    return read_programme(given) if isinstance(given, str | PathLike) else given


def _refuse_given(arguments: Mapping[str, object], allowed: str) -> None:
    for name, value in arguments.items():
        if value:
            raise ArgumentError(name, MISSING, allowed)


def _synthetic_record(seed: int, columns: Iterable[str] | None, programme: Any, progress: Progress) -> Record:
    with stage(progress, "filming the synthetic sequence"):
        rate = RATE / SECONDS
        sequence = synthetic.sequence(SECONDS, seed, size=SIZE, rate=rate, progress=progress is True)
    record = frames_record(sequence, _SYNTHETIC, columns=columns, programme=programme, progress=progress)
    return replace(record, synthetic=True)


def _series_record(path: Path, columns: Iterable[str] | None, programme: Any) -> Record:
    file = read_series(path, _programme(programme))
    wanted = tuple(file.usual() if columns is None else columns)
    time, values, left_out = file.chosen(wanted)
    share = None
    if SHARE in file.values:
        at, shares, _ = file.chosen([SHARE])
        share = (at, shares[:, 0])
    return Record(
        name=str(path),
        columns=wanted,
        time=time,
        values=values,
        file=file,
        share=share,
        readings={name: (file.time, degrees) for name, degrees in file.readings.items()},
        repairs=file.repairs,
        left_out=left_out,
    )
