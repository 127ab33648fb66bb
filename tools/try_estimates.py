"""Counts how often error estimates cover the errors of random strands: python tools/try_estimates.py

    python tools/try_estimates.py                     60 strands, with an accuracy of 0.5 K
    python tools/try_estimates.py --first 500 --strands 160 --accuracy 1

A third of them are slabs and blooms of two named steels, the others come from
tests/references/random_strands.py and benchmarks/casters.py. The truth is the answer with a sixth of the
accuracy. Some seconds a strand.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.extend([str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1])])

import numpy as np
from benchmarks import casters
from references import random_strands

from tundish import ArgumentError
from tundish.casting import Grid, Solution, Strand, solve

FIELDS = {
    "probes": "probe_temperature",
    "faces": "face_temperature",
    "corner": "corner_temperature",
    "shell": "shell_thickness",
}
OUTPUTS = (*FIELDS.values(), "metallurgical_length")
FINER = 6


class Case(NamedTuple):
    """An error and its estimate, K or m."""

    error: float
    estimate: float


def main() -> int:
    """Solves the strands, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--strands", type=int, default=60, help="number of strands")
    parser.add_argument("--accuracy", type=float, default=0.5, help="K")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = defaultdict[str, list[Case]](list)
    for seed in range(asked.first, asked.first + asked.strands):
        try:
            strand = strand_of(seed)
        except ArgumentError:  # a solidus above the pouring temperature, for example
            continue
        for name, case in compared(strand, asked.accuracy).items():
            cases[name].append(case)
            if not case.error <= case.estimate:
                print(f"seed {seed}: {name} {case.error:.3g} off, estimated {case.estimate:.3g}", flush=True)
    print("| | strands | covered, % | estimate over error, median | error, median | largest |")
    print("| --- |" + " ---: |" * 5)
    for name, found in cases.items():
        error, estimate = np.transpose(found)
        ratio = np.median(estimate / np.maximum(error, 1e-12))
        print(
            f"| {name} | {error.size} | {100 * np.mean(error <= estimate):.1f} | {ratio:.2f} "
            f"| {np.median(error):.3g} | {error.max():.3g} |"
        )
    return 0


def strand_of(seed: int) -> Strand:
    """One of three collections."""
    if seed % 3 == 0:
        return casters.random_strand(seed)
    return random_strands.random_strand(seed)[1] if seed % 3 == 1 else casters.random_slab(seed)


def probes(strand: Strand) -> list[tuple[float, float]]:
    """Three thermocouples near the corner, and the middle of the quarter section."""
    x, y = strand.width / 2, strand.thickness / 2
    deep_x, deep_y = max(x - 0.018, x / 2), max(y - 0.018, y / 2)
    near_x, near_y = max(x - 0.006, x / 2), max(y - 0.006, y / 2)
    return [(deep_x, near_y), (near_x, near_y), (near_x, deep_y), (x / 2, 0)]


def compared(strand: Strand, accuracy: float) -> dict[str, Case]:
    """Errors and estimates by field: root mean squares along z, and that of the length where it is finite."""
    found, truth = (
        solve(strand, Grid(accuracy=a), probes=probes(strand), outputs=OUTPUTS)
        for a in (accuracy, accuracy / FINER)
    )
    estimate = found.error_estimate
    if not (found.success and truth.success) or estimate is None:
        raise SystemExit(f"{strand}: {found.message}, {truth.message}")
    cases = {name: Case(distance(found, truth, field), estimate[name]) for name, field in FIELDS.items()}
    lengths = found.metallurgical_length, truth.metallurgical_length
    if np.isfinite(lengths).all() and np.isfinite(estimate["length"]):
        cases["length"] = Case(abs(lengths[0] - lengths[1]), estimate["length"])
    return cases


def distance(found: Solution, truth: Solution, field: str) -> float:
    """Of two series, the root mean square along z."""
    z, sizes = found.z[1:], np.diff(found.z)
    rows = zip(np.atleast_2d(getattr(found, field)), np.atleast_2d(getattr(truth, field)), strict=True)
    squares = [np.sum(sizes * (a[1:] - np.interp(z, truth.z, b)) ** 2) / found.z[-1] for a, b in rows]
    return float(np.sqrt(np.mean(squares)))


if __name__ == "__main__":
    sys.exit(main())
