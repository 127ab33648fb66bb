"""Trained networks as graphs of ONNX and of OpenVINO, layer by layer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError
from tundish.segregation.networks._layers import (
    FLATTEN,
    MEAN,
    POOL,
    RELU,
    Convolution,
    Dense,
    feature_layers,
    regression_layers,
)

INPUT, OUTPUT = "grey", "carbon"
_OPERATORS = 17  # of ONNX; runtimes since 2022 know them
_FORMAT = 8  # of ONNX files, which came with these operators
_MAX_BYTES = 2**31 - 2**20  # that protocol buffers hold

_REPORTS = "openvino_telemetry"

Array = NDArray[Any]


class Preparation(NamedTuple):
    """(grey / 255 - mean) / deviation as scale · grey - shift."""

    scale: float
    shift: float

    @classmethod
    def of(cls, mean: float, deviation: float) -> Preparation:
        """That of a mean and a deviation in units of 0 to 1."""
        return cls(1 / (255 * deviation), mean / deviation)

    def of_grey(self, grey: Grey) -> Any:
        """A float32 tensor (N, 1, H, W) of (N, H, W) grey levels."""
        scaled = grey[:, None].astype(np.float32) * np.float32(self.scale) - np.float32(self.shift)
        return optional("torch", "vision").from_numpy(scaled)


class _Builder(Protocol):
    """What writes an operator into a graph and returns its output."""

    def convolution(self, x: Any, weight: Array, bias: Array) -> Any: ...
    def dense(self, x: Any, weight: Array, bias: Array) -> Any: ...
    def plain(self, x: Any, layer: str) -> Any: ...


def openvino() -> Any:
    """The module `openvino`, or an ImportError that says how to install it.

    On its first import it reports itself to its makers, from a process that a thread of it forks: whoever
    asks for a prediction did not ask for that, and a fork may lock up a program with threads (JAX warns of
    it). OpenVINO takes a stub where the package that reports cannot be imported.
    """
    before = sys.modules.get(_REPORTS)
    sys.modules[_REPORTS] = None  # type: ignore[assignment]
    try:
        return optional("openvino", "deploy")
    finally:
        del sys.modules[_REPORTS]
        if before is not None:
            sys.modules[_REPORTS] = before


def openvino_model(networks: Sequence[Any], preparation: Preparation | None, image_size: int) -> Any:
    """An `openvino.Model` of any number of patches.

    With a preparation from grey (N, H, W) uint8 to carbon (N,), wt%, the mean of the networks; without one
    from prepared patches (N, 1, H, W) float32 to the carbon of each network, one output each.
    """
    model = openvino().Model
    build = _OpenVino(optional("openvino.opset13", "deploy"))
    shape = [-1, image_size, image_size] if preparation else [-1, 1, image_size, image_size]
    given = build.operators.parameter(shape, np.uint8 if preparation else np.float32, INPUT)
    given.output(0).set_names({INPUT})
    x = build.prepared(given, preparation) if preparation else given
    members = [build.flat(_carbon(build, network, x)) for network in networks]
    if preparation is None:
        return model(members, [given], "tundish")
    carbon = build.mean(members)
    carbon.output(0).set_names({OUTPUT})
    return model([carbon], [given], "tundish")


def onnx_model(networks: Sequence[Any], preparation: Preparation, image_size: int) -> Any:
    """An `onnx.ModelProto` from grey (N, H, W) uint8, any N, to carbon (N,), wt%, the mean of the networks.

    **Raises:** ValueError if the networks are too large for one file.
    """
    onnx = optional("onnx", "deploy")
    helper, kinds = optional("onnx.helper", "deploy"), onnx.TensorProto
    total = sum(4 * each.numel() for network in networks for each in network.parameters())
    if total > _MAX_BYTES:
        text = f"{len(networks)} networks take {total / 1e9:.1f} GB; a file holds 2.1; choose 'openvino'"
        raise ArgumentError("format", "onnx", text)
    build = _Onnx(helper, optional("onnx.numpy_helper", "deploy"))
    x = build.prepared(INPUT, preparation, int(kinds.FLOAT))
    build.mean([build.flat(_carbon(build, network, x)) for network in networks])
    graph = helper.make_graph(
        build.nodes,
        "tundish",
        [helper.make_tensor_value_info(INPUT, kinds.UINT8, ["N", image_size, image_size])],
        [helper.make_tensor_value_info(OUTPUT, kinds.FLOAT, ["N"])],
        build.constants,
    )
    model = helper.make_model(
        graph, producer_name="tundish", opset_imports=[helper.make_opsetid("", _OPERATORS)]
    )
    model.ir_version = _FORMAT
    onnx.checker.check_model(model)
    return model


def _carbon(build: _Builder, network: Any, x: Any) -> Any:
    for layer in [*feature_layers(network), *regression_layers(network)]:
        if isinstance(layer, Convolution):
            x = build.convolution(x, layer.weight.numpy(), layer.bias.numpy())
        elif isinstance(layer, Dense):
            x = build.dense(x, layer.weight.numpy(), layer.bias.numpy())
        else:
            x = build.plain(x, layer)
    return x


class _OpenVino:
    def __init__(self, operators: Any) -> None:
        self.operators = operators

    def convolution(self, x: Any, weight: Array, bias: Array) -> Any:
        maps = self.operators.convolution(x, weight, [1, 1], [1, 1], [1, 1], [1, 1])
        return self.operators.add(maps, bias[None, :, None, None])

    def dense(self, x: Any, weight: Array, bias: Array) -> Any:
        return self.operators.add(self.operators.matmul(x, weight, False, True), bias[None])

    def plain(self, x: Any, layer: str) -> Any:
        if layer == RELU:
            return self.operators.relu(x)
        if layer == POOL:
            # The second output, unused, has the places of the greatest.
            pooled = self.operators.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], "floor", "explicit")
            return pooled.output(0)
        if layer == MEAN:
            return self.operators.reduce_mean(x, np.array([2, 3]), False)
        assert layer == FLATTEN
        return self.operators.reshape(x, np.array([0, -1]), True)

    def prepared(self, grey: Any, preparation: Preparation) -> Any:
        single = self.operators.convert(grey, np.float32)
        scaled = self.operators.multiply(single, np.float32(preparation.scale))
        return self.operators.unsqueeze(
            self.operators.subtract(scaled, np.float32(preparation.shift)), np.array(1)
        )

    def flat(self, x: Any) -> Any:
        return self.operators.squeeze(x, np.array([1]))

    def mean(self, members: list[Any]) -> Any:
        total = members[0]
        for member in members[1:]:
            total = self.operators.add(total, member)
        return self.operators.multiply(total, np.float32(1 / len(members)))


class _Onnx:
    def __init__(self, helper: Any, numpy_helper: Any) -> None:
        self.helper, self.numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def convolution(self, x: str, weight: Array, bias: Array) -> str:
        inputs = [x, self._constant(weight), self._constant(bias)]
        return self._node("Conv", inputs, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def dense(self, x: str, weight: Array, bias: Array) -> str:
        return self._node("Gemm", [x, self._constant(weight), self._constant(bias)], transB=1)

    def plain(self, x: str, layer: str) -> str:
        if layer == RELU:
            return self._node("Relu", [x])
        if layer == POOL:
            return self._node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
        if layer == MEAN:
            return self._node("ReduceMean", [x], axes=[2, 3], keepdims=0)
        assert layer == FLATTEN
        return self._node("Flatten", [x])

    def prepared(self, grey: str, preparation: Preparation, single: int) -> str:
        scale, shift = (self._constant(np.array(value, np.float32)) for value in preparation)
        scaled = self._node("Mul", [self._node("Cast", [grey], to=single), scale])
        axis = self._constant(np.array([1], np.int64))
        return self._node("Unsqueeze", [self._node("Sub", [scaled, shift]), axis])

    def flat(self, x: str) -> str:
        return self._node("Squeeze", [x, self._constant(np.array([1], np.int64))])

    def mean(self, members: list[str]) -> None:
        self.nodes.append(self.helper.make_node("Mean", members, [OUTPUT]))

    def _constant(self, values: Array) -> str:
        name = f"constant.{len(self.constants)}"
        self.constants.append(self.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{operator}.{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(operator, inputs, [name], name, **attributes))
        return name
