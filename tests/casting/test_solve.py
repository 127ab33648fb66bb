"""What solving a strand refuses by name, before any work."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references.limits import HANG
from references.refused import NO_NUMBERS, NOT_POSITIVE, refuses
from references.strand import scheil, small_strand

from tundish.casting import Grid, Solution, Stepper, solve, solve_batch

STRAND = ["width", "thickness", "length", "speed", "pouring_temperature", "ambient_temperature"]
GRID = Grid(4, 5, 0.1, 0.4)
nan, inf = float("nan"), float("inf")


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
    run = subprocess.run(command, capture_output=True, text=True, timeout=HANG)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "refused"
