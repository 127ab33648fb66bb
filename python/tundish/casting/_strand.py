"""What is cast: a steel, a section, and the cooling on its way down."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tundish import _core
from tundish._common.arguments import number, pair
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, UnknownNameError
from tundish.casting._steel import Steel

Faces = tuple[float, float]


def _faces(name: str, value: object) -> Faces | None:
    return None if value is None else pair(name, value)


@dataclasses.dataclass(frozen=True)
class Mold:
    """The mould: from the meniscus, z = 0, down to `length` (m).

    A face loses `heat_flux` + `htc` (T - ambient): `heat_flux` in W/m2 (Eqs. (10), (11) of Energies 2020,
    13, 2429), `htc` in W/(m2 K). Either is a pair (face x at width/2, face y at thickness/2), or one number
    for both.
    """

    length: float
    heat_flux: Faces | None = None
    htc: Faces | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", number("mold.length", self.length))
        object.__setattr__(self, "heat_flux", _faces("mold.heat_flux", self.heat_flux))
        object.__setattr__(self, "htc", _faces("mold.htc", self.htc))
        if self.heat_flux is None and self.htc is None:
            raise ArgumentError("mold", MISSING, "heat_flux or htc must be given")


@dataclasses.dataclass(frozen=True)
class Zone:
    """A zone of secondary cooling: from the end of what comes before it to `end` (m from the meniscus).

    A face loses `htc` (T - ambient) + `heat_flux`: `htc` in W/(m2 K) (Eqs. (12), (13) of Energies 2020,
    13, 2429), `heat_flux` in W/m2. Either is a pair (face x at width/2, face y at thickness/2), or one number
    for both.
    """

    end: float
    htc: Faces | None = None
    heat_flux: Faces | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", number("end", self.end))
        object.__setattr__(self, "htc", _faces("htc", self.htc))
        object.__setattr__(self, "heat_flux", _faces("heat_flux", self.heat_flux))
        if self.heat_flux is None and self.htc is None:
            raise ArgumentError("zone", MISSING, "htc or heat_flux must be given")


@dataclasses.dataclass(frozen=True)
class Strand:
    """A strand of rectangular section, cast at a steady speed.

    - `steel`: a :class:`Steel`.
    - `width`, `thickness`: of the full section, m; a quarter of it is solved.
    - `length`: from the meniscus to the end of the last zone, m.
    - `speed`: of casting, m/s.
    - `pouring_temperature`, `ambient_temperature`: K.
    - `mold`, `zones`: the cooling, a :class:`Mold` and one or more :class:`Zone`, without gaps; the last zone
      ends at `length`.

    Raises ValueError or TypeError naming what is impossible.
    """

    steel: Steel
    width: float
    thickness: float
    length: float
    speed: float
    pouring_temperature: float
    ambient_temperature: float
    mold: Mold
    zones: Sequence[Zone]
    _core: _core.Strand = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.steel, Steel):
            raise ArgumentTypeError("steel", self.steel, "must be a Steel")
        if not isinstance(self.mold, Mold):
            raise ArgumentTypeError("mold", self.mold, "must be a Mold")
        if not isinstance(self.zones, Iterable):
            raise ArgumentTypeError("zones", self.zones, "must be a list of Zone")
        zones = tuple(self.zones)
        if not all(isinstance(zone, Zone) for zone in zones):
            raise ArgumentTypeError("zones", self.zones, "must be a list of Zone")
        names = ("width", "thickness", "length", "speed", "pouring_temperature", "ambient_temperature")
        for name in names:
            object.__setattr__(self, name, number(name, getattr(self, name)))
        object.__setattr__(self, "zones", zones)
        core = _core.Strand(
            self.steel._core,
            self.width,
            self.thickness,
            self.speed,
            self.pouring_temperature,
            self.ambient_temperature,
            [_cooling(self.mold.length, self.mold), *(_cooling(zone.end, zone) for zone in zones)],
        )
        if not abs(zones[-1].end - self.length) <= 1e-9 * zones[-1].end:
            raise ArgumentError(
                "zones",
                MISSING,
                f"the last one ends at {zones[-1].end:g} m; it must end at length = {self.length:g} m",
            )
        object.__setattr__(self, "_core", core)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(
            getattr(self, field.name) for field in dataclasses.fields(self) if field.init
        )

    def parameters(self) -> dict[str, float]:
        """Every number that can be changed, identified or differentiated, by its dotted name (SI units).

        `speed`, the two temperatures, the cooling that mould and zones were given (`mold.heat_flux.x`,
        `zones.0.htc.y`, ...), and the steel's own (`steel.latent_heat`, ...).
        """
        return dict(self._parameters)

    @functools.cached_property
    def _parameters(self) -> dict[str, float]:
        values = zip(self._core.slot_names, self._core.slots, strict=True)
        return {name: value for name, value in values if self._given(name)}

    def cooling(self) -> dict[str, float]:
        """The parameters of mould and zones by name, without those that are zero."""
        values = self.parameters().items()
        return {n: value for n, value in values if n.startswith(("mold.", "zones.")) and value > 0}

    def _given(self, name: str) -> bool:
        part, *rest = name.split(".")
        if part == "mold":
            return getattr(self.mold, rest[0]) is not None
        if part == "zones":
            return getattr(self.zones[int(rest[0])], rest[1]) is not None
        return True

    def replace(self, changes: Mapping[str, float]) -> Strand:
        """A strand with other numbers by name, as :meth:`parameters` lists them; this one stays as it is.

        Raises KeyError for an unknown name, and what :class:`Strand` raises.
        """
        known = self.parameters()
        mold, zones = self.mold, list(self.zones)
        steel: dict[str, float] = {}
        plain: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                raise UnknownNameError(
                    "changes", name, "is no parameter of this strand; it has " + ", ".join(known)
                )
            value = number(name, value)
            part, *rest = name.split(".")
            if part == "steel":
                steel[name.removeprefix("steel.")] = value
            elif part == "mold":
                mold = dataclasses.replace(mold, **_face_changed(mold, rest[0], rest[1], value))
            elif part == "zones":
                zone = zones[int(rest[0])]
                zones[int(rest[0])] = dataclasses.replace(
                    zone, **_face_changed(zone, rest[1], rest[2], value)
                )
            else:
                plain[name] = value
        return dataclasses.replace(
            self, steel=self.steel.replace(steel) if steel else self.steel, mold=mold, zones=zones, **plain
        )


def _cooling(end: float, part: Mold | Zone) -> tuple[float, Faces, Faces]:
    """End, heat flux and htc of the mould or a zone; what was not given is zero."""
    nothing = (0.0, 0.0)
    return end, part.heat_flux or nothing, part.htc or nothing


def _face_changed(part: Mold | Zone, kind: str, face: str, value: float) -> dict[str, Any]:
    x, y = getattr(part, kind)
    return {kind: (value, y) if face == "x" else (x, value)}


# The unit in which a parameter is shown, and its size in SI, by the part of the dotted name that has it.
_UNITS = {
    "speed": ("m/s", 1.0),
    "pouring_temperature": ("K", 1.0),
    "ambient_temperature": ("K", 1.0),
    "heat_flux": ("MW/m²", 1e6),
    "htc": ("W/(m² K)", 1.0),
    "solidus": ("K", 1.0),
    "liquidus": ("K", 1.0),
    "pure_iron_melting": ("K", 1.0),
    "latent_heat": ("kJ/kg", 1e3),
    "specific_heat": ("J/(kg K)", 1.0),
    "density": ("kg/m³", 1.0),
}


def display_unit(name: str) -> tuple[str, float]:
    """The unit in which a parameter is shown, and its size in SI units; ("SI", 1) where there is none."""
    return next((_UNITS[word] for word in name.split(".") if word in _UNITS), ("SI", 1.0))
