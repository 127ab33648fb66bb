"""Steels: what the heat equation needs to know of a grade."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tundish import _core
from tundish._common.arguments import Floats, choice, number, pair, vector
from tundish._common.refusals import (
    MISSING,
    ArgumentError,
    ArgumentTypeError,
    RefusalError,
    Shape,
    UnknownNameError,
)

_COLUMNS = ("temperature_K", "solid_fraction", "density", "specific_heat", "conductivity")
_RESIDUALS = {
    "none": _core.Residual.none,
    "solidus": _core.Residual.solidus,
    "rescale": _core.Residual.rescale,
}
_MAX_LOST = 0.05  # share of the latent heat that may be lost without a warning


class Steel:
    """A steel grade. Make one with :meth:`scheil` or :meth:`from_table`; it cannot be changed.

    Properties are evaluated in closed form, temperatures in K, for scalars and arrays of any shape. Steels
    compare by value: by how they were made, and their :meth:`parameters`.
    """

    _made: tuple[Any, ...]  # the residual of Scheil's equation, or the columns of a table

    def __init__(self, core: _core.Steel, description: str) -> None:
        self._core = core
        self._description = description

    @classmethod
    def _of(cls, core: _core.Steel, description: str, made: tuple[Any, ...]) -> Steel:
        steel = cls(core, description)
        steel._made = made
        return steel

    def _value(self) -> tuple[Any, ...]:
        return self._made, tuple(self._core.parameters)

    def __eq__(self, other: object) -> bool:
        return self._value() == other._value() if isinstance(other, Steel) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._value())

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (*self._value(), self._description)

    @classmethod
    def scheil(
        cls,
        *,
        solidus: float,
        liquidus: float,
        pure_iron_melting: float,
        partition: float,
        latent_heat: float,
        specific_heat: tuple[float, float],
        density: tuple[float, float],
        conductivity: Sequence[float],
        liquid_conductivity_factor: float = 1.0,
        residual: str = "none",
    ) -> Steel:
        """A steel that freezes by Scheil's equation (Energies 2020, 13, 2429, Eqs. (3)-(9)).

        **Main arguments:**

        - `solidus`, `liquidus`, `pure_iron_melting`: K, in rising order.
        - `partition`: concentration in the solid over that in the liquid, between 0 and 1.
        - `latent_heat`: J/kg.
        - `specific_heat`, `density`: of the solid and the liquid, J/(kg K) and kg/m3. In the freezing range
          they are mixed by the solid fraction.
        - `conductivity`: coefficients of a polynomial in the temperature in K, W/(m K), up to the solidus.
        - `liquid_conductivity_factor`: the liquid conducts this many times as well as the solid at the
          solidus; in the freezing range the factor rises with the square of the temperature.

        **Other arguments:**

        - `residual`: where the latent heat goes that Scheil's equation has not released at the solidus.
          "none": nowhere, the literal equation; "solidus": all of it at the solidus (the march spreads it
          over the 4 K above); "rescale": over the whole freezing range.

        **Raises:** ValueError for impossible values, TypeError for what is no number.

        **Warns:** UserWarning where `residual="none"` loses more than 5 % of the latent heat.
        """
        heat, mass = (
            pair("specific_heat", specific_heat, "solid and liquid"),
            pair("density", density, "solid and liquid"),
        )
        parameters = [
            number("solidus", solidus),
            number("liquidus", liquidus),
            number("pure_iron_melting", pure_iron_melting),
            number("partition", partition),
            number("latent_heat", latent_heat),
            *heat,
            *mass,
            number("liquid_conductivity_factor", liquid_conductivity_factor),
            *vector("conductivity", conductivity),
        ]
        choice("residual", residual, list(_RESIDUALS))
        description = f"Steel.scheil(solidus={solidus:g}, liquidus={liquidus:g}, residual={residual!r})"
        steel = cls._of(_core.Steel.scheil(parameters, _RESIDUALS[residual]), description, (residual,))
        left = (pure_iron_melting - solidus) / (pure_iron_melting - liquidus)
        lost = left ** (1 / (partition - 1))  # still liquid at the solidus, by Eq. (4)
        if residual == "none" and lost > _MAX_LOST:
            warnings.warn(
                f"partition = {partition:g}: {100 * lost:.2g} % of the latent heat is not released down to "
                'the solidus, and lost with residual="none"; write residual="solidus" or residual="rescale"',
                UserWarning,
                stacklevel=2,
            )
        return steel

    @classmethod
    def from_table(
        cls, table: str | PathLike[str] | Mapping[str, ArrayLike] | ArrayLike, *, latent_heat: float = 0.0
    ) -> Steel:
        """A steel known at a few temperatures, its properties running straight between them.

        **Main arguments:**

        - `table`: a CSV file, a mapping of columns (a DataFrame will do), or an array (rows, 5), with the
          columns temperature_K (increasing), solid_fraction (1 in the first row, 0 in the last, never
          rising), density in kg/m3, specific_heat in J/(kg K) and conductivity in W/(m K). Outside the
          table the properties stay what they are at its ends.

        **Other arguments:**

        - `latent_heat`: J/kg, released as the solid fraction grows. Leave it 0 where the specific heat
          already contains it.

        **Raises:** ValueError naming column and row (from 0, header not counted), KeyError for a missing
        column, FileNotFoundError.
        """
        columns = _read_columns(table)
        temperature, solid_fraction, density, specific_heat, conductivity = (
            columns[name] for name in _COLUMNS
        )
        core = _core.Steel.table(
            temperature,
            solid_fraction,
            density,
            specific_heat,
            conductivity,
            number("latent_heat", latent_heat),
        )
        made = tuple(tuple(columns[name].tolist()) for name in _COLUMNS)
        return cls._of(core, f"Steel.from_table({len(columns['temperature_K'])} rows)", made)

    @property
    def solidus(self) -> float:
        """K; of a table, the highest temperature that is all solid."""
        return self._core.solidus

    @property
    def liquidus(self) -> float:
        """K; of a table, the lowest temperature that is all liquid."""
        return self._core.liquidus

    def enthalpy(self, temperature: ArrayLike) -> Floats:
        """J/m3, latent heat included, 0 at the solidus: the integral of density x heat capacity."""
        return self._property(_core.Property.enthalpy, temperature)

    def temperature(self, enthalpy: ArrayLike) -> Floats:
        """K at an enthalpy in J/m3: the inverse of :meth:`enthalpy`."""
        return self._core.temperature(np.asarray(enthalpy, np.float64, order="C"))[()]

    def heat_capacity(self, temperature: ArrayLike) -> Floats:
        """J/(kg K), latent heat included: the substitute thermal capacity of Eqs. (3) and (5)."""
        return self._property(_core.Property.heat_capacity, temperature)

    def solid_fraction(self, temperature: ArrayLike) -> Floats:
        """Volume share of solid, Eq. (4)."""
        return self._property(_core.Property.solid_fraction, temperature)

    def density(self, temperature: ArrayLike) -> Floats:
        """kg/m3, Eq. (7)."""
        return self._property(_core.Property.density, temperature)

    def conductivity(self, temperature: ArrayLike) -> Floats:
        """W/(m K), effective in the liquid, Eq. (8)."""
        return self._property(_core.Property.conductivity, temperature)

    def potential(self, temperature: ArrayLike) -> Floats:
        """Kirchhoff's potential, W/m, 0 at the solidus: the integral of the conductivity."""
        return self._property(_core.Property.potential, temperature)

    def parameters(self) -> dict[str, float]:
        """The numbers that can be changed by :meth:`replace`, by name."""
        return dict(zip(self._core.names, self._core.parameters, strict=True))

    def replace(self, changes: Mapping[str, float]) -> Steel:
        """The same steel with other parameters. Raises KeyError for an unknown name."""
        parameters = self.parameters()
        for name, value in changes.items():
            if name not in parameters:
                raise UnknownNameError(
                    "changes", name, "is no parameter of this steel; it has " + ", ".join(parameters)
                )
            parameters[name] = number(name, value)
        return Steel._of(self._core.replaced(list(parameters.values())), self._description, self._made)

    def _property(self, which: _core.Property, temperature: ArrayLike) -> Floats:
        return self._core.property(which, np.asarray(temperature, np.float64, order="C"))[()]

    def __repr__(self) -> str:
        return self._description


