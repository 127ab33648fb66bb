"""Trained networks in folders: weights as safetensors, a model card as JSON, and never a pickle."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tundish._common.optional import optional

CARD = "card.json"
TRAINING = "training.safetensors"

_WEIGHTS = re.compile(r"weights-[0-9a-f]{16}\.safetensors")
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib")
# How a pickle of protocol 2 and later begins, and the archive that torch.save puts one in. A safetensors file
# begins with a length of 8 bytes, which may look like it, and a brace.
_PICKLE = re.compile(rb"\x80[\x02-\x05].{6}[^{]|\x80[\x02-\x05].{0,6}$|PK\x03\x04", re.DOTALL)


class Format(NamedTuple):
    """What a folder holds: the full name of the class that is saved there, and the version of its card."""

    name: str
    version: int

    @property
    def saved_by(self) -> str:
        """The class, without its modules."""
        return self.name.rpartition(".")[2]


def write_model(
    path: str | PathLike[str], kind: Format, tensors: dict[str, Any], card: dict[str, Any]
) -> None:
    """Writes the weights, then the card that names them: whatever interrupts it, the folder holds a model."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    data = optional("safetensors.torch", "vision").save(_contiguous(tensors))
    digest = hashlib.sha256(data).hexdigest()
    name = f"weights-{digest[:16]}.safetensors"
    replace(folder / name, data)
    weights = {"file": name, "sha256": digest}
    card = {"format": kind.name, "version": kind.version, **card, "weights": weights}
    replace(folder / CARD, json.dumps(card, indent=1, allow_nan=False).encode() + b"\n")
    for other in folder.iterdir():
        if _WEIGHTS.fullmatch(other.name) and other.name != name:
            other.unlink()


def read_model(path: str | PathLike[str], kind: Format) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and card of what :func:`write_model` wrote; ValueError beginning with the file at fault."""
    folder = Path(path)
    if folder.is_file():
        _refuse_pickle(folder, folder.read_bytes()[:9], kind)
        raise ValueError(f"{folder}: is a file; the folder that {kind.saved_by}.save wrote is needed")
    card = read_card(folder, kind)
    weights = card.get("weights")
    if not isinstance(weights, dict):
        raise ValueError(f"{folder / CARD}: has no weights")
    name = weights.get("file")
    if not isinstance(name, str) or not _WEIGHTS.fullmatch(name):
        raise ValueError(f"{folder / CARD}: weights.file = {name!r}: is no file of weights of this folder")
    file = folder / name
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"{file}: is missing, though {CARD} names it") from None
    _refuse_pickle(file, data[:9], kind)
    digest = hashlib.sha256(data).hexdigest()
    if digest != weights.get("sha256"):
        raise ValueError(
            f"{file}: has the hash {digest[:16]}…, not that of {CARD}: it is damaged or another's"
        )
    return parsed(file, data), card


def read_card(folder: Path, kind: Format) -> dict[str, Any]:
    """The model card, of this format and version."""
    file = folder / CARD
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        for other in sorted(folder.iterdir()) if folder.is_dir() else ():
            if other.is_file():
                with other.open("rb") as start:
                    _refuse_pickle(other, start.read(9), kind)
        raise ValueError(f"{file}: is missing: no model was saved here") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: is no JSON: {error}") from None
    if not isinstance(card, dict) or card.get("format") != kind.name:
        raise ValueError(f"{file}: is not the card of a {kind.saved_by}")
    if card.get("version") != kind.version:
        raise ValueError(f"{file}: version = {card.get('version')!r}: {kind.version} can be read")
    return card


def saved_by(folder: Path) -> str | None:
    """The class whose `save` wrote the folder, as its card has it; None where no card says so."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return Format(card["format"], 0).saved_by
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_training(folder: Path, tensors: dict[str, Any], numbers: dict[str, Any]) -> None:
    """What a training goes on from, as one file."""
    data = optional("safetensors.torch", "vision").save(
        _contiguous(tensors), metadata={"training": json.dumps(numbers)}
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
    _refuse_pickle(file, data[:9], kind)
    tensors = parsed(file, data)
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        return tensors, json.loads(header["__metadata__"]["training"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{file}: holds no state of a training") from None


def refuse_other(file: Path, found: dict[str, Any], needed: dict[str, Any]) -> None:
    """Refuses weights of other shapes than are needed, or not finite; ValueError naming the file."""
    for name in sorted(found.keys() | needed.keys()):
        there, here = (tuple(state[name].shape) if name in state else None for state in (found, needed))
        if there != here:
            raise ValueError(
                f"{file}: is of another architecture than its card says: {name} has shape "
                f"{there}; {here} is needed"
            )
        if found[name].is_floating_point() and not found[name].isfinite().all():
            raise ValueError(f"{file}: {name} holds numbers that are not finite")


def part(tensors: dict[str, Any], start: str) -> dict[str, Any]:
    """The tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def plain(value: Any) -> Any:
    """What JSON gives back: lists for tuples, None for what is no number."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def first_difference(there: Any, here: Any) -> str:
    """The first name whose value is another, in words."""
    if isinstance(there, dict) and isinstance(here, dict):
        for name in here:
            if there.get(name) != here[name]:
                return f"{name} = {_short(there.get(name))} there, {_short(here[name])} here"
    return "unreadable there"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 24 else text[:20] + "…"


def parsed(file: Path, data: bytes) -> dict[str, Any]:
    """The tensors of a safetensors file."""
    safetensors = optional("safetensors", "vision")
    try:
        tensors: dict[str, Any] = optional("safetensors.torch", "vision").load(data)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{file}: is no safetensors file: {error}") from None
    return tensors


def _contiguous(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def _refuse_pickle(file: Path, start: bytes, kind: Format) -> None:
    if _PICKLE.match(start) or file.suffix.lower() in _PICKLES:
        raise ValueError(
            f"{file}: is a pickle, which may run any program when it is read, and is refused; save models by "
            f"{kind.saved_by}.save"
        )


def replace(file: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
