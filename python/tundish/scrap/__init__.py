"""The composition of scrap, estimated heat by heat from what a melt shop measures anyway.

Its simulations are in :mod:`tundish.scrap.simulation`, its pictures in :mod:`tundish.scrap.plots`.
"""

from tundish.scrap._elements import PartitionedElement, RetainedElement
from tundish.scrap._estimate import Diagnostics, Estimate, Forecast
from tundish.scrap._filter import filter_elements
from tundish.scrap._log import HeatLog, Truth
from tundish.scrap._report import report
from tundish.scrap._run import BreakdownError
from tundish.scrap.fitting import (
    FitSummary,
    Prior,
    WindowedEstimate,
    estimate_prior,
    prior_from,
    read_prior,
    windowed_least_squares,
)
from tundish.scrap.simulation import (
    bundled_heats,
    bundled_truth,
    published_model,
    sensitivity,
    simulate,
)

__all__ = [
    "BreakdownError",
    "Diagnostics",
    "Estimate",
    "FitSummary",
    "Forecast",
    "HeatLog",
    "PartitionedElement",
    "Prior",
    "RetainedElement",
    "Truth",
    "WindowedEstimate",
    "bundled_heats",
    "bundled_truth",
    "estimate_prior",
    "filter_elements",
    "prior_from",
    "published_model",
    "read_prior",
    "report",
    "sensitivity",
    "simulate",
    "windowed_least_squares",
]
