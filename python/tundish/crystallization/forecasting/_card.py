"""The folder of a FluxForecaster: its card and its tensors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.refusals import MISSING, ArgumentError
from tundish._learning import model_folder
from tundish._learning.checkpoint import refuse_other_training
from tundish._learning.model_folder import Format, member_tensors
from tundish._learning.training import History, training_summary
from tundish.crystallization.forecasting._series import Series

FORMAT = Format("tundish.crystallization.FluxForecaster", 1)
NEEDED = (
    "complete", "settings", "data", "targets", "members", "history", "now", "gaps", "frames",
)  # fmt: skip


def begun(settings: dict[str, Any], series: Series, pictures: list[Any]) -> dict[str, Any]:
    """The card before training."""
    digest = hashlib.sha256(np.ascontiguousarray(series.values).tobytes())
    for seen in pictures:
        digest.update(seen.numpy().tobytes())
    return {
        "complete": False,
        "settings": settings,
        "data": {
            "sha256": digest.hexdigest(),
            "values": len(series.values),
            "columns": series.values.shape[1],
            "flat": series.flat,
            "constant": np.flatnonzero(np.ptp(series.values, axis=0) == 0).tolist(),
            "start": series.clock.start,
            "step": series.clock.step,
            "gaps": [list(gap) for gap in series.gaps],
        },
        "targets": {},
        "members": [],
    }


def targets(horizons: tuple[int, ...], trained: Any, validated: Any) -> dict[str, Any]:
    """By horizon the number of targets that are trained on, and of those that validate."""
    numbers = zip(horizons, trained.sum(dim=0).tolist(), validated.sum(dim=0).tolist(), strict=True)
    return {str(h): {"trained": int(a), "validated": int(b)} for h, a, b in numbers}


def members(histories: list[History]) -> list[dict[str, Any]]:
    """Of each network, the epochs and the best of them."""
    return [training_summary(history, "validation_loss") for history in histories]


def write_unfinished(
    folder: Path, card: dict[str, Any], networks: list[Any], histories: list[History]
) -> None:
    """Writes the networks that are trained."""
    card = {**card, "members": members(histories), "history": histories}
    model_folder.write_model(folder, FORMAT, weights(networks), card)


def read_unfinished(folder: Path, card: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Tensors and card of a checkpoint of the same settings and data; None where there is none."""
    if not (folder / model_folder.CARD).exists():
        return None
    tensors, there = model_folder.read_model(folder, FORMAT)
    refuse_other_training(folder, there, card, ("settings", "data"))
    return tensors, there


def refuse_unfinished(file: Path, card: dict[str, Any]) -> None:
    """Refuses the card of a training that was interrupted."""
    if not card.get("complete"):
        allowed = "is of a training that was interrupted; fit with this folder as its checkpoint"
        raise ArgumentError(str(file), MISSING, allowed)


def weights(networks: list[Any]) -> dict[str, Any]:
    """Their tensors by name."""
    return member_tensors(network.state_dict() for network in networks)


def stacked(parts: list[Floats], shape: tuple[int, ...]) -> Floats:
    """(n, ...) of a list that may be empty."""
    return np.stack(parts) if parts else np.empty((0, *shape))
