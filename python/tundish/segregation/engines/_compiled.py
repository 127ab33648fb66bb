"""Ways to compute trained networks, and how fast they are."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats, choice
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError
from tundish.segregation.engines._eager import predict
from tundish.segregation.engines._graphs import openvino, openvino_model
from tundish.segregation.engines._int8 import Quantised
from tundish.segregation.engines._names import EAGER, ENGINES, INT8
from tundish.segregation.networks._layers import POOL, Convolution, feature_layers

torch = optional("torch", "vision")

BATCH = 16  # patches at a time: more only fall out of the processor's caches
CALIBRATED = 64  # patches that whole numbers are calibrated with, at most
MAX_CHANGE = 0.05  # root mean square, of the carbon's deviation

_BFLOAT16 = {"amx_bf16", "avx512_bf16"}
_INT8 = {"amx_int8", "avx512_vnni", "avx_vnni"}

# (ensemble, N) wt% of prepared patches (N, 1, H, W).
Engine = Callable[[Any], Floats]


class Compiled(NamedTuple):
    """An engine, by name and as a function."""

    engine: str
    run: Engine


class Setting(NamedTuple):
    """What an engine is built for: the networks' device, and how grey levels are prepared."""

    device: Any
    mean: float
    deviation: float


def missing_engines() -> dict[str, str]:
    """The engines of :data:`ENGINES` that do not run on this machine, each with the reason."""
    reasons: dict[str, str] = {}
    if not torch.cuda.is_available():
        reasons["torch-float16"] = "needs CUDA, and this torch finds no device"
    if not hasattr(torch.ops.onednn, "qconv2d_pointwise"):
        reasons[INT8] = "needs a later torch, with oneDNN's convolutions in integers"
    if not _INT8 & processor_flags():
        reasons[INT8] = "needs a processor with VNNI or AMX"
    lacking = missing_packages()
    if lacking:
        return reasons | lacking
    if not _BFLOAT16 & processor_flags():
        reasons["openvino-bfloat16"] = "needs a processor with AMX or AVX512-BF16"
    return reasons


def missing_packages() -> dict[str, str]:
    """The engines that need a package which is not installed, each with the reason."""
    if find_spec("openvino") is not None:
        return {}
    return dict.fromkeys(("openvino", "openvino-bfloat16"), "needs openvino: pip install 'tundish[deploy]'")


def fastest(device: Any) -> str:
    """The fastest engine of those that need no calibration."""
    if device.type == "cuda":
        return "torch-float16"
    missing = missing_engines()
    if _BFLOAT16 & processor_flags():
        return "torch-bfloat16" if "openvino-bfloat16" in missing else "openvino-bfloat16"
    return "torch" if "openvino" in missing else "openvino"


def compiled(
    engine: str,
    networks: Sequence[Any],
    setting: Setting,
    calibrating: Callable[[], Any],
    given: bool,
) -> Compiled:
    """The engine that is asked for, or for "auto" the fastest; see `CarbonRegressor.compile`.

    `calibrating` gives prepared patches to calibrate with; `given` says whether the user gave them.
    """
    choice("engine", engine, ("auto", *ENGINES))
    missing = missing_engines()
    if engine in missing:
        if engine in missing_packages():
            raise ImportError(f"engine = {engine!r}: {missing[engine]}")
        raise ArgumentError("engine", engine, missing[engine])
    if engine == INT8:
        known = calibrating()
        found = Compiled(INT8, build(INT8, networks, setting, known))
        change = _change(found.run, networks, known)
        if change > MAX_CHANGE:
            text = f"engine = {INT8!r}: changes predictions by {100 * change:.0f} % of the carbon's deviation"
            warnings.warn(text, UserWarning, stacklevel=4)
        return found
    if engine != "auto":
        return Compiled(engine, build(engine, networks, setting))
    name = fastest(setting.device)
    if given and INT8 not in missing and not name.endswith("16"):
        known = calibrating()
        found = Compiled(INT8, build(INT8, networks, setting, known))
        if _change(found.run, networks, known) <= MAX_CHANGE:
            return found
    return Compiled(name, build(name, networks, setting))


