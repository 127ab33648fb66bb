"""This package on the published strand, read the way the peers are read."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.peers import case
from tundish.casting import BatchSolution, Grid, Solution, Strand, published_strand, solve, solve_batch

STRAND = published_strand()
# One mesh each; the default is chosen for an accuracy.
FINE = Grid(100, 100)
FIXED = Grid(48, 48, dz_mold=0.01, dz_spray=0.08, grading=5, ramp=20)
PUBLISHED = {"method": "sor", "phase_change": "correction"}
# What the peers keep: the temperatures at 7 places; and where the centre has solidified.
RESTRICTED = ("probe_temperature", "metallurgical_length")
# The cooling that the paper identifies.
COOLING = tuple(name for name in STRAND.parameters() if "heat_flux" in name or "htc" in name)


def single(grid: Grid | None = None, strand: Strand = STRAND, **options: Any) -> Solution:
    """The published strand alone, or another."""
    return solve(strand, grid, probes=case.POINTS, **options)


def batch(
    candidates: int, grid: Grid | None = None, strand: Strand = STRAND, **options: Any
) -> BatchSolution:
    """So many variants of it, no two alike: other cooling everywhere, by up to 10 %."""
    random = np.random.default_rng(0)
    values = {name: strand.parameters()[name] * random.uniform(0.9, 1.1, candidates) for name in COOLING}
    return solve_batch(strand, values, grid, probes=case.POINTS, **options)


def node_steps(solution: Solution | BatchSolution) -> int:
    """Nodes times steps of one candidate, of all its marches.

    An accuracy takes three: the finer mesh, every other node of it, and these again in every other step. So
    the sum is about 1.375 times that of the finer mesh.
    """
    steps, nodes = solution.z.size - 1, solution.x.size * solution.y.size
    if solution.error_estimate is None:
        return nodes * steps
    coarse = (solution.x.size // 2 + 1) * (solution.y.size // 2 + 1)
    return nodes * steps + coarse * (steps + steps // 2)


def nodes_and_steps(solution: Solution | BatchSolution) -> str:
    """What was run, as text; of two meshes the finer one."""
    text = f"{solution.x.size} x {solution.y.size}, {solution.z.size - 1}"
    return text if solution.error_estimate is None else text + " and a coarser mesh"


def result(solution: Solution) -> case.Result:
    """What a peer would return; the time is left 0."""
    return case.result(
        solution.z, solution.probe_temperature.T, float(solution.heat[-1]), 0.0, node_steps(solution)
    )


def errors(answer: case.Result) -> Sequence[float]:
    """K: rms at the thermocouples from z = 0.25 m and z = 0.6 m on, largest at z = 0.5 m and from 3 m on."""
    largest = np.abs(answer["reference"] - case.REFERENCE).max(axis=1)
    return (
        case.rms_error(answer, 0.21),
        case.rms_error(answer, 0.6),
        float(largest[0]),
        float(largest[1:].max()),
    )
