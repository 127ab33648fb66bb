"""The training of one network, epoch by epoch, from any epoch on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._arrays import Floats, choice, number, optional
from tundish.segregation._patches import GROUPS, PatchSet

torch = optional("torch", "vision")

Rows = NDArray[np.intp]

# Quarter turns, and whether the copy is mirrored first: of no copies, and as in PatchSet.augment.
_ROTATIONS = ((0, False), (1, False), (2, False), (3, False))
COPIES: dict[str | None, tuple[tuple[int, bool], ...]] = {
    None: ((0, False),),
    "rotation": _ROTATIONS,
    "mirror": ((0, False), (0, True)),
    "dihedral": (*_ROTATIONS, *((turns, True) for turns, _ in _ROTATIONS)),
}
_INFERENCE_BATCH = 64


class Epoch(NamedTuple):
    """What a `progress` function is called with after each epoch.

    `member` counts the networks of an ensemble from 0 and `epoch` from 1; errors are mean absolute ones, wt%,
    in training with dropout; `best_validation_mae` is the least so far, of epoch `best_epoch`.
    """

    member: int
    members: int
    epoch: int
    epochs: int
    training_mae: float
    validation_mae: float
    best_epoch: int
    best_validation_mae: float


class Plan(NamedTuple):
    """How a network is trained; see `CarbonRegressor`."""

    learning_rate: float
    batch_size: int
    epochs: int
    patience: int
    weight_decay: float
    augment: str | None
    bfloat16: bool
    seed: int


class Material(NamedTuple):
    """Prepared patches (N, 1, H, W) and their carbon (N,), wt%, both tensors on the device."""

    images: Any
    carbon: Any


def held_out(patches: PatchSet, validation: float, by: str, members: int, seed: int) -> NDArray[np.bool_]:
    """(members, N) whether a network validates on a patch instead of training on it."""
    share = number("validation", validation)
    if not 0 < share < 1:
        raise ValueError(f"validation = {validation}: must lie between 0 and 1")
    choice("by", by, GROUPS)
    groups = np.arange(len(patches)) if patches.leak is not None else patches._groups(by, None)
    names = np.random.default_rng([seed, 0xC0]).permutation(groups.max() + 1)
    if names.size < 2:
        raise ValueError(
            f"patches: by = {by!r} makes one group; at least 2, to train and to validate, are needed"
        )
    count = min(max(round(share * names.size), 1), names.size - 1)
    chosen = (np.arange(members)[:, None] * count + np.arange(count)) % names.size
    held = np.array([np.isin(groups, names[row]) for row in chosen])
    fewest = int((~held).sum(axis=1).min())
    if fewest < 2:
        raise ValueError(f"patches: leave {fewest} to train on; at least 2 are needed")
    return held


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


def predict(network: Any, images: Any, bfloat16: bool = False) -> Floats:
    """(N,) wt% of prepared patches (N, 1, H, W), on any device."""
    device = network.carbon_mean.device
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        parts = [
            network(images[n : n + _INFERENCE_BATCH].to(device)).double().cpu().numpy()
            for n in range(0, len(images), _INFERENCE_BATCH)
        ]
    return np.concatenate(parts)


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


class Course:
    """A network in training: `run()` trains it, epoch by epoch, and `state()` is enough to go on from.

    The order of the patches and the dropout of an epoch follow from the seed, the member and the epoch alone,
    so a course that goes on from a state ends like one that was never interrupted.
    """

    def __init__(
        self, network: Any, plan: Plan, material: Material, train: Rows, validation: Rows, member: int
    ) -> None:
        self.network, self.plan, self.material = network, plan, material
        self.train, self.validation, self.member = train, validation, member
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self.best: dict[str, Any] = _copied(network.state_dict())
        self.best_epoch, self.best_mae = 0, float("inf")
        self.history: list[tuple[float, float]] = []

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or none of the last `patience` was better."""
        done = len(self.history)
        return done >= self.plan.epochs or done - self.best_epoch >= self.plan.patience

    def run(self, after_epoch: Callable[[Course], object]) -> None:
        """Trains to the end and leaves the network with its best weights."""
        while not self.finished:
            self._epoch()
            after_epoch(self)
        self.network.load_state_dict(self.best)
        self.network.eval()

    def _epoch(self) -> None:
        epoch, plan = len(self.history), self.plan
        copies = len(COPIES[plan.augment])
        order = np.random.default_rng([plan.seed, self.member, epoch]).permutation(len(self.train) * copies)
        # Even batches, none of a single patch, which has no variance for batch norm.
        count = min(-(-order.size // plan.batch_size), max(1, order.size // 2))
        batches = np.array_split(order, count)
        total = 0.0
        with seeded(self.network.carbon_mean.device, plan.seed, self.member, epoch, 1):
            self.network.train()
            for batch in batches:
                rows = torch.from_numpy(self.train[batch // copies]).to(self.material.images.device)
                images = copies_of(self.material.images[rows], batch % copies, plan.augment)
                error = step(self.network, self.optimiser, images, self.material.carbon[rows], plan.bfloat16)
                total += error * batch.size
        if not np.isfinite(total):
            raise FloatingPointError(
                f"learning_rate = {plan.learning_rate:g}: training diverged in epoch {epoch + 1}; choose less"
            )
        self._judge(total / order.size)

    def _judge(self, training_mae: float) -> None:
        predicted = predict(self.network, self.material.images[torch.from_numpy(self.validation)])
        carbon = self.material.carbon[torch.from_numpy(self.validation)].double().cpu().numpy()
        error = float(np.mean(np.abs(predicted - carbon)))
        self.history.append((training_mae, error))
        if error < self.best_mae:
            self.best, self.best_epoch, self.best_mae = (
                _copied(self.network.state_dict()), len(self.history), error,
            )  # fmt: skip

    # -- to go on from

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tensors and numbers that `resume` takes."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for which, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{which}.{name}": value for name, value in moments.items()}
        numbers = {"member": self.member, "best_epoch": self.best_epoch, "history": self.history}
        return tensors, numbers

    def resume(self, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
        """Goes back to where a course of the same settings and patches was."""
        parts: dict[str, dict[str, Any]] = {"network": {}, "best": {}, "adam": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = value
        self.network.load_state_dict(parts["network"])
        self.best = parts["best"]
        moments: dict[int, dict[str, Any]] = {}
        for name, value in parts["adam"].items():
            which, _, rest = name.partition(".")
            moments.setdefault(int(which), {})[rest] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.history = [(float(training), float(validation)) for training, validation in numbers["history"]]
        self.best_epoch = int(numbers["best_epoch"])
        self.best_mae = self.history[self.best_epoch - 1][1]


def _copied(state: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy({name: value.detach() for name, value in state.items()})
