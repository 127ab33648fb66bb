"""Trainings of an ensemble that are interrupted and go on, and when their checkpoints are due."""

from __future__ import annotations

import contextlib
import time
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")

from tundish._learning import checkpoint  # noqa: E402
from tundish._learning.checkpoint import CheckpointTimer  # noqa: E402
from tundish._learning.devices import device_name, seeded  # noqa: E402
from tundish._learning.training import (  # noqa: E402
    Member,
    ProgressAdapter,
    Resumption,
    TrainingPlan,
    TrainingRun,
    train_ensemble,
    training_summary,
)

PLAN = TrainingPlan(learning_rate=0.1, epochs=4, patience=4, seed=0)


class Epoch(NamedTuple):
    member: int
    members: int
    epoch: int
    epochs: int
    training: float
    validation: float
    best_epoch: int
    best: float


class Line(TrainingRun):
    """A line through one point."""

    def __init__(self, member: int) -> None:
        with seeded(torch.device("cpu"), PLAN.seed, member):
            super().__init__(torch.nn.Linear(1, 1), PLAN, member)

    def _epoch(self) -> tuple[float, float]:
        self.optimiser.zero_grad()
        error = (self.network(torch.ones(1, 1)) - 3 * self.member).abs().mean()
        error.backward()
        self.optimiser.step()
        self._refuse_divergence(float(error.detach()))
        return float(error.detach()), float(error.detach())


def trained(resumption: Resumption | None = None, stop: tuple[int, int] | None = None) -> Any:
    members: list[Member] = []
    epochs: list[Epoch] = []
    states: list[Any] = []

    def report(epoch: Epoch) -> None:
        epochs.append(epoch)
        if (epoch.member, epoch.epoch) == stop:
            raise KeyboardInterrupt

    def keep(member: Member, now: bool) -> None:
        members.append(member)

    def after_epoch() -> ProgressAdapter[Epoch]:
        return ProgressAdapter(report, Epoch, 2, lambda run: states.append(run.state()))

    with contextlib.suppress(KeyboardInterrupt):
        train_ensemble(2, Line, resumption, after_epoch, keep)
    return members, epochs, states


def test_an_ensemble_goes_on_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_WRITING", 1e9)  # always due
    whole, epochs, _ = trained()
    assert [(e.member, e.members, e.epoch, e.epochs) for e in epochs][4] == (1, 2, 1, 4)
    done, _, states = trained(stop=(1, 2))
    assert len(done) == 1
    again, rest, _ = trained(Resumption(done, states[-1]))
    assert [(e.member, e.epoch) for e in rest] == [(1, 3), (1, 4)]
    for one, other in zip(whole, again, strict=True):
        assert one.history == other.history
        pairs = zip(one.network.parameters(), other.network.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_checkpoints_take_a_twentieth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    timer = CheckpointTimer()
    assert timer.due
    with timer.writing():
        now += 1.0
    now += 19.9
    assert not timer.due
    now += 0.2
    assert timer.due


def test_a_summary_names_the_best_epoch() -> None:
    history = [(0.3, 0.5), (0.2, 0.1), (0.1, 0.4)]
    assert training_summary(history, "mae") == {"epochs": 3, "best_epoch": 2, "mae": 0.1}
    assert training_summary(history, "mae", 3) == {"epochs": 3, "best_epoch": 3, "mae": 0.4}


def test_a_training_that_diverges_names_its_rate() -> None:
    run = Line(0)
    run.network.weight.data.fill_(float("nan"))
    message = r"learning_rate = 0\.1: training diverged in epoch 1; choose less"
    with pytest.raises(FloatingPointError, match=message):
        run.run(lambda _: None)


def test_devices_are_refused_as_data() -> None:
    with pytest.raises(ValueError, match="is unknown to torch") as raised:
        device_name("abacus")
    assert (raised.value.argument, raised.value.value) == ("device", "abacus")  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="must be 'auto' or a name"):
        device_name(0)
