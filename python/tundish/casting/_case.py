"""Case files: a strand, its mesh and what to keep of it, written down in TOML (docs/case-format.md)."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from tundish._common.arguments import choice, integer, number, pair
from tundish.casting._grid import Grid
from tundish.casting._solution import Solution
from tundish.casting._solve import Solver, solve
from tundish.casting._steel import Steel
from tundish.casting._strand import Mold, Strand, Zone

PUBLISHED = Path(__file__).with_name("cases") / "published.toml"
PUBLISHED_READINGS = PUBLISHED.with_suffix(".csv")  # synthetic, by tools/make_readings.py

Place = tuple[float, float]
Table = Mapping[str, Any]
Convert = Callable[[str, Any], Any]


@dataclasses.dataclass(frozen=True)
class Case:
    """A strand and how it is to be solved: what a case file holds.

    - `strand`: a :class:`Strand`; `grid`: a :class:`Grid`.
    - `probes`: (n, 2) places (x, y) in the section, m. `sections`: z of the sections kept whole, m.
    - `method`, `phase_change`, `relaxation`, `tolerance` (K), `max_sweeps`, `ordering`, `dtype`: as
      :func:`solve` takes them.

    Raises ValueError or TypeError naming the argument that :func:`solve` would refuse.
    """

    strand: Strand
    grid: Grid = dataclasses.field(default_factory=Grid)
    probes: tuple[Place, ...] = ()
    sections: tuple[float, ...] = ()
    method: str = "adi"
    phase_change: str = "enthalpy"
    relaxation: float = 1.4
    tolerance: float | None = None
    max_sweeps: int = 10_000
    ordering: str = "lexicographic"
    dtype: str = "float64"

    def __post_init__(self) -> None:
        # Making the plan checks everything; the march is left for later.
        Solver(
            self.strand, self.grid, gradient=(), outputs=None, threads=None, backend="cpu", **self._options()
        )

    def solve(self) -> Solution:
        """The temperatures of the strand."""
        return solve(self.strand, self.grid, **self._options())

    def _options(self) -> dict[str, Any]:
        names = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in names if name not in ("strand", "grid")}


def published_strand() -> Strand:
    """The strand of Energies 2020, 13, 2429: a 160 mm square billet, 15.5 m long, cast at 2.5 m/min.

    Where the paper is silent: the surroundings are at 303 K, and the latent heat that Scheil's equation has
    not released at the solidus is never released (`residual="none"`).
    """
    return read_case().strand


def read_case(path: str | PathLike[str] | None = None) -> Case:
    """Reads a case from a TOML file; docs/case-format.md describes it. All numbers are SI and K.

    **Main arguments:**

    - `path`: the file; None is the bundled case, :func:`published_strand` with its three thermocouples.

    **Raises:** ValueError that begins with the file's name and names the key that is unknown, missing, or of
    an impossible value; OSError when the file cannot be read.
    """
    file = PUBLISHED if path is None else Path(path)
    with _reworded(lambda message: f"{file}: {message}"):
        try:
            document = tomllib.loads(file.read_text("utf-8-sig"))
        except ValueError as error:
            raise ValueError(f"is not TOML: {error}") from None
        return _case(document, file.parent)


def _case(document: Table, folder: Path) -> Case:
    _check_keys("", document, ["strand", "steel", "mold", "zones"], ["grid", "solve", "output"])
    values = _read("strand", document["strand"], _STRAND)
    steel = _steel(document["steel"], folder)
    mold = Mold(**_cooling("mold", document["mold"], {"length": number}))
    zones = [Zone(**zone) for zone in _zones(document["zones"])]
    options = _read("solve", document.get("solve", {}), {}, _SOLVE)
    outputs = _read("output", document.get("output", {}), {}, _OUTPUT)
    mesh = _read("grid", document.get("grid", {}), {}, _GRID)
    with _reworded(_with_table):
        strand = Strand(steel, mold=mold, zones=zones, **values)
        return Case(strand, Grid(**mesh), **options, **outputs)


def _steel(table: Any, folder: Path) -> Steel:
    makers = {"scheil": _scheil_steel, "table": _table_steel, "file": _file_steel}
    _check_table("steel", table)
    if "kind" not in table:
        raise ValueError("steel.kind is missing: must be 'scheil' or 'table'")
    kind = choice("steel.kind", table["kind"], ["scheil", "table"])
    make = makers["file" if kind == "table" and "file" in table else kind]
    with _reworded(_with_table):
        return make({key: value for key, value in table.items() if key != "kind"}, folder)


def _scheil_steel(table: Table, _: Path) -> Steel:
    return Steel.scheil(**_read("steel", table, _SCHEIL, _SCHEIL_OPTIONS))


def _table_steel(table: Table, _: Path) -> Steel:
    columns = _read("steel", table, _COLUMNS, _LATENT_HEAT)
    return Steel.from_table(columns, latent_heat=columns.get("latent_heat", 0.0))


def _file_steel(table: Table, folder: Path) -> Steel:
    values = _read("steel", table, {"file": _text}, _LATENT_HEAT)
    with _reworded(lambda message: f"steel.file = {values['file']!r}: {message}"):
        try:
            return Steel.from_table(folder / values["file"], latent_heat=values.get("latent_heat", 0.0))
        except OSError as error:
            raise ValueError(error.strerror) from None


def _zones(tables: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(tables, list):
        raise ValueError("zones: must be a list of tables, each headed [[zones]]")
    for n, table in enumerate(tables):
        yield _cooling(f"zones.{n}", table, {"end": number})


def _cooling(name: str, table: Any, required: Mapping[str, Convert]) -> dict[str, Any]:
    values = _read(name, table, required, {"heat_flux": pair, "htc": pair})
    if not values.keys() & {"heat_flux", "htc"}:
        raise ValueError(f"{name}: heat_flux or htc must be given")
    return values


def _read(
    name: str, table: Any, required: Mapping[str, Convert], optional: Mapping[str, Convert] | None = None
) -> dict[str, Any]:
    """The converted values of one table of the file, all of them known and none missing."""
    _check_table(name, table)
    converts = {**required, **(optional or {})}
    _check_keys(f"{name}.", table, required, optional or ())
    return {key: converts[key](f"{name}.{key}", value) for key, value in table.items()}


def _check_table(name: str, table: Any) -> None:
    if not isinstance(table, Mapping):
        raise ValueError(f"{name} = {table!r}: must be a table, headed [{name}]")


def _check_keys(prefix: str, table: Table, required: Iterable[str], optional: Iterable[str]) -> None:
    allowed = [*required, *optional]
    for key in table:
        if key not in allowed:
            raise ValueError(f"{prefix}{key} is unknown; allowed are " + ", ".join(allowed))
    for key in required:
        if key not in table:
            raise ValueError(f"{prefix}{key} is missing")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} = {value!r}: must be a text")
    return value


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{name} = {value!r}: must be a list of numbers")
    return tuple(number(f"{name}[{n}]", item) for n, item in enumerate(value))


def _number_or_numbers(name: str, value: Any) -> float | tuple[float, ...]:
    return _numbers(name, value) if isinstance(value, list) else number(name, value)


def _places(name: str, value: Any) -> tuple[Place, ...]:
    if not isinstance(value, list) or not all(isinstance(place, list) for place in value):
        raise TypeError(f"{name} = {value!r}: must be a list of places [x, y]")
    return tuple(_place(f"{name}[{n}]", place) for n, place in enumerate(value))


def _place(name: str, value: list[Any]) -> Place:
    if len(value) != 2:
        raise ValueError(f"{name} = {value!r}: must be a place [x, y]")
    return number(f"{name}[0]", value[0]), number(f"{name}[1]", value[1])


@contextmanager
def _reworded(reword: Callable[[str], str]) -> Iterator[None]:
    """Turns what is refused inside into a ValueError with another message."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(reword(str(error.args[0] if isinstance(error, KeyError) else error))) from None


