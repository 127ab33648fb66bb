"""Heat-transfer coefficients as free functions of z."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, count, integer, names_of, number, positive, vector
from tundish._common.late import late
from tundish._common.refusals import MISSING, ArgumentError
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._options import Options
from tundish.casting._plan import check_strand
from tundish.casting._strand import Strand, Zone
from tundish.casting.identification._problem import SearchStatus
from tundish.casting.identification._readings import Evaluation, ReadingsModel, check_readings, plan_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STRENGTHS = np.logspace(6, -10, 129)  # of the penalty, relative to that of the readings
_FREE = {"curvature": 2, "slope": 1}  # numbers a face that a penalty leaves free: a straight line, a constant
_INTERRUPTED = "interrupted: the last iterate"


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Profile:
    """What :func:`identify_profile` returns.

    - `knots`: (m,) m; `faces`: "x", "y" or both; `htc`: (n_faces, m) W/(m2 K), linear between the knots.
    - `standard_error`: (n_faces, m) W/(m2 K), of the smoothed profile: what the penalty hides is not in it.
    - `strength`: of the penalty. `misfit`: root mean square of the weighted residuals, K, or multiples of
      sigma where the readings have it.
    - `strand`: with zones that follow the profile. `temperature`: (n,) K, at the readings.
    - `evaluations`: single solves of the strand.
    - `success`, `status`, `message`: how it ended; `success` is a :class:`SearchStatus` of FINISHED.
    """

    knots: Floats
    faces: tuple[str, ...]
    htc: Floats
    standard_error: Floats
    strength: float
    misfit: float
    strand: Strand
    grid: Grid
    measurements: Measurements
    temperature: Floats
    evaluations: int
    success: bool
    message: str
    status: SearchStatus = SearchStatus.FINISHED

    @property
    def residuals(self) -> Floats:
        """(n,) K, reading - temperature."""
        return self.measurements.temperature - self.temperature

    def htc_at(self, z: ArrayLike) -> Floats:
        """(n_faces, n) W/(m2 K) at z (n,) m."""
        return np.stack([np.interp(vector("z", z), self.knots, row) for row in self.htc])

    def plot(self) -> Figure:
        """The profile of every face with a band of two standard errors, as a matplotlib figure."""
        figure: Figure = late("tundish.casting.plots:plot_profile")(self)
        return figure

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {self.knots.size} knots, {self.htc.min():.0f} to {self.htc.max():.0f} "
            f"W/(m2 K), misfit {self.misfit:.3g}, {self.evaluations} solves: {self.message}>"
        )


def identify_profile(
    strand: Strand,
    measurements: Measurements,
    knots: int | ArrayLike = 16,
    *,
    faces: Iterable[str] = ("x", "y"),
    penalty: str = "curvature",
    strength: str | float = "discrepancy",
    noise: float | None = None,
    cells: int = 3,
    grid: Grid | None = None,
    tolerance: float = 1e-3,
    max_iterations: int = 20,
    solver: Mapping[str, Any] | None = None,
) -> Profile:
    """Heat-transfer coefficients of the secondary cooling as piecewise linear functions of z.

    Minimises sum of w (T - U)^2 + s |L h|^2 / h0^2 over the values h at the knots, with T and U as in
    :func:`identify`, L the differences of h from knot to knot, h0 its mean and s the strength of the penalty
    (Tikhonov). Every Gauss-Newton step solves the linearised problem for many strengths and takes the one
    that `strength` asks for (Occam's inversion: Constable, Parker and Constable, Geophysics 52, 1987).

    **Main arguments:**

    - `strand`: the start; its zones have `htc` alone. They are replaced by `cells` short ones between any two
      knots, which take the profile's value at their middle; the mould stays as it is.
    - `measurements`: :class:`Measurements`.
    - `knots`: (m,) z in m from the mould's end to the strand's, or their number, in geometric progression.
    - `faces`: those whose coefficients are unknown, "x", "y" or both.

    **Other arguments:**

    - `penalty`: "curvature", second differences, or "slope", first ones.
    - `strength`: "discrepancy", the largest at which the residuals are no larger than the noise; "l-curve",
      where the logarithms of residuals and penalty have their corner; or a number.
    - `noise`: standard deviation of the readings for "discrepancy", K, where they have no sigma.
    - `grid`: None is the default one with steps that fit the short zones.
    - `tolerance`: it ends when no value moves by more than this share of h0, or after `max_iterations`.
    - `solver`: as for :func:`identify`.

    **Returns:** a :class:`Profile`. Ctrl-C returns the last iterate with `success=False`.

    **Raises:** ValueError, TypeError or KeyError naming the argument before any work; ValueError also where
    the march of a profile on the way diverges.
    """
    check_readings(strand, measurements)
    if any(zone.htc is None or zone.heat_flux is not None for zone in strand.zones):
        raise ArgumentError("strand", MISSING, "its zones must be cooled by htc alone")
    at = _knots(strand, knots)
    unknown = tuple(names_of("faces", faces, ["x", "y"]))
    if not unknown:
        raise ArgumentError("faces", MISSING, "must name at least one")
    kind = choice("penalty", penalty, list(_FREE))
    _refuse_what_cannot_be_found(strand, measurements, unknown, kind)
    target = _target(measurements, strength, noise)
    if not number("tolerance", tolerance) > 0:
        raise ArgumentError("tolerance", tolerance, "must be above 0")
    limit = count("max_iterations", max_iterations, 1)
    options = Options.of("solver", solver)
    search = _Search(strand, measurements, at, unknown, count("cells", cells, 1), grid, options)
    search.penalise(kind)
    return search.run(strength, target, tolerance, limit)


def _refuse_what_cannot_be_found(
    strand: Strand, measurements: Measurements, faces: Sequence[str], penalty: str
) -> None:
    for n, zone in enumerate(strand.zones):
        for face in faces:
            assert zone.htc is not None
            if not zone.htc["xy".index(face)] > 0:
                raise ArgumentError(
                    "strand", MISSING, f"zones.{n}.htc.{face} must be above 0, the search starts there"
                )
    below = int(np.count_nonzero(measurements.z > strand.mold.length))
    needed = _FREE[penalty] * len(faces)
    if below < needed:
        few = f"{below} readings lie below the mould; profiles without {penalty} take {needed}"
        raise ArgumentError("measurements", MISSING, few)


def _knots(strand: Strand, knots: int | ArrayLike) -> Floats:
    ends = (strand.mold.length, strand.length)
    if isinstance(knots, int | np.integer):
        if integer("knots", knots) < 4:
            raise ArgumentError("knots", knots, "at least 4 are needed")
        at = np.geomspace(*ends, int(knots))
    else:
        at = vector("knots", knots).copy()
    if at.size < 4 or not np.all(np.diff(at) > 0):
        raise ArgumentError("knots", MISSING, "must be at least 4, and increase")
    if not np.allclose(at[[0, -1]], ends, rtol=1e-9):
        allowed = f"must run from the mould's end, {ends[0]:g} m, to the strand's, {ends[1]:g} m"
        raise ArgumentError("knots", MISSING, allowed)
    at[[0, -1]] = ends
    return at


def _target(measurements: Measurements, strength: str | float, noise: float | None) -> float:
    """Mean square of weighted residuals that the discrepancy principle asks for."""
    if isinstance(strength, str):
        choice("strength", strength, ["discrepancy", "l-curve"])
    else:
        positive("strength", strength)
    if noise is not None and not 0 < number("noise", noise) < np.inf:
        raise ArgumentError("noise", noise, "must be finite and above 0 K")
    if noise is None and measurements.sigma is None and strength == "discrepancy":
        needed = "must be given for strength = 'discrepancy', as the readings have no sigma"
        raise ArgumentError("noise", MISSING, needed)
    return float(np.mean((measurements.scale * (1.0 if noise is None else noise)) ** 2)) if noise else 1.0


class _Step(NamedTuple):
    """The linearised problem's solution at the strength chosen."""

    values: Floats
    strength: float
    inverse: Floats  # of its matrix
    reached: bool


class _Search:
    def __init__(
        self,
        strand: Strand,
        measurements: Measurements,
        knots: Floats,
        faces: tuple[str, ...],
        cells: int,
        grid: Grid | None,
        options: Options,
    ) -> None:
        self.measurements, self.knots, self.faces = measurements, knots, faces
        share = (np.arange(cells) + 0.5) / cells
        one = np.zeros((cells * (knots.size - 1), knots.size))
        for n in range(knots.size - 1):
            one[n * cells : (n + 1) * cells, n] = 1 - share
            one[n * cells : (n + 1) * cells, n + 1] = share
        self.to_zones = np.kron(np.eye(len(faces)), one)  # values at the knots to those of the short zones
        ends = np.interp(np.arange(1, len(one) + 1) / cells, np.arange(knots.size), knots)
        self.strand, self.start = self._split(strand, one, ends)
        shortest = float(np.diff(ends, prepend=knots[0]).min())
        self.grid = _fitting(strand, grid, shortest)
        plan = plan_for(self.strand, measurements, self.grid, options)
        names = [f"zones.{n}.htc.{face}" for face in faces for n in range(len(one))]
        self.model = ReadingsModel(plan, measurements, names)
        self.unit = float(self.start.mean())

    def _split(self, strand: Strand, one: Floats, ends: Floats) -> tuple[Strand, Floats]:
        """The strand with short zones, and the start's values at the knots of the unknown faces."""
        whose = np.searchsorted([zone.end for zone in strand.zones], self.knots[1:], side="left")
        whose = np.append(whose[:1], np.minimum(whose, len(strand.zones) - 1))
        table = np.array([strand.zones[int(n)].htc for n in whose])  # (m, 2)
        zones = [Zone(end, htc=pair) for end, pair in zip(ends.tolist(), (one @ table).tolist(), strict=True)]
        zones[-1] = Zone(strand.length, htc=zones[-1].htc)
        columns = ["xy".index(face) for face in self.faces]
        return dataclasses.replace(strand, zones=zones), table[:, columns].T.reshape(-1)

    def penalise(self, penalty: str) -> None:
        size = self.knots.size
        difference = np.diff(np.eye(size), n=2 if penalty == "curvature" else 1, axis=0)
        rows = np.kron(np.eye(len(self.faces)), difference) / self.unit
        self.penalty = rows.T @ rows

    def run(self, strength: str | float, target: float, tolerance: float, max_iterations: int) -> Profile:
        """The profile after the last step, or after the last one before Ctrl-C."""
        values, evaluations, status = self.start, 0, SearchStatus.LIMIT_REACHED
        message = f"max_iterations = {max_iterations} steps are done"
        found: tuple[Evaluation, Floats, _Step] | None = None
        try:
            for _ in range(max_iterations):
                evaluation = self.model(self.to_zones @ values)
                evaluations += self.model.solves
                if not np.isfinite(evaluation.temperature).all():
                    reached = "its march diverges with the profile reached; start from other zones"
                    raise ArgumentError("strand", MISSING, reached)
                step = self._step(evaluation, values, strength, target)
                found = evaluation, values, step
                moved = np.clip(step.values, 0.3 * values, 3 * values)  # where the linearisation still holds
                if np.abs(moved - values).max() <= tolerance * self.unit:
                    status = SearchStatus.FINISHED
                    message = "converged" if step.reached else "converged, but not down to the noise"
                    break
                values = moved
        except KeyboardInterrupt:
            if found is None:
                raise
            status, message = SearchStatus.INTERRUPTED, _INTERRUPTED
        assert found is not None
        return self._profile(*found, evaluations, status, message)

    def _step(self, at: Evaluation, values: Floats, strength: str | float, target: float) -> _Step:
        scale = self.measurements.scale
        matrix = scale[:, None] * (at.jacobian @ self.to_zones)
        aim = scale * (self.measurements.temperature - at.temperature) + matrix @ values
        normal, right = matrix.T @ matrix, matrix.T @ aim
        natural = np.trace(normal) / np.trace(self.penalty)
        strengths = _STRENGTHS * natural if isinstance(strength, str) else np.array([strength])
        solutions = np.stack([np.linalg.solve(normal + s * self.penalty, right) for s in strengths])
        misfit = np.mean((solutions @ matrix.T - aim) ** 2, axis=1)
        chosen, reached = 0, True
        if strength == "discrepancy":
            reached = bool(misfit.min() <= target)
            chosen = int(np.argmax(misfit <= max(target, 1.01 * misfit.min())))
        elif strength == "l-curve":
            rough = np.einsum("si,ij,sj->s", solutions, self.penalty, solutions)
            chosen = _corner(np.log(misfit), np.log(rough + 1e-300), np.log(strengths))
        inverse = np.linalg.inv(normal + strengths[chosen] * self.penalty)
        return _Step(solutions[chosen], float(strengths[chosen]), inverse, reached)

    def _profile(
        self,
        at: Evaluation,
        values: Floats,
        step: _Step,
        evaluations: int,
        status: SearchStatus,
        message: str,
    ) -> Profile:
        weighted = self.measurements.scale * (self.measurements.temperature - at.temperature)
        variance = 1.0 if self.measurements.sigma is not None else np.mean(weighted**2)
        shape = (len(self.faces), self.knots.size)
        zones = dict(zip(self.model.names, (self.to_zones @ values).tolist(), strict=True))
        return Profile(
            knots=self.knots,
            faces=self.faces,
            htc=values.reshape(shape),
            standard_error=np.sqrt(variance * np.diag(step.inverse)).reshape(shape),
            strength=step.strength,
            misfit=float(np.sqrt(np.mean(weighted**2))),
            strand=self.strand.replace(zones),
            grid=self.grid,
            measurements=self.measurements,
            temperature=at.temperature,
            evaluations=evaluations,
            success=status is SearchStatus.FINISHED,
            message=message,
            status=status,
        )


def _fitting(strand: Strand, grid: Grid | None, shortest: float) -> Grid:
    """A grid whose steps fit the short zones; those of an accuracy always do."""
    check_strand(strand, grid)
    given = Grid() if grid is None else grid
    given.check(strand)
    resolved = given.resolve(strand)
    if resolved.accuracy is not None:
        return resolved
    assert isinstance(resolved.dz_spray, Sequence)
    return dataclasses.replace(resolved, dz_spray=min(*resolved.dz_spray, shortest))


def _corner(misfit: Floats, rough: Floats, strengths: Floats) -> int:
    """Where the curve of two logarithms bends most (Hansen, SIAM Review 34, 1992)."""
    first = [np.gradient(v, strengths) for v in (misfit, rough)]
    second = [np.gradient(v, strengths) for v in first]
    speed = (first[0] ** 2 + first[1] ** 2) ** 1.5
    bend = (first[0] * second[1] - second[0] * first[1]) / np.where(speed > 1e-9, speed, np.inf)
    return int(np.argmax(bend[2:-2])) + 2
