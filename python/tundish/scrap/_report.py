"""The report of an estimate: the composition after the last heat, and how well it predicts the steel."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from tundish._common.arguments import Floats
from tundish._common.refusals import ArgumentTypeError
from tundish._common.reports import Report, Writer, picture, plain, text
from tundish.scrap._elements import Element
from tundish.scrap._estimate import Diagnostics, Estimate
from tundish.scrap._log import Truth
from tundish.scrap.fitting._fit import FitSummary
from tundish.scrap.fitting._priors import FROM_HEATS

_WHITE = 0.05  # probability below which autocorrelations are no chance
_HEADER = ("scrap type", "mean", "std. dev.", "prior", "heats, %", "total, t")
_GROUPS = "composition, ppm", "used in"


def report(
    estimate: Estimate,
    *,
    element: str = "Cu",
    name: str = "log",
    prior_source: str = "the model",
    truth: Truth | None = None,
    seconds: float | None = None,
) -> Report:
    """The composition of the scrap after the last heat, and how well the steel was predicted.

    **Main arguments:**

    - `estimate`: of :meth:`RetainedElement.filter` or :meth:`RetainedElement.smooth`, or those of
      :class:`PartitionedElement`. That of a fitted model reports the fit too.

    **Other arguments:**

    - `element`, `name`: what the element and the log are called.
    - `prior_source`: where the prior means come from, such as :class:`Prior`'s `source`.
    - `truth`: of a simulated log, drawn beside the estimate.
    - `seconds`: the time that it took; None leaves it out.

    **Returns:** a report. Its facts are the object of `tundish scrap --json`; its files "scrap.json" with the
    facts, "heats.csv" of :meth:`Estimate.to_csv`, and the pictures "composition.png", "partition.png" where
    the element has partition coefficients, and "innovations.png" where there are two readings at least.

    **Raises:** TypeError for anything but an estimate; ImportError where scipy is missing.
    """
    if not isinstance(estimate, Estimate):
        raise ArgumentTypeError("estimate", estimate, "must be an Estimate, such as model.filter(log)")
    # Their statistics need two readings.
    diagnostics = estimate.diagnostics() if (~estimate.log.missing).sum() > 1 else None
    fit = estimate.model._fit if isinstance(estimate.model, Element) else None
    facts = _facts(estimate, element, name, prior_source, diagnostics, fit)
    if seconds is not None:
        facts["seconds"] = seconds
    simulated = truth is not None
    lines = (
        *_title(estimate, facts, simulated),
        *_table(facts),
        "",
        *_summary(estimate, facts, diagnostics, fit),
    )
    return Report(facts, lines, _files(estimate, facts, truth))


def _facts(
    estimate: Estimate,
    element: str,
    name: str,
    prior_source: str,
    diagnostics: Diagnostics | None,
    fit: FitSummary | None,
) -> dict[str, Any]:
    """Compositions are those after the last heat."""
    log, model = estimate.log, estimate.model
    return {
        "log": name,
        "heats": len(log),
        "missing": int(log.missing.sum()),
        "element": element,
        "model": "partitioned" if model.partitioned else "retained",
        "smoothed": estimate.smoothed,
        "decay": model.decay,
        "measurement_std_ppm": model.measurement_std,
        "robust": model.robust,
        "nonnegative": model.nonnegative,
        "prior": {
            "source": prior_source,
            "mean_ppm": dict(zip(log.types, model.prior_mean.tolist(), strict=True)),
        },
        "loglik": estimate.loglik,
        "composition_ppm": _last(log.types, estimate.composition, estimate.composition_std),
        "partition": _last(("c1", "c2"), estimate.partition, estimate.partition_std),
        "use": {
            name: {"heats": int((log.scrap[:, n] > 0).sum()), "total_t": float(log.scrap[:, n].sum())}
            for n, name in enumerate(log.types)
        },
        "diagnostics": None if diagnostics is None else diagnostics._asdict() | {"sd": _spread(diagnostics)},
        "fit": None if fit is None else _fit_facts(estimate, fit),
    }


def _last(names: Sequence[str], mean: Floats | None, std: Floats | None) -> dict[str, Any] | None:
    """Mean and standard deviation by name, after the last heat."""
    if mean is None or std is None:
        return None
    return {
        name: {"mean": m, "std": s} for name, m, s in zip(names, plain(mean[-1]), plain(std[-1]), strict=True)
    }


def _spread(diagnostics: Diagnostics) -> float:
    """Standard deviation of the prediction's error, ppm."""
    return math.sqrt(max(diagnostics.rms**2 - diagnostics.bias**2, 0.0))


