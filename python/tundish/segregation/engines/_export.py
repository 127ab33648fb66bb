"""Trained networks as files for other programs: ONNX and OpenVINO, with a model card beside them."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from tundish._common.arguments import choice
from tundish._common.refusals import ArgumentError
from tundish._learning.model_folder import replace
from tundish.segregation.engines._graphs import (
    INPUT,
    OUTPUT,
    Preparation,
    onnx_model,
    openvino,
    openvino_model,
)

FORMATS = ("onnx", "openvino")
FORMAT, VERSION = "tundish.segregation.export", 1
_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}


def export(
    path: str | PathLike[str],
    format: str,
    networks: Sequence[Any],
    preparation: Preparation,
    image_size: int,
    card: dict[str, Any],
) -> None:
    """Writes the graph, whole or not at all, and then its card; see `CarbonRegressor.export`."""
    file = Path(path)
    suffix = _SUFFIXES[choice("format", format, FORMATS)]
    if file.suffix != suffix:
        raise ArgumentError("path", str(file), f"must end in {suffix} for format = {format!r}")
    if format == "onnx":
        parts = {file: onnx_model(networks, preparation, image_size).SerializeToString()}
        file.parent.mkdir(parents=True, exist_ok=True)
    else:
        model = openvino_model(networks, preparation, image_size)
        file.parent.mkdir(parents=True, exist_ok=True)
        parts = _serialised(model, file)
    # The file that names the others comes last.
    for name, data in reversed(parts.items()):
        replace(name, data)
    card_of_file = {
        "format": FORMAT,
        "version": VERSION,
        "files": {name.name: hashlib.sha256(data).hexdigest() for name, data in parts.items()},
        "input": {"name": INPUT, "shape": ["N", image_size, image_size], "type": "uint8"},
        "output": {"name": OUTPUT, "shape": ["N"], "type": "float32", "unit": "wt%"},
        "enhance_first": card["preprocessing"]["enhance"],
        "model": {
            name: value for name, value in card.items() if name not in ("weights", "complete", "finished")
        },
    }
    replace(file.with_suffix(".json"), json.dumps(card_of_file, indent=1, allow_nan=False).encode() + b"\n")


def _serialised(model: Any, file: Path) -> dict[Path, bytes]:
    """The graph, and its weights, which are looked for beside it under the same name."""
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = Path(folder) / "model.xml", Path(folder) / "model.bin"
        openvino().serialize(model, str(graph), str(weights))
        return {file: graph.read_bytes(), file.with_suffix(".bin"): weights.read_bytes()}
