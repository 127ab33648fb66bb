"""The strongest loop that we can write (peers/explicit_closed.py) on several meshes.

Its time and errors, and how much faster another program of equal error is.

    python -m benchmarks.opponent

The loop's error on a mesh is the largest over meshes within 20 % of it: errors that change sign with the
mesh, such as the length's, would otherwise vanish on some. One thread, the published strand.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks import machine, ours
from benchmarks.peers import case, explicit_closed

GRIDS = (21, 23, 25, 27, 29, 31, 33, 36, 39, 42, 46, 50, 54, 59, 64, 70, 76, 83, 91, 100, 110, 120)
WITHIN = 1.2
NAMES = ("K rms, z ≥ 0.25 m", "K rms, z > 0.6 m", "K at most, z = 0.5 m", "K at most, z ≥ 3 m", "mm, length")


class Run(NamedTuple):
    """The loop on a mesh."""

    n: int
    seconds: float
    errors: tuple[float, ...]  # as NAMES; absolute


def errors(answer: case.Result) -> tuple[float, ...]:
    """The five measures of a result, absolute; the length in mm."""
    length = 1e3 * abs(answer["metallurgical_length"] - case.METALLURGICAL_LENGTH)
    return (*ours.errors(answer), float(length))


@cache
def runs(dtype: Any = np.float64, grids: Sequence[int] = GRIDS, rounds: int = 5) -> tuple[Run, ...]:
    """The loop on all meshes. Time is the least of up to `rounds` rounds, fewer on fine meshes."""
    found = []
    for n in grids:
        answers = [explicit_closed.solve(n, dtype) for _ in range(rounds if n < 60 else 2)]
        found.append(Run(n, min(answer["seconds"] for answer in answers), errors(answers[0])))
    return tuple(found)


def worst(measured: Sequence[Run]) -> list[Run]:
    """The same with the largest errors over meshes within 20 %."""
    return [
        run._replace(
            errors=tuple(
                max(other.errors[k] for other in measured if 1 / WITHIN <= other.n / run.n <= WITHIN)
                for k in range(len(NAMES))
            )
        )
        for run in measured
    ]


def seconds_of(measured: Sequence[Run], measure: int, error: float) -> float:
    """What the loop takes for an error: straight between meshes on logarithmic scales.

    Beyond the finest and the coarsest mesh the line through the outer third of them goes on.
    """
    known = sorted(worst(measured))
    size = np.log([max(run.errors[measure], 1e-9) for run in known])
    size = np.minimum.accumulate(
        size
    )  # an error that a coarser mesh has already is no reason for a finer one
    cost = np.log([run.seconds for run in known])
    at = np.log(max(error, 1e-9))
    if at < size[-1] or at > size[0]:
        part = slice(-len(known) // 3, None) if at < size[-1] else slice(0, len(known) // 3)
        slope, start = np.polyfit(size[part], cost[part], 1)
        return float(np.exp(start + slope * at))
    return float(np.exp(np.interp(at, size[::-1], cost[::-1])))


def ratios(seconds: float, off: Sequence[float], dtype: Any = np.float64) -> list[float]:
    """How many times faster than the loop of equal error a program is, in each of the five measures.

    `seconds` a strand on one thread; `off` its errors as NAMES, absolute.
    """
    return [seconds_of(runs(dtype), k, abs(error)) / seconds for k, error in enumerate(off)]


def table(dtype: Any = np.float64) -> str:
    """Times and errors, as Markdown; errors in brackets are those of the mesh alone."""
    lines = ["| nodes | ms | " + " | ".join(NAMES) + " |", "| --- |" + " ---: |" * (1 + len(NAMES))]
    for run, alone in zip(worst(runs(dtype)), runs(dtype), strict=True):
        cells = [f"{a:.2f} ({b:.2f})" for a, b in zip(run.errors, alone.errors, strict=True)]
        lines.append(f"| {run.n} x {run.n} | {1e3 * run.seconds:.3g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ours_against(candidates: int = 64, grid: Any = None, dtype: str = "float64") -> str:
    """A batch of ours against the loop, a line of Markdown."""
    call = machine.timed(
        lambda: ours.batch(candidates, grid, outputs=ours.RESTRICTED, threads=1, dtype=dtype)
    )
    seconds = min(call() for _ in range(3)) / candidates
    solution = ours.single(grid, threads=1, dtype=dtype)
    answer = ours.result(solution)
    answer["metallurgical_length"] = float(solution.metallurgical_length)
    off = errors(answer)
    shown = [f"{times:.1f} ({error:.2f})" for times, error in zip(ratios(seconds, off), off, strict=True)]
    return f"| {1e3 * seconds:.3f} | " + " | ".join(shown) + " |"


def main() -> None:
    """Print the loop's table, and the default grid of ours against it."""
    print(machine.description())
    for dtype in (np.float64, np.float32):
        print(f"\n{np.dtype(dtype)}\n\n{table(dtype)}")
    print("\nours, default grid, batch of 64: ms, times faster (error)\n")
    print(ours_against())


if __name__ == "__main__":
    main()
