"""The network of the forecaster: its published size, what it sees, what it refuses."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tundish.crystallization import FluxNet  # noqa: E402


def size(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_it_has_the_published_size() -> None:
    network = FluxNet()
    assert (network.window, network.units, network.horizons) == (20, 8, (1,))
    assert size(network.lstm) == 320
    assert size(network.dense) == 9
    assert size(network) == 329
    # Of frames, one feature a step goes into the same layer.
    frames = FluxNet(image_size=16)
    assert size(frames.lstm) == 320
    assert frames.inputs == 0


def test_a_step_follows_the_equations_of_the_paper() -> None:
    network = FluxNet(window=3, units=2)
    x = torch.tensor([[[0.3], [-0.7], [1.1]]])
    weights = {name: p.detach().numpy() for name, p in network.named_parameters()}
    h, c = np.zeros(2), np.zeros(2)
    for value in x[0, :, 0].numpy():
        gates = weights["lstm.weight_ih_l0"] @ [value, 1.0] + weights["lstm.weight_hh_l0"] @ h
        i, f, g, o = gates.reshape(4, 2)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    expected = weights["dense.weight"] @ h + weights["dense.bias"]
    assert network(x).detach().numpy()[0] == pytest.approx(expected, abs=1e-6)


def test_shapes_of_series_and_frames() -> None:
    assert FluxNet(horizons=(1, 10, 30))(torch.zeros(5, 20, 1)).shape == (5, 3)
    assert FluxNet(window=4, inputs=3)(torch.zeros(2, 4, 3)).shape == (2, 1)
    network = FluxNet(window=4, image_size=16, inputs=1, embedding=2, horizons=(1, 2))
    frames, values = torch.rand(3, 4, 16, 16), torch.rand(3, 4, 1)
    assert network(frames, values).shape == (3, 2)
    assert network.encode(frames[0]).shape == (4, 2)
    assert FluxNet(window=4, image_size=16)(frames).shape == (3, 1)


def test_what_frames_show_reaches_the_output_and_its_gradient_the_first_layer() -> None:
    torch.manual_seed(0)
    network = FluxNet(window=4, image_size=16)
    frames = torch.rand(6, 4, 16, 16)
    network(frames).square().sum().backward()
    first = network.convolutions[0].weight.grad
    assert first is not None
    assert float(first.abs().max()) > 0


def test_blocks_are_residual() -> None:
    network = FluxNet(image_size=16, filters=(4,)).eval()
    block = network.convolutions[-1]
    maps = torch.rand(2, 4, 8, 8)
    expected = torch.relu(block.residual(maps) + block.short_cut(maps))
    assert torch.equal(block(maps), expected)
    kinds = {type(layer).__name__ for layer in network.modules()}
    assert {"Conv2d", "BatchNorm2d", "ReLU", "Linear", "LSTM"} <= kinds


def test_a_network_can_be_made_again() -> None:
    network = FluxNet(window=5, units=3, horizons=[2, 4], image_size=9, filters=(2, 3), embedding=2)
    again = FluxNet(**network.architecture)
    again.load_state_dict(network.state_dict())
    frames = torch.rand(2, 5, 9, 9)
    assert torch.equal(again.eval()(frames), network.eval()(frames))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 1}, "window = 1: must be at least 2"),
        ({"units": 0}, "units = 0: must be at least 1"),
        ({"horizons": ()}, "horizons = (): must be whole numbers from 1, increasing"),
        ({"horizons": (0, 1)}, "horizons = (0, 1): must be"),
        ({"horizons": (10, 1)}, "horizons = (10, 1): must be"),
        ({"horizons": (1, 1)}, "horizons = (1, 1): must be"),
        ({"image_size": 7}, "image_size = 7: must be at least 8"),
        ({"inputs": 0}, "inputs = 0: must be at least 1"),
        ({"filters": ()}, "filters = (): must be those of 1 to 6 blocks"),
        ({"embedding": 0}, "embedding = 0: must be at least 1"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        FluxNet(**arguments)


@pytest.mark.parametrize("arguments", [{"window": 2.5}, {"horizons": 3}, {"horizons": "1"}, {"filters": "8"}])
def test_other_types_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(arguments))):
        FluxNet(**arguments)


def test_a_network_of_series_has_no_eye() -> None:
    with pytest.raises(ValueError, match="frames: this network has no image_size"):
        FluxNet().encode(torch.zeros(1, 16, 16))


@pytest.mark.parametrize(
    ("network", "given", "message"),
    [
        (FluxNet(), [(4, 10, 1)], r"series: has shape \(4, 10, 1\); \(N, 20, 1\) is needed"),
        (FluxNet(), [(4, 20)], r"series: has shape \(4, 20\)"),
        (FluxNet(image_size=8), [(4, 20, 9, 9)], r"frames: has shape \(4, 20, 9, 9\); \(N, 20, 8, 8\)"),
        (FluxNet(image_size=8), [(4, 20, 8, 8), (4, 20, 1)], "values: this network has no inputs"),
        (FluxNet(image_size=8, inputs=1), [(4, 20, 8, 8)], r"values: are missing; \(4, 20, 1\) is needed"),
        (FluxNet(image_size=8, inputs=1), [(4, 20, 8, 8), (3, 20, 1)], r"values: has shape \(3, 20, 1\)"),
    ],
)
def test_other_shapes_are_refused(network: FluxNet, given: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(*(torch.zeros(shape) for shape in given))
