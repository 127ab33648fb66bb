"""How an element of the scrap gets into the steel: what drifts, what is measured, how well."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, ClassVar, Self

import numpy as np

from tundish._common.arguments import Floats, choice, number
from tundish._common.progress import Callback
from tundish._common.refusals import ArgumentError
from tundish.scrap._estimate import Estimate
from tundish.scrap._filter import filter_elements, smooth_element
from tundish.scrap._log import HeatLog
from tundish.scrap._state_space import StateSpace, partition_mean_of, partition_pair
from tundish.scrap.fitting._fit import FitOptions, FitSummary, fitted

_FORMS = ("standard", "joseph", "sqrt")


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Element(StateSpace):
    """What can be done with a model; see :class:`RetainedElement` and :class:`PartitionedElement`."""

    _fit: FitSummary | None = dataclasses.field(default=None, init=False)

    def filter(self, log: HeatLog) -> Estimate:
        """The composition after each heat of a log, given the heats up to it, and the predicted steel.

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
          the maximum where the log has little information. Not for a `robust` model.

        **Other arguments:**

        - `per_type`: a factor for each type's variance instead of one for all.
        - `maxiter`: of iterations; None is 200, for "em" 1000.
        - `tolerance`: an iteration that gains less than this share of the log-likelihood is the last.
        - `progress`: True shows a bar on stderr where rich is installed, or call me with (iterations,
          maxiter).

        **Returns:** a model of the values found, with `loglik` and `summary()`, which has whether the
        search converged.

        **Raises:** ValueError or TypeError naming the argument, or the heat as :meth:`filter` does;
        ImportError where scipy is missing.
        """
        if maxiter is None:
            maxiter = 1000 if method == "em" else 200
        options = FitOptions(method, per_type, maxiter, tolerance, progress)
        model, summary = fitted(self, log, parameters, options)
        model._set(_fit=summary)
        return model

    @property
    def loglik(self) -> float:
        """Log-likelihood of the log that the model was fitted to."""
        return self.summary().loglik

    def summary(self) -> FitSummary:
        """What :meth:`fit` found: values, standard errors, log-likelihoods. Prints as a table."""
        if self._fit is None:
            raise AttributeError("the model has not been fitted: model.fit(log) returns one that has")
        return self._fit

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

    - `partition_mean`: long-term means of c1 and c2, the latter in 1/%, both between -1e6 and 1e6.
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
        mean = partition_mean_of("partition_mean", self.partition_mean)
        var = partition_pair("partition_var", self.partition_var)
        if min(var) < 0:
            raise ArgumentError("partition_var", self.partition_var, "must not be negative")
        choice("method", self.method, ("projected", "sigma"))
        if self.kappa is not None:
            self._set(kappa=self._checked_kappa())
        self._set(partition_mean=mean, partition_var=var)

    def _checked_kappa(self) -> float:
        kappa, components = number("kappa", self.kappa), self.prior_mean.size + 2
        if self.method != "sigma":
            raise ArgumentError("kappa", kappa, "is for method = 'sigma' alone")
        if not (math.isfinite(kappa) and kappa > -components):
            raise ArgumentError(
                "kappa", kappa, f"must be finite and above {-components}, less the components"
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
