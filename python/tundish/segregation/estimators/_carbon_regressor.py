"""The estimator of carbon from patches: an ensemble of networks, trained, updated, saved and loaded."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, choice, count, number, positive
from tundish._common.optional import optional
from tundish._common.progress import epochs_callback
from tundish._common.refusals import MISSING, ArgumentError
from tundish._learning.checkpoint import read_training, remove_training, write_training
from tundish._learning.devices import device_name, seeded
from tundish._learning.model_folder import load_model, plain
from tundish._learning.training import (
    History,
    Member,
    ProgressAdapter,
    Resumption,
    history_of,
    train_ensemble,
)
from tundish.segregation.engines._compiled import Compiled
from tundish.segregation.engines._eager import predict
from tundish.segregation.engines._graphs import Preparation
from tundish.segregation.estimators import _carbon_card as model_card
from tundish.segregation.estimators._conformal import Calibration, calibrate
from tundish.segregation.estimators._estimator import data_hash, described
from tundish.segregation.estimators._incremental import ReplayTraining, Update, alike, checked_share
from tundish.segregation.estimators._network_ensemble import NetworkEnsemble
from tundish.segregation.estimators._training import (
    SCHEDULES,
    Epoch,
    Material,
    PatchPlan,
    PatchTraining,
    held_out,
    in_words,
)
from tundish.segregation.networks._carbon_net import PUBLISHED_DENSE, CarbonNet
from tundish.segregation.patches._copies import AUGMENTATIONS
from tundish.segregation.patches._drift import point_means
from tundish.segregation.patches._patch_set import PatchSet

torch = optional("torch", "vision")

ENHANCEMENTS = ("clahe",)
PRECISIONS = ("auto", "float32", "bfloat16")
MIN_SPREAD = 1e-3  # wt%, of carbon: about what an analyser resolves

_ARCHITECTURE = ("blocks", "dense", "dropout", "image_size", "head")
_SETTINGS = (
    *_ARCHITECTURE, "enhance", "augment", "learning_rate", "schedule", "batch_size", "epochs", "patience",
    "weight_decay", "precision", "ensemble", "seed",
)  # fmt: skip


class CarbonRegressor(NetworkEnsemble):
    """Carbon (wt%) of etched patches, by an ensemble of :class:`CarbonNet`.

    **Main arguments:** `blocks`, `dense`, `dropout`, `image_size`, `head`: of the network.

    - `enhance`: "clahe" (:func:`clahe`) or None. `augment`: "dihedral", "rotation", "mirror" or None: every
      epoch sees these copies of every training patch, made after the split.
    - `learning_rate` of Adam, `batch_size` (patches; batches are even, so most are a little smaller), at most
      `epochs`, and an end after `patience` epochs without a better validation error. The best epoch is kept.
    - `ensemble`: number of networks, each with another start, another order and other points held out.
    - `device`: "auto" (CUDA if there is one), or a name of torch's, such as "cpu" or "cuda:1".
    - `seed`: an integer of at least 0. One seed, device and number of threads is one result.

    Learning rate, Adam, mean absolute error, 500 epochs and patience 50 are the paper's.

    **Other arguments:**

    - `schedule`: "constant" learning rate (published); or "cosine": it falls to 0 over the `epochs` along
      half a cosine, so that the last of few epochs settle what the first found. Then all are done and the
      last is kept, and `patience` is not used.
    - `weight_decay`: Adam's L2 term, 0 (published) to 1; the paper tried 1e-5 to 1e-3.
    - `precision`: "float32"; "bfloat16", mixed: products in bfloat16, weights in float32; or "auto": mixed on
      CUDA where it computes in bfloat16, float32 elsewhere.

    **Attributes:** the arguments; after `fit`: `networks`, a list of `CarbonNet` in the ensemble's order;
    `network`, the first of them; `history`, for each network its (training, validation) mean absolute error
    (wt%) by epoch; `card`, what is known of the model, as it is saved.

    Networks see a patch enhanced, as (grey / 255 - mean) / deviation with the mean and deviation of all
    training patches; carbon comes out as mean + deviation · last layer, with those of the training's carbon.

    **Raises:** ValueError or TypeError naming the argument; ImportError without torch (`tundish[vision]`).
    """

    def __init__(
        self,
        blocks: int = 6,
        dense: Iterable[int] = PUBLISHED_DENSE,
        dropout: float = 0.2,
        image_size: int = 224,
        head: str = "flatten",
        *,
        enhance: str | None = "clahe",
        augment: str | None = "dihedral",
        learning_rate: float = 1e-4,
        batch_size: int = 16,
        epochs: int = 500,
        patience: int = 50,
        schedule: str = "constant",
        weight_decay: float = 0.0,
        precision: str = "auto",
        ensemble: int = 1,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        # On "meta" a network has shapes and no numbers: it checks its arguments at no cost.
        with torch.device("meta"):
            shape = CarbonNet(blocks, dense, dropout, image_size, head)
        self.blocks: int = shape.blocks
        self.dense: tuple[int, ...] = shape.dense
        self.dropout: float = shape.dropout
        self.image_size: int = shape.image_size
        self.head: str = shape.head
        self.enhance = None if enhance is None else choice("enhance", enhance, ENHANCEMENTS)
        self.augment = None if augment is None else choice("augment", augment, AUGMENTATIONS)
        self.learning_rate = positive("learning_rate", learning_rate)
        self.batch_size = count("batch_size", batch_size, 2 if head == "pooled" else 1)
        self.epochs = count("epochs", epochs, 1)
        self.patience = count("patience", patience, 1)
        self.schedule = choice("schedule", schedule, SCHEDULES)
        self.weight_decay = number("weight_decay", weight_decay)
        if not 0 <= self.weight_decay <= 1:
            raise ArgumentError("weight_decay", self.weight_decay, "must be 0 to 1")
        self.precision = choice("precision", precision, PRECISIONS)
        self.ensemble = count("ensemble", ensemble, 1)
        self.device = device_name(device)
        self.seed = count("seed", seed, 0)
        self.networks: list[Any] = []
        self.history: list[History] = []
        self.card: dict[str, Any] = {}
        self._calibration: Calibration | None = None
        self._known_features: Floats | None = None
        self._patches: PatchSet | None = None
        self._compiled: Compiled | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make this estimator again, but for the device."""
        values = ((name, getattr(self, name)) for name in _SETTINGS)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values}

    def fit(
        self,
        patches: PatchSet,
        validation: float = 0.1,
        *,
        by: str = "point",
        progress: bool | Callable[[Epoch], object] = False,
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Trains the networks.

        **Main arguments:**

        - `patches`: square ones of `image_size`. Of an augmented set no further copies are made.
        - `validation`: share of the groups that a network does not train on, and that say when to stop. The
          networks of an ensemble take different ones as far as they reach.

        **Other arguments:**

        - `by`: the groups, "point", "billet" or "sector", as for `PatchSet.split`. A set out of the published
          protocol (it carries `.leak`) is parted patch by patch, as published, and the card says so.
        - `progress`: a bar with the validation error on stderr, or a function that takes an :class:`Epoch`.
        - `checkpoint`: a folder. It holds a model that can be loaded from the first epoch on, written anew as
          often as takes 5 % of the time. The same call, after an interruption, goes on from it and ends at
          what it would have ended at.

        **Raises:** ValueError for patches of another size, one group only, fewer than two patches to train
        on, or a checkpoint of other settings or patches; FloatingPointError if training diverges.
        """
        self._check_patches("patches", patches)
        held = held_out(patches, validation, by, self.ensemble, self.seed)
        card = model_card.new_card(self.settings, patches, held, by, float(validation))
        material = self._material(patches, card)
        folder = None if checkpoint is None else Path(checkpoint)
        resumption = None if folder is None else self._resumption(folder, card)
        plan = self._plan(self.augment if patches.augmentation is None else None)
        self.networks, self.history, self.card = [], [], card
        self._known_features = point_means(self._features(patches), patches.group)
        self._patches, self._calibration, self._compiled = patches, None, None
        write = None if folder is None else functools.partial(self._write, folder)
        with epochs_callback(progress, in_words) as report:
            train_ensemble(
                self.ensemble,
                lambda member: self._new_run(member, plan, material, held[member]),
                resumption,
                lambda: ProgressAdapter(report, Epoch, self.ensemble, write),
                functools.partial(self._keep, folder),
            )
        self._calibrate(material, held, patches)
        card["complete"] = True
        if folder is not None:
            self._write(folder)
            remove_training(folder)
        return self

    def _keep(self, folder: Path | None, member: Member, trained: bool) -> None:
        """Takes a trained network over, and writes it where it was trained now."""
        self.networks.append(member.network)
        self.history.append(member.history)
        self._note_members(len(self.networks), self.history)
        if folder is not None and trained:
            self._write(folder)

    def _material(self, patches: PatchSet, card: dict[str, Any]) -> Material:
        """The patches prepared, on the device; notes in the card how."""
        grey = self._enhanced(patches.images)
        preprocessing = card["preprocessing"]
        preprocessing["mean"] = float(grey.mean()) / 255
        preprocessing["deviation"] = max(float(grey.std()) / 255, 1 / 255)
        preparation = Preparation.of(preprocessing["mean"], preprocessing["deviation"])
        images = preparation.of_grey(grey).to(self._torch_device())
        return Material(images, torch.from_numpy(patches.carbon.astype(np.float32)).to(images.device))

    def _plan(self, augment: str | None) -> PatchPlan:
        mixed = self._torch_device().type == "cuda" and torch.cuda.is_bf16_supported()
        return PatchPlan(
            learning_rate=self.learning_rate,
            epochs=self.epochs,
            patience=self.patience,
            seed=self.seed,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            augment=augment,
            bfloat16=mixed if self.precision == "auto" else self.precision == "bfloat16",
            schedule=self.schedule,
        )

    def _new_run(
        self, member: int, plan: PatchPlan, material: Material, held: NDArray[np.bool_]
    ) -> PatchTraining:
        train, validation = np.flatnonzero(~held), np.flatnonzero(held)
        with seeded(torch.device("cpu"), self.seed, member, 0):
            network = CarbonNet(**self._architecture())
        carbon = material.carbon[torch.from_numpy(train)].double().cpu().numpy()
        network.carbon_mean.fill_(float(carbon.mean()))
        network.carbon_scale.fill_(max(float(carbon.std()), MIN_SPREAD))
        return PatchTraining(network.to(self._torch_device()), plan, material, train, validation, member)

    def _architecture(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ARCHITECTURE}

    def _calibrate(self, material: Material, held: NDArray[np.bool_], patches: PatchSet) -> None:
        predicted = np.array([predict(network, material.images) for network in self.networks])
        group = np.arange(len(patches)) if patches.leak is not None else patches.group
        self._calibration = calibrate(predicted, patches.carbon, held, group)
        self.card["calibration"] = {
            "points": self._calibration.points, "mean_error": float(self._calibration.error.mean()),
        }  # fmt: skip

    def update(
        self,
        patches: PatchSet,
        *,
        replay: PatchSet | None = None,
        replay_share: float = 0.5,
        epochs: int = 30,
        learning_rate: float | None = None,
        progress: bool | Callable[[Epoch], object] = False,
    ) -> Update:
        """Goes on training with new patches, such as a few points of another billet, without forgetting.

        A part of each batch are copies of the new patches, the rest of the old ones (replay), without those
        that the network held out. Nothing says when to stop: a few points cannot both teach and judge.

        **Main arguments:** `patches`: the new ones.

        **Other arguments:**

        - `replay`: the patches of `fit`. They are kept after a `fit`; after `load` they must be given, and
          their hash must be the card's.
        - `replay_share`: of a batch, 0 to 0.9. Where old and new patches look alike and differ in carbon, the
          networks go to a mean of both, weighted by this share.
        - `epochs`: times that every copy of the new patches is seen. `learning_rate`: of Adam, which starts
          anew; left out, that of `fit`.
        - `progress`: as for `fit`, with the errors on the new patches.

        **Returns:** an :class:`Update`, which the card keeps too. The new patches are from now on among those
        that another update replays: `PatchSet.concatenate([old, new])`.

        **Raises:** ValueError naming the argument; RuntimeError before `fit`.
        """
        self._calibrated()
        self._check_patches("patches", patches)
        rounds, rate = count("epochs", epochs, 1), self.learning_rate
        if learning_rate is not None:
            rate = positive("learning_rate", learning_rate)
        share = checked_share(replay_share)
        old = self._replayed(replay)
        new = alike(patches, old)
        both = PatchSet.concatenate([old, new])
        images = self._preparation().of_grey(self._enhanced(both.images)).to(self._torch_device())
        material = Material(images, torch.from_numpy(both.carbon.astype(np.float32)).to(images.device))
        held = np.zeros((len(self.networks), len(both)), bool)
        for member, rows in enumerate(self.card["split"]["held_rows"]):
            held[member, rows] = True
        plan = self._plan(self.augment if old.augmentation is None else None)
        plan = dataclasses.replace(plan, learning_rate=rate, epochs=rounds, schedule="constant")
        replayed = ReplayTraining(both, len(old), material, held, plan, share, len(self.card["updates"]))
        self._compiled = None
        with epochs_callback(progress, in_words) as report:
            change = replayed.run(self.networks, report)
        self._calibrate(material, held, both)
        self._known_features = point_means(self._features(both), both.group)
        self._patches = both
        self.card["data"] = described(both)
        settings = {"epochs": rounds, "learning_rate": rate, "replay_share": share}
        self.card["updates"].append({"data": described(new), **settings, "report": plain(change._asdict())})
        return change

    def _replayed(self, replay: PatchSet | None) -> PatchSet:
        patches = self._patches if replay is None else replay
        if patches is None:
            text = "a loaded model does not hold its patches; give those of its training"
            raise ArgumentError("replay", MISSING, text)
        self._check_patches("replay", patches)
        if replay is not None and data_hash(replay) != self.card["data"]["sha256"]:
            text = "are not the patches that this model was trained on: their hash differs"
            raise ArgumentError("replay", MISSING, text)
        return patches

    def save(self, path: str | PathLike[str]) -> None:
        """Writes weights (safetensors) and `card.json`, the model card, into a folder, made if missing.

        The card has settings, architecture, preprocessing, scale, split, protocol, the hashes of data and
        weights, errors and updates. No images are written. A model there is replaced, whole or not at all.
        """
        self._fitted()
        self._write(Path(path))

    def _write(self, folder: Path, run: PatchTraining | None = None) -> None:
        """Writes the networks, and of a run the best one so far with what the run goes on from."""
        states, histories = [network.state_dict() for network in self.networks], list(self.history)
        if run is not None:
            states.append(run.best)
            histories.append(run.history)
            self._note_members(len(self.networks), histories)
            write_training(folder, *run.state())
        model_card.write(folder, self.card, states, histories, self._known_features, self._calibration)

    def _note_members(self, finished: int, histories: list[History]) -> None:
        self.card["finished"], self.card["members"] = finished, model_card.members(histories, self.schedule)

    @classmethod
    def load(cls, path: str | PathLike[str], device: str = "auto") -> Self:
        """Reads what :meth:`save` wrote, or the checkpoint of an interrupted training (with a UserWarning).

        **Raises:** ValueError that begins with the file at fault: a missing or foreign card, weights of
        another hash or architecture, a pickle (never read).
        """
        regressor = cls._read(Path(path), device)
        if not regressor.card["complete"]:
            warnings.warn(
                f"{path}: is the checkpoint of a training that was interrupted; fit goes on from it",
                UserWarning,
                stacklevel=2,
            )
        return regressor

    @classmethod
    def _read(cls, folder: Path, device: str) -> Self:
        return load_model(
            folder, model_card.FORMAT, model_card.NEEDED, functools.partial(cls, device=device), cls._fill
        )

    def _fill(self, file: Path, tensors: dict[str, Any], card: dict[str, Any]) -> None:
        """Networks and calibration out of what was read; ValueError naming the weights' file."""
        networks = model_card.networks_of(file, tensors, len(card["members"]), self._architecture())
        self.networks = [network.to(self._torch_device()).eval() for network in networks]
        self.history = [history_of(one) for one in card.pop("history")]
        self.card = card
        self._known_features = model_card.features_of(file, tensors)
        self._calibration = model_card.calibration_of(tensors)

    def _resumption(self, folder: Path, card: dict[str, Any]) -> Resumption | None:
        """Networks that are finished, and the state of the one in training."""
        finished = model_card.finished_before(folder, card)
        if finished is None:
            return None
        found = self._read(folder, self.device)
        done = [Member(*each) for each in zip(found.networks, found.history, strict=True)]
        state = read_training(folder, model_card.FORMAT) if finished < self.ensemble else None
        return Resumption(done[:finished], state)
