"""The network that reads a series, or frames, and forecasts what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tundish._common.arguments import count
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish.crystallization.forecasting._series import checked_horizons

torch = optional("torch", "vision")

MIN_SIDE = 8  # px of a frame


class FluxNet(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A long short-term memory over a window, and a dense layer to the next value: after a residual
    convolutional network, if it sees frames.

    The paper (S. Dong et al., "CNN-LSTM-based Study on the Dynamic Characteristics of Steel Protection Slag
    Crystallization", section 3.2, Tables 1 and 2) has a window of 20 steps of one feature, an LSTM layer of
    320 parameters, which is 8 units, and a dense layer to one value: the defaults. Its ResNet is
    described by its kinds of layers alone (convolution, batch norm, ReLU, addition), and not by their sizes.

    **Main arguments:**

    - `window`: steps that are seen. `units`: of the LSTM. `horizons`: steps ahead, one output each.
    - `image_size`: None for a series alone; or the side, px, at least 8, of the square frames that are seen.

    **Other arguments:**

    - `inputs`: values a step that the LSTM sees beside the frames' features; 1 without frames, 0 with them.
    - `filters`: of the residual blocks. Each halves the frame; a first convolution does, too.
    - `embedding`: features of a frame, from a fully connected layer after the mean of each map.

    **Attributes:** the arguments; `lstm`, `dense`, and with frames `convolutions` and `connected`.

    **Call:** series (N, window, inputs) to (N, horizons). With frames, (N, window, image_size, image_size),
    and values (N, window, inputs) if there are inputs. `encode` and `read` are the two halves of it.

    An LSTM layer of torch has two biases that only act as their sum. Here it has none, and a further input
    that is always 1, so that parameters count as published: 4 units (units + features + 1).

    **Raises:** ValueError or TypeError naming the argument; when called, ValueError for other shapes.
    """

    def __init__(
        self,
        window: int = 20,
        units: int = 8,
        horizons: Iterable[int] = (1,),
        image_size: int | None = None,
        *,
        inputs: int | None = None,
        filters: Iterable[int] = (8, 16, 32),
        embedding: int = 1,
    ) -> None:
        super().__init__()
        self.window, self.units = count("window", window, 2), count("units", units, 1)
        self.horizons = checked_horizons(horizons)
        self.image_size = None if image_size is None else count("image_size", image_size, MIN_SIDE)
        least = 1 if self.image_size is None else 0
        self.inputs = least if inputs is None else count("inputs", inputs, least)
        self.filters = _filters(filters)
        self.embedding = count("embedding", embedding, 1)
        features = self.inputs
        if self.image_size is not None:
            self.convolutions = torch.nn.Sequential(*self._convolutional_layers())
            self.connected = torch.nn.Linear(self.filters[-1], self.embedding)
            features += self.embedding
        self.lstm = torch.nn.LSTM(features + 1, self.units, bias=False, batch_first=True)
        self.dense = torch.nn.Linear(self.units, len(self.horizons))

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments that make this network again."""
        names = ("window", "units", "horizons", "image_size", "inputs", "filters", "embedding")
        return {name: getattr(self, name) for name in names}

    def _convolutional_layers(self) -> list[Any]:
        nn, first = torch.nn, self.filters[0]
        layers = [nn.Conv2d(1, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU()]
        before = first
        for filters in self.filters:
            layers.append(_Residual(before, filters))
            before = filters
        return layers

    def encode(self, frames: Any) -> Any:
        """(N, embedding) of (N, image_size, image_size) frames."""
        if self.image_size is None:
            raise ArgumentError("frames", MISSING, "this network has no image_size; it sees a series alone")
        return self.connected(self.convolutions(frames[:, None]).mean(dim=(2, 3)))

    def read(self, sequence: Any) -> Any:
        """(N, horizons) of (N, window, features), the inputs before the frames' features."""
        states, _ = self.lstm(torch.cat([sequence, torch.ones_like(sequence[..., :1])], dim=-1))
        return self.dense(states[:, -1])

    def forward(self, seen: Any, values: Any = None) -> Any:
        """(N, horizons) of windows; see above."""
        if self.image_size is None:
            _refuse_shape("series", seen, (self.window, self.inputs))
            return self.read(seen)
        _refuse_shape("frames", seen, (self.window, self.image_size, self.image_size))
        if self.inputs:
            _refuse_shape("values", values, (self.window, self.inputs), len(seen))
        elif values is not None:
            raise ArgumentError("values", MISSING, "this network has no inputs; it sees frames alone")
        number, window = seen.shape[:2]
        sequence = self.encode(seen.flatten(0, 1)).reshape(number, window, self.embedding)
        if self.inputs:
            sequence = torch.cat([values, sequence], dim=-1)
        return self.read(sequence)


class _Residual(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Two convolutions with batch norm beside a short cut, added before the last ReLU; halves the frame.

    K. He et al., CVPR 2016, doi:10.1109/CVPR.2016.90, Figures 2 and 3.
    """

    def __init__(self, before: int, filters: int) -> None:
        super().__init__()
        nn = torch.nn
        self.residual = nn.Sequential(
            nn.Conv2d(before, filters, 3, 2, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters),
        )  # fmt: skip
        self.short_cut = nn.Sequential(nn.Conv2d(before, filters, 1, 2, bias=False), nn.BatchNorm2d(filters))

    def forward(self, maps: Any) -> Any:
        return torch.relu(self.residual(maps) + self.short_cut(maps))


def _refuse_shape(name: str, value: Any, needed: tuple[int, ...], number: int | None = None) -> None:
    """What is not (N, ...), or not of N = number."""
    text = ", ".join(map(str, ("N" if number is None else number, *needed)))
    if value is None:
        raise ArgumentError(name, MISSING, f"are missing; ({text}) is needed")
    if tuple(value.shape[1:]) != needed or number not in (None, len(value)):
        raise ArgumentError(name, Shape(tuple(value.shape)), f"({text}) is needed")


def _filters(value: Iterable[int]) -> tuple[int, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ArgumentTypeError("filters", value, "must be numbers of filters, such as (8, 16, 32)")
    filters = tuple(count(f"filters[{n}]", each, 1) for n, each in enumerate(value))
    if not 1 <= len(filters) <= 6:
        raise ArgumentError("filters", filters, "must be those of 1 to 6 blocks")
    return filters
