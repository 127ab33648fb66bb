"""Pictures of frames, transformations and forecasts. matplotlib's objects alone: no pyplot, no display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
    new_figure,
)
from tundish.crystallization.forecasting._backtest import Backtest
from tundish.crystallization.forecasting._base import Forecast
from tundish.crystallization.frames._calibration import Calibration
from tundish.crystallization.frames._features import crystallised
from tundish.crystallization.frames._repair import Repair
from tundish.crystallization.frames._sequence import FrameSequence
from tundish.crystallization.kinetics._jmak import JmakFit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KNOWN, OURS, OTHER, MARK, GUIDE = GREY, BLUE, VERMILION, GREEN, BLACK
PALETTE = (OURS, OTHER, MARK, PURPLE, ORANGE, SKY_BLUE, GREY, BLACK)
_CRYSTAL = (0.84, 0.37, 0.0, 0.45)  # the last is how opaque
_FLUX = (0.34, 0.71, 0.91)
_SHARES = (0.1, 0.5, 0.9)  # of which frames are shown
_MANY = 5.0  # times the least error, beyond which errors are drawn on a logarithmic axis
_BAND = 3.0  # spreads of the values beyond them that a band is shown
_BEYOND = 0.08  # of what is shown, below and above it


def informative_frames(share: Floats, first: int) -> list[int]:
    """Rows of frames that show the course: the first, the molten one from which the share rises (`first`),
    those at which 0.1, 0.5 and 0.9 are crystallised, and the last."""
    rows = [0, first]
    for wanted in _SHARES:
        reached = np.flatnonzero(share[first:] >= wanted)
        rows += [first + int(reached[0])] if reached.size else []
    return sorted({*rows, len(share) - 1})


def plot_frames(
    sequence: FrameSequence, share: Floats, calibration: Calibration, rows: Sequence[int]
) -> Figure:
    """Some frames, and below each what is taken for crystal, inside the outline of the flux."""
    images = sequence.images[list(rows)]
    height, width = sequence.size
    column = 2.1
    figure = new_figure(column * len(rows), 2 * column * height / width + 0.75)
    panels = figure.subplots(2, len(rows), squeeze=False)
    flux = np.kron(calibration.mask, np.ones((calibration.step, calibration.step), bool))
    for n, (above, below) in enumerate(panels.T):
        crystal = crystallised(images[n : n + 1], calibration)[0]
        for axes in (above, below):
            axes.imshow(images[n], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
        colour = np.zeros((*crystal.shape, 4))
        colour[crystal] = _CRYSTAL
        below.imshow(colour, interpolation="nearest")
        below.contour(flux, levels=[0.5], colors=[_FLUX], linewidths=1)
        above.set_title(f"{sequence.time[rows[n]]:g} s", fontsize=9)
        below.set_title(f"share {share[rows[n]]:.3f}", fontsize=9)
    figure.supxlabel("below: crystal in orange, the flux in a blue outline", fontsize=8)
    return figure


def plot_transformation(
    time: Floats,
    share: Floats,
    fit: JmakFit | None,
    level: float,
    readings: Mapping[str, tuple[Floats, Floats]],
    repairs: Sequence[Repair],
) -> Figure:
    """The share with its fit, and below the readings of thermocouples (time and degC by name)."""
    figure = new_figure(7.4, 6.0 if readings else 3.8)
    upper, *lower = figure.subplots(
        2 if readings else 1, 1, squeeze=False, sharex=True, height_ratios=(3, 2) if readings else None
    )[:, 0]
    upper.plot(time, share, ".", color=KNOWN, markersize=3, label="crystallised share")
    if fit is not None:
        _draw_fit(upper, time, fit, level)
    upper.set(ylabel="share", ylim=(-_BEYOND, 1 + _BEYOND))
    figure.legend(*upper.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    if lower:
        _draw_readings(lower[0], readings, repairs)
    figure.axes[-1].set_xlabel("time, s")
    return figure


def _draw_fit(axes: Any, time: Floats, fit: JmakFit, level: float) -> None:
    after = time[fit.first :]
    law = f"1 - exp(-({fit.rate:.3g} (t - {fit.onset:.4g}))^{fit.exponent:.3g})"
    axes.plot(after, fit.share(after), color=OURS, linewidth=1.5, label=law)
    label = f"1, 50, 99 %, {100 * level:g} % intervals"
    for name, share in (("start", 0.01), ("half", 0.5), ("end", 0.99)):
        at, (low, high) = getattr(fit, name), fit.interval(name, level)
        if at > time[-1]:
            continue
        axes.errorbar(
            at, share, xerr=[[at - low], [high - at]], fmt="o", color=OTHER, markersize=5, capsize=4,
            label=label,
        )  # fmt: skip
        label = "_"


def _draw_readings(
    axes: Any, readings: Mapping[str, tuple[Floats, Floats]], repairs: Sequence[Repair]
) -> None:
    for n, (name, (time, degrees)) in enumerate(readings.items()):
        axes.plot(time, degrees, color=PALETTE[n % len(PALETTE)], linewidth=1, label=name)
    put_right = [(r.time, r.repaired) for r in repairs if np.isfinite(r.repaired)]
    if put_right:
        axes.plot(*zip(*put_right, strict=True), "x", color=GUIDE, markersize=5, label="put right")
    axes.set_ylabel("reading, degC")
    axes.legend(fontsize=8, frameon=False)


def plot_forecast(
    time: Floats, values: Floats, ahead: Floats, forecast: Forecast, columns: Sequence[str], level: float
) -> Figure:
    """What was measured last (n, k), and the forecast (steps, k) with its band: a panel a column."""
    figure = new_figure(7.4, 0.9 + 2.6 * len(columns))
    panels = figure.subplots(len(columns), 1, squeeze=False, sharex=True)[:, 0]
    shown = slice(-max(4 * len(ahead), 100), None)
    for n, (axes, column) in enumerate(zip(panels, columns, strict=True)):
        axes.plot(time[shown], values[shown, n], ".", color=KNOWN, markersize=3, label="measured")
        mean, lower, upper = (part[:, n] for part in forecast)
        axes.plot(ahead, mean, color=OURS, linewidth=1.6, label="forecast")
        _draw_band(axes, ahead, lower, upper, level)
        axes.set_ylabel(column)
    panels[-1].set_xlabel("time, s")
    panels[0].legend(fontsize=8, frameon=False)
    return figure


def _draw_band(axes: Any, time: Floats, lower: Floats, upper: Floats, level: float) -> None:
    """With its edges, so that it is seen also where it fills the picture."""
    axes.fill_between(time, lower, upper, color=OURS, alpha=0.2, linewidth=0, label=f"{100 * level:g} % band")
    for edge in (lower, upper):
        axes.plot(time, edge, color=OURS, linewidth=0.6, alpha=0.6)


def plot_backtest(tables: Mapping[str, Backtest], time: Floats, columns: Sequence[str], first: str) -> Figure:
    """Errors of each model by steps ahead, and the forecasts of the `first` at the longest horizon."""
    figure = new_figure(9.8, 3.9)
    left, right = figure.subplots(1, 2, width_ratios=(3, 4))
    horizons = tables[first]["horizon"].tolist()
    for n, (name, table) in enumerate(tables.items()):
        places = np.arange(len(horizons)) + 0.8 * ((n + 0.5) / len(tables) - 0.5)
        left.bar(places, table["mae_over_persistence"], 0.8 / len(tables), color=PALETTE[n % len(PALETTE)],
                 label=name)  # fmt: skip
    left.axhline(1.0, color=GUIDE, linewidth=0.8)
    ratios = np.concatenate([table["mae_over_persistence"] for table in tables.values()])
    known = ratios[np.isfinite(ratios) & (ratios > 0)]  # persistence may be without an error
    if known.size and known.max() > _MANY * known.min():
        left.set_yscale("log")
        left.yaxis.set_major_formatter("{x:g}")
    left.set_xticks(range(len(horizons)), [f"{h} ahead" for h in horizons])
    left.set_ylabel("mean absolute error / persistence")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=7, fontsize=8)
    draw_backtest(right, tables[first], horizons[-1], time, columns[0])
    right.set_title(f"{first}, {horizons[-1]} steps ahead", fontsize=9, loc="left")
    right.set_xlabel("time, s")
    return figure


def draw_backtest(axes: Any, table: Backtest, horizon: int, time: Floats, column: str) -> None:
    """The first column's values and forecasts made `horizon` steps before, with their band."""
    part = table.forecasts[table.forecasts["horizon"] == horizon]
    at = time[part["origin"] + horizon - 1]
    value, mean, lower, upper = (
        part[name].reshape(len(part), -1)[:, 0] for name in ("value", "mean", "lower", "upper")
    )
    axes.plot(at, value, ".", color=KNOWN, markersize=3, label="measured")
    axes.plot(at, mean, color=OURS, linewidth=1.2, label="forecast")
    _draw_band(axes, at, lower, upper, table.level)
    axes.set_ylim(*_limits(np.concatenate([value, mean]), lower, upper))
    axes.set_ylabel(column)
    axes.legend(fontsize=8, frameon=False)


