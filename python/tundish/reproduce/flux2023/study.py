"""The comparison of models on a record: what is run, its results, and the record of runs."""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.refusals import ArgumentError
from tundish._learning.model_folder import plain
from tundish.crystallization import (
    Backtest,
    Fitted,
    FluxForecaster,
    FrameSequence,
    backtest,
    even_series,
    neighbour_leak,
    read_series,
    synthetic,
)
from tundish.crystallization.baselines import BASELINES
from tundish.reproduce._study import RunRecord

PROTOCOLS = ("published", "rolling")
START, HORIZONS, LEVEL = 0.7, (1, 10, 30), 0.9
WINDOW = 20  # values that the networks look at
# The synthetic record has as many frames as the paper's; its kinetics are slower than the default, so that
# the flux is still crystallising when the last 30 % begin.
SECONDS, SIZE, RATE = 562.0, (120, 160), 4.0
PUBLISHED, SEEN, RECOMMENDED, NEIGHBOURS = "LSTM", "CNN-LSTM", "recommended", "mean of neighbours"
# The paper's models first; then what they have to beat.
MODELS = ("SARIMA", "ARIMA", SEEN, PUBLISHED, RECOMMENDED, "autoregression", "persistence", NEIGHBOURS)
# Arguments of `FluxForecaster`; what else it has stays at its default.
FORECASTERS: dict[str, dict[str, Any]] = {
    SEEN: {"form": "level", "image_size": 32},
    PUBLISHED: {"form": "level", "image_size": None},
    RECOMMENDED: {"form": "change", "image_size": None},
}
_MAX_GAP = 20  # steps


class Data(NamedTuple):
    """A record: `key` of its content, `name`, `frames` or None, `columns`, `time` (n,) s, and `values` (n, k)
    on even steps, NaN for frames, whose share follows from what each protocol trains on. `filled`: number of
    values that were missing."""

    key: str
    name: str
    frames: FrameSequence | None
    columns: tuple[str, ...]
    time: Floats
    values: Floats
    filled: int


class Task(NamedTuple):
    """A model by a protocol on a record (its key); `settings` of the forecaster, {} of the others."""

    data: str
    model: str
    protocol: str
    settings: dict[str, Any]


class Run(NamedTuple):
    """A task, done. `result`: `rows` by horizon (rmse, mae, mae_over_persistence, coverage, width, origins);
    `means`: by horizon the first row that is forecast and the forecasts of the first column; `leak`;
    `history`: losses of the networks; `orders` of ARIMA and SARIMA; `seconds`."""

    task: Task
    seed: int
    result: dict[str, Any]


@functools.cache
def synthetic_data(seed: int) -> Data:
    """The simulated flux."""
    frames = synthetic.sequence(SECONDS, seed, size=SIZE, rate=RATE / SECONDS)
    key = f"synthetic, {SECONDS:g} s, {SIZE[0]} x {SIZE[1]} px, rate {RATE:g} over its length, seed {seed}"
    unknown = np.full((len(frames), 1), np.nan)
    return Data(key, "synthetic sequence", frames, ("share",), frames.time, unknown, 0)


def series_data(path: Path) -> Data:
    """A series of the user's: its share, or all its columns but the readings.

    **Raises:** ValueError that begins with the file; FileNotFoundError.
    """
    file = read_series(path)
    columns = file.usual()
    seconds, table, _ = file.chosen(columns)
    try:
        even = even_series(table, seconds, min_values=2 * _MAX_GAP, max_gap=_MAX_GAP)
    except ArgumentError as error:
        raise error.at(path) from None
    digest = hashlib.sha256(np.ascontiguousarray(even.values).tobytes()).hexdigest()[:16]
    filled = sum(gap.missing for gap in even.gaps)
    return Data(f"{path.name}, {digest}", path.name, None, tuple(columns), even.time, even.values, filled)


def tasks(data: Data) -> list[Task]:
    """The rows of a record's tables."""
    found = []
    for protocol in PROTOCOLS:
        for model in MODELS:
            if (model == SEEN and data.frames is None) or (model == NEIGHBOURS and protocol != "published"):
                continue
            settings = FluxForecaster(WINDOW, **FORECASTERS[model]).settings if model in FORECASTERS else {}
            found.append(Task(data.key, model, protocol, settings))
    return found


@functools.cache
def _shares(seed: int, protocol: str) -> Floats:
    """(T,) of the synthetic frames, by the calibration of those that the protocol trains on."""
    frames = synthetic_data(seed).frames
    assert frames is not None
    trained = frames[::2] if protocol == "published" else frames[: int(START * len(frames))]
    return np.asarray(frames.features(trained.calibration())["share"])


def values_of(data: Data, protocol: str, seed: int) -> Floats:
    """(n,) or (n, k) that is forecast."""
    if data.frames is not None:
        return _shares(seed, protocol)
    return data.values[:, 0] if data.values.shape[1] == 1 else data.values


