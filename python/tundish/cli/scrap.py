"""`tundish scrap`: what is in the scrap, heat by heat."""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE, FAILED, BadInputError
from tundish.cli._common import clock, make_folder, note, plain, write_files, write_picture, write_text
from tundish.cli._prior import FROM_HEATS, SPREAD, Prior, prior_of, read_prior
from tundish.cli.info import instruction_set

if TYPE_CHECKING:
    from tundish._common.arguments import Floats
    from tundish.scrap import Diagnostics, Estimate, HeatLog, PartitionedElement, RetainedElement

# How each element gets into the steel, unless --model says otherwise.
_MODELS = {"Cu": "retained", "Cr": "partitioned"}
_PARTITION = (9.7, 0.01)
_WHITE = 0.05  # probability below which autocorrelations are no chance
# The options that the arguments of the model come from.
_OPTIONS = {
    "decay": "--decay",
    "measurement_std": "--measurement-std",
    "robust": "--robust",
    "partition": "--partition",
    "partition_mean": "--partition",
}
_HEADER = ("scrap type", "mean", "std. dev.", "prior", "heats, %", "total, t")
_GROUPS = "composition, ppm", "used in"


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "scrap",
        help="what is in the scrap, heat by heat",
        description="Estimates the copper or chromium in every type of scrap from the masses charged and the "
        "steel's analysis, heat by heat, and how well that foretells the next heat.",
        epilog="Without a file: simulated heats. `tundish scrap --example > my.csv` writes them down as a "
        "start for your own.",
    )
    parser.add_argument(
        "heats",
        metavar="HEATS.csv",
        nargs="?",
        type=Path,
        help="one line a heat in time order: heat, scrap_<type>_t for every type, steel_t, steel_ppm (empty "
        "where missing), hot_metal_t, hot_metal_ppm, slag_t, feo_pct (0 where there is none)",
    )
    parser.add_argument("--element", choices=list(_MODELS), default="Cu", help="default Cu")
    _add_model_to(parser)
    parser.add_argument(
        "--smooth", action="store_true", help="estimate every heat from all heats, later ones too"
    )
    parser.add_argument(
        "--fit",
        action="store_true",
        help="find decay, variances and sensor noise by maximum likelihood; what is given starts the search",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="write data and pictures to this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--example", action="store_true", help="print the bundled heats and do nothing else")
    return parser


