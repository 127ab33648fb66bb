"""Incremental training: networks go on with new patches, and see old ones again so as not to forget them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import number
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish._learning.devices import seeded
from tundish.segregation.engines._eager import predict
from tundish.segregation.estimators._estimator import scores
from tundish.segregation.estimators._training import (
    Epoch,
    Material,
    PatchPlan,
    channels_last,
    copies_of,
    step,
)
from tundish.segregation.patches._copies import COPIES
from tundish.segregation.patches._patch_set import PatchSet

torch = optional("torch", "vision")

_MAX_REPLAYED = 0.9


class Update(NamedTuple):
    """What an incremental training changed; figures as of `CarbonRegressor.score`, wt%.

    - `new_before`, `new_after`: on the new patches. "Before" had not seen them; "after" was trained on them,
      so it says that they were learnt, and not how well others of their billet are predicted.
    - `held_before`, `held_after`: on the points that were held out of the first training, and still are.
    - `weights`: relative change of the weights, |after - before| / |before|, mean over the networks.
    - `points`, `steps`: new points, and steps of the optimiser for each network.
    """

    new_before: dict[str, float]
    new_after: dict[str, float]
    held_before: dict[str, float]
    held_after: dict[str, float]
    weights: float
    points: int
    steps: int


class ReplayTraining(NamedTuple):
    """Old patches and, from row `first` on, new ones.

    - `material`: both, prepared. `held`: (members, N) whether a network never trains on a patch.
    - `plan`: of the training. `share`: of a batch that are old patches. `earlier`: number of updates before.
    """

    both: PatchSet
    first: int
    material: Material
    held: NDArray[np.bool_]
    plan: PatchPlan
    share: float
    earlier: int

    @property
    def fresh(self) -> int:
        """Number of new patches with their copies."""
        return (len(self.both) - self.first) * len(COPIES[self.plan.augment])

    @property
    def batches(self) -> int:
        """Batches of an epoch, none of a single patch, which has no variance."""
        count = math.ceil(self.fresh / max(1.0, self.plan.batch_size * (1 - self.share)))
        return count if self.share >= 0.5 else min(count, max(1, self.fresh // 2))

    def run(self, networks: list[Any], report: Callable[[Epoch], object]) -> Update:
        """Trains the networks on; what that changed."""
        before = self.scores_of(networks)
        changes = [self._train(network, n, report) for n, network in enumerate(networks)]
        after = self.scores_of(networks)
        points = int(self.both[self.first :].group.max()) + 1
        steps = self.plan.epochs * self.batches
        return Update(before[0], after[0], before[1], after[1], float(np.mean(changes)), points, steps)

    def scores_of(self, networks: list[Any]) -> tuple[dict[str, float], dict[str, float]]:
        """Scores on the new patches by all networks, and on the held-out ones by those that held them out."""
        predicted = np.array([predict(network, self.material.images) for network in networks])
        carbon, rows = self.both.carbon, np.flatnonzero(self.held.any(axis=0))
        kept = self.held[:, rows]
        unseen = np.sum(predicted[:, rows] * kept, axis=0) / kept.sum(axis=0)
        return (
            scores(predicted[:, self.first :].mean(axis=0), carbon[self.first :]),
            scores(unseen, carbon[rows]),
        )

    def _train(self, network: Any, member: int, report: Callable[[Epoch], object]) -> float:
        """Trains one network on; the relative change of its weights."""
        plan, start = self.plan, _flat(network)
        random = np.random.default_rng([plan.seed, member, 0xA1, self.earlier])
        optimiser = torch.optim.Adam(
            network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        with channels_last(network):
            self._epochs(network, optimiser, member, random, report)
        network.eval()
        return float((_flat(network) - start).norm() / start.norm())

    def _epochs(
        self, network: Any, optimiser: Any, member: int, random: np.random.Generator,
        report: Callable[[Epoch], object],
    ) -> None:  # fmt: skip
        plan = self.plan
        for epoch in range(plan.epochs):
            with seeded(self.material.images.device, plan.seed, member, epoch, 2, self.earlier):
                network.train()
                total = sum(self._step(network, optimiser, b) for b in self._batches(member, random))
            if not math.isfinite(total):
                raise FloatingPointError(
                    f"learning_rate = {plan.learning_rate:g}: training diverged in epoch {epoch + 1}"
                )
            mae = self._error_of_new(network)
            report(
                Epoch(member, len(self.held), epoch + 1, plan.epochs, total / self.fresh, mae, epoch + 1, mae)
            )

    def _batches(
        self, member: int, random: np.random.Generator
    ) -> list[tuple[NDArray[np.intp], NDArray[np.intp], int]]:
        """Rows, which copies of them, and how many of them are new: all new ones once, and old ones drawn."""
        copies = len(COPIES[self.plan.augment])
        replayed = np.flatnonzero(~self.held[member, : self.first])
        batches = []
        for batch in np.array_split(random.permutation(self.fresh), self.batches):
            again = round(batch.size * self.share / (1 - self.share))
            rows = np.concatenate([self.first + batch // copies, random.choice(replayed, again)])
            kinds = np.concatenate([batch % copies, random.integers(copies, size=again)])
            batches.append((rows, kinds, batch.size))
        return batches

    def _step(
        self, network: Any, optimiser: Any, batch: tuple[NDArray[np.intp], NDArray[np.intp], int]
    ) -> float:
        rows, kinds, fresh = batch
        which = torch.from_numpy(rows).to(self.material.images.device)
        images = copies_of(self.material.images[which], kinds, self.plan.augment)
        return step(network, optimiser, images, self.material.carbon[which], self.plan.bfloat16) * fresh

    def _error_of_new(self, network: Any) -> float:
        learnt = predict(network, self.material.images[self.first :])
        return float(np.mean(np.abs(learnt - self.material.carbon[self.first :].double().cpu().numpy())))


def checked_share(value: object) -> float:
    """0 to 0.9."""
    share = number("replay_share", value)
    if not 0 <= share <= _MAX_REPLAYED:
        raise ArgumentError("replay_share", share, f"must be 0 to {_MAX_REPLAYED:g}")
    return share


def alike(new: PatchSet, old: PatchSet) -> PatchSet:
    """The new patches as the old ones are: with copies or without, and of points of their own."""
    if new.augmentation is not None and new.augmentation != old.augmentation:
        raise ArgumentError("patches", MISSING, "are augmented; give them as they were before augment")
    refuse_known(new, old.ids)
    if old.augmentation is not None and new.augmentation is None:
        return new.augment(old.augmentation)
    return new


def refuse_known(new: PatchSet, known: set[tuple[Any, Any]]) -> None:
    """Points (billet, point) that were trained on teach nothing new."""
    for billet, point in sorted(new.ids & known, key=str):
        raise ArgumentError(
            "patches",
            MISSING,
            f"point {point!r} of billet {billet!r} is among those that were trained on; other billets need "
            "ids of their own",
        )


def _flat(network: Any) -> Any:
    return torch.cat([weights.detach().reshape(-1) for weights in network.parameters()])
