"""Batched Kalman and unscented filters, smoothers, and the estimation of their noise."""

from tundish.filtering._diagonal import Diagonal
from tundish.filtering._errors import DivergedError, NotPositiveDefiniteError, PoleError
from tundish.filtering._expectation_maximization import Maximized, expectation_maximization
from tundish.filtering._kalman import kalman_filter, kalman_smoother
from tundish.filtering._partition import partition_filter
from tundish.filtering._result import Filtered, Smoothed
from tundish.filtering._stepped import KalmanFilter, UnscentedFilter
from tundish.filtering._unscented import unscented_filter

__all__ = [
    "Diagonal",
    "DivergedError",
    "Filtered",
    "KalmanFilter",
    "Maximized",
    "NotPositiveDefiniteError",
    "PoleError",
    "Smoothed",
    "UnscentedFilter",
    "expectation_maximization",
    "kalman_filter",
    "kalman_smoother",
    "partition_filter",
    "unscented_filter",
]
