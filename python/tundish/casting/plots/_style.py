"""What the pictures of a strand share: colours, the strip of zones, a warning."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tundish._common.figures import (
    BLACK,
    BLUE,
    BROWN,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
)
from tundish.casting._solution import Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# One meaning, one colour in all pictures.
FACE_X, FACE_Y, CENTRE, CORNER = BLUE, VERMILION, BLACK, GREEN
PROBES = (PURPLE, SKY_BLUE, ORANGE, BROWN)
SOLID, MUSH, LIQUID = "#9FB1C1", "#F0A868", "#FBE6A2"
GUIDE, ALARM = GREY, "#B00020"


def warn(figure: Figure, solution: Solution) -> None:
    if not solution.success:
        figure.suptitle(textwrap.fill(solution.message, 110), color=ALARM, fontsize=9)


def draw_zones(axes: Any, ends: Sequence[float], inches: float) -> None:
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
