"""The runs of the paper's studies: what is trained and tested, on which patches, and what comes out."""

from __future__ import annotations

import copy
import csv
import functools
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tundish.segregation import (
    CarbonRegressor,
    PatchSet,
    TextureRegressor,
    TransferRegressor,
    baselines,
    configurations,
    leak,
    missing_baselines,
    missing_transfer,
    scores,
    synthetic,
)
from tundish.segregation.configurations import Configuration, dense_layers
from tundish.segregation.networks import BACKBONES, BUNDLED

POINTS, TEST, LEVEL = 85, 0.2, 0.9
STUDIES = (
    "protocol", "models", "transfer", "augmentation", "blocks", "dense", "enhancement", "billets",
)  # fmt: skip
# The paper's further billets: number of points, and how the process differs from the first billet's.
BILLETS: dict[str, tuple[int, dict[str, float]]] = {
    "stirring": (25, {"stirring": 1.0}),
    "lower carbon": (16, {"carbon": 0.40}),
}
LABELLED, DRAWS = 5, 10  # points of a further billet for the second training, and how often they are drawn
_AUGMENTATIONS = {"none": None, "rotation": "rotation", "mirror": "mirror", "both": "dihedral"}
_SWEPT = ("protocol", "augmentation", "blocks", "dense", "enhancement")
RECOMMENDED = "recommended: textures"


class Task(NamedTuple):
    """What is run for a split.

    - `kind`: "network", of `CarbonRegressor`; "textures", of `TextureRegressor`; "transfer", of
      `TransferRegressor`; or "baselines" for all models without a network.
    - `settings`: of the estimator; {} for baselines.
    - `protocol`: "grouped" (by point) or "published".
    - `image_size`, px, and `mm_per_px`, of the synthetic billets.
    - `update`: arguments of `TextureRegressor.update` for the further billets; None leaves them out.
    """

    kind: str
    settings: dict[str, Any]
    protocol: str
    image_size: int
    mm_per_px: float
    update: dict[str, Any] | None = None


class Run(NamedTuple):
    """A task of a split, done. `result` of baselines: `table` and `missing`; of transfer: `test` and `train`,
    as of a network:

    - `test`, `train`: scores (wt%). `interval`: coverage, mean width, method of the 90 % intervals.
    - `leak`: of the split. `history`: (training, validation) errors of the first network, wt%; of textures
      there is none. `points`: analysed and predicted carbon of the tested patches, and x and y.
    - `billets`: by name, `before` and `after` the second training, both on the points that it did not see:
      scores and predictions, of the first draw of labelled points; `biases` after it, wt%, of all draws.
    - `seconds`.
    """

    task: Task
    split: int
    seed: int
    result: dict[str, Any]


def configuration(full: bool) -> Configuration:
    """As published, or reduced for two cores."""
    return configurations.FULL if full else configurations.REDUCED


def tasks(study: str, chosen: Configuration) -> dict[str, Task | None]:
    """The rows of a study; None where the patches are too small for it."""

    def network(changes: dict[str, Any], protocol: str = "grouped") -> Task | None:
        return _network_task(chosen, chosen.published | changes, protocol)

    size, scale = chosen.image_size, chosen.mm_per_px
    textures = TextureRegressor(**chosen.recommended, image_size=size).settings
    best = Task("textures", textures, "grouped", size, scale, chosen.update)
    without = Task("baselines", {}, "grouped", size, scale)
    match study:
        case "protocol":
            return {"published": network({}, "published"), "grouped": network({})}
        case "models":
            pooled = _network_task(chosen, chosen.pooled, "grouped")
            return {
                "published network": network({}), "pooled network": pooled, RECOMMENDED: best,
                "baselines": without,
            }  # fmt: skip
        case "transfer":
            return {
                name: Task("transfer", {"backbone": name, **chosen.transfer}, "grouped", size, scale)
                for name in BACKBONES
            }
        case "augmentation":
            return {name: network({"augment": how}) for name, how in _AUGMENTATIONS.items()}
        case "blocks":
            return {str(count): network({"blocks": count}) for count in range(2, 8)}
        case "dense":
            return {str(count): network({"dense": dense_layers(count)}) for count in range(1, 7)}
        case "enhancement":
            return {"as etched": network({"enhance": None}), "CLAHE": network({"enhance": "clahe"})}
    return {RECOMMENDED: best}


def _network_task(chosen: Configuration, settings: dict[str, Any], protocol: str) -> Task | None:
    if 2 ** settings.get("blocks", 6) > chosen.image_size:
        return None
    # All settings, and not only those that differ from today's defaults: the record outlives them.
    whole = CarbonRegressor(**settings, image_size=chosen.image_size).settings
    return Task("network", whole, protocol, chosen.image_size, chosen.mm_per_px)


def splits_of(study: str, chosen: Configuration, splits: int | None) -> int:
    """Number of splits of a study."""
    if splits is not None:
        return splits
    return chosen.sweep_splits if study in _SWEPT else chosen.splits


@functools.cache
def billet(image_size: int, mm_per_px: float, seed: int) -> PatchSet:
    """The first billet."""
    return synthetic.billet(POINTS, image_size=image_size, rng=_seed(seed, 0), mm_per_px=mm_per_px)


