"""The composition of scrap, estimated heat by heat from what a melt shop measures anyway."""

from tundish.scrap._estimate import Diagnostics, Estimate, Forecast
from tundish.scrap._filter import filter_elements
from tundish.scrap._fit import FitSummary
from tundish.scrap._least_squares import WindowedEstimate, prior_from, windowed_least_squares
from tundish.scrap._log import HeatLog
from tundish.scrap._model import PartitionedElement, RetainedElement
from tundish.scrap._run import BreakdownError
from tundish.scrap._sensitivity import sensitivity
from tundish.scrap._simulate import Truth, published_model, simulate

__all__ = [
    "BreakdownError",
    "Diagnostics",
    "Estimate",
    "FitSummary",
    "Forecast",
    "HeatLog",
    "PartitionedElement",
    "RetainedElement",
    "Truth",
    "WindowedEstimate",
    "filter_elements",
    "prior_from",
    "published_model",
    "sensitivity",
    "simulate",
    "windowed_least_squares",
]
