"""What the ways to minimise share: stages for all runs, and the news of their progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from tundish._common.optional import optional
from tundish.casting.identification._problem import FitRun, Problem, Stage

INTERRUPTED = "interrupted: the best so far"


class Progress(NamedTuple):
    """What a `progress` function is called with.

    `stage` and `run` count from 0; `evaluations` are single solves of the strand so far, of `total` (None
    where that is not known); `cost` is the least of the stage, `parameters` are those it was found with.
    """

    stage: int
    run: int
    evaluations: int
    total: int | None
    cost: float
    parameters: dict[str, float]


class ProgressAdapter:
    """Counts solves and passes them on."""

    total: int | None = None

    def __init__(self, report: Callable[[Progress], object] | None) -> None:
        self.report = report
        self.evaluations = self.stage = self.run = 0

    def begin(self, stage: int, run: int) -> None:
        """What follows is of this stage and run."""
        self.stage, self.run = stage, run

    def add(self, solves: int, cost: float, parameters: dict[str, float], run: int | None = None) -> None:
        """So many more solves are done; the least cost of the stage, and where it was found."""
        self.evaluations += solves
        if self.report:
            run = self.run if run is None else run
            self.report(Progress(self.stage, run, self.evaluations, self.total, cost, parameters))


class Search:
    """A way to minimise; stage by stage, for all runs."""

    watch: ProgressAdapter

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.interrupted = False

    def run(self, stages: Sequence[Stage], runs: list[FitRun]) -> list[FitRun]:
        """The runs that have ended, with what they found."""
        raise NotImplementedError


@contextmanager
def watched(progress: bool | Callable[[Progress], object]) -> Iterator[ProgressAdapter]:
    """Around a search: its progress goes to the user's own function, to a bar on stderr, or nowhere."""
    if callable(progress):
        yield ProgressAdapter(progress)
        return
    try:
        rich = optional("rich.progress", "progress") if progress else None
    except ImportError:
        rich = None
    if rich is None:
        yield ProgressAdapter(None)
        return
    console, live, text = (optional(f"rich.{name}", "progress") for name in ("console", "live", "text"))
    columns = (rich.BarColumn(), rich.TextColumn("{task.completed} solves, {task.description}"),
               rich.TimeElapsedColumn())  # fmt: skip
    bar = rich.Progress(*columns)
    task = bar.add_task("", total=None)
    with live.Live(bar, console=console.Console(stderr=True), transient=True) as shown:

        def report(p: Progress) -> None:
            bar.update(task, completed=p.evaluations, total=p.total, description=f"cost {p.cost:.6g}")
            best = "   ".join(f"{name} = {value:.4g}" for name, value in p.parameters.items())
            shown.update(console.Group(bar, text.Text(best)))

        yield ProgressAdapter(report)
