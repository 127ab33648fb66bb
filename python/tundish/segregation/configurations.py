"""The configurations that are recommended, in one place: what the command line trains and compares."""

from __future__ import annotations

from typing import Any, NamedTuple

from tundish.segregation.networks._carbon_net import PUBLISHED_DENSE


class Configuration(NamedTuple):
    """Patches of the synthetic billet, and what to train on them.

    - `image_size`, px, and `mm_per_px` of the patches.
    - `published`: arguments of `CarbonRegressor` for the published kind of network.
    - `pooled`: those of the best network that is trained from the start: batch norm, means of the maps.
    - `recommended`: arguments of `TextureRegressor`, the model that is recommended for some dozen points.
    - `transfer`: those of `TransferRegressor`.
    - `update`: arguments of `TextureRegressor.update` for a few points of another billet.
    - `splits`: into training and test, over which results are means; `sweep_splits` where one network is
      trained in many ways.
    """

    image_size: int
    mm_per_px: float
    published: dict[str, Any]
    pooled: dict[str, Any]
    recommended: dict[str, Any]
    transfer: dict[str, Any]
    update: dict[str, Any]
    splits: int
    sweep_splits: int


# As published, and for a GPU.
FULL = Configuration(
    image_size=224,
    mm_per_px=0.1,
    published={},
    pooled={
        "blocks": 5, "dense": [64], "head": "pooled", "learning_rate": 1e-3, "schedule": "cosine",
        "epochs": 100, "ensemble": 5,
    },
    recommended={},
    transfer={},
    update={},
    splits=5,
    sweep_splits=5,
)  # fmt: skip
# For two cores: dense layers begin with 8192 numbers after three blocks of 64 px, and with 9216 as published.
REDUCED = Configuration(
    image_size=64,
    mm_per_px=0.1,
    published={"blocks": 3, "learning_rate": 5e-4, "schedule": "cosine", "epochs": 8, "patience": 8},
    pooled={
        "blocks": 2, "dense": [32], "head": "pooled", "learning_rate": 1e-3, "schedule": "cosine",
        "epochs": 16, "patience": 16,
    },
    recommended={},
    transfer={"epochs": 100, "patience": 20},
    update={},
    splits=5,
    sweep_splits=1,
)  # fmt: skip
_FULL_FROM = 128  # px


def pooled(image_size: int) -> dict[str, Any]:
    """Arguments of `CarbonRegressor` for patches of this size, which no more blocks halve than it takes."""
    chosen = FULL if image_size >= _FULL_FROM else REDUCED
    blocks = max(2, min(chosen.pooled["blocks"], image_size.bit_length() - 1))
    return {**chosen.pooled, "blocks": blocks, "image_size": image_size}


def dense_layers(count: int) -> tuple[int, ...]:
    """Units of 1 to 6 dense layers: the first of the published ones, and half of the last one for a sixth."""
    return (*PUBLISHED_DENSE, PUBLISHED_DENSE[-1] // 2)[:count]
