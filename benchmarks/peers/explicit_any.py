"""The explicit enthalpy method for any steel and caster: the independent check of the references.

``w dH/dz = laplacian(Phi(H))`` on uniform nodes, vertex-centred, with half control volumes at the sides; Phi
and T are straight between the rows of a fine table in H. Nothing of tundish marches here; the steel comes as
numbers. One thread, float64.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

CELLS = 20_000  # of the table in H


class Steel(NamedTuple):
    """Rising curves against the temperature, K: enthalpy, J/m3, and Kirchhoff's potential, W/m."""

    temperature: np.ndarray
    enthalpy: np.ndarray
    potential: np.ndarray


class Caster(NamedTuple):
    """Half sides, m; speed, m/s; K; and stretches (end in m, flux x, flux y in W/m2, coefficients x, y)."""

    sides: tuple[float, float]
    speed: float
    pouring: float
    ambient: float
    stretches: Sequence[tuple[float, float, float, float, float]]


class March(NamedTuple):
    """Temperatures, K, at z, m: corner, middle of face x and of face y, centre."""

    z: np.ndarray  # (n,)
    temperature: np.ndarray  # (n, 4)


@njit(fastmath=True)
def _look_up(u, curve, out):  # type: ignore[no-untyped-def]
    last = curve.shape[0] - 2
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            k = min(max(int(u[i, j]), 0), last)
            out[i, j] = curve[k] + (u[i, j] - k) * (curve[k + 1] - curve[k])


@njit(fastmath=True)
def _read(u, curve):  # type: ignore[no-untyped-def]
    k = min(max(int(u), 0), curve.shape[0] - 2)
    return curve[k] + (u - k) * (curve[k + 1] - curve[k])


@njit(fastmath=True)
def _steps(u, phi, potential, temperature, cooling, ambient, dx, dy, gain, count):  # type: ignore[no-untyped-def]
    """`count` steps; u[i, j] is the place in the table at x_i, y_j. `gain` is a step over a cell of it."""
    nx, ny = u.shape
    ax, ay = gain / dx**2, gain / dy**2
    for _ in range(count):
        _look_up(u, potential, phi)
        for i in range(nx):
            west, east = max(i - 1, 0), min(i + 1, nx - 1)
            fx = 2.0 if i == 0 or i == nx - 1 else 1.0
            for j in range(ny):
                south, north = max(j - 1, 0), min(j + 1, ny - 1)
                fy = 2.0 if j == 0 or j == ny - 1 else 1.0
                here = phi[i, j]
                change = ax * fx * (phi[west, j] + phi[east, j] - 2 * here)
                change += ay * fy * (phi[i, south] + phi[i, north] - 2 * here)
                if i == nx - 1:
                    excess = _read(u[i, j], temperature) - ambient
                    change -= 2 * gain / dx * (cooling[0] + cooling[2] * excess)
                if j == ny - 1:
                    excess = _read(u[i, j], temperature) - ambient
                    change -= 2 * gain / dy * (cooling[1] + cooling[3] * excess)
                u[i, j] += change


def solve(steel: Steel, caster: Caster, nx: int, ny: int, every: float = 0.02) -> March:
    """March on nx x ny nodes, read about `every` m. Coefficients above 1e4 make the steps very short."""
    low, high = float(steel.enthalpy[0]), float(steel.enthalpy[-1])
    grid = np.linspace(low, high, CELLS + 1)
    cell = grid[1] - grid[0]
    potential = np.interp(grid, steel.enthalpy, steel.potential)
    temperature = np.interp(grid, steel.enthalpy, steel.temperature)
    dx, dy = caster.sides[0] / (nx - 1), caster.sides[1] / (ny - 1)
    pouring = float(np.interp(caster.pouring, steel.temperature, steel.enthalpy))
    below = grid[1:] <= pouring * (1 + 1e-9) if pouring > 0 else grid[1:] < high
    diffusivity = float((np.diff(potential)[below] / cell).max())
    u = np.full((nx, ny), (pouring - low) / cell)
    phi = np.empty_like(u)
    z, rows, start = [0.0], [_corners(u, temperature)], 0.0
    for end, *cooling in caster.stretches:
        pieces = max(1, int(np.ceil((end - start) / every)))
        seconds = (end - start) / pieces / caster.speed
        sensible = cell / (temperature[1] - temperature[0])  # J/(m3 K) of the cold solid
        robin = 2 * (cooling[2] / dx + cooling[3] / dy) / sensible
        stable = 0.9 / (2 * diffusivity * (1 / dx**2 + 1 / dy**2) + robin)
        count = int(np.ceil(seconds / stable))
        for piece in range(pieces):
            arguments = (np.array(cooling), caster.ambient, dx, dy, seconds / count / cell, count)
            _steps(u, phi, potential, temperature, *arguments)
            z.append(start + (piece + 1) * (end - start) / pieces)
            rows.append(_corners(u, temperature))
        start = end
    return March(np.array(z), np.array(rows))


def _corners(u: np.ndarray, temperature: np.ndarray) -> list[float]:
    return [float(_read(place, temperature)) for place in (u[-1, -1], u[-1, 0], u[0, -1], u[0, 0])]
