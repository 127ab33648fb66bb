"""How an element of the scrap gets into the steel: what drifts, what is measured, how well."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, floats, number, vector
from tundish._common.progress import Callback
from tundish.scrap._arguments import partition_pair, restore
from tundish.scrap._estimate import Estimate
from tundish.scrap._filter import filter_elements, smooth_element
from tundish.scrap._log import HeatLog, check_log
from tundish.scrap._nonnegative import METHODS
from tundish.scrap._run import State

if TYPE_CHECKING:
    from tundish.scrap._fit import FitSummary

_FORMS = ("standard", "joseph", "sqrt")
_MOST_PPM = 1e6


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Element:
    """What the models of all elements share; see :class:`RetainedElement` and :class:`PartitionedElement`."""

    prior_mean: Floats
    prior_var: Floats
    decay: float
    measurement_std: float
    nonnegative: str | None = dataclasses.field(default=None, kw_only=True)
    robust: float | None = dataclasses.field(default=None, kw_only=True)
    _fit: FitSummary | None = dataclasses.field(default=None, init=False)

    partitioned: ClassVar[bool]
    # What a fit can change, in the order of its summary.
    hyperparameters: ClassVar[tuple[str, ...]] = ("decay", "prior_var", "measurement_std")

    def __post_init__(self) -> None:
        mean, decay = _prior_mean(self.prior_mean), number("decay", self.decay)
        if not 0 < decay <= 1:
            raise ValueError(f"decay = {self.decay}: must be above 0 and at most 1")
        checked = {
            "prior_mean": mean,
            "prior_var": _prior_var(self.prior_var, mean),
            "decay": decay,
            "measurement_std": _positive("measurement_std", self.measurement_std),
            "robust": None if self.robust is None else _positive("robust", self.robust),
        }
        if self.nonnegative is not None:
            choice("nonnegative", self.nonnegative, METHODS)
        _set(self, checked)

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
            raise ValueError(
                f"prior_mean: has size {self.prior_mean.size}; the log has {len(log.types)} scrap types"
            )

    def filter(self, log: HeatLog) -> Estimate:
        """The composition after each heat of a log, given the heats up to it, and what it foretold of each.

        **Returns:** an :class:`Estimate`.

        **Raises:** ValueError naming `prior_mean` where its size is not that of the log's types, or naming
        the heat at which the filter broke down.
        """
        return filter_elements([(self, log)])[0]

    def smooth(self, log: HeatLog) -> Estimate:
        """The composition at each heat, given all heats of the log; all else is as :meth:`filter` gives it.

        By the fixed-interval smoother (Rauch et al., AIAA Journal 3, 1965, 1445). For a
        :class:`PartitionedElement` it is that of the sigma-point filter, whose own slopes and variances stand
        for the nonlinear measurement.

        **Returns:** an :class:`Estimate`. **Raises:** as :meth:`filter`.
        """
        return smooth_element(self, log)

    def fit(
        self,
        log: HeatLog,
        parameters: Iterable[str] | None = None,
        method: str = "likelihood",
        *,
        per_type: bool = False,
        maxiter: int | None = None,
        tolerance: float = 1e-9,
        progress: bool | Callback = False,
    ) -> Self:
        """The model whose log-likelihood of a log is largest.

        **Main arguments:**

        - `parameters`: some of "decay", "prior_var" and "measurement_std", and "partition_var" of a
          :class:`PartitionedElement`. None is the first three, for "em" without the decay. Variances keep
          their proportions: one factor for all types.
        - `method`: "likelihood", by scipy's L-BFGS-B in logarithms (the logit of the decay), with central
          differences of which all are one batched run; or "em", expectation maximisation with lengthened
          steps, which never goes down, holds the decay fixed, and needs more iterations: it may stop short of
          the maximum where the log tells little. Not for a `robust` model.

        **Other arguments:**

        - `per_type`: a factor for each type's variance instead of one for all.
        - `maxiter`: of iterations; None is 200, for "em" 1000.
        - `tolerance`: an iteration that gains less than this share of the log-likelihood is the last.
        - `progress`: True shows a bar on stderr where rich is installed, or call me with (iterations,
          maxiter).

        **Returns:** a model of the values found, with `loglik` and `summary()`, which says whether it
        converged.

        **Raises:** ValueError or TypeError naming the argument, or the heat as :meth:`filter` does;
        ImportError where scipy is missing.
        """
        from tundish.scrap._fit import Options, fitted

        if maxiter is None:
            maxiter = 1000 if method == "em" else 200
        return fitted(self, log, parameters, Options(method, per_type, maxiter, tolerance, progress))

    @property
    def loglik(self) -> float:
        """Log-likelihood of the log that the model was fitted to."""
        return self.summary().loglik

    def summary(self) -> FitSummary:
        """What :meth:`fit` found: values, standard errors, log-likelihoods. Prints as a table."""
        if self._fit is None:
            raise AttributeError("the model has not been fitted: model.fit(log) returns one that has")
        return self._fit

    def __setstate__(self, state: dict[str, Any]) -> None:
        restore(self, state)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {self.prior_mean.size} scrap types, decay {self.decay:.4g}, "
            f"measurement_std {self.measurement_std:.4g} ppm>"
        )


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class RetainedElement(Element):
    """An element that stays in the steel, such as copper: Eqs. (1) and (2) of arXiv:2504.11319.

    The fractions a of the scrap types drift about their long-term means q, and are seen through the steel:

        a[t + 1] = (1 - decay) a[t] + decay eta[t]
        steel_t steel_ppm - hot_metal_t hot_metal_ppm = scrap . a + noise

    with eta of mean q and variance Q, and noise of variance (measurement_std steel_t)2. Before the first heat
    a has mean q and the variance to which this drift settles, decay2 Q / (1 - (1 - decay)2).

    **Main arguments:**

    - `prior_mean`: (n,) q, ppm, in the order of the log's types.
    - `prior_var`: (n,) or one number, Q, ppm2: the variance of the driving noise, not that of the first
      state.
    - `decay`: gamma, above 0 and at most 1; ln 2 / decay is the half-life in heats.
    - `measurement_std`: standard deviation of the measured steel_ppm, ppm.

    **Other arguments:**

    - `nonnegative`: what is done about fractions below 0, which a normal distribution does not exclude. None:
      nothing. "truncation": mean and standard deviation given that no fraction is negative, one type after
      another until all agree (Simon and Simon, International Journal of Systems Science 41, 2010; Cunningham
      et al., arXiv:1111.6832). "projection": the nearest composition without negative fractions, in the
      metric of the inverse covariance; the standard deviations stay. Either changes what is reported and not
      the filter, which it would bias. Takes the whole covariance of every heat, and scipy.
    - `robust`: None, or c: a reading more than c standard deviations off counts less, so that its influence
      is bounded (Huber). 1.345 to 3 are usual.
    - `form`: of the update, "standard", "joseph" or "sqrt", as in :func:`tundish.filtering.kalman_filter`.

    **Raises:** ValueError or TypeError naming the argument.
    """

    form: str = dataclasses.field(default="standard", kw_only=True)

    partitioned: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("form", self.form, _FORMS)

    @property
    def update(self) -> dict[str, Any]:
        return {"robust": self.robust, "form": self.form}

    @property
    def way_out(self) -> str:
        return (
            "take a larger measurement_std"
            if self.form == "sqrt"
            else "take form = 'sqrt', the square-root form"
        )


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class PartitionedElement(Element):
    """An element that parts between steel and slag, such as chromium: Eqs. (3) and (4) of arXiv:2504.11319.

    As :class:`RetainedElement`, with c1 and c2 that drift as the fractions do, and

        steel_t steel_ppm = (scrap . a + hot_metal_t hot_metal_ppm) / (1 + l slag_t / steel_t) + noise

    with l = c1 + c2 feo_pct.

    **Main arguments,** beside `prior_mean`, `prior_var`, `decay` and `measurement_std`:

    - `partition_mean`: long-term means of c1 and c2, the latter in 1/%.
    - `partition_var`: variances of their driving noise.

    **Other arguments,** beside `nonnegative` and `robust`:

    - `method`: "projected" updates by 5-point Gauss-Hermite quadrature along c1 + c2 feo_pct, the one
      direction in which the measurement is not linear; "sigma" by 2 k + 1 sigma points of all k components,
      as published.
    - `kappa`: of "sigma"; None is 3 - k, as published.

    **Raises:** ValueError or TypeError naming the argument.
    """

    partition_mean: tuple[float, float]
    partition_var: tuple[float, float]
    method: str = dataclasses.field(default="projected", kw_only=True)
    kappa: float | None = dataclasses.field(default=None, kw_only=True)

    partitioned: ClassVar[bool] = True
    hyperparameters: ClassVar[tuple[str, ...]] = ("decay", "prior_var", "partition_var", "measurement_std")

    def __post_init__(self) -> None:
        super().__post_init__()
        mean = partition_pair("partition_mean", self.partition_mean)
        var = partition_pair("partition_var", self.partition_var)
        if min(var) < 0:
            raise ValueError(f"partition_var = {self.partition_var}: must not be negative")
        choice("method", self.method, ("projected", "sigma"))
        if self.kappa is not None:
            _set(self, {"kappa": self._checked_kappa()})
        _set(self, {"partition_mean": mean, "partition_var": var})

    def _checked_kappa(self) -> float:
        kappa, components = number("kappa", self.kappa), self.prior_mean.size + 2
        if self.method != "sigma":
            raise ValueError(f"kappa = {self.kappa}: is for method = 'sigma' alone")
        if not (math.isfinite(kappa) and kappa > -components):
            raise ValueError(
                f"kappa = {self.kappa}: must be finite and above {-components}, less the components"
            )
        return kappa

    @property
    def state_mean(self) -> Floats:
        return np.concatenate([self.prior_mean, self.partition_mean])

    @property
    def state_var(self) -> Floats:
        return np.concatenate([self.prior_var, self.partition_var])

    @property
    def update(self) -> dict[str, Any]:
        return {"robust": self.robust, "method": self.method, "kappa": self.kappa}

    @property
    def way_out(self) -> str:
        return "take method = 'projected'" if self.method == "sigma" else "take a larger measurement_std"


def _set(model: Element, values: dict[str, Any]) -> None:
    """Fields of a frozen dataclass that is being made."""
    for name, value in values.items():
        object.__setattr__(model, name, value)


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(number(name, value)) and value > 0):
        raise ValueError(f"{name} = {value}: must be finite and above 0")
    return float(value)


def _prior_mean(value: ArrayLike) -> Floats:
    mean = vector("prior_mean", value)
    if not mean.size:
        raise ValueError("prior_mean: must have a value for every scrap type")
    bad = np.flatnonzero(~(np.isfinite(mean) & (mean >= 0) & (mean <= _MOST_PPM)))
    if bad.size:
        raise ValueError(f"prior_mean[{bad[0]}] = {mean[bad[0]]:g}: must be between 0 and 1e6 ppm")
    return _frozen(mean)


def _prior_var(value: ArrayLike, mean: Floats) -> Floats:
    var = floats("prior_var", value)
    if np.shape(value) not in ((), mean.shape):
        raise ValueError(
            f"prior_mean, prior_var: have shapes {mean.shape} and {np.shape(value)}; one shape is needed, or "
            "a number for prior_var"
        )
    var = np.broadcast_to(var, mean.shape)
    bad = np.flatnonzero(~(np.isfinite(var) & (var >= 0)))
    if bad.size:
        raise ValueError(f"prior_var[{bad[0]}] = {var[bad[0]]:g}: must be finite and not negative")
    return _frozen(var)


def _frozen(values: Floats) -> Floats:
    values = values.copy()
    values.flags.writeable = False
    return values
