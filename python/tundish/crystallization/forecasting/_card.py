"""The folder of a FluxForecaster: its card, its tensors, and what makes it whole again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from tundish._common.arguments import Floats
from tundish._learning import model_folder as _model_folder
from tundish._learning.model_folder import Format, first_difference, plain
from tundish.crystallization.forecasting._base import Series

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


def targets(horizons: tuple[int, ...], trained: Any, judged: Any) -> dict[str, Any]:
    """By horizon the number of targets that are trained on, and of those that validate."""
    numbers = zip(horizons, trained.sum(dim=0).tolist(), judged.sum(dim=0).tolist(), strict=True)
    return {str(h): {"trained": int(a), "validated": int(b)} for h, a, b in numbers}


def members(history: list[list[tuple[float, float]]]) -> list[dict[str, Any]]:
    """Of each network, the epochs and the best of them."""
    found = []
    for losses in history:
        validation = [loss for _, loss in losses]
        best = int(np.argmin(validation))
        found.append({"epochs": len(losses), "best_epoch": best + 1, "validation_loss": validation[best]})
    return found


def write_unfinished(
    folder: Path, card: dict[str, Any], networks: list[Any], history: list[list[tuple[float, float]]]
) -> None:
    """Writes the networks that are trained."""
    card = {**card, "members": members(history), "history": history}
    _model_folder.write_model(folder, FORMAT, weights(networks), card)


def read_unfinished(folder: Path, card: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Tensors and card of a checkpoint of the same settings and data; None where there is none."""
    if not (folder / _model_folder.CARD).exists():
        return None
    tensors, there = _model_folder.read_model(folder, FORMAT)
    for name in ("settings", "data"):
        if there.get(name) != plain(card[name]):
            which = first_difference(there.get(name), plain(card[name]))
            raise ValueError(
                f"checkpoint = {str(folder)!r}: was made with other {name} ({which}); give another folder"
            )
    return tensors, there


def weights(networks: list[Any]) -> dict[str, Any]:
    """Their tensors by name."""
    return {
        f"members.{n}.{name}": value
        for n, network in enumerate(networks)
        for name, value in network.state_dict().items()
    }


def losses(stored: Any) -> list[tuple[float, float]]:
    """A history out of JSON."""
    return [(float(training), float(validation)) for training, validation in stored]


def stacked(parts: list[Floats], shape: tuple[int, ...]) -> Floats:
    """(n, ...) of a list that may be empty."""
    return np.stack(parts) if parts else np.empty((0, *shape))
