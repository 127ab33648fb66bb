"""The model card of a `CarbonRegressor`, and what is in its folder beside the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError
from tundish._learning import model_folder
from tundish._learning.checkpoint import refuse_other_training
from tundish._learning.model_folder import Format, fault, fill_member, member_tensors, part
from tundish._learning.training import History, training_summary
from tundish.segregation.estimators._conformal import Calibration
from tundish.segregation.estimators._estimator import of_training
from tundish.segregation.networks._carbon_net import CarbonNet
from tundish.segregation.patches._handcrafted import FEATURE_NAMES
from tundish.segregation.patches._patch_set import PatchSet

torch = optional("torch", "vision")

FORMAT = Format("tundish.segregation.CarbonRegressor", 1)
NEEDED = (
    "calibration", "complete", "data", "finished", "history", "leak", "members", "mm_per_px",
    "preprocessing", "protocol", "settings", "split", "updates", "weights",
)  # fmt: skip


def new_card(
    settings: dict[str, Any], patches: PatchSet, held: NDArray[np.bool_], by: str, validation: float
) -> dict[str, Any]:
    """The card before training."""
    return {
        "complete": False,
        "finished": 0,
        "settings": settings,
        "preprocessing": {"enhance": settings["enhance"]},
        **of_training(patches),
        "split": {
            "by": by if patches.leak is None else None,
            "validation": validation,
            "held_rows": [np.flatnonzero(row).tolist() for row in held],
        },
        "members": [],
        "updates": [],
        "calibration": None,
    }


def members(histories: list[History], schedule: str) -> list[dict[str, Any]]:
    """What the card has of each network; of a "cosine" schedule the last epoch is kept."""
    return [
        training_summary(history, "validation_mae", len(history) if schedule == "cosine" else None)
        for history in histories
    ]


def write(
    folder: Path,
    card: dict[str, Any],
    states: list[dict[str, Any]],
    histories: list[History],
    features: Floats | None,
    calibration: Calibration | None,
) -> None:
    """Writes the networks' weights, the features of the training's points, the calibration and the card."""
    tensors = member_tensors(states)
    assert features is not None
    tensors["training.features"] = torch.from_numpy(features)
    if calibration is not None:
        for name, value in calibration._asdict().items():
            tensors[f"calibration.{name}"] = torch.from_numpy(value)
    model_folder.write_model(folder, FORMAT, tensors, {**card, "history": histories})


def networks_of(file: Path, tensors: dict[str, Any], number: int, architecture: dict[str, Any]) -> list[Any]:
    """The networks, on the CPU; ValueError naming the file of weights."""
    networks = []
    for member in range(number):
        network = CarbonNet(**architecture)
        fill_member(file, network, tensors, member)
        networks.append(network)
    if not networks:
        raise fault(file, "has no networks")
    return networks


def features_of(file: Path, tensors: dict[str, Any]) -> Floats:
    """The features of the training's points."""
    features: Floats = tensors["training.features"].numpy()
    if features.shape[1:] != (len(FEATURE_NAMES),):
        raise fault(file, "training.features are not those of this version")
    return features


def calibration_of(tensors: dict[str, Any]) -> Calibration | None:
    """What is known of errors; None of a training that was interrupted."""
    values = part(tensors, "calibration.")
    if not values:
        return None
    return Calibration(**{name: values[name].numpy() for name in Calibration._fields})


def finished_before(folder: Path, card: dict[str, Any]) -> int | None:
    """How many networks a checkpoint has finished, None if there is none; another training's is refused."""
    if not (folder / model_folder.CARD).exists():
        return None
    there = model_folder.read_card(folder, FORMAT)
    refuse_other_training(folder, there, card, ("settings", "data", "split"))
    if there["updates"]:
        raise ArgumentError("checkpoint", str(folder), "was updated since; give another folder")
    return int(there["finished"])
