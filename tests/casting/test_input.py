"""Steels, strands and grids take numbers, and refuse by name what is none."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from references.refused import NO_NUMBERS, NOT_POSITIVE, refuses
from references.strand import PUBLISHED_STEEL, scheil, small_strand

from tundish.casting import Grid, Mold, Solution, Steel, Strand, Zone, solve

GRID = Grid(4, 5, 0.1, 0.4)
nan, inf = float("nan"), float("inf")


SCHEIL = ["solidus", "liquidus", "pure_iron_melting", "partition", "latent_heat"]
SCHEIL += ["liquid_conductivity_factor"]


@pytest.mark.parametrize("name", SCHEIL)
def test_scheil_takes_numbers(name: str) -> None:
    values = [*NO_NUMBERS, *(v for v in NOT_POSITIVE if v < 0 or name != "latent_heat")]
    refuses(lambda v: scheil(**{name: v}), values, name)


PAIRS: list[Any] = [
    nan, "ab", "1", None, True, [], (1.0,), (700.0, 800.0, 900.0), (nan, 800.0), (700.0, inf), ("a", 800.0),
    (700.0, None), (True, 800.0), {}, object(), [[700.0, 800.0]], 1j,
]  # fmt: skip


@pytest.mark.parametrize("name", ["specific_heat", "density"])
def test_scheil_takes_pairs(name: str) -> None:
    values = [*PAIRS, (0.0, 800.0), (700.0, -800.0)]
    refuses(lambda v: scheil(**{name: v}), values, name)


def test_scheil_takes_a_polynomial() -> None:
    values: list[Any] = [nan, "30", "many", None, True, [], {}, object(), 1j]
    values += [[v] for v in (nan, "30", None, True, 1j, -30.0, 0.0, [30.0])]
    values += [[30.0, inf], [30.0, -0.02], [30.0] * 9]
    refuses(lambda v: scheil(conductivity=v), values, "conductivity")


def test_scheil_keeps_its_temperatures_in_order() -> None:
    refuses(lambda v: scheil(solidus=v), [1728.0, 1800.0, 200.0, 100.0], "solidus")
    refuses(lambda v: scheil(liquidus=v), [1809.0, 1900.0], "liquidus")
    refuses(lambda v: scheil(partition=v), [1.0, 1.5], "partition")
    refuses(lambda v: scheil(residual=v), ["half", None, 1, True, ["none"], b"none"], "residual")
    for name in PUBLISHED_STEEL:
        if name != "liquid_conductivity_factor":
            rest = {key: value for key, value in PUBLISHED_STEEL.items() if key != name}
            with pytest.raises(TypeError, match=name):
                Steel.scheil(**rest)


STRAND = ["width", "thickness", "length", "speed", "pouring_temperature", "ambient_temperature"]


@pytest.mark.parametrize("name", STRAND)
def test_a_strand_takes_numbers(name: str) -> None:
    values = [*NO_NUMBERS, *(v for v in NOT_POSITIVE if v < 0 or name != "ambient_temperature")]
    refuses(lambda v: small_strand(**{name: v}), values, name)


def test_a_strand_takes_a_melt() -> None:
    """Above the liquidus, and in the range of the steel."""
    refuses(lambda v: small_strand(pouring_temperature=v), [1728.0, 1700.0, 2128.0], "pouring")


def test_a_strand_takes_a_steel_a_mould_and_zones() -> None:
    strand = small_strand()
    things: list[Any] = [None, 1.0, "steel", [], {}, strand, Zone(1.5, 300.0), int, True]
    refuses(lambda v: dataclasses.replace(strand, steel=v), things, "steel")
    refuses(lambda v: dataclasses.replace(strand, mold=v), things, "mold")
    refuses(lambda v: dataclasses.replace(strand, zones=v), [*things, [None], [1.5]], "zone")


@pytest.mark.parametrize(
    "ends", [[0.7], [0.7, 1.4], [1.5, 0.7], [0.7, 0.7, 1.5], [0.1, 1.5], [0.2, 1.5], [0.7, 1.6]], ids=str
)
def test_zones_are_contiguous_and_reach_the_end(ends: list[float]) -> None:
    with pytest.raises(ValueError, match=r"zones.*end"):
        small_strand(zones=[Zone(end, 300.0) for end in ends])


def test_a_mould_and_zones_take_numbers() -> None:
    def mold(**changes: Any) -> Strand:
        return small_strand(mold=Mold(**{"length": 0.2, "heat_flux": 1e6, **changes}))

    def zone(**changes: Any) -> Strand:
        return small_strand(zones=[Zone(**{"end": 1.5, "htc": 300.0, **changes})])

    faces = [v for v in PAIRS if v is not None]
    refuses(lambda v: mold(length=v), [*NO_NUMBERS, *NOT_POSITIVE, 1.5, 2.0], "")
    refuses(lambda v: mold(length=v), [*NO_NUMBERS, *NOT_POSITIVE], "mold.length")
    refuses(lambda v: mold(heat_flux=v), faces, "mold.heat_flux")
    refuses(lambda v: mold(htc=v), [*faces, -1.0, (1.0, -1e-9)], "mold.htc")
    refuses(lambda v: zone(end=v), [*NO_NUMBERS, *NOT_POSITIVE, 1.4, 0.1], "end")
    refuses(lambda v: zone(htc=v), [*faces, -1.0, (1.0, -1e-9)], "htc")
    refuses(lambda v: zone(heat_flux=v), faces, "heat_flux")
    with pytest.raises(ValueError, match="mold: heat_flux or htc"):
        Mold(0.2)
    with pytest.raises(ValueError, match="zone: htc or heat_flux"):
        Zone(0.7)


def test_a_grid_takes_numbers() -> None:
    def solved(**changes: Any) -> Solution:
        return solve(
            small_strand(), Grid(**{"nx": 4, "ny": 5, "dz_mold": 0.1, "dz_spray": 0.4, **changes}), outputs=[]
        )

    nothing = [v for v in NO_NUMBERS if v is not None]  # None is what is left out
    counts = [*nothing, *NOT_POSITIVE, 2.5, 4.0, 0, 1, -4, 20001, 10**6, 10**12, 10**30, np.float64(4)]
    for name in ("nx", "ny"):
        refuses(lambda v, name=name: solved(**{name: v}), counts, name)
    refuses(lambda v: solved(dz_mold=v), [*nothing, *NOT_POSITIVE, 0.21, 1e9, 1e-9], "dz_mold")
    steps: list[Any] = [nan, inf, -inf, "", "0.1", b"1", True, 1j, object(), {}, [], [[0.1, 0.1]], 10**400]
    steps += [*NOT_POSITIVE, 0.81, 1e9, 1e-9, (0.1, 0.1, 0.1)]
    steps += [(0.1, bad) for bad in (nan, -0.1, "a", None)]
    refuses(lambda v: solved(dz_spray=v), steps, "dz_spray")
    pairs = [v for v in PAIRS if v is not None]
    refuses(lambda v: solved(grading=v), [*pairs, *NOT_POSITIVE, inf], "grading")
    refuses(lambda v: solved(ramp=v), [*nothing, *NOT_POSITIVE, 0.99, 0.0, 1e15, 1e308], "ramp")
    with pytest.raises(ValueError, match="nx"):
        Grid(ny=5)


@pytest.mark.parametrize(
    ("nx", "ny", "options"),
    [
        (20_000, 8_000, {}),
        (20_000, 2, {"method": "sor"}),  # diagonals are as long as the section is wide
        (8_000, 8_000, {"gradient": ["speed"]}),  # however few derivatives a register holds
    ],
)
def test_a_section_that_does_not_fit_is_refused(nx: int, ny: int, options: dict[str, Any]) -> None:
    """Before anything of that size is allocated."""
    with pytest.raises(ValueError, match=r"nx.*GB"):
        solve(small_strand(), Grid(nx, ny, 0.1, 0.4), outputs=["metallurgical_length"], **options)


@pytest.mark.parametrize("grading", [1e300, 1e-300, (1.0, 1e60)], ids=str)
def test_a_grading_without_room_is_refused(grading: Any) -> None:
    """Nodes that fall on one another are no mesh."""
    with pytest.raises(ValueError, match="grading"):
        solve(small_strand(), Grid(12, 12, 0.1, 0.4, grading=grading))


def test_a_grid_that_does_not_fit_its_strand_is_refused() -> None:
    wrong = [Grid(4, 5, 0.3, 0.1), Grid(4, 5, 0.1, (0.6, 0.1)), Grid(4, 5, 0.1, (0.1, 0.1, 0.1))]
    for grid, name in zip(wrong, ["dz_mold", "dz_spray", "dz_spray"], strict=True):
        with pytest.raises(ValueError, match=name):
            solve(small_strand(), grid)


def test_all_kinds_of_numbers_and_lists_are_welcome() -> None:
    names = ["speed", "zones.0.htc.x"]
    expected = solve(small_strand(), GRID, probes=[(0.0, 0.02)], sections=[0.5, 1.0], gradient=names)
    published: dict[str, Any] = {**PUBLISHED_STEEL, "solidus": 1672, "liquidus": np.float32(1728)}
    published |= {
        "specific_heat": [700, 800],
        "density": np.array([7256, 7011]),
        "latent_heat": np.array(189e3),
    }
    published["conductivity"] = np.array(PUBLISHED_STEEL["conductivity"])
    strand = Strand(
        Steel.scheil(**published),
        width=np.float64(0.04),
        thickness=Fraction(4, 100),
        length=1.5,
        speed=np.array(0.02),
        pouring_temperature=1823,
        ambient_temperature=np.int32(303),
        mold=Mold(0.2, np.array([1.2e6, 1.0e6])),
        zones=(Zone(end, htc) for end, htc in ((0.7, [500, 400]), (1.5, np.array([300, 350])))),
    )
    solution = solve(
        strand,
        Grid(np.int64(4), 5, np.float32(0.1), [0.4, 0.4]),
        probes=np.array([[0, 0.02]]),
        sections=np.array([0.5, 1]),
        gradient=(n for n in names),
        outputs=(n for n in expected.fields),
    )
    for name, values in expected.fields.items():
        np.testing.assert_allclose(solution.fields[name], values, rtol=1e-6)  # 0.1 in 24 bits
    one = solve(small_strand(), GRID, sections=0.5).section_temperature
    np.testing.assert_array_equal(one[0], solve(small_strand(), GRID, sections=[0.5]).section_temperature[0])


def test_a_strand_knows_its_parameters() -> None:
    strand = small_strand()
    assert list(strand.parameters()) == [
        "speed", "pouring_temperature", "ambient_temperature", "mold.heat_flux.x", "mold.heat_flux.y",
        "zones.0.htc.x", "zones.0.htc.y", "zones.1.htc.x", "zones.1.htc.y", "steel.solidus", "steel.liquidus",
        "steel.pure_iron_melting", "steel.partition", "steel.latent_heat", "steel.specific_heat.solid",
        "steel.specific_heat.liquid", "steel.density.solid", "steel.density.liquid",
        "steel.liquid_conductivity_factor",
        "steel.conductivity.0", "steel.conductivity.1", "steel.conductivity.2",
    ]  # fmt: skip
    for name, value in strand.parameters().items():
        changed = strand.replace({name: value * 1.0001}).parameters()
        assert changed.pop(name) == value * 1.0001
        assert changed == {n: v for n, v in strand.parameters().items() if n != name}
