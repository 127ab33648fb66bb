"""The training of networks, epoch by epoch, from any epoch on; and of ensembles, network by network."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Self, TypeVar

import numpy as np

from tundish._common.optional import optional
from tundish._learning.checkpoint import CheckpointTimer

torch = optional("torch", "vision")

History = list[tuple[float, float]]  # (training, validation) error of each epoch
State = tuple[dict[str, Any], dict[str, Any]]  # tensors and numbers
E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """How a network is trained by Adam: at most `epochs`, and until `patience` of them brought nothing."""

    learning_rate: float
    epochs: int
    patience: int
    seed: int
    weight_decay: float = 0.0


class TrainingRun(ABC):
    """A network in training: `run()` trains it, epoch by epoch, and `state()` is enough to go on from.

    Where what is drawn in an epoch follows from a seed and the number of the epoch alone, a run that goes on
    from a state ends like one that was never interrupted.

    `member` is the number of the network in its ensemble. `history` has the (training, validation) error of
    each epoch; `best` the weights of the least validation error, `best_error`, of epoch `best_epoch`, counted
    from 1.
    """

    def __init__(self, network: Any, plan: TrainingPlan, member: int) -> None:
        self.network, self.member = network, member
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self.learning_rate, self.epochs, self.patience = plan.learning_rate, plan.epochs, plan.patience
        self.best: dict[str, Any] = _copied(network.state_dict())
        self.best_epoch, self.best_error = 0, float("inf")
        self.history: History = []

    @abstractmethod
    def _epoch(self) -> tuple[float, float]:
        """Trains for an epoch; its training error and the validation error after it."""

    def _keeps(self, validation: float) -> bool:
        """Whether an epoch of this validation error is kept instead of those before."""
        return validation < self.best_error

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or none of the last `patience` was better."""
        done = len(self.history)
        return done >= self.epochs or done - self.best_epoch >= self.patience

    def run(self, after_epoch: Callable[[Self], object]) -> None:
        """Trains to the end and leaves the network with its best weights.

        **Raises:** FloatingPointError if the training error is not finite.
        """
        while not self.finished:
            training, validation = self._epoch()
            self.history.append((training, validation))
            if self._keeps(validation):
                self.best, self.best_epoch = _copied(self.network.state_dict()), len(self.history)
                self.best_error = validation
            after_epoch(self)
        self.network.load_state_dict(self.best)
        self.network.eval()

    def _refuse_divergence(self, total: float) -> None:
        """For `_epoch`, before it validates: the sum of its errors must be finite."""
        if not math.isfinite(total):
            raise FloatingPointError(
                f"learning_rate = {self.learning_rate:g}: training diverged in epoch "
                f"{len(self.history) + 1}; choose less"
            )

    def state(self) -> State:
        """Tensors and numbers that `resume` takes."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in moments.items()}
        numbers = {"member": self.member, "best_epoch": self.best_epoch, "history": self.history}
        return tensors, numbers

    def resume(self, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
        """Goes back to where a run of the same settings and data was."""
        parts: dict[str, dict[str, Any]] = {"network": {}, "best": {}, "adam": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = value
        self.network.load_state_dict(parts["network"])
        self.best = parts["best"]
        moments: dict[int, dict[str, Any]] = {}
        for name, value in parts["adam"].items():
            number, _, rest = name.partition(".")
            moments.setdefault(int(number), {})[rest] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.history = history_of(numbers["history"])
        self.best_epoch = int(numbers["best_epoch"])
        self.best_error = self.history[self.best_epoch - 1][1]


class Member(NamedTuple):
    """A network of an ensemble that is trained, and its history."""

    network: Any
    history: History


class Resumption(NamedTuple):
    """What an ensemble goes on from: the members that are trained, and the state of the one in training."""

    members: list[Member]
    state: State | None


class ProgressAdapter(Generic[E]):
    """To be called after each epoch: writes the checkpoint when it is due, and reports the epoch.

    - `report`: is called with an `epoch`, which is made of: number of the member and of members, number of
      the epoch and of epochs at most, training and validation error, best epoch and its validation error.
    - `write`: writes the checkpoint of a run; None if there is none.
    """

    def __init__(
        self,
        report: Callable[[E], object],
        epoch: Callable[..., E],
        members: int,
        write: Callable[[Any], object] | None = None,
    ) -> None:
        self._report, self._epoch, self._members, self._write = report, epoch, members, write
        self._timer = CheckpointTimer()

    def __call__(self, run: TrainingRun) -> None:
        if self._write is not None and self._timer.due:
            with self._timer.writing():
                self._write(run)
        self._report(
            self._epoch(
                run.member, self._members, len(run.history), run.epochs, *run.history[-1], run.best_epoch,
                run.best_error,
            )
        )  # fmt: skip


def train_ensemble(
    size: int,
    new_run: Callable[[int], TrainingRun],
    resumption: Resumption | None,
    after_epoch: Callable[[], Callable[[TrainingRun], object]],
    keep: Callable[[Member, bool], object],
) -> None:
    """Trains the members in their order, from where an earlier training was.

    - `new_run`: the run of a member, by its number, that has not begun.
    - `after_epoch`: makes for each run what is called after its epochs, such as a :class:`ProgressAdapter`.
    - `keep`: is called with each member, and whether it was trained now.
    """
    trained, state = ([], None) if resumption is None else resumption
    for number in range(size):
        if number < len(trained):
            keep(trained[number], False)
            continue
        run = new_run(number)
        if state is not None and state[1]["member"] == number:
            run.resume(*state)
        run.run(after_epoch())
        keep(Member(run.network, run.history), True)


def training_summary(history: History, error: str, best: int | None = None) -> dict[str, Any]:
    """What a model card has of a member: its epochs, the best of them, and the validation error there.

    - `error`: the error's name in the card. `best`: number of the epoch that is kept, counted from 1; None is
      that of the least validation error.
    """
    validation = [each for _, each in history]
    kept = int(np.argmin(validation)) + 1 if best is None else best
    return {"epochs": len(history), "best_epoch": kept, error: validation[kept - 1]}


def history_of(stored: Any) -> History:
    """A history out of JSON."""
    return [(float(training), float(validation)) for training, validation in stored]


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy({name: value.detach() for name, value in state.items()})
