"""The paper's figures, of what has been computed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tundish.reproduce.segregation2025.record import Record, rows_of, values_of
from tundish.reproduce.segregation2025.study import BILLETS, RECOMMENDED, billet, tasks
from tundish.segregation import clahe
from tundish.segregation.configurations import Configuration
from tundish.segregation.maps.plots import (
    HELD_OUT,
    TRAINED,
    draw_outline,
    draw_parity,
    finish_parity,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DIAMETER = 600.0  # mm
FIGURES = {
    4: ("Figure 4: training, and predicted over analysed carbon", "protocol"),
    5: ("Figure 5: relative errors over the section", "models"),
    6: ("Figure 6: further billets", "billets"),
    7: ("Figure 7: architectures", "dense"),
    8: ("Figure 8: contrast enhancement", "enhancement"),
}


def figures(record: Record, chosen: Configuration) -> Iterator[tuple[int, Callable[[], Figure]]]:
    """Number of every figure whose study has been computed, and what draws it."""
    draw = {
        4: _draw_training,
        5: _draw_errors,
        6: _draw_billets,
        7: _draw_architectures,
        8: _draw_enhancement,
    }
    for number, (_, study) in FIGURES.items():
        needed = ("blocks", "dense") if number == 7 else (study,)
        if all(record.has(each, chosen) for each in needed):
            yield number, partial(draw[number], record, chosen)


def _draw_training(record: Record, chosen: Configuration) -> Figure:
    """Figure 4, for both protocols: of the first split."""
    figure = new_figure(9.6, 8.2)
    panels = figure.subplots(2, 2)
    for name, (left, right) in zip(("published", "grouped"), panels, strict=True):
        (run, *_) = record.runs(tasks("protocol", chosen)[name])
        training, validation = np.array(run.result["history"]).T
        epochs = np.arange(1, len(training) + 1)
        left.plot(epochs, training, color=TRAINED, label="training, with dropout")
        left.plot(epochs, validation, color=HELD_OUT, label="validation")
        left.set(xlabel="epoch", ylabel="mean absolute error, wt%")
        left.set_ylim(bottom=0)
        left.xaxis.get_major_locator().set_params(integer=True)
        left.legend(fontsize=8, frameon=False)
        left.set_title(f"{name} protocol", fontsize=10, loc="left")
        points = run.result["points"]
        draw_parity(
            right, "tested", np.array(points["carbon"]), np.array(points["predicted"]), None, HELD_OUT
        )
        finish_parity(right)
    return figure


def _draw_errors(record: Record, chosen: Configuration) -> Figure:
    """Figure 5: of points that were not trained on, over all splits."""
    runs = record.runs(tasks("models", chosen)[RECOMMENDED])
    columns = {name: np.concatenate([run.result["points"][name] for run in runs])
               for name in ("x_mm", "y_mm", "carbon", "predicted")}  # fmt: skip
    percent = 100 * (columns["predicted"] / columns["carbon"] - 1)
    limit = float(max(np.abs(percent).max(), 1.0))
    figure = new_figure(6.6, 5.4)
    axes = figure.subplots()
    drawn = axes.scatter(
        columns["x_mm"], columns["y_mm"], 70, percent, cmap="RdBu_r", vmin=-limit, vmax=limit,
        edgecolors="0.4", linewidths=0.8,
    )  # fmt: skip
    draw_outline(axes, _DIAMETER)
    axes.set_title("recommended model, points not trained on", fontsize=10)
    figure.colorbar(drawn, ax=axes, label="(predicted - analysed) / analysed carbon, %", shrink=0.85)
    return figure


def _draw_billets(record: Record, chosen: Configuration) -> Figure:
    """Figure 6: of the first split."""
    figure = new_figure(9.2, 4.8)
    (run, *_) = record.runs(tasks("billets", chosen)[RECOMMENDED])
    for name, axes in zip(BILLETS, figure.subplots(1, 2), strict=True):
        found = run.result["billets"][name]
        carbon = np.array(found["carbon"])
        for when, color in (("before", TRAINED), ("after", HELD_OUT)):
            predicted = np.array(found[when]["predicted"])
            bounds = np.array([found[when]["lower"], found[when]["upper"]]).T
            draw_parity(axes, f"{when} the second training", carbon, predicted, bounds, color)
        finish_parity(axes)
        axes.set_title(f"{name}; bars: 90 % intervals", fontsize=9, loc="left")
    return figure


def _draw_architectures(record: Record, chosen: Configuration) -> Figure:
    """Figure 7."""
    figure = new_figure(9.2, 6.4)
    panels = figure.subplots(2, 2)
    labels = {"blocks": "blocks of convolutions", "dense": "dense layers"}
    for (study, label), row in zip(labels.items(), panels, strict=True):
        known = {name: runs for name, runs in rows_of(study, record, chosen).items() if runs}
        for axes, name, unit in zip(row, ("r2_correlation", "mae"), ("r2", "MAE, wt%"), strict=True):
            for part, color, shift in (("train", TRAINED, -0.2), ("test", HELD_OUT, 0.2)):
                values = [[value or 0.0 for value in values_of(runs, part, name)] for runs in known.values()]
                spreads = [statistics.stdev(each) if len(each) > 1 else 0.0 for each in values]
                means = [statistics.fmean(each) for each in values]
                places = np.array([int(count) for count in known]) + shift
                axes.bar(
                    places, means, 0.38, yerr=spreads if any(spreads) else None, color=color, capsize=2,
                    label={"train": "training", "test": "tested"}[part],
                )  # fmt: skip
            axes.set(xlabel=label, ylabel=unit)
            axes.set_xticks([int(count) for count in known])
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return figure


def _draw_enhancement(record: Record, chosen: Configuration) -> Figure:
    """Figure 8: three patches from the axis outwards."""
    patches = billet(chosen.image_size, chosen.mm_per_px, record.seed)
    rows = [len(patches) * n // 6 for n in (1, 3, 5)]
    half = 0.5 * chosen.image_size * chosen.mm_per_px
    figure = new_figure(8.4, 5.6)
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    assert patches.radius is not None
    for column, n in zip(panels.T, rows, strict=True):
        pair = (patches.images[n], clahe(patches.images[n]))
        for axes, image, name in zip(column, pair, ("as etched", "CLAHE"), strict=True):
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(-half, half, half, -half))
            place = f"{patches.radius[n]:.0f} mm from the axis, {patches.carbon[n]:.3f} wt%"
            axes.set_title(f"{name}: {place}", fontsize=8)
    for axes in panels[-1]:
        axes.set_xlabel("mm")
    for axes in panels[:, 0]:
        axes.set_ylabel("mm")
    return figure