def _fit_facts(estimate: Estimate, fit: FitSummary) -> dict[str, Any]:
    parameters = {
        name: {
            "value": value,
            "standard_error": plain(fit.standard_errors[name]),
            "start": fit.start[name],
        }
        for name, value in fit.values.items()
    }
    whole = fit._asdict()
    variances = dict(zip(estimate.log.types, estimate.model.prior_var.tolist(), strict=True))
    return {"parameters": parameters, "prior_var_ppm2": variances} | {
        name: whole[name] for name in ("loglik_before", "loglik", "evaluations", "success", "message")
    }


def _files(estimate: Estimate, facts: dict[str, Any], truth: Truth | None) -> dict[str, Writer]:
    files: dict[str, Writer] = {
        "scrap.json": text(json.dumps(facts, indent=2, allow_nan=False) + "\n"),
        "heats.csv": estimate.to_csv,
        "composition.png": picture(partial(estimate.plot, truth=truth)),
    }
    if estimate.partition is not None:
        files["partition.png"] = picture(partial(estimate.plot_partition, truth))
    if facts["diagnostics"] is not None:
        files["innovations.png"] = picture(estimate.plot_innovations)
    return files


def _title(estimate: Estimate, facts: dict[str, Any], simulated: bool) -> Iterator[str]:
    heat, types = estimate.log.heat, len(estimate.log.types)
    kind = "simulated heats" if simulated else "heats"
    yield f"{facts['log']}: {len(heat)} {kind}, {heat[0]} to {heat[-1]}, {types} scrap types"
    yield f"{facts['element']} in the scrap after heat {heat[-1]}"
    yield ""


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


def _summary(
    estimate: Estimate, facts: dict[str, Any], diagnostics: Diagnostics | None, fit: FitSummary | None
) -> Iterator[str]:
    yield from _remarks(estimate, facts)
    if diagnostics is None:
        yield "prediction       too few readings to judge it"
    else:
        yield from _verdicts(diagnostics, estimate.model.measurement_std)
    yield f"log-likelihood   {facts['loglik']:.2f}"
    if fit is not None:
        yield from (f"{'' if n else 'fit':<17}{line}" for n, line in enumerate(str(fit).splitlines()))
    if "seconds" in facts:
        yield f"time             {facts['seconds']:.3g} s"


def _remarks(estimate: Estimate, facts: dict[str, Any]) -> Iterator[str]:
    """Readings, prior and model."""
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


def _verdicts(diagnostics: Diagnostics, sensor: float) -> Iterator[str]:
    """How well each heat was predicted from those before."""
    error = f"bias {diagnostics.bias:+.2f} ppm, standard deviation {_spread(diagnostics):.2f} ppm"
    yield f"prediction       one heat ahead: {error}; the sensor's is {sensor:.3g} ppm"
    low, high = diagnostics.nis_interval
    if low <= diagnostics.nis <= high:
        verdict = "errors are as large as the model expects"
    else:
        size = "larger" if diagnostics.nis > high else "smaller"
        verdict = f"errors are {size} than the model expects; try --fit"
    yield f"NIS              {diagnostics.nis:.3f}, 95 % within {low:.3f} to {high:.3f}: {verdict}"
    yield f"90 % interval    holds {100 * diagnostics.coverage:.1f} % of the readings"
    white = diagnostics.p_value >= _WHITE
    verdict = "white" if white else "not white, errors go on from heat to heat; try --fit"
    yield f"whiteness        Ljung-Box p = {diagnostics.p_value:.2g} over {diagnostics.lags} lags: {verdict}"
