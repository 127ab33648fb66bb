"""Pictures of sections, networks and errors. Drawn with matplotlib's objects alone: no pyplot, no display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish.segregation.maps._grad_cam import grad_cam
from tundish.segregation.maps._section_map import SectionMap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers tell apart.
TRAINED, HELD_OUT, GUIDE = "#767676", "#0072B2", "#000000"
_CARBON, _WIDTH, _ERROR, _ATTENTION = "viridis", "magma", "RdBu_r", "RdBu_r"
_ROBUST = (1, 99)  # percent of the cells that the colours span


def new_figure(width: float, height: float) -> Figure:
    """An empty one, inches."""
    figure: Figure = optional("matplotlib.figure", "plot").Figure(
        figsize=(width, height), layout="constrained"
    )
    return figure


def plot_map(
    found: SectionMap, diameter_mm: float | None = None, truth: tuple[Floats, Floats, Floats] | None = None
) -> Figure:
    """Carbon over the section; beside it, on the same colours, the true one (`carbon, x_mm, y_mm`)."""
    shown = [found.carbon] if truth is None else [found.carbon, truth[0]]
    low, high = np.nanpercentile(np.concatenate([values.ravel() for values in shown]), _ROBUST)
    figure = new_figure(6.4 if truth is None else 10.6, 5.2)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    places = [(found.x_mm, found.y_mm)] + ([] if truth is None else [(truth[1], truth[2])])
    titles = ["predicted", "true, without microsegregation"] if truth is not None else ["predicted carbon"]
    for axes, values, (x, y), title in zip(panels, shown, places, titles, strict=True):
        drawn = _draw_section(axes, x, y, values, diameter_mm, cmap=_CARBON, vmin=low, vmax=high)
        axes.set_title(title, fontsize=10)
    figure.colorbar(drawn, ax=panels, label="carbon, wt%", shrink=0.85, extend="both")
    return figure


def plot_width(found: SectionMap, diameter_mm: float | None = None) -> Figure:
    """Width of the intervals over the section."""
    assert found.interval is not None
    assert found.level is not None
    width = found.interval[..., 1] - found.interval[..., 0]
    figure = new_figure(6.4, 5.2)
    axes = figure.subplots()
    drawn = _draw_section(axes, found.x_mm, found.y_mm, width, diameter_mm, cmap=_WIDTH)
    figure.colorbar(drawn, ax=axes, label=f"width of the {100 * found.level:g} % interval, wt%", shrink=0.85)
    return figure


def _draw_section(
    axes: Any, x: Floats, y: Floats, values: Floats, diameter_mm: float | None, **look: Any
) -> Any:
    drawn = axes.pcolormesh(x, y, values, shading="nearest", rasterized=True, **look)
    draw_outline(axes, diameter_mm)
    return drawn


def draw_outline(axes: Any, diameter_mm: float | None) -> None:
    """Axes of a section: mm both ways at one scale, y downwards as in the photograph, and the surface."""
    if diameter_mm is not None:
        circle = optional("matplotlib.patches", "plot").Circle
        axes.add_patch(circle((0, 0), diameter_mm / 2, fill=False, color=GUIDE, linewidth=1))
        half = 0.52 * diameter_mm
        axes.set(xlim=(-half, half), ylim=(half, -half))
    else:
        axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set(xlabel="x from the axis, mm", ylabel="y from the axis, mm")


def plot_errors(table: NDArray[Any], held: NDArray[np.bool_], diameter_mm: float | None = None) -> Figure:
    """Relative errors at the analysed points (`error_map`), as in Figure 5 of the paper.

    `held`: which points were not trained on; they are drawn larger, with a ring.
    """
    figure = new_figure(6.6, 5.4)
    axes = figure.subplots()
    percent = 100 * table["relative_error"]
    limit = float(max(np.abs(percent).max(), 1.0))
    look: dict[str, Any] = {"cmap": _ERROR, "vmin": -limit, "vmax": limit, "linewidths": 1.0}
    for which, size, edge, label in ((~held, 36, "0.6", "trained on"), (held, 100, GUIDE, "held out")):
        x, y = table["x_mm"][which], table["y_mm"][which]
        if which.any():
            drawn = axes.scatter(x, y, size, percent[which], edgecolors=edge, label=label, **look)
    draw_outline(axes, diameter_mm)
    figure.colorbar(drawn, ax=axes, label="(predicted - analysed) / analysed carbon, %", shrink=0.85)
    told: Any = figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    for handle in told.legend_handles:
        handle.set_array(None)
        handle.set_facecolor("white")
    return figure


def plot_predictions(
    parts: Sequence[tuple[str, Floats, Floats, Floats | None]],
    history: Sequence[Sequence[tuple[float, float]]],
) -> Figure:
    """Training, and predicted over analysed carbon, as in Figure 4 of the paper.

    `history`: errors by epoch, which are left out where there are none.
    `parts`: "trained on" and "held out", each with analysed and predicted carbon and (N, 2) bounds or None.
    """
    if not history:
        figure = new_figure(5.0, 4.4)
        _draw_predictions(figure.subplots(), parts)
        return figure
    figure = new_figure(9.6, 4.4)
    left, right = figure.subplots(1, 2)
    for n, errors in enumerate(history):
        epochs = np.arange(1, len(errors) + 1)
        training, validation = np.array(errors).T
        left.plot(epochs, training, color=TRAINED, linewidth=1, label=None if n else "training, with dropout")
        left.plot(epochs, validation, color=HELD_OUT, linewidth=1, label=None if n else "validation")
    left.set(xlabel="epoch", ylabel="mean absolute error, wt%")
    left.set_ylim(bottom=0)
    left.xaxis.get_major_locator().set_params(integer=True)
    left.legend(fontsize=8, frameon=False)
    _draw_predictions(right, parts)
    return figure


def _draw_predictions(axes: Any, parts: Sequence[tuple[str, Floats, Floats, Floats | None]]) -> None:
    for label, analysed, predicted, bounds in parts:
        draw_parity(axes, label, analysed, predicted, bounds)
    finish_parity(axes)


def draw_parity(
    axes: Any,
    label: str,
    analysed: Floats,
    predicted: Floats,
    bounds: Floats | None,
    color: str | None = None,
) -> None:
    """Points, with their intervals as bars."""
    color = color or (HELD_OUT if label == "held out" else TRAINED)
    if bounds is not None:
        axes.vlines(analysed, bounds[:, 0], bounds[:, 1], color=color, alpha=0.35, linewidth=1.2)
    axes.plot(analysed, predicted, "o", color=color, markersize=4, alpha=0.8, label=label)


def finish_parity(axes: Any) -> None:
    """The line of equality, and one scale both ways."""
    low = min(axes.get_xlim()[0], axes.get_ylim()[0])
    high = max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([low, high], [low, high], color=GUIDE, linewidth=0.8)
    axes.set(
        xlim=(low, high), ylim=(low, high), xlabel="analysed carbon, wt%", ylabel="predicted carbon, wt%"
    )
    axes.set_aspect("equal")
    axes.legend(fontsize=8, frameon=False, loc="upper left")


def plot_grad_cam(reg: Any, images: Grey, titles: Sequence[str], mm_per_px: float) -> Figure:
    """Signed Grad-CAM of every convolution, two in a column (a block's), two rows a patch, after the patch.

    Colours span each map's own largest value, which its title tells: maps of two layers have two scales.
    """
    count = len(reg.network.convolutions)
    columns = -(-count // 2)
    maps = grad_cam(reg, images, range(1, count + 1))
    seen = [
        images[n] if reg.enhance is None else reg._enhanced(images[n : n + 1])[0] for n in range(len(images))
    ]
    half = 0.5 * images.shape[2] * mm_per_px
    extent = (-half, half, half, -half)
    figure = new_figure(1.55 * (columns + 1) + 0.9, 3.4 * len(images) + 0.3)
    rows = figure.subplots(2 * len(images), columns + 1, squeeze=False, sharex=True, sharey=True)
    for n, title in enumerate(titles):
        pair = rows[2 * n : 2 * n + 2]
        for axes, image, name in zip(
            pair[:, 0], (images[n], seen[n]), (title, "as the network sees it"), strict=True
        ):
            axes.imshow(image, cmap="gray", extent=extent, vmin=0, vmax=255)
            axes.set_title(name, fontsize=8)
            axes.set_ylabel("mm", fontsize=8)
        for layer, values in enumerate(maps[:, n]):
            axes = pair[layer % 2, 1 + layer // 2]
            limit = float(np.abs(values).max()) or 1.0
            axes.imshow(seen[n], cmap="gray", extent=extent)
            drawn = axes.imshow(values / limit, cmap=_ATTENTION, extent=extent, vmin=-1, vmax=1, alpha=0.65)
            axes.set_title(f"convolution {layer + 1}: ±{limit:.2g}", fontsize=8)
        for axes in pair.T.reshape(-1)[2 + count :]:
            axes.set_visible(False)
    for axes in rows[-1]:
        axes.set_xlabel("mm", fontsize=8)
    for axes in rows.flat:
        axes.tick_params(labelsize=7)
    label = "share of the map's largest value, which its title tells (wt%)\nred raises carbon, blue lowers it"
    figure.colorbar(drawn, ax=rows, label=label, orientation="horizontal", shrink=0.8, aspect=40, pad=0.02)
    return figure
