"""The options of `tundish crystallize`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

# What is left out is None here: `AnalysisSettings` has the defaults.
_AGAINST = "persistence,drift,autoregression,ARIMA,JMAK"


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
    group.add_argument("--steps", metavar="N", type=int, help="to forecast (default 30)")
    group.add_argument("--level", metavar="P", type=float, help="of the forecast's band (default 0.9)")
    group.add_argument(
        "--start",
        metavar="SHARE",
        type=float,
        help="of the record that is known when the judging of forecasts begins (default 0.7)",
    )
    group.add_argument(
        "--horizons",
        metavar="N,N",
        help="steps ahead that are learnt and judged (default 1,10,30)",
    )
    group.add_argument(
        "--against",
        metavar="NAME,NAME",
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
    group.add_argument("--seed", metavar="N", type=int, help="of the training (default 0)")
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
    group.add_argument("--device", metavar="NAME", help="of torch, such as cpu or cuda")


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
