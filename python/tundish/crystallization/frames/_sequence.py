"""Sequences of frames of a mould flux, with their times and thermocouple readings."""

from __future__ import annotations

import math
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, number, positive
from tundish._common.columns import FrozenColumns
from tundish._common.images import Grey, luma
from tundish._common.random import generator
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish.crystallization.frames import _folder
from tundish.crystallization.frames._calibration import Calibration, calibrate
from tundish.crystallization.frames._checks import (
    checked_crystals,
    checked_images,
    checked_mask,
    checked_readings,
    rising,
)
from tundish.crystallization.frames._features import features
from tundish.crystallization.frames._repair import Repair, repair_readings
from tundish.crystallization.frames._truth import Truth

_GAP = 1.5  # ordinary intervals between frames: a longer one is a gap
_COLOURS = ("red", "green", "blue")


class FrameSequence(FrozenColumns):
    """Frames of a mould flux under the camera of a hot thermocouple, in time.

    **Main arguments:**

    - `images`: (T, H, W) grey levels of 0 to 255; in colour (T, H, W, 3), red, green, blue, or (T, H, W, 4).
      Colour is converted to grey (ITU-R BT.601); the mean levels of its channels are kept. Numbers that are
      not integers are rounded.
    - `time`: (T,) s, rising. Intervals may differ; :attr:`gaps` lists where frames are missing.

    **Other arguments:**

    - `temperature`: (T,) or (T, k) degC, a column a thermocouple, NaN where there is no reading. Readings
      are kept as they are; :meth:`repair` puts right what was mis-read.
    - `mask`: (H, W) bool, True where the flux is: see :meth:`calibration`, which finds it otherwise.
    - `crystals`: "bright" or "dark", what they are beside the melt.

    All are attributes; arrays do not change. Further attributes:

    - `levels`: (T, 1) or (T, 3), mean levels over each whole frame, of grey or of red, green and blue.
    - `channels`: ("grey",) or ("red", "green", "blue").
    - `gaps`: (index, s) of frames that follow the one before by more than 1.5 median intervals.
    - `repairs`: each :class:`Repair` of :meth:`repair`. `skipped`: (file, why) of frames and rows left out.
    - `augmented`: whether noisy copies are in it. `copy_of`: (T,) for each frame the index of the frame it is
      a copy of, itself for the frames as taken.
    - `truth`: the :class:`synthetic.Truth` of a synthetic sequence, None otherwise.

    `len(s)` is T; `s[2:50]` and `s[mask]` are sequences of some frames, in time.

    **Raises:** ValueError or TypeError naming the argument and the first bad index.
    """

    _noun = "sequences do"
    images: Grey
    time: Floats
    temperature: Floats | None
    mask: NDArray[np.bool_] | None
    crystals: str
    levels: Floats
    channels: tuple[str, ...]
    repairs: tuple[Repair, ...]
    skipped: tuple[tuple[str, str], ...]
    augmented: bool
    copy_of: NDArray[np.intp]
    truth: Truth | None

    def __init__(
        self,
        images: ArrayLike,
        time: ArrayLike,
        *,
        temperature: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        crystals: str = "bright",
    ) -> None:
        frames = checked_images(images)
        seconds = rising("time", time)
        if len(seconds) != len(frames):
            needed = f"({len(frames)},), one a frame, is needed"
            raise ArgumentError("time", Shape(seconds.shape), needed)
        colour = frames.ndim == 4
        self._set(
            images=luma(frames) if colour else frames,
            time=seconds,
            temperature=None if temperature is None else checked_readings(temperature, len(frames)),
            mask=None if mask is None else checked_mask(mask, frames.shape[1:3]),
            crystals=checked_crystals(crystals),
            levels=_levels(frames),
            channels=_COLOURS if colour else ("grey",),
            repairs=(),
            skipped=(),
            augmented=False,
            copy_of=np.arange(len(frames)),
            truth=None,
        )

    def _with(self, **changes: Any) -> FrameSequence:
        other = FrameSequence.__new__(FrameSequence)
        other._set(**{name: changes.get(name, getattr(self, name)) for name in _FIELDS})
        return other

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice | ArrayLike) -> FrameSequence:
        """The sequence of some frames: a slice, a mask (T,) or rising numbers."""
        rows = self._chosen(which)
        if not rows.size:
            raise ArgumentError("which", MISSING, "no frames are left: the slice or mask takes none")
        if (np.diff(rows) <= 0).any():
            raise ArgumentError("which", MISSING, "frames must be taken in their order, each once")
        self._refuse_augmented("which", "this sequence is augmented: take frames before augment()")
        return self._rows(rows)

    def _chosen(self, which: slice | ArrayLike) -> NDArray[np.intp]:
        """(n,) numbers of frames."""
        every = np.arange(len(self))
        if isinstance(which, slice):
            return every[which]
        given = np.asarray(which)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "biu"):
            allowed = "take a slice, such as s[3:4], a mask, or rising numbers of frames"
            raise ArgumentTypeError("which", which, allowed)
        if given.dtype == bool and given.shape != every.shape:
            needed = f"{every.shape}, one a frame, is needed"
            raise ArgumentError("mask", Shape(given.shape), needed)
        return every[given if given.size else slice(0, 0)]

    def _refuse_augmented(self, argument: str, allowed: str) -> None:
        if self.augmented:
            raise ArgumentError(argument, MISSING, allowed)

    def _rows(self, rows: NDArray[np.intp]) -> FrameSequence:
        # Frames that follow each other share this sequence's memory.
        one_run = rows[-1] - rows[0] == len(rows) - 1
        which = slice(int(rows[0]), int(rows[-1]) + 1) if one_run else rows
        return self._with(
            images=self.images[which],
            time=self.time[which],
            temperature=None if self.temperature is None else self.temperature[which],
            levels=self.levels[which],
            repairs=tuple(
                r._replace(row=int(np.searchsorted(rows, r.row))) for r in self.repairs if r.row in rows
            ),
            copy_of=np.arange(len(rows)),
            truth=None if self.truth is None else self.truth.rows(rows),
        )

    def __repr__(self) -> str:
        parts = [f"{len(self)} frames of {self.size[0]} x {self.size[1]} px"]
        parts.append(f"{self.time.min():g} to {self.time.max():g} s")
        parts += [f"{len(self.gaps)} gaps"] if self.gaps else []
        parts += [f"{len(self.repairs)} readings repaired"] if self.repairs else []
        parts += [f"{len(self.skipped)} files skipped"] if self.skipped else []
        parts += ["with noisy copies"] if self.augmented else []
        return "<FrameSequence: " + ", ".join(parts) + ">"

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) px."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def gaps(self) -> tuple[tuple[int, float], ...]:
        """(index, s) of each frame that comes more than 1.5 median intervals after the one before."""
        interval = np.diff(self.time[self.copy_of == np.arange(len(self))])
        if not interval.size:
            return ()
        after = np.flatnonzero(interval > _GAP * np.median(interval))
        return tuple((int(n) + 1, float(interval[n])) for n in after)

    @classmethod
    def from_folder(
        cls,
        path: str | PathLike[str],
        *,
        frames_per_second: float | None = None,
        pattern: str | None = None,
        errors: str = "raise",
        mask: ArrayLike | None = None,
        crystals: str = "bright",
    ) -> Self:
        """Frames from a folder of images whose names carry their times.

        **Main arguments:** `path`: of PNG, TIFF, BMP or JPEG files of 8 bits and one size, grey or coloured;
        names that begin with a dot are left alone. The time, s, is the number before an s if there is one
        (`flux_10.5s_T1200.png`), and otherwise the last number (`frame_0110.png`), if the numbers before it
        are the same in all names. Signs and exponents are not read: `_-1` is 1, and 1e2 two numbers.

        **Other arguments:**

        - `frames_per_second`: for names that carry numbers of frames, not seconds.
        - `pattern`: a regular expression that is searched for in names without their suffix; its one group
          is the number, which may then have a sign and an exponent: `pattern=r"t(.+)_T"`.
        - `errors`: "raise", or "skip" to leave out files that cannot be read or are not of the commonest size
          (as a half-written one is); they are listed in :attr:`skipped`.
        - `mask`, `crystals`: as for :class:`FrameSequence`.

        `readings.csv` in the folder, if there is one, has a header `time_s, thermocouple1_c, ...` and a row a
        time; cells may be empty. A frame has the readings of the row that is nearest in time, if that is
        within a quarter of the usual interval between frames, and none otherwise. Rows that are of no frame
        are listed in :attr:`skipped`.

        **Raises:** ValueError that begins with the name of the file at fault, also for two files of one time
        and for names in which no number is clearly the time; FileNotFoundError; ImportError without Pillow
        (`tundish[vision]`).
        """
        choice("errors", errors, ("raise", "skip"))
        rate = None if frames_per_second is None else positive("frames_per_second", frames_per_second)
        names = _folder.FrameNames(rate, pattern)
        read = _folder.read_folder(path, names, errors == "skip")
        sequence = cls(
            np.stack(read.images), read.time, temperature=read.temperature, mask=mask, crystals=crystals
        )
        sequence._set(skipped=read.skipped)
        return sequence

    @classmethod
    def from_tiff(
        cls,
        path: str | PathLike[str],
        time: ArrayLike | None = None,
        *,
        frames_per_second: float | None = None,
        start: float | None = None,
        temperature: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        crystals: str = "bright",
    ) -> Self:
        """Frames from the pages of one TIFF file, such as a video was written to.

        **Main arguments:** `path`: of a TIFF file of 8 bits with pages of one size, grey or in colour.
        `time`: (T,) s; left out, pages follow each other from `start` (s; 0) at `frames_per_second` (1). They
        are refused beside it.

        **Other arguments:** `temperature`, `mask`, `crystals`: as for :class:`FrameSequence`.

        **Raises:** ValueError that begins with the name of the file and names the page at fault;
        FileNotFoundError; ImportError without Pillow (`tundish[vision]`).
        """
        given = {"frames_per_second": frames_per_second, "start": start}
        for name, value in given.items():
            if time is not None and value is not None:
                raise ArgumentError(name, value, "is not used, since time is given")
        rate = 1.0 if frames_per_second is None else positive("frames_per_second", frames_per_second)
        begin = 0.0 if start is None else number("start", start)
        images = np.stack(_folder.read_tiff(path))
        if time is None:
            time = begin + np.arange(len(images)) / rate
        return cls(images, time, temperature=temperature, mask=mask, crystals=crystals)

    def write_folder(self, path: str | PathLike[str]) -> None:
        """Writes what :meth:`from_folder` reads: grey PNG files and, with readings, `readings.csv`.

        The folder is made if it is missing, and must be empty. **Raises:** ValueError naming the folder if it
        is not empty, or if this sequence is augmented or begins before 0 s; ImportError without Pillow;
        OSError.
        """
        if self.augmented:
            allowed = "write the sequence as it was before augment()"
            raise ArgumentError("", MISSING, allowed).at(path)
        _folder.write_folder(path, self.images, self.time, self.temperature)

    def split(self, test: float = 0.3) -> tuple[FrameSequence, FrameSequence]:
        """(train, test): the last share of the frames is tested, after all that is trained on.

        - `test`: share of the frames, above 0 and below 1; at least one frame is on either side.

        **Raises:** ValueError naming `test`; so for an augmented sequence: copies of a tested frame in
        training are a leak. Split first, augment the training part after.
        """
        share = number("test", test)
        if not 0 < share < 1:
            raise ArgumentError("test", share, "must lie between 0 and 1")
        self._refuse_augmented(
            "split",
            "this sequence is augmented, and noisy copies of tested frames in training are a leak; split "
            "first, and augment the training part",
        )
        if len(self) < 2:
            raise ArgumentError("split", MISSING, "one frame cannot be split")
        count = min(max(len(self) - round(share * len(self)), 1), len(self) - 1)
        rows = np.arange(len(self))
        return self._rows(rows[:count]), self._rows(rows[count:])

    def augment(self, noise: float, rng: Any = 0) -> FrameSequence:
        """The sequence with a copy of each frame, to which Gaussian noise is added, after all its frames.

        - `noise`: standard deviation, grey levels. The paper (section 2.1) doubles 562 frames so, and
          does not state the deviation.
        - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None.

        Copies keep the time and readings of their frame, so times start again with them; `copy_of` has the
        index of that frame. **Raises:** ValueError naming the argument; so for a sequence that has copies
        already.
        """
        deviation = number("noise", noise)
        if not (math.isfinite(deviation) and deviation > 0):
            raise ArgumentError("noise", deviation, "must be finite and above 0 grey levels")
        self._refuse_augmented("augment", "this sequence has noisy copies already")
        random = generator(rng)
        copies = np.empty_like(self.images)
        for frame, copy in zip(self.images, copies, strict=True):
            noisy = frame + random.normal(0.0, deviation, frame.shape)
            copy[:] = np.clip(np.rint(noisy), 0, 255)
        twice = np.tile(np.arange(len(self)), 2)
        return self._with(
            images=np.concatenate([self.images, copies]),
            time=self.time[twice],
            temperature=None if self.temperature is None else self.temperature[twice],
            levels=self.levels[twice],
            augmented=True,
            copy_of=twice,
            truth=None if self.truth is None else self.truth.rows(twice),
        )

    def parted(self) -> tuple[FrameSequence, NDArray[np.uint8] | None]:
        """The sequence as it was before :meth:`augment`, and images (T, H, W) of its noisy copies or None."""
        if not self.augmented:
            return self, None
        taken = np.flatnonzero(self.copy_of == np.arange(len(self)))
        return self._rows(taken)._with(augmented=False), self.images[taken.size :]

    def normalised(self, mean: float | None = None, deviation: float | None = None) -> NDArray[np.float32]:
        """(T, H, W) z-scores, (x - mean) / deviation (the paper's equation 2), of all frames together.

        - `mean`, `deviation`: those of the training part, for frames that were not trained on. Left out,
          those of this sequence, so that the result has mean 0 and deviation 1.

        **Raises:** ValueError for frames of one level, whose deviation is 0.
        """
        centre = float(self.images.mean()) if mean is None else number("mean", mean)
        width = float(self.images.std()) if deviation is None else number("deviation", deviation)
        if not width > 0:
            allowed = "must be above 0; frames of one level have no z-score"
            raise ArgumentError("deviation", width, allowed)
        return (self.images - np.float32(centre)) / np.float32(width)

    def repair(self, programme: ArrayLike | None = None, **limits: Any) -> FrameSequence:
        """The sequence with mis-read and missing readings put right, each listed in :attr:`repairs`.

        - `programme`: (n, 2) s and degC of the heating programme, if known.
        - `**limits`: `tolerance`, `deviation`, `longest` of :func:`repair_readings`.

        **Raises:** as :func:`repair_readings`; ValueError if this sequence has no readings or has copies.
        """
        if self.temperature is None:
            raise ArgumentError("repair", MISSING, "this sequence has no temperature")
        self._refuse_augmented("repair", "this sequence is augmented; repair first")
        found = repair_readings(self.time, self.temperature, programme, **limits)
        return self._with(temperature=found.values, repairs=self.repairs + found.repairs)

    def calibration(self, **options: Any) -> Calibration:
        """Where the flux is, how it is lit, and which level parts melt from crystals: :func:`calibrate`."""
        return calibrate(self, **options)

    def features(self, calibration: Calibration | None = None, **options: Any) -> NDArray[Any]:
        """What is seen on each frame, as a structured array: :func:`features`."""
        return features(self, calibration, **options)


_FIELDS = tuple(FrameSequence.__annotations__)


def _levels(frames: NDArray[np.uint8]) -> Floats:
    """(T, 1) or (T, 3) means."""
    pixels = frames.reshape(len(frames), -1, frames.shape[3] if frames.ndim == 4 else 1)
    # A frame at a time: sums of bytes are exact, and no large copy is made.
    sums = np.array([pixel.sum(axis=0, dtype=np.int64) for pixel in pixels])
    return sums / np.float64(pixels.shape[1])