def _add_model_to(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the model")
    group.add_argument(
        "--model",
        choices=["retained", "partitioned"],
        help="the element stays in the steel (default for Cu), or parts between steel and slag (for Cr)",
    )
    group.add_argument(
        "--prior",
        metavar="PRIOR.csv",
        type=Path,
        help="long-term mean of every type: columns type, mean_ppm and, if known, var_ppm2, else 5 mean²; "
        "when left out, means are those of non-negative least squares of the heats themselves",
    )
    group.add_argument(
        "--decay",
        metavar="GAMMA",
        type=float,
        help="share by which compositions forget a heat (default ln 2 / 1000, a half-life of 1000 heats)",
    )
    group.add_argument(
        "--measurement-std",
        metavar="PPM",
        type=float,
        help="standard deviation of the steel's analysis (default 10 for Cu, 5 for Cr)",
    )
    group.add_argument(
        "--partition",
        metavar=("C1", "C2"),
        nargs=2,
        type=float,
        help="long-term means of slag over steel, c1 + c2 FeO%%, for --model partitioned (default 9.7 0.01)",
    )
    group.add_argument(
        "--robust",
        metavar="C",
        type=float,
        help="let readings more than C standard deviations off count less (1.345 to 3 are usual)",
    )
    group.add_argument(
        "--nonnegative",
        choices=["truncation", "projection"],
        help="report no negative fractions: moments given that, or the nearest composition",
    )


def run(arguments: argparse.Namespace) -> int:
    """Estimates, writes the files asked for, prints the result; 1 when the fit did not converge."""
    if arguments.example:
        return _print_example(arguments.element)
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    log = _log(arguments)
    try:
        prior = _prior(arguments, log)
        model = _model(arguments, prior)
        if arguments.out is not None:
            make_folder(arguments.out)
        estimate, seconds = _estimate(arguments, log, model)
        facts = _facts(arguments, prior, estimate, seconds)
    except ValueError as error:
        raise BadInputError(_blamed(str(error), arguments)) from None
    except ImportError as error:
        note(arguments.prog, error)
        return FAILED
    facts |= {"files": [] if arguments.out is None else _write(estimate, facts, arguments)}
    print(json.dumps(facts, allow_nan=False) if arguments.json else _text(estimate, facts))
    if not arguments.fit or facts["fit"]["success"]:
        return DONE
    sys.stdout.flush()
    note(arguments.prog, f"--fit: {facts['fit']['message']}")
    return FAILED


def _print_example(element: str) -> int:
    from tundish.scrap._bundled import heats_of

    print(heats_of(element).read_text("utf-8"), end="")
    return DONE


def _log(arguments: argparse.Namespace) -> HeatLog:
    from tundish.scrap import HeatLog
    from tundish.scrap._bundled import heats_of

    path = arguments.heats or heats_of(arguments.element)
    try:
        return HeatLog.read_csv(path)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadInputError(str(error)) from None


def _prior(arguments: argparse.Namespace, log: HeatLog) -> Prior:
    if arguments.prior is not None:
        return read_prior(arguments.prior, log.types)
    return prior_of(log, _partition(arguments))


def _partition(arguments: argparse.Namespace) -> tuple[float, float] | None:
    """c1 and c2, None for an element that stays in the steel."""
    if (arguments.model or _MODELS[arguments.element]) == "partitioned":
        return _PARTITION if arguments.partition is None else tuple(arguments.partition)
    if arguments.partition is not None:
        raise BadInputError("--partition: is for --model partitioned alone")
    return None


def _model(arguments: argparse.Namespace, prior: Prior) -> RetainedElement | PartitionedElement:
    from tundish.scrap import PartitionedElement, RetainedElement
    from tundish.scrap._simulate import PUBLISHED_DECAY, SENSOR

    std = arguments.measurement_std
    numbers: dict[str, Any] = {
        "prior_mean": prior.mean,
        "prior_var": prior.var,
        "decay": PUBLISHED_DECAY if arguments.decay is None else arguments.decay,
        "measurement_std": SENSOR[arguments.element] if std is None else std,
        "nonnegative": arguments.nonnegative,
        "robust": arguments.robust,
    }
    partition = _partition(arguments)
    if partition is None:
        return RetainedElement(**numbers)
    c1, c2 = partition
    variances = (SPREAD * c1**2, SPREAD * c2**2)
    return PartitionedElement(**numbers, partition_mean=partition, partition_var=variances)


def _estimate(
    arguments: argparse.Namespace, log: HeatLog, model: RetainedElement | PartitionedElement
) -> tuple[Estimate, float]:
    """The estimate, and the seconds it took."""
    started = time.perf_counter()
    if arguments.fit:
        has_bar = importlib.util.find_spec("rich") is not None
        with nullcontext() if has_bar else clock("fitting"):
            model = model.fit(log, progress=has_bar and sys.stderr.isatty())
    with clock("estimating"):
        estimate = model.smooth(log) if arguments.smooth else model.filter(log)
    return estimate, time.perf_counter() - started


def _blamed(message: str, arguments: argparse.Namespace) -> str:
    """A message of the model that begins with the option or file it is about."""
    argument = re.split(r"\W", message, maxsplit=1)[0]
    option = _OPTIONS.get(argument, "")
    if option and getattr(arguments, option.removeprefix("--").replace("-", "_")) is not None:
        return option + message.removeprefix(argument)
    if arguments.prior is not None and argument.startswith("prior"):
        return f"{arguments.prior}: {message}"
    return f"{arguments.heats or 'bundled heats'}: {message.replace('give a prior mean', 'give --prior')}"


def _facts(arguments: argparse.Namespace, prior: Prior, estimate: Estimate, seconds: float) -> dict[str, Any]:
    """As JSON takes it; compositions are those after the last heat."""
    log, model = estimate.log, estimate.model
    found = _diagnostics(estimate)
    return {
        "log": str(arguments.heats or "bundled"),
        "heats": len(log),
        "missing": int(log.missing.sum()),
        "element": arguments.element,
        "model": "partitioned" if model.partitioned else "retained",
        "smoothed": arguments.smooth,
        "decay": model.decay,
        "measurement_std_ppm": model.measurement_std,
        "robust": model.robust,
        "nonnegative": model.nonnegative,
        "prior": {"source": prior.source, "mean_ppm": dict(zip(log.types, prior.mean.tolist(), strict=True))},
        "loglik": estimate.loglik,
        "composition_ppm": _last(log.types, estimate.composition, estimate.composition_std),
        "partition": _last(("c1", "c2"), estimate.partition, estimate.partition_std),
        "use": {
            name: {"heats": int((log.scrap[:, n] > 0).sum()), "total_t": float(log.scrap[:, n].sum())}
            for n, name in enumerate(log.types)
        },
        "diagnostics": None if found is None else found._asdict() | {"sd": _spread(found)},
        "fit": _fit(estimate) if arguments.fit else None,
        "seconds": seconds,
    }


def _last(names: Sequence[str], mean: Floats | None, std: Floats | None) -> dict[str, Any] | None:
    """Mean and standard deviation by name, after the last heat."""
    if mean is None or std is None:
        return None
    return {
        name: {"mean": m, "std": s} for name, m, s in zip(names, plain(mean[-1]), plain(std[-1]), strict=True)
    }


def _diagnostics(estimate: Estimate) -> Diagnostics | None:
    """None where there are too few readings."""
    return estimate.diagnostics() if (~estimate.log.missing).sum() > 1 else None


def _spread(found: Diagnostics) -> float:
    """Standard deviation of the prediction's error, ppm."""
    return math.sqrt(max(found.rms**2 - found.bias**2, 0.0))


def _fit(estimate: Estimate) -> dict[str, Any]:
    model, summary = estimate.model, estimate.model.summary()
    parameters = {
        name: {
            "value": value,
            "standard_error": plain(summary.standard_errors[name]),
            "start": summary.start[name],
        }
        for name, value in summary.values.items()
    }
    whole = summary._asdict()
    variances = dict(zip(estimate.log.types, model.prior_var.tolist(), strict=True))
    return {"parameters": parameters, "prior_var_ppm2": variances} | {
        name: whole[name] for name in ("loglik_before", "loglik", "evaluations", "success", "message")
    }


def _write(estimate: Estimate, facts: dict[str, Any], arguments: argparse.Namespace) -> list[str]:
    """Writes what this installation can into the folder of --out; the files' names."""
    from tundish.scrap._bundled import bundled_truth

    truth = bundled_truth(arguments.element) if arguments.heats is None else None
    text = json.dumps(facts, indent=2, allow_nan=False) + "\n"
    writers: dict[str, Callable[[Path], None]] = {
        "scrap.json": partial(write_text, text),
        "heats.csv": estimate.to_csv,
        "composition.png": partial(write_picture, partial(estimate.plot, truth=truth)),
    }
    if estimate.partition is not None:
        writers["partition.png"] = partial(write_picture, partial(estimate.plot_partition, truth))
    if facts["diagnostics"] is not None:
        writers["innovations.png"] = partial(write_picture, estimate.plot_innovations)
    return write_files(arguments.prog, arguments.out, writers)


def _text(estimate: Estimate, facts: dict[str, Any]) -> str:
    heat = estimate.log.heat
    kind = "simulated heats" if facts["log"] == "bundled" else "heats"
    title = f"{facts['log']}: {len(heat)} {kind}, {heat[0]} to {heat[-1]}, {len(facts['use'])} scrap types"
    subtitle = f"{facts['element']} in the scrap after heat {heat[-1]}"
    return "\n".join([title, subtitle, "", *_table(facts), "", *_summary(estimate, facts)])


def _table(facts: dict[str, Any]) -> Iterator[str]:
    rows = []
    for name, found in facts["composition_ppm"].items():
        use = facts["use"][name]
        values = (found["mean"], found["std"], facts["prior"]["mean_ppm"][name])
        share = 100 * use["heats"] / facts["heats"]
        rows.append((name, *(f"{value:.0f}" for value in values), f"{share:.1f}", f"{use['total_t']:.1f}"))
    widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
    across = [sum(widths[n:m]) + 2 * (m - n - 1) for n, m in ((1, 4), (4, 6))]
    groups = (f"{text:>{width}}" for text, width in zip(_GROUPS, across, strict=True))
    yield " " * (widths[0] + 2) + "  ".join(groups)
    for name, *numbers in (_HEADER, *rows):
        cells = (f"{text:>{width}}" for text, width in zip(numbers, widths[1:], strict=True))
        yield f"{name:<{widths[0]}}  {'  '.join(cells)}"


def _summary(estimate: Estimate, facts: dict[str, Any]) -> Iterator[str]:
    yield from _remarks(estimate, facts)
    found = _diagnostics(estimate)
    if found is None:
        yield "prediction       too few readings to judge it"
    else:
        yield from _judgement(found, estimate.model.measurement_std)
    yield f"log-likelihood   {facts['loglik']:.2f}"
    if facts["fit"] is not None:
        lines = str(estimate.model.summary()).splitlines()
        yield from (f"{'' if n else 'fit':<17}{line}" for n, line in enumerate(lines))
    yield f"time             {facts['seconds']:.3g} s"
    yield from (f"wrote            {file}" for file in facts["files"])


def _remarks(estimate: Estimate, facts: dict[str, Any]) -> Iterator[str]:
    """What went in."""
    model = estimate.model
    yield f"missing          {facts['missing']} of {facts['heats']} readings"
    yield f"prior            means from {facts['prior']['source']}"
    if facts["prior"]["source"] == FROM_HEATS:
        yield f"{'':<17}their errors are in no standard deviation, and the prediction looks a little"
        yield f"{'':<17}better than it is: --prior takes means of your own"
    where = "parts between steel and slag" if model.partitioned else "stays in the steel"
    half_life = math.log(2) / model.decay
    yield f"model            {facts['element']} {where}; half-life of compositions {half_life:.0f} heats"
    if facts["partition"] is not None:
        c1, c2 = facts["partition"].values()
        yield (
            f"partition        c1 = {c1['mean']:.3g} ± {c1['std']:.2g}, "
            f"c2 = {c2['mean']:.3g} ± {c2['std']:.2g} 1/%"
        )
        if not estimate.log.slag_t.any():
            yield f"{'':<17}no heat has slag, so nothing parts into it: is slag_t 0 by mistake?"


def _judgement(found: Diagnostics, sensor: float) -> Iterator[str]:
    """How well each heat was foretold from those before."""
    error = f"bias {found.bias:+.2f} ppm, standard deviation {_spread(found):.2f} ppm"
    yield f"prediction       one heat ahead: {error}; the sensor's is {sensor:.3g} ppm"
    low, high = found.nis_interval
    if low <= found.nis <= high:
        verdict = "errors are as large as the model expects"
    else:
        verdict = (
            f"errors are {'larger' if found.nis > high else 'smaller'} than the model expects; try --fit"
        )
    yield f"NIS              {found.nis:.3f}, 95 % within {low:.3f} to {high:.3f}: {verdict}"
    yield f"90 % interval    holds {100 * found.coverage:.1f} % of the readings"
    white = found.p_value >= _WHITE
    verdict = "white" if white else "not white, errors go on from heat to heat; try --fit"
    yield f"whiteness        Ljung-Box p = {found.p_value:.2g} over {found.lags} lags: {verdict}"
