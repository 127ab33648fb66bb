"""The analysis of a record: its transformation, a forecast, and how well such forecasts would have been."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.refusals import MISSING, ArgumentError
from tundish.crystallization._record import Record, calibrated, features_of, has_frames
from tundish.crystallization._settings import RECOMMENDED, AnalysisSettings, Progress, stage
from tundish.crystallization.baselines import BASELINES
from tundish.crystallization.forecasting._backtest import Backtest, Fitted, backtest
from tundish.crystallization.forecasting._base import Forecast
from tundish.crystallization.forecasting._flux_forecaster import FluxForecaster
from tundish.crystallization.forecasting._series import even_series
from tundish.crystallization.frames._calibration import collect_doubts
from tundish.crystallization.frames._series_file import SHARE
from tundish.crystallization.kinetics._jmak import JmakFit, fit_jmak


class Comparisons(NamedTuple):
    """Backtests on the end of a record.

    - `tables`: by model, "recommended" first. `missing`: by model, why there is no table.
    - `time`: (n,) s of the steps that the origins of the tables count.
    - `remarks`: what is special about them, in words.
    """

    tables: Mapping[str, Backtest]
    missing: Mapping[str, str]
    time: Floats
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is found of a record: :func:`analyse`.

    - `record`, `settings`: that were analysed, and how. `model`: of the arguments, or None.
    - `fit`: of the transformation, or None and the reason, `no_fit`.
    - `backtests`: of the forecaster and of the baselines.
    - `forecaster`: that was trained, or goes on from the model.
    - `forecast`: (steps, k) each. `ahead`: (steps,) s, its times.
    - `remarks`: what is to be known about all this, in words.
    """

    record: Record
    settings: AnalysisSettings
    model: FluxForecaster | None
    fit: JmakFit | None
    no_fit: str | None
    backtests: Comparisons
    forecaster: FluxForecaster
    forecast: Forecast
    ahead: Floats
    remarks: tuple[str, ...]


def analyse(
    record: Record,
    settings: AnalysisSettings | None = None,
    *,
    model: FluxForecaster | None = None,
    progress: Progress = False,
) -> Analysis:
    """Fits the transformation of a record, forecasts what comes next, and backtests such forecasts.

    **Main arguments:** `record`: of :func:`read_record` or :func:`frames_record`.
    `settings`: None is the default.

    **Other arguments:**

    - `model`: a forecaster that was fitted to an earlier part of this record; it is updated by the rest, and
      the errors of its forecasts of that take the place of the backtest. None: a forecaster is trained.
    - `progress`: as for :func:`read_record`.

    **Returns:** an :class:`Analysis`.

    The forecaster is a :class:`FluxForecaster`. The backtest is of another one, trained on the first
    `settings.start` of the record, with baselines beside it. Frames are measured by the calibration of those
    that are known when it begins.

    **Raises:** ValueError or TypeError naming the argument; FloatingPointError if the training diverges;
    ImportError without torch (`tundish[vision]`).
    """
    chosen = AnalysisSettings() if settings is None else settings
    if record.sequence is None and chosen.image_size is not None:
        raise ArgumentError("image_size", MISSING, f"is for frames; {record.name} is a series")
    fit, no_fit, doubts = _transformation(record, progress)
    if model is None:
        forecaster = _trained(record, chosen, progress)
        backtests = _backtests(record, chosen, progress)
    else:
        _refuse_other_kind(model, record.name, record.sequence is not None)
        forecaster, backtests = _resume_from_model(model, record, chosen, progress)
    forecast, ahead = forecast_of(forecaster, chosen)
    remarks = (*record.remarks, *doubts, *backtests.remarks)
    return Analysis(record, chosen, model, fit, no_fit, backtests, forecaster, forecast, ahead, remarks)


def model_columns(model: FluxForecaster, record: str | PathLike[str] | None = None) -> tuple[str, ...] | None:
    """The columns that a model forecasts, for reading the record it goes on with; None if they have no names.

    `record`: path of that record, None for a synthetic one. **Raises:** ValueError naming `model` if it was
    fitted to frames and the record is a series, or the reverse.
    """
    _refuse_other_kind(model, str(record or "the synthetic sequence"), has_frames(record))
    names = (model.feature,) if isinstance(model.feature, str) else tuple(model.feature)
    return names if len(names) == model.card["data"]["columns"] else None


