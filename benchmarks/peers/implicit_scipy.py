"""Linearised implicit enthalpy method with scipy.sparse: Jacobi-preconditioned conjugate gradients.

Backward Euler on n x n uniform nodes, vertex-centred, with half control volumes at the sides. The
unknown of a step is the change of the Kirchhoff potential Phi, because then the conduction matrix L
is constant and symmetric, and only the diagonal changes:

    (A w/dz dH/dPhi + L + S htc dT/dPhi) dPhi = -L Phi - S (q + htc (T - T_ambient))

with the control areas A, the cooled lengths S and everything on the right, and the slopes, taken at
the start of the step. The enthalpy then changes by ``dH/dPhi dPhi`` and the next Phi and T follow
from it: no heat is lost where the steel changes phase. One linear solve a step; slopes and values
are those of a piecewise linear table in H.
"""

import time

import numpy as np
from scipy.sparse import dia_array, diags_array, kron
from scipy.sparse.linalg import LinearOperator, cg

from . import case, steel
from .table import make_table


def conduction(n: int) -> dia_array:
    """Conductances between the nodes' control areas, for a unit conductivity: rows sum to zero."""
    spacing = case.SIDE / (n - 1)
    main = np.full(n, 2.0 / spacing)
    main[[0, -1]] *= 0.5
    off = np.full(n - 1, -1.0 / spacing)
    line = diags_array([off, main, off], offsets=[-1, 0, 1])
    width = diags_array(control_width(n))
    return dia_array(kron(line, width) + kron(width, line))


def control_width(n: int) -> np.ndarray:
    """Width of the nodes' control areas, m: halves at both ends."""
    width = np.full(n, case.SIDE / (n - 1))
    width[[0, -1]] *= 0.5
    return width


def cooled_length(n: int) -> np.ndarray:
    """Cooled length, m, of every node's control area: (2, n * n), face x then face y."""
    length = np.zeros((2, n, n))
    length[0, -1, :] = length[1, :, -1] = control_width(n)
    return length.reshape(2, n * n)


class Stepper:
    """A march on n x n nodes; `place` is the enthalpy in cells of the table."""

    def __init__(self, n: int, tolerance: float) -> None:
        self.table, self.tolerance = make_table(), tolerance
        self.conduction, self.matrix = conduction(n), conduction(n)
        self.main = int(np.flatnonzero(self.matrix.offsets == 0)[0])
        self.area, self.length = case.areas(n).ravel(), cooled_length(n)
        self.place = np.full(n * n, self.table.pouring)
        self.change = np.zeros(n * n)

    def potential(self) -> np.ndarray:
        """Kirchhoff potential of every node, W/m."""
        k = self.place.astype(np.intp)
        return self.table.potential_start[k] + self.place * self.table.potential_rise[k]

    def step(self, dz: float, region: case.Region) -> None:
        """One step of dz [m] with a region's cooling."""
        k = self.place.astype(np.intp)
        per_potential = 1.0 / self.table.potential_rise[k]  # cells of enthalpy in a unit of Phi
        temperature_rise = self.table.temperature_rise[k]
        temperature = self.table.temperature_start[k] + self.place * temperature_rise
        flux, htc = np.array(region.flux) @ self.length, np.array(region.htc) @ self.length
        storage = self.area * (case.SPEED / dz * self.table.cell)
        added = (storage + htc * temperature_rise) * per_potential
        loss = flux + htc * (temperature - case.AMBIENT)
        self.solve_linear(added, -(self.conduction @ self.potential()) - loss)
        self.place += per_potential * self.change

    def solve_linear(self, added: np.ndarray, right: np.ndarray) -> None:
        """Solve ``(L + diag(added)) change = right``, from the last step's change."""
        diagonal = self.conduction.data[self.main] + added
        self.matrix.data[self.main] = diagonal
        inverse = 1.0 / diagonal
        jacobi = LinearOperator(self.matrix.shape, lambda x: inverse * x, dtype=float)
        self.change, failed = cg(self.matrix, right, self.change, rtol=self.tolerance, M=jacobi)
        if failed:
            raise RuntimeError("conjugate gradients did not converge")


def solve(
    n: int = 100, dz_mold: float = 1e-3, dz_spray: float = 1e-2, tolerance: float = 1e-3
) -> case.Result:
    """Solve the published strand on n x n nodes with steps [m] in the mould and below it.

    `tolerance` is the linear solver's, relative to the norm of the right-hand side: smaller ones
    only cost time (the error at the thermocouples stays within 0.03 K), larger ones spoil the end.
    """
    indices, weights = case.stencil(np.linspace(0.0, case.SIDE, n))
    clock = time.perf_counter()
    stepper = Stepper(n, tolerance)
    z, records = [0.0], [stepper.potential()[indices]]
    for region in case.REGIONS:
        count = case.steps(region, dz_spray if region.start else dz_mold)
        for place in np.linspace(region.start, region.end, count + 1)[1:]:
            stepper.step((region.end - region.start) / count, region)
            z.append(place)
            records.append(stepper.potential()[indices])
    seconds = time.perf_counter() - clock
    temperature = steel.temperature_from_kirchhoff((weights * np.array(records)).sum(2))
    lost = stepper.table.cell * (stepper.table.pouring - stepper.place)
    heat = case.SPEED * float((stepper.area * lost).sum())
    return case.result(np.array(z), temperature, heat, seconds, (len(z) - 1) * n * n)


def main() -> None:
    """Print accuracy and time on two grids."""
    for n in (41, 100):
        case.report(f"linearised implicit, scipy.sparse, {n} x {n}", solve(n))


if __name__ == "__main__":
    main()
