"""Explicit enthalpy method in numba without a table: the strongest loop that we can write.

The same equations as explicit_numba.py, but the Kirchhoff potential is a closed form of the enthalpy (a cubic
in the solid, which is exact; a polynomial of degree 9 in the freezing range; a straight line in the liquid),
so that the compiler fills its registers with neighbouring nodes in both passes. One thread; float64 or
float32.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.polynomial import polynomial

from . import case, steel

_MUSH_DEGREE, _TEMPERATURE_DEGREE = 9, 7
_READING = slice(1, None)  # coefficients of the solid's cubic, whose constant is 0


class Curves(NamedTuple):
    """Polynomials of x = H / H(liquidus): the potential of solid, mush and liquid, and the temperature."""

    liquidus: float  # J/m3
    solid: np.ndarray
    mush: np.ndarray
    liquid: tuple[float, float]  # at the liquidus, and its slope
    solid_temperature: tuple[float, float]
    mush_temperature: np.ndarray
    liquid_temperature: tuple[float, float]


def curves() -> Curves:
    """Fit the published steel. The potential is off by what 0.002 K makes, in the freezing range alone."""
    latent = float(steel.enthalpy(steel.LIQUIDUS))
    solid = np.linspace(400, steel.SOLIDUS, 200)
    cubic = polynomial.polyfit(steel.enthalpy(solid) / latent, steel.kirchhoff(solid), 3)
    middle, half = (steel.LIQUIDUS + steel.SOLIDUS) / 2, (steel.LIQUIDUS - steel.SOLIDUS) / 2
    mush = np.clip(middle + half * np.cos(np.linspace(0, np.pi, 4001)), steel.SOLIDUS + 1e-9, steel.LIQUIDUS)
    x = steel.enthalpy(mush) / latent
    start = float(steel.kirchhoff(steel.LIQUIDUS))
    conductivity = float(steel.conductivity(steel.LIQUIDUS + 100.0))
    slope = latent / (steel.DENSITY[1] * steel.SPECIFIC_HEAT[1])  # K, by x in the liquid
    return Curves(
        latent,
        cubic,
        polynomial.polyfit(x, steel.kirchhoff(mush), _MUSH_DEGREE),
        (start, conductivity * slope),
        (steel.SOLIDUS, latent / (steel.DENSITY[0] * steel.SPECIFIC_HEAT[0])),
        polynomial.polyfit(x, mush, _TEMPERATURE_DEGREE),
        (steel.LIQUIDUS, slope),
    )


def _look_up(real: Any, c: Curves) -> Callable[..., Any]:
    """Pass 1, compiled for a number format: the potential of every node; `phi` has a rim of ghosts."""
    zero, one = real(0), real(1)
    s1, s2, s3 = (real(v) for v in c.solid[_READING])
    m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 = (real(v) for v in c.mush)
    l0, l1 = (real(v) for v in c.liquid)

    @njit(fastmath=True)
    def look_up(u, phi):  # type: ignore[no-untyped-def]
        n = u.shape[0]
        for i in range(n):
            for j in range(n):
                x = u[i, j]
                s = x * (s1 + x * (s2 + x * s3))
                m = x * (m4 + x * (m5 + x * (m6 + x * (m7 + x * (m8 + x * m9)))))
                m = m0 + x * (m1 + x * (m2 + x * (m3 + m)))
                phi[i + 1, j + 1] = s if x <= zero else (m if x < one else l0 + l1 * (x - one))

    return look_up


def _temperature(real: Any, c: Curves) -> Callable[..., Any]:
    """The temperature of a face's node."""
    zero, one = real(0), real(1)
    s0, s1 = (real(v) for v in c.solid_temperature)
    l0, l1 = (real(v) for v in c.liquid_temperature)
    a0, a1, a2, a3, a4, a5, a6, a7 = (real(v) for v in c.mush_temperature)

    @njit(fastmath=True, inline="always")
    def temperature(x):  # type: ignore[no-untyped-def]
        if x <= zero:
            return s0 + s1 * x
        if x >= one:
            return l0 + l1 * (x - one)
        return a0 + x * (a1 + x * (a2 + x * (a3 + x * (a4 + x * (a5 + x * (a6 + x * a7))))))

    return temperature


