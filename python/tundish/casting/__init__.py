"""The continuously cast strand: its cooling and solidification."""

from tundish.casting._case import Case, published_strand, read_case
from tundish.casting._grid import Grid
from tundish.casting._solution import BatchSolution, Solution, Status
from tundish.casting._solve import solve, solve_batch
from tundish.casting._steel import Steel
from tundish.casting._stepper import Stepper
from tundish.casting._strand import Mold, Strand, Zone

__all__ = [
    "BatchSolution",
    "Case",
    "Grid",
    "Mold",
    "Solution",
    "Status",
    "Steel",
    "Stepper",
    "Strand",
    "Zone",
    "published_strand",
    "read_case",
    "solve",
    "solve_batch",
]
