"""A folder into which frames arrive, and a forecast that keeps up with it."""

from __future__ import annotations

import csv
import io
import math
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats, choice, count, positive
from tundish._common.refusals import MISSING, ArgumentError
from tundish._common.reports import Report, Writer, picture
from tundish._learning.model_folder import replace
from tundish.crystallization import plots
from tundish.crystallization._analysis import forecast_of, new_forecaster
from tundish.crystallization._arrivals import Arrival, Arrivals
from tundish.crystallization._report import cell, forecast_facts, forecast_rows
from tundish.crystallization._settings import AnalysisSettings
from tundish.crystallization.forecasting._base import Forecast
from tundish.crystallization.forecasting._flux_forecaster import FluxForecaster
from tundish.crystallization.frames._calibration import collect_doubts
from tundish.crystallization.frames._checks import LOOKS
from tundish.crystallization.frames._sequence import FrameSequence

POLL, AFTER = 1.0, 60  # s; frames

_GROWTH = 2.0  # times as many frames as were trained on, and it is trained anew
_AGAIN = 0.1  # more frames, and a training that could not be is tried again


class Notice(NamedTuple):
    """What is to be known of a folder that is followed, one line of `text`."""

    text: str


class Outlook(NamedTuple):
    """The forecast after a frame has arrived.

    - `time`: s, of the last frame. `observed`: (k,) its values. `frames`: number of frames taken so far.
    - `columns`: names of the values. `level`: of the forecast's band.
    - `forecast`: (steps, k) each. `ahead`: (steps,) s, its times.
    """

    time: float
    frames: int
    columns: tuple[str, ...]
    observed: Floats
    forecast: Forecast
    ahead: Floats
    level: float

    def facts(self) -> dict[str, Any]:
        """As JSON takes them."""
        return {
            "time_s": self.time,
            "frames": self.frames,
            "observed": dict(zip(self.columns, self.observed.tolist(), strict=True)),
            "forecast": forecast_facts(self.ahead, self.forecast, self.columns, self.level),
        }

    def __str__(self) -> str:
        forecast = self.forecast
        values = ", ".join(
            f"{name} {self.observed[n]:.4g} -> {forecast.mean[-1, n]:.4g} ({forecast.lower[-1, n]:.4g} to "
            f"{forecast.upper[-1, n]:.4g})"
            for n, name in enumerate(self.columns)
        )
        return f"{self.time:g} s: {values} at {self.ahead[-1]:g} s"


def follow(
    folder: str | PathLike[str],
    settings: AnalysisSettings | None = None,
    *,
    columns: Iterable[str] | None = None,
    model: FluxForecaster | None = None,
    frames_per_second: float | None = None,
    pattern: str | None = None,
    crystals: str = "bright",
    after: int = AFTER,
    out: str | PathLike[str] | None = None,
) -> Following:
    """Follows a folder into which a camera writes frames: a forecast after each that arrives.

    **Main arguments:** `folder`: of frames as of :meth:`FrameSequence.from_folder`; nothing is removed from
    it. `settings`: None is the default.

    **Other arguments:**

    - `columns`: features that are forecast; None is the share, or the columns of the model.
    - `model`: a forecaster fitted to frames; it is updated by those that follow, in place. None: a forecaster
      is trained when there are `after` frames.
    - `frames_per_second`, `pattern`, `crystals`: as for :meth:`FrameSequence.from_folder`.
    - `out`: an existing folder in which forecast.csv (the last forecast) and follow.csv (a line a forecast)
      are kept up to date.

    **Returns:** a :class:`Following`, whose `watch` does the work:

        for event in follow("frames/").watch(seconds=600):
            print(event)

    **Raises:** ValueError or TypeError naming the argument.
    """
    chosen = AnalysisSettings() if settings is None else settings
    choice("crystals", crystals, LOOKS)
    if not Path(folder).is_dir():
        raise ArgumentError("folder", MISSING, f"{folder}: is no folder to watch")
    wanted = ("share",) if columns is None else tuple(columns)
    if model is not None:
        if not model.fitted_to_frames:
            raise ArgumentError("model", MISSING, "was fitted to a series; frames are followed")
        wanted = (model.feature,) if isinstance(model.feature, str) else tuple(model.feature)
    trainer = _Follower(Path(folder), chosen, wanted, crystals, count("after", after, 1), model)
    arrivals = Arrivals(Path(folder), frames_per_second, pattern)
    return Following(Path(folder), trainer, arrivals, None if out is None else Path(out))


