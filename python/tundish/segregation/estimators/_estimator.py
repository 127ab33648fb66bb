"""What every estimator of carbon does alike: predictions of members, their intervals, scores and drift."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, level_of
from tundish._common.images import Grey, grey_stack
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish._learning.model_folder import plain
from tundish.segregation.engines._names import EAGER
from tundish.segregation.estimators._conformal import Calibration, intervals
from tundish.segregation.patches._checks import same_scale
from tundish.segregation.patches._drift import Drift, drift, point_means
from tundish.segregation.patches._handcrafted import features
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.patches._quality import clahe

if TYPE_CHECKING:
    from tundish._learning.training import History

SCORES = ("r2", "r2_correlation", "mae", "bias")


class PatchEstimator(ABC):
    """Carbon (wt%) of etched patches, by members each of which held other points out of its training.

    A class that derives from it has `image_size`, `enhance`, `seed` and `card`, the networks, what is known
    of errors at points held out, and the handcrafted features of the training's points.
    """

    image_size: int
    enhance: str | None
    seed: int
    card: dict[str, Any]
    networks: list[Any]
    history: list[History]
    _calibration: Calibration | None
    _known_features: Floats | None

    @property
    def engine(self) -> str:
        """What predictions are computed by."""
        return EAGER

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The arguments that make this estimator again, but for the device."""

    @abstractmethod
    def save(self, path: str | PathLike[str]) -> None:
        """Writes weights and card into a folder."""

    @classmethod
    @abstractmethod
    def load(cls, path: str | PathLike[str], device: str = "auto") -> Self:
        """Reads what :meth:`save` wrote."""

    @abstractmethod
    def predict_members(self, patches: PatchSet | ArrayLike) -> Floats:
        """(members, N) wt%, of each member."""

    def predict(self, patches: PatchSet | ArrayLike) -> Floats:
        """(N,) wt% of a PatchSet, or of (N, H, W) uint8 at the training's scale: the mean of the networks."""
        return np.asarray(self.predict_members(patches).mean(axis=0))

    def predict_interval(self, patches: PatchSet | ArrayLike, level: float = 0.9) -> Floats:
        """(N, 2) bounds, wt%, that hold what is analysed at a new point of such a billet with this frequency.

        Grouped CV+ (:func:`intervals_of`). `card["calibration"]` has the number of points that it rests on;
        `interval_method(level)` tells whether they are enough for it, or the errors were taken as normal.
        Errors at the points that also said when to stop are a little small; those of the mean of several
        networks are a little large.

        **Raises:** as :meth:`predict`; ValueError naming `level`; RuntimeError for a training that was
        interrupted and not finished.
        """
        level_of(level)
        return self.intervals_of(self.predict_members(patches), level)

    def intervals_of(self, members: Floats, level: float = 0.9) -> Floats:
        """(N, 2) bounds of what :meth:`predict_members` gave; CV+ of Barber et al., 2021, over points."""
        return intervals(members, self._calibrated(), level_of(level))

    def interval_method(self, level: float = 0.9) -> str:
        """ "conformal", or "student" where fewer points were held out than the level needs."""
        return self._calibrated().method(level_of(level))

    def score(self, patches: PatchSet) -> dict[str, float]:
        """`"r2"` 1 - SSE/SST, `"r2_correlation"` the squared correlation, `"mae"` and `"bias"` (predicted -
        measured) in wt%."""
        self._fitted()
        self._check_patches("patches", patches)
        return scores(self.predict(patches), patches.carbon)

    def drift(self, images: PatchSet | ArrayLike) -> Drift:
        """Whether images look like the training's, by the handcrafted :func:`features` of what networks see.

        `images`: a PatchSet, whose patches of one point count once, or (N, H, W) uint8, one point each. It
        takes one image, but needs about ten to be sure of a small change. **Returns:** a :class:`Drift`.
        """
        known = self._known_points()
        grey = self._grey(images)
        group = images.group if isinstance(images, PatchSet) else np.arange(len(grey))
        asked = point_means(features(self._enhanced(grey)), group)
        return drift(known, asked, self.seed)

    @property
    def trained_on(self) -> set[tuple[Any, Any]]:
        """(billet, point) of all points that it was fitted to, updates included."""
        self._fitted()
        parts = [self.card["data"], *(update["data"] for update in self.card["updates"])]
        return {(billet, point) for part in parts for billet, point in part["ids"]}

    def _fitted(self) -> list[Any]:
        if not self.networks:
            raise RuntimeError(f"this {type(self).__name__} has no networks yet: fit it, or load one")
        return self.networks

    def _known_points(self) -> Floats:
        """The features of the training's points."""
        self._fitted()
        assert self._known_features is not None
        return self._known_features

    def _calibrated(self) -> Calibration:
        self._fitted()
        if self._calibration is None:
            raise RuntimeError("this training was interrupted: there are no intervals before it is finished")
        return self._calibration

    def _check_patches(self, name: str, patches: PatchSet) -> None:
        if not isinstance(patches, PatchSet):
            text = f"must be a PatchSet; {type(patches).__name__} is given"
            raise ArgumentTypeError(name, MISSING, text)
        self._check_size(name, patches.size)
        scale = self.card.get("mm_per_px")
        if scale is not None and self.networks and not same_scale(patches.mm_per_px, scale):
            text = f"mm_per_px is {patches.mm_per_px:g}; the model was trained at {scale:g}: resample them"
            raise ArgumentError(name, MISSING, text)

    def _check_size(self, name: str, size: tuple[int, int]) -> None:
        if size != (self.image_size, self.image_size):
            needed = f"{self.image_size} x {self.image_size}"
            text = f"are {size[0]} x {size[1]} px; image_size = {self.image_size} needs {needed}"
            raise ArgumentError(name, MISSING, text)

    def _grey(self, images: PatchSet | ArrayLike) -> Grey:
        if isinstance(images, PatchSet):
            self._check_patches("patches", images)
            return images.images
        grey, _ = grey_stack("images", images)
        self._check_size("images", (grey.shape[1], grey.shape[2]))
        return grey

    def _enhanced(self, grey: Grey) -> Grey:
        return grey if self.enhance is None else clahe(grey)

    def _features(self, patches: PatchSet) -> Floats:
        return features(self._enhanced(patches.images))


