"""The estimator of carbon from patches: an ensemble of networks, its intervals, its folder."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, count, number, positive
from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish._common.progress import epochs_callback
from tundish._common.refusals import MISSING, ArgumentError
from tundish._learning import model_folder as _model_folder
from tundish._learning.checkpoint import (
    read_training,
    refuse_other_training,
    remove_training,
    write_training,
)
from tundish._learning.devices import device_name, seeded, torch_device
from tundish._learning.model_folder import fill_member, load_model, member_tensors, part, plain
from tundish._learning.training import (
    History,
    Member,
    ProgressAdapter,
    Resumption,
    history_of,
    train_ensemble,
    training_summary,
)
from tundish.segregation import _export, _incremental
from tundish.segregation._conformal import Calibration, calibrate
from tundish.segregation._drift import point_means
from tundish.segregation._engines import CALIBRATED, EAGER, Compiled, Setting, compiled, eager
from tundish.segregation._estimator import PatchEstimator, described
from tundish.segregation._features import FEATURE_NAMES
from tundish.segregation._graphs import Preparation
from tundish.segregation._incremental import ReplayTraining, Update
from tundish.segregation._network import PUBLISHED_DENSE, CarbonNet
from tundish.segregation._patches import AUGMENTATIONS, PatchSet
from tundish.segregation._storage import FORMAT, data_hash
from tundish.segregation._training import (
    SCHEDULES,
    Epoch,
    Material,
    PatchPlan,
    PatchTraining,
    held_out,
    predict,
)

torch = optional("torch", "vision")

ENHANCEMENTS = ("clahe",)
PRECISIONS = ("auto", "float32", "bfloat16")
LEAST_SPREAD = 1e-3  # wt%, of carbon: about what an analyser resolves
_PREPARED = 256  # patches at a time

_ARCHITECTURE = ("blocks", "dense", "dropout", "image_size", "head")
_SETTINGS = (
    *_ARCHITECTURE, "enhance", "augment", "learning_rate", "schedule", "batch_size", "epochs", "patience",
    "weight_decay", "precision", "ensemble", "seed",
)  # fmt: skip
_NOTES = ("history", "weights")
_CARD = (
    "complete", "finished", "settings", "preprocessing", "mm_per_px", "data", "protocol", "leak", "split",
    "members", "updates", "calibration",
)  # fmt: skip


class CarbonRegressor(PatchEstimator):
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

    def __getstate__(self) -> dict[str, Any]:
        """A copy may get other weights: it computes eagerly until it is compiled."""
        return self.__dict__ | {"_compiled": None}

    @property
    def network(self) -> Any:
        """The first network of the ensemble, a `torch.nn.Module` from prepared patches to wt%."""
        return self._fitted()[0]

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make this estimator again, but for the device."""
        return {name: _listed(getattr(self, name)) for name in _SETTINGS}

    # -- training

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
        card = self._card_of(patches, held, by, float(validation))
        material = self._material(patches, card)
        folder = None if checkpoint is None else Path(checkpoint)
        resumption = None if folder is None else self._resumption(folder, card)
        plan = self._plan(self.augment if patches.augmentation is None else None)
        self.networks, self.history, self.card = [], [], card
        self._known_features = point_means(self._features(patches), patches.group)
        self._patches, self._calibration, self._compiled = patches, None, None
        write = None if folder is None else functools.partial(self._write_checkpoint, folder)
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
        self._note_members(finished=len(self.networks))
        if folder is not None and trained:
            self._write(folder)

    def _material(self, patches: PatchSet, card: dict[str, Any]) -> Material:
        """The patches prepared, on the device; notes in the card how."""
        grey = self._enhanced(patches.images)
        preprocessing = card["preprocessing"]
        preprocessing["mean"] = float(grey.mean()) / 255
        preprocessing["deviation"] = max(float(grey.std()) / 255, 1 / 255)
        images = _normalised(grey, preprocessing).to(self._torch_device())
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
        network.carbon_scale.fill_(max(float(carbon.std()), LEAST_SPREAD))
        return PatchTraining(network.to(self._torch_device()), plan, material, train, validation, member)

    def _architecture(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ARCHITECTURE}

    def _torch_device(self) -> Any:
        return torch_device(self.device)

    def _calibrate(self, material: Material, held: NDArray[np.bool_], patches: PatchSet) -> None:
        predicted = np.array([predict(network, material.images) for network in self.networks])
        group = np.arange(len(patches)) if patches.leak is not None else patches.group
        self._calibration = calibrate(predicted, patches.carbon, held, group)
        self.card["calibration"] = {
            "points": self._calibration.points, "mean_error": float(self._calibration.error.mean()),
        }  # fmt: skip

    # -- prediction

    def prepare(self, images: ArrayLike | PatchSet) -> Any:
        """What the networks see: a float32 tensor (N, 1, H, W), on the CPU, of (N, H, W) or (H, W) uint8.

        **Raises:** RuntimeError before `fit`; ValueError or TypeError naming `images`.
        """
        return _normalised(self._enhanced(self._grey(images)), self._preprocessing())

    def predict_members(self, patches: PatchSet | ArrayLike) -> Floats:
        """(ensemble, N) wt%, of each network."""
        networks, grey, preprocessing = self._fitted(), self._grey(patches), self._preprocessing()
        run = eager(networks) if self._compiled is None else self._compiled.run
        parts = [
            run(_normalised(self._enhanced(grey[n : n + _PREPARED]), preprocessing))
            for n in range(0, len(grey), _PREPARED)
        ]
        return np.concatenate(parts, axis=1)

    def _preprocessing(self) -> dict[str, Any]:
        self._fitted()
        preprocessing: dict[str, Any] = self.card["preprocessing"]
        return preprocessing

    # -- engines

    @property
    def engine(self) -> str:
        """What predictions are computed by: "eager", or what :meth:`compile` chose."""
        return EAGER if self._compiled is None else self._compiled.engine

    def compile(self, engine: str = "auto", *, calibration: PatchSet | ArrayLike | None = None) -> Self:
        """Chooses how the networks are computed by `predict`, `predict_interval`, `score` and section maps.

        **Main arguments:** `engine`, one of

        - "eager": the networks as they are, in float32. So it is before, and after each `fit` and `update`.
        - "torch": float32, channels last in memory, batch norm in the convolutions.
        - "torch-bfloat16", "torch-float16": convolutions in these; the second on CUDA alone. A processor
          without bfloat16 of its own computes it slowly.
        - "torch-int8": convolutions in integers of 8 bits, on the CPU (VNNI or AMX). They are calibrated.
        - "openvino", "openvino-bfloat16": by OpenVINO (`tundish[deploy]`) on the CPU, in float32 or, where
          the processor has AMX or AVX512-BF16, in bfloat16.
        - "auto": the fastest of these that run here. In bfloat16 where the processor has it, float16 on
          CUDA; "torch-int8" only if `calibration` is given, there is no bfloat16, and predictions change
          by no more than 5 % of the training's deviation of carbon.

        **Other arguments:** `calibration`: a PatchSet or (N, H, W) uint8, such as those of the training, of
        which 64 are taken evenly. "torch-int8" by name takes the patches of `fit` if none are given.

        **Returns:** itself. The calibration of intervals and the training stay in float32.

        **Raises:** ValueError for an unknown engine, or calibration that is needed and not there; ImportError
        or ValueError for an engine of `missing_engines()`; RuntimeError before `fit`.

        **Warns:** UserWarning if "torch-int8" changes predictions of the calibration's patches by more than
        5 % (root mean square) of the training's deviation of carbon.
        """
        self._compiled = self._computed(engine, calibration)
        return self

    def _computed(self, engine: str, calibration: PatchSet | ArrayLike | None) -> Compiled:
        networks, preprocessing = self._fitted(), self._preprocessing()
        setting = Setting(self._torch_device(), preprocessing["mean"], preprocessing["deviation"])
        return compiled(
            engine, networks, setting, lambda: self._calibrating(calibration), calibration is not None
        )

    def _calibrating(self, calibration: PatchSet | ArrayLike | None) -> Any:
        """Prepared patches, few and evenly taken."""
        patches = self._patches if calibration is None else calibration
        if patches is None:
            raise ArgumentError(
                "calibration",
                MISSING,
                "a loaded model does not hold its patches; 'torch-int8' needs some, such as those of its "
                "training",
            )
        grey = self._grey(patches)
        rows = np.unique(np.linspace(0, len(grey) - 1, CALIBRATED).astype(np.intp))
        return _normalised(self._enhanced(grey[rows]), self._preprocessing())

    def export(self, path: str | PathLike[str], format: str = "onnx") -> None:
        """Writes the networks for other programs, and a model card beside them.

        **Main arguments:**

        - `path`: ends in .onnx or, for OpenVINO, .xml. Weights of OpenVINO go beside it as .bin, the card as
          .json: `save`'s, with hashes, input and output. What is there is replaced.
        - `format`: "onnx" (operators of version 17) or "openvino", of `tundish[deploy]`.

        The graph takes `grey`, (N, image_size, image_size) uint8 of any N at the training's scale, and gives
        `carbon`, (N,) float32, wt%. Normalisation and the mean of the ensemble are in it. Enhancement is not:
        patches go through :func:`clahe` first if `enhance` says so.

        **Raises:** ValueError naming `path` or `format`, and for an ensemble above 2 GB as ONNX; RuntimeError
        before `fit`; ImportError without onnx or openvino.
        """
        preprocessing = self._preprocessing()
        preparation = Preparation(*_affine(preprocessing))
        _export.export(path, format, self._fitted(), preparation, self.image_size, plain(self.card))

    # -- incremental training

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
        share = _incremental.replay_share(replay_share)
        old = self._replayed(replay)
        new = _incremental.alike(patches, old)
        both = PatchSet.concatenate([old, new])
        images = _normalised(self._enhanced(both.images), self._preprocessing()).to(self._torch_device())
        material = Material(images, torch.from_numpy(both.carbon.astype(np.float32)).to(images.device))
        held = np.zeros((len(self.networks), len(both)), bool)
        for member, rows in enumerate(self.card["split"]["held_rows"]):
            held[member, rows] = True
        plan = self._plan(self.augment if old.augmentation is None else None)
        plan = dataclasses.replace(plan, learning_rate=rate, epochs=rounds, schedule="constant")
        replayed = ReplayTraining(both, len(old), material, held, plan, share, len(self.card["updates"]))
        before, self._compiled = replayed.judged(self.networks), None
        with epochs_callback(progress, in_words) as report:
            changes = [replayed.teach(network, n, report) for n, network in enumerate(self.networks)]
        after = replayed.judged(self.networks)
        told = Update(
            before[0], after[0], before[1], after[1], float(np.mean(changes)), int(new.group.max()) + 1,
            rounds * replayed.batches,
        )  # fmt: skip
        self._calibrate(material, held, both)
        self._known_features = point_means(self._features(both), both.group)
        self._patches = both
        self.card["data"] = described(both)
        self.card["updates"].append({"data": described(new), "epochs": rounds, "learning_rate": rate,
                                     "replay_share": share, "report": plain(told._asdict())})  # fmt: skip
        return told

    def _replayed(self, replay: PatchSet | None) -> PatchSet:
        patches = self._patches if replay is None else replay
        if patches is None:
            raise ArgumentError(
                "replay", MISSING, "a loaded model does not hold its patches; give those of its training"
            )
        self._check_patches("replay", patches)
        if replay is not None and data_hash(replay) != self.card["data"]["sha256"]:
            raise ArgumentError(
                "replay", MISSING, "are not the patches that this model was trained on: their hash differs"
            )
        return patches

    # -- folders

    def save(self, path: str | PathLike[str]) -> None:
        """Writes weights (safetensors) and `card.json`, the model card, into a folder, made if missing.

        The card has settings, architecture, preprocessing, scale, split, protocol, the hashes of data and
        weights, errors and updates. No images are written. A model there is replaced, whole or not at all.
        """
        self._fitted()
        self._write(Path(path))

    def _write_checkpoint(self, folder: Path, run: PatchTraining) -> None:
        """The networks so far with the best one of a run, and what the run goes on from."""
        self._note_members(len(self.networks), run.history)
        write_training(folder, *run.state())
        self._write(folder, (run.best, run.history))

    def _write(self, folder: Path, extra: tuple[Any, History] | None = None) -> None:
        states = [network.state_dict() for network in self.networks]
        histories = list(self.history)
        if extra is not None:
            states.append(extra[0])
            histories.append(extra[1])
        tensors = member_tensors(states)
        assert self._known_features is not None
        tensors["training.features"] = torch.from_numpy(self._known_features)
        if self._calibration is not None:
            for name, value in self._calibration._asdict().items():
                tensors[f"calibration.{name}"] = torch.from_numpy(value)
        _model_folder.write_model(folder, FORMAT, tensors, {**self.card, "history": histories})

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
        needed = sorted({*_CARD, *_NOTES})
        return load_model(folder, FORMAT, needed, functools.partial(cls, device=device), _fill)

    def _resumption(self, folder: Path, card: dict[str, Any]) -> Resumption | None:
        """Networks that are finished, and the state of the one in training."""
        if not (folder / _model_folder.CARD).exists():
            return None
        there = _model_folder.read_card(folder, FORMAT)
        refuse_other_training(folder, there, card, ("settings", "data", "split"))
        if there["updates"]:
            raise ArgumentError("checkpoint", str(folder), "was updated since; give another folder")
        found, finished = self._read(folder, self.device), int(there["finished"])
        done = [Member(*each) for each in zip(found.networks, found.history, strict=True)]
        state = read_training(folder, FORMAT) if finished < self.ensemble else None
        return Resumption(done[:finished], state)

    def _card_of(
        self, patches: PatchSet, held: NDArray[np.bool_], by: str, validation: float
    ) -> dict[str, Any]:
        leak = patches.leak
        return {
            "complete": False,
            "finished": 0,
            "settings": self.settings,
            "preprocessing": {"enhance": self.enhance},
            "mm_per_px": patches.mm_per_px,
            "data": described(patches),
            "protocol": "grouped" if leak is None else "published",
            "leak": None if leak is None else plain(leak._asdict()),
            "split": {
                "by": by if leak is None else None,
                "validation": validation,
                "held_rows": [np.flatnonzero(row).tolist() for row in held],
            },
            "members": [],
            "updates": [],
            "calibration": None,
        }

    def _note_members(self, finished: int, *in_training: History) -> None:
        self.card["finished"] = finished
        self.card["members"] = [
            training_summary(history, "validation_mae", len(history) if self.schedule == "cosine" else None)
            for history in (*self.history, *in_training)
        ]


