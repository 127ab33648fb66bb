"""`tundish crystallize --follow`: a folder into which frames arrive, and a forecast that keeps up with it."""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tundish.cli import DONE, BadInputError
from tundish.cli._common import make_folder, note, write_files, write_picture
from tundish.cli._crystallize_case import BRIGHT, doubts_told

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tundish._common.arguments import Floats
    from tundish.crystallization import FluxForecaster, Forecast

_POLL, _AFTER = 1.0, 60  # s; frames
_PATIENCE = 5.0  # s that a file which cannot be read may stand still before it is taken for damaged
_GROWTH = 2.0  # times as many frames as were trained on, and it is trained anew
_AGAIN = 0.1  # more frames, and a training that could not be is tried again


class Arrival(NamedTuple):
    """A frame that can be read."""

    file: Path
    time: float
    image: NDArray[np.uint8]


class Arrivals:
    """The frames of a folder in the order of their times, each once, when they are whole.

    A file that cannot be read may be half written: those after it wait, until it can be read or has not
    changed for a while. `left_out`: (file, why) of what is not taken.
    """

    def __init__(self, folder: Path, frames_per_second: float | None, pattern: str | None = None) -> None:
        from tundish.crystallization.frames._folder import Names

        self._folder, self._names = folder, Names(frames_per_second, pattern)
        self._done: set[str] = set()
        self._waiting: dict[str, tuple[tuple[int, int], float]] = {}
        self._last = float("-inf")
        self.left_out: list[tuple[str, str]] = []

    def skip_to(self, seconds: float) -> None:
        """Frames up to this time are known already."""
        for file in self._files():
            of_file = self._time(file)
            if of_file is not None and of_file <= seconds:
                self._done.add(file.name)
        self._last = seconds

    def new(self) -> Iterator[Arrival]:
        """Those that have become whole since it was last asked."""
        from tundish._common.images import read_image

        timed = [(seconds, file) for file in self._files() if (seconds := self._time(file)) is not None]
        for seconds, file in sorted(timed):
            if seconds <= self._last:
                self._leave(file, f"of {seconds:g} s came after the frame of {self._last:g} s")
                continue
            try:
                image = read_image(file)
            except FileNotFoundError:  # taken away by whoever wrote it
                continue
            except ValueError as error:
                if not self._stands_still(file):
                    return
                self._leave(file, str(error).removeprefix(f"{file}: "))
                continue
            self._done.add(file.name)
            self._last = seconds
            yield Arrival(file, seconds, image)

    def _files(self) -> list[Path]:
        from tundish.crystallization.frames._folder import image_files

        return [file for file in image_files(self._folder) if file.name not in self._done]

    def _time(self, file: Path) -> float | None:
        try:
            return self._names.seconds(file)
        except ValueError as error:
            self._leave(file, str(error).removeprefix(f"{file}: "))
            return None

    def _stands_still(self, file: Path) -> bool:
        """Whether it has not changed for some seconds."""
        try:
            found = file.stat()
        except FileNotFoundError:
            return False
        state, now = (found.st_size, found.st_mtime_ns), time.monotonic()
        before, since = self._waiting.get(file.name, (None, now))
        self._waiting[file.name] = (state, since if before == state else now)
        return before == state and now - since >= _PATIENCE

    def _leave(self, file: Path, why: str) -> None:
        self._done.add(file.name)
        self.left_out.append((file.name, why))


