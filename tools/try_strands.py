"""Solves thousands of random strands, and prints what is wrong with any: python tools/try_strands.py

    python tools/try_strands.py                              3000 strands, 300 with heat in the solid
    python tools/try_strands.py --strands 100 --peaks 0      fewer
    python tools/try_strands.py --seed 117                   one of the strands, in words

Those of tests/references/random_strands.py, on the default grid, with every step's section looked at. About
20 minutes on one thread. The exit status is 1 where a strand fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from references.random_strands import (
    corner_excess,
    every_step,
    faults,
    random_strand,
    strand_with_peak,
)

from tundish import ArgumentError
from tundish.casting import Solution, Strand, solve

FIRST_PEAK = 10_000  # of the seeds of strands with heat in the solid


def main() -> int:
    """Solves the strands and prints the failures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--strands", type=int, default=3000, help="number of strands of four kinds")
    parser.add_argument("--peaks", type=int, default=300, help="number of tables with heat in the solid")
    parser.add_argument("--seed", type=int, help="show one strand, and solve it")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if asked.seed is not None:
        kind, strand = _of(asked.seed)
        print(kind, strand, strand.parameters(), sep="\n")
        print(*faults(_solved(strand)), sep="\n")
        return 0
    tried, failed, refused = Counter[str](), Counter[str](), 0
    excesses = []
    for seed in [*range(asked.strands), *range(FIRST_PEAK, FIRST_PEAK + asked.peaks)]:
        try:
            kind, strand = _of(seed)
        except ArgumentError:  # a solidus above the pouring temperature, for example
            refused += 1
            continue
        solution = _solved(strand)
        for fault in (found := faults(solution)):
            print(f"seed {seed}, {kind}: {fault}", flush=True)
        tried[kind] += 1
        failed[kind] += bool(found)
        excesses.append(_excess(solution))
    for kind, count in tried.items():
        print(f"{kind}: {failed[kind]} of {count} fail")
    print(f"{refused} strands were refused before they were solved")
    for place, excess in zip(("in the mould", "below it"), np.transpose(excesses), strict=True):
        hot, most = int(np.count_nonzero(excess > 1.0)), np.nanmax(excess)
        print(
            f"{place} {hot} corners are more than 1 K hotter than both of their neighbours, by {most:.0f} K"
        )
    return int(any(failed.values()))


def _of(seed: int) -> tuple[str, Strand]:
    return ("tables with heat", strand_with_peak(seed)) if seed >= FIRST_PEAK else random_strand(seed)


def _solved(strand: Strand) -> Solution:
    steps = solve(strand, outputs=["heat"]).z
    return solve(strand, sections=every_step(steps))


# In the mould and below it, K.
def _excess(solution: Solution) -> tuple[float, float]:
    excess, mold = corner_excess(solution), solution.sections <= solution.strand.mold.length + 1e-9
    return float(np.max(excess[mold])), float(np.max(excess[~mold]))  # NaN where the march failed


if __name__ == "__main__":
    sys.exit(main())
