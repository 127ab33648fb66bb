"""The device that a network is on, and the seeds of what is drawn there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError, ArgumentTypeError

torch = optional("torch", "vision")


@contextmanager
def seeded(device: Any, *seed: int) -> Iterator[None]:
    """torch's generators, seeded within and as before outside; deterministic convolutions on CUDA."""
    state = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> np.uint64(1))
    cuda = [device] if device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=cuda),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
    ):
        torch.manual_seed(state)
        yield


def device_name(value: object) -> str:
    """ "auto", or a device that torch supports and this machine has."""
    if not isinstance(value, str):
        raise ArgumentTypeError("device", value, "must be 'auto' or a name such as 'cpu' or 'cuda'")
    if value == "auto":
        return value
    try:
        kind = torch.device(value).type
    except RuntimeError:
        raise ArgumentError(
            "device", value, "is unknown to torch; 'auto', 'cpu' or 'cuda' are usual"
        ) from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ArgumentError("device", value, "this torch finds no CUDA device; choose 'auto' or 'cpu'")
    return value


def torch_device(name: str) -> Any:
    """The device of such a name; "auto" is CUDA if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)
