"""How well fitted parameters are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tundish._common.arguments import Floats

COVARIANCES = ("sigma", "residuals", "sandwich")
NOTHING_SEEN = 1e-10  # of the largest singular value: rounding of the derivatives


def units_of(parameters: Mapping[str, float]) -> Floats:
    """Sizes that make the parameters' derivatives comparable."""
    values = np.abs(list(parameters.values()))
    return np.where(values > 0, values, 1.0)


def covariance_of(
    jacobian: Floats, residuals: Floats, influence: tuple[Floats, Floats], units: Floats, kind: str
) -> tuple[Floats, float]:
    """(k, k) covariance of fitted parameters, and its degrees of freedom.

    With J (n, k) the weighted derivatives, r (n,) the weighted residuals, psi half the slope of the loss, of
    which `influence` holds psi / r and psi' (both 1 for squares), and A = J' diag(psi') J:

    - "sigma": A^-1; residuals are in units of known standard deviations. For squares alone.
    - "residuals": s2 (J' J)^-1, s2 = psi' psi / (n - k) / (mean of psi')^2: one standard deviation for all.
    - "sandwich": A^-1 J' diag(psi / (1 - h))^2 J A^-1 with leverages h: any standard deviations (HC3,
      MacKinnon and White, Journal of Econometrics 29, 1985).

    Those of M-estimators: Huber, Robust Statistics (1981), section 7.6. Along directions that change no
    reading the variance is infinite; in all of them where the loss is not convex at the answer.
    """
    size, unknowns = jacobian.shape
    free = size - unknowns
    nothing = np.full((unknowns, unknowns), np.inf)
    if not np.isfinite(jacobian).all():
        return nothing, float(free)
    slope, bend = influence
    left, singular, rows = np.linalg.svd(jacobian * units, full_matrices=False)
    seen = singular > NOTHING_SEEN * singular[0] if singular[0] > 0 else np.zeros(unknowns, bool)
    left, inverse = left[:, seen], rows[seen].T / singular[seen]  # (J' J)^-1 = inverse inverse'
    middle = left.T @ (bend[:, None] * left)  # A^-1 = inverse middle^-1 inverse'
    convex = bool(np.all(np.linalg.eigvalsh(middle) > NOTHING_SEEN))
    if (free <= 0 and kind != "sigma") or not convex:
        covariance = nothing
    elif kind == "sandwich":
        solved = np.linalg.solve(middle, left.T)
        leverage = np.minimum(bend * np.sum(left.T * solved, axis=0), 1 - 1e-9)
        half = inverse @ (solved * (slope * residuals / (1 - leverage)))
        covariance = half @ half.T
    else:
        psi = slope * residuals
        variance = 1.0 if kind == "sigma" else np.sum(psi**2) / free / np.mean(bend) ** 2
        covariance = variance * inverse @ inverse.T
    blind = np.any(np.abs(rows[~seen]) > 1e-6, axis=0)
    covariance[blind, :] = covariance[:, blind] = 0
    covariance[blind, blind] = np.inf
    return covariance * np.outer(units, units), np.inf if kind == "sigma" else float(free)
