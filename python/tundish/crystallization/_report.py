"""Reports of analyses: the facts, what a person reads, and the files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.reports import Report, Writer, picture, text
from tundish._learning.model_folder import plain
from tundish.crystallization import plots
from tundish.crystallization._analysis import Analysis
from tundish.crystallization._record import Record
from tundish.crystallization._report_text import text_of
from tundish.crystallization._settings import RECOMMENDED
from tundish.crystallization.forecasting._backtest import Backtest, diebold_mariano
from tundish.crystallization.forecasting._base import Forecast
from tundish.crystallization.kinetics._jmak import JmakFit

INTERVAL = 0.95  # of the parameters of the transformation
_FEATURES = {"time": "time_s", "temperature": "temperature_c"}


def report(analysis: Analysis, *, source: str | None = None, seconds: float | None = None) -> Report:
    """What is found of a record, as facts, in words, and as files.

    **Main arguments:** `analysis`: of :func:`analyse`.

    **Other arguments:** `source`: the folder of the model that the analysis goes on from. `seconds`: that the
    analysis took.

    **Returns:** a `Report`. Its files are the facts (crystallize.json), tables (features.csv or repaired.csv,
    forecast.csv, backtest.csv), pictures (which need matplotlib), and the folder of the forecaster, model.
    """
    facts: dict[str, Any] = plain(_facts(analysis, source))
    facts |= {"seconds": seconds, "files": []}
    return Report(facts, tuple(text_of(facts).split("\n")), _files(analysis, facts))


def forecast_rows(time: Floats, forecast: Forecast, columns: Sequence[str]) -> Iterator[list[str]]:
    """The rows of forecast.csv: a header, and a row a step ahead."""
    yield ["time_s", *(f"{name}{part}" for name in columns for part in ("", "_lower", "_upper"))]
    for n, seconds in enumerate(time):
        row = (part[n, k] for k in range(len(columns)) for part in forecast)
        yield [cell(value) for value in (seconds, *row)]


def forecast_facts(time: Floats, forecast: Forecast, columns: Sequence[str], level: float) -> dict[str, Any]:
    """A forecast (steps, k), its times and its level, by column."""
    by_column = {
        name: {part: values[:, n].tolist() for part, values in forecast._asdict().items()}
        for n, name in enumerate(columns)
    }
    return {"level": level, "time_s": time.tolist(), "columns": by_column}


def cell(value: Any) -> str:
    """Ten digits; nothing for what is not known."""
    return "" if value != value else f"{value:.10g}"


def _facts(analysis: Analysis, source: str | None) -> dict[str, Any]:
    record, forecaster = analysis.record, analysis.forecaster
    time = forecaster.known[0]
    origin = "trained" if analysis.model is None else source or "given"
    return {
        "source": record.name,
        "synthetic": record.synthetic,
        "seed": analysis.settings.seed,
        "frames": _frames_facts(record),
        "time_s": _time_facts(record),
        "columns": list(record.columns),
        "repairs": [repair._asdict() for repair in record.repairs],
        "readings": list(record.readings),
        "left_out": [list(each) for each in record.left_out],
        "gaps": [{"after_s": float(time[gap.after]), "missing": gap.missing} for gap in forecaster.gaps],
        "transformation": None if analysis.fit is None else _fit_facts(analysis.fit),
        "no_transformation": analysis.no_fit,
        "truth": _truth_facts(record),
        "model": {
            "source": origin,
            "settings": forecaster.settings,
            "members": forecaster.card["members"],
        },
        "backtest": _backtest_facts(analysis),
        "forecast": forecast_facts(
            analysis.ahead, analysis.forecast, record.columns, analysis.settings.level
        ),
        "remarks": list(analysis.remarks),
    }


def _frames_facts(record: Record) -> dict[str, Any] | None:
    if record.sequence is None or record.calibration is None or record.table is None:
        return None
    found = record.calibration
    return {
        "count": len(record.sequence),
        "size": list(record.sequence.size),
        "channels": list(record.sequence.channels),
        "flux": {"found": found.region, "share_of_frame": float(found.mask.mean())},
        "contrast": found.contrast,
        "crystals": int(record.table["count"][-1]),
        "share": {"first": float(record.table["share"][0]), "last": float(record.table["share"][-1])},
    }


def _time_facts(record: Record) -> dict[str, Any]:
    time = record.time
    step = float(np.median(np.diff(time))) if len(time) > 1 else None
    return {"first": float(time[0]), "last": float(time[-1]), "step": step, "count": len(time)}


def _fit_facts(fit: JmakFit) -> dict[str, Any]:
    """Values with their intervals."""
    facts: dict[str, Any] = {}
    for name in ("rate", "exponent", "onset", "start", "half", "end"):
        low, high = fit.interval(name, INTERVAL)
        facts[name] = {"value": getattr(fit, name), "lower": low, "upper": high}
    return {**facts, "rms": fit.rms, "level": INTERVAL, "from_row": fit.first}


def _truth_facts(record: Record) -> dict[str, Any] | None:
    if record.sequence is None or record.table is None or record.sequence.truth is None:
        return None
    truth = record.sequence.truth
    error = record.table["share"] - truth.share
    return {
        "share_rms": float(np.sqrt(np.mean(error**2))),
        "rate": truth.rate,
        "exponent": truth.exponent,
        "onset": truth.onset,
    }


def _backtest_facts(analysis: Analysis) -> dict[str, Any]:
    tables = analysis.backtests.tables
    rows = []
    for name, table in tables.items():
        for row in table:
            cells = {field: row[field] for field in table.dtype.names or ()}
            p_value = _p_value(tables, name, int(row["horizon"]))
            rows.append({"model": name, **cells, "p_value": p_value})
    first = next(iter(tables.values()), None)
    begins = None if first is None else int(first.forecasts["origin"].min())
    return {
        "first_origin": begins,
        "first_origin_s": None if begins is None else float(analysis.backtests.time[begins - 1]),
        "level": analysis.settings.level,
        "rows": rows,
        "missing": dict(analysis.backtests.missing),
    }


def _p_value(tables: Mapping[str, Backtest], name: str, horizon: int) -> float | None:
    """Of the Diebold-Mariano test against what is recommended; None where it cannot be made."""
    if name == RECOMMENDED or RECOMMENDED not in tables:
        return None
    try:
        return diebold_mariano(tables[RECOMMENDED], tables[name], horizon).p_value
    except ValueError:  # fewer origins than steps ahead
        return None


def _files(analysis: Analysis, facts: dict[str, Any]) -> dict[str, Writer]:
    """What writes each file."""
    record = analysis.record
    files = {"crystallize.json": text(json.dumps(facts, indent=2, allow_nan=False) + "\n")}
    if record.table is not None:
        files["features.csv"] = partial(_write_features, record)
    elif record.repairs:
        files["repaired.csv"] = partial(_write_repaired, record)
    files["forecast.csv"] = partial(_write_forecast, analysis)
    if analysis.backtests.tables:
        files["backtest.csv"] = partial(_write_backtest, facts["backtest"]["rows"])
    return {**files, **_pictures(analysis), "model": analysis.forecaster.save}


def _pictures(analysis: Analysis) -> dict[str, Writer]:
    record, fit, level = analysis.record, analysis.fit, analysis.settings.level
    found: dict[str, Writer] = {}
    if record.sequence is not None and record.table is not None and record.calibration is not None:
        share = record.table["share"]
        rows = plots.informative_frames(share, 0 if fit is None else fit.first)
        found["frames.png"] = picture(
            partial(plots.plot_frames, record.sequence, share, record.calibration, rows)
        )
    if record.share is not None:
        found["transformation.png"] = picture(
            partial(plots.plot_transformation, *record.share, fit, INTERVAL, record.readings, record.repairs)
        )
    time, values = analysis.forecaster.known
    found["forecast.png"] = picture(
        partial(
            plots.plot_forecast, time, values.reshape(len(values), -1), analysis.ahead, analysis.forecast,
            record.columns, level,
        )
    )  # fmt: skip
    backtests = analysis.backtests
    if RECOMMENDED in backtests.tables:
        found["backtest.png"] = picture(
            partial(plots.plot_backtest, backtests.tables, backtests.time, record.columns, RECOMMENDED)
        )
    found["training.png"] = picture(partial(plots.plot_training, analysis.forecaster.history))
    return found


def _write_features(record: Record, path: Path) -> None:
    """One line a frame."""
    assert record.table is not None
    names = record.table.dtype.names or ()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([_FEATURES.get(name, name) for name in names])
        for row in record.table:
            writer.writerow([cell(row[name]) for name in names])


def _write_repaired(record: Record, path: Path) -> None:
    """The series as it was used: one line a time."""
    assert record.file is not None
    columns = {**record.file.values, **record.file.readings}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", *columns])
        for row in zip(record.file.time, *columns.values(), strict=True):
            writer.writerow([cell(value) for value in row])


def _write_forecast(analysis: Analysis, path: Path) -> None:
    rows = forecast_rows(analysis.ahead, analysis.forecast, analysis.record.columns)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _write_backtest(rows: list[dict[str, Any]], path: Path) -> None:
    """One line a model and horizon."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
