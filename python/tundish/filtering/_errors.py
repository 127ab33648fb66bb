"""Errors in the middle of a run."""

from __future__ import annotations


class FilterError(ValueError):
    """A step that cannot be taken: `step` from 0, of filter `series` of the batch."""

    def __init__(self, message: str, step: int, series: int) -> None:
        super().__init__(message)
        self.message, self.step, self.series = message, step, series

    def __reduce__(self) -> tuple[type[FilterError], tuple[str, int, int]]:
        return type(self), (self.message, self.step, self.series)


class NotPositiveDefiniteError(FilterError):
    """A covariance lost its positive-definiteness: to rounding, or because the model's own has none."""


class PoleError(FilterError):
    """A heat's slag would hold more than all of the element: 1 + (c1 + c2 f) r is not above 0."""


class DivergedError(FilterError):
    """A variance is no longer a finite number."""


_REMEDIES = {
    "sqrt": "obs_cov must be larger than 0 where the state is known exactly",
    "unscented": "a kappa of 0 or more, or a larger alpha, keeps the centre's weight from being negative",
}


def raise_problem(problem: tuple[int, int, str] | None, form: str, single: bool) -> None:
    """Raises what a run has reported as (series, step, what)."""
    if problem is None:
        return
    series, step, what = problem
    where = f"step {step}" if single else f"step {step} of series {series}"
    if what == "pole":
        raise PoleError(
            f"{where}: 1 + (c1 + c2 f) m_slag / m_steel is not above 0 at a sigma point; the partition "
            "coefficients, their variances or the slag's mass are too far from the truth",
            step,
            series,
        )
    if what == "overflow":
        raise DivergedError(
            f"{where}: a variance is no longer a finite number; with this transition the state grows without "
            "bound, or the numbers are too large",
            step,
            series,
        )
    remedy = _REMEDIES.get(form, "form='sqrt' keeps it, unless obs_cov is 0 where the state is known exactly")
    raise NotPositiveDefiniteError(
        f"{where}: the covariance lost its positive-definiteness; {remedy}", step, series
    )
