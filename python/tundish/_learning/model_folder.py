"""Trained networks in folders: weights as safetensors, a model card as JSON, and never a pickle."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError

CARD = "card.json"

_WEIGHTS = re.compile(r"weights-[0-9a-f]{16}\.safetensors")
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib")
# How a pickle of protocol 2 and later begins, and the archive that torch.save puts one in. A safetensors file
# begins with a length of 8 bytes, which may look like it, and a brace.
_PICKLE = re.compile(rb"\x80[\x02-\x05].{6}[^{]|\x80[\x02-\x05].{0,6}$|PK\x03\x04", re.DOTALL)


M = TypeVar("M")


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
    data = optional("safetensors.torch", "vision").save(contiguous(tensors))
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
        refuse_pickle(folder, folder.read_bytes()[:9], kind)
        raise fault(folder, f"is a file; the folder that {kind.saved_by}.save wrote is needed")
    card = read_card(folder, kind)
    weights = card.get("weights")
    if not isinstance(weights, dict):
        raise fault(folder / CARD, "has no weights")
    name = weights.get("file")
    if not isinstance(name, str) or not _WEIGHTS.fullmatch(name):
        raise ArgumentError("weights.file", name, "is no file of weights of this folder").at(folder / CARD)
    file = folder / name
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise fault(file, f"is missing, though {CARD} names it") from None
    refuse_pickle(file, data[:9], kind)
    digest = hashlib.sha256(data).hexdigest()
    if digest != weights.get("sha256"):
        raise fault(file, f"has the hash {digest[:16]}…, not that of {CARD}: it is damaged or another's")
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
                    refuse_pickle(other, start.read(9), kind)
        raise fault(file, "is missing: no model was saved here") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise fault(file, f"is no JSON: {error}") from None
    if not isinstance(card, dict) or card.get("format") != kind.name:
        raise fault(file, f"is not the card of a {kind.saved_by}")
    if card.get("version") != kind.version:
        raise ArgumentError("version", card.get("version"), f"{kind.version} can be read").at(file)
    return card


def saved_by(folder: Path) -> str | None:
    """The class whose `save` wrote the folder, as its card has it; None where no card says so."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return Format(card["format"], 0).saved_by
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def refuse_other(file: Path, found: dict[str, Any], needed: dict[str, Any]) -> None:
    """Refuses weights of other shapes than are needed, or not finite; ValueError naming the file."""
    for name in sorted(found.keys() | needed.keys()):
        there, here = (tuple(state[name].shape) if name in state else None for state in (found, needed))
        if there != here:
            raise fault(
                file,
                f"is of another architecture than its card says: {name} has shape {there}; {here} is needed",
            )
        if found[name].is_floating_point() and not found[name].isfinite().all():
            raise fault(file, f"{name} holds numbers that are not finite")


def load_model(
    folder: Path,
    kind: Format,
    needed: Iterable[str],
    make: Callable[..., M],
    fill: Callable[[M, Path, dict[str, Any], dict[str, Any]], object],
    check: Callable[[Path, dict[str, Any]], object] | None = None,
) -> M:
    """A model out of the folder that it was saved to.

    - `needed`: names that a card must have. `make`: the model of the card's settings, without weights.
    - `fill`: is called with the model, the file of weights, the tensors and the card.
    - `check`: is called first, with the file of the card and the card, to refuse it.

    **Raises:** ValueError that begins with the file at fault.
    """
    tensors, card = read_model(folder, kind)
    file = folder / CARD
    if check is not None:
        check(file, card)
    for name in needed:
        if name not in card:
            raise fault(file, f"has no {name}")
    try:
        model = make(**card["settings"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArgumentError("settings", MISSING, str(error)).at(file) from None
    try:
        fill(model, folder / card["weights"]["file"], tensors, card)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise fault(file, f"does not describe its weights: {error}") from None
    return model


def member_tensors(states: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The weights of an ensemble's networks, each network's by "members.<number>.<name>"."""
    return {f"members.{n}.{name}": value for n, state in enumerate(states) for name, value in state.items()}


def fill_member(file: Path, network: Any, tensors: dict[str, Any], number: int) -> None:
    """Loads the weights of one member into a network on the CPU; ValueError naming the file."""
    found = part(tensors, f"members.{number}.")
    refuse_other(file, found, network.state_dict())
    network.load_state_dict(found)


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
        raise fault(file, f"is no safetensors file: {error}") from None
    return tensors


def contiguous(tensors: dict[str, Any]) -> dict[str, Any]:
    """The tensors as safetensors takes them, on the CPU."""
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def refuse_pickle(file: Path, start: bytes, kind: Format) -> None:
    """Refuses a file that begins like a pickle, by its first 9 bytes, or is named like one."""
    if _PICKLE.match(start) or file.suffix.lower() in _PICKLES:
        raise fault(
            file,
            "is a pickle, which may run any program when it is read, and is refused; save models by "
            f"{kind.saved_by}.save",
        )


def fault(file: Path, text: str) -> ArgumentError:
    """The refusal of a whole file or folder."""
    return ArgumentError("", MISSING, text, file=str(file))


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
