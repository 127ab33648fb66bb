"""The state of an element's fractions: its long-term moments, how it drifts, and the checks of both."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, floats, listed, number, pair, positive, vector
from tundish._common.columns import FrozenColumns
from tundish._common.refusals import MISSING, ArgumentError, Shape
from tundish.scrap._log import HeatLog, check_log
from tundish.scrap._nonnegative import METHODS

SPREAD = 5.0  # variance of the driving noise over the square of its mean, where nothing else is known
_MAX_PARTITION = 1e6
_MAX_PPM = 1e6


class State(NamedTuple):
    """What is known of the fractions, ppm, and of c1 and c2 after them, before a heat is measured.

    `mean` (k,), `cov` (k, k).
    """

    mean: Floats
    cov: Floats


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class StateSpace(FrozenColumns):
    """How the fractions of an element drift, and what is known of them before the first heat.

    The state is the (n,) fractions, ppm, followed by c1 and c2 of an element that parts between steel and
    slag; k is its size. :class:`tundish.scrap.RetainedElement` and :class:`tundish.scrap.PartitionedElement`
    document the fields.
    """

    prior_mean: Floats
    prior_var: Floats
    decay: float
    measurement_std: float
    nonnegative: str | None = dataclasses.field(default=None, kw_only=True)
    robust: float | None = dataclasses.field(default=None, kw_only=True)

    partitioned: ClassVar[bool]
    # What a fit can change, in the order of its summary.
    hyperparameters: ClassVar[tuple[str, ...]] = ("decay", "prior_var", "measurement_std")

    def __post_init__(self) -> None:
        mean, decay = _prior_mean(self.prior_mean), number("decay", self.decay)
        if not 0 < decay <= 1:
            raise ArgumentError("decay", decay, "must be above 0 and at most 1")
        checked: dict[str, Any] = {
            "prior_mean": mean,
            "prior_var": _prior_var(self.prior_var, mean),
            "decay": decay,
            "measurement_std": positive("measurement_std", self.measurement_std),
            "robust": None if self.robust is None else positive("robust", self.robust),
        }
        if self.nonnegative is not None:
            choice("nonnegative", self.nonnegative, METHODS)
        self._set(**checked)

    @property
    def state_mean(self) -> Floats:
        """(k,) Long-term means of the fractions, ppm, then of c1 and c2 where the element has them."""
        return self.prior_mean

    @property
    def state_var(self) -> Floats:
        """(k,) Variances of their driving noise."""
        return self.prior_var

    @property
    def driving_var(self) -> Floats:
        """(k,) What every heat adds to their variances."""
        return self.decay**2 * self.state_var

    @property
    def initial_state(self) -> State:
        """Mean and covariance before the first heat: those to which the drift settles."""
        return State(self.state_mean, np.diag(self.driving_var / (self.decay * (2 - self.decay))))

    @property
    def update(self) -> dict[str, Any]:
        """Keywords of the filter's update; models run in one batch where these are the same."""
        raise NotImplementedError

    @property
    def way_out(self) -> str:
        """What helps where a covariance has lost its positive-definiteness."""
        raise NotImplementedError

    def check(self, log: HeatLog) -> None:
        """Raises TypeError naming a `log` that is none, ValueError naming `prior_mean` of another size."""
        check_log(log)
        if self.prior_mean.size != len(log.types):
            sizes = f"has size {self.prior_mean.size}; the log has {len(log.types)} scrap types"
            raise ArgumentError("prior_mean", MISSING, sizes)


def partition_pair(name: str, value: Any) -> tuple[float, float]:
    """c1 and c2, or what belongs to them: one number is not meant for both."""
    numbers = pair(name, listed(name, value, "two numbers, for c1 and c2"), "c1 and c2")
    if not all(math.isfinite(number) for number in numbers):
        raise ArgumentError(name, numbers, "must be finite")
    return numbers


def partition_mean_of(name: str, value: Any) -> tuple[float, float]:
    """c1 and c2 themselves: far beyond what slags hold, and still with squares that are numbers."""
    numbers = partition_pair(name, value)
    if max(map(abs, numbers)) > _MAX_PARTITION:
        raise ArgumentError(name, numbers, "must be between -1e6 and 1e6")
    return numbers


def check_mean(name: str, mean: Floats) -> None:
    """Refuses a fraction outside 0 to 1e6 ppm."""
    bad = np.flatnonzero(~(np.isfinite(mean) & (mean >= 0) & (mean <= _MAX_PPM)))
    if bad.size:
        raise ArgumentError(f"{name}[{bad[0]}]", float(mean[bad[0]]), "must be between 0 and 1e6 ppm")


def _prior_mean(value: ArrayLike) -> Floats:
    mean = vector("prior_mean", value)
    if not mean.size:
        raise ArgumentError("prior_mean", MISSING, "must have a value for every scrap type")
    check_mean("prior_mean", mean)
    return mean


def _prior_var(value: ArrayLike, mean: Floats) -> Floats:
    var = floats("prior_var", value)
    if np.shape(value) not in ((), mean.shape):
        raise ArgumentError(
            "prior_var",
            Shape(np.shape(value)),
            f"{mean.shape}, as prior_mean, or a number is needed",
        )
    var = np.broadcast_to(var, mean.shape)
    bad = np.flatnonzero(~(np.isfinite(var) & (var >= 0)))
    if bad.size:
        raise ArgumentError(f"prior_var[{bad[0]}]", float(var[bad[0]]), "must be finite and not negative")
    return var