def _made_again(made: tuple[Any, ...], parameters: tuple[float, ...], description: str) -> Steel:
    """A steel out of a copy or a pickle, without the warnings of its making."""
    if len(made) == 1:
        core = _core.Steel.scheil(list(parameters), _RESIDUALS[made[0]])
    else:
        core = _core.Steel.table(*made, *parameters)
    return Steel._of(core, description, made)


def _read_columns(table: Any) -> dict[str, Floats]:
    if isinstance(table, str | PathLike):
        return _read_csv(Path(table))
    if isinstance(table, Mapping) or hasattr(table, "columns"):
        _refuse_missing(table)
        return {name: vector(name, table[name]) for name in _COLUMNS}
    try:
        array = np.asarray(table, np.float64)
    except (TypeError, ValueError):
        raise ArgumentTypeError(
            "table", MISSING, "must be a CSV file, a mapping of columns or an array (rows, 5)"
        ) from None
    if array.ndim != 2 or array.shape[1] != len(_COLUMNS):
        needed = f"(rows, {len(_COLUMNS)}) is needed: " + ", ".join(_COLUMNS)
        raise ArgumentError("table", Shape(array.shape), needed)
    return {name: vector(name, array[:, k]) for k, name in enumerate(_COLUMNS)}


def _refuse_missing(columns: Any) -> None:
    for name in _COLUMNS:
        if name not in columns:
            needed = ", ".join(_COLUMNS)
            raise UnknownNameError("table", MISSING, f"column {name!r} is missing; needed are {needed}")


def _read_csv(path: Path) -> dict[str, Floats]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        try:
            _refuse_missing(reader.fieldnames or ())
            columns: dict[str, list[float]] = {name: [] for name in _COLUMNS}
            for n, row in enumerate(reader):
                for name in _COLUMNS:
                    columns[name].append(_number(f"{name}[{n}]", row[name]))
        except RefusalError as error:
            raise error.at(path) from None
    return {name: np.array(values) for name, values in columns.items()}


def _number(name: str, text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        raise ArgumentError(name, text, "must be a number") from None