class Follower:
    """A forecaster that is trained when there are enough frames, told each that follows, and trained anew
    when there are twice as many, or after a gap that is too long to bridge."""

    def __init__(self, arguments: argparse.Namespace, forecaster: FluxForecaster | None) -> None:
        self._arguments, self.forecaster = arguments, forecaster
        self._after = _AFTER if arguments.after is None else arguments.after
        self._crystals = arguments.crystals or BRIGHT
        self._frames: list[Arrival] = []
        self._try_at = self._after
        self._refit_at = float("inf")
        self.waits: str | None = None
        self.columns = tuple(arguments.column or ("share",))

    def take(self, frame: Arrival) -> str | None:
        """Takes a frame; why not, if it does not fit."""
        if self._frames and frame.image.shape != self._frames[0].image.shape:
            return f"is of another size or colour than {self._frames[0].file.name}"
        if self.forecaster is None:
            self._frames.append(frame)
            if len(self._frames) >= self._try_at:
                self._train()
            return None
        from tundish.crystallization import FrameSequence

        try:
            self.forecaster.update(FrameSequence(frame.image[None], [frame.time], crystals=self._crystals))
        except ValueError as error:
            if not str(error).startswith("time"):
                return str(error)
            self._begin_anew(frame)
            return None
        self._frames.append(frame)
        if len(self._frames) >= self._refit_at:
            self._train()
        return None

    def _begin_anew(self, frame: Arrival) -> None:
        """After a gap: what was before it is another record."""
        before = self._frames[-1].time if self._frames else self.forecaster_time()
        note(self._arguments.prog, f"{frame.file}: {frame.time - before:g} s after the last; begins anew")
        self._frames, self.forecaster = [frame], None
        self._try_at, self._refit_at, self.waits = self._after, float("inf"), None

    def forecaster_time(self) -> float:
        """s of the last frame that the forecaster knows."""
        assert self.forecaster is not None
        return float(self.forecaster.known[0][-1])

    def _train(self) -> None:
        import numpy as np

        from tundish.cli.crystallize import new_forecaster
        from tundish.crystallization import FrameSequence

        count = len(self._frames)
        images = np.stack([frame.image for frame in self._frames])
        times = [frame.time for frame in self._frames]
        sequence = FrameSequence(images, times, crystals=self._crystals)
        try:
            with doubts_told() as doubts:
                self.forecaster = new_forecaster(self._arguments, self.columns).fit(sequence)
        except ValueError as error:
            # Such as a flux that has not changed yet: what comes will tell.
            self._try_at = count + max(round(_AGAIN * count), 1)
            if self.forecaster is None and self.waits != str(error):
                self.waits = str(error)
                note(self._arguments.prog, f"{self._arguments.record}: waits for more frames: {error}")
            self._refit_at = self._refit_at + max(round(_AGAIN * count), 1)
            return
        self._refit_at, self.waits = _GROWTH * count, None
        for doubt in doubts:
            note(self._arguments.prog, f"{self._arguments.record}: {doubt}")


def follow(arguments: argparse.Namespace) -> int:
    """Watches the folder until it is interrupted, or for the time that was asked for."""
    from tundish.cli.crystallize import columns_of, loaded

    model = None if arguments.model is None else loaded(arguments)
    if model is not None:
        if model._eye is None:
            raise BadInputError(f"--model {arguments.model}: was fitted to a series; frames are followed")
        arguments.column = columns_of(model)
    if arguments.out is not None:
        make_folder(arguments.out)
    watch = _Watch(arguments, Follower(arguments, model))
    with _until_interrupted() as ended:
        watch.run(ended)
    watch.finish()
    return DONE


