"""Checkpoints of trainings: when one is due, the state in it, and which training may go on from it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError
from tundish._learning.model_folder import (
    Format,
    contiguous,
    fault,
    first_difference,
    parsed,
    plain,
    refuse_pickle,
    replace,
)

TRAINING = "training.safetensors"

_WRITING = 0.05  # share of the time that checkpoints may take


class CheckpointTimer:
    """When a checkpoint is due, so that writing them takes 5 % of the time; the first is due at once."""

    def __init__(self) -> None:
        self._written, self._wait = time.monotonic(), 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._written >= self._wait

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around what writes."""
        began = time.monotonic()
        yield
        self._written = time.monotonic()
        self._wait = (self._written - began) / _WRITING


def write_training(folder: Path, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
    """What a training goes on from, as one file."""
    data = optional("safetensors.torch", "vision").save(
        contiguous(tensors), metadata={"training": json.dumps(numbers)}
    )
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / TRAINING, data)


def read_training(folder: Path, kind: Format) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What :func:`write_training` wrote, or None where there is none."""
    file = folder / TRAINING
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    refuse_pickle(file, data[:9], kind)
    tensors = parsed(file, data)
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return tensors, json.loads(header["__metadata__"]["training"])
    except (KeyError, TypeError, ValueError):
        raise fault(file, "holds no state of a training") from None


def remove_training(folder: Path) -> None:
    """Takes the state off the folder of a training that is finished."""
    (folder / TRAINING).unlink(missing_ok=True)


def refuse_other_training(
    folder: Path, there: dict[str, Any], card: dict[str, Any], names: Iterable[str]
) -> None:
    """Refuses a checkpoint whose card differs from that of the training in one of the named parts."""
    for name in names:
        here = plain(card[name])
        if there.get(name) != here:
            which = first_difference(there.get(name), here)
            raise ArgumentError(
                "checkpoint", str(folder), f"was made with other {name} ({which}); give another folder"
            )
