"""The continuously cast strand: its cooling and solidification."""

from tundish.casting._case import Case, published_strand, read_case
from tundish.casting._fit import misfit
from tundish.casting._grid import Grid
from tundish.casting._identification import Identifiability, Identification, Run
from tundish.casting._identify import PUBLISHED_STAGES, PUBLISHED_UNKNOWNS, identify
from tundish.casting._measurements import Measurements
from tundish.casting._profile import Profile, identify_profile
from tundish.casting._search import Progress
from tundish.casting._solution import BatchSolution, Solution, Status
from tundish.casting._solve import solve, solve_batch
from tundish.casting._steel import Steel
from tundish.casting._stepper import Stepper
from tundish.casting._strand import Mold, Strand, Zone

__all__ = [
    "PUBLISHED_STAGES",
    "PUBLISHED_UNKNOWNS",
    "BatchSolution",
    "Case",
    "Grid",
    "Identifiability",
    "Identification",
    "Measurements",
    "Mold",
    "Profile",
    "Progress",
    "Run",
    "Solution",
    "Status",
    "Steel",
    "Stepper",
    "Strand",
    "Zone",
    "identify",
    "identify_profile",
    "misfit",
    "published_strand",
    "read_case",
    "solve",
    "solve_batch",
]
