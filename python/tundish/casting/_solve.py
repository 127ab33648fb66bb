"""The direct problem: one strand, or a batch of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from tundish import _core
from tundish._common.arguments import Floats, choice, floats, integer, names_of, number, vector
from tundish._common.progress import progress_callback
from tundish.casting._grid import Grid
from tundish.casting._solution import FIELDS, GRADIENT_FIELDS, BatchSolution, Solution
from tundish.casting._strand import Strand

Progress = bool | Callable[[int, int], object]
_S = TypeVar("_S", bound=Solution)


def solve(
    strand: Strand,
    grid: Grid | None = None,
    *,
    method: str = "adi",
    phase_change: str = "enthalpy",
    probes: ArrayLike | Sequence[tuple[float, float]] = (),
    sections: ArrayLike = (),
    gradient: Iterable[str] = (),
    outputs: Iterable[str] | None = None,
    relaxation: float = 1.4,
    tolerance: float | None = None,
    max_sweeps: int = 10_000,
    ordering: str = "lexicographic",
    dtype: str = "float64",
    threads: int | None = None,
    backend: str = "cpu",
) -> Solution:
    """The temperatures of a strand, from the meniscus to its end.

    Solves `w rho(T) C(T) dT/dz = d/dx(k dT/dx) + d/dy(k dT/dy)` on a quarter of the section (Energies 2020,
    13, 2429, Eq. (2)), marching in z with casting speed w.

    **Main arguments:**

    - `strand`: a :class:`Strand`.
    - `grid`: a :class:`Grid`; the default is chosen for accuracy per second.
    - `method`: "adi", alternating directions, second order in space and z, without iterations; or "sor", the
      published implicit scheme (first order in z, coefficients lagged), solved by successive
      over-relaxation.
    - `phase_change`: "enthalpy" marches the enthalpy and conserves heat to rounding; "correction" marches
      the temperature and moves nodes that cross solidus or liquidus by the published Eqs. (18), (19), which
      loses some of the heat (`energy_imbalance` says how much).
    - `probes`: (n, 2) places (x, y) in m anywhere in the quarter section, read by cubics in Kirchhoff's
      potential.
    - `sections`: z in m of sections to be kept whole.
    - `gradient`: names of parameters; exact derivatives of the probe readings and of the metallurgical length
      (NaN where that is infinite) by each of them come with the solution. With phase_change="enthalpy" and
      method="adi" the answer is a continuous function of all parameters, with kinks; the derivative is that
      of the piece. With "sor" or "correction" lagged coefficients make small jumps where a node freezes one
      step earlier; the derivative is again that of the piece.

    **Other arguments:**

    - `outputs`: names of the fields wanted; None is all of them.
    - `relaxation`, `tolerance`, `max_sweeps`, `ordering`: of method="sor"; sweeps end when no temperature
      moves by more than `tolerance` K. None is 1e-7, and in float32 the least that its rounding allows, 8e-4
      with the default relaxation. The published sweep counts are those of the "lexicographic" ordering;
      "red-black" converges to the same answer. On the published strand (fewest, mean, most) the former takes
      24, 45.6 and 84 sweeps a step, the latter 19, 35 and 73.
    - `dtype`: "float64" or "float32" (about 1e-3 K off, not conservative to rounding).
    - `threads`: for the blocks of a long gradient; None is all processors.
    - `backend`: "cpu".

    **Returns:** a :class:`Solution`. A march that did not converge or diverged says so in `status`, `message`
    and a RuntimeWarning.

    **Raises:** ValueError, TypeError or KeyError naming the argument, before any work.
    """
    solver = Solver(strand, grid, method, phase_change, probes, sections, gradient, outputs, relaxation,
                     tolerance, max_sweeps, ordering, dtype, threads, backend)  # fmt: skip
    arrays = solver.run([], np.empty((1, 0)), None)
    status, step, damping = (arrays.pop(name)[0] for name in ("status", "status_step", "damping"))
    fields = {name: values[0] for name, values in arrays.items()}
    return _warned(Solution(*solver.description(), status, step, damping, fields))


def solve_batch(
    strand: Strand,
    parameters: Mapping[str, ArrayLike],
    grid: Grid | None = None,
    *,
    method: str = "adi",
    phase_change: str = "enthalpy",
    probes: ArrayLike | Sequence[tuple[float, float]] = (),
    sections: ArrayLike = (),
    gradient: Iterable[str] = (),
    outputs: Iterable[str] | None = None,
    relaxation: float = 1.4,
    tolerance: float | None = None,
    max_sweeps: int = 10_000,
    ordering: str = "lexicographic",
    dtype: str = "float64",
    threads: int | None = None,
    backend: str = "cpu",
    progress: Progress = False,
) -> BatchSolution:
    """Many variants of a strand: candidates fill the lanes of SIMD registers and the threads.

    **Main arguments:**

    - `strand`, and all that :func:`solve` takes.
    - `parameters`: for each name of `strand.parameters()` that differs, its values, (n_candidates,) each.

    **Other arguments:**

    - `outputs`: names of the fields wanted; None is all of them. Memory is what they need and less than
      64 MB a thread.
    - `threads`: None is `TUNDISH_THREADS`, or all processors this process may use. The result is bit-equal
      for any number, and to :func:`solve` of each candidate alone.
    - `progress`: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a :class:`BatchSolution`.

    **Raises:** as :func:`solve`; every candidate is checked before any is solved.
    """
    solver = Solver(strand, grid, method, phase_change, probes, sections, gradient, outputs, relaxation,
                     tolerance, max_sweeps, ordering, dtype, threads, backend)  # fmt: skip
    if not isinstance(parameters, Mapping):
        raise TypeError("parameters: must be a mapping of names to values")
    names = names_of("parameters", parameters, strand.parameters())
    if not names:
        raise ValueError("parameters: must name at least one parameter")
    columns = {name: vector(name, parameters[name]) for name in names}
    sizes = {name: values.size for name, values in columns.items()}
    if len(set(sizes.values())) != 1 or 0 in sizes.values():
        raise ValueError(f"parameters: must all have the same length, at least 1; they have {sizes}")
    values = np.ascontiguousarray(np.stack([columns[name] for name in names], axis=1))
    with progress_callback(progress, "candidates") as callback:
        arrays = solver.run(names, values, callback)
    status, step, damping = (arrays.pop(name) for name in ("status", "status_step", "damping"))
    return _warned(BatchSolution(*solver.description(), status, step, damping, arrays, columns))


class Solver:
    """Checked arguments, and the plan made of them."""

    def __init__(
        self, strand: Strand, grid: Grid | None, method: str, phase_change: str, probes: Any, sections: Any,
        gradient: Iterable[str], outputs: Iterable[str] | None, relaxation: float, tolerance: float | None,
        max_sweeps: int, ordering: str, dtype: str, threads: int | None, backend: str,
    ) -> None:  # fmt: skip
        if not isinstance(strand, Strand):
            raise TypeError(f"strand = {strand!r}: must be a Strand")
        if grid is not None and not isinstance(grid, Grid):
            raise TypeError(f"grid = {grid!r}: must be a Grid")
        choice("backend", backend, ["cpu"])
        self.dtype = choice("dtype", dtype, ["float64", "float32"])
        self.strand = strand
        self.probes = places("probes", probes)
        self.sections = vector("sections", sections)
        self.gradient = names_of("gradient", gradient, strand.parameters())
        self.outputs = self._chosen(outputs)
        self.threads = 0 if threads is None else integer("threads", threads)
        if threads is not None and self.threads < 1:
            raise ValueError(f"threads = {threads}: must be at least 1")
        self.options = _core.Options(
            choice("method", method, ["adi", "sor"]),
            choice("phase_change", phase_change, ["enthalpy", "correction"]),
            number("relaxation", relaxation),
            None if tolerance is None else number("tolerance", tolerance),
            integer("max_sweeps", max_sweeps),
            choice("ordering", ordering, ["lexicographic", "red-black"]),
            [(x, y) for x, y in self.probes],
            list(self.sections),
        )
        self.grid = (Grid() if grid is None else grid).resolve(strand)
        plan = _core.Plan64 if dtype == "float64" else _core.Plan32
        self.plan = plan(strand._core, self.grid._core_of(strand), self.options)

    def _chosen(self, outputs: Iterable[str] | None) -> list[str]:
        allowed = [name for name in FIELDS if self.gradient or name not in GRADIENT_FIELDS]
        return allowed if outputs is None else names_of("outputs", outputs, allowed)

    def run(
        self, names: list[str], values: Floats, progress: Callable[[int, int], object] | None
    ) -> dict[str, Any]:
        slots = {name: n for n, name in enumerate(self.strand._core.slot_names)}
        varied, gradient = [slots[n] for n in names], [slots[n] for n in self.gradient]
        return self.plan.run(varied, values, gradient, self.outputs, self.threads, progress)

    def description(self) -> tuple[Strand, Grid, Floats, Floats, Floats, Floats, Floats, tuple[str, ...]]:
        plan = self.plan
        return (
            self.strand,
            self.grid,
            plan.x,
            plan.y,
            plan.z,
            self.probes,
            self.sections,
            tuple(self.gradient),
        )


def places(name: str, value: Any) -> Floats:
    """(n, 2) places in a section."""
    array = floats(name, value)
    if array.size == 0:
        return np.empty((0, 2))
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name}: has shape {array.shape}; places (x, y), an array (n, 2), are needed")
    return array


def _warned(solution: _S) -> _S:
    if not np.all(solution.success):
        warnings.warn(solution.message, RuntimeWarning, stacklevel=3)
    return solution
