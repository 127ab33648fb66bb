"""The convolutions of a network in integers of 8 bits, by torch's own kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

from tundish._common.optional import optional
from tundish.segregation.networks._layers import POOL, Convolution, Layer

torch = optional("torch", "vision")

_LEVELS = 255
_MAX = 127
_MIN = 1e-6  # of a scale
_BATCH = 16  # patches to calibrate with at a time
_SAME = ([1, 1], [1, 1], [1, 1], 1)  # stride, zeros about the image, dilation, groups


class _Step(NamedTuple):
    """A convolution with its ReLU: packed weights, scales and biases of the filters; levels in and out."""

    weights: Any
    scales: Any
    bias: Any
    level: float
    zero: int
    made: float


class Quantised:
    """Maps of patches, with convolutions in integers.

    Weights have 8 bits with a sign and a scale for each filter, maps 8 bits without and one scale: 255 is the
    greatest number that the layer made of the calibration's patches. A patch has the 256 grey levels that it
    had before it was prepared; the last maps are in float32.

    `layers`: those that make maps. `patches`: (N, 1, H, W) prepared, to calibrate with. `mean`, `deviation`:
    of the preparation, (grey / 255 - mean) / deviation.
    """

    def __init__(self, layers: list[Layer], patches: Any, mean: float, deviation: float) -> None:
        self._level = 1 / (_LEVELS * deviation)
        self._mean = _LEVELS * mean
        # A zero of whole grey levels is a little off their mean, and all patches with it.
        zero = round(self._mean)
        missing = (zero - self._mean) * self._level
        greatest = iter(_greatest(layers, patches))
        level = self._level
        self._steps: list[_Step | None] = []
        for layer in layers:
            if isinstance(layer, Convolution):
                bias = layer.bias + missing * layer.weight.sum(dim=(1, 2, 3))
                made = max(next(greatest), _MIN) / _LEVELS
                self._steps.append(_step(layer.weight, bias, level, zero, made))
                level, zero, missing = made, 0, 0.0
            elif layer == POOL:
                self._steps.append(None)
        self._last = level

    def __call__(self, images: Any) -> Any:
        """Maps in float32 of (N, 1, H, W) prepared patches."""
        grey = torch.round(images / self._level + self._mean).clamp_(0, _LEVELS)
        maps = grey.to(torch.uint8, memory_format=torch.channels_last)
        for step in self._steps:
            if step is None:
                maps = _pooled(maps)
                continue
            maps = torch.ops.onednn.qconv2d_pointwise(
                maps, step.level, step.zero, step.weights, step.scales, torch.zeros_like(step.scales),
                step.bias, *_SAME, step.made, 0, torch.uint8, "relu", [], "",
            )  # fmt: skip
        return maps.float().mul_(self._last)


def _greatest(layers: list[Layer], patches: Any) -> list[float]:
    """The greatest number that each convolution makes of the patches, in order."""
    functional = torch.nn.functional
    found: list[float] = []
    for n in range(0, len(patches), _BATCH):
        maps = patches[n : n + _BATCH].contiguous(memory_format=torch.channels_last)
        greatest = []
        for layer in layers:
            if isinstance(layer, Convolution):
                maps = functional.relu_(functional.conv2d(maps, layer.weight, layer.bias, padding=1))
                greatest.append(float(maps.max()))
            elif layer == POOL:
                maps = functional.max_pool2d(maps, 2)
        found = greatest if not found else list(map(max, found, greatest))
    return found


def _pooled(maps: Any) -> Any:
    """The greatest of 2 x 2. torch's own pooling takes integers of 8 bits for small maps alone."""
    height, width = maps.shape[2] // 2 * 2, maps.shape[3] // 2 * 2
    rows = torch.maximum(maps[:, :, 0:height:2], maps[:, :, 1:height:2])
    return torch.maximum(rows[:, :, :, 0:width:2], rows[:, :, :, 1:width:2])


def _step(weight: Any, bias: Any, level: float, zero: int, made: float) -> _Step:
    scales = weight.abs().amax(dim=(1, 2, 3)).clamp_(min=_MIN) / _MAX
    whole = torch.round(weight / scales[:, None, None, None]).to(torch.int8)
    packed = torch.ops.onednn.qconv_prepack(whole, scales, level, zero, *_SAME, None)
    return _Step(packed, scales, bias, level, zero, made)
