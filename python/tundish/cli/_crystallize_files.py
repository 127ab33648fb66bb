"""What `tundish crystallize` writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli._common import write_picture, write_text
from tundish.cli._crystallize_case import Case

if TYPE_CHECKING:
    from tundish._common.arguments import Floats
    from tundish.cli.crystallize import Result
    from tundish.crystallization import Forecast

_FEATURES = {"time": "time_s", "temperature": "temperature_c"}
RECOMMENDED = "recommended"


def writers_of(case: Case, result: Result, facts: dict[str, Any]) -> dict[str, Callable[[Path], None]]:
    """What writes each file of --out, but for the model."""
    text = json.dumps(facts, indent=2, allow_nan=False) + "\n"
    writers: dict[str, Callable[[Path], None]] = {"crystallize.json": partial(write_text, text)}
    if case.table is not None:
        writers["features.csv"] = partial(_write_features, case)
    elif case.repairs:
        writers["repaired.csv"] = partial(_write_repaired, case)
    writers["forecast.csv"] = partial(_write_forecast, result.ahead, result.forecast, case.columns)
    if result.tables:
        writers["backtest.csv"] = partial(_write_backtest, facts["backtest"]["rows"])
    return writers | {name: partial(write_picture, draw) for name, draw in _pictures(case, result, facts)}


def _pictures(case: Case, result: Result, facts: dict[str, Any]) -> Iterable[tuple[str, Callable[[], Any]]]:
    from tundish.cli.crystallize import INTERVAL
    from tundish.crystallization import _plots

    if case.sequence is not None and case.table is not None and case.calibration is not None:
        share = case.table["share"]
        rows = _plots.telling_frames(share, 0 if result.fit is None else result.fit.first)
        yield "frames.png", partial(_plots.plot_frames, case.sequence, share, case.calibration, rows)
    if case.share is not None:
        yield (
            "transformation.png",
            partial(
                _plots.plot_transformation, *case.share, result.fit, INTERVAL, case.readings, case.repairs
            ),
        )
    time, values = result.forecaster.known
    yield "forecast.png", partial(
        _plots.plot_forecast, time, values.reshape(len(values), -1), result.ahead, result.forecast,
        case.columns, facts["forecast"]["level"],
    )  # fmt: skip
    if RECOMMENDED in result.tables:
        yield (
            "backtest.png",
            partial(_plots.plot_backtest, result.tables, result.judged_at, case.columns, RECOMMENDED),
        )
    yield "training.png", partial(_plots.plot_training, result.forecaster.history)


def _write_features(case: Case, path: Path) -> None:
    """One line a frame."""
    assert case.table is not None
    names = case.table.dtype.names or ()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([_FEATURES.get(name, name) for name in names])
        for row in case.table:
            writer.writerow([number(row[name]) for name in names])


def _write_repaired(case: Case, path: Path) -> None:
    """The series as it was used: one line a time."""
    assert case.file is not None
    columns = {**case.file.values, **case.file.readings}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *columns])
        for row in zip(case.file.time, *columns.values(), strict=True):
            writer.writerow([number(value) for value in row])


def forecast_rows(time: Floats, forecast: Forecast, columns: Sequence[str]) -> Iterator[list[str]]:
    """A header, and a row a step ahead."""
    yield ["time_s", *(f"{name}{part}" for name in columns for part in ("", "_lower", "_upper"))]
    for n, seconds in enumerate(time):
        row = (part[n, k] for k in range(len(columns)) for part in forecast)
        yield [number(value) for value in (seconds, *row)]


def _write_forecast(time: Floats, forecast: Forecast, columns: Sequence[str], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(forecast_rows(time, forecast, columns))


def _write_backtest(rows: list[dict[str, Any]], path: Path) -> None:
    """One line a model and horizon."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def number(value: Any) -> str:
    """Ten digits; nothing for what is not known."""
    return "" if value != value else f"{value:.10g}"
