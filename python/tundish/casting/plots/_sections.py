"""Temperature maps of sections."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.figures import new_figure
from tundish._common.optional import optional
from tundish.casting._solution import Solution
from tundish.casting._steel import Steel
from tundish.casting.plots._style import warn

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    warn(figure, solution)
    return figure


def _maps(count: int, solution: Solution) -> tuple[Figure, list[Any]]:
    """A figure with axes for `count` maps of the quarter section, and room for lines above and below."""
    shape = solution.strand.width / solution.strand.thickness
    max_columns = 4 if shape < 1.4 else 2 if shape < 3 else 1
    rows = math.ceil(count / max_columns)
    columns = math.ceil(count / rows)
    width = min(9.0 / columns, 4.0 if columns > 1 else 9.0, 6.0 * shape)
    spare = 0.9 if solution.success else 1.6
    figure = new_figure(columns * width + 1.6, rows * (width / shape + 0.5) + spare)
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
