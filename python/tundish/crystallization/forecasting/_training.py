"""What a network learns from: windows of the series, as it sees them, and what came after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish._learning.devices import seeded
from tundish._learning.training import TrainingPlan, TrainingRun
from tundish.crystallization.forecasting._trend import median_step, reach, windows

torch = optional("torch", "vision")

DAMPING = 0.9  # of the trend that a "change" is relative to
_CLIPPED = 5.0  # usual distances in a window
_MIN_DISTANCE = 0.05  # of the usual step
_BATCH = 128


class Epoch(NamedTuple):
    """What a `progress` function is called with after each epoch.

    `member` counts the networks of an ensemble from 0 and `epoch` from 1. Losses are relative to what comes
    of no change ("change"), or squares of standard deviations ("level"); `best_validation_loss` is the least
    so far, of epoch `best_epoch`.
    """

    member: int
    members: int
    epoch: int
    epochs: int
    training_loss: float
    validation_loss: float
    best_epoch: int
    best_validation_loss: float


class View(NamedTuple):
    """How a series becomes a network's input, learnt from the training part; (k,) each.

    `form` "change": a window is its distances from its last value in units of their mean size, and the output
    a change beside that of a damped trend, in the same units. "level", as published: z-scores, both.
    """

    form: str
    centre: Floats
    spread: Floats

    @classmethod
    def of(cls, form: str, values: Floats) -> View:
        """The view of (T, k) values."""
        spread = np.abs(np.diff(values, axis=0)).mean(axis=0) if form == "change" else values.std(axis=0)
        return cls(form, values.mean(axis=0), spread)

    def seen(self, recent: Floats) -> tuple[Floats, Floats]:
        """(n, window, k) as seen, and the units (n, k) of the output."""
        if self.form == "level":
            unit = np.broadcast_to(self.spread, recent[:, 0].shape)
            return (recent - self.centre) / _divisor(unit)[:, None], unit
        distance = recent - recent[:, -1:]
        unit = np.abs(distance).mean(axis=1) + _MIN_DISTANCE * self.spread
        return np.clip(distance / _divisor(unit)[:, None], -_CLIPPED, _CLIPPED), unit

    def expected(self, recent: Floats, horizons: tuple[int, ...]) -> Floats:
        """(n, horizons, k): what is forecast where the output of the network is 0."""
        if self.form == "level":
            return np.broadcast_to(self.centre, (len(recent), len(horizons), self.centre.size))
        trend = median_step(recent[:, -max(2, recent.shape[1] // 2) :])
        ahead = reach(DAMPING, np.array(horizons, dtype=float))
        return np.asarray(recent[:, -1:] + ahead[None, :, None] * trend[:, None])

    def path(self, recent: Floats, horizons: tuple[int, ...], output: Floats) -> Floats:
        """(n, longest horizon, k): all steps, for the network's output beside the expected (n, horizons, k).

        Beside the trend, or beside the last value where levels are learnt, the change is linear in between.
        """
        steps = np.arange(1, horizons[-1] + 1)
        if self.form == "level":
            base = np.repeat(recent[:, -1:], steps.size, axis=1)
            beside = self.expected(recent, horizons) + output - recent[:, -1:]
        else:
            base, beside = self.expected(recent, tuple(steps.tolist())), output
        known = np.concatenate([np.zeros_like(beside[:, :1]), beside], axis=1)
        places = np.array([0, *horizons])
        after = np.clip(np.searchsorted(places, steps), 1, len(horizons))
        share = ((steps - places[after - 1]) / (places[after] - places[after - 1]))[None, :, None]
        return np.asarray(base + (1 - share) * known[:, after - 1] + share * known[:, after])


class Material(NamedTuple):
    """Rows to learn from, one a series and origin, tensors on the device: windows (R, window), targets in
    units of the network's output, the weights that they are multiplied by in the loss, and whether they are
    trained on or validated by (R, horizons); the origin (R,) of each; and frames (T, side, side): none, or as
    they were taken and, if there are any, their noisy copies."""

    windows: Any
    targets: Any
    weights: Any
    trained: Any
    validated: Any
    origins: Any
    frames: list[Any]


def material(values: Floats, view: View, window: int, horizons: tuple[int, ...], validated_from: int,
             frames: list[Any], device: Any) -> Material:  # fmt: skip
    """Training targets lie before `validated_from`; validated origins do not."""
    length = len(values)
    origins = np.arange(window, length)
    recent = windows(values, origins, window)
    seen, unit = view.seen(recent)
    target = origins[:, None] + np.array(horizons) - 1
    known = target < length
    after = values[np.minimum(target, length - 1)]
    difference = after - view.expected(recent, horizons)
    changes = view.form == "change"
    usual = _usual_changes(values[:validated_from], horizons) if changes else view.spread
    weight = np.repeat(unit[:, None], len(horizons), axis=1) / _divisor(usual)
    trained = known & (target < validated_from)
    validated = known & (origins[:, None] >= validated_from)

    def rows(part: NDArray[Any]) -> Any:
        """(origins, horizons, k) as (k · origins, horizons)."""
        return torch.from_numpy(
            np.ascontiguousarray(part.transpose(2, 0, 1).reshape(-1, part.shape[1]), np.float32)
        ).to(device)

    series = np.ones(values.shape[1])
    return Material(
        rows(seen),
        rows(difference / _divisor(unit)[:, None]),
        rows(weight),
        rows(trained[..., None] * series),
        rows(validated[..., None] * series),
        torch.from_numpy(np.tile(origins, values.shape[1])).to(device),
        frames,
    )


def _usual_changes(values: Floats, horizons: tuple[int, ...]) -> Floats:
    """(horizons, k) mean absolute changes, that a loss is measured by."""
    found = []
    for h in horizons:
        reached = min(h, len(values) - 1)
        found.append(np.abs(values[reached:] - values[:-reached]).mean(axis=0))
    return np.array(found)


def _divisor(unit: Floats) -> Floats:
    """Units, or 1 where a series stands still, whose distances are 0 in any."""
    return np.where(unit > 0, unit, 1.0)


@dataclass(frozen=True, kw_only=True)
class SeriesPlan(TrainingPlan):
    """How a network is trained; see `FluxForecaster`."""

    form: str


class SeriesTraining(TrainingRun):
    """A network in training. The order of the windows follows from the seed, the member and the epoch."""

    def __init__(self, network: Any, plan: SeriesPlan, material: Material, member: int) -> None:
        super().__init__(network, plan, member)
        self.plan, self.material = plan, material
        self.trained = np.flatnonzero(material.trained.any(dim=1).cpu().numpy())
        self.validated = torch.nonzero(material.validated.any(dim=1))[:, 0]

    def _epoch(self) -> tuple[float, float]:
        epoch, plan = len(self.history), self.plan
        total = weight = 0.0
        with seeded(self.material.windows.device, plan.seed, self.member, epoch, 1):
            self.network.train()
            for batch, frames in self._batches(epoch):
                rows = torch.from_numpy(batch).to(self.material.windows.device)
                loss, number = self._loss(rows, self.material.trained, frames)
                self.optimiser.zero_grad(set_to_none=True)
                (loss / number).backward()
                self.optimiser.step()
                total, weight = total + float(loss.detach()), weight + float(number)
        self._refuse_divergence(total)
        return total / weight, self._validation_loss()

    def _batches(self, epoch: int) -> list[tuple[NDArray[np.intp], Any]]:
        """Rows, and the frames that they see: as taken, and their copies."""
        random = np.random.default_rng([self.plan.seed, self.member, epoch])
        count = -(-self.trained.size // _BATCH)
        if not self.material.frames:
            return [(batch, None) for batch in np.array_split(random.permutation(self.trained), count)]
        # Windows that follow each other share their frames, which are seen once a batch.
        parts = np.array_split(self.trained, count)
        batches = [(part, frames) for frames in self.material.frames for part in parts]
        return [batches[n] for n in random.permutation(len(batches))]

    def _validation_loss(self) -> float:
        self.network.eval()
        with torch.inference_mode():
            frames = self.material.frames[0] if self.material.frames else None
            loss, number = self._loss(self.validated, self.material.validated, frames)
        return float(loss / number)

    def _loss(self, rows: Any, counted: Any, frames: Any) -> tuple[Any, Any]:
        """The sum of losses of some rows, to which frames are shown, and of the weights of their targets."""
        seen = self.material.windows[rows][..., None]
        if frames is not None:
            seen = torch.cat([seen, self._features_of_frames(frames, rows, seen.shape[1])], dim=-1)
        error = (self.network.read(seen) - self.material.targets[rows]) * self.material.weights[rows]
        size = error.abs() if self.plan.form == "change" else error**2
        return (size * counted[rows]).sum(), counted[rows].sum()

    def _features_of_frames(self, frames: Any, rows: Any, window: int) -> Any:
        places = self.material.origins[rows][:, None] + torch.arange(-window, 0, device=rows.device)
        which, place = torch.unique(places, return_inverse=True)
        return self.network.encode(frames[which])[place]
