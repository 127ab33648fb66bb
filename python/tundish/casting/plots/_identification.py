"""Pictures of an identification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tundish._common.figures import new_figure
from tundish.casting._strand import display_unit
from tundish.casting.identification._identification import Identification
from tundish.casting.identification._profile import Profile
from tundish.casting.plots._style import FACE_X, FACE_Y, GUIDE, PROBES, draw_zones

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_IN_LEGEND = 6  # sensors that get a line in the legend each


def plot_identification(found: Identification) -> Figure:
    """Readings beside the reconstruction and residuals along z, and every parameter with its interval.

    Save it with `figure.savefig(path)`.
    """
    height = 1.0 + 0.28 * len(found.unknowns)
    figure = new_figure(9.0, 6.2 + height)
    strip, top, middle, bottom = figure.subplots(4, 1, height_ratios=[0.3, 3.2, 1.8, height])
    outcome = "" if found.success else f" ({found.message})"
    strip.set_title(f"{found.method}, {found.evaluations} solves{outcome}", fontsize=10, loc="left")
    ends = [found.strand.mold.length, *(zone.end for zone in found.strand.zones)]
    draw_zones(strip, ends, inches=6.0)
    strip.set_xlim(0, ends[-1])
    _draw_readings(top, middle, found)
    for axes in (top, middle):
        axes.set_xlim(0, ends[-1])
        for end in ends[:-1]:
            axes.axvline(end, color=GUIDE, linewidth=0.6, linestyle=":", zorder=0.5)
    top.tick_params(labelbottom=False)
    top.set_ylabel("temperature, K")
    top.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), frameon=False, fontsize=8, markerscale=4)
    middle.axhline(0, color=GUIDE, linewidth=0.8)
    middle.set(ylabel="reading - strand, K", xlabel="distance from the meniscus z, m")
    _draw_parameters(bottom, found)
    for axes in (top, middle, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_readings(top: Any, below: Any, found: Identification) -> None:
    m = found.measurements
    many = len(m.sensors) > _MAX_IN_LEGEND
    for n, (x, y) in enumerate(m.sensors * 1e3):
        mine = np.flatnonzero(m.sensor == n)
        mine = mine[np.argsort(m.z[mine])]
        colour = PROBES[0 if many else n % len(PROBES)]
        label = f"{len(m.sensors)} sensors" if many and n == 0 else f"({x:g}, {y:g}) mm"
        dots = {"color": colour, "markersize": 2, "alpha": 0.5, "rasterized": True}
        top.plot(m.z[mine], m.temperature[mine], ".", label=None if many and n else label, **dots)
        top.plot(m.z[mine], found.temperature[mine], color="black", linewidth=0.9)
        below.plot(m.z[mine], found.residuals[mine], ".", **dots)
    top.plot([], [], color="black", linewidth=0.9, label="identified strand")


def _draw_parameters(axes: Any, found: Identification) -> None:
    """Intervals as a share of the value, so that all parameters fit on one axis."""
    rows = np.arange(len(found.unknowns))[::-1]
    intervals = found.confidence_interval(0.95)
    labels = []
    for row, (name, value) in zip(rows, found.parameters.items(), strict=True):
        unit, size = display_unit(name)
        labels.append(f"{name} = {value / size:.5g} {unit}")
        half = 100 * (intervals[name][1] - value) / abs(value) if value else np.nan
        if np.isfinite(half):
            axes.errorbar(0, row, xerr=half, fmt="o", color="black", markersize=3, capsize=3, linewidth=1)
        else:
            axes.text(0, row, "not determined", ha="center", va="center", fontsize=8)
    axes.set_yticks(rows, labels, fontsize=8)
    axes.set(xlabel="95 % interval, % of the value", ylim=(-0.7, len(rows) - 0.3))
    axes.axvline(0, color=GUIDE, linewidth=0.6, zorder=0.5)


def plot_profile(found: Profile) -> Figure:
    """Heat-transfer coefficients along z with bands of two standard errors, and the residuals.

    Save it with `figure.savefig(path)`.
    """
    figure = new_figure(9.0, 5.0)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    colours = {"x": FACE_X, "y": FACE_Y}
    for face, htc, error in zip(found.faces, found.htc, found.standard_error, strict=True):
        top.fill_between(
            found.knots, htc - 2 * error, htc + 2 * error, color=colours[face], alpha=0.2, linewidth=0
        )
        top.plot(found.knots, htc, ".-", color=colours[face], label=f"face {face}")
    top.set(ylabel="htc, W/(m² K)", title=f"{found.evaluations} solves: {found.message}")
    top.legend(frameon=False, fontsize=8)
    below.plot(found.measurements.z, found.residuals, ".", color=GUIDE, markersize=2, rasterized=True)
    below.set(ylabel="reading - strand, K", xlabel="distance from the meniscus z, m")
    return figure
