"""EfficientNet-Lite0 up to its last maps, with the names that its published weights have."""

from __future__ import annotations

from typing import Any, NamedTuple

from tundish._common.optional import optional

torch = optional("torch", "vision")

FILTERS = 1280  # of the last maps
_STEM = 32


class _Group(NamedTuple):
    """Inverted residuals of the same filters: how many, the side of the kernel, the first one's stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


# EfficientNet-B0 without squeeze and excitation (M. Tan and Q. V. Le, 2019, arXiv:1905.11946, Table 1).
_GROUPS = (
    _Group(1, 3, 1, 1, 16),
    _Group(2, 3, 2, 6, 24),
    _Group(2, 5, 2, 6, 40),
    _Group(3, 3, 2, 6, 80),
    _Group(3, 5, 1, 6, 112),
    _Group(4, 5, 2, 6, 192),
    _Group(1, 3, 1, 6, 320),
)


class _Convolution(torch.nn.Conv2d):  # type: ignore[misc, name-defined]
    """A convolution padded as TensorFlow pads, on whose images the weights were trained.

    The output has ceil(side / stride) pixels; where the zeros about the image are odd in number, there is one
    more on the right and below.
    """

    def forward(self, images: Any) -> Any:
        """(N, filters, ceil(H / stride), ceil(W / stride)) of (N, C, H, W)."""
        sides = []
        for side, kernel, stride in zip(images.shape[2:], self.kernel_size, self.stride, strict=True):
            zeros = max(0, (-(-side // stride) - 1) * stride + kernel - side)
            sides.append((zeros // 2, zeros - zeros // 2))
        (top, bottom), (left, right) = sides
        return super().forward(torch.nn.functional.pad(images, (left, right, top, bottom)))


class _Block(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Widen, convolve each map by itself, narrow; and add the input where the shape is the same."""

    def __init__(self, before: int, group: _Group, stride: int) -> None:
        super().__init__()
        wide = before * group.expansion
        if group.expansion > 1:
            self._expand_conv = _Convolution(before, wide, 1, bias=False)
            self._bn0 = _normalisation(wide)
        self._depthwise_conv = _Convolution(wide, wide, group.kernel, stride, groups=wide, bias=False)
        self._bn1 = _normalisation(wide)
        self._project_conv = _Convolution(wide, group.filters, 1, bias=False)
        self._bn2 = _normalisation(group.filters)
        self._expands, self._adds = group.expansion > 1, stride == 1 and before == group.filters

    def forward(self, images: Any) -> Any:
        relu6, maps = torch.nn.functional.relu6, images
        if self._expands:
            maps = relu6(self._bn0(self._expand_conv(maps)))
        maps = relu6(self._bn1(self._depthwise_conv(maps)))
        maps = self._bn2(self._project_conv(maps))
        return maps + images if self._adds else maps


class EfficientNetLite0(torch.nn.Module):  # type: ignore[misc, name-defined]
    """The layers of EfficientNet-Lite0 before its pooling.

    The network of Google's TensorFlow TPU models (efficientnet/lite), Apache-2.0: EfficientNet-B0 without
    squeeze and excitation, and with ReLU6. **Call:** (N, 3, H, W), as (colour - 127) / 128, to
    (N, 1280, ceil(H / 32), ceil(W / 32)).
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Convolution(3, _STEM, 3, 2, bias=False)
        self._bn0 = _normalisation(_STEM)
        blocks, before = [], _STEM
        for group in _GROUPS:
            for n in range(group.repeats):
                blocks.append(_Block(before, group, group.stride if n == 0 else 1))
                before = group.filters
        self._blocks = torch.nn.ModuleList(blocks)
        self._conv_head = _Convolution(before, FILTERS, 1, bias=False)
        self._bn1 = _normalisation(FILTERS)

    def stages(self) -> list[Any]:
        """The layers in order, in 18 parts: the stem, 16 blocks, and the last convolution."""
        relu6 = torch.nn.ReLU6
        return [
            torch.nn.Sequential(self._conv_stem, self._bn0, relu6()),
            *self._blocks,
            torch.nn.Sequential(self._conv_head, self._bn1, relu6()),
        ]

    def forward(self, images: Any) -> Any:
        for stage in self.stages():
            images = stage(images)
        return images


def _normalisation(filters: int) -> Any:
    return torch.nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)
