"""Pictures of a strand. Drawn with matplotlib's objects alone: no pyplot, no global state, no display."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.optional import optional

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tundish.casting._solution import BatchSolution, Solution
    from tundish.casting._steel import Steel

# Okabe and Ito's colours, which colour-blind readers tell apart: one meaning, one colour in all pictures.
_FACE_X, _FACE_Y, _CENTRE, _CORNER = "#0072B2", "#D55E00", "#000000", "#009E73"
_PROBES = ("#CC79A7", "#56B4E9", "#E69F00", "#8C510A")
_SOLID, _MUSH, _LIQUID = "#9FB1C1", "#F0A868", "#FBE6A2"
_GUIDE, _ALARM = "#767676", "#B00020"
_MOST_PROBES = 6  # that get a line in the legend each

# What a strand's parameters are shown in, and its size in SI, by the word in their dotted name that tells.
_UNITS = {
    "speed": ("m/s", 1.0),
    "pouring_temperature": ("K", 1.0),
    "ambient_temperature": ("K", 1.0),
    "heat_flux": ("MW/m²", 1e6),
    "htc": ("W/(m² K)", 1.0),
    "solidus": ("K", 1.0),
    "liquidus": ("K", 1.0),
    "pure_iron_melting": ("K", 1.0),
    "latent_heat": ("kJ/kg", 1e3),
    "specific_heat": ("J/(kg K)", 1.0),
    "density": ("kg/m³", 1.0),
}

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
    figure = _figure(9.0, 0.8 + sum(panel.height for panel in panels))
    _stack(figure, solution, panels, _headline(solution))
    _warn(figure, solution)
    return figure


def plot_sections(solution: Solution) -> Figure:
    """Temperature maps of the sections kept whole: the quarter, x to the right and y upwards from the centre.

    Contours show solidus and liquidus, hatches the mush between them. Save it with `figure.savefig(path)`.
    Raises ValueError when no sections were kept.
    """
    sections = solution.fields.get("section_temperature", np.empty((0, 0, 0)))
    if len(sections) == 0:
        raise ValueError("nothing to draw: no sections were kept; ask for some with sections=[z, ...]")
    known = np.isfinite(sections).all(axis=(1, 2))
    if not known.any():
        raise ValueError(f"nothing to draw: {solution.message}")
    figure, grid = _maps(int(known.sum()), solution)
    limits = {"vmin": sections[known].min(), "vmax": sections[known].max()}
    for axes, z, section in zip(grid, solution.sections[known], sections[known], strict=True):
        image = axes.pcolormesh(
            solution.x * 1e3, solution.y * 1e3, section, shading="gouraud", cmap="inferno", **limits
        )
        _draw_phases(axes, solution, section)
        axes.set(title=f"z = {z:g} m", aspect="equal")
    bar = figure.colorbar(image, ax=grid, label="temperature, K", pad=0.02, aspect=30)
    _explain_phases(figure, bar.ax, solution.strand.steel)
    _warn(figure, solution)
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
    figure = _figure(9.0, 0.4 + sum(heights))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    if rows:
        _draw_lengths(parts[0, 0].subplots(rows, columns, squeeze=False, sharey=True), batch, good)
    if panels:
        _stack(parts[-1, 0], batch, panels, "all candidates (light), half of them (dark) and their median")
    figure.suptitle(f"{good.sum()} of {good.size} candidates converged", fontsize=10)
    return figure


def _figure(width: float, height: float) -> Figure:
    figure: Figure = optional("matplotlib.figure", "plot").Figure(
        figsize=(width, height), layout="constrained"
    )
    return figure


def _warn(figure: Figure, solution: Solution) -> None:
    if not solution.success:
        figure.suptitle(textwrap.fill(solution.message, 110), color=_ALARM, fontsize=9)


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
    return [_Series("behind face x", _FACE_X, x), _Series("behind face y", _FACE_Y, y)]


def _temperatures(solution: Solution, fields: Fields) -> list[_Series]:
    series = []
    if "centre_temperature" in fields:
        series.append(_Series("centre", _CENTRE, fields["centre_temperature"]))
    if "face_temperature" in fields:
        x, y = np.moveaxis(fields["face_temperature"], -2, 0)
        series += [_Series("middle of face x", _FACE_X, x), _Series("middle of face y", _FACE_Y, y)]
    if "corner_temperature" in fields:
        series.append(_Series("corner", _CORNER, fields["corner_temperature"]))
    if "probe_temperature" in fields:
        series += _probes(solution, np.moveaxis(fields["probe_temperature"], -2, 0))
    return series


def _probes(solution: Solution, temperatures: NDArray[Any]) -> list[_Series]:
    many = len(temperatures) > _MOST_PROBES
    series = []
    for n, (place, values) in enumerate(zip(solution.probes * 1e3, temperatures, strict=True)):
        alone = f"probe ({place[0]:g}, {place[1]:g}) mm"
        together = f"{len(temperatures)} probes" if n == 0 else None
        series.append(
            _Series(together if many else alone, _PROBES[0 if many else n % len(_PROBES)], values, "--")
        )
    return series


def _stack(figure: Any, solution: Solution, panels: Sequence[_Panel], title: str) -> None:
    """Draws panels above each other, below a strip that names the cooling zones."""
    strip, *rest = figure.subplots(
        1 + len(panels), 1, sharex=True, height_ratios=[0.3, *(panel.height for panel in panels)]
    )
    strip.set_title(title, fontsize=10, loc="left")
    ends = [solution.strand.mold.length, *(zone.end for zone in solution.strand.zones)]
    _draw_zones(strip, ends, inches=6.0)
    for axes, panel in zip(rest, panels, strict=True):
        panel.draw(axes)
        for end in ends[:-1]:
            axes.axvline(end, color=_GUIDE, linewidth=0.6, linestyle=":", zorder=0.5)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.03), frameon=False, fontsize=8)
    rest[-1].set(xlabel="distance from the meniscus z, m", xlim=(0.0, ends[-1]))


def _draw_zones(axes: Any, ends: Sequence[float], inches: float) -> None:
    """Names the mould and numbers the zones where there is room; `inches` is the width of the strip."""
    for n, (start, end) in enumerate(zip([0.0, *ends], ends, strict=False)):
        axes.axvspan(start, end, color="#D9E4EC" if n % 2 else "#F0F4F7", linewidth=0)
        room = inches * (end - start) / ends[-1] * 72 / 8  # in heights of the font
        names = ["mould", "M"] if n == 0 else [str(n - 1)]
        name = next((name for name in names if 0.65 * len(name) < room), "")
        axes.text((start + end) / 2, 0.5, name, ha="center", va="center", fontsize=8)
    axes.set_ylabel("zone", rotation=0, ha="right", va="center", fontsize=8)
    axes.set(ylim=(0, 1), yticks=[])
    axes.tick_params(bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def _draw_series(axes: Any, z: NDArray[Any], series: Sequence[_Series]) -> None:
    for label, colour, values, style in series:
        middle = values
        if values.ndim == 2:
            low, quarter, middle, most, high = np.percentile(values, [0, 25, 50, 75, 100], axis=0)
            axes.fill_between(z, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.fill_between(z, quarter, most, color=colour, alpha=0.3, linewidth=0)
        axes.plot(z, middle, color=colour, linestyle=style, linewidth=1.4, label=label)


def _draw_shells(axes: Any, solution: Solution, shells: Sequence[_Series]) -> None:
    _draw_series(axes, solution.z, shells)
    less, more = sorted((solution.strand.width * 500, solution.strand.thickness * 500))
    axes.axhline(less, color=_GUIDE, linewidth=0.8, linestyle="--", label="half of the section")
    axes.axhline(more, color=_GUIDE, linewidth=0.8, linestyle="--")
    axes.set(ylabel="solid shell, mm", ylim=(0.0, 1.06 * min(more, 2 * less)))


def _draw_temperatures(axes: Any, solution: Solution, temperatures: Sequence[_Series]) -> None:
    steel = solution.strand.steel
    axes.axhspan(steel.solidus, steel.liquidus, color=_MUSH, alpha=0.25, linewidth=0)
    _draw_series(axes, solution.z, temperatures)
    axes.axhline(steel.liquidus, color=_GUIDE, linewidth=0.8, label=f"liquidus, {steel.liquidus:g} K")
    axes.axhline(
        steel.solidus, color=_GUIDE, linewidth=0.8, linestyle="--", label=f"solidus, {steel.solidus:g} K"
    )
    axes.set_ylabel("temperature, K")


def _draw_shares(axes: Any, solution: Solution) -> None:
    solid, liquid = 100 * solution.solid_fraction, 100 * solution.liquid_fraction
    axes.fill_between(solution.z, 100 - liquid, 100, color=_LIQUID, linewidth=0, label="liquid")
    axes.fill_between(solution.z, solid, 100 - liquid, color=_MUSH, linewidth=0, label="mush")
    axes.fill_between(solution.z, 0, solid, color=_SOLID, linewidth=0, label="solid")
    axes.set(ylabel="section, %", ylim=(0, 100))


def _draw_lengths(grid: NDArray[Any], batch: BatchSolution, good: NDArray[Any]) -> None:
    """Metallurgical length over each parameter, where the strand solidifies."""
    lengths = batch.metallurgical_length
    shown = good & np.isfinite(lengths)
    for axes, (name, values) in zip(grid.flat, batch.parameters.items(), strict=False):
        unit, size = _unit(name)
        axes.plot(values[shown] / size, lengths[shown], ".", color=_FACE_X, markersize=3, rasterized=True)
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


def _unit(name: str) -> tuple[str, float]:
    return next((_UNITS[word] for word in name.split(".") if word in _UNITS), ("SI", 1.0))


def _maps(count: int, solution: Solution) -> tuple[Figure, list[Any]]:
    """A figure with axes for `count` maps of the quarter section, and room for lines above and below."""
    shape = solution.strand.width / solution.strand.thickness
    most = 4 if shape < 1.4 else 2 if shape < 3 else 1
    rows = math.ceil(count / most)
    columns = math.ceil(count / rows)
    width = min(9.0 / columns, 4.0 if columns > 1 else 9.0, 6.0 * shape)
    spare = 0.9 if solution.success else 1.6
    figure = _figure(columns * width + 1.6, rows * (width / shape + 0.5) + spare)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[count:]:
        axes.set_axis_off()
    for axes in grid.flat[max(count - columns, 0) : count]:
        axes.set_xlabel("x, mm")
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("y, mm")
    return figure, list(grid.flat[:count])


def _draw_phases(axes: Any, solution: Solution, section: NDArray[Any]) -> None:
    steel, x, y = solution.strand.steel, solution.x * 1e3, solution.y * 1e3
    for level, style in ((steel.solidus, "-"), (steel.liquidus, "--")):
        if np.nanmin(section) < level < np.nanmax(section):
            axes.contour(x, y, section, levels=[level], colors="black", linestyles=style, linewidths=1.1)
    mush = axes.contourf(
        x, y, section, levels=[steel.solidus, steel.liquidus], colors="none", hatches=["////"]
    )
    mush.set(edgecolor="black", linewidth=0)
    _name_phases(axes, solution, section)


def _name_phases(axes: Any, solution: Solution, section: NDArray[Any]) -> None:
    """Writes "liquid" and "solid" halfway along their part of the diagonal, where the word has room."""
    steel, share = solution.strand.steel, np.linspace(0, 1, 101)
    columns, rows = (
        np.interp(share * nodes[-1], nodes, np.arange(nodes.size)).round().astype(int)
        for nodes in (solution.x, solution.y)
    )
    even = section[np.ix_(rows, columns)]
    inches = axes.bbox.size / axes.figure.dpi
    for word, colour, inside in (
        ("liquid", "black", even > steel.liquidus),
        ("solid", "white", even < steel.solidus),
    ):
        middle = _middle(inside, np.array([0.27, 0.12]) / inches)
        if middle is not None:
            place = middle * np.array([solution.x[-1], solution.y[-1]]) * 1e3
            axes.text(*place, word, color=colour, ha="center", va="center", fontsize=9)


def _middle(inside: NDArray[np.bool_], half: NDArray[np.float64]) -> float | None:
    """The middle of the marked part of the diagonal as a share of it, if a box around it is all marked.

    `inside`: (n, n), rows are y. `half`: half the box's width and height as shares of the section's.
    """
    marked = np.flatnonzero(inside.diagonal())
    if not marked.size:
        return None
    middle, last = int(marked.mean()), len(inside) - 1
    wide, high = (np.minimum(half, 1) * last).astype(int)
    box = np.pad(inside, last)[middle - high + last : middle + high + last + 1]
    return middle / last if box[:, middle - wide + last : middle + wide + last + 1].all() else None


def _explain_phases(figure: Any, bar: Any, steel: Steel) -> None:
    """Marks solidus and liquidus on the colour bar, and names all lines below the maps."""
    bar.axhline(steel.solidus, color="black", linewidth=1.1)
    bar.axhline(steel.liquidus, color="black", linewidth=1.1, linestyle="--")
    line = optional("matplotlib.lines", "plot").Line2D
    patch = optional("matplotlib.patches", "plot").Patch
    handles = [
        line([], [], color="black", label=f"solidus, {steel.solidus:g} K"),
        patch(facecolor="none", edgecolor="black", linewidth=0, hatch="////", label="mush"),
        line([], [], color="black", linestyle="--", label=f"liquidus, {steel.liquidus:g} K"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