def of_training(patches: PatchSet) -> dict[str, Any]:
    """What a model card has of the patches that a model was trained on."""
    leak = patches.leak
    return {
        "mm_per_px": patches.mm_per_px,
        "data": described(patches),
        "protocol": "grouped" if leak is None else "published",
        "leak": None if leak is None else plain(leak._asdict()),
    }


def described(patches: PatchSet) -> dict[str, Any]:
    """The patches as a model card has them."""
    return {
        "sha256": data_hash(patches),
        "patches": len(patches),
        "points": int(patches.group.max()) + 1,
        "billets": len(np.unique(patches.billet)),
        "ids": [list(each) for each in sorted(patches.ids, key=str)],
        "carbon_mean": float(patches.carbon.mean()),
        "carbon_range": [float(patches.carbon.min()), float(patches.carbon.max())],
        "augmentation": patches.augmentation,
    }


def scores(predicted: Floats, measured: Floats) -> dict[str, float]:
    """Figures of (N,) predictions, wt%.

    `"r2"`: 1 - SSE / SST, NaN where all measured are equal. `"r2_correlation"`: the squared correlation, the
    paper's "R2" (its Eq. (2)), NaN where either is constant; it does not see bias or scale. `"mae"`: mean
    absolute error. `"bias"`: mean of predicted - measured.
    """
    error = predicted - measured
    moved, meant = predicted - predicted.mean(), measured - measured.mean()
    total, spread = float(meant @ meant), float(moved @ moved)
    known = total > 0 and spread > 0
    return {
        "r2": 1 - float(error @ error) / total if total > 0 else float("nan"),
        "r2_correlation": float(moved @ meant) ** 2 / (total * spread) if known else float("nan"),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
    }


def data_hash(patches: PatchSet) -> str:
    """SHA-256 of the patches, their carbon, points, billets, scale and positions."""
    digest = hashlib.sha256()
    for name in ("images", "carbon", "point", "billet", "position", "mm_per_px"):
        value = getattr(patches, name)
        if hasattr(value, "dtype"):
            digest.update(f"{name} {value.dtype.str} {value.shape}\n".encode())
            digest.update(value.tobytes())
        else:
            digest.update(f"{name} {value!r}\n".encode())
    return digest.hexdigest()


@contextmanager
def evaluating(network: Any) -> Iterator[None]:
    """Without dropout, and with batch norm as it was learned; as before afterwards."""
    training = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, was in training.items():
            module.training = was
