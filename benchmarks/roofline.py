"""How far the march is from what this machine can do.

`roofline.cpp` counts the operations of one ADI step, both of its passes, by running the package's own
headers on numbers that count, and measures the machine: multiplications and additions in independent chains
(contraction is off in the package, so none are fused), divisions, table lookups, and the step's memory
traffic with next to no arithmetic. The steel is one that the package looks up in tables, as it does unless a
few cubics fit (cpp/include/tundish/core/cubics.h), and so is that of the march that is timed. Meshes are
given, not chosen for an accuracy. One thread throughout. Needs a C++ compiler (CXX, or g++).
"""

import ctypes
import dataclasses
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import machine, ours
from tundish import _core
from tundish.casting import Grid, Steel, Strand
from tundish.filtering import kalman_filter

SOURCE = Path(__file__).with_suffix(".cpp")
HEADERS = SOURCE.parents[1] / "cpp" / "include"
ARITHMETIC, DIVISION, LOOKUP, MOVING, STREAMING, FUSED, PASS = range(7)  # of roofline_measure
NEAR, FAR = 16 << 10, 512 << 10  # bytes that fit the nearest cache and the next
CACHE = 3 << 20  # what the lanes of a job may fill (max_bytes_of_lanes in cpp/src/casting/plan.cpp)
GRIDS = {f"{grid.nx} x {grid.ny}": grid for grid in (ours.FIXED, ours.FINE)}
NODE_STEPS = 10_000_000  # that a timed march has at least
ROUNDS = 7
STATES, HEATS = 45, 2000  # of the filter


class Operations(NamedTuple):
    """Of one node: arithmetic, and rows read from tables."""

    additions: float
    multiplications: float
    divisions: float
    extremes: float  # minima, maxima, choices and comparisons
    rows: float

    @property
    def simple(self) -> float:
        """All that one instruction of full throughput does."""
        return self.additions + self.multiplications + self.extremes


class Counts(NamedTuple):
    """Of one node-step."""

    step: Operations
    read: float  # numbers of the fields, each once in each of the four sweeps
    written: float
    lookup: Operations  # of one lookup

    @property
    def outside_tables(self) -> float:
        """Simple operations of a step that are not part of a lookup."""
        return self.step.simple - self.step.rows * self.lookup.simple


@cache
def library() -> ctypes.CDLL:
    """Compile `roofline.cpp` for the instruction set that the package uses, and load it."""
    instructions = _core.instruction_set()
    options = [] if instructions == "scalar" else [f"-march={instructions}"]
    if instructions == "x86-64-v4":
        options.append("-mprefer-vector-width=512")
    options += ["-O3", "-std=gnu++17", "-ffp-contract=off", "-Wno-psabi", "-shared", "-fPIC"]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "roofline.so"
        compiler = os.environ.get("CXX", "g++")
        subprocess.run([compiler, *options, f"-I{HEADERS}", SOURCE, "-o", target], check=True)
        loaded = ctypes.CDLL(str(target))
    loaded.roofline_measure.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long)
    loaded.roofline_measure.restype = loaded.roofline_bytes.restype = ctypes.c_double
    return loaded


def counts(n: int) -> Counts:
    """What one node of one step takes, on average over n x n nodes."""
    numbers = (ctypes.c_double * 12)()
    library().roofline_counts(n, numbers)
    return Counts(Operations(*numbers[:5]), *numbers[5:7], Operations(*numbers[7:]))


@cache
def tabled_strand() -> Strand:
    """The published strand of a steel that few cubics do not fit.

    The published steel as a table, with a tenth more heat capacity below 1100 K.
    """
    steel = ours.STRAND.steel
    solid = np.linspace(300.0, steel.solidus - 0.01, 100)
    mush = np.linspace(steel.solidus + 0.01, steel.liquidus - 0.01, 100)
    kelvin = np.concatenate([solid, mush, [steel.liquidus + 0.01, 1900.0]])
    columns = {
        "temperature_K": kelvin,
        "solid_fraction": np.where(kelvin < steel.solidus, 1.0, steel.solid_fraction(kelvin)),
        "density": steel.density(kelvin),
        "specific_heat": steel.heat_capacity(kelvin)
        * np.where(kelvin < 1100, 1.1, 1),  # with the latent heat
        "conductivity": steel.conductivity(kelvin),
    }
    return dataclasses.replace(ours.STRAND, steel=Steel.from_table(columns))