class Following:
    """A folder that is followed: :func:`follow`.

    - `frames`: number of frames taken so far. `left_out`: (file, why) of the others.
    - `forecaster`: the :class:`FluxForecaster`, None before it is trained.
    """

    def __init__(self, folder: Path, follower: _Follower, arrivals: Arrivals, out: Path | None) -> None:
        self._folder, self._follower, self._arrivals = folder, follower, arrivals
        self._log = None if out is None else _Log(out, follower.columns)
        self._listed = 0  # of `left_out`
        self.frames = 0
        if follower.forecaster is not None:
            arrivals.skip_to(follower.time_known())

    @property
    def left_out(self) -> list[tuple[str, str]]:
        return list(self._arrivals.left_out)

    @property
    def forecaster(self) -> FluxForecaster | None:
        return self._follower.forecaster

    def watch(
        self, *, poll: float = POLL, seconds: float | None = None, ended: threading.Event | None = None
    ) -> Iterator[Notice | Outlook]:
        """What happens, as it happens: notices, and an outlook whenever frames have been taken.

        - `poll`: s between two looks at the folder. `seconds`: the end, None to go on for ever.
        - `ended`: an event that ends it when set, after the frame that is being taken.

        **Raises:** ValueError or TypeError naming the argument.
        """
        wait = positive("poll", poll)
        until = math.inf if seconds is None else time.monotonic() + positive("seconds", seconds)
        return self._events(wait, until, threading.Event() if ended is None else ended)

    def _events(self, wait: float, until: float, ended: threading.Event) -> Iterator[Notice | Outlook]:
        while not ended.is_set():
            fresh = 0
            for frame in self._arrivals.new():
                why = self._follower.take(frame)
                yield from self._follower.notices()
                if why is not None:
                    self._arrivals.left_out.append((frame.file.name, why))
                else:
                    fresh += 1
                if ended.is_set():
                    break
            self.frames += fresh
            yield from self._new_left_out()
            if fresh and self._follower.forecaster is not None:
                outlook = self._follower.outlook(self.frames)
                if self._log is not None:
                    self._log.add(outlook)
                yield outlook
            left = until - time.monotonic()
            if left <= 0:
                return
            ended.wait(min(wait, left))

    def _new_left_out(self) -> Iterator[Notice]:
        for name, why in self._arrivals.left_out[self._listed :]:
            yield Notice(f"{self._folder / name}: left out: {why}")
        self._listed = len(self._arrivals.left_out)

    def report(self) -> Report:
        """How many frames were taken and left out; the picture of the last forecast, the tables that were
        kept up to date, and the forecaster (model) are its files."""
        facts = {"ended": True, "frames": self.frames, "left_out": [list(each) for each in self.left_out]}
        line = f"followed {self.frames} frames; {len(self.left_out)} left out"
        return Report(facts, (line,), self._files())

    def _files(self) -> dict[str, Writer]:
        forecaster = self._follower.forecaster
        if forecaster is None:
            return {}
        known, values = forecaster.known
        last = self._follower.outlook(self.frames)
        draw = partial(
            plots.plot_forecast, known, values.reshape(len(values), -1), last.ahead, last.forecast,
            last.columns, last.level,
        )  # fmt: skip
        logs = {} if self._log is None else self._log.files()
        return {"forecast.png": picture(draw), **logs, "model": forecaster.save}


