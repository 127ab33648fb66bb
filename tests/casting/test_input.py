"""Input: random strands in physical ranges are solved, and nonsense is refused by name before any work."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references.strand import PUBLISHED_STEEL, scheil, small_strand

from tundish.casting import Grid, Mold, Solution, Steel, Stepper, Strand, Zone, solve, solve_batch

GRID = Grid(4, 5, 0.1, 0.4)
REFUSALS = (ValueError, TypeError, KeyError)
nan, inf = float("nan"), float("inf")

# ---- any strand ------------------------------------------------------------------------------


def between(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


@st.composite
def steels(draw: st.DrawFn) -> Steel:
    liquidus = draw(between(1680.0, 1800.0))
    return Steel.scheil(
        solidus=liquidus - draw(between(15.0, 120.0)),
        liquidus=liquidus,
        pure_iron_melting=liquidus + draw(between(8.0, 90.0)),
        partition=draw(between(0.1, 0.9)),
        latent_heat=draw(between(0.0, 300e3)),
        specific_heat=(draw(between(500.0, 800.0)), draw(between(650.0, 900.0))),
        density=(draw(between(7000.0, 7800.0)), draw(between(6700.0, 7200.0))),
        conductivity=(draw(between(10.0, 25.0)), draw(between(0.0, 0.015))),
        liquid_conductivity_factor=draw(between(1.0, 6.0)),
        residual=draw(st.sampled_from(["none", "rescale"])),
    )


@st.composite
def strands(draw: st.DrawFn) -> Strand:
    """A section of 60 to 400 mm with a mould, and zones long enough to freeze some of it."""
    width = draw(between(0.06, 0.4))
    thickness = draw(between(0.06, 0.4))
    speed = draw(between(0.005, 0.1))
    mold_seconds = draw(between(8.0, 40.0))
    # A half-space that loses q for a time t cools by 1.13 q sqrt(t / (k rho c)), a corner by twice as much.
    steel = draw(steels())
    effusivity = np.sqrt(steel.conductivity(600.0) * steel.density(600.0) * steel.heat_capacity(600.0))
    flux = draw(between(0.2, 1.0)) * 1200.0 * effusivity / (2 * 1.13 * np.sqrt(mold_seconds))
    ends = np.cumsum([mold_seconds, *draw(st.lists(between(20.0, 400.0), min_size=1, max_size=3))]) * speed
    return Strand(
        steel,
        width=width,
        thickness=thickness,
        length=float(ends[-1]),
        speed=speed,
        pouring_temperature=steel.liquidus + draw(between(1.0, 80.0)),
        ambient_temperature=draw(between(270.0, 400.0)),
        mold=Mold(float(ends[0]), heat_flux=(flux, flux * draw(between(0.7, 1.0)))),
        zones=[
            Zone(float(e), htc=(draw(between(50.0, 1200.0)), draw(between(50.0, 1200.0)))) for e in ends[1:]
        ],
    )


@st.composite
def grids(draw: st.DrawFn, strand: Strand) -> Grid:
    """Steps of at most 2 s in the mould and 10 s below it, nodes a few millimetres apart."""
    ends = [strand.mold.length, *(zone.end for zone in strand.zones)]
    sprays = [min(strand.speed * draw(between(2.0, 10.0)), b - a) for a, b in itertools.pairwise(ends)]
    return Grid(
        draw(st.integers(6, 20)),
        draw(st.integers(6, 20)),
        strand.speed * draw(between(0.5, 2.0)),
        tuple(sprays),
        grading=draw(between(1.0, 4.0)),
        ramp=draw(between(1.0, 20.0)),
    )


def assert_sound(solution: Solution) -> None:
    strand = solution.strand
    assert solution.success, solution.message
    assert np.all(np.diff(solution.z) > 0)
    assert solution.z[0] == 0
    assert solution.z[-1] == strand.length
    for name, values in solution.fields.items():
        if name != "metallurgical_length":
            assert np.all(np.isfinite(values)), name
    low, high = float(solution.section_temperature.min()), float(solution.section_temperature.max())
    # Nothing heats the strand; at the liquidus the tables are some tenths of a kelvin off.
    assert strand.ambient_temperature <= low
    assert high <= strand.pouring_temperature + 0.5
    assert np.all(np.diff(solution.heat) > 0)
    for share in (solution.solid_fraction, solution.liquid_fraction):
        assert np.all(share >= 0)
        assert np.all(share <= 1)
    assert np.all(solution.solid_fraction + solution.liquid_fraction <= 1 + 1e-12)
    assert np.all(solution.shell_thickness >= 0)
    assert np.all(solution.shell_thickness <= np.array([[strand.width / 2], [strand.thickness / 2]]) + 1e-12)
    assert not solution.metallurgical_length <= 0
    solid = np.any(solution.centre_temperature <= strand.steel.solidus)
    assert np.isfinite(solution.metallurgical_length) == solid


@pytest.mark.parametrize(("method", "phase_change"), [("adi", "enthalpy"), ("sor", "enthalpy")])
@settings(max_examples=60)
@given(data=st.data())
def test_any_strand_is_solved(method: str, phase_change: str, data: st.DataObject) -> None:
    strand = data.draw(strands())
    grid = data.draw(grids(strand))
    sections = np.linspace(0.0, strand.length, 25)
    options: dict[str, Any] = {"method": method, "phase_change": phase_change, "tolerance": 1e-6}
    solution = solve(strand, grid, sections=sections, probes=[(0.0, strand.thickness / 2)], **options)
    assert_sound(solution)
    # To rounding; sums over some hundred nodes and steps, and for SOR the sweeps' own imbalance.
    assert solution.energy_imbalance < (1e-12 if method == "adi" else 1e-7)


@settings(max_examples=40)
@given(strand=strands())
def test_the_default_grid_solves_any_strand(strand: Strand) -> None:
    solution = solve(strand, sections=np.linspace(0.0, strand.length, 25))
    assert_sound(solution)
    assert solution.energy_imbalance < 1e-12


@settings(max_examples=30)
@given(data=st.data())
def test_probes_anywhere_lie_between_the_corner_and_the_centre(data: st.DataObject) -> None:
    places = data.draw(st.lists(st.tuples(between(0.0, 0.02), between(0.0, 0.02)), min_size=1, max_size=5))
    solution = solve(small_strand(), Grid(9, 9, 0.02, 0.05), probes=places)
    # Cubics overshoot, most beside the quenched face of the mould: by 2 % of the difference over the section.
    room = 0.02 * (solution.centre_temperature - solution.corner_temperature) + 1e-9
    assert np.all(solution.probe_temperature >= solution.corner_temperature - room)
    assert np.all(solution.probe_temperature <= solution.centre_temperature + room)


# ---- no number -------------------------------------------------------------------------------

# What no argument that is one number may be.
NO_NUMBERS: list[Any] = [
    nan, inf, -inf, "", "1.0", "fast", b"1", None, True, False, np.True_, 1j, object(), [], [0.1], {}, (1, 2),
    np.array([0.1]), np.array([[0.1, 0.2]]), 10**400, -(10**400), int, "\x00",
]  # fmt: skip
NOT_POSITIVE: list[Any] = [0.0, -1.0, -1e-300, -0.0, np.float32(-2.0)]


def refuses(call: Callable[[Any], Any], values: list[Any], name: str) -> None:
    """Every one of `values`, naming the argument."""
    misses = []
    for value in values:
        try:
            call(value)
        except REFUSALS as error:
            if name not in str(error):
                misses.append(f"{value!r}: {type(error).__name__} that does not name {name}: {error}")
        except Exception as error:
            misses.append(f"{value!r}: {type(error).__name__}: {error}")
        else:
            misses.append(f"{value!r} is taken")
    assert not misses, f"{name}:\n" + "\n".join(misses)


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
        (4_000, 4_000, {"gradient": ["speed"]}),
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


# ---- solving ---------------------------------------------------------------------------------

NO_WORDS: list[Any] = ["", "ADI", "none", None, 1, True, nan, b"adi", ["adi"], {}, object()]


@pytest.mark.parametrize("name", ["method", "phase_change", "ordering", "dtype", "backend"])
def test_words_are_those_allowed(name: str) -> None:
    refuses(lambda v: solve(small_strand(), GRID, **{name: v}), NO_WORDS, name)
    batch = {"speed": [0.02]}
    refuses(lambda v: solve_batch(small_strand(), batch, GRID, **{name: v}), NO_WORDS, name)


def test_solve_takes_a_strand_and_a_grid() -> None:
    things: list[Any] = [None, 1.0, "strand", {}, int, scheil(), GRID]
    refuses(lambda v: solve(v, GRID), things, "strand")
    refuses(lambda v: solve_batch(v, {"speed": [0.02]}, GRID), things, "strand")
    refuses(lambda v: Stepper(v, GRID), things, "strand")
    grids: list[Any] = [1.0, 0, "grid", {}, (4, 5), int, small_strand(), False]
    refuses(lambda v: solve(small_strand(), v), grids, "grid")
    refuses(lambda v: solve_batch(small_strand(), {"speed": [0.02]}, v), grids, "grid")
    refuses(lambda v: Stepper(small_strand(), v), grids, "grid")


def test_numbers_of_the_sweeps() -> None:
    def solved(**options: Any) -> Solution:
        return solve(small_strand(), GRID, method="sor", **options)

    refuses(lambda v: solved(relaxation=v), [*NO_NUMBERS, *NOT_POSITIVE, 2.0, 3.0], "relaxation")
    tolerances = [v for v in (*NO_NUMBERS, *NOT_POSITIVE) if v is not None]  # None is the default
    refuses(lambda v: solved(tolerance=v), [*tolerances, 1e-13], "tolerance")
    counts = [*NO_NUMBERS, *NOT_POSITIVE, 0, -1, 2.5, 10**30]
    refuses(lambda v: solved(max_sweeps=v), counts, "max_sweeps")
    threads = [v for v in counts if v is not None]
    refuses(lambda v: solved(threads=v), threads, "threads")


PLACES: dict[str, Any] = {
    "one place": (0.01, 0.01),
    "three numbers": [(0.01, 0.01, 0.01)],
    "three dimensions": [[[0.01, 0.01]]],
    "ragged": [(0.01, 0.01), (0.01,)],
    "outside x": [(0.0, 0.0), (0.0201, 0.0)],
    "outside y": [(0.0, 0.03)],
    "negative": [(-1e-9, 0.0)],
    "NaN": [(nan, 0.0)],
    "infinite": [(0.0, inf)],
    "words": [("a", "b")],
    "numbers in words": [("0.01", "0.01")],
    "truths": [(True, False)],
    "a word": "probes",
    "nothing": None,
    "a number": 0.01,
    "complex": [(0.01j, 0.01)],
    "a thing": object(),
}


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_probes_are_places_in_the_section(places: Any) -> None:
    refuses(lambda v: solve(small_strand(), GRID, probes=v), [places], "probes")


SECTIONS: dict[str, Any] = {
    "beyond": [1.51],
    "negative": [-1e-9],
    "NaN": [nan],
    "infinite": [inf],
    "two dimensions": [[0.1, 0.2]],
    "ragged": [[0.1], [0.1, 0.2]],
    "words": ["a"],
    "numbers in words": ["0.1"],
    "a truth": True,
    "truths": [True],
    "nothing": None,
    "a thing": object(),
    "complex": [0.1j],
}


@pytest.mark.parametrize("sections", SECTIONS.values(), ids=SECTIONS)
def test_sections_are_heights_of_the_strand(sections: Any) -> None:
    refuses(lambda v: solve(small_strand(), GRID, sections=v), [sections], "sections")


@pytest.mark.parametrize("name", ["gradient", "outputs"])
def test_lists_of_names(name: str) -> None:
    lists: list[Any] = ["speed", "heat", 5, nan, True, object(), 1j, ["heat", "heat"], ["speed", "speed"]]
    lists += [[v] for v in (5, None, "Speed", ["speed"], "no.such", b"speed")]
    if name == "gradient":
        lists.append(None)
    refuses(lambda v: solve(small_strand(), GRID, **{name: v}), lists, name)


def test_parameters_of_a_batch() -> None:
    def solved(parameters: Any) -> Any:
        return solve_batch(small_strand(), parameters, GRID)

    whole: list[Any] = [None, {}, [], 5, "speed", ["speed"], [("speed", [0.02])], {"Speed": [0.02]}]
    whole += [{5: [0.02]}, {"speed": []}, {"speed": [0.02], "pouring_temperature": [1800, 1801]}]
    refuses(solved, whole, "parameters")
    columns: list[Any] = ["fast", "0.02", None, True, object(), {}, [0.02, inf], [0.02, 0.0]]
    columns += [[v] for v in ("fast", "0.02", None, True, nan, -0.02, 0.02j, [0.02])]
    refuses(lambda v: solved({"speed": v}), columns, "speed")
    with pytest.raises(ValueError, match=r"candidate 2: zones.0.htc.x = -1"):
        solved({"zones.0.htc.x": [1.0, 0.0, -1.0]})
    with pytest.raises(ValueError, match=r"candidate 1: .*liquidus"):
        solved({"steel.solidus": [1670.0, 1750.0]})
    with pytest.raises(ValueError, match=r"candidate 1: pouring_temperature"):
        solved({"pouring_temperature": [1800.0, 1700.0]})


def test_replace_takes_names_and_numbers() -> None:
    strand = small_strand()
    refuses(lambda v: strand.replace({"speed": v}), [*NO_NUMBERS, *NOT_POSITIVE], "speed")
    refuses(lambda v: strand.replace({"zones.0.htc.x": v}), [*NO_NUMBERS, -1.0], "htc")
    for name in (
        "Speed",
        "zones.2.htc.x",
        "zones.0.heat_flux.x",
        "zones.0.htc.z",
        "mold.length",
        "",
        "steel",
    ):
        with pytest.raises(KeyError, match="no parameter of this strand"):
            strand.replace({name: 1.0})
    assert strand.replace({}) == strand


@settings(max_examples=200)
@given(
    name=st.sampled_from([*STRAND, "steel", "mold", "zones"]),
    value=st.one_of(
        st.text(), st.binary(), st.none(), st.booleans(), st.complex_numbers(), st.floats(max_value=-1e-300),
        st.sampled_from([nan, inf]), st.lists(st.floats()), st.dictionaries(st.text(), st.floats()),
    ),
)  # fmt: skip
def test_random_nonsense_makes_no_strand(name: str, value: Any) -> None:
    refuses(lambda v: dataclasses.replace(small_strand(), **{name: v}), [value], name[:4])


# ---- sizes -----------------------------------------------------------------------------------

SIZES = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from references.strand import small_strand
from tundish.casting import Grid, Stepper, solve, solve_batch

strand = small_strand()
solve_batch(strand, {"speed": [0.02, 0.021]}, Grid(3, 3, 0.1, 0.4), threads=1)  # its thread has its stack now
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + 200 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
grids = {
    "nx": dict(nx=20_000, ny=20_000, dz_mold=0.1, dz_spray=0.4),
    "ny": dict(nx=2, ny=20_001, dz_mold=0.1, dz_spray=0.4),
    "dz_mold": dict(nx=3, ny=3, dz_mold=1e-9, dz_spray=0.4),
    "dz_spray": dict(nx=3, ny=3, dz_mold=0.1, dz_spray=(0.5, 1e-8)),
}
for name, arguments in grids.items():
    for call in (lambda g: solve(strand, g), lambda g: Stepper(strand, g),
                 lambda g: solve_batch(strand, {"speed": [0.02, 0.021]}, g, outputs=[])):
        try:
            call(Grid(**arguments))
        except ValueError as error:
            assert name in str(error), (name, error)
        else:
            raise AssertionError(name)
print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
def test_absurd_sizes_are_refused_before_any_allocation() -> None:
    """In a process that has 200 MB left: 400 million nodes, 80 to 200 million steps."""
    command = [sys.executable, "-c", SIZES, str(Path(__file__).parents[1])]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "refused"


# ---- what is as good as a float --------------------------------------------------------------


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
