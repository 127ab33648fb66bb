"""The training of a network, epoch by epoch, from any epoch on; and the device and the seeds that it has."""

from __future__ import annotations

import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from tundish._common.optional import optional

torch = optional("torch", "vision")

_WRITING = 0.05  # share of the time that checkpoints may take


@contextmanager
def seeded(device: Any, *seed: int) -> Iterator[None]:
    """torch's generators, seeded within and as before outside; deterministic convolutions on CUDA."""
    state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))
    cuda = [device] if device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=cuda),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
    ):
        torch.manual_seed(state)
        yield


def device_name(value: object) -> str:
    """ "auto", or a device that torch knows and this machine has."""
    if not isinstance(value, str):
        raise TypeError(f"device = {value!r}: must be 'auto' or a name such as 'cpu' or 'cuda'")
    if value == "auto":
        return value
    try:
        kind = torch.device(value).type
    except RuntimeError:
        raise ValueError(
            f"device = {value!r}: is unknown to torch; 'auto', 'cpu' or 'cuda' are usual"
        ) from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device = {value!r}: this torch finds no CUDA device; choose 'auto' or 'cpu'")
    return value


def torch_device(name: str) -> Any:
    """The device of such a name; "auto" is CUDA if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


class Pace:
    """Tells when a checkpoint is due, so that writing them takes 5 % of the time; the first at once."""

    def __init__(self) -> None:
        self._written, self._wait = time.monotonic(), 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._written >= self._wait

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around what writes."""
        began = time.monotonic()
        yield
        self._written = time.monotonic()
        self._wait = (self._written - began) / _WRITING


class Course(ABC):
    """A network in training: `run()` trains it, epoch by epoch, and `state()` is enough to go on from.

    Where what is drawn in an epoch follows from a seed and the number of the epoch alone, a course that goes
    on from a state ends like one that was never interrupted.

    `epochs` is the most, and `patience` the epochs without a better validation error that end it; `member`
    tells the network in its ensemble. `history` has the (training, validation) error of each epoch; `best`
    the weights of the least validation error, `best_error`, of epoch `best_epoch`, counted from 1.
    """

    def __init__(self, network: Any, optimiser: Any, epochs: int, patience: int, member: int) -> None:
        self.network, self.optimiser, self.member = network, optimiser, member
        self.epochs, self.patience = epochs, patience
        self.best: dict[str, Any] = _copied(network.state_dict())
        self.best_epoch, self.best_error = 0, float("inf")
        self.history: list[tuple[float, float]] = []

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
        """Trains to the end and leaves the network with its best weights."""
        while not self.finished:
            training, validation = self._epoch()
            self.history.append((training, validation))
            if self._keeps(validation):
                self.best, self.best_epoch = _copied(self.network.state_dict()), len(self.history)
                self.best_error = validation
            after_epoch(self)
        self.network.load_state_dict(self.best)
        self.network.eval()

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tensors and numbers that `resume` takes."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": value for name, value in moments.items()}
        numbers = {"member": self.member, "best_epoch": self.best_epoch, "history": self.history}
        return tensors, numbers

    def resume(self, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
        """Goes back to where a course of the same settings and data was."""
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
        self.history = [(float(training), float(validation)) for training, validation in numbers["history"]]
        self.best_epoch = int(numbers["best_epoch"])
        self.best_error = self.history[self.best_epoch - 1][1]


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy({name: value.detach() for name, value in state.items()})
