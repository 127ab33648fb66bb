"""The training of one network, epoch by epoch, from any epoch on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import choice
from tundish._common.optional import optional
from tundish._learning.devices import seeded
from tundish._learning.training import TrainingPlan, TrainingRun
from tundish.segregation.engines._eager import predict
from tundish.segregation.patches._copies import COPIES
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.patches._splits import GROUPS, groups_by, held_out_groups, share_of

torch = optional("torch", "vision")

Rows = NDArray[np.intp]

SCHEDULES = ("constant", "cosine")


class Epoch(NamedTuple):
    """What a `progress` function is called with after each epoch.

    `member` counts the networks of an ensemble from 0 and `epoch` from 1; errors are mean absolute ones, wt%,
    in training with dropout; `best_validation_mae` is that of epoch `best_epoch`, which is kept so far.
    """

    member: int
    members: int
    epoch: int
    epochs: int
    training_mae: float
    validation_mae: float
    best_epoch: int
    best_validation_mae: float


@dataclass(frozen=True, kw_only=True)
class PatchPlan(TrainingPlan):
    """How a network of patches is trained; see `CarbonRegressor`."""

    batch_size: int
    augment: str | None = None
    bfloat16: bool = False
    schedule: str = "constant"

    def rate(self, done: float) -> float:
        """The learning rate when a share of all steps is done: constant, or along half a cosine to 0."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


class Material(NamedTuple):
    """Prepared patches (N, 1, H, W) and their carbon (N,), wt%, both tensors on the device."""

    images: Any
    carbon: Any


def held_out(patches: PatchSet, validation: float, by: str, members: int, seed: int) -> NDArray[np.bool_]:
    """(members, N) whether a network validates on a patch instead of training on it."""
    share = share_of("validation", validation)
    choice("by", by, GROUPS)
    if patches.leak is not None:
        groups = np.arange(len(patches))
    else:
        groups = groups_by(by, patches.group, patches.billet, patches.position)
    return held_out_groups(share, groups, by, members, seed)


@contextmanager
def channels_last(network: Any) -> Iterator[None]:
    """The weights are so in memory within: a step of four blocks at 64 px takes 0.7 to 0.8 of the time."""
    network.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        network.to(memory_format=torch.contiguous_format)


def step(network: Any, optimiser: Any, images: Any, carbon: Any, bfloat16: bool) -> float:
    """One step of the optimiser; the mean absolute error before it, wt%."""
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
        predicted = network(images)
    error = (predicted - carbon).abs().mean()
    # In units of the carbon's spread: the size of a loss matters to Adam's epsilon and to small exponents.
    (error / network.carbon_scale[0]).backward()
    optimiser.step()
    return float(error.detach())


def copies_of(images: Any, kinds: NDArray[np.intp], augment: str | None) -> Any:
    """The images, each turned and mirrored as its kind says."""
    if augment is None:
        return images
    out = torch.empty_like(images)
    for kind, (turns, mirrored) in enumerate(COPIES[augment]):
        which = torch.from_numpy(np.flatnonzero(kinds == kind)).to(images.device)
        part = images[which]
        out[which] = torch.rot90(part.flip(3) if mirrored else part, turns, dims=(2, 3))
    return out


class PatchTraining(TrainingRun):
    """A network of patches in training.

    The order of the patches and the dropout of an epoch follow from the seed, the member and the epoch alone.
    """

    def __init__(
        self, network: Any, plan: PatchPlan, material: Material, train: Rows, validation: Rows, member: int
    ) -> None:
        super().__init__(network, plan, member)
        self.plan, self.material = plan, material
        self.train, self.validation = train, validation

    def _keeps(self, validation: float) -> bool:
        # While the rate is high an epoch is good by chance: the few that validate would choose that chance.
        return self.plan.schedule == "cosine" or super()._keeps(validation)

    def run(self, after_epoch: Callable[[Self], object]) -> None:
        """Trains to the end and leaves the network with its best weights."""
        with channels_last(self.network):
            super().run(after_epoch)

    def _epoch(self) -> tuple[float, float]:
        epoch, plan = len(self.history), self.plan
        copies = len(COPIES[plan.augment])
        order = np.random.default_rng([plan.seed, self.member, epoch]).permutation(len(self.train) * copies)
        # Even batches, none of a single patch, which has no variance for batch norm.
        count = min(-(-order.size // plan.batch_size), max(1, order.size // 2))
        batches = np.array_split(order, count)
        total = 0.0
        with seeded(self.network.carbon_mean.device, plan.seed, self.member, epoch, 1):
            self.network.train()
            for n, batch in enumerate(batches):
                for group in self.optimiser.param_groups:
                    group["lr"] = plan.rate((epoch + n / count) / plan.epochs)
                rows = torch.from_numpy(self.train[batch // copies]).to(self.material.images.device)
                images = copies_of(self.material.images[rows], batch % copies, plan.augment)
                error = step(self.network, self.optimiser, images, self.material.carbon[rows], plan.bfloat16)
                total += error * batch.size
        self._refuse_divergence(total)
        return total / order.size, self._validation_error()

    def _validation_error(self) -> float:
        predicted = predict(self.network, self.material.images[torch.from_numpy(self.validation)])
        carbon = self.material.carbon[torch.from_numpy(self.validation)].double().cpu().numpy()
        return float(np.mean(np.abs(predicted - carbon)))


def in_words(e: Epoch) -> tuple[int, int, str]:
    """Epochs done, all epochs, and a line for the bar."""
    which = f"network {e.member + 1} of {e.members}, " if e.members > 1 else ""
    text = f"{which}epoch {e.epoch} of {e.epochs}: validation error {e.validation_mae:.4f} wt%, "
    text += f"{e.best_validation_mae:.4f} in epoch {e.best_epoch}, which is kept"
    return e.member * e.epochs + e.epoch, e.members * e.epochs, text