class _Follower:
    """A forecaster that is trained when there are enough frames, updated by each that follows, and trained
    anew when there are twice as many, or after a gap that is too long to bridge."""

    def __init__(
        self,
        folder: Path,
        settings: AnalysisSettings,
        columns: tuple[str, ...],
        crystals: str,
        after: int,
        forecaster: FluxForecaster | None,
    ) -> None:
        self._folder, self._settings, self.columns = folder, settings, columns
        self._crystals, self._after, self.forecaster = crystals, after, forecaster
        self._frames: list[Arrival] = []
        self._try_at: float = after
        self._refit_at = math.inf
        self._waits: str | None = None
        self._notices: list[Notice] = []

    def notices(self) -> list[Notice]:
        """Those since the last call."""
        found, self._notices = self._notices, []
        return found

    def take(self, frame: Arrival) -> str | None:
        """Takes a frame; why not, if it does not fit."""
        if self._frames and frame.image.shape != self._frames[0].image.shape:
            return f"is of another size or colour than {self._frames[0].file.name}"
        if self.forecaster is None:
            self._frames.append(frame)
            if len(self._frames) >= self._try_at:
                self._train()
            return None
        try:
            self.forecaster.update(FrameSequence(frame.image[None], [frame.time], crystals=self._crystals))
        except ArgumentError as error:
            if error.argument != "time":
                return str(error)
            self._begin_anew(frame)
            return None
        self._frames.append(frame)
        if len(self._frames) >= self._refit_at:
            self._train()
        return None

    def time_known(self) -> float:
        """s of the last frame that the forecaster was updated with."""
        assert self.forecaster is not None
        return float(self.forecaster.known[0][-1])

    def outlook(self, frames: int) -> Outlook:
        """The forecast after the last frame, which is the `frames`-th that was taken."""
        assert self.forecaster is not None
        known, values = self.forecaster.known
        forecast, ahead = forecast_of(self.forecaster, self._settings)
        observed = values.reshape(len(values), -1)[-1]
        return Outlook(
            float(known[-1]), frames, self.columns, observed, forecast, ahead, self._settings.level
        )

    def _begin_anew(self, frame: Arrival) -> None:
        """After a gap: what was before it is another record."""
        before = self._frames[-1].time if self._frames else self.time_known()
        text = f"{frame.file}: {frame.time - before:g} s after the last; begins anew"
        self._notices.append(Notice(text))
        self._frames, self.forecaster = [frame], None
        self._try_at, self._refit_at, self._waits = self._after, math.inf, None

    def _train(self) -> None:
        number = len(self._frames)
        images = np.stack([frame.image for frame in self._frames])
        times = [frame.time for frame in self._frames]
        sequence = FrameSequence(images, times, crystals=self._crystals)
        try:
            with collect_doubts() as doubts:
                self.forecaster = new_forecaster(self._settings, self.columns).fit(sequence)
        except ValueError as error:
            # Such as a flux that has not changed yet: later frames will show it.
            self._try_at = number + max(round(_AGAIN * number), 1)
            if self.forecaster is None and self._waits != str(error):
                self._waits = str(error)
                self._notices.append(Notice(f"{self._folder}: waits for more frames: {error}"))
            self._refit_at = self._refit_at + max(round(_AGAIN * number), 1)
            return
        self._refit_at, self._waits = _GROWTH * number, None
        self._notices += [Notice(f"{self._folder}: {doubt}") for doubt in doubts]


class _Log:
    """The last forecast, in forecast.csv, and a line for each forecast, in follow.csv."""

    def __init__(self, folder: Path, columns: tuple[str, ...]) -> None:
        self._folder, self._columns = folder, columns

    def add(self, outlook: Outlook) -> None:
        """forecast.csv, whole or not at all, and a line more of follow.csv."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows(forecast_rows(outlook.ahead, outlook.forecast, self._columns))
        replace(self._folder / "forecast.csv", text.getvalue().encode())
        file = self._folder / "follow.csv"
        new = not file.exists()
        with file.open("a", newline="", encoding="utf-8") as lines:
            writer = csv.writer(lines)
            if new:
                parts = ("", "_ahead", "_ahead_lower", "_ahead_upper")
                names = (f"{name}{part}" for name in self._columns for part in parts)
                writer.writerow(["time_s", "ahead_s", *names])
            values = (
                value
                for n in range(len(self._columns))
                for value in (outlook.observed[n], *(part[-1, n] for part in outlook.forecast))
            )
            writer.writerow([cell(value) for value in (outlook.time, outlook.ahead[-1], *values)])

    def files(self) -> dict[str, Writer]:
        """Those that are there, and what brings them to another folder."""
        files = [self._folder / name for name in ("forecast.csv", "follow.csv")]
        return {file.name: partial(_copy, file) for file in files if file.exists()}


def _copy(file: Path, path: Path) -> None:
    if not (path.exists() and path.samefile(file)):
        shutil.copyfile(file, path)
