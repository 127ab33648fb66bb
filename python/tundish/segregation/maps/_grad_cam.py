"""Where in a patch a network sees carbon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, integer
from tundish._common.images import Grey, grey_stack
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish.segregation.estimators._estimator import evaluating
from tundish.segregation.patches._patch_set import PatchSet

Regressor = Any  # any model with `network` or `networks` and `prepare`

_BATCH = 8  # patches whose feature maps are held at a time


def grad_cam(
    reg: Regressor, image: PatchSet | ArrayLike, layer: int | Sequence[int] | None = None, signed: bool = True
) -> Floats:
    """Grad-CAM of a regression: which places of a patch raise the predicted carbon, and which lower it.

    **Main arguments:**

    - `reg`: a fitted `CarbonRegressor`.
    - `image`: (H, W) uint8, or (N, H, W), or a :class:`PatchSet`; `reg` prepares it as for a prediction.
    - `layer`: k is the k-th convolution before its activation (and before its batch norm), from 1; the
      default is the last one. Several, such as `range(1, 13)`, cost little more than one.

    **Other arguments:**

    - `signed`: True keeps what lowers carbon, as negative numbers; False cuts it off before the map is
      enlarged, as published.

    **Returns:** (H, W), or (N, H, W); several layers come along a further, leading axis. The feature maps are
    weighted by the mean over each of the prediction's gradient, and summed (R. R. Selvaraju et al., ICCV
    2017); the sum is enlarged to the patch bilinearly (`align_corners=False`). It is not normalised: the mean
    over a map is the change of the network's output that its weighted features make in first order, so maps
    of two layers, or two networks, have different scales. An ensemble's map is the mean of its networks'.

    **Raises:** ValueError or TypeError naming the argument; ImportError without torch (`tundish[vision]`).
    """
    images, one = grey_stack("image", image.images if isinstance(image, PatchSet) else image)
    networks = networks_of(reg)
    layers = _layers(layer, len(networks[0].convolutions))
    maps = maps_of(networks, reg.prepare, images, layers, signed)
    if one:
        maps = maps[:, 0]
    return maps[0] if layer is None or isinstance(layer, int | np.integer) else maps


def networks_of(reg: Regressor) -> list[Any]:
    several = getattr(reg, "networks", None)
    networks = list(several) if several else [getattr(reg, "network", None)]
    if networks[0] is None:
        raise ArgumentError("reg", MISSING, "has no network yet; fit it, or load one")
    return networks


def _layers(layer: int | Sequence[int] | None, count: int) -> list[int]:
    """Numbers from 0."""
    if layer is None:
        return [count - 1]
    asked = list(layer) if isinstance(layer, Iterable) else [layer]
    if not asked:
        raise ArgumentError("layer", MISSING, "at least one is needed")
    for each in asked:
        if not 1 <= integer("layer", each) <= count:
            raise ArgumentError("layer", each, f"must be 1 to {count}, the network's convolutions")
    return [int(each) - 1 for each in asked]


def maps_of(networks: list[Any], prepare: Any, images: Grey, layers: list[int], signed: bool) -> Floats:
    """(layers, N, H, W)."""
    maps = np.empty((len(layers), *images.shape))
    for n in range(0, len(images), _BATCH):
        part = images[n : n + _BATCH]
        maps[:, n : n + _BATCH] = _maps_of_batch(networks, prepare(part), part.shape[1:], layers, signed)
    return maps


def _maps_of_batch(
    networks: list[Any], prepared: Any, size: tuple[int, ...], layers: list[int], signed: bool
) -> Floats:
    torch = optional("torch", "vision")
    sums = [_weighted_sums(network, prepared, layers) for network in networks]
    maps = []
    for of_layer in zip(*sums, strict=True):
        mean = torch.stack(of_layer).mean(dim=0)
        mean = mean if signed else mean.relu()
        enlarged = torch.nn.functional.interpolate(mean, size=size, mode="bilinear", align_corners=False)
        maps.append(enlarged[:, 0].numpy())
    return np.stack(maps).astype(np.float64)


def _weighted_sums(network: Any, prepared: Any, layers: list[int]) -> list[Any]:
    """(N, 1, h, w) float32 of each layer: its feature maps, weighted by the means of their gradients."""
    torch = optional("torch", "vision")
    weights = next(network.parameters())
    inputs = prepared.detach().to(weights.device, weights.dtype).requires_grad_()
    with torch.enable_grad(), evaluating(network), _recorded(network, layers) as features:
        output = network(inputs)
        # The patches do not see each other, so the sum's gradient is that of each one's own prediction.
        gradients = torch.autograd.grad(output.sum(), [features[k] for k in layers])
    return [
        (gradient.float().mean(dim=(2, 3), keepdim=True) * features[k].detach().float())
        .sum(dim=1, keepdim=True)
        .cpu()
        for k, gradient in zip(layers, gradients, strict=True)
    ]


@contextmanager
def _recorded(network: Any, layers: list[int]) -> Iterator[dict[int, Any]]:
    """What the convolutions give, while the network runs."""
    features: dict[int, Any] = {}

    def record(number: int) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> Any:
            features[number] = output
            # An activation in place must not write over what is recorded.
            return output.clone()

        return hook

    hooks = [network.convolutions[k].register_forward_hook(record(k)) for k in set(layers)]
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()