def _with_table(message: str) -> str:
    """Puts its table before the key that a message begins with: "nx = 1: ..." becomes "grid.nx = 1: ..."."""
    key = re.split(r"\W", message, maxsplit=1)[0]
    tables = [f"{table}." for table, keys in _TABLES.items() if key in keys]
    return "".join(tables) + message


_STRAND: Mapping[str, Convert] = dict.fromkeys(
    ("width", "thickness", "length", "speed", "pouring_temperature", "ambient_temperature"), number
)
_SCHEIL: Mapping[str, Convert] = {
    **dict.fromkeys(("solidus", "liquidus", "pure_iron_melting", "partition", "latent_heat"), number),
    "specific_heat": pair,
    "density": pair,
    "conductivity": _numbers,
}
_SCHEIL_OPTIONS: Mapping[str, Convert] = {"liquid_conductivity_factor": number, "residual": _text}
_LATENT_HEAT: Mapping[str, Convert] = {"latent_heat": number}
_COLUMNS: Mapping[str, Convert] = dict.fromkeys(
    ("temperature_K", "solid_fraction", "density", "specific_heat", "conductivity"), _numbers
)
_GRID: Mapping[str, Convert] = {
    "nx": integer,
    "ny": integer,
    "dz_mold": number,
    "dz_spray": _number_or_numbers,
    "grading": pair,
    "ramp": number,
}
_SOLVE: Mapping[str, Convert] = {
    "method": _text,
    "phase_change": _text,
    "relaxation": number,
    "tolerance": number,
    "max_sweeps": integer,
    "ordering": _text,
    "dtype": _text,
}
_OUTPUT: Mapping[str, Convert] = {"probes": _places, "sections": _numbers}
_TABLES: Mapping[str, Iterable[str]] = {
    "strand": _STRAND,
    "steel": {**_SCHEIL, **_SCHEIL_OPTIONS, **_COLUMNS},
    "grid": _GRID,
    "solve": _SOLVE,
    "output": _OUTPUT,
}
