"""What an identification found, and how well the readings determine it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats, level_of, number
from tundish._common.late import late
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._options import Options
from tundish.casting._strand import Strand
from tundish.casting.identification._covariance import NOTHING_SEEN, units_of
from tundish.casting.identification._problem import SearchStatus
from tundish.casting.identification._readings import ReadingsModel, plan_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HIGH_CORRELATION = 0.95


class Run(NamedTuple):
    """Where one start ended."""

    parameters: dict[str, float]
    cost: float
    evaluations: int
    success: bool
    message: str


class Identifiability(NamedTuple):
    """What the readings can tell of the parameters, from the derivatives where the fit ended.

    - `condition_number`: of the derivatives by the logarithms of the parameters, weighted as the readings.
      Relative errors of the readings grow by up to this factor; inf where a parameter is not seen.
    - `unseen`: parameters that no reading depends on.
    - `confounded`: groups of parameters of which a combination changes no reading.
    - `correlated`: pairs with the correlation of their errors, where it is beyond +-0.95.
    """

    condition_number: float
    unseen: tuple[str, ...]
    confounded: tuple[tuple[str, ...], ...]
    correlated: tuple[tuple[str, str, float], ...]

    def __str__(self) -> str:
        lines = [f"condition number {self.condition_number:.3g}"]
        lines += [f"{name}: no reading depends on it" for name in self.unseen]
        lines += [f"{', '.join(group)}: cannot be told apart" for group in self.confounded]
        lines += [f"{a}, {b}: errors correlate by {rho:+.3f}" for a, b, rho in self.correlated]
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Identification:
    """What :func:`identify` returns. Parameters are in SI units, by name.

    - `parameters`: the values found; `start`: those of the strand the fit began with.
    - `covariance`: (k, k) in the order of `unknowns`; inf for what the readings do not determine.
    - `standard_error`: by name; `confidence_interval(level)`: (low, high) by name.
    - `correlation`: (k, k). `identifiability`: what the sensors can and cannot see.
    - `cost`: the sum that was minimised, K2, or without a unit where the readings have `sigma`.
    - `noise`: standard deviation of the readings as estimated from the residuals, K.
    - `evaluations`: single solves of the strand; a value with k derivatives counts as 1 + k.
    - `runs`: a :class:`Run` of every start, in their order; `cost` is the least of theirs.
    - `success`, `status`, `message`: how it ended; `success` is a :class:`SearchStatus` of FINISHED.
    - `strand`: with the parameters found. `temperature`: (n,) K, its temperatures at the readings.
    - `residuals`: (n,) K, reading - temperature. `jacobian`: (n, k), derivatives of `temperature`.
    - `measurements`, `unknowns`, `bounds`, `method`, `grid`, `solver`, `scale`, `loss_scale`: what was fitted
      to what, and how; residuals times `scale` (n,) were squared, and counted less beyond `loss_scale`.
    - `influence`: (n,) how much each reading still counts: 1 with a linear loss, less where it is far off.
    - `damping`: always 0, as in :class:`Solution`.
    """

    strand: Strand
    measurements: Measurements
    unknowns: tuple[str, ...]
    parameters: dict[str, float]
    covariance: Floats
    cost: float
    evaluations: int
    success: bool
    message: str
    runs: tuple[Run, ...]
    start: dict[str, float]
    bounds: dict[str, tuple[float, float]]
    method: str
    grid: Grid
    solver: Mapping[str, Any]
    scale: Floats
    loss_scale: float
    influence: Floats
    temperature: Floats
    jacobian: Floats
    damping: int
    degrees_of_freedom: float
    status: SearchStatus = SearchStatus.FINISHED

    @property
    def residuals(self) -> Floats:
        """(n,) K, reading - temperature of the identified strand."""
        return self.measurements.temperature - self.temperature

    @property
    def noise(self) -> float:
        """Root of the sum of squared residuals over readings less parameters, K; NaN for no more readings."""
        free = len(self.measurements) - len(self.unknowns)
        return float(np.sqrt(np.sum(self.residuals**2) / free)) if free > 0 else np.nan

    @property
    def standard_error(self) -> dict[str, float]:
        """Standard deviation of every parameter's error."""
        return dict(zip(self.unknowns, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    @property
    def correlation(self) -> Floats:
        """(k, k) Correlations of the parameters' errors; NaN where one has no finite error."""
        error = np.sqrt(np.diag(self.covariance))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.covariance / np.outer(error, error))

    def confidence_interval(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """(low, high) by name, each of which holds the truth with probability `level`.

        Symmetric: the value plus and minus its standard error times Student's quantile (the normal one where
        the readings' sigma was given). Raises ValueError for a level outside 0 to 1.
        """
        half = 0.5 + level_of(level) / 2
        special = optional("scipy.special", "optimize")
        quantile = float(special.stdtrit(self.degrees_of_freedom, half))
        if np.isinf(self.degrees_of_freedom):
            quantile = float(special.ndtri(half))
        errors = self.standard_error
        return {n: (p - quantile * errors[n], p + quantile * errors[n]) for n, p in self.parameters.items()}

    @property
    def identifiability(self) -> Identifiability:
        """What the sensors can and cannot see of the parameters."""
        weighted = self.scale[:, None] * self.jacobian * units_of(self.parameters)
        _, singular, rows = np.linalg.svd(weighted, full_matrices=False)
        seen = np.any(weighted != 0, axis=0)
        names = np.array(self.unknowns)
        unclear = [v for s, v in zip(singular, rows, strict=True) if s <= NOTHING_SEEN * singular[0]]
        groups = [tuple(names[seen & (abs(v) > 0.1)].tolist()) for v in unclear]
        rho = self.correlation
        pairs = [(i, j) for i in range(len(names)) for j in range(i) if abs(rho[i, j]) > _HIGH_CORRELATION]
        return Identifiability(
            float(singular[0] / singular[-1]) if seen.all() and singular[-1] > 0 else np.inf,
            tuple(names[~seen].tolist()),
            tuple(group for group in groups if len(group) > 1),
            tuple((self.unknowns[j], self.unknowns[i], float(rho[i, j])) for i, j in pairs),
        )

    def check_bias(self, refine: float = 2.0) -> dict[str, float]:
        """How far the parameters would move on a grid `refine` times finer in x, y and z, by name.

        One Gauss-Newton step there, from the parameters found, less the same step on the fit's own grid,
        which is how far from the minimum the search ended. Where a shift is not small beside the standard
        error, the grid of the fit is too coarse for these readings.
        """
        if not number("refine", refine) > 1:
            raise ArgumentError("refine", refine, "must be above 1")
        options = Options.of("solver", self.solver)
        plan = plan_for(self.strand, self.measurements, _finer(self.grid, refine), options)
        fine = ReadingsModel(plan, self.measurements, self.unknowns)
        found = fine(np.array(list(self.parameters.values())))
        step = self._step(found.jacobian, found.temperature) - self._step(self.jacobian, self.temperature)
        return dict(zip(self.unknowns, step.tolist(), strict=True))

    def _step(self, jacobian: Floats, temperature: Floats) -> Floats:
        """(k,) Gauss-Newton step from the parameters found."""
        units = units_of(self.parameters)
        scale = self.scale * np.sqrt(self.influence)
        off = scale * (self.measurements.temperature - temperature)
        step = np.linalg.lstsq(scale[:, None] * jacobian * units, off, rcond=NOTHING_SEEN)[0]
        return np.asarray(step * units)

    def plot(self) -> Figure:
        """Readings beside the reconstruction, residuals, and intervals, as a matplotlib figure."""
        figure: Figure = late("tundish.casting.plots:plot_identification")(self)
        return figure

    def __repr__(self) -> str:
        errors = self.standard_error
        lines = [f"{name} = {value:.6g} +- {errors[name]:.2g}" for name, value in self.parameters.items()]
        text = f"{self.method}, cost {self.cost:.6g}, {self.evaluations} solves: {self.message}"
        return f"<{type(self).__name__}: {text}\n  " + "\n  ".join(lines) + ">"


def _finer(grid: Grid, refine: float) -> Grid:
    """A resolved grid with smaller cells and steps; grading and ramp are ratios, and stay.

    The error of cells falls with the square of their size, and so does the accuracy that is asked for.
    """
    if grid.accuracy is not None:
        return Grid(accuracy=grid.accuracy / refine**2)
    assert grid.nx is not None
    assert grid.ny is not None
    assert grid.dz_mold is not None
    assert isinstance(grid.dz_spray, tuple)
    return dataclasses.replace(
        grid,
        nx=round((grid.nx - 1) * refine) + 1,
        ny=round((grid.ny - 1) * refine) + 1,
        dz_mold=grid.dz_mold / refine,
        dz_spray=tuple(dz / refine for dz in grid.dz_spray),
    )