def _change(run: Engine, networks: Sequence[Any], images: Any) -> float:
    """Root mean square of what an engine changes, as a part of the carbon's deviation."""
    deviation = np.mean([float(network.carbon_scale[0]) for network in networks])
    difference = (run(images) - eager(networks)(images)).mean(axis=0)
    return float(np.sqrt(np.mean(difference**2)) / deviation)


def eager(networks: Sequence[Any]) -> Engine:
    """The networks as they are."""
    return lambda images: np.array([predict(network, images) for network in networks])


def build(engine: str, networks: Sequence[Any], setting: Setting, calibration: Any = None) -> Engine:
    """An engine by its name; `calibration` are prepared patches, for "torch-int8" alone."""
    if engine == EAGER:
        return eager(networks)
    if engine.startswith("openvino"):
        return _openvino(networks, "bf16" if engine.endswith("bfloat16") else "f32")
    if engine == INT8:
        whole = [
            Quantised(feature_layers(network), calibration, setting.mean, setting.deviation)
            for network in networks
        ]
        run = _torch(engine, networks, whole, torch.device("cpu"))
        # Rounding moves all predictions a little the same way, which the calibration's patches show.
        offset = (run(calibration) - eager(networks)(calibration)).mean(axis=1, keepdims=True)
        return lambda images: run(images) - offset
    dtype = {"torch-bfloat16": torch.bfloat16, "torch-float16": torch.float16}.get(engine, torch.float32)
    maps = [_Features(network, setting.device, dtype) for network in networks]
    return _torch(engine, networks, maps, setting.device)


def _torch(engine: str, networks: Sequence[Any], maps: Sequence[Callable[[Any], Any]], device: Any) -> Engine:
    """Maps by other means, and the dense layers, which are 0.03 % of the work, in float32."""
    heads = [_head(network, device) for network in networks]

    def run(images: Any) -> Floats:
        parts = []
        with torch.inference_mode():
            for n in range(0, len(images), BATCH):
                batch = images[n : n + BATCH].to(device)
                carbon = [head(make(batch).float()) for make, head in zip(maps, heads, strict=True)]
                parts.append(torch.stack(carbon).double().cpu().numpy())
        found: Floats = np.concatenate(parts, axis=1)
        if not np.isfinite(found).all():
            raise FloatingPointError(f"engine = {engine!r}: numbers grew beyond its range; choose another")
        return found

    return run


class _Features:
    """Maps of patches, with the channels last in memory and batch norm in the convolutions."""

    def __init__(self, network: Any, device: Any, dtype: Any) -> None:
        self._dtype = dtype
        self._layers = [
            Convolution(
                layer.weight.to(device, dtype, memory_format=torch.channels_last),
                layer.bias.to(device, dtype),
            )
            if isinstance(layer, Convolution)
            else layer
            for layer in feature_layers(network)
        ]

    def __call__(self, images: Any) -> Any:
        functional = torch.nn.functional
        maps = images.to(self._dtype, memory_format=torch.channels_last)
        for layer in self._layers:
            if isinstance(layer, Convolution):
                maps = functional.conv2d(maps, layer.weight, layer.bias, padding=1)
            else:
                maps = functional.max_pool2d(maps, 2) if layer == POOL else functional.relu_(maps)
        return maps


def _head(network: Any, device: Any) -> Callable[[Any], Any]:
    here = network if network.carbon_mean.device == device else copy.deepcopy(network).to(device)
    found: Callable[[Any], Any] = here.eval().carbon_of
    return found


def _openvino(networks: Sequence[Any], precision: str) -> Engine:
    model = openvino_model(networks, None, networks[0].image_size)
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        # Threads that are bound to a processor wait for whatever else runs on it.
        "ENABLE_CPU_PINNING": False,
    }
    request = openvino().Core().compile_model(model, "CPU", options).create_infer_request()

    def run(images: Any) -> Floats:
        parts = []
        for n in range(0, len(images), BATCH):
            found = request.infer([images[n : n + BATCH].numpy()])
            parts.append(np.array([found[member] for member in range(len(networks))], np.float64))
        return np.concatenate(parts, axis=1)

    return run


def processor_flags() -> set[str]:
    """What the processor can do, in the words of Linux."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return set()
    for line in text.splitlines():
        if line.startswith("flags"):
            return set(line.partition(":")[2].split())
    return set()