def _limits(shown: Floats, lower: Floats, upper: Floats) -> tuple[float, float]:
    """Of an axis that holds the values, and the band up to three times their spread beyond them."""
    low, high = float(shown.min()), float(shown.max())
    spread = high - low or 1.0
    bottom = max(np.nanmin([low, *lower]), low - _BAND * spread)
    top = min(np.nanmax([high, *upper]), high + _BAND * spread)
    return bottom - _BEYOND * spread, top + _BEYOND * spread


def plot_training(history: Sequence[Sequence[tuple[float, float]]]) -> Figure:
    """Loss by epoch of each network, as in Figure 5 of the paper."""
    figure = new_figure(5.2, 3.8)
    draw_losses(figure.subplots(), history)
    return figure


def draw_losses(axes: Any, history: Sequence[Sequence[tuple[float, float]]] | NDArray[Any]) -> None:
    """Training and validation loss of each network."""
    for n, losses in enumerate(history):
        training, validation = np.array(losses).T
        epochs = np.arange(1, len(training) + 1)
        axes.plot(epochs, training, color=KNOWN, linewidth=1.2, label=None if n else "training")
        axes.plot(epochs, validation, color=OURS, linewidth=1.2, label=None if n else "validation")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.set_ylim(bottom=0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8, frameon=False)
