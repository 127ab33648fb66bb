"""The direct problem: one strand, or a batch of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from numpy.typing import ArrayLike

from tundish.casting._grid import Grid
from tundish.casting._options import Options
from tundish.casting._plan import Plan, ProgressOption, warned
from tundish.casting._solution import BatchSolution, Solution
from tundish.casting._strand import Strand


def solve(
    strand: Strand,
    grid: Grid | None = None,
    *,
    method: str = Options.method,
    phase_change: str = Options.phase_change,
    probes: ArrayLike | Sequence[tuple[float, float]] = (),
    sections: ArrayLike = (),
    gradient: Iterable[str] = (),
    outputs: Iterable[str] | None = None,
    relaxation: float = Options.relaxation,
    tolerance: float | None = Options.tolerance,
    max_sweeps: int = Options.max_sweeps,
    ordering: str = Options.ordering,
    dtype: str = Options.dtype,
    threads: int | None = Options.threads,
    backend: str = Options.backend,
) -> Solution:
    """The temperatures of a strand, from the meniscus to its end.

    Solves `w rho(T) C(T) dT/dz = d/dx(k dT/dx) + d/dy(k dT/dy)` on a quarter of the section (Energies 2020,
    13, 2429, Eq. (2)), marching in z with casting speed w.

    **Main arguments:**

    - `strand`: a :class:`Strand`.
    - `grid`: a :class:`Grid`; the default is `Grid(accuracy=0.5)`.
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
      method="adi" the answer is a continuous function of all parameters, with kinks, on one plan or one grid
      of nodes and steps; the derivative is that of the piece. An accuracy chooses nodes and steps for each
      strand, and the answer jumps within its error estimate where their number changes. With "sor" or
      "correction" lagged coefficients make small jumps where a node freezes one step earlier; the derivative
      is again that of the piece.

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
    plan = Plan(strand, grid, probes=probes, sections=sections, outputs=outputs, gradient=gradient,
                method=method, phase_change=phase_change, relaxation=relaxation, tolerance=tolerance,
                max_sweeps=max_sweeps, ordering=ordering, dtype=dtype, threads=threads,
                backend=backend)  # fmt: skip
    return warned(plan._one())


def solve_batch(
    strand: Strand,
    parameters: Mapping[str, ArrayLike],
    grid: Grid | None = None,
    *,
    method: str = Options.method,
    phase_change: str = Options.phase_change,
    probes: ArrayLike | Sequence[tuple[float, float]] = (),
    sections: ArrayLike = (),
    gradient: Iterable[str] = (),
    outputs: Iterable[str] | None = None,
    relaxation: float = Options.relaxation,
    tolerance: float | None = Options.tolerance,
    max_sweeps: int = Options.max_sweeps,
    ordering: str = Options.ordering,
    dtype: str = Options.dtype,
    threads: int | None = Options.threads,
    backend: str = Options.backend,
    progress: ProgressOption = False,
) -> BatchSolution:
    """Many variants of a strand: candidates fill the lanes of SIMD registers and the threads.

    **Main arguments:**

    - `strand`, and all that :func:`solve` takes.
    - `parameters`: for each name of `strand.parameters()` that differs, its values, (n_candidates,) each.

    **Other arguments:**

    - `outputs`: names of the fields wanted; None is all of them. Memory is what they need, and for each
      thread the fields and outputs of one register of candidates.
    - `threads`: None is `TUNDISH_THREADS`, or all processors this process may use. The result is bit-equal
      for any number of them, and of candidates.
    - `progress`: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a :class:`BatchSolution`.

    All candidates are marched on the mesh and the steps of `strand`: each is bit-equal to a
    :meth:`Plan.run` of it alone, and to :func:`solve` of the candidate's own strand on a grid with nodes and
    steps (`nx` and no accuracy). On others :func:`solve` chooses mesh and steps for the candidate's own
    strand, and agrees within the error estimates.

    **Raises:** as :func:`solve`; every candidate is checked before any is solved.
    """
    plan = Plan(strand, grid, probes=probes, sections=sections, outputs=outputs, gradient=gradient,
                method=method, phase_change=phase_change, relaxation=relaxation, tolerance=tolerance,
                max_sweeps=max_sweeps, ordering=ordering, dtype=dtype, threads=threads,
                backend=backend)  # fmt: skip
    return warned(plan._many(parameters, progress))
