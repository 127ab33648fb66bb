"""`tundish crystallize`: what a mould flux does under the camera, and what it will do next."""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tundish.cli import DONE, FAILED, BadInputError
from tundish.cli._common import bar, clock, make_folder, note, shown, write_files
from tundish.cli._crystallize_case import Case, calibrated, case_of, doubts_told, shows_frames, table_of
from tundish.cli._crystallize_files import writers_of
from tundish.cli._crystallize_report import text_of
from tundish.cli.info import instruction_set

if TYPE_CHECKING:
    from tundish._common.arguments import Floats
    from tundish.crystallization import Backtest, FluxForecaster, Forecast, JmakFit

RECOMMENDED = "recommended"
HORIZONS = (1, 10, 30)
INTERVAL = 0.95  # of the parameters of the transformation
_AGAINST = "persistence,drift,autoregression,ARIMA,JMAK"
# What the command line calls the arguments that messages name.
_OPTIONS = {
    "steps": "--steps",
    "level": "--level",
    "start": "--start",
    "window": "--window",
    "epochs": "--epochs",
    "ensemble": "--ensemble",
    "device": "--device",
    "seed": "--seed",
    "rng": "--seed",
    "image_size": "--pixels",
    "horizons": "--horizons",
    "frames_per_second": "--frames-per-second",
    "programme": "--programme",
    "pattern": "--pattern",
}
_TRAINING = ("window", "epochs", "ensemble", "pixels", "column")
_FOLLOWING = ("poll", "follow_seconds", "after")


class Result(NamedTuple):
    """What is found of a record: the fit of its transformation or why there is none, tables of the models
    that were judged and reasons for the others, the forecaster, its forecast and the times of that, s."""

    fit: JmakFit | None
    no_fit: str | None
    tables: dict[str, Backtest]
    missing: dict[str, str]
    judged_at: Floats
    forecaster: FluxForecaster
    forecast: Forecast
    ahead: Floats
    remarks: tuple[str, ...]


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "crystallize",
        help="crystallisation of a mould flux, from frames or a series",
        description="Reads the crystallised share off frames of a hot thermocouple, fits the transformation, "
        "forecasts what comes next with a band, and judges the forecaster beside simple ones on the end of "
        "the record, from origins that roll on.",
        epilog="Without a record: a synthetic sequence, in about a minute on two cores.",
    )
    parser.add_argument(
        "record",
        metavar="FOLDER|SERIES.csv",
        nargs="?",
        type=Path,
        help="frames whose names carry the time in s (and readings.csv), a TIFF file of pages, or a CSV file "
        "with a column time_s, columns of values, and columns thermocouple1_c and so on",
    )
    _add_forecast_to(parser)
    _add_model_to(parser)
    _add_follow_to(parser)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write data, pictures and model to this folder"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object and nothing else; with --follow one a line",
    )
    return parser


