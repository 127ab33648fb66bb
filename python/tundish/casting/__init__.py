"""The continuously cast strand: its cooling and solidification."""

from tundish.casting._case import PUBLISHED_CASE, PUBLISHED_READINGS, Case, published_strand, read_case
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._options import Options
from tundish.casting._plan import Plan
from tundish.casting._report import report
from tundish.casting._solution import BatchSolution, Solution
from tundish.casting._solve import solve, solve_batch
from tundish.casting._status import Status
from tundish.casting._steel import Steel
from tundish.casting._stepper import Stepper
from tundish.casting._strand import Mold, Strand, Zone
from tundish.casting.identification._identification import Identifiability, Identification, Run
from tundish.casting.identification._identify import PUBLISHED_STAGES, PUBLISHED_UNKNOWNS, identify
from tundish.casting.identification._problem import SearchStatus
from tundish.casting.identification._profile import Profile, identify_profile
from tundish.casting.identification._readings import misfit
from tundish.casting.identification._report import identification_report
from tundish.casting.identification._search import Progress

__all__ = [
    "PUBLISHED_CASE",
    "PUBLISHED_READINGS",
    "PUBLISHED_STAGES",
    "PUBLISHED_UNKNOWNS",
    "BatchSolution",
    "Case",
    "Grid",
    "Identifiability",
    "Identification",
    "Measurements",
    "Mold",
    "Options",
    "Plan",
    "Profile",
    "Progress",
    "Run",
    "SearchStatus",
    "Solution",
    "Status",
    "Steel",
    "Stepper",
    "Strand",
    "Zone",
    "identification_report",
    "identify",
    "identify_profile",
    "misfit",
    "published_strand",
    "read_case",
    "report",
    "solve",
    "solve_batch",
]