@functools.cache
def further_billet(name: str, image_size: int, mm_per_px: float, seed: int) -> PatchSet:
    """One of :data:`BILLETS`, with a structure and a scatter of its own."""
    number = 1 + list(BILLETS).index(name)
    points, process = BILLETS[name]
    settings: dict[str, Any] = {"image_size": image_size, "mm_per_px": mm_per_px, "name": number, **process}
    patches: PatchSet = synthetic.billet(points, rng=_seed(seed, number), **settings)
    return patches


def _seed(seed: int, number: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(number,))


def parted(task: Task, split: int, seed: int) -> tuple[PatchSet, PatchSet]:
    """What is trained on and what is tested: the same points in all grouped tasks of a split."""
    patches = billet(task.image_size, task.mm_per_px, seed)
    random = np.random.SeedSequence(seed, spawn_key=(0, split))
    if task.protocol == "published":
        return patches.augment("dihedral").split(TEST, rng=random, protocol="published")
    return patches.split(TEST, by="point", rng=random)


def missing(task: Task, weights: Mapping[str, Path]) -> str | None:
    """Why a task cannot run here, or None."""
    if task.kind == "textures":
        return missing_transfer().get(BUNDLED[0])
    if task.kind != "transfer":
        return None
    backbone = task.settings["backbone"]
    if backbone in BUNDLED or backbone in weights:
        return missing_transfer().get(backbone)
    return missing_transfer().get(backbone, f"needs --weights {backbone}=FILE")


def compute(task: Task, split: int, seed: int, weights: Mapping[str, Path]) -> dict[str, Any]:
    """The result of a run."""
    started = time.perf_counter()
    train, test = parted(task, split, seed)
    if task.kind == "baselines":
        table = baselines(train, test, seed + split)
        names = table.dtype.names or ()
        rows = [{name: row[name].item() for name in names} for row in table]
        result: dict[str, Any] = {"table": rows, "missing": missing_baselines(train, test)}
    elif task.kind == "transfer":
        file = weights.get(task.settings["backbone"])
        transfer = TransferRegressor(**task.settings, weights=file, seed=seed + split).fit(train)
        result = {"test": transfer.score(test), "train": transfer.score(train)}
    else:
        result = _result(task, train, test, split, seed)
    return result | {"seconds": time.perf_counter() - started}


def _result(task: Task, train: PatchSet, test: PatchSet, split: int, seed: int) -> dict[str, Any]:
    kind: Any = TextureRegressor if task.kind == "textures" else CarbonRegressor
    reg = kind(**{**task.settings, "seed": seed + split}).fit(train)
    predicted = reg.predict(test)
    lower, upper = reg.predict_interval(test, LEVEL).T
    assert test.position is not None
    found = leak(train, test) if test.leak is None else test.leak
    return {
        "test": scores(predicted, test.carbon),
        "train": reg.score(train),
        "interval": {
            "coverage": float(np.mean((lower <= test.carbon) & (test.carbon <= upper))),
            "width": float(np.mean(upper - lower)),
            "method": reg.interval_method(LEVEL),
        },
        "leak": found._asdict(),
        "history": reg.history[0] if task.kind == "network" else [],
        "points": {
            "carbon": test.carbon.tolist(),
            "predicted": predicted.tolist(),
            "x_mm": test.position[:, 0].tolist(),
            "y_mm": test.position[:, 1].tolist(),
        },
        "billets": None if task.update is None else _further(reg, task, split, seed),
    }


def _further(reg: TextureRegressor, task: Task, split: int, seed: int) -> dict[str, Any]:
    """Predictions of the further billets, before and after a second training with a few of their points."""
    found = {}
    for number, name in enumerate(BILLETS, start=1):
        patches = further_billet(name, task.image_size, task.mm_per_px, seed)
        error = reg.predict(patches) - patches.carbon
        # Others in every split: which points were analysed matters more than what was trained on.
        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, split)))
        biases = []
        for draw in range(DRAWS):
            labelled = np.zeros(len(patches), bool)
            labelled[random.permutation(len(patches))[:LABELLED]] = True
            retrained = copy.deepcopy(reg)
            change = retrained.update(patches[labelled], **(task.update or {}))
            biases.append(float(error[~labelled].mean() + change.level))
            if draw == 0:
                others = patches[~labelled]
                before, after = _predictions(reg, others), _predictions(retrained, others)
        found[name] = {
            "before": before, "after": after, "biases": biases, "carbon": others.carbon.tolist(),
            "drift": reg.drift(patches).p_value,
        }  # fmt: skip
    return found


def _predictions(reg: TextureRegressor, patches: PatchSet) -> dict[str, Any]:
    """Scores, and predictions with their intervals: turned and mirrored copies have no spread here."""
    members = reg.predict_members(patches)
    predicted, (lower, upper) = members.mean(axis=0), reg.intervals_of(members, LEVEL).T
    return {
        **scores(predicted, patches.carbon),
        "predicted": predicted.tolist(),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }


@functools.cache
def published() -> dict[tuple[str, str], tuple[str, str]]:
    """The paper's R2 (squared correlation, %) and mean absolute error (wt%) by study and case, as text."""
    text = resources.files("tundish.reproduce.segregation2025").joinpath("published.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {(row["study"], row["case"]): (row["r2_percent"], row["mae_wt"]) for row in rows}
