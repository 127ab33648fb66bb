"""The strand in FiPy, a general finite-volume package: implicit, one sweep a step.

FiPy's transient term marches in z: its coefficient is ``w rho C``. All coefficients are those of
the temperature before the step. The temperature after a sweep is read from the enthalpy,
``H^-1(H(T_old) + rho C (T - T_old))``, as a careful user would, or latent heat would be lost.
n x n cells of equal size, harmonic mean conductivities; a cooled cell loses its heat through half a
cell and the film in series. Most of the time goes into assembling the equation, so a node-step
costs less on a finer grid; where a whole strand is too long, `seconds_per_step` times a few steps.
"""

import time

import fipy
import numpy as np
from fipy.solvers import LinearPCGSolver

from . import case, steel


class Model:
    """FiPy's variables and equation on n x n cells."""

    def __init__(self, n: int, tolerance: float) -> None:
        self.spacing = case.SIDE / n
        self.mesh = fipy.Grid2D(nx=n, ny=n, dx=self.spacing, dy=self.spacing)
        x, y = self.mesh.cellCenters.value
        edge = case.SIDE - self.spacing
        self.cooled = np.stack([x > edge, y > edge])
        start = case.POURING_TEMPERATURE
        self.temperature = fipy.CellVariable(mesh=self.mesh, value=start, hasOld=True)
        self.capacity, self.conductivity, self.sink, self.source = (
            fipy.CellVariable(mesh=self.mesh, value=0.0) for _ in range(4)
        )
        self.equation = fipy.TransientTerm(coeff=self.capacity, var=self.temperature) == (
            fipy.DiffusionTerm(coeff=self.conductivity.harmonicFaceValue, var=self.temperature)
            - fipy.ImplicitSourceTerm(coeff=self.sink, var=self.temperature)
            + self.source
        )
        self.solver = LinearPCGSolver(tolerance=tolerance)

    def step(self, dz: float, region: case.Region) -> None:
        """One step of dz [m] with a region's cooling."""
        old = self.temperature.value.copy()
        heat_capacity = steel.density(old) * steel.heat_capacity(old)
        conductivity = steel.conductivity(old)
        film = np.array(region.htc)[:, None]
        in_series = film / (1.0 + film * self.spacing / (2.0 * conductivity))
        sink = (self.cooled * in_series).sum(0) / self.spacing
        flux = np.array(region.flux) @ self.cooled / self.spacing
        self.capacity.setValue(case.SPEED * heat_capacity)
        self.conductivity.setValue(conductivity)
        self.sink.setValue(sink)
        self.source.setValue(sink * case.AMBIENT - flux)
        self.temperature.updateOld()
        self.equation.sweep(dt=dz, solver=self.solver)
        gained = heat_capacity * (self.temperature.value - old)
        self.temperature.setValue(steel.temperature_from_enthalpy(steel.enthalpy(old) + gained))


def solve(
    n: int = 40, dz_mold: float = 1e-3, dz_spray: float = 1e-2, tolerance: float = 1e-11
) -> case.Result:
    """Solve the published strand on n x n cells with steps [m] in the mould and below it.

    `tolerance` is the linear solver's, relative to its right-hand side.
    """
    spacing = case.SIDE / n
    indices, weights = case.stencil((np.arange(n) + 0.5) * spacing)
    indices = indices % n * n + indices // n  # FiPy numbers the cells along x first
    clock = time.perf_counter()
    model = Model(n, tolerance)
    z, records = [0.0], [model.temperature.value[indices]]
    for region in case.REGIONS:
        count = case.steps(region, dz_spray if region.start else dz_mold)
        for place in np.linspace(region.start, region.end, count + 1)[1:]:
            model.step((region.end - region.start) / count, region)
            z.append(place)
            records.append(model.temperature.value[indices])
    seconds = time.perf_counter() - clock
    potential = (weights * steel.kirchhoff(np.array(records))).sum(2)
    temperature = steel.temperature_from_kirchhoff(potential)
    end = steel.enthalpy(model.temperature.value)
    lost = float((steel.enthalpy(case.POURING_TEMPERATURE) - end).sum())
    heat = case.SPEED * spacing**2 * lost
    return case.result(np.array(z), temperature, heat, seconds, (len(z) - 1) * n * n)


def seconds_per_step(n: int, steps: int = 20, dz: float = 1e-2) -> float:
    """Mean wall time of a step on n x n cells, s, after one that is not counted."""
    model = Model(n, tolerance=1e-11)
    model.step(dz, case.REGIONS[1])
    clock = time.perf_counter()
    for _ in range(steps):
        model.step(dz, case.REGIONS[1])
    return (time.perf_counter() - clock) / steps


def main() -> None:
    """Print accuracy and time of the whole strand on one grid, and the rate on a finer one."""
    case.report("FiPy, 40 x 40 cells", solve(40))
    seconds = seconds_per_step(100)
    print(f"FiPy, 100 x 100 cells: {seconds:.4f} s a step, {1e5 * seconds:.0f} ns a node-step")


if __name__ == "__main__":
    main()
