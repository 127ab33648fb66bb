"""What a filter and a smoother return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]  # of the run's precision


@dataclass(frozen=True, repr=False)
class Filtered:
    """Moments of the state along a series; what `store` did not keep is None.

    Shapes are those of a batch of B series of T steps with n states; a single series has no axis B, and one
    of p observations a step has the axes p behind those of forecast and innovation.

    - `mean`, `std` (B, T, n), `cov` (B, T, n, n): filtered, after the step's observation.
    - `forecast`, `forecast_var`, `innovation` (B, T): of the observation one step ahead, with the
      measurement's noise; the innovation is the observation less its forecast, NaN where it is missing.
    - `loglik` (B,): the logarithm of the likelihood; missing observations add 0.
    - `final_mean` (B, n), `final_cov` (B, n, n): filtered at the last step; `predicted_mean`,
      `predicted_cov`: the prediction for the step after it.
    - `slopes` (B, T, n): of the observation in the state, b with Cov(a, y) = P b (partition model only, when
      `slopes=True`).
    """

    mean: Numbers | None
    std: Numbers | None
    cov: Numbers | None
    forecast: Numbers
    forecast_var: Numbers
    innovation: Numbers
    loglik: Any
    final_mean: Numbers
    final_cov: Numbers
    predicted_mean: Numbers
    predicted_cov: Numbers
    slopes: Numbers | None = None

    def __repr__(self) -> str:
        return f"<Filtered: {_shape(self.forecast, self.final_mean)}, log-likelihood {_loglik(self.loglik)}>"


@dataclass(frozen=True, repr=False)
class Smoothed:
    """Moments of the state given all observations.

    `mean`, `std` (B, T, n), and `cov` (B, T, n, n) with store="full"; `loglik` (B,). A single series has no
    axis B.
    """

    mean: Numbers
    std: Numbers | None
    cov: Numbers | None
    loglik: Any

    def __repr__(self) -> str:
        return f"<Smoothed: {_shape(self.mean, self.mean[..., 0, :])}, log-likelihood {_loglik(self.loglik)}>"


def _shape(along: Numbers, state: Numbers) -> str:
    batch = "" if state.ndim == 1 else f"{state.shape[0]} series, "
    return f"{batch}{along.shape[state.ndim - 1]} steps, {state.shape[-1]} states"


def _loglik(values: Any) -> str:
    array = np.atleast_1d(values)
    return f"{array[0]:.6g}" if array.size == 1 else f"{array.min():.6g} to {array.max():.6g}"
