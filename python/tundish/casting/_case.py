"""Case files: a strand, its mesh and what to keep of it, written down in TOML (docs/case-format.md)."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from tundish._common.arguments import choice, number
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, RefusalError
from tundish.casting._grid import Grid
from tundish.casting._options import Options
from tundish.casting._plan import Plan
from tundish.casting._solution import Solution
from tundish.casting._steel import Steel
from tundish.casting._strand import Mold, Strand, Zone

PUBLISHED_CASE = Path(__file__).with_name("cases") / "published.toml"
PUBLISHED_READINGS = PUBLISHED_CASE.with_suffix(".csv")  # synthetic, by tools/make_readings.py

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
    method: str = Options.method
    phase_change: str = Options.phase_change
    relaxation: float = Options.relaxation
    tolerance: float | None = Options.tolerance
    max_sweeps: int = Options.max_sweeps
    ordering: str = Options.ordering
    dtype: str = Options.dtype

    def __post_init__(self) -> None:
        names = (field.name for field in dataclasses.fields(self))
        values = {name: getattr(self, name) for name in names}
        plan = Plan(values.pop("strand"), values.pop("grid"), **values)
        object.__setattr__(self, "_plan", plan)
        object.__setattr__(self, "probes", tuple((x, y) for x, y in plan.probes.tolist()))
        object.__setattr__(self, "sections", tuple(plan.sections.tolist()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in dataclasses.fields(self))

    @property
    def plan(self) -> Plan:
        """The :class:`Plan` of this case; making the case has made and checked it."""
        plan: Plan = self.__dict__["_plan"]
        return plan

    @property
    def options(self) -> Options:
        """How the strand is solved, as :class:`Options`."""
        return self.plan.options

    def solve(self) -> Solution:
        """The temperatures of the strand."""
        return self.plan.run()


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
    file = PUBLISHED_CASE if path is None else Path(path)
    try:
        document = tomllib.loads(file.read_text("utf-8-sig"))
    except ValueError as error:
        raise ArgumentError("", MISSING, f"is not TOML: {error}", file=str(file)) from None
    try:
        return _case(document, file.parent)
    except RefusalError as error:  # a TypeError, too, is a wrong value of the file
        raise ArgumentError(error.argument, error.value, error.allowed, file=str(file)) from None


def _case(document: Table, folder: Path) -> Case:
    _check_keys("", document, ["strand", "steel", "mold", "zones"], ["grid", "solve", "output"])
    values = _read("strand", document["strand"], _STRAND)
    steel = _steel(document["steel"], folder)
    mold = Mold(**_read("mold", document["mold"], ["length"], _COOLING))
    zones = list(_zones(document["zones"]))
    options = _read("solve", document.get("solve", {}), (), _SOLVE)
    outputs = _read("output", document.get("output", {}), (), _OUTPUT)
    mesh = _read("grid", document.get("grid", {}), (), _GRID)
    with _named_by_table():
        strand = Strand(steel, mold=mold, zones=zones, **values)
        return Case(strand, Grid(**mesh), **options, **outputs)


def _zones(tables: Any) -> Iterator[Zone]:
    if not isinstance(tables, list):
        raise ArgumentError("zones", MISSING, "must be a list of tables, each headed [[zones]]")
    for n, table in enumerate(tables):
        values = _read(f"zones.{n}", table, ["end"], _COOLING)
        try:
            yield Zone(**values)
        except RefusalError as error:
            part = "" if error.argument == "zone" else f".{error.argument}"
            raise error.named(f"zones.{n}{part}") from None


def _steel(table: Any, folder: Path) -> Steel:
    makers = {"scheil": _scheil_steel, "table": _table_steel, "file": _file_steel}
    _check_table("steel", table)
    if "kind" not in table:
        raise ArgumentError("steel.kind", MISSING, "is missing: must be 'scheil' or 'table'")
    kind = choice("steel.kind", table["kind"], ["scheil", "table"])
    make = makers["file" if kind == "table" and "file" in table else kind]
    return make({key: value for key, value in table.items() if key != "kind"}, folder)


def _scheil_steel(table: Table, _: Path) -> Steel:
    values = _read("steel", table, _SCHEIL, _SCHEIL_OPTIONS)
    with _named_by_table():
        return Steel.scheil(**values)


def _table_steel(table: Table, _: Path) -> Steel:
    columns = _read("steel", table, _COLUMNS, _LATENT_HEAT)
    with _named_by_table():
        return Steel.from_table(columns, latent_heat=columns.get("latent_heat", 0.0))


def _file_steel(table: Table, folder: Path) -> Steel:
    values = _read("steel", table, {"file": _text}, _LATENT_HEAT)
    file = values["file"]
    try:
        return Steel.from_table(folder / file, latent_heat=values.get("latent_heat", 0.0))
    except OSError as error:
        raise ArgumentError("steel.file", file, str(error.strerror)) from None
    except RefusalError as error:  # of the whole table, of a number in its columns, or of the latent heat
        if error.argument == "table":
            raise ArgumentError("steel.file", file, error.allowed) from None
        table_name = "steel" if error.rest_of("latent_heat") is not None else "steel.file"
        raise error.named(f"{table_name}.{error.argument}") from None
    except ValueError as error:  # its encoding
        raise ArgumentError("steel.file", file, str(error)) from None


def _read(
    name: str,
    table: Any,
    required: Iterable[str],
    optional: Iterable[str] = (),
) -> dict[str, Any]:
    """The values of one table of the file, all of them known and none missing.

    Values are converted where `required` or `optional` map their key to a function; the others are checked
    by what is made of them.
    """
    _check_table(name, table)
    _check_keys(f"{name}.", table, required, optional)
    converts: dict[str, Convert | None] = {}
    for keys in (required, optional):
        converts |= keys if isinstance(keys, Mapping) else {}
    values = {}
    for key, value in table.items():
        convert = converts.get(key)
        values[key] = value if convert is None else convert(f"{name}.{key}", value)
    return values


def _check_table(name: str, table: Any) -> None:
    if not isinstance(table, Mapping):
        raise ArgumentError(name, table, f"must be a table, headed [{name}]")


def _check_keys(prefix: str, table: Table, required: Iterable[str], optional: Iterable[str]) -> None:
    allowed = [*required, *optional]
    for key in table:
        if key not in allowed:
            raise ArgumentError(f"{prefix}{key}", MISSING, "is unknown; allowed are " + ", ".join(allowed))
    for key in required:
        if key not in table:
            raise ArgumentError(f"{prefix}{key}", MISSING, "is missing")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentTypeError(name, value, "must be a text")
    return value


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise ArgumentTypeError(name, value, "must be a list of numbers")
    return tuple(number(f"{name}[{n}]", item) for n, item in enumerate(value))


def _places(name: str, value: Any) -> tuple[Place, ...]:
    if not isinstance(value, list) or not all(isinstance(place, list) for place in value):
        raise ArgumentTypeError(name, value, "must be a list of places [x, y]")
    return tuple(_place(f"{name}[{n}]", place) for n, place in enumerate(value))


def _place(name: str, value: list[Any]) -> Place:
    if len(value) != 2:
        raise ArgumentError(name, value, "must be a place [x, y]")
    return number(f"{name}[0]", value[0]), number(f"{name}[1]", value[1])


@contextmanager
def _named_by_table() -> Iterator[None]:
    """Puts its table before the argument that is refused inside: "nx" becomes "grid.nx"."""
    try:
        yield
    except RefusalError as error:
        for table, keys in _TABLES.items():
            if any(error.rest_of(key) is not None for key in keys):
                raise error.named(f"{table}.{error.argument}") from None
        raise


# The keys of each table. Those that map to a function are converted by it; the others are left to the
# classes that they are given to.
_COOLING = ("heat_flux", "htc")
_STRAND = ("width", "thickness", "length", "speed", "pouring_temperature", "ambient_temperature")
_SCHEIL: Mapping[str, Convert | None] = {
    **dict.fromkeys(("solidus", "liquidus", "pure_iron_melting", "partition", "latent_heat")),
    **dict.fromkeys(("specific_heat", "density")),
    "conductivity": _numbers,
}
_SCHEIL_OPTIONS: Mapping[str, Convert | None] = {"liquid_conductivity_factor": None, "residual": _text}
_LATENT_HEAT: Mapping[str, Convert | None] = {"latent_heat": number}
_COLUMNS: Mapping[str, Convert | None] = dict.fromkeys(
    ("temperature_K", "solid_fraction", "density", "specific_heat", "conductivity"), _numbers
)
_GRID = ("accuracy", "nx", "ny", "dz_mold", "dz_spray", "grading", "ramp")
_SOLVE: Mapping[str, Convert | None] = {
    **dict.fromkeys(("method", "phase_change"), _text),
    **dict.fromkeys(("relaxation", "tolerance", "max_sweeps")),
    **dict.fromkeys(("ordering", "dtype"), _text),
}
_OUTPUT: Mapping[str, Convert | None] = {"probes": _places, "sections": _numbers}
_TABLES: Mapping[str, Iterable[str]] = {
    "strand": _STRAND,
    "steel": {**_SCHEIL, **_SCHEIL_OPTIONS, **_COLUMNS},
    "grid": _GRID,
    "solve": _SOLVE,
    "output": _OUTPUT,
}
