"""A trained network as a list of its layers, for those that compute it in other ways."""

from __future__ import annotations

from typing import Any, NamedTuple

from tundish._common.optional import optional

torch = optional("torch", "vision")

RELU, POOL, FLATTEN, MEAN = "relu", "pool", "flatten", "mean"


class Convolution(NamedTuple):
    """3 x 3, with zeros about the image: weights (filters, before, 3, 3) and biases (filters,)."""

    weight: Any
    bias: Any


class Dense(NamedTuple):
    """Weights (units, before) and biases (units,)."""

    weight: Any
    bias: Any


Layer = Convolution | Dense | str


def feature_layers(network: Any) -> list[Layer]:
    """What makes maps of patches, tensors on the CPU.

    Batch norm, as it was learned, is put into the convolution before it. A ReLU before a pooling stands
    after it: the greatest of four is the same, and a quarter of the numbers is left.
    """
    nn, layers = torch.nn, list[Layer]()
    for module in network.features:
        if isinstance(module, nn.Conv2d):
            bias = torch.zeros(module.out_channels) if module.bias is None else _copy(module.bias)
            layers.append(Convolution(_copy(module.weight), bias))
        elif isinstance(module, nn.BatchNorm2d):
            before = layers.pop()
            assert isinstance(before, Convolution)
            layers.append(_normalised(before, module))
        elif isinstance(module, nn.MaxPool2d):
            layers[-1:] = [POOL, RELU]
        else:
            layers.append(RELU)
    return layers


def regression_layers(network: Any) -> list[Layer]:
    """What makes carbon (N, 1), wt%, of maps; dropout does nothing here."""
    nn, layers = torch.nn, list[Layer]([MEAN if network.head == "pooled" else FLATTEN])
    for module in network.regression:
        if isinstance(module, nn.Linear):
            layers.append(Dense(_copy(module.weight), _copy(module.bias)))
        elif isinstance(module, nn.ReLU):
            layers.append(RELU)
    last = layers.pop()
    assert isinstance(last, Dense)
    mean, scale = _copy(network.carbon_mean), _copy(network.carbon_scale)
    return [*layers, Dense(last.weight * scale, last.bias * scale + mean)]


def _normalised(layer: Convolution, norm: Any) -> Convolution:
    scale = _copy(norm.weight) / torch.sqrt(_copy(norm.running_var) + norm.eps)
    bias = (layer.bias - _copy(norm.running_mean)) * scale + _copy(norm.bias)
    return Convolution(layer.weight * scale[:, None, None, None], bias)


def _copy(tensor: Any) -> Any:
    return tensor.detach().to("cpu", torch.float32, copy=True)