def in_words(e: Epoch) -> tuple[int, int, str]:
    """Epochs done, all epochs, and a line for the bar."""
    which = f"network {e.member + 1} of {e.members}, " if e.members > 1 else ""
    text = f"{which}epoch {e.epoch} of {e.epochs}: validation error {e.validation_mae:.4f} wt%, "
    text += f"{e.best_validation_mae:.4f} in epoch {e.best_epoch}, which is kept"
    return e.member * e.epochs + e.epoch, e.members * e.epochs, text


def _normalised(grey: Grey, preprocessing: dict[str, Any]) -> Any:
    """(N, 1, H, W) float32 of (N, H, W) grey levels."""
    scale, shift = _affine(preprocessing)
    return torch.from_numpy(grey[:, None].astype(np.float32) * np.float32(scale) - np.float32(shift))


def _affine(preprocessing: dict[str, Any]) -> tuple[float, float]:
    """(grey / 255 - mean) / deviation as scale · grey - shift: both."""
    return 1 / (255 * preprocessing["deviation"]), preprocessing["mean"] / preprocessing["deviation"]


def _fill(regressor: CarbonRegressor, file: Path, tensors: dict[str, Any], card: dict[str, Any]) -> None:
    """Networks and calibration out of what was read; ValueError naming the weights' file."""
    for member in range(len(card["members"])):
        network = CarbonNet(**regressor._architecture())
        fill_member(file, network, tensors, member)
        regressor.networks.append(network.to(regressor._torch_device()).eval())
    if not regressor.networks:
        raise ArgumentError(str(file), MISSING, "has no networks")
    regressor.history = [history_of(one) for one in card.pop("history")]
    regressor.card = card
    regressor._known_features = tensors["training.features"].numpy()
    assert regressor._known_features is not None
    if regressor._known_features.shape[1:] != (len(FEATURE_NAMES),):
        raise ArgumentError(str(file), MISSING, "training.features are not those of this version")
    calibration = part(tensors, "calibration.")
    if calibration:
        values = {name: calibration[name].numpy() for name in Calibration._fields}
        regressor._calibration = Calibration(**values)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
