"""How far predictions are from what was analysed."""

from __future__ import annotations

import numpy as np

from tundish._common.arguments import Floats

SCORES = ("r2", "r2_correlation", "mae", "bias")


def scores(predicted: Floats, measured: Floats) -> dict[str, float]:
    """Figures of (N,) predictions, wt%.

    `"r2"`: 1 - SSE / SST, NaN where all measured are equal. `"r2_correlation"`: the squared correlation, the
    paper's "R2" (its Eq. (2)), NaN where either is constant; it does not see bias or scale. `"mae"`: mean
    absolute error. `"bias"`: mean of predicted - measured.
    """
    error = predicted - measured
    moved, meant = predicted - predicted.mean(), measured - measured.mean()
    total, spread = float(meant @ meant), float(moved @ moved)
    known = total > 0 and spread > 0
    return {
        "r2": 1 - float(error @ error) / total if total > 0 else float("nan"),
        "r2_correlation": float(moved @ meant) ** 2 / (total * spread) if known else float("nan"),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
    }
