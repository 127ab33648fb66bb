"""A forecaster that has learnt already, as `backtest` takes it."""

from __future__ import annotations

from typing import Any, Self

from tundish._common.arguments import Floats
from tundish.crystallization.forecasting._base import Forecast


class Fitted:
    """Passes everything on but `fit`: to look at what a fit became, or to judge a model that was loaded."""

    def __init__(self, forecaster: Any) -> None:
        self.forecaster = forecaster

    def fit(self, series: Any) -> Self:
        """It has been."""
        return self

    def forecast(self, steps: int, level: float) -> Forecast:
        """The forecaster's."""
        found: Forecast = self.forecaster.forecast(steps, level)
        return found

    def update(self, value: Any) -> Self:
        """Tells the forecaster."""
        self.forecaster.update(value)
        return self

    def predict(self, series: Any) -> Floats:
        """The forecaster's."""
        found: Floats = self.forecaster.predict(series)
        return found

    def observed(self, sequence: Any) -> Floats:
        """The forecaster's."""
        found: Floats = self.forecaster.observed(sequence)
        return found
