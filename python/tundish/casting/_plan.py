"""A strand on a grid, ready to be solved: the only place that makes the plans of the C++ library."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish import _core
from tundish._common.arguments import Floats, floats, names_of, vector
from tundish._common.progress import progress_callback
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish.casting._grid import Grid
from tundish.casting._options import Options
from tundish.casting._solution import FIELDS, GRADIENT_FIELDS, BatchSolution, Solution, errors
from tundish.casting._strand import Strand

# What a run gives beside the fields that were asked for.
_OF_THE_MARCH = ("status", "status_step", "damping", "error_estimate")

ProgressOption = bool | Callable[[int, int], object]
S = TypeVar("S", bound=Solution)


class Plan:
    """A strand on a grid, ready to be solved any number of times with other parameters.

    Everything but the parameters is fixed here, and checked: making a plan refuses whatever solving it would
    refuse. :func:`solve` and :func:`solve_batch` make a plan for a single run. A copy, and what a pickle
    holds, is made anew of the same arguments, and gives the same bits.

    **Arguments:** those of :func:`solve`.

    **Attributes:**

    - `strand`; `grid`: the :class:`Grid` with everything left out filled in, of two meshes the finer one;
      `options`: :class:`Options`.
    - `x`: (nx,), `y`: (ny,), `z`: (nz+1,) m, the places of the nodes.
    - `probes`: (n_probes, 2) m. `sections`: (n_sections,) m. `gradient`, `outputs`: tuples of names.

    **Raises:** ValueError, TypeError or KeyError naming the argument.
    """

    def __init__(
        self,
        strand: Strand,
        grid: Grid | None = None,
        *,
        probes: ArrayLike | Sequence[tuple[float, float]] = (),
        sections: ArrayLike = (),
        outputs: Iterable[str] | None = None,
        gradient: Iterable[str] = (),
        method: str = Options.method,
        phase_change: str = Options.phase_change,
        relaxation: float = Options.relaxation,
        tolerance: float | None = Options.tolerance,
        max_sweeps: int = Options.max_sweeps,
        ordering: str = Options.ordering,
        dtype: str = Options.dtype,
        threads: int | None = Options.threads,
        backend: str = Options.backend,
    ) -> None:
        check_strand(strand, grid)
        self.strand = strand
        self.options = Options(
            method, phase_change, relaxation, tolerance, max_sweeps, ordering, dtype, threads, backend
        )
        self.probes = places("probes", probes)
        self.sections = vector("sections", sections)
        self.gradient = tuple(names_of("gradient", gradient, strand.parameters()))
        self.outputs = _chosen(outputs, self.gradient)
        asked = Grid() if grid is None else grid
        if asked.accuracy is not None and not self.options.extrapolates:
            asked = asked._one_mesh(strand)
        core_grid = asked._core_of(strand)
        self.grid = asked._named(core_grid)
        make = _core.Plan64 if self.options.dtype == "float64" else _core.Plan32
        self._core = make(strand._core, core_grid, _core_options(self.options, self.probes, self.sections))
        self.x, self.y, self.z = self._core.x, self._core.y, self._core.z

    @overload
    def run(self, parameters: None = None, *, progress: ProgressOption = False) -> Solution: ...

    @overload
    def run(
        self, parameters: Mapping[str, ArrayLike], *, progress: ProgressOption = False
    ) -> BatchSolution: ...

    def run(
        self, parameters: Mapping[str, ArrayLike] | None = None, *, progress: ProgressOption = False
    ) -> Solution | BatchSolution:
        """Solves for the strand as it is, or for many candidates.

        - `parameters`: for each name of `strand.parameters()` that differs, its values, (n_candidates,) each;
          None is the strand alone.
        - `progress`: True shows a bar (needs rich), or call me with (done, all).

        **Returns:** a :class:`Solution`, or a :class:`BatchSolution` of the parameters' candidates. A march
        that did not converge has a `status` and `message` of its own, and warns (RuntimeWarning).

        **Raises:** ValueError, TypeError or KeyError naming the argument; every candidate is checked before
        any is solved.
        """
        if parameters is None:
            return warned(self._one(progress))
        return warned(self._many(parameters, progress))

    def _one(self, progress: ProgressOption = False) -> Solution:
        """The strand's solution, without a warning."""
        fields = self._fields({}, np.empty((1, 0)), progress)
        one = {name: rows[0] for name, rows in fields.items()}
        status, step, damping, error = (one.pop(name, None) for name in _OF_THE_MARCH)
        return Solution(
            *self._description(), status, step, damping, one, options=self.options,
            error_estimate=errors(error, one),
        )  # fmt: skip

    def _many(self, parameters: Mapping[str, ArrayLike], progress: ProgressOption = False) -> BatchSolution:
        """The candidates' solutions, without a warning."""
        columns = _columns(parameters, self.strand)
        values = np.ascontiguousarray(np.stack(list(columns.values()), axis=1))
        fields = self._fields(columns, values, progress)
        status, step, damping, error = (fields.pop(name, None) for name in _OF_THE_MARCH)
        return BatchSolution(
            *self._description(), status, step, damping, fields, columns, options=self.options,
            error_estimate=errors(error, fields),
        )  # fmt: skip

    def _fields(self, names: Iterable[str], values: Floats, progress: ProgressOption) -> dict[str, Any]:
        """Fields by name, each with a leading candidate axis, of candidates (n_candidates, n_names)."""
        with progress_callback(progress, "candidates") as callback:
            return self._core.run(
                self._slots(names),
                values,
                self._slots(self.gradient),
                [*self.outputs, "error_estimate"] if self._core.extrapolates else list(self.outputs),
                self.options.threads or 0,
                callback,
            )

    def _slots(self, names: Iterable[str]) -> list[int]:
        """Numbers of parameters, as the C++ library counts them."""
        if not (asked := list(names)):
            return []
        numbers = {name: n for n, name in enumerate(self.strand._core.slot_names)}
        return [numbers[name] for name in asked]

    def _description(self) -> tuple[Strand, Grid, Floats, Floats, Floats, Floats, Floats, tuple[str, ...]]:
        """The first fields of every solution: what was solved."""
        return (self.strand, self.grid, self.x, self.y, self.z, self.probes, self.sections, self.gradient)

    def __reduce__(self) -> tuple[Any, ...]:
        keywords = {name: getattr(self, name) for name in ("probes", "sections", "outputs", "gradient")}
        return _made_again, (self.strand, self.grid, keywords | self.options.changes())

    def __repr__(self) -> str:
        nodes = f"{self.x.size} x {self.y.size} nodes, {self.z.size - 1} steps"
        return f"<{type(self).__name__}: {nodes}, {self.options.method}, {self.options.phase_change}>"


