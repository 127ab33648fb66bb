"""Hyper-parameters of a model from a log: maximum likelihood and expectation maximisation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from tundish._common.arguments import Floats, choice, count, number, some_names
from tundish._common.optional import optional
from tundish._common.progress import Callback, progress_callback
from tundish._common.refusals import MISSING, ArgumentError
from tundish.scrap._log import HeatLog
from tundish.scrap._run import BreakdownError, Filtered, run
from tundish.scrap._state_space import StateSpace

Model = TypeVar("Model", bound=StateSpace)

METHODS = ("likelihood", "em")
_STEP = 1e-4  # of central differences, in logarithms
_DECAY_RANGE = 1e-7  # how near to 0 and 1 a decay may come
_WIDEST = math.log(1e8)  # how far a logarithm may move
_MIN_FACTOR = 0.1  # that an iteration of EM changes a variance by
_LONGER = 1.5  # by which EM lengthens its steps for as long as they gain


class FitOptions(NamedTuple):
    """How to fit, by the arguments of :meth:`RetainedElement.fit`."""

    method: str
    per_type: bool
    maxiter: int
    tolerance: float
    progress: bool | Callback


class FitSummary(NamedTuple):
    """What a fit found. Prints as a table.

    - `values`, `standard_errors`, `start`: by name, `decay`, `measurement_std` (ppm), and `prior_var_factor`
      and `partition_var_factor`, by which these variances were multiplied; `prior_var_factor[<type>]` where
      each type has its own. The variances themselves are the fitted model's. Standard errors are inf where
      the log has no information, NaN at the limits of the search; `robust` does not enter them.
    - `loglik_before`, `loglik`: log-likelihood of the log at the start and at the values found.
    - `history`: log-likelihood after every iteration that gained.
    - `evaluations`: filter runs over the log, those for derivatives included.
    - `success`, `message`: how it ended. `method`: "likelihood" or "em".
    """

    values: dict[str, float]
    standard_errors: dict[str, float]
    start: dict[str, float]
    loglik_before: float
    loglik: float
    history: tuple[float, ...]
    evaluations: int
    success: bool
    message: str
    method: str

    def __repr__(self) -> str:
        width = max(15, *(len(name) for name in self.values))
        lines = [f"{'':{width}}       before        found    std. error"]
        for name, value in self.values.items():
            lines.append(
                f"{name:{width}} {self.start[name]:12.5g} {value:12.5g} {self.standard_errors[name]:13.3g}"
            )
        lines.append(f"{'log-likelihood':{width}} {self.loglik_before:12.2f} {self.loglik:12.2f}")
        lines.append(f"{self.method}, {self.evaluations} filter runs: {self.message}")
        return "\n".join(lines)


class _Parameter(NamedTuple):
    """One number that is fitted: x is the logit of a decay, else a logarithm.

    `components` of the variances called `name` are multiplied by exp(x).
    """

    label: str
    name: str
    components: tuple[int, ...] = ()

    def start(self, model: StateSpace) -> float:
        if self.name == "decay":
            decay = min(max(model.decay, _DECAY_RANGE), 1 - _DECAY_RANGE)
            return math.log(decay / (1 - decay))
        return math.log(model.measurement_std) if self.name == "measurement_std" else 0.0

    def limits(self, model: StateSpace) -> tuple[float, float]:
        if self.name == "decay":
            widest = -math.log(_DECAY_RANGE)
            return -widest, widest
        return self.start(model) - _WIDEST, self.start(model) + _WIDEST

    def value(self, x: float) -> float:
        return 1 / (1 + math.exp(-x)) if self.name == "decay" else math.exp(x)

    def slope(self, x: float) -> float:
        """Of the value by x."""
        value = self.value(x)
        return value * (1 - value) if self.name == "decay" else value

    def terms(self, log: HeatLog) -> int:
        """How many normal variables of the log have this variance."""
        if self.name == "measurement_std":
            return int((~log.missing).sum())
        return len(self.components) * len(log)


class _Point(NamedTuple):
    """The log-likelihood at x, and its derivatives."""

    x: Floats
    loglik: float
    gradient: Floats
    below: list[Filtered]  # runs a step below and above x, parameter by parameter
    above: list[Filtered]


class _Likelihood(Generic[Model]):
    """The log-likelihood of a log as a function of x, and how often a filter ran for it."""

    def __init__(self, model: Model, log: HeatLog, parameters: Sequence[_Parameter]) -> None:
        self.model, self.log, self.parameters = model, log, parameters
        self.evaluations = 0

    def model_at(self, x: Floats) -> Model:
        changes: dict[str, Any] = {}
        for parameter, at in zip(self.parameters, x.tolist(), strict=True):
            value = parameter.value(at)
            if parameter.components:
                before = changes.get(parameter.name, getattr(self.model, parameter.name))
                variances = np.array(before, float)
                variances[list(parameter.components)] *= value
                changes[parameter.name] = variances
            else:
                changes[parameter.name] = value
        return dataclasses.replace(self.model, **changes)

    def __call__(self, x: Floats) -> _Point:
        steps = _STEP * np.eye(len(x))
        points = [x, *(x - steps), *(x + steps)]
        found = run([(self.model_at(point), self.log) for point in points], store="final")
        self.evaluations += len(points)
        below, above = found[1 : len(x) + 1], found[len(x) + 1 :]
        gradient = [(b.loglik - a.loglik) / (2 * _STEP) for a, b in zip(below, above, strict=True)]
        return _Point(x, found[0].loglik, np.array(gradient), below, above)


class _End(NamedTuple):
    """Where a search ended."""

    point: _Point
    history: list[float]
    success: bool
    message: str


def fitted(
    model: Model, log: HeatLog, names: Iterable[str] | None, options: FitOptions
) -> tuple[Model, FitSummary]:
    """The model of the values found, and how they were."""
    if choice("method", options.method, METHODS) == "em" and model.robust is not None:
        allowed = "not for a robust model, whose errors are not normal; take 'likelihood'"
        raise ArgumentError("method", "em", allowed)
    count("maxiter", options.maxiter, 1)
    if not 0 < number("tolerance", options.tolerance) < 1:
        raise ArgumentError("tolerance", options.tolerance, "must be between 0 and 1")
    model.check(log)
    parameters = _parameters(model, log, _names(model, names, options.method), options.per_type)
    readings = int((~log.missing).sum())
    if readings <= len(parameters):
        allowed = f"{readings} readings for {len(parameters)} parameters are too few"
        raise ArgumentError("log", MISSING, allowed)
    likelihood = _Likelihood(model, log, parameters)
    first = likelihood(np.array([p.start(model) for p in parameters]))
    search = _climbed if options.method == "likelihood" else _maximised
    with progress_callback(options.progress, "iterations") as callback:
        end = search(likelihood, first, options, callback or _no_callback)
    summary = FitSummary(
        values=_by_label(parameters, [p.value(x) for p, x in zip(parameters, end.point.x, strict=True)]),
        standard_errors=_by_label(parameters, _standard_errors(likelihood, end.point)),
        start=_by_label(parameters, [p.value(x) for p, x in zip(parameters, first.x, strict=True)]),
        loglik_before=first.loglik,
        loglik=end.point.loglik,
        history=tuple(end.history),
        evaluations=likelihood.evaluations,
        success=end.success,
        message=end.message,
        method=options.method,
    )
    return likelihood.model_at(end.point.x), summary


def _no_callback(done: int, total: int) -> None:
    pass


def _by_label(parameters: Sequence[_Parameter], values: Iterable[float]) -> dict[str, float]:
    return {p.label: float(value) for p, value in zip(parameters, values, strict=True)}


def _names(model: StateSpace, names: Iterable[str] | None, method: str) -> list[str]:
    if names is None:
        return [n for n in ("decay", "prior_var", "measurement_std") if method != "em" or n != "decay"]
    chosen = some_names("parameters", names, model.hyperparameters)
    if method == "em" and "decay" in chosen:
        allowed = "'decay' is held fixed by method = 'em'; take 'likelihood'"
        raise ArgumentError("parameters", MISSING, allowed)
    return chosen


def _parameters(model: StateSpace, log: HeatLog, names: Sequence[str], per_type: bool) -> list[_Parameter]:
    found = []
    for name in (n for n in model.hyperparameters if n in names):
        if name not in ("prior_var", "partition_var"):
            found.append(_Parameter(name, name))
            continue
        moving = np.flatnonzero(np.asarray(getattr(model, name)) > 0).tolist()
        if not moving:
            raise ArgumentError(name, MISSING, "is 0, and no factor makes it anything else")
        if name == "prior_var" and per_type:
            found += [_Parameter(f"prior_var_factor[{log.types[n]}]", name, (n,)) for n in moving]
        else:
            found.append(_Parameter(f"{name}_factor", name, tuple(moving)))
    return found


def _climbed(likelihood: _Likelihood[Any], first: _Point, options: FitOptions, callback: Callback) -> _End:
    """By the quasi-Newton method L-BFGS-B."""
    minimize = optional("scipy.optimize", "optimize").minimize
    readings = int((~likelihood.log.missing).sum())
    best, history = first, []

    def cost(x: Floats) -> tuple[float, Floats]:
        nonlocal best
        try:
            point = likelihood(x)
        except BreakdownError:  # too far: the line search takes a shorter step
            return 1 - best.loglik / readings, np.zeros_like(x)
        best = point if point.loglik > best.loglik else best
        return -point.loglik / readings, -point.gradient / readings

    def iterated(_: Floats) -> None:
        history.append(best.loglik)
        callback(len(history), options.maxiter)

    found = minimize(
        cost,
        first.x,
        jac=True,
        method="L-BFGS-B",
        bounds=[p.limits(likelihood.model) for p in likelihood.parameters],
        callback=iterated,
        options={"maxiter": options.maxiter, "ftol": options.tolerance, "gtol": 1e-7},
    )
    message = "" if found.success else str(found.message).lower().replace("_", " ")
    return _ended(likelihood, best, history, message)


def _ended(likelihood: _Likelihood[Any], point: _Point, history: list[float], problem: str) -> _End:
    at_limit = _at_limit(likelihood, point.x)
    names = [p.label for p, at in zip(likelihood.parameters, at_limit, strict=True) if at]
    if names:
        problem = f"{', '.join(names)} at the limit of the search"
    return _End(point, history, not problem, problem or "converged")


def _maximised(likelihood: _Likelihood[Any], first: _Point, options: FitOptions, callback: Callback) -> _End:
    """By expectation maximisation, whose step follows from the score.

    Given all readings, let E be the expected sum of squares of the m normal variables that share a variance
    v: the driving noises eta - q and the first state in units of their variances, or the measurement errors.
    The new variance is E / m. By Fisher's identity the derivative D of the log-likelihood by ln v is half of
    E / v - m. So the factor E / (m v) is 1 + 2 D / m.

    Near the maximum these steps are short. While they gain, each is taken longer than the last, in
    logarithms; one that does not gain is taken again as it is (Salakhutdinov and Roweis, Adaptive
    overrelaxed bound optimization methods, ICML 2003).

    For sigma points the likelihood, and so the step, is an approximation that need not climb; then it ends.
    """
    terms = np.array([p.terms(likelihood.log) for p in likelihood.parameters])
    roots = np.array([p.name == "measurement_std" for p in likelihood.parameters])  # x is ln v / 2
    limits = np.array([p.limits(likelihood.model) for p in likelihood.parameters]).T
    point, length = first, 1.0
    history: list[float] = []
    for iteration in range(1, options.maxiter + 1):
        factor = np.maximum(1 + np.where(roots, 1, 2) * point.gradient / terms, _MIN_FACTOR)
        step = np.where(roots, 0.5, 1) * np.log(factor)
        callback(iteration, options.maxiter)
        try:
            after = likelihood(np.clip(point.x + length * step, *limits))
        except BreakdownError:
            if length == 1:
                raise
            length = 1.0
            continue
        gain = after.loglik - point.loglik
        if gain > 0:
            point = after
            history.append(point.loglik)
        min_gain = options.tolerance * abs(point.loglik)
        if gain > min_gain:
            length *= _LONGER
        elif length > 1:
            length = 1.0
        else:
            lost = f"an iteration lost {-gain:.3g} of the log-likelihood" if gain < -min_gain else ""
            return _ended(likelihood, point, history, lost)
    return _ended(likelihood, point, history, f"{options.maxiter} iterations did not suffice")


def _at_limit(likelihood: _Likelihood[Any], x: Floats) -> Floats:
    limits = np.array([p.limits(likelihood.model) for p in likelihood.parameters])
    return np.asarray(np.any(np.abs(limits - x[:, None]) < 1e-6, axis=1))


def _standard_errors(likelihood: _Likelihood[Any], point: _Point) -> Floats:
    """From the information of the innovations v and their variances S, by first derivatives alone.

    I[i, j] = sum over the readings of dS_i dS_j / (2 S2) + dv_i dv_j / S: Harvey, Forecasting, Structural
    Time Series Models and the Kalman Filter (1989), section 3.4.5.
    """
    known = ~likelihood.log.missing
    rows = []
    for below, above in zip(point.below, point.above, strict=True):
        var = (below.forecast_var + above.forecast_var)[known] / 2
        by_var = (above.forecast_var - below.forecast_var)[known] / (2 * _STEP)
        by_mean = (above.innovation - below.innovation)[known] / (2 * _STEP)
        rows.append(np.concatenate([by_var / var / math.sqrt(2), by_mean / np.sqrt(var)]))
    slopes = np.array([p.slope(x) for p, x in zip(likelihood.parameters, point.x, strict=True)])
    errors = slopes * np.sqrt(np.diag(_inverse(np.array(rows))))
    return np.where(_at_limit(likelihood, point.x), math.nan, errors)


def _inverse(rows: Floats) -> Floats:
    """(k, k) inverse of rows rows'; inf for what they do not determine."""
    left, singular, _ = np.linalg.svd(rows, full_matrices=False)
    seen = singular > 1e-10 * singular[0] if singular[0] > 0 else np.zeros(len(singular), bool)
    half = left[:, seen] / singular[seen]
    inverse = half @ half.T
    blind = np.any(np.abs(left[:, ~seen]) > 1e-6, axis=1)
    inverse[blind, blind] = math.inf
    return np.asarray(inverse)