@njit(fastmath=True)
def _diffuse(u, phi, gain):  # type: ignore[no-untyped-def]
    """Pass 2: add `gain` times the five-point sum."""
    n, four = u.shape[0], u.dtype.type(4)
    for i in range(n):
        for j in range(n):
            around = phi[i, j + 1] + phi[i + 2, j + 1] + phi[i + 1, j] + phi[i + 1, j + 2]
            u[i, j] += gain * (around - four * phi[i + 1, j + 1])


@cache
def _march(real: Any) -> Callable[..., Any]:
    """The whole march, compiled for a number format."""
    c = curves()
    look_up, temperature = _look_up(real, c), _temperature(real, c)
    two, ambient = real(2), real(case.AMBIENT)

    @njit(fastmath=True)
    def set_ghosts(u, phi, cooling, spacing):  # type: ignore[no-untyped-def]
        n = u.shape[0]
        for i in range(n):
            phi[0, i + 1] = phi[2, i + 1]
            phi[i + 1, 0] = phi[i + 1, 2]
            x = cooling[0] + cooling[2] * (temperature(u[n - 1, i]) - ambient)
            y = cooling[1] + cooling[3] * (temperature(u[i, n - 1]) - ambient)
            phi[n + 1, i + 1] = phi[n - 1, i + 1] - two * spacing * x
            phi[i + 1, n + 1] = phi[i + 1, n - 1] - two * spacing * y

    @njit(fastmath=True)
    def march(u, phi, cooling, spacing, gains, counts, indices, weights, record):  # type: ignore[no-untyped-def]
        flat, row = phi.ravel(), 0
        for region in range(counts.shape[0]):
            for _ in range(counts[region]):
                look_up(u, phi)
                for p in range(indices.shape[0]):
                    total = u.dtype.type(0)
                    for m in range(indices.shape[1]):
                        total += weights[p, m] * flat[indices[p, m]]
                    record[row, p] = total
                set_ghosts(u, phi, cooling[region], spacing)
                _diffuse(u, phi, gains[region])
                row += 1
        look_up(u, phi)
        for p in range(indices.shape[0]):
            record[row, p] = (weights[p] * flat[indices[p]]).sum()

    return march


def solve(n: int = 100, dtype: Any = np.float64) -> case.Result:
    """Solve the published strand on n x n nodes. Raises ValueError for n < 5."""
    if n < 5:
        raise ValueError(f"n must be at least 5, got {n}")
    real, c, spacing = np.dtype(dtype).type, curves(), case.SIDE / (n - 1)
    indices, weights = case.stencil(np.linspace(0.0, case.SIDE, n))
    indices = (indices // n + 1) * (n + 2) + indices % n + 1  # of phi, which has a rim
    stable = 0.999 * case.SPEED * spacing**2 * c.liquidus / (4 * c.liquid[1])
    counts = np.array([case.steps(region, stable) for region in case.REGIONS])
    lengths = np.array([region.end - region.start for region in case.REGIONS])
    gains = (lengths / counts / (case.SPEED * spacing**2 * c.liquidus)).astype(real)
    cooling = np.array([(*region.flux, *region.htc) for region in case.REGIONS], real)
    pouring = real(steel.enthalpy(case.POURING_TEMPERATURE) / c.liquidus)
    record = np.empty((counts.sum() + 1, len(indices)), real)

    def march(counts: np.ndarray) -> np.ndarray:
        u, phi = np.full((n, n), pouring), np.zeros((n + 2, n + 2), real)
        arguments = (cooling, real(spacing), gains, counts, indices, weights.astype(real), record)
        _march(real)(u, phi, *arguments)
        return u

    march(np.zeros_like(counts))  # compiles
    clock = time.perf_counter()
    u = march(counts)
    seconds = time.perf_counter() - clock
    steps = [
        region.start + dz * np.arange(k)
        for region, dz, k in zip(case.REGIONS, lengths / counts, counts, strict=True)
    ]
    z = np.concatenate([*steps, [case.LENGTH]])
    temperature = steel.temperature_from_kirchhoff(record.astype(float))
    heat = case.SPEED * c.liquidus * float((case.areas(n) * (pouring - u.astype(float))).sum())
    return case.result(z, temperature, heat, seconds, int(counts.sum()) * n * n)


def main() -> None:
    """Print accuracy and time on some grids."""
    for dtype in (np.float64, np.float32):
        for n in (41, 100):
            case.report(f"explicit enthalpy, closed form, {np.dtype(dtype)}, {n} x {n}", solve(n, dtype))


if __name__ == "__main__":
    main()
