"""The convolutional networks that read carbon from a patch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tundish._common.arguments import choice, integer, number
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError, ArgumentTypeError

torch = optional("torch", "vision")

PUBLISHED_DENSE = (256, 128, 64, 32, 16)
HEADS = ("flatten", "pooled")
MIN_BLOCKS, MAX_BLOCKS = 2, 7
MAX_DENSE = 6
_FIRST_FILTERS = 32


class CarbonNet(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Convolutions in blocks, then dense layers, to one number: carbon, wt%.

    A block is two 3 x 3 convolutions with "same" padding, each with a ReLU, and max-pooling by 2; its filters
    are 32 in the first block and double from block to block. Dense layers have a ReLU and dropout each, and a
    last one without has a single unit (the paper, doi:10.20517/jmi.2025.73, "CNN modeling" and Figure 3).

    **Main arguments:**

    - `blocks`: 2 to 7. `dense`: units of 1 to 6 dense layers, without the last one.
    - `dropout`: share of units, from 0 to below 1.
    - `image_size`: side of the square patches, px; at least 2^blocks, since every block halves it.
    - `head`: "flatten", as published; or "pooled": batch norm after each convolution, and the mean of each
      map instead of all its pixels, so that the dense layers see what is in the patch and not where.

    With the defaults the dense layers begin with 9216 numbers, and the network has 21 272 801 parameters.

    Weights start by He's rule, uniform, and biases at 0: the paper does not say how its weights start, and
    seventeen layers without batch norm need a start that keeps variance. They are drawn from torch's own
    generator.

    **Attributes:** the arguments; `convolutions`, the convolution layers in order; `carbon_mean` and
    `carbon_scale`, (1,) buffers, 0 and 1 at first: the output is carbon_mean + carbon_scale · last layer.

    **Call:** (N, 1, H, W) floating point to (N,).

    **Raises:** ValueError or TypeError naming the argument; so for an image too small for its blocks.
    """

    def __init__(
        self,
        blocks: int = 6,
        dense: Iterable[int] = PUBLISHED_DENSE,
        dropout: float = 0.2,
        image_size: int = 224,
        head: str = "flatten",
    ) -> None:
        super().__init__()
        self.blocks = _blocks(blocks)
        self.dense = checked_dense(dense)
        self.dropout = checked_dropout(dropout)
        self.image_size = _image_size(image_size, self.blocks)
        self.head = choice("head", head, HEADS)
        self.features = torch.nn.Sequential(*self._feature_layers())
        self.regression = torch.nn.Sequential(*self._dense_layers())
        self.register_buffer("carbon_mean", torch.zeros(1))
        self.register_buffer("carbon_scale", torch.ones(1))
        for layer in self.modules():
            if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
                torch.nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    torch.nn.init.zeros_(layer.bias)

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments that make this network again."""
        names = ("blocks", "dense", "dropout", "image_size", "head")
        return {name: getattr(self, name) for name in names}

    @property
    def convolutions(self) -> list[Any]:
        """The convolution layers, in order."""
        return [layer for layer in self.features if isinstance(layer, torch.nn.Conv2d)]

    def _feature_layers(self) -> list[Any]:
        nn, pooled = torch.nn, self.head == "pooled"
        layers: list[Any] = []
        before, filters = 1, _FIRST_FILTERS
        for _ in range(self.blocks):
            for _ in range(2):
                layers.append(nn.Conv2d(before, filters, 3, padding="same", bias=not pooled))
                if pooled:
                    layers.append(nn.BatchNorm2d(filters))
                layers.append(nn.ReLU())
                before = filters
            layers.append(nn.MaxPool2d(2))
            filters *= 2
        return layers

    def _dense_layers(self) -> list[Any]:
        nn, maps = torch.nn, _FIRST_FILTERS * 2 ** (self.blocks - 1)
        left = self.image_size >> self.blocks
        layers = [] if self.head == "pooled" else [nn.Flatten()]
        before = maps if self.head == "pooled" else maps * left * left
        for units in self.dense:
            layers += [nn.Linear(before, units), nn.ReLU(), nn.Dropout(self.dropout)]
            before = units
        return [*layers, nn.Linear(before, 1)]

    def forward(self, images: Any) -> Any:
        """(N,) wt% of (N, 1, H, W) prepared patches."""
        return self.carbon_of(self.features(images))

    def carbon_of(self, maps: Any) -> Any:
        """(N,) wt% of what `features` makes of (N, 1, H, W) prepared patches."""
        if self.head == "pooled":
            maps = maps.mean(dim=(2, 3))
        # The buffers are (1,) and not numbers, so that products in bfloat16 come out in their precision.
        return self.carbon_mean + self.carbon_scale * self.regression(maps)[:, 0]


def _blocks(value: object) -> int:
    blocks = integer("blocks", value)
    if not MIN_BLOCKS <= blocks <= MAX_BLOCKS:
        raise ArgumentError("blocks", blocks, f"must be {MIN_BLOCKS} to {MAX_BLOCKS}")
    return blocks


def checked_dense(value: Iterable[int]) -> tuple[int, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        text = f"must be the units of 1 to {MAX_DENSE} layers, such as (64, 16)"
        raise ArgumentTypeError("dense", value, text)
    units = tuple(integer(f"dense[{n}]", each) for n, each in enumerate(value))
    if not 1 <= len(units) <= MAX_DENSE:
        raise ArgumentError("dense", units, f"must have 1 to {MAX_DENSE} layers")
    for n, each in enumerate(units):
        if each < 1:
            raise ArgumentError(f"dense[{n}]", each, "must be at least 1")
    return units


def checked_dropout(value: object) -> float:
    dropout = number("dropout", value)
    if not (math.isfinite(dropout) and 0 <= dropout < 1):
        raise ArgumentError("dropout", dropout, "must be from 0 to below 1")
    return dropout


def _image_size(value: object, blocks: int) -> int:
    size = integer("image_size", value)
    if size < 2**blocks:
        text = f"is too small for {blocks} blocks, which halve it each; at least {2**blocks} px are needed"
        raise ArgumentError("image_size", size, text)
    return size
