"""Patches whose carbon shows, and a network small enough to be trained on them in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tundish.segregation import PatchSet

if TYPE_CHECKING:
    from tundish.segregation import CarbonRegressor

SMALL: dict[str, Any] = dict(
    blocks=2, dense=(8,), dropout=0.1, image_size=16, enhance=None, augment="mirror", learning_rate=1e-3,
    batch_size=8, epochs=3, device="cpu",
)  # fmt: skip


def stripes(
    points: int = 24, *, patches: int = 1, billet: int = 0, rng: int = 0, shift: float = 0.0
) -> PatchSet:
    """Stripes as close as carbon is high, at any phase; a shift of carbon shows in the grey level."""
    generator = np.random.default_rng(rng)
    carbon = np.repeat(generator.uniform(0.38, 0.46, points), patches)
    phase = generator.uniform(0, 2 * np.pi, (carbon.size, 1, 1))
    frequency = 0.4 + 8 * (carbon[:, None, None] - 0.38)
    x = np.arange(16)[None, None, :] + np.zeros((1, 16, 1))
    grey = (
        128
        + 1000 * shift
        + 70 * np.sin(frequency * x + phase)
        + generator.normal(0, 8, (carbon.size, 16, 16))
    )
    point = np.repeat(np.arange(points), patches)
    angle = point * 2.4
    position = 10 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return PatchSet(np.clip(grey, 0, 255).astype(np.uint8), carbon + shift, point=point, billet=billet,
                    position=position, mm_per_px=0.5)  # fmt: skip


def weights(regressor: CarbonRegressor) -> np.ndarray[Any, Any]:
    """All weights of all networks, one after the other."""
    return np.concatenate(
        [
            value.numpy().reshape(-1)
            for network in regressor.networks
            for value in network.state_dict().values()
        ]
    )
