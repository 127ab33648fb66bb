"""Colours and figures of all pictures. matplotlib's objects alone: no pyplot, no global state, no display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tundish._common.optional import optional

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers can distinguish.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
PURPLE, SKY_BLUE, ORANGE = "#CC79A7", "#56B4E9", "#E69F00"
BROWN = "#8C510A"
GREY = "#767676"  # of what guides the eye


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches; needs matplotlib."""
    figure: Figure = optional("matplotlib.figure", "plot").Figure(
        figsize=(width, height), layout="constrained"
    )
    return figure
