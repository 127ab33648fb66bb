"""Pictures of an estimate. Drawn with matplotlib's objects alone: no pyplot, no global state, no display."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, names_of
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, Shape
from tundish.scrap._estimate import Estimate, autocorrelation
from tundish.scrap._log import Truth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can distinguish: one meaning, one colour everywhere.
_ESTIMATE, _TRUTH, _USE, _GUIDE = "#0072B2", "#000000", "#D55E00", "#767676"
_BAND = 2.0  # standard deviations
_MAX_TYPES = 6
_BARS = 60  # along the heats
_USE_SHARE = 0.3  # of a panel's height that the bars take
_LAGS = 30
_INTERVAL = 1.6449  # standard deviations of 90 %
_WHITE = 1.96
_WIDEST = 10.0  # standard deviations that a histogram shows


def plot_composition(
    estimate: Estimate, types: Sequence[str] | None = None, truth: Truth | None = None
) -> Figure:
    """See :meth:`Estimate.plot`. As in Figure 1 of arXiv:2504.11319, bars are means of groups of heats."""
    log = estimate.log
    names = names_of("types", _most_used(estimate) if types is None else types, log.types)
    if not names:
        raise ArgumentError("types", MISSING, "at least one name is needed")
    _check(truth, estimate)
    columns = 1 if len(names) == 1 else 2
    rows = math.ceil(len(names) / columns)
    figure = new_figure(4.6 * columns + 0.6, 0.7 + 2.2 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    x, label = _heats(estimate)
    for axes, name in zip(grid.flat, names, strict=False):
        n = log.types.index(name)
        draw_use(axes, x, log.scrap[:, n])
        known = None if truth is None else truth.composition[:, n]
        draw_band(axes, x, estimate.composition[:, n], estimate.composition_std[:, n], known)
        raise_above_use(axes)
        axes.set_title(name, fontsize=9, loc="left")
        axes.set_ylabel("ppm")
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    for axes in grid.flat[max(len(names) - columns, 0) : len(names)]:
        axes.set_xlabel(label)
        axes.tick_params(labelbottom=True)
    add_legend(figure, truth is not None, use=True)
    return figure


def plot_partition(estimate: Estimate, truth: Truth | None = None) -> Figure:
    """See :meth:`Estimate.plot_partition`."""
    if estimate.partition is None or estimate.partition_std is None:
        raise ValueError("nothing to draw: the element stays in the steel and has no partition coefficients")
    _check(truth, estimate)
    figure = new_figure(6.5, 4.6)
    x, label = _heats(estimate)
    panels = figure.subplots(2, 1, sharex=True)
    for n, (axes, name) in enumerate(zip(panels, ("c1", "c2, 1/%"), strict=True)):
        known = None if truth is None or truth.partition is None else truth.partition[:, n]
        draw_band(axes, x, estimate.partition[:, n], estimate.partition_std[:, n], known)
        axes.set_ylabel(name)
    panels[-1].set_xlabel(label)
    add_legend(figure, truth is not None, use=False)
    return figure


def plot_innovations(estimate: Estimate) -> Figure:
    """See :meth:`Estimate.plot_innovations`."""
    known = ~np.isnan(estimate.innovation)
    if known.sum() < 2:
        raise ValueError("nothing to draw: the log has fewer than two readings")
    z = (estimate.innovation / estimate.predicted_std)[known]
    figure = new_figure(8.0, 5.2)
    parts = figure.subfigures(2, 1, squeeze=False)
    along = parts[0, 0].subplots()
    left, right = parts[1, 0].subplots(1, 2)
    x, label = _heats(estimate)
    dots = {"color": _ESTIMATE, "markersize": 2, "alpha": 0.6, "rasterized": True}
    along.plot(x[known], z, ".", **dots)
    inside = 100 * np.mean(np.abs(z) <= _INTERVAL)
    along.set(xlabel=label, ylabel="innovation / its std")
    along.set_title(
        f"lines: 90 % of the readings expected within, {inside:.1f} % are", fontsize=9, loc="left"
    )
    for level in (-_INTERVAL, 0, _INTERVAL):
        along.axhline(level, color=_GUIDE, linewidth=0.8, linestyle="--" if level else "-")
    _draw_histogram(left, z)
    _draw_autocorrelation(right, z)
    for axes in (along, left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches."""
    figure: Figure = optional("matplotlib.figure", "plot").Figure(
        figsize=(width, height), layout="constrained"
    )
    return figure


def _check(truth: Truth | None, estimate: Estimate) -> None:
    if truth is not None and truth.composition.shape != estimate.composition.shape:
        needed = f"the estimate's is {estimate.composition.shape}"
        raise ArgumentError("truth.composition", Shape(truth.composition.shape), needed)


