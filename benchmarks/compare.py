"""This package beside other ways to solve the published strand: times and accuracy, in one process.

Times are the best wall times of runs taken in turns. Ours include everything from the call to the arrays
that it returns; those of the peers leave out compilation and reading the results. All of them read the
temperatures at the same 7 places after every step. FiPy is timed over a few steps and scaled.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks import machine, ours
from benchmarks.peers import case, explicit_numba, fipy_strand, implicit_scipy, published_sor
from tundish.casting import Solution

MANY, SOME, FEW = 7, 3, 2  # rounds, of work that takes up to a second, seconds, and ten seconds
NUMBA_GRIDS = (33, 41, 49, 57, 65, 81, 100)
FIPY_CELLS, FIPY_STEPS = 40, 10
PUBLISHED_STEPS = 2000  # 1 mm in the mould and 1 cm below it


class Peer(NamedTuple):
    """Another program, on n x n nodes."""

    name: str
    n: int
    rounds: int
    solve: Callable[[], case.Result]


class Ours(NamedTuple):
    """A way to use this package; a batch where there is more than one candidate."""

    name: str
    candidates: int
    rounds: int
    options: Mapping[str, Any]

    def run(self, threads: int) -> machine.Run:
        """What is timed: seconds a candidate."""
        options = {"threads": threads, **self.options}
        if self.candidates == 1:
            return machine.Run(machine.timed(partial(ours.single, **options)), self.rounds)
        work = machine.timed(partial(ours.batch, self.candidates, **options))
        return machine.Run(lambda: work() / self.candidates, self.rounds)

    def solution(self) -> Solution:
        """The published strand solved this way."""
        unlike = ("outputs", "gradient")
        return ours.single(**{k: v for k, v in self.options.items() if k not in unlike})


FINE = {"grid": ours.FINE}
LEAN = {"outputs": ours.RESTRICTED}
SINGLE_PRECISION = {"dtype": "float32"}
PUBLISHED = {**FINE, **ours.PUBLISHED}
RED_BLACK = {**PUBLISHED, "ordering": "red-black"}
WAYS = {
    "single": Ours("one strand", 1, MANY, {}),
    "gradient": Ours("one strand with derivatives by 8 parameters", 1, MANY, {"gradient": ours.COOLING}),
    "batch": Ours("batch of 256", 256, MANY, {}),
    "batch lean": Ours("batch of 256, readings only", 256, MANY, LEAN),
    "batch lean 32": Ours("batch of 256, readings only, float32", 256, MANY, {**LEAN, **SINGLE_PRECISION}),
    "fine single": Ours("one strand", 1, MANY, FINE),
    "fine": Ours("batch of 32, readings only", 32, SOME, {**FINE, **LEAN}),
    "fine 32": Ours("batch of 32, readings only, float32", 32, SOME, {**FINE, **LEAN, **SINGLE_PRECISION}),
    "published single": Ours("published scheme", 1, SOME, PUBLISHED),
    "published": Ours("published scheme, batch of 16, readings only", 16, FEW, {**PUBLISHED, **LEAN}),
    "red-black": Ours("the same, red-black", 16, FEW, {**RED_BLACK, **LEAN}),
}
PEERS = {
    **{
        f"numba {n}": Peer("numba, explicit enthalpy", n, MANY, partial(explicit_numba.solve, n))
        for n in NUMBA_GRIDS
    },
    "scipy": Peer("scipy.sparse, linearised implicit", 100, SOME, partial(implicit_scipy.solve, 100)),
    "FiPy": Peer("FiPy", FIPY_CELLS, 1, partial(fipy_strand.solve, FIPY_CELLS)),
    "SOR": Peer("published scheme, scalar C++", 100, FEW, published_sor.solve),
    "SOR red-black": Peer(
        "the same, red-black", 100, FEW, partial(published_sor.solve, ordering="red-black")
    ),
}
SHOWN = ("numba 41", "numba 100", "scipy", "FiPy", "SOR", "SOR red-black")
SUMMARY = ("single", "batch", "batch lean 32", "published", "numba 41", "numba 100", "scipy", "FiPy", "SOR")
THREADS = (1, 2)

# What is to be reached: a way, the peer it is measured against, and by how much it is to be faster. "equal"
# is the numba loop whose error is that of the way, by one of the measures of ours.errors.
AIMS = (
    ("single", "numba 100", 5),
    ("fine", "numba 100", 10),
    ("fine 32", "numba 100", 10),
    ("batch", "equal 0", 5),
    ("batch", "equal 1", 5),
    ("batch lean 32", "equal 0", 5),
    ("published", "SOR", 10),
    ("red-black", "SOR red-black", 10),
)


class Comparison:
    """All times and answers, measured once."""

    def __init__(self) -> None:
        self.solutions = {key: way.solution() for key, way in WAYS.items()}
        self.answers = {key: ours.result(solution) for key, solution in self.solutions.items()}
        runs = {(key, n): WAYS[key].run(n) for key in WAYS for n in self.threads(key)}
        runs |= {(key, 1): self._peer_run(key) for key in PEERS if key != "FiPy"}
        runs["FiPy", 1] = machine.Run(
            lambda: PUBLISHED_STEPS * fipy_strand.seconds_per_step(100, FIPY_STEPS), FEW
        )
        self.timings = machine.interleaved(runs)
        self._peer_run("FiPy").call()  # for its accuracy

    def threads(self, key: str) -> Sequence[int]:
        """Numbers of threads that something is timed with."""
        return THREADS if key in WAYS and WAYS[key].candidates > 1 else THREADS[:1]

    def seconds(self, key: str, threads: int = 1) -> float:
        """Of one candidate."""
        return self.timings[key, threads].best

    def errors(self, key: str) -> Sequence[float]:
        """K, as ours.errors."""
        return ours.errors(self.answers[key])

    def equal(self, key: str, measure: int) -> tuple[float, float]:
        """Nodes along a side of the numba loop that errs as much as `key`, and its seconds.

        Between the grids that were measured, all of them straight lines on logarithmic scales.
        """
        loops = [f"numba {n}" for n in reversed(NUMBA_GRIDS)]  # errors rise
        known = np.log([self.errors(loop)[measure] for loop in loops])
        at = np.log(self.errors(key)[measure])
        nodes = np.interp(at, known, np.log(NUMBA_GRIDS[::-1]))
        return float(np.exp(nodes)), float(
            np.exp(np.interp(at, known, np.log([self.seconds(loop) for loop in loops])))
        )

    def _peer_run(self, key: str) -> machine.Run:
        def call() -> float:
            answer = self.answers[key] = PEERS[key].solve()
            return answer["seconds"]

        return machine.Run(call, PEERS[key].rounds)

    def summary(self) -> str:
        """The most telling times, as Markdown."""
        lines = ["| | nodes | ms a strand, 1 thread | 2 threads | K rms |", "| --- | --- |" + " ---: |" * 3]
        for key in SUMMARY:
            label = f"**tundish**, {WAYS[key].name}" if key in WAYS else PEERS[key].name
            nodes = "100 x 100" if key == "FiPy" else self.nodes(key)
            times = [milliseconds(self.seconds(key, k)) for k in self.threads(key)] + [""]
            lines.append(f"| {label} | {nodes} | {times[0]} | {times[1]} | {self.errors(key)[0]:.2f} |")
        return "\n".join(lines)

    def times(self) -> str:
        """Times and errors, as Markdown."""
        lines = [
            "| | nodes, steps | ms, 1 thread | ms, 2 threads | ns a node-step | K rms, z ≥ 0.25 m"
            " | K rms, z > 0.6 m | K at most, z = 0.5 m | K at most, z ≥ 3 m |",
            "| --- | --- |" + " ---: |" * 7,
        ]
        lines += [self._line(key, way.name) for key, way in WAYS.items()]
        lines += [self._line(key, PEERS[key].name) for key in SHOWN]
        return "\n".join(lines)

    def nodes(self, key: str) -> str:
        """Along x and y, as text; of two meshes the finer one."""
        if key in PEERS:
            return f"{PEERS[key].n} x {PEERS[key].n}"
        return f"{self.solutions[key].x.size} x {self.solutions[key].y.size}"

    def _line(self, key: str, name: str) -> str:
        work = self.answers[key]["node_steps"]
        times = [milliseconds(self.seconds(key, k)) for k in self.threads(key)]
        rate = 1e9 * self.seconds(key) / work
        errors = [f"{error:.2f}" for error in self.errors(key)]
        if key in WAYS:
            grid = ours.nodes_and_steps(self.solutions[key])
        else:
            grid = f"{self.nodes(key)}, {work // PEERS[key].n ** 2}"
        if key == "FiPy":  # its time is that of a finer grid
            grid += "; time: 100 x 100"
            rate = 1e9 * self.seconds(key) / (100 * 100 * PUBLISHED_STEPS)
        cells = [name, grid, times[0], times[1] if times[1:] else "", three_digits(rate), *errors]
        return "| " + " | ".join(cells) + " |"

    def ratios(self) -> str:
        """How much faster than the peers, as Markdown."""
        lines = [
            "| | against | ms | times faster, 1 thread | 2 threads | asked for |",
            "| --- | --- |" + " ---: |" * 4,
        ]
        for key, against, aim in AIMS:
            if against.startswith("equal"):
                measure = int(against.split()[1])
                nodes, seconds = self.equal(key, measure)
                where = ("z ≥ 0.25 m", "z > 0.6 m")[measure]
                text = f"numba of equal error, {where}: {nodes:.0f} x {nodes:.0f}"
            else:
                seconds = self.seconds(against)
                text = f"{PEERS[against].name}, {self.nodes(against)}"
            faster = [f"{seconds / self.seconds(key, k):.1f}" for k in self.threads(key)]
            cells = [f"{WAYS[key].name}, {self.nodes(key)}", text, milliseconds(seconds), faster[0]]
            cells += [faster[1] if faster[1:] else "", str(aim)]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def conditions(self) -> str:
        """How undisturbed the runs were."""
        shares = []
        for n in THREADS:
            busy = min(timing.busy for (_, threads), timing in self.timings.items() if threads == n)
            shares.append(f"{100 * busy / n:.0f} % with {n} thread{'s'[: n - 1]}")
        return (
            f"Best of {FEW} to {MANY} rounds. Least share of its processors that any of these runs had: "
            + ", ".join(shares)
            + "."
        )


def three_digits(number: float) -> str:
    """Three digits that count, without an exponent."""
    return f"{float(f'{number:.3g}'):g}"


def milliseconds(seconds: float) -> str:
    """As text."""
    return three_digits(1e3 * seconds)


def tables() -> dict[str, str]:
    """Everything, as Markdown, by name."""
    comparison = Comparison()
    return {
        "conditions": comparison.conditions(),
        "summary": comparison.summary(),
        "times": comparison.times(),
        "ratios": comparison.ratios(),
    }


def main() -> None:
    """Print the tables."""
    print(machine.description())
    for table in tables().values():
        print(f"\n{table}")


if __name__ == "__main__":
    main()
