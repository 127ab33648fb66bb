"""Arguments of an identification, checked before any work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tundish._common.arguments import Floats, choice, names_of, pair, positive
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.casting._measurements import Measurements
from tundish.casting._plan import Plan
from tundish.casting._strand import Strand
from tundish.casting.identification._covariance import COVARIANCES
from tundish.casting.identification._problem import LOSSES, relative_scale
from tundish.casting.identification._readings import ReadingsModel

_FAR_OFF = 1.5  # standard deviations, from which on a robust loss lets readings count less


def checked_bounds(
    strand: Strand, names: Sequence[str], bounds: Mapping[str, tuple[float, float]] | None, method: str
) -> dict[str, tuple[float, float]]:
    start = strand.parameters()
    if bounds is None:
        if method == "bee-colony":
            raise ArgumentError("bounds", MISSING, "must be given for method = 'bee-colony'")
        free = (-math.inf, math.inf)
        return {n: (0.1 * start[n], 10 * start[n]) if start[n] > 0 else free for n in names}
    if not isinstance(bounds, Mapping):
        raise ArgumentTypeError("bounds", MISSING, "must be a mapping of names to (lower, upper)")
    names_of("bounds", bounds, names)
    for name in names:
        if name not in bounds:
            raise ArgumentError("bounds", MISSING, f"{name!r} is missing")
    return {name: _interval(strand, name, bounds[name], method) for name in names}


def _interval(strand: Strand, name: str, bounds: Any, method: str) -> tuple[float, float]:
    argument = f"bounds[{name!r}]"
    if isinstance(bounds, int | float):
        raise ArgumentTypeError(argument, bounds, "must be (lower, upper)")
    lower, upper = pair(argument, bounds, of="lower and upper")
    start = strand.parameters()[name]
    if not lower < upper:
        raise ArgumentError(argument, (lower, upper), "the lower one must be below the upper")
    if method == "bee-colony" and not math.isfinite(upper - lower):
        raise ArgumentError(argument, (lower, upper), "must be finite for 'bee-colony'")
    if not lower <= start <= upper:
        raise ArgumentError(argument, (lower, upper), f"excludes the strand's own value, {start:g}")
    for end in (lower, upper):
        if math.isfinite(end):
            try:
                strand.replace({name: end})
            except ArgumentError as error:
                # The strand may refuse another of its parameters because of this one.
                own = error.argument and name.endswith(error.argument)
                raise ArgumentError(argument, end, error.allowed if own else str(error)) from None
    return lower, upper


def scale_of(plan: Plan, measurements: Measurements, noise: str) -> Floats:
    """(n,) What residuals are multiplied with."""
    if choice("noise", noise, ["constant", "relative"]) == "constant":
        return measurements.scale
    if measurements.sigma is not None or measurements.weight is not None:
        raise ArgumentError("noise", noise, "the measurements have a sigma or weight of their own")
    return relative_scale(ReadingsModel(plan, measurements, [])(np.empty(0)).temperature)


def checked_loss(loss: str, method: str) -> str:
    choice("loss", loss, list(LOSSES))
    if method == "bee-colony" and loss != "linear":
        raise ArgumentError("loss", loss, "must be 'linear' for method = 'bee-colony'")
    return loss


def loss_scale_of(measurements: Measurements, loss: str, given: float | None) -> float:
    if given is not None:
        return positive("loss_scale", given)
    if loss == "linear" or measurements.sigma is not None:
        return _FAR_OFF
    spread = _spread(measurements)
    if not spread > 0:
        raise ArgumentError(
            "loss_scale", MISSING, "must be given, the readings do not tell how much they scatter"
        )
    return _FAR_OFF * spread


def _spread(measurements: Measurements) -> float:
    """Standard deviation of weighted readings, from how far they lie off the line through their neighbours.

    By the median, which a few outliers hardly move. 0 for sensors of fewer than three readings.
    """
    order = np.lexsort((measurements.z, measurements.sensor))
    z, reading = measurements.z[order], measurements.temperature[order]
    sensor = measurements.sensor[order]
    inner = np.flatnonzero(sensor[:-2] == sensor[2:]) + 1
    if not inner.size:
        return 0.0
    share = (z[inner] - z[inner - 1]) / (z[inner + 1] - z[inner - 1])
    off = reading[inner] - (1 - share) * reading[inner - 1] - share * reading[inner + 1]
    off /= np.sqrt(1 + (1 - share) ** 2 + share**2)
    return 1.4826 * float(np.median(np.abs(measurements.scale[order][inner] * off)))


def covariance_kind(measurements: Measurements, loss: str, given: str | None) -> str:
    """How the parameters' errors are estimated."""
    known = measurements.sigma is not None and loss == "linear"
    kind = choice("covariance", given or ("sigma" if known else "sandwich"), COVARIANCES)
    if kind == "sigma" and measurements.sigma is None:
        raise ArgumentError("covariance", kind, "the measurements have no sigma")
    if kind == "sigma" and loss != "linear":
        raise ArgumentError("covariance", kind, f"not with loss = {loss!r}; take 'sandwich'")
    return kind
