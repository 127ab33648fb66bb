"""Networks as they are, patch by patch in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.optional import optional

torch = optional("torch", "vision")

_BATCH = 64  # patches at a time


def predict(network: Any, images: Any, bfloat16: bool = False) -> Floats:
    """(N,) wt% of prepared patches (N, 1, H, W), on any device."""
    device = network.carbon_mean.device
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        parts = [
            network(images[n : n + _BATCH].to(device)).double().cpu().numpy()
            for n in range(0, len(images), _BATCH)
        ]
    return np.concatenate(parts)
