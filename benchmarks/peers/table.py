"""The steel's potential and temperature as piecewise linear functions of the enthalpy."""

from typing import NamedTuple

import numpy as np

from . import case, steel

# Cells between the solidus and the liquidus, which are cell boundaries; about 1000 cells in all.
# The thermocouples change by less than 0.001 K with 2000.
MUSH_CELLS = 180


class Table(NamedTuple):
    """Phi [W/m] and T [K] against the place u = (H - lowest)/cell: ``start[k] + u * rise[k]``.

    k is u rounded down. The table reaches from the ambient to just above the pouring temperature.
    """

    lowest: float  # J/m3
    cell: float  # J/m3
    liquidus: float  # place of the liquidus
    pouring: float  # place of the pouring temperature
    potential_start: np.ndarray
    potential_rise: np.ndarray
    temperature_start: np.ndarray
    temperature_rise: np.ndarray

    def stable_step(self, spacing: float, liquid: bool) -> float:
        """The longest stable explicit step, m, on this spacing [m], with or without liquid."""
        rise = self.potential_rise if liquid else self.potential_rise[: int(self.liquidus)]
        return case.SPEED * spacing**2 * self.cell / (4.0 * float(rise.max()))


def make_table() -> Table:
    """Tabulate the steel of the published strand."""
    cell = float(steel.enthalpy(steel.LIQUIDUS)) / MUSH_CELLS
    below = int(np.ceil(-steel.enthalpy(case.AMBIENT) / cell))
    above = int(np.ceil(steel.enthalpy(case.POURING_TEMPERATURE) / cell)) + 1
    temperature = steel.temperature_from_enthalpy(np.arange(-below, above + 1) * cell)
    pouring = float(steel.enthalpy(case.POURING_TEMPERATURE)) / cell + below
    return Table(
        -below * cell,
        cell,
        float(below + MUSH_CELLS),
        pouring,
        *_lines(steel.kirchhoff(temperature)),
        *_lines(temperature),
    )


def _lines(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and rise of the straight lines through values given at the places 0, 1, 2, ..."""
    rise = np.diff(values)
    return values[:-1] - np.arange(len(rise)) * rise, rise