def _model(task: Task, seed: int) -> Any:
    if task.settings:
        return FluxForecaster(**{**task.settings, "seed": seed})
    kind: Any = BASELINES[task.model]
    return kind()


def compute(task: Task, data: Data, seed: int) -> dict[str, Any]:
    """The result of a task."""
    started = time.perf_counter()
    values = values_of(data, task.protocol, seed)
    if task.model == NEIGHBOURS:
        return _neighbours(values) | {"seconds": time.perf_counter() - started}
    model = _model(task, seed)
    seen: Any = data.frames if task.model == SEEN else values
    model.fit(seen[::2] if task.protocol == "published" else seen[: int(START * len(seen))])
    table = backtest(Fitted(model), seen, START, HORIZONS, level=LEVEL, protocol=task.protocol)
    return {
        "rows": _rows(table),
        "means": _means(table),
        "leak": None if table.leak is None else table.leak._asdict(),
        "history": getattr(model, "history", []),
        "orders": getattr(model, "orders", None),
        "seconds": time.perf_counter() - started,
    }


def _rows(table: Backtest) -> list[dict[str, Any]]:
    """Of the published protocol only those tested frames that all models can forecast."""
    if table.leak is not None:
        part = _tested(table, 1)
        return [_row(part["mean"] - part["value"], part["last"] - part["value"])]
    names = table.dtype.names or ()
    return [{name: row[name].item() for name in names} for row in table]


def _tested(table: Backtest, horizon: int) -> NDArray[Any]:
    known = WINDOW if table.leak is not None else 0
    forecasts = table.forecasts
    return np.asarray(forecasts[(forecasts["horizon"] == horizon) & (forecasts["origin"] >= known)])


def _row(error: Floats, still: Floats) -> dict[str, Any]:
    """Errors one step ahead, and those of persistence."""
    mae, of_persistence = float(np.abs(error).mean()), float(np.abs(still).mean())
    return {
        "horizon": 1, "rmse": float(np.sqrt((error**2).mean())), "mae": mae,
        "mae_over_persistence": mae / of_persistence if of_persistence > 0 else None,
        "coverage": None, "width": None, "origins": len(error),
    }  # fmt: skip


def _means(table: Backtest) -> dict[str, Any]:
    """By horizon: the row of the first value that is forecast, the number of rows to the next, and means."""
    found = {}
    for horizon in (HORIZONS[0], HORIZONS[-1]):
        part = _tested(table, horizon)
        if not part.size:
            continue
        means = part["mean"].reshape(len(part), -1)[:, 0]
        first = int(part["origin"][0])
        # In the published protocol, origin n is the n-th of the tested frames: the second, the fourth, ...
        row, every = (2 * first + 1, 2) if table.leak is not None else (first + horizon - 1, 1)
        found[str(horizon)] = {"row": row, "every": every, "mean": [float(f"{m:.6g}") for m in means]}
    return found


def _neighbours(values: Floats) -> dict[str, Any]:
    """What the published split lets a mean of the frames before and after reach: it needs no model."""
    table = values.reshape(len(values), -1)
    tested = np.arange(2 * WINDOW + 1, len(table) - 1, 2)
    between = (table[tested - 1] + table[tested + 1]) / 2
    row = _row(between - table[tested], table[tested - 2] - table[tested])
    means = [float(f"{m:.6g}") for m in between[:, 0]]
    return {
        "rows": [row], "means": {"1": {"row": int(tested[0]), "every": 2, "mean": means}},
        "leak": neighbour_leak(values)._asdict(), "history": [], "orders": None,
    }  # fmt: skip


class Record(RunRecord[Run]):
    """All runs so far, in a file of one JSON object a line: what is there is not done again."""

    def _start(self) -> None:
        self._runs: dict[str, Run] = {}

    def _read(self, fields: dict[str, Any]) -> Run:
        return Run(**{**fields, "task": Task(**fields["task"])})

    def _line(self, run: Run) -> str:
        return json.dumps(plain(run._asdict() | {"task": run.task._asdict()}), allow_nan=False)

    def _keep(self, run: Run) -> None:
        self._runs[_key(run.task)] = run

    def run(self, task: Task) -> Run | None:
        """A task's, if it is done."""
        return self._runs.get(_key(task))

    def has(self, data: Data) -> bool:
        """Whether all of a record's tasks are done."""
        return all(self.run(task) is not None for task in tasks(data))

    def complete(self, records: Iterable[Data], tell: Callable[[str], object]) -> None:
        """Does what is missing."""
        for data in records:
            for task in tasks(data):
                if self.run(task) is None:
                    tell(f"{data.name}, {task.protocol}: {task.model}")
                    self.add([Run(task, self.seed, compute(task, data, self.seed))])


def _key(task: Task) -> str:
    return json.dumps(plain(task._asdict()), sort_keys=True)