@contextlib.contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; what is under way is ended in order. A second one interrupts."""
    ended = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return

    def end(*_: object) -> None:
        ended.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGINT, before)


class _Watch:
    """Looks at the folder again and again, tells what is new, and keeps the files of --out up to date."""

    def __init__(self, arguments: argparse.Namespace, follower: Follower) -> None:
        self._arguments, self._follower = arguments, follower
        self._arrivals = Arrivals(arguments.record, arguments.frames_per_second, arguments.pattern)
        if follower.forecaster is not None:
            self._arrivals.skip_to(follower.forecaster_time())
        self._taken, self._told_left_out = 0, 0

    def run(self, ended: threading.Event) -> None:
        poll = _POLL if self._arguments.poll is None else self._arguments.poll
        seconds = self._arguments.follow_seconds
        until = float("inf") if seconds is None else time.monotonic() + seconds
        while not ended.is_set():
            fresh = 0
            for frame in self._arrivals.new():
                why = self._follower.take(frame)
                if why is not None:
                    self._arrivals.left_out.append((frame.file.name, why))
                else:
                    fresh += 1
                if ended.is_set():
                    break
            self._taken += fresh
            self._tell_left_out()
            if fresh and self._follower.forecaster is not None:
                self._tell()
            left = until - time.monotonic()
            if left <= 0:
                return
            ended.wait(min(poll, left))

    def _tell_left_out(self) -> None:
        for name, why in self._arrivals.left_out[self._told_left_out :]:
            note(self._arguments.prog, f"{self._arguments.record / name}: left out: {why}")
        self._told_left_out = len(self._arrivals.left_out)

    def _tell(self) -> None:
        """The forecast after the last frame: a line, and files."""
        known, values, forecast, ahead = self._outlook()
        columns = self._follower.columns
        if self._arguments.json:
            facts = {
                "time_s": float(known[-1]),
                "frames": self._taken,
                "observed": dict(zip(columns, values[-1].tolist(), strict=True)),
                "forecast": {
                    "level": self._arguments.level,
                    "time_s": ahead.tolist(),
                    "columns": {
                        name: {part: v[:, n].tolist() for part, v in forecast._asdict().items()}
                        for n, name in enumerate(columns)
                    },
                },
            }
            print(json.dumps(facts, allow_nan=False), flush=True)
        else:
            told = ", ".join(
                f"{name} {values[-1, n]:.4g} -> {forecast.mean[-1, n]:.4g} ({forecast.lower[-1, n]:.4g} to "
                f"{forecast.upper[-1, n]:.4g})"
                for n, name in enumerate(columns)
            )
            print(f"{known[-1]:g} s: {told} at {ahead[-1]:g} s", flush=True)
        if self._arguments.out is not None:
            self._write(float(known[-1]), values[-1], forecast, ahead)

    def _outlook(self) -> tuple[Floats, Floats, Forecast, Floats]:
        """Times and values (T, k) that are known, and the forecast with its times."""
        from tundish.cli.crystallize import forecast_of

        assert self._follower.forecaster is not None
        known, values = self._follower.forecaster.known
        forecast, ahead = forecast_of(self._follower.forecaster, self._arguments)
        return known, values.reshape(len(values), -1), forecast, ahead

    def _write(self, now: float, observed: Floats, forecast: Forecast, ahead: Floats) -> None:
        """forecast.csv, whole or not at all, and a line more of follow.csv."""
        from tundish._learning.model_folder import replace
        from tundish.cli._crystallize_files import forecast_rows, number

        columns, out = self._follower.columns, self._arguments.out
        text = io.StringIO(newline="")
        csv.writer(text).writerows(forecast_rows(ahead, forecast, columns))
        replace(out / "forecast.csv", text.getvalue().encode())
        file = out / "follow.csv"
        new = not file.exists()
        with file.open("a", newline="", encoding="utf-8") as lines:
            writer = csv.writer(lines)
            if new:
                parts = ("", "_ahead", "_ahead_lower", "_ahead_upper")
                names = (f"{name}{part}" for name in columns for part in parts)
                writer.writerow(["time_s", "ahead_s", *names])
            told = (
                value for n in range(len(columns)) for value in (observed[n], *(p[-1, n] for p in forecast))
            )
            writer.writerow([number(value) for value in (now, ahead[-1], *told)])

    def finish(self) -> None:
        """What is kept, and a last word."""
        files: list[str] = []
        forecaster, out = self._follower.forecaster, self._arguments.out
        if out is not None and forecaster is not None:
            from functools import partial

            from tundish.crystallization import _plots

            known, values, forecast, ahead = self._outlook()
            draw = partial(_plots.plot_forecast, known, values, ahead, forecast, self._follower.columns,
                           self._arguments.level)  # fmt: skip
            files = write_files(self._arguments.prog, out, {"forecast.png": partial(write_picture, draw)})
            forecaster.save(out / "model")
            files += [str(out / name) for name in ("forecast.csv", "follow.csv") if (out / name).exists()]
            files.append(str(out / "model"))
        left_out = [list(each) for each in self._arrivals.left_out]
        if self._arguments.json:
            print(json.dumps({"ended": True, "frames": self._taken, "left_out": left_out, "files": files}))
            return
        print(f"followed {self._taken} frames; {len(left_out)} left out")
        for file in files:
            print(f"wrote {file}")
