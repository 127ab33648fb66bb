"""The first stages of a network trained on ImageNet, and lines from their maps to carbon."""

from __future__ import annotations

from typing import Any

from tundish._common.optional import optional

torch = optional("torch", "vision")


class TextureNet(torch.nn.Module):  # type: ignore[misc, name-defined]
    """The first stages of EfficientNet-Lite0, the mean over each map of some of them, and lines to carbon.

    **Attributes:** `convolutions`, in order; `weight` (members, maps) and `offset` (members,), buffers.

    **Call:** (N, 1, H, W), as (grey - 127) / 128, to (N,) wt%, the mean of the members.
    """

    def __init__(
        self, layers: list[Any], depths: tuple[int, ...], magnify: float, members: int, maps: int
    ) -> None:
        super().__init__()
        self.layers, self.depths, self.magnify = torch.nn.Sequential(*layers).eval(), depths, magnify
        self.register_buffer("weight", torch.zeros(members, maps, dtype=torch.float64))
        self.register_buffer("offset", torch.zeros(members, dtype=torch.float64))

    @property
    def convolutions(self) -> list[Any]:
        """The convolution layers, in order."""
        return [layer for layer in self.layers.modules() if isinstance(layer, torch.nn.Conv2d)]

    def means(self, images: Any) -> Any:
        """A list of (N, maps), one for each of the depths: means over the maps that so many stages make."""
        if self.magnify != 1:
            size = [round(self.magnify * side) for side in images.shape[2:]]
            images = torch.nn.functional.interpolate(images, size, mode="bilinear", align_corners=False)
        maps, found = images.expand(-1, 3, -1, -1), []
        for depth, layer in enumerate(self.layers, start=1):
            maps = layer(maps)
            if depth in self.depths:
                found.append(maps.mean(dim=(2, 3)))
        return found

    def forward(self, images: Any) -> Any:
        means = torch.cat(self.means(images), dim=1)
        return (means.double() @ self.weight.T + self.offset).mean(dim=1)