def _made_again(strand: Strand, grid: Grid, keywords: Mapping[str, Any]) -> Plan:
    """A plan out of a copy or a pickle."""
    return Plan(strand, grid, **keywords)


def warned(solution: S) -> S:
    """The solution, with a warning at the caller's caller where it is none."""
    if not np.all(solution.success):
        warnings.warn(solution.message, RuntimeWarning, stacklevel=3)
    return solution


def check_strand(strand: Any, grid: Any = None) -> None:
    """Refuses what is no strand, or no grid and not None."""
    if not isinstance(strand, Strand):
        raise ArgumentTypeError("strand", strand, "must be a Strand")
    if grid is not None and not isinstance(grid, Grid):
        raise ArgumentTypeError("grid", grid, "must be a Grid")


def stepper_core(strand: Strand, grid: Grid | None, options: Options) -> tuple[_core.Stepper, float | None]:
    """The march of a strand, step by step, with the only plan that it needs, and the accuracy asked for."""
    check_strand(strand, grid)
    asked = Grid() if grid is None else grid
    if asked.accuracy is not None and not options.extrapolates:
        asked = asked._one_mesh(strand)
    core = _core.Stepper(strand._core, asked._core_of(strand), _core_options(options, (), ()))
    return core, asked.accuracy


class Readings:
    """Readings of a plan's probes: the plan's temperatures there, the residuals, and the derivatives."""

    def __init__(self, plan: Plan, probe: NDArray[np.int32], z: Floats, temperature: Floats) -> None:
        self._plan = plan
        self._core = (
            _core.Readings64(plan._core, probe, z, temperature)
            if isinstance(plan._core, _core.Plan64)
            else _core.Readings32(plan._core, probe, z, temperature)
        )

    def run(self, values: Mapping[str, float], gradient: Sequence[str]) -> dict[str, Any]:
        """Of the strand with other `values` by name, for n readings and k names in `gradient`.

        "temperature" (n,) K, "residual" (n,) K, temperature - reading, "jacobian" (k, n), and "status" of
        the march. NaN where the march diverged.
        """
        plan = self._plan
        varied = np.array(list(values.values()), np.float64).reshape(1, len(values))
        found = self._core.run(plan._slots(values), varied, plan._slots(gradient), plan.options.threads or 0)
        return {name: array[0] for name, array in found.items()}


def misfit_core(
    plan: Plan, names: Iterable[str], probe: NDArray[np.int32], z: Floats, temperature: Floats, weight: Floats
) -> _core.Objective:
    """The weighted sum of squares of a plan's residuals at readings, by the parameters named."""
    varied, threads = plan._slots(names), plan.options.threads or 0
    if isinstance(plan._core, _core.Plan64):
        return _core.Misfit64(plan._core, varied, probe, z, temperature, weight, threads)
    return _core.Misfit32(plan._core, varied, probe, z, temperature, weight, threads)


def _core_options(options: Options, probes: Iterable[Any], sections: Iterable[float]) -> _core.Options:
    return _core.Options(
        options.method,
        options.phase_change,
        options.relaxation,
        options.tolerance,
        options.max_sweeps,
        options.ordering,
        [(x, y) for x, y in probes],
        list(sections),
    )


def _chosen(outputs: Iterable[str] | None, gradient: Sequence[str]) -> tuple[str, ...]:
    allowed = [name for name in FIELDS if gradient or name not in GRADIENT_FIELDS]
    return tuple(allowed if outputs is None else names_of("outputs", outputs, allowed))


def _columns(parameters: Any, strand: Strand) -> dict[str, Floats]:
    """The candidates' values by name, (n_candidates,) each."""
    if not isinstance(parameters, Mapping):
        raise ArgumentTypeError("parameters", MISSING, "must be a mapping of names to values")
    names = names_of("parameters", parameters, strand.parameters())
    if not names:
        raise ArgumentError("parameters", MISSING, "must name at least one parameter")
    columns = {name: vector(name, parameters[name]) for name in names}
    sizes = {name: values.size for name, values in columns.items()}
    if len(set(sizes.values())) != 1 or 0 in sizes.values():
        raise ArgumentError(
            "parameters", MISSING, f"must all have the same length, at least 1; they have {sizes}"
        )
    return columns


def places(name: str, value: Any) -> Floats:
    """(n, 2) places in a section."""
    array = floats(name, value)
    if array.size == 0:
        return np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] != 2:
        raise ArgumentError(name, Shape(array.shape), "places (x, y), an array (n, 2), are needed")
    return array
