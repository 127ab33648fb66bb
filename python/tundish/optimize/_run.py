"""The loop around a colony: what ends it, and what it leaves behind."""

from __future__ import annotations

import contextlib
import enum
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tundish import _core
from tundish._common.arguments import count, number
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError, ArgumentTypeError
from tundish.optimize._objective import Map, Objective, checked, rounds

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

Callback = Callable[..., object]
_UNLIMITED = 2**62


class Status(enum.IntEnum):
    """`OptimizeResult.status`."""

    CYCLES = 0
    TARGET = 1
    EVALUATIONS = 2
    CALLBACK = 3
    INTERRUPTED = 4
    RAISED = 5
    RUNNING = 6


_OF_CORE = {
    _core.ColonyEnding.cycles: Status.CYCLES,
    _core.ColonyEnding.evaluations: Status.EVALUATIONS,
    _core.ColonyEnding.target: Status.TARGET,
}


class Run:
    """One minimisation, checked when it is made."""

    def __init__(
        self,
        colony: _core.BeeColony,
        fun: Objective | _core.Objective,
        maxiter: int,
        vectorized: bool,
        workers: int | Map,
        maxfev: int | None,
        target: float | None,
        callback: Callback | None,
    ) -> None:
        if not (callable(fun) or isinstance(fun, _core.Objective)):
            raise ArgumentTypeError("fun", fun, "must be callable")
        if callback is not None and not callable(callback):
            raise ArgumentTypeError("callback", callback, "must be callable")
        self.core, self.fun = colony, fun
        self.vectorized, self.workers = bool(vectorized), checked(vectorized, workers)
        self.maxiter = count("maxiter", maxiter, 1)
        self.maxfev = None if maxfev is None else count("maxfev", maxfev, self.core.sources)
        self.target = None if target is None else number("target", target)
        if self.target is not None and not np.isfinite(self.target):
            raise ArgumentError("target", self.target, "must be finite")
        self.callback = None if callback is None else _adapted(callback)
        self.result_type = optional("scipy.optimize", "optimize").OptimizeResult

    def __call__(self) -> OptimizeResult:
        try:
            status = self._run()
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except BaseException as error:
            with contextlib.suppress(AttributeError):
                error.intermediate_result = self.result(Status.RAISED)  # type: ignore[attr-defined]
            raise
        return self.result(status)

    def _run(self) -> Status:
        if isinstance(self.fun, _core.Objective):
            return self._native(self.fun)
        return self._python(self.fun)

    def _stops(self, maxiter: int) -> tuple[int, int, float]:
        evaluations = _UNLIMITED if self.maxfev is None else self.maxfev
        return maxiter, evaluations, np.nan if self.target is None else self.target

    def _native(self, fun: _core.Objective) -> Status:
        # It takes whole rounds and has threads of its own: `vectorized` and `workers` do not matter.
        def advance() -> None:
            maxiter = self.maxiter if self.callback is None else min(self.core.nit + 1, self.maxiter)
            self.core.run(fun, *self._stops(maxiter))

        return self._until_ended(advance)

    def _python(self, fun: Objective) -> Status:
        core, stops, none = self.core, self._stops(self.maxiter), _core.ColonyEnding.none
        with rounds(fun, self.vectorized, self.workers) as evaluate:

            def advance() -> None:
                cycle = core.nit
                while core.nit == cycle and core.ending(*stops) == none:
                    core.tell(evaluate(core.ask()))

            return self._until_ended(advance)

    def _until_ended(self, advance: Callable[[], None]) -> Status:
        """`advance` takes the colony to the end of its cycle, or to that of the run."""
        stops = self._stops(self.maxiter)
        while (ending := self.core.ending(*stops)) == _core.ColonyEnding.none:
            cycle = self.core.nit
            advance()
            if self.callback and self.core.nit > cycle and self._stopped_by_callback():
                return Status.CALLBACK
        return _OF_CORE[ending]

    def _stopped_by_callback(self) -> bool:
        assert self.callback is not None
        try:
            return bool(self.callback(self.result(Status.RUNNING)))
        except StopIteration:
            return True

    def result(self, status: Status) -> OptimizeResult:
        """The colony as scipy's optimisers report."""
        found = self.core.fun < np.inf
        complete = status == Status.TARGET or (status == Status.CYCLES and self.target is None)
        message = self._message(status)
        return self.result_type(
            x=self.core.x,
            fun=self.core.fun,
            nit=self.core.nit,
            nfev=self.core.nfev,
            success=bool(found and complete),
            status=int(status),
            message=message if found else f"{message}; no finite value of the objective was found",
            population=self.core.population,
            population_energies=self.core.population_energies,
            state=self.core.state(),
        )

    def _message(self, status: Status) -> str:
        missed = "" if self.target is None else f", target = {self.target:g} was not reached"
        return {
            Status.CYCLES: f"all {self.maxiter} cycles are done{missed}",
            Status.TARGET: "the target was reached",
            Status.EVALUATIONS: f"no further round fits into maxfev = {self.maxfev}{missed}",
            Status.CALLBACK: "the callback stopped the run",
            Status.INTERRUPTED: "the run was interrupted",
            Status.RAISED: "the objective or the callback raised an exception",
            Status.RUNNING: "in progress",
        }[status]


def _adapted(callback: Callback) -> Callable[[OptimizeResult], object]:
    """As scipy does: a callback whose only parameter is `intermediate_result` gets that, any other gets x."""
    try:
        parameters = set(inspect.signature(callback).parameters)
    except (TypeError, ValueError):  # a builtin
        parameters = set()
    if parameters == {"intermediate_result"}:
        return lambda result: callback(intermediate_result=result)
    return lambda result: callback(result.x)
