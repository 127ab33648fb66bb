"""The published scheme in scalar C++ (`published_sor.cpp`), compiled with ``g++ -O3`` when used.

Source: Energies 2020, 13, 2429, sections 3 and 5: 100 x 100 nodes, steps of 1e-3 m in the mould and
1e-2 m below it, implicit differences with coefficients lagged by a step, successive over-relaxation
and the correction of the temperature around the liquidus and the solidus, which takes the mush's
capacity at the liquidus for a node that leaves the liquid and the lagged one for a node that leaves
the mush. Where the paper is silent: the conductivity between nodes is the arithmetic mean, the
convective cooling is implicit, the sweeps start from the last temperature and run from the centre
to the faces, relaxation 1.4, and they stop when no node changes by 1e-7 K. That gives 24 to 84
sweeps a step, 45.65 on average; the paper reports 25 to 95 and 46.
"""

import ctypes
import os
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import numpy as np

from . import case, steel

ORDERINGS = ("lexicographic", "red-black")


class Step(ctypes.Structure):
    """The `Step` of `published_sor.cpp`, where the units are."""

    _fields_ = (
        ("n", ctypes.c_int),
        ("red_black", ctypes.c_int),
        ("spacing", ctypes.c_double),
        ("duration", ctypes.c_double),
        ("flux", ctypes.c_double * 2),
        ("htc", ctypes.c_double * 2),
        ("ambient", ctypes.c_double),
        ("relaxation", ctypes.c_double),
        ("tolerance", ctypes.c_double),
    )


class SorResult(case.Result):
    """What `solve` returns."""

    sweeps: np.ndarray  # (2000,) sweeps of every step
    energy_imbalance: float  # |heat through the faces - enthalpy lost| / heat through the faces


@cache
def library() -> ctypes.CDLL:
    """Compile `published_sor.cpp` (CXX names another compiler) and load it."""
    source = Path(__file__).with_suffix(".cpp")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "published_sor.so"
        compiler = os.environ.get("CXX", "g++")
        subprocess.run([compiler, "-O3", "-shared", "-fPIC", source, "-o", target], check=True)
        loaded = ctypes.CDLL(str(target))
    double = ctypes.POINTER(ctypes.c_double)
    loaded.published_sor_step.argtypes = (double, ctypes.POINTER(Step), double)
    return loaded


def solve(
    n: int = 100,
    dz_mold: float = 1e-3,
    dz_spray: float = 1e-2,
    ordering: str = "lexicographic",
    relaxation: float = 1.4,
    tolerance: float = 1e-7,
) -> SorResult:
    """Solve the published strand on n x n nodes with steps [m] in the mould and below it.

    `ordering` is one of ORDERINGS; `tolerance` is the largest change in the last sweep, K.
    Raises RuntimeError where the sweeps do not converge.
    """
    advance = library().published_sor_step
    indices, weights = case.stencil(np.linspace(0.0, case.SIDE, n))
    temperature, heat = np.full(n * n, case.POURING_TEMPERATURE), ctypes.c_double(0.0)
    pointer = temperature.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    z, sweeps, records = [0.0], [], [temperature[indices]]
    clock = time.perf_counter()
    for region in case.REGIONS:
        count = case.steps(region, dz_spray if region.start else dz_mold)
        step = Step(
            n=n,
            red_black=ORDERINGS.index(ordering),
            spacing=case.SIDE / (n - 1),
            duration=(region.end - region.start) / count / case.SPEED,
            flux=region.flux,
            htc=region.htc,
            ambient=case.AMBIENT,
            relaxation=relaxation,
            tolerance=tolerance,
        )
        for place in np.linspace(region.start, region.end, count + 1)[1:]:
            sweeps.append(advance(pointer, step, heat))
            if sweeps[-1] < 0:
                raise RuntimeError(f"over-relaxation did not converge at z = {place:.3f} m")
            z.append(place)
            records.append(temperature[indices])
    seconds = time.perf_counter() - clock
    potential = (weights * steel.kirchhoff(np.array(records))).sum(2)
    lost = steel.enthalpy(case.POURING_TEMPERATURE) - steel.enthalpy(temperature)
    enthalpy_lost = case.SPEED * float((case.areas(n).ravel() * lost).sum())
    given_off = case.SPEED * heat.value
    return SorResult(
        **case.result(
            np.array(z),
            steel.temperature_from_kirchhoff(potential),
            enthalpy_lost,
            seconds,
            len(sweeps) * n * n,
        ),
        sweeps=np.array(sweeps),
        energy_imbalance=abs(given_off - enthalpy_lost) / given_off,
    )


def main() -> None:
    """Print accuracy, time and sweeps for both orderings."""
    for ordering in ORDERINGS:
        answer = solve(ordering=ordering)
        case.report(f"published over-relaxation, C++, 100 x 100, {ordering}", answer)
        sweeps, imbalance = answer["sweeps"], 100.0 * answer["energy_imbalance"]
        print(f"  sweeps {sweeps.min()} to {sweeps.max()}, {sweeps.mean():.2f} on average")
        print(f"  heat lost {imbalance:.4f} %")


if __name__ == "__main__":
    main()
