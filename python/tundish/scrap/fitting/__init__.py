"""Numbers of a model from a log: hyper-parameters, prior means, and least squares as a yardstick."""

from tundish.scrap.fitting._fit import FitSummary
from tundish.scrap.fitting._least_squares import WindowedEstimate, prior_from, windowed_least_squares
from tundish.scrap.fitting._priors import Prior, estimate_prior, read_prior

__all__ = [
    "FitSummary",
    "Prior",
    "WindowedEstimate",
    "estimate_prior",
    "prior_from",
    "read_prior",
    "windowed_least_squares",
]
