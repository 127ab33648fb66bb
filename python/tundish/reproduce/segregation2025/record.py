"""The record of the runs: what is there is not done again, and what is missing is done side by side."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tundish._common.optional import optional
from tundish._learning.model_folder import plain
from tundish.reproduce._study import RunRecord
from tundish.reproduce.segregation2025 import study as paper
from tundish.reproduce.segregation2025.study import Run, Task, missing, splits_of, tasks
from tundish.segregation.configurations import Configuration

Rows = dict[str, list[Run]]

# A task, its split, the seed, and files of weights by backbone.
_Job = tuple[Task, int, int, Mapping[str, Path]]


def _computed(job: _Job) -> tuple[_Job, dict[str, Any]]:
    return job, paper.compute(*job)


def _one_thread() -> None:
    """Of a worker: it leaves Ctrl-C to the one who waits for it, and other processors to other workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    optional("torch", "vision").set_num_threads(1)
    optional("threadpoolctl", "vision").threadpool_limits(1)  # numpy's


def _results(jobs: list[_Job], workers: int) -> Iterator[tuple[_Job, dict[str, Any]]]:
    """As they come."""
    if workers == 1 or len(jobs) < 2:
        yield from map(_computed, jobs)
        return
    # Two networks side by side, of a thread each, are trained 1.4 times as fast as one after the other with
    # two threads (61 points, three blocks of 64 px). A process that torch has threads in cannot be forked.
    with multiprocessing.get_context("spawn").Pool(min(workers, len(jobs)), _one_thread) as pool:
        yield from pool.imap_unordered(_computed, jobs)


class Record(RunRecord[Run]):
    """All runs so far, in a file of one JSON object a line: what is there is not done again."""

    def _start(self) -> None:
        self._runs: dict[str, dict[int, Run]] = {}

    def _read(self, fields: dict[str, Any]) -> Run:
        return Run(**{**fields, "task": Task(**fields["task"])})

    def _line(self, run: Run) -> str:
        return json.dumps(plain(run._asdict() | {"task": run.task._asdict()}), allow_nan=False)

    def _keep(self, run: Run) -> None:
        self._runs.setdefault(_key(run.task), {})[run.split] = run

    def runs(self, task: Task | None) -> list[Run]:
        """Those done, in the order of the splits."""
        found = {} if task is None else self._runs.get(_key(task), {})
        return [found[split] for split in sorted(found)]

    def has(self, study: str, chosen: Configuration) -> bool:
        """Whether all rows of a study have a run; of transfer one, since the others need files of weights."""
        found = [bool(self.runs(task)) for task in tasks(study, chosen).values() if task is not None]
        return any(found) if study == "transfer" else all(found)

    def complete(
        self,
        studies: Iterable[str],
        chosen: Configuration,
        splits: int | None,
        tell: Callable[[str], object],
        weights: Mapping[str, Path] = MappingProxyType({}),
        workers: int = 1,
    ) -> None:
        """Does what is missing and can run, split by split of each row; `weights` are files by backbone.

        `workers`: processes of one thread each; 1 is this one, with all its threads.
        """
        names = self._missing(studies, chosen, splits, weights)
        jobs: list[_Job] = [(task, split, self.seed, dict(weights)) for _, task, split in names]
        labels = {(_key(task), split): name for name, task, split in names}
        if jobs:
            tell(f"{len(jobs)} runs are missing")
        for done, (job, result) in enumerate(_results(jobs, workers), start=1):
            self.add([Run(*job[:3], result)])
            tell(f"{labels[_key(job[0]), job[1]]}: {done} of {len(jobs)} done, {result['seconds']:.0f} s")

    def _missing(
        self, studies: Iterable[str], chosen: Configuration, splits: int | None, weights: Mapping[str, Path]
    ) -> list[tuple[str, Task, int]]:
        """What is told of each run that can be made and has not been, its task and its split."""
        found: dict[tuple[str, int], tuple[str, Task, int]] = {}
        for study in studies:
            count = splits_of(study, chosen, splits)
            for name, task in tasks(study, chosen).items():
                if task is None or missing(task, weights):
                    continue
                for split in range(count):
                    if split not in self._runs.get(_key(task), {}):
                        # Rows of several studies may be one run.
                        named = f"{study}, {name}: split {split + 1} of {count}"
                        found.setdefault((_key(task), split), (named, task, split))
        return list(found.values())


def _key(task: Task) -> str:
    return json.dumps(task._asdict(), sort_keys=True)


def rows_of(study_name: str, record: Record, chosen: Configuration) -> Rows:
    """By row, of the splits that all rows have; none where the patches are too small."""
    found = {name: record.runs(task) for name, task in tasks(study_name, chosen).items()}
    common = set.intersection(*({run.split for run in runs} for runs in found.values() if runs))
    return {name: [run for run in runs if run.split in common] for name, runs in found.items()}


def values_of(runs: Sequence[Run], part: str, name: str) -> list[float | None]:
    """A figure of a part of the results, run by run."""
    return [run.result[part][name] for run in runs]