def bytes_of_job(n: int, size: int) -> tuple[float, bool]:
    """What a job marches n x n nodes in, for numbers of `size` bytes; and whether its lanes are candidates.

    It carries a candidate in every lane, or one alone where those of all would not fit the cache.
    """
    in_lanes = library().roofline_bytes(n, size, 1)
    return (in_lanes, True) if in_lanes <= CACHE else (library().roofline_bytes(n, size, 0), False)


def packs_of_field(n: int, size: int) -> int:
    """Registers that one field of n x n nodes fills in a job."""
    return n * n if bytes_of_job(n, size)[1] else n * n // int(library().roofline_lanes(size))


def measure() -> dict[tuple[object, ...], machine.Timing]:
    """Seconds for a unit of everything, by what it is and the bytes of a number; in turns."""

    def probe(what: int, size: int, place: int) -> machine.Run:
        return machine.Run(lambda: library().roofline_measure(what, size, place), ROUNDS)

    def march(size: int, grid: Grid) -> machine.Run:
        lanes = library().roofline_lanes(size)
        options = {"dtype": f"float{8 * size}", "threads": 1, "outputs": ["metallurgical_length"]}
        steps = ours.node_steps(ours.single(grid))
        candidates = lanes * -(-NODE_STEPS // (steps * lanes))  # whole registers
        work = machine.timed(lambda: ours.batch(candidates, grid, tabled_strand(), **options))
        return machine.Run(lambda: work() / (steps * candidates), ROUNDS)

    runs: dict[tuple[object, ...], machine.Run] = {}
    for size in (4, 8):
        for what in (ARITHMETIC, DIVISION, LOOKUP, FUSED):
            runs[what, size] = probe(what, size, 0)
        runs[PASS, size] = probe(PASS, size, STATES)
        for store in ("final", "diagonal"):
            runs["filter", size, store] = _filter(size, store)
        for place in (NEAR, FAR):
            runs[STREAMING, size, place] = probe(STREAMING, size, place)
        for name, grid in GRIDS.items():
            runs[MOVING, size, name] = probe(MOVING, size, packs_of_field(int(grid.nx or 0), size))
            runs["march", size, name] = march(size, grid)
    return machine.interleaved(runs)


def _filter(size: int, store: str) -> machine.Run:
    """A filter of heats of random masses, seconds a heat."""
    rng = np.random.default_rng(0)
    masses = rng.uniform(0, 3, (HEATS, STATES)).astype(f"float{8 * size}")
    mean = rng.uniform(200, 5000, STATES)
    y = masses @ mean
    model = {"initial_mean": mean, "initial_cov": 0.05 * mean**2, "transition": 0.9993,
             "state_cov": 1e-6 * mean**2, "state_intercept": 7e-4 * mean}  # fmt: skip
    options = {"store": store, "dtype": f"float{8 * size}", "threads": 1}
    work = machine.timed(lambda: kalman_filter(y, masses, 3450.0**2, **model, **options))
    return machine.Run(lambda: work() / HEATS, ROUNDS)


def filter_table(seconds: dict[tuple[object, ...], machine.Timing]) -> str:
    """The floor, the pass over the covariance and the filter, us a heat, as Markdown."""
    lines = [
        "| numbers | products with sums | floor | the pass | the filter, final moments | means and deviations"
        " | floor/filter |",
        "| --- |" + " ---: |" * 6,
    ]
    for size in (4, 8):
        lanes = library().roofline_lanes(size)
        products = 2 * STATES * -(-STATES // lanes) * lanes
        floor = products / lanes * seconds[FUSED, size].best
        times = [floor, seconds[PASS, size].best]
        times += [seconds["filter", size, store].best for store in ("final", "diagonal")]
        cells = [f"float{8 * size}", str(products), *(f"{1e6 * time:.3f}" for time in times)]
        lines.append("| " + " | ".join([*cells, f"{100 * floor / times[2]:.0f} %"]) + " |")
    return "\n".join(lines)


def count_table(found: Counts) -> str:
    """Operations of a node-step, as Markdown."""
    rows = [
        ("additions, subtractions", found.step.additions, found.lookup.additions),
        ("multiplications", found.step.multiplications, found.lookup.multiplications),
        ("minima, maxima, choices, comparisons", found.step.extremes, found.lookup.extremes),
        ("divisions", found.step.divisions, found.lookup.divisions),
        ("rows of 4 numbers read from a table", found.step.rows, found.lookup.rows),
    ]
    lines = ["| of one node-step | all | of that, in a lookup |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {step:.2f} | {lookup:.0f} |" for name, step, lookup in rows]
    lines += [f"| numbers of the fields read | {found.read:.2f} | |"]
    lines += [f"| numbers of the fields written | {found.written:.2f} | |"]
    traffic = found.read + found.written
    lines += [f"| bytes moved, float32 and float64 | {4 * traffic:.0f}, {8 * traffic:.0f} | |"]
    return "\n".join(lines)


def peak_table(seconds: dict[tuple[object, ...], machine.Timing]) -> str:
    """What the machine does, as Markdown."""
    lines = ["| one thread of this machine | float32 | float64 |", "| --- | ---: | ---: |"]

    def row(name: str, key: tuple[object, ...], numbers: bool, form: str = ".1f") -> str:
        cells = []
        for size in (4, 8):
            lanes = library().roofline_lanes(size) if numbers else 1
            cells.append(f"{1e-9 * lanes / seconds[key[0], size, *key[1:]].best:{form}}")
        return f"| {name} | " + " | ".join(cells) + " |"

    lines.append(row("additions and multiplications, 1e9/s", (ARITHMETIC,), True))
    lines.append(row("divisions, 1e9/s", (DIVISION,), True, ".2f"))
    lines.append(row("table lookups, 1e9/s", (LOOKUP,), True, ".2f"))
    lines.append(row("nearest cache (16 KiB), a += b, GB/s", (STREAMING, NEAR), False))
    lines.append(row("next cache (512 KiB), a += b, GB/s", (STREAMING, FAR), False))
    return "\n".join(lines)


def roof_table(seconds: dict[tuple[object, ...], machine.Timing]) -> str:
    """Floors and the march, ns a node-step and candidate, as Markdown."""
    lines = [
        "| numbers, nodes | fields, KiB | simple | divisions | lookups | processor | memory | march"
        " | floor/march | of peak arithmetic |",
        "| --- |" + " ---: |" * 9,
    ]
    for size in (4, 8):
        lanes = library().roofline_lanes(size)
        per = 1e9 / lanes
        for name, grid in GRIDS.items():
            n = int(grid.nx or 0)
            found = counts(n)
            simple = per * seconds[ARITHMETIC, size].best * found.outside_tables
            divisions = per * seconds[DIVISION, size].best * found.step.divisions
            lookups = per * seconds[LOOKUP, size].best * found.step.rows
            processor = simple + divisions + lookups
            memory = per * seconds[MOVING, size, name].best
            march = 1e9 * seconds["march", size, name].best
            arithmetic = found.step.simple + found.step.divisions
            peak = 1e-9 * lanes / seconds[ARITHMETIC, size].best
            kib = bytes_of_job(n, size)[0] / 1024
            times = (simple, divisions, lookups, processor, memory, march)
            cells = [f"float{8 * size}, {name}", f"{kib:.0f}", *(f"{time:.2f}" for time in times)]
            cells += [
                f"{100 * max(processor, memory) / march:.0f} %",
                f"{100 * arithmetic / march / peak:.0f} %",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def tables() -> dict[str, str]:
    """Everything, as Markdown, by name."""
    seconds = measure()
    return {
        "counts": count_table(counts(int(ours.FIXED.nx or 0))),
        "peaks": peak_table(seconds),
        "roofline": roof_table(seconds),
        "filter_roofline": filter_table(seconds),
    }


def main() -> None:
    """Print the tables."""
    print(machine.description())
    for name, table in tables().items():
        print(f"\n{name}\n\n{table}")


if __name__ == "__main__":
    main()
