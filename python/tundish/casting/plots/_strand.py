"""Pictures along a strand, of one solution or of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.figures import new_figure
from tundish.casting._solution import BatchSolution, Solution
from tundish.casting._strand import display_unit
from tundish.casting.plots._style import (
    CENTRE,
    CORNER,
    FACE_X,
    FACE_Y,
    GUIDE,
    LIQUID,
    MUSH,
    PROBES,
    SOLID,
    draw_zones,
    warn,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_IN_LEGEND = 6  # probes that get a line in the legend each

Fields = Mapping[str, NDArray[Any]]


class _Series(NamedTuple):
    """Values along z, (nz+1,) or (n_candidates, nz+1), and how they are drawn."""

    label: str | None
    colour: str
    values: NDArray[Any]
    style: str = "-"


class _Panel(NamedTuple):
    """One of the pictures above each other that share z; `draw` fills its axes."""

    draw: Callable[[Any], None]
    height: float


def plot_strand(solution: Solution) -> Figure:
    """Shell growth, temperatures and phase shares along z, with the cooling zones above.

    Draws those of the fields `shell_thickness`, `centre_temperature`, `corner_temperature`,
    `face_temperature`, `probe_temperature`, `solid_fraction` and `liquid_fraction` that the solution has.
    Save it with `figure.savefig(path)`. Raises ValueError when the solution has none of them.
    """
    panels = _panels(solution, solution.fields)
    if {"solid_fraction", "liquid_fraction"} <= solution.fields.keys():
        panels.append(_Panel(lambda axes: _draw_shares(axes, solution), 1.3))
    if not panels:
        raise ValueError("nothing to draw along z: ask for shell_thickness or a temperature with outputs=")
    figure = new_figure(9.0, 0.8 + sum(panel.height for panel in panels))
    _stack(figure, solution, panels, _headline(solution))
    warn(figure, solution)
    return figure


def plot_batch(batch: BatchSolution) -> Figure:
    """Metallurgical length over each parameter that differs; shells and temperatures along z as bands.

    Lines are medians of the candidates that converged; the dark bands hold half of them, the light ones all.
    Draws what the batch has. Save it with `figure.savefig(path)`. Raises ValueError when there is nothing to
    draw, or no candidate converged.
    """
    good = np.asarray(batch.success)
    if not good.any():
        raise ValueError(f"nothing to draw: {batch.message}")
    fields = {name: values[good] for name, values in batch.fields.items()}
    panels = _panels(batch, fields)
    columns = min(len(batch.parameters), 4)
    rows = math.ceil(len(batch.parameters) / columns) if "metallurgical_length" in fields else 0
    if not rows and not panels:
        raise ValueError("nothing to draw: ask for metallurgical_length or shell_thickness with outputs=")
    heights = [2.3 * rows] * bool(rows) + [0.8 + sum(panel.height for panel in panels)] * bool(panels)
    figure = new_figure(9.0, 0.4 + sum(heights))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    if rows:
        _draw_lengths(parts[0, 0].subplots(rows, columns, squeeze=False, sharey=True), batch, good)
    if panels:
        _stack(parts[-1, 0], batch, panels, "all candidates (light), half of them (dark) and their median")
    figure.suptitle(f"{good.sum()} of {good.size} candidates converged", fontsize=10)
    return figure


def _headline(solution: Solution) -> str:
    strand = solution.strand
    text = f"{strand.width * 1e3:g} x {strand.thickness * 1e3:g} mm, {strand.speed * 60:.3g} m/min"
    length = float(solution.fields.get("metallurgical_length", math.nan))
    if math.isfinite(length):
        text += f", metallurgical length {length:.2f} m"
    return text + (", not solid at the end" if math.isinf(length) else "")


def _panels(solution: Solution, fields: Fields) -> list[_Panel]:
    shells, temperatures = _shells(fields), _temperatures(solution, fields)
    panels = []
    if shells:
        panels.append(_Panel(lambda axes: _draw_shells(axes, solution, shells), 2.1))
    if temperatures:
        panels.append(_Panel(lambda axes: _draw_temperatures(axes, solution, temperatures), 3.0))
    return panels


def _shells(fields: Fields) -> list[_Series]:
    if "shell_thickness" not in fields:
        return []
    x, y = np.moveaxis(fields["shell_thickness"] * 1e3, -2, 0)
    return [_Series("behind face x", FACE_X, x), _Series("behind face y", FACE_Y, y)]


def _temperatures(solution: Solution, fields: Fields) -> list[_Series]:
    series = []
    if "centre_temperature" in fields:
        series.append(_Series("centre", CENTRE, fields["centre_temperature"]))
    if "face_temperature" in fields:
        x, y = np.moveaxis(fields["face_temperature"], -2, 0)
        series += [_Series("middle of face x", FACE_X, x), _Series("middle of face y", FACE_Y, y)]
    if "corner_temperature" in fields:
        series.append(_Series("corner", CORNER, fields["corner_temperature"]))
    if "probe_temperature" in fields:
        series += _probes(solution, np.moveaxis(fields["probe_temperature"], -2, 0))
    return series


def _probes(solution: Solution, temperatures: NDArray[Any]) -> list[_Series]:
    many = len(temperatures) > _MAX_IN_LEGEND
    series = []
    for n, (place, values) in enumerate(zip(solution.probes * 1e3, temperatures, strict=True)):
        alone = f"probe ({place[0]:g}, {place[1]:g}) mm"
        together = f"{len(temperatures)} probes" if n == 0 else None
        series.append(
            _Series(together if many else alone, PROBES[0 if many else n % len(PROBES)], values, "--")
        )
    return series


def _stack(figure: Any, solution: Solution, panels: Sequence[_Panel], title: str) -> None:
    """Draws panels above each other, below a strip that names the cooling zones."""
    strip, *rest = figure.subplots(
        1 + len(panels), 1, sharex=True, height_ratios=[0.3, *(panel.height for panel in panels)]
    )
    strip.set_title(title, fontsize=10, loc="left")
    ends = [solution.strand.mold.length, *(zone.end for zone in solution.strand.zones)]
    draw_zones(strip, ends, inches=6.0)
    for axes, panel in zip(rest, panels, strict=True):
        panel.draw(axes)
        for end in ends[:-1]:
            axes.axvline(end, color=GUIDE, linewidth=0.6, linestyle=":", zorder=0.5)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), frameon=False, fontsize=8)
    rest[-1].set(xlabel="distance from the meniscus z, m", xlim=(0.0, ends[-1]))


def _draw_series(axes: Any, z: NDArray[Any], series: Sequence[_Series]) -> None:
    for label, colour, values, style in series:
        middle = values
        if values.ndim == 2:
            low, quarter, middle, three_quarters, high = np.percentile(values, [0, 25, 50, 75, 100], axis=0)
            axes.fill_between(z, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.fill_between(z, quarter, three_quarters, color=colour, alpha=0.3, linewidth=0)
        axes.plot(z, middle, color=colour, linestyle=style, linewidth=1.4, label=label)


def _draw_shells(axes: Any, solution: Solution, shells: Sequence[_Series]) -> None:
    _draw_series(axes, solution.z, shells)
    less, more = sorted((solution.strand.width * 500, solution.strand.thickness * 500))
    axes.axhline(less, color=GUIDE, linewidth=0.8, linestyle="--", label="half of the section")
    axes.axhline(more, color=GUIDE, linewidth=0.8, linestyle="--")
    axes.set(ylabel="solid shell, mm", ylim=(0.0, 1.06 * min(more, 2 * less)))


def _draw_temperatures(axes: Any, solution: Solution, temperatures: Sequence[_Series]) -> None:
    steel = solution.strand.steel
    axes.axhspan(steel.solidus, steel.liquidus, color=MUSH, alpha=0.25, linewidth=0)
    _draw_series(axes, solution.z, temperatures)
    axes.axhline(steel.liquidus, color=GUIDE, linewidth=0.8, label=f"liquidus, {steel.liquidus:g} K")
    axes.axhline(
        steel.solidus, color=GUIDE, linewidth=0.8, linestyle="--", label=f"solidus, {steel.solidus:g} K"
    )
    axes.set_ylabel("temperature, K")


def _draw_shares(axes: Any, solution: Solution) -> None:
    solid, liquid = 100 * solution.solid_fraction, 100 * solution.liquid_fraction
    axes.fill_between(solution.z, 100 - liquid, 100, color=LIQUID, linewidth=0, label="liquid")
    axes.fill_between(solution.z, solid, 100 - liquid, color=MUSH, linewidth=0, label="mush")
    axes.fill_between(solution.z, 0, solid, color=SOLID, linewidth=0, label="solid")
    axes.set(ylabel="section, %", ylim=(0, 100))


def _draw_lengths(grid: NDArray[Any], batch: BatchSolution, good: NDArray[Any]) -> None:
    """Metallurgical length over each parameter, where the strand solidifies."""
    lengths = batch.metallurgical_length
    shown = good & np.isfinite(lengths)
    for axes, (name, values) in zip(grid.flat, batch.parameters.items(), strict=False):
        unit, size = display_unit(name)
        axes.plot(values[shown] / size, lengths[shown], ".", color=FACE_X, markersize=3, rasterized=True)
        axes.set_xlabel(f"{name}, {unit}", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(color="#E4E4E4", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid.flat[len(batch.parameters) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel("metallurgical length, m", fontsize=8)
    if (liquid := int((good & ~shown).sum())) > 0:
        grid[0, 0].set_title(f"not shown: {liquid} not solid at the end", fontsize=8, loc="left")