def _add_forecast_to(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the record and its forecast")
    group.add_argument(
        "--column",
        metavar="NAME",
        action="append",
        help="what is forecast, a column or a feature of frames; may be given several times (default: share; "
        "of a series without one all but the readings)",
    )
    group.add_argument("--steps", metavar="N", type=int, default=30, help="to forecast (default 30)")
    group.add_argument(
        "--level", metavar="P", type=float, default=0.9, help="of the forecast's band (default 0.9)"
    )
    group.add_argument(
        "--start",
        metavar="SHARE",
        type=float,
        default=0.7,
        help="of the record that is known when the judging of forecasts begins (default 0.7)",
    )
    group.add_argument(
        "--horizons",
        metavar="N,N",
        default=",".join(map(str, HORIZONS)),
        help="steps ahead that are learnt and judged (default 1,10,30)",
    )
    group.add_argument(
        "--against",
        metavar="NAME,NAME",
        default=_AGAINST,
        help=f"what to judge beside it (default {_AGAINST}; SARIMA takes longer; none for nothing)",
    )
    group.add_argument(
        "--programme", metavar="FILE", type=Path, help="CSV file of the heating programme: time_s, degC"
    )
    group.add_argument(
        "--frames-per-second", metavar="N", type=float, help="if names carry numbers of frames; of a TIFF"
    )
    group.add_argument(
        "--pattern",
        metavar="REGEX",
        help="regular expression with one group, the time in the names of frames (default: the number before "
        "an s, or else the last)",
    )
    group.add_argument(
        "--crystals", choices=["bright", "dark"], help="beside the melt on frames (default: bright)"
    )
    group.add_argument(
        "--skip", action="store_true", help="leave out frames that cannot be read, and tell which"
    )


def _add_model_to(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the model")
    group.add_argument(
        "--model",
        metavar="DIR",
        type=Path,
        help="load the model that was saved here, of an earlier part of this record, and go on",
    )
    group.add_argument("--seed", metavar="N", type=int, default=0, help="of the training (default 0)")
    group.add_argument("--window", metavar="N", type=int, help="values that are looked at (default 20)")
    group.add_argument("--ensemble", metavar="N", type=int, help="number of networks (default 1)")
    group.add_argument("--epochs", metavar="N", type=int, help="at most (default 200)")
    group.add_argument(
        "--pixels",
        metavar="PX",
        type=int,
        help="side to which frames are reduced for networks that see them, such as 32 (default: they see the "
        "features alone, which is faster)",
    )
    group.add_argument("--device", metavar="NAME", default="auto", help="of torch, such as cpu or cuda")


def _add_follow_to(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("following")
    group.add_argument(
        "--follow",
        action="store_true",
        help="watch the folder and forecast anew as frames arrive, until Ctrl-C; nothing is removed",
    )
    group.add_argument("--poll", metavar="S", type=float, help="seconds between looks (default 1)")
    group.add_argument("--follow-seconds", metavar="S", type=float, help="end after so long")
    group.add_argument("--after", metavar="N", type=int, help="frames before the first training (default 60)")


def run(arguments: argparse.Namespace) -> int:
    """Reads, fits, judges, forecasts, writes the files asked for, prints the result."""
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    _check(arguments)
    try:
        if arguments.follow:
            from tundish.cli._crystallize_follow import follow

            return follow(arguments)
        return _looked_at(arguments)
    except OSError as error:
        raise BadInputError(f"{error.filename}: {error.strerror}" if error.filename else error) from None
    except ValueError as error:
        raise BadInputError(blamed(str(error), arguments)) from None
    except (ImportError, FloatingPointError) as error:
        note(arguments.prog, error)
        return FAILED


def _check(arguments: argparse.Namespace) -> None:
    """Refuses options that do not go together or cannot be, before any work."""
    if arguments.steps < 1:
        raise BadInputError(f"--steps {arguments.steps}: must be at least 1")
    for name in ("level", "start"):
        if not 0 < getattr(arguments, name) < 1:
            raise BadInputError(f"--{name} {getattr(arguments, name):g}: must lie between 0 and 1")
    if arguments.seed < 0:
        raise BadInputError(f"--seed {arguments.seed}: must not be negative")
    arguments.horizons = _horizons(arguments.horizons)
    arguments.against = _against(arguments.against)
    if arguments.model is not None:
        for name in _TRAINING:
            if getattr(arguments, name) is not None:
                raise BadInputError(f"--{name}: is of a training; --model {arguments.model} has had its own")
    if not arguments.follow:
        for name in _FOLLOWING:
            if getattr(arguments, name) is not None:
                raise BadInputError(f"--{name.replace('_', '-')}: is for --follow alone")
        return
    if arguments.record is None or not arguments.record.is_dir():
        what = "needs a FOLDER" if arguments.record is None else f"{arguments.record}: is no folder"
        raise BadInputError(f"--follow: {what} to watch")
    for name, least in (("poll", 0.0), ("follow_seconds", 0.0)):
        value = getattr(arguments, name)
        if value is not None and not (math.isfinite(value) and value > least):
            raise BadInputError(f"--{name.replace('_', '-')} {value:g}: must be finite and above 0")
    if arguments.after is not None and arguments.after < 1:
        raise BadInputError(f"--after {arguments.after}: must be at least 1")


def _horizons(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(word) for word in text.split(","))
    except ValueError:
        found = ()
    if not found or found[0] < 1 or list(found) != sorted(set(found)):
        raise BadInputError(f"--horizons {text}: must be whole numbers from 1, increasing, such as 1,10,30")
    return found


def _against(text: str) -> list[str]:
    from tundish.crystallization.baselines import BASELINES

    if text.strip().lower() == "none":
        return []
    known = {name.lower(): name for name in BASELINES}
    words = [word.strip().lower() for word in text.split(",")]
    for word in words:
        if word not in known:
            raise BadInputError(f"--against {text}: {word!r} is unknown; known are {', '.join(BASELINES)}")
    return [known[word] for word in dict.fromkeys(words)]


def blamed(message: str, arguments: argparse.Namespace) -> str:
    """A message that begins with the option or file it is about."""
    paths = [path for path in (arguments.record, arguments.model, arguments.programme) if path is not None]
    if message.startswith(tuple(str(path) for path in paths)):
        return message
    argument = re.split(r"\W", message, maxsplit=1)[0]
    option = _OPTIONS.get(argument, "")
    if option and getattr(arguments, option.removeprefix("--").replace("-", "_")) is not None:
        return option + message.removeprefix(argument).replace(" = ", " ", 1)
    return f"{arguments.record or 'synthetic sequence'}: {message}"


# ---- a record


def _looked_at(arguments: argparse.Namespace) -> int:
    from tundish._learning.model_folder import plain as jsonable

    started = time.perf_counter()
    model = None if arguments.model is None else loaded(arguments)
    if model is not None:
        _refuse_other_kind(model, arguments)
        arguments.column = columns_of(model)
    case = case_of(arguments)
    if arguments.out is not None:
        make_folder(arguments.out)
    fit, no_fit, said = _transformation(case)
    if model is None:
        forecaster = _trained(case, arguments)
        judged = _backtested(case, arguments)
    else:
        forecaster, judged = _gone_on(model, case, arguments)
    forecast, ahead = forecast_of(forecaster, arguments)
    result = Result(fit, no_fit, *judged[:3], forecaster, forecast, ahead, (*case.remarks, *said, *judged[3]))
    for remark in result.remarks:
        note(arguments.prog, remark)
    facts: dict[str, Any] = jsonable(_facts(arguments, case, result))
    facts["seconds"] = time.perf_counter() - started
    facts["files"] = []
    if arguments.out is not None:
        with clock("drawing"):
            files = write_files(arguments.prog, arguments.out, writers_of(case, result, facts))
        forecaster.save(arguments.out / "model")
        facts["files"] = [*files, str(arguments.out / "model")]
    print(json.dumps(facts, allow_nan=False) if arguments.json else text_of(facts))
    return DONE


def _transformation(case: Case) -> tuple[JmakFit | None, str | None, tuple[str, ...]]:
    """The fit, or why there is none, and what is to be said of it."""
    import warnings

    from tundish.crystallization import fit_jmak

    if case.share is None:
        return None, "the series has no column share", ()
    try:
        with shown("fitting the transformation"), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            return fit_jmak(*case.share), None, tuple(f"transformation: {each.message}" for each in said)
    except ValueError as error:
        return None, str(error), ()


# ---- the forecaster

# Tables by model, reasons for those that have none, times of the steps, and remarks.
_Judged = tuple[dict[str, "Backtest"], dict[str, str], "Floats", tuple[str, ...]]


def new_forecaster(
    arguments: argparse.Namespace, columns: tuple[str, ...], limits: tuple[float, float] | None = None
) -> FluxForecaster:
    """As asked for, and recommended otherwise, for series between these limits."""
    from tundish.crystallization import FluxForecaster

    given = {name: getattr(arguments, name) for name in ("window", "ensemble", "epochs")}
    return FluxForecaster(
        **{name: value for name, value in given.items() if value is not None},
        horizons=arguments.horizons,
        feature=columns[0] if len(columns) == 1 else columns,
        limits=limits,
        image_size=arguments.pixels,
        seed=arguments.seed,
        device=arguments.device,
    )


def _limits(case: Case, frames: bool) -> tuple[float, float] | None:
    """Of a share that is told as numbers; of the share of `frames` the forecaster knows them."""
    from tundish.crystallization.frames._series_file import SHARE

    share = not frames and case.columns == (SHARE,)
    return (0.0, 1.0) if share and ((case.values >= 0) & (case.values <= 1)).all() else None


def _trained(case: Case, arguments: argparse.Namespace) -> FluxForecaster:
    forecaster = new_forecaster(arguments, case.columns, _limits(case, case.sequence is not None))
    with shown("training"), doubts_told():  # the case has told them
        if case.sequence is not None:
            return forecaster.fit(case.sequence, progress=bar())
        return forecaster.fit(_flat(case.values), case.time, progress=bar())


def loaded(arguments: argparse.Namespace) -> FluxForecaster:
    """The model of --model."""
    from tundish.crystallization import FluxForecaster

    return FluxForecaster.load(arguments.model, arguments.device)


def _refuse_other_kind(model: FluxForecaster, arguments: argparse.Namespace) -> None:
    """A model of frames is told frames, and one of numbers a series."""
    kinds, fitted, given = ("a series", "frames"), model._eye is not None, shows_frames(arguments.record)
    if fitted != given:
        name = arguments.record or "the synthetic sequence"
        raise BadInputError(
            f"--model {arguments.model}: was fitted to {kinds[fitted]}; {name} has {kinds[given]}"
        )


def columns_of(model: FluxForecaster) -> list[str] | None:
    """The columns that a model forecasts; None if it does not know their names."""
    names = [model.feature] if isinstance(model.feature, str) else list(model.feature)
    return names if len(names) == model.card["data"]["columns"] else None


def _flat(values: Floats) -> Floats:
    return values[:, 0] if values.shape[1] == 1 else values


def forecast_of(forecaster: FluxForecaster, arguments: argparse.Namespace) -> tuple[Forecast, Floats]:
    """The forecast, (steps, k), and its times, s."""
    import numpy as np

    from tundish.crystallization import Forecast

    said = forecaster.forecast(arguments.steps, arguments.level)
    time, _ = forecaster.known
    step = float(time[1] - time[0])
    parts = (np.reshape(part, (arguments.steps, -1)) for part in said)
    return Forecast(*parts), time[-1] + step * np.arange(1, arguments.steps + 1)


# ---- how well it forecasts


def _backtested(case: Case, arguments: argparse.Namespace) -> _Judged:
    """On the end of the record; no tables where it is too short for that."""
    from tundish.crystallization.forecasting._base import checked_series

    forecaster = new_forecaster(arguments, case.columns, _limits(case, arguments.pixels is not None))
    time, values, remarks = _known_at_start(case, arguments)
    even = checked_series(values, time, 2, forecaster.window)
    steps = even.clock.start + even.clock.step * _numbers(len(even.values))
    left = len(even.values) - int(arguments.start * len(even.values))
    horizons = tuple(h for h in arguments.horizons if h <= left)
    if not horizons:
        return {}, {RECOMMENDED: f"{left} values are left to judge it by"}, steps, remarks
    if horizons != arguments.horizons:
        remarks += (f"{left} values are left to judge by: no forecasts further ahead than that are judged",)
    frames = arguments.pixels is not None and not even.gaps
    seen: Any = case.sequence if frames else _flat(even.values)
    if arguments.pixels is not None and not frames:
        remarks += ("frames are missing, so networks that see none are judged",)
        forecaster.image_size = None
    models: dict[str, tuple[Any, Any]] = {RECOMMENDED: (forecaster, seen)}
    models |= {name: (baseline, _flat(even.values)) for name, baseline in _baselines(arguments).items()}
    tables, missing = _judged(models, arguments, arguments.start, horizons)
    return tables, missing, steps, remarks


def _known_at_start(case: Case, arguments: argparse.Namespace) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Time and values, of frames by the calibration of those that are known when the judging begins."""
    if case.sequence is None:
        return case.time, case.values, ()
    part = case.sequence[: max(int(arguments.start * len(case.sequence)), 1)]
    calibration, doubts = calibrated(part)
    first = f"the first {100 * arguments.start:g} % of the frames"
    if calibration.contrast == 0:
        what = f"{first} do not show both states"
        return case.time, case.values, (f"{what}: forecasts are judged by the whole record's calibration",)
    remarks = tuple(f"of {first}, by which forecasts are judged: {each}" for each in doubts)
    return case.time, table_of(case.sequence.features(calibration), case.columns), remarks


def _baselines(arguments: argparse.Namespace) -> dict[str, Any]:
    from tundish.crystallization.baselines import BASELINES

    kinds: dict[str, Any] = BASELINES
    return {name: kinds[name]() for name in arguments.against}


def _judged(
    models: dict[str, tuple[Any, Any]], arguments: argparse.Namespace, start: float, horizons: tuple[int, ...]
) -> tuple[dict[str, Backtest], dict[str, str]]:
    """Tables of the models, each with what it is told, and reasons for those that cannot be judged."""
    from tundish.crystallization import backtest

    tables, missing = {}, {}
    for name, (model, series) in models.items():
        try:
            with shown(f"judging {name}"), doubts_told():
                tables[name] = backtest(model, series, start, horizons, level=arguments.level, progress=bar())
        except ValueError as error:
            missing[name] = str(error)
    return tables, missing


def _gone_on(
    model: FluxForecaster, case: Case, arguments: argparse.Namespace
) -> tuple[FluxForecaster, _Judged]:
    """The model after it was told what it did not know, and how well it forecast that."""
    import copy

    import numpy as np

    from tundish.crystallization.forecasting._backtest import Fitted

    before, known = model.known
    step = float(before[1] - before[0])
    if case.time[-1] < before[-1] - step / 2 or abs(case.time[0] - before[0]) > step / 2:
        raise BadInputError(
            f"--model {arguments.model}: is of a record of {before[0]:g} to {before[-1]:g} s, which "
            f"{case.name}, of {case.time[0]:g} to {case.time[-1]:g} s, does not go on"
        )
    if known.reshape(len(known), -1).shape[1] != len(case.columns):
        raise BadInputError(
            f"--model {arguments.model}: forecasts {known.reshape(len(known), -1).shape[1]} columns; "
            f"{case.name} has {len(case.columns)}: " + ", ".join(case.columns)
        )
    untold, new = copy.deepcopy(model), np.flatnonzero(case.time > before[-1] + step / 2)
    if case.sequence is None:
        for n in new:
            model.update(_flat(case.values)[n], float(case.time[n]))
    elif new.size:
        model.update(case.sequence[new[0] :])
    steps, values = model.known
    left = len(values) - len(known)
    horizons = tuple(h for h in arguments.horizons if h <= left)
    if not horizons:
        return model, ({}, {RECOMMENDED: f"{left} values are left to judge it by"}, steps, ())
    models: dict[str, tuple[Any, Any]] = {}
    remarks: tuple[str, ...] = ()
    if case.sequence is None or len(case.sequence) == len(values):
        models[RECOMMENDED] = (Fitted(untold), values if case.sequence is None else case.sequence)
    else:
        remarks = ("frames are missing, so the model is not judged",)
    models |= {name: (baseline, values) for name, baseline in _baselines(arguments).items()}
    # The half keeps the count of what was known from being rounded down.
    start = (len(known) + 0.5) / len(values)
    return model, (*_judged(models, arguments, start, horizons), steps, remarks)


def _numbers(count: int) -> Floats:
    import numpy as np

    return np.arange(count, dtype=float)


# ---- what is found


def _facts(arguments: argparse.Namespace, case: Case, result: Result) -> dict[str, Any]:
    """What is told, and written as JSON."""
    return {
        "source": case.name,
        "synthetic": arguments.record is None,
        "seed": arguments.seed,
        "frames": _of_frames(case),
        "time_s": _of_time(case),
        "columns": list(case.columns),
        "repairs": [repair._asdict() for repair in case.repairs],
        "readings": list(case.readings),
        "left_out": [list(each) for each in case.left_out],
        "gaps": [
            {"after_s": float(result.forecaster.known[0][gap.after]), "missing": gap.missing}
            for gap in result.forecaster.gaps
        ],
        "transformation": None if result.fit is None else _of_fit(result.fit),
        "no_transformation": result.no_fit,
        "truth": _of_truth(case),
        "model": _of_model(arguments, result.forecaster),
        "backtest": _of_tables(arguments, result),
        "forecast": _of_forecast(arguments, case, result),
        "remarks": list(result.remarks),
    }


def _of_frames(case: Case) -> dict[str, Any] | None:
    if case.sequence is None or case.calibration is None or case.table is None:
        return None
    found = case.calibration
    return {
        "count": len(case.sequence),
        "size": list(case.sequence.size),
        "channels": list(case.sequence.channels),
        "flux": {"found": found.region, "share_of_frame": float(found.mask.mean())},
        "contrast": found.contrast,
        "crystals": int(case.table["count"][-1]),
        "share": {"first": float(case.table["share"][0]), "last": float(case.table["share"][-1])},
    }


def _of_time(case: Case) -> dict[str, Any]:
    import numpy as np

    step = float(np.median(np.diff(case.time))) if len(case.time) > 1 else None
    return {"first": float(case.time[0]), "last": float(case.time[-1]), "step": step, "count": len(case.time)}


def _of_fit(fit: JmakFit) -> dict[str, Any]:
    """Values with their intervals."""
    facts: dict[str, Any] = {}
    for name in ("rate", "exponent", "onset", "start", "half", "end"):
        low, high = fit.interval(name, INTERVAL)
        facts[name] = {"value": getattr(fit, name), "lower": low, "upper": high}
    return {**facts, "rms": fit.rms, "level": INTERVAL, "from_row": fit.first}


def _of_truth(case: Case) -> dict[str, Any] | None:
    import numpy as np

    if case.sequence is None or case.table is None or case.sequence.truth is None:
        return None
    truth = case.sequence.truth
    error = case.table["share"] - truth.share
    return {
        "share_rms": float(np.sqrt(np.mean(error**2))),
        "rate": truth.rate,
        "exponent": truth.exponent,
        "onset": truth.onset,
    }


def _of_model(arguments: argparse.Namespace, forecaster: FluxForecaster) -> dict[str, Any]:
    source = "trained" if arguments.model is None else str(arguments.model)
    return {"source": source, "settings": forecaster.settings, "members": forecaster.card["members"]}


def _of_tables(arguments: argparse.Namespace, result: Result) -> dict[str, Any]:
    rows = []
    for name, table in result.tables.items():
        for row in table:
            cells = {field: row[field] for field in table.dtype.names or ()}
            p_value = _p_value(result.tables, name, int(row["horizon"]))
            rows.append({"model": name, **cells, "p_value": p_value})
    first = next(iter(result.tables.values()), None)
    begins = None if first is None else int(first.forecasts["origin"].min())
    return {
        "first_origin": begins,
        "first_origin_s": None if begins is None else float(result.judged_at[begins - 1]),
        "level": arguments.level,
        "rows": rows,
        "missing": result.missing,
    }


def _p_value(tables: dict[str, Backtest], name: str, horizon: int) -> float | None:
    """Of the Diebold-Mariano test against what is recommended; None where it cannot be made."""
    from tundish.crystallization import diebold_mariano

    if name == RECOMMENDED or RECOMMENDED not in tables:
        return None
    try:
        found = diebold_mariano(tables[RECOMMENDED], tables[name], horizon).p_value
    except ValueError:  # fewer origins than steps ahead
        return None
    return found


def _of_forecast(arguments: argparse.Namespace, case: Case, result: Result) -> dict[str, Any]:
    columns = {
        name: {part: values[:, n].tolist() for part, values in result.forecast._asdict().items()}
        for n, name in enumerate(case.columns)
    }
    return {"level": arguments.level, "time_s": result.ahead.tolist(), "columns": columns}