def _most_used(estimate: Estimate) -> list[str]:
    """The types of the largest mass, in the log's order."""
    most = np.argsort(-estimate.log.scrap.sum(axis=0), kind="stable")[:_MAX_TYPES]
    return [estimate.log.types[n] for n in np.sort(most)]


def _heats(estimate: Estimate) -> tuple[NDArray[Any], str]:
    """Where the heats lie along x, and what it is called."""
    ids = estimate.log.heat
    if ids.dtype.kind == "i":
        return ids, "heat"
    return np.arange(1, ids.size + 1), f"heats from {ids[0]} to {ids[-1]}"


def draw_band(axes: Any, x: NDArray[Any], values: Floats, std: Floats, truth: Floats | None) -> None:
    """Values (T,) with a band of two standard deviations, and the truth where it is known."""
    low, high = values - _BAND * std, values + _BAND * std
    axes.fill_between(x, low, high, color=_ESTIMATE, alpha=0.25, linewidth=0)
    if truth is not None:
        axes.plot(x, truth, color=_TRUTH, linewidth=0.9)
    axes.plot(x, values, color=_ESTIMATE, linewidth=1.1)
    axes.spines[["top"]].set_visible(False)
    axes.margins(x=0)
    axes.locator_params(axis="x", nbins=5)


def draw_use(axes: Any, x: NDArray[Any], mass: Floats) -> None:
    """Mean masses of groups of heats, from the bottom of the panel and by a scale of their own."""
    size = math.ceil(len(mass) / _BARS)
    first = np.arange(0, len(mass), size)
    means = np.add.reduceat(mass, first) / np.diff([*first, len(mass)])
    ends = x[np.minimum(first + size, len(x)) - 1] + 1
    scale = axes.twinx()
    scale.bar(x[first], means, width=ends - x[first], align="edge", color=_USE, alpha=0.45, linewidth=0)
    scale.set_ylim(0, max(float(means.max()), 1e-9) / _USE_SHARE)
    scale.set_yticks([0, means.max()] if means.max() > 0 else [0])
    scale.yaxis.set_major_formatter("{x:.3g} t")
    scale.tick_params(axis="y", colors=_USE, labelsize=8)
    scale.spines[["top"]].set_visible(False)
    # The estimate is drawn over the bars.
    axes.set_zorder(scale.get_zorder() + 1)
    axes.patch.set_visible(False)


def raise_above_use(axes: Any) -> None:
    """Leaves the bottom of the panel to the bars."""
    low, high = axes.get_ylim()
    axes.set_ylim(low - (high - low) * _USE_SHARE / (1 - _USE_SHARE), high)


def add_legend(figure: Any, known: bool, use: bool) -> None:
    """Names lines, band and bars above the panels: with the truth, and with the use of the scrap."""
    line = optional("matplotlib.lines", "plot").Line2D
    patch = optional("matplotlib.patches", "plot").Patch
    handles = [
        line([], [], color=_ESTIMATE, label="estimate"),
        patch(color=_ESTIMATE, alpha=0.25, linewidth=0, label="2 standard deviations"),
    ]
    if known:
        handles.append(line([], [], color=_TRUTH, linewidth=0.9, label="truth"))
    if use:
        handles.append(patch(color=_USE, alpha=0.45, linewidth=0, label="mean charge of a heat"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=9)


def _draw_histogram(axes: Any, z: Floats) -> None:
    half = min(max(4.0, math.ceil(float(np.abs(z).max()))), _WIDEST)
    bins = np.arange(-half, half + 0.1, 0.25)
    # What lies beyond counts in the outermost bars.
    axes.hist(np.clip(z, -half, half), bins=bins, density=True, color=_ESTIMATE, alpha=0.45)
    at = np.linspace(-half, half, 201)
    axes.plot(at, np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi), color=_TRUTH, linewidth=0.9)
    axes.set(xlabel="innovation / its std", ylabel="density")
    axes.set_title("line: as the model expects", fontsize=9, loc="left")


def _draw_autocorrelation(axes: Any, z: Floats) -> None:
    lags = min(_LAGS, z.size - 1)
    axes.bar(np.arange(1, lags + 1), autocorrelation(z, lags), color=_ESTIMATE, alpha=0.6)
    for level in (-1, 1):
        axes.axhline(level * _WHITE / math.sqrt(z.size), color=_GUIDE, linewidth=0.8, linestyle="--")
    axes.axhline(0, color=_GUIDE, linewidth=0.8)
    axes.set(xlabel="lag, readings", ylabel="autocorrelation")
    axes.set_title("lines: 95 % of the bars expected within", fontsize=9, loc="left")
