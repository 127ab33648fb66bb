"""What a march leaves behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.late import late
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentTypeError
from tundish.casting._grid import Grid
from tundish.casting._options import Options
from tundish.casting._status import Status, describe
from tundish.casting._strand import Strand

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


# Name of a field: its dimensions, unit and meaning. Gradients carry the unit of the field per unit of each
# parameter.
FIELDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "probe_temperature": (("probe", "z"), "K", "temperature at the probes"),
    "centre_temperature": (("z",), "K", "temperature of the strand's axis"),
    "corner_temperature": (("z",), "K", "temperature of the edge"),
    "face_temperature": (("face", "z"), "K", "temperature of the mid-faces"),
    "shell_thickness": (("face", "z"), "m", "solid on the axis behind each face"),
    "solid_fraction": (("z",), "1", "share of the section below the solidus"),
    "liquid_fraction": (("z",), "1", "share of the section above the liquidus"),
    "heat": (("z",), "W", "heat given off by the quarter section so far"),
    "section_temperature": (("section", "y", "x"), "K", "temperature of whole sections"),
    "metallurgical_length": ((), "m", "where the centre has solidified"),
    "energy_imbalance": ((), "1", "|heat out - enthalpy lost| / heat out"),
    "iterations": (("step",), "1", "sweeps a step"),
    "probe_gradient": (("gradient", "probe", "z"), "K/unit", "derivative of the probe temperatures"),
    "metallurgical_length_gradient": (("gradient",), "m/unit", "derivative of the metallurgical length"),
}
GRADIENT_FIELDS = ("probe_gradient", "metallurgical_length_gradient")


class ErrorField(NamedTuple):
    """A number of the error estimate: its field, what it may be for each K of accuracy, how it is shown."""

    field: str
    allowed: float
    factor: float = 1.0
    unit: str = "K"

    def shown(self, error: float) -> str:
        """An error in two digits."""
        return f"{float(f'{self.factor * error:.2g}'):g} {self.unit}"


# In the order of the C++ library.
ERROR_FIELDS = {
    "probes": ErrorField("probe_temperature", 1.0),
    "faces": ErrorField("face_temperature", 1.0),
    "corner": ErrorField("corner_temperature", 2.0),
    "shell": ErrorField("shell_thickness", 2e-3, 1e3, "mm"),
    "length": ErrorField("metallurgical_length", 20e-3, 1e3, "mm"),
}


def errors(estimate: Floats | None, fields: Collection[str]) -> dict[str, Any] | None:
    """The estimates (..., 5) by name, of the fields that there are; None of one mesh."""
    if estimate is None:
        return None
    return {
        name: estimate[..., n] if estimate.ndim > 1 else float(estimate[n])
        for n, (name, of) in enumerate(ERROR_FIELDS.items())
        if of.field in fields
    }


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Solution:
    """One strand's fields. All are float64 unless the solve was asked for float32.

    - `z`: (nz+1,) m, from the meniscus, z = 0. `x`: (nx,) and `y`: (ny,) m, from the centre planes.
    - `probe_temperature`: (n_probes, nz+1) K.
    - `centre_temperature`, `corner_temperature`: (nz+1,) K.
    - `face_temperature`: (2, nz+1) K at the middle of face x and face y.
    - `shell_thickness`: (2, nz+1) m, solid on the axis behind face x and face y.
    - `solid_fraction`, `liquid_fraction`: (nz+1,), shares of the section's area below the solidus and above
      the liquidus.
    - `heat`: (nz+1,) W, given off by the quarter section up to each z, as the scheme counts it.
    - `section_temperature`: (n_sections, ny, nx) K, between steps linear in z.
    - `metallurgical_length`: m, where the centre falls to the solidus, its enthalpy linear in z between
      steps; inf where it does not, and NaN its gradient.
    - `energy_imbalance`: |heat out - enthalpy lost| / heat out over the whole strand.
    - `iterations`: (nz,) sweeps a step; 1 for ADI.
    - `probe_gradient`: (n_gradient, n_probes, nz+1), `metallurgical_length_gradient`: (n_gradient,); by
      the parameters in `gradient`, each in its own unit.
    - `status`, `message`, `success`: how the march ended and what to do.
    - `strand`, `grid`, `options`: what was solved, and how.
    - `error_estimate`: how far the fields are off, by name, of a grid with an accuracy: "probes", "faces" and
      "corner", K, and "shell", m, in the mean along the strand (root mean square), and "length", m, of the
      metallurgical length. Of those fields that were asked for; None of one mesh.
    - `damping`: always 0. Steps need no damping any more; the name is kept for programs that read it.

    A field that was not asked for (`outputs`) is an AttributeError. Solutions compare by value; where both
    have NaN they are equal.
    """

    strand: Strand
    grid: Grid
    x: Floats
    y: Floats
    z: Floats
    probes: Floats
    sections: Floats
    gradient: tuple[str, ...]
    status: Any
    status_step: Any
    damping: Any
    fields: dict[str, NDArray[Any]]
    options: Options = dataclasses.field(default=Options(), kw_only=True)
    error_estimate: dict[str, Any] | None = dataclasses.field(default=None, kw_only=True)

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        if name in FIELDS:
            raise AttributeError(f"{name} was not computed: ask for it with outputs= (or gradient=)")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        names = [field.name for field in dataclasses.fields(self)]
        return all(_equal(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.fields]

    @property
    def success(self) -> bool:
        """Whether every step converged."""
        return bool(self.status == Status.CONVERGED)

    @property
    def message(self) -> str:
        """What the status means, and what to do."""
        last = max(int(self.status_step) - 1, 0)
        surface = {}
        if "corner_temperature" in self.fields:
            surface["corner"] = float(self.corner_temperature[last])
        if "face_temperature" in self.fields:
            surface |= {
                f"face {name}": float(t[last]) for name, t in zip("xy", self.face_temperature, strict=True)
            }
        z = float(self.z[max(int(self.status_step), 0)])
        text = describe(int(self.status), z, self.strand, self.options.method, surface, self.grid.accuracy)
        return "; ".join([text, *self._doubts()])

    def _doubts(self) -> list[str]:
        """What the error estimate leaves open; nothing of a march that failed, whose estimates are NaN."""
        error, doubts = self.error_estimate or {}, []
        if unknown := bool(self._unknown()):
            doubts.append("no error could be estimated, as longer steps diverge: ask for a smaller accuracy")
        if exceeded := list(self._exceeded()):
            shown = {name: ERROR_FIELDS[name].shown(error[name]) for name in exceeded}
            large = [f"{exceeded[0]} may be {shown[exceeded[0]]}", *(f"{n} {shown[n]}" for n in exceeded[1:])]
            words = " and ".join(filter(None, (", ".join(large[:-1]), large[-1])))
            doubts.append(f"{words} off (error_estimate): ask for a smaller accuracy")
        if error.get("length") == np.inf and not unknown:
            doubts.append(
                "the strand ends about where the centre solidifies: "
                "the length may lie before or behind its end"
            )
        return doubts

    def _unknown(self) -> Any:
        """Where no error could be estimated: of the length alone inf has another meaning."""
        fields = [error for name, error in (self.error_estimate or {}).items() if name != "length"]
        return np.any(np.isposinf(fields), axis=0) if fields else np.False_

    def _exceeded(self) -> dict[str, Any]:
        """Where finite error estimates exceed what was asked for, by name; those alone that do somewhere."""
        accuracy = self.grid.accuracy or np.inf
        exceeded = {
            name: np.isfinite(error) & (np.asarray(error) > accuracy * ERROR_FIELDS[name].allowed)
            for name, error in (self.error_estimate or {}).items()
        }
        return {name: where for name, where in exceeded.items() if np.any(where)}

    def to_xarray(self) -> xarray.Dataset:
        """All fields as a Dataset with coordinates and units. Needs xarray.

        The error estimate is in variables of its own, "error_estimate_probes" and so on.
        """
        xr = optional("xarray", "xarray")
        lead = self._lead()
        data = {}
        for name, values in self.fields.items():
            dimensions, unit, meaning = FIELDS[name]
            data[name] = (lead + dimensions, values, {"units": unit, "long_name": meaning})
        meanings = ", ".join(f"{status.value} {status.name.lower()}" for status in Status)
        data["status"] = (lead, self.status, {"units": "1", "long_name": meanings})
        data["damping"] = (lead, self.damping, {"units": "1", "long_name": "always 0"})
        for name, error in (self.error_estimate or {}).items():
            _, unit, meaning = FIELDS[ERROR_FIELDS[name].field]
            kind = "" if name == "length" else ", root mean square along z"
            attributes = {"units": unit, "long_name": f"estimated error of: {meaning}{kind}"}
            data[f"error_estimate_{name}"] = (lead, error, attributes)
        coordinates: dict[str, Any] = {
            "z": ("z", self.z, {"units": "m", "long_name": "distance from the meniscus"}),
            "x": ("x", self.x, {"units": "m", "long_name": "distance from the centre plane, towards face x"}),
            "y": ("y", self.y, {"units": "m", "long_name": "distance from the centre plane, towards face y"}),
            "face": ("face", ["x", "y"]),
            "probe_x": ("probe", self.probes[:, 0], {"units": "m"}),
            "probe_y": ("probe", self.probes[:, 1], {"units": "m"}),
            "section": ("section", self.sections, {"units": "m", "long_name": "distance from the meniscus"}),
            "gradient": ("gradient", list(self.gradient)),
        }
        used = {d for dims, _, _ in data.values() for d in dims}
        coordinates = {k: v for k, v in coordinates.items() if k == "z" or v[0] in used}
        coordinates |= self._lead_coordinates()
        about = {"title": "continuously cast strand", "message": self.message, **self.strand.parameters()}
        return xr.Dataset(data, coordinates, about)

    def plot(self) -> Figure:
        """Shell growth, temperatures and phase shares along z, as a matplotlib figure."""
        figure: Figure = late("tundish.casting.plots:plot_strand")(self)
        return figure

    def plot_sections(self) -> Figure:
        """Temperature maps of the kept sections with solidus and liquidus lines, as a matplotlib figure."""
        figure: Figure = late("tundish.casting.plots:plot_sections")(self)
        return figure

    def _lead(self) -> tuple[str, ...]:
        return ()

    def _lead_coordinates(self) -> dict[str, Any]:
        return {}

    def __repr__(self) -> str:
        text = f"{self.x.size} x {self.y.size} nodes, {self.z.size - 1} steps, {self.message}"
        if "metallurgical_length" in self.fields:
            text += f", metallurgical length {float(self.metallurgical_length):.4f} m"
        return f"<{type(self).__name__}: {text}>"


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class BatchSolution(Solution):
    """Many candidates' fields: those of :class:`Solution`, each with a leading candidate axis.

    `parameters` holds the numbers that differ, (n_candidates,) each; `status`,
    `success`, `status_step` and `damping` are arrays, `message` sums them up.
    """

    parameters: dict[str, Floats]

    def __len__(self) -> int:
        return int(np.asarray(self.status).size)

    @property
    def success(self) -> Any:
        """(n_candidates,) whether every step converged."""
        return np.asarray(self.status) == Status.CONVERGED

    @property
    def message(self) -> str:
        """How many candidates did not converge, and the message of the first of them."""
        bad = np.flatnonzero(~self.success)
        if not bad.size:
            return "; ".join(["converged", *self._doubts()])
        first = int(bad[0])
        return (
            f"{bad.size} of {len(self)} candidates failed; candidate {first}: {self.candidate(first).message}"
        )

    def _doubts(self) -> list[str]:
        doubts = []
        if exceeded := self._exceeded():
            count = _candidates(np.any(list(exceeded.values()), axis=0))
            doubts.append(
                f"error estimates of {count} exceed what was asked for ({', '.join(exceeded)}): "
                "ask for a smaller accuracy"
            )
        if np.any(unknown := self._unknown()):
            doubts.append(
                f"no error could be estimated of {_candidates(unknown)}, as longer steps diverge: "
                "ask for a smaller accuracy"
            )
        near = np.isposinf((self.error_estimate or {}).get("length", 0.0)) & ~unknown
        if np.any(near):
            doubts.append(
                f"the strand ends about where the centre solidifies in {_candidates(near)}: "
                "the length may lie before or behind its end"
            )
        return doubts

    def candidate(self, n: int) -> Solution:
        """One candidate's solution."""
        strand = self.strand.replace({name: float(values[n]) for name, values in self.parameters.items()})
        return Solution(
            strand,
            self.grid,
            self.x,
            self.y,
            self.z,
            self.probes,
            self.sections,
            self.gradient,
            self.status[n],
            self.status_step[n],
            self.damping[n],
            {name: values[n] for name, values in self.fields.items()},
            options=self.options,
            error_estimate=None
            if self.error_estimate is None
            else {name: float(values[n]) for name, values in self.error_estimate.items()},
        )

    def plot(self) -> Figure:
        """Metallurgical length, shell and temperatures of all candidates, as a matplotlib figure."""
        figure: Figure = late("tundish.casting.plots:plot_batch")(self)
        return figure

    def plot_sections(self) -> Figure:
        """Not for a batch: take one candidate of it."""
        raise ArgumentTypeError(
            "plot_sections", MISSING, "take one candidate, batch.candidate(n).plot_sections()"
        )

    def _lead(self) -> tuple[str, ...]:
        return ("candidate",)

    def _lead_coordinates(self) -> dict[str, Any]:
        return {name: ("candidate", values) for name, values in self.parameters.items()}

    def __repr__(self) -> str:
        nodes = f"{self.x.size} x {self.y.size} nodes, {self.z.size - 1} steps"
        return f"<{type(self).__name__}: {len(self)} candidates, {nodes}, {self.message}>"


def _candidates(where: NDArray[Any]) -> str:
    count = int(np.count_nonzero(where))
    return f"{count} candidate{'' if count == 1 else 's'}"


def _equal(one: Any, other: Any) -> bool:
    """Whether two values of solutions are equal, NaN to NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, np.ndarray | np.generic | float):
        return np.array_equal(one, other, equal_nan=True)
    return bool(one == other)