def new_forecaster(
    settings: AnalysisSettings, columns: tuple[str, ...], limits: tuple[float, float] | None = None
) -> FluxForecaster:
    """A forecaster by the settings, for series between these limits."""
    given = {name: getattr(settings, name) for name in ("window", "ensemble", "epochs")}
    return FluxForecaster(
        **{name: value for name, value in given.items() if value is not None},
        horizons=settings.horizons,
        feature=columns[0] if len(columns) == 1 else columns,
        limits=limits,
        image_size=settings.image_size,
        seed=settings.seed,
        device=settings.device,
    )


def forecast_of(forecaster: FluxForecaster, settings: AnalysisSettings) -> tuple[Forecast, Floats]:
    """The forecast, (steps, k), and its times, s."""
    forecast = forecaster.forecast(settings.steps, settings.level)
    time, _ = forecaster.known
    step = float(time[1] - time[0])
    parts = (np.reshape(part, (settings.steps, -1)) for part in forecast)
    return Forecast(*parts), time[-1] + step * np.arange(1, settings.steps + 1)


def _transformation(record: Record, progress: Progress) -> tuple[JmakFit | None, str | None, tuple[str, ...]]:
    """The fit, or why there is none, and the doubts about it."""
    if record.share is None:
        return None, "the series has no column share", ()
    try:
        with (
            stage(progress, "fitting the transformation"),
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            fit = fit_jmak(*record.share)
            return fit, None, tuple(f"transformation: {each.message}" for each in caught)
    except ValueError as error:
        return None, str(error), ()


def _limits(record: Record, as_frames: bool) -> tuple[float, float] | None:
    """Of a share that is given as numbers; the forecaster has the limits of features of frames itself."""
    share = not as_frames and record.columns == (SHARE,)
    return (0.0, 1.0) if share and ((record.values >= 0) & (record.values <= 1)).all() else None


def _trained(record: Record, settings: AnalysisSettings, progress: Progress) -> FluxForecaster:
    as_frames = record.sequence is not None
    forecaster = new_forecaster(settings, record.columns, _limits(record, as_frames))
    bar = progress is True
    with stage(progress, "training"), collect_doubts():  # those of the record are in its remarks
        if record.sequence is not None:
            return forecaster.fit(record.sequence, progress=bar)
        return forecaster.fit(_flat(record.values), record.time, progress=bar)


def _flat(values: Floats) -> Floats:
    return values[:, 0] if values.shape[1] == 1 else values


def _backtests(record: Record, settings: AnalysisSettings, progress: Progress) -> Comparisons:
    """On the end of the record; no tables where it is too short for that."""
    as_frames = settings.image_size is not None
    forecaster = new_forecaster(settings, record.columns, _limits(record, as_frames))
    time, values, remarks = _known_at_start(record, settings)
    even = even_series(values, time, min_values=2, max_gap=forecaster.window)
    left = len(even.values) - int(settings.start * len(even.values))
    horizons = tuple(h for h in settings.horizons if h <= left)
    if not horizons:
        return Comparisons({}, {RECOMMENDED: _too_few(left)}, even.time, remarks)
    if horizons != settings.horizons:
        remarks += (f"{left} values are left to judge by: no forecasts further ahead than that are judged",)
    frames = as_frames and not even.gaps
    seen: Any = record.sequence if frames else _flat(even.values)
    if as_frames and not frames:
        remarks += ("frames are missing, so networks that see none are judged",)
        forecaster.image_size = None
    models: dict[str, tuple[Any, Any]] = {RECOMMENDED: (forecaster, seen)}
    models |= {name: (baseline, _flat(even.values)) for name, baseline in _baselines(settings)}
    tables, missing = _tables(models, settings, settings.start, horizons, progress)
    return Comparisons(tables, missing, even.time, remarks)


def _baselines(settings: AnalysisSettings) -> Iterator[tuple[str, Any]]:
    kinds: dict[str, Any] = BASELINES
    return ((name, kinds[name]()) for name in settings.against)


def _too_few(left: int) -> str:
    return f"{left} values are left to judge it by"


def _known_at_start(record: Record, settings: AnalysisSettings) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Time and values, of frames by the calibration of those that are known when the backtest begins."""
    if record.sequence is None:
        return record.time, record.values, ()
    part = record.sequence[: max(int(settings.start * len(record.sequence)), 1)]
    calibration, doubts = calibrated(part)
    first = f"the first {100 * settings.start:g} % of the frames"
    if calibration.contrast == 0:
        what = f"{first} do not show both states"
        remark = f"{what}: forecasts are judged by the whole record's calibration"
        return record.time, record.values, (remark,)
    remarks = tuple(f"of {first}, by which forecasts are judged: {each}" for each in doubts)
    return record.time, features_of(record.sequence.features(calibration), record.columns), remarks


def _tables(
    models: dict[str, tuple[Any, Any]],
    settings: AnalysisSettings,
    start: float,
    horizons: tuple[int, ...],
    progress: Progress,
) -> tuple[dict[str, Backtest], dict[str, str]]:
    """Tables of the models, each with its series, and reasons for those that have none."""
    tables, missing = {}, {}
    for name, (model, series) in models.items():
        try:
            with stage(progress, f"judging {name}"), collect_doubts():
                tables[name] = backtest(
                    model, series, start, horizons, level=settings.level, progress=progress is True
                )
        except ValueError as error:
            missing[name] = str(error)
    return tables, missing


def _refuse_other_kind(model: FluxForecaster, name: str, frames: bool) -> None:
    """A model of frames takes frames, and one of numbers a series."""
    kinds, fitted = ("a series", "frames"), model.fitted_to_frames
    if fitted != frames:
        raise ArgumentError("model", MISSING, f"was fitted to {kinds[fitted]}; {name} has {kinds[frames]}")


def _resume_from_model(
    model: FluxForecaster, record: Record, settings: AnalysisSettings, progress: Progress
) -> tuple[FluxForecaster, Comparisons]:
    """A copy of the model that was updated by what it did not know, and how well the model forecast that."""
    before, known = model.known
    _refuse_other_record(model, record)
    updated = copy.deepcopy(model)
    new = np.flatnonzero(record.time > before[-1] + float(before[1] - before[0]) / 2)
    if record.sequence is None:
        for n in new:
            updated.update(_flat(record.values)[n], float(record.time[n]))
    elif new.size:
        updated.update(record.sequence[new[0] :])
    time, values = updated.known
    left = len(values) - len(known)
    horizons = tuple(h for h in settings.horizons if h <= left)
    if not horizons:
        return updated, Comparisons({}, {RECOMMENDED: _too_few(left)}, time, ())
    models: dict[str, tuple[Any, Any]] = {}
    remarks: tuple[str, ...] = ()
    if record.sequence is None or len(record.sequence) == len(values):
        models[RECOMMENDED] = (Fitted(model), values if record.sequence is None else record.sequence)
    else:
        remarks = ("frames are missing, so the model is not judged",)
    models |= {name: (baseline, values) for name, baseline in _baselines(settings)}
    # The half keeps the count of what was known from being rounded down.
    start = (len(known) + 0.5) / len(values)
    return updated, Comparisons(*_tables(models, settings, start, horizons, progress), time, remarks)


def _refuse_other_record(model: FluxForecaster, record: Record) -> None:
    before, known = model.known
    step = float(before[1] - before[0])
    if record.time[-1] < before[-1] - step / 2 or abs(record.time[0] - before[0]) > step / 2:
        raise ArgumentError(
            "model",
            MISSING,
            f"is of a record of {before[0]:g} to {before[-1]:g} s, which {record.name}, of "
            f"{record.time[0]:g} to {record.time[-1]:g} s, does not go on",
        )
    columns = known.reshape(len(known), -1).shape[1]
    if columns != len(record.columns):
        raise ArgumentError(
            "model",
            MISSING,
            f"forecasts {columns} columns; {record.name} has {len(record.columns)}: "
            + ", ".join(record.columns),
        )
