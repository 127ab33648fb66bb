"""The published network, number by number, and what it refuses to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tundish.segregation import CarbonNet  # noqa: E402


def parameters(network: Any) -> int:
    return sum(weights.numel() for weights in network.parameters())


def test_the_published_network_has_its_parameters() -> None:
    with torch.device("meta"):
        network = CarbonNet()
        output = network(torch.zeros(2, 1, 224, 224))
    assert parameters(network) == 21_272_801
    assert output.shape == (2,)
    assert [layer.in_features for layer in network.regression if hasattr(layer, "in_features")] == [
        9216, 256, 128, 64, 32, 16,
    ]  # fmt: skip
    assert [layer.out_channels for layer in network.convolutions] == [
        32, 32, 64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024,
    ]  # fmt: skip
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())
    assert sum(isinstance(layer, torch.nn.Dropout) and layer.p == 0.2 for layer in network.modules()) == 5


@pytest.mark.parametrize("head", ["flatten", "pooled"])
@pytest.mark.parametrize("blocks", [2, 3, 4, 5, 6, 7])
def test_all_of_the_sweep_can_be_built(blocks: int, head: str) -> None:
    with torch.device("meta"):
        network = CarbonNet(blocks=blocks, dense=[8] * (blocks - 1), image_size=2**blocks + 3, head=head)
        assert network(torch.zeros(3, 1, 2**blocks + 3, 2**blocks + 3)).shape == (3,)
    assert len(network.convolutions) == 2 * blocks
    assert CarbonNet(**(network.architecture | {"blocks": 2})).blocks == 2


def test_the_flattened_head_sees_where_and_the_pooled_one_does_not() -> None:
    torch.manual_seed(0)
    image = torch.zeros(1, 1, 64, 64)
    image[..., 20:28, 20:28] = 1.0
    moved = torch.roll(image, (16, 16), dims=(2, 3))
    for head, same in (("flatten", False), ("pooled", True)):
        network = CarbonNet(2, (8,), 0.0, 64, head).eval()
        with torch.no_grad():
            assert torch.allclose(network(image), network(moved), atol=1e-6) == same


def test_a_start_keeps_the_variance_of_the_signal_through_all_layers() -> None:
    torch.manual_seed(0)
    network = CarbonNet(image_size=64).eval()
    with torch.no_grad():
        output = network(torch.randn(8, 1, 64, 64))
    # Glorot's start would divide the deviation by 2^8.5 over its seventeen layers.
    assert 0.01 < float(output.std()) < 10


def test_products_of_half_precision_come_out_in_the_precision_of_carbon() -> None:
    network = CarbonNet(2, (8,), image_size=8).eval()
    network.carbon_mean.fill_(0.42)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert network(torch.zeros(2, 1, 8, 8)).dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 63}, r"image_size = 63: is too small for 6 blocks.* 64 px"),
        ({"blocks": 7, "image_size": 127, "head": "pooled"}, r"image_size = 127: .* at least 128 px"),
        ({"blocks": 1}, r"blocks = 1: must be 2 to 7"),
        ({"blocks": 8}, r"blocks = 8"),
        ({"dense": ()}, r"dense = \(\): must have 1 to 6 layers"),
        ({"dense": (8,) * 7}, r"dense"),
        ({"dense": (8, 0)}, r"dense\[1\] = 0"),
        ({"dropout": 1.0}, r"dropout = 1"),
        ({"dropout": float("nan")}, r"dropout = nan"),
        ({"head": "global"}, r"head = 'global'"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CarbonNet(**arguments)


@pytest.mark.parametrize(
    "arguments", [{"blocks": 2.0}, {"dense": 8}, {"dense": (8.5,)}, {"image_size": "224"}, {"dropout": None}]
)
def test_what_is_no_number_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(arguments))):
        CarbonNet(**arguments)


def test_gradients_reach_the_first_convolution() -> None:
    torch.manual_seed(1)
    network = CarbonNet(2, (8,), image_size=16)
    network(
        torch.from_numpy(np.random.default_rng(0).normal(size=(2, 1, 16, 16)).astype(np.float32))
    ).sum().backward()
    assert float(network.convolutions[0].weight.grad.abs().max()) > 0
