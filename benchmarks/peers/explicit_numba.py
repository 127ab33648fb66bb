"""Explicit enthalpy method in numba: the strong loop that a careful user would write.

``w dH/dz = laplacian(Phi(H))`` on n x n uniform nodes, vertex-centred, with half control volumes at
the sides; Phi is the Kirchhoff potential, read from a uniform linear table in H. One thread,
float64. Every stretch is divided into the fewest equal steps that are stable. Once the last liquid
has gone the stable step is 2.7 times longer, and the rest of the strand uses it.

What made it fast, on x86-64: H is kept in units of table cells; the two passes are functions of
their own; the table pass stays scalar (gather instructions are slow on many processors) while the
Laplacian is vectorised by the compiler.
"""

import time

import numpy as np
from numba import njit

from . import case, steel
from .table import Table, make_table

Array, Pair = np.ndarray, tuple[float, float]


@njit(fastmath=True)
def _look_up(u: Array, phi: Array, start: Array, rise: Array) -> None:
    """Pass 1: the potential of every node; `phi` has a rim of ghost nodes."""
    n = u.shape[0]
    for i in range(n):
        for j in range(n):
            k = np.uint64(np.int64(u[i, j]))
            phi[i + 1, j + 1] = start[k] + u[i, j] * rise[k]


@njit(fastmath=True)
def _set_ghosts(
    u: Array, phi: Array, start: Array, rise: Array, flux: Pair, htc: Pair, spacing: float
) -> None:
    """Mirror at the centre planes; at the faces what makes half a control volume lose its heat."""
    n = u.shape[0]
    for i in range(n):
        surface_x, surface_y = u[n - 1, i], u[i, n - 1]
        k, m = np.uint64(np.int64(surface_x)), np.uint64(np.int64(surface_y))
        excess_x = start[k] + surface_x * rise[k] - case.AMBIENT
        excess_y = start[m] + surface_y * rise[m] - case.AMBIENT
        phi[0, i + 1] = phi[2, i + 1]
        phi[i + 1, 0] = phi[i + 1, 2]
        phi[n + 1, i + 1] = phi[n - 1, i + 1] - 2.0 * spacing * (flux[0] + htc[0] * excess_x)
        phi[i + 1, n + 1] = phi[i + 1, n - 1] - 2.0 * spacing * (flux[1] + htc[1] * excess_y)


@njit(fastmath=True)
def _diffuse(u: Array, phi: Array, gain: float) -> None:
    """Pass 2: add `gain` times the five-point sum."""
    n = u.shape[0]
    for i in range(n):
        for j in range(n):
            around = phi[i, j + 1] + phi[i + 2, j + 1] + phi[i + 1, j] + phi[i + 1, j + 2]
            u[i, j] += gain * (around - 4.0 * phi[i + 1, j + 1])


@njit(fastmath=True)
def _march(
    u: Array,
    phi: Array,
    table: Table,
    flux: Pair,
    htc: Pair,
    spacing: float,
    gain: float,
    until: float,
    indices: Array,
    weights: Array,
    record: Array,
) -> int:
    """Make at most ``len(record)`` steps, while the centre's place is above `until`.

    `record` takes the potential at the points before each step. Returns the steps made.
    """
    flat = phi.ravel()
    for step in range(len(record)):
        if u[0, 0] <= until:
            return step
        _look_up(u, phi, table.potential_start, table.potential_rise)
        for p in range(len(indices)):
            total = 0.0
            for m in range(indices.shape[1]):
                total += weights[p, m] * flat[indices[p, m]]
            record[step, p] = total
        _set_ghosts(u, phi, table.temperature_start, table.temperature_rise, flux, htc, spacing)
        _diffuse(u, phi, gain)
    return len(record)


def solve(n: int = 100) -> case.Result:
    """Solve the published strand on n x n nodes.

    Raises ValueError for n < 5, where the cubic readings do not fit.
    """
    if n < 5:
        raise ValueError(f"n must be at least 5, got {n}")
    table, spacing = make_table(), case.SIDE / (n - 1)
    indices, weights = case.stencil(np.linspace(0.0, case.SIDE, n))
    indices = (indices // n + 1) * (n + 2) + indices % n + 1  # of phi, which has a rim
    u, phi = np.full((n, n), table.pouring), np.zeros((n + 2, n + 2))

    def march(region: case.Region, step: float, until: float, count: int) -> np.ndarray:
        gain = step / (case.SPEED * spacing**2 * table.cell)
        record = np.empty((count, len(indices)))
        arguments = (region.flux, region.htc, spacing, gain, until, indices, weights, record)
        return record[: _march(u, phi, table, *arguments)]

    march(case.REGIONS[0], 0.0, 0.0, 0)  # compiles
    clock = time.perf_counter()
    z, records, steps = [], [], 0
    for region in case.REGIONS:
        place = region.start
        for liquid in (True, False):
            rest = region._replace(start=place)
            count = case.steps(rest, table.stable_step(spacing, liquid))
            step = (region.end - place) / max(count, 1)
            record = march(region, step, table.liquidus if liquid else 0.0, count)
            z.append(place + step * np.arange(len(record)))
            records.append(record)
            place += step * len(record)
            steps += len(record)
    seconds = time.perf_counter() - clock
    _look_up(u, phi, table.potential_start, table.potential_rise)
    records.append((weights * phi.ravel()[indices]).sum(1)[None, :])
    z.append(np.array([case.LENGTH]))
    temperature = steel.temperature_from_kirchhoff(np.concatenate(records))
    heat = case.SPEED * table.cell * float((case.areas(n) * (table.pouring - u)).sum())
    return case.result(np.concatenate(z), temperature, heat, seconds, steps * n * n)


def main() -> None:
    """Print accuracy and time on three grids."""
    for n in (41, 100, 101):
        case.report(f"explicit enthalpy, numba, {n} x {n}", solve(n))


if __name__ == "__main__":
    main()
