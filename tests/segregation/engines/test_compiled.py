"""Engines compute what the networks compute, and so do the files that are written for other programs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from references.limits import HANG

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tundish.segregation import (  # noqa: E402
    ENGINES,
    CarbonNet,
    CarbonRegressor,
    PatchSet,
    missing_engines,
    section_map,
    throughput,
)
from tundish.segregation.engines import _compiled as _engines  # noqa: E402
from tundish.segregation.engines._int8 import Quantised  # noqa: E402
from tundish.segregation.networks._layers import (  # noqa: E402
    FLATTEN,
    POOL,
    RELU,
    Convolution,
    feature_layers,
    regression_layers,
)

# Root mean square of what an engine may change, as a part of the carbon's deviation. OpenVINO's bfloat16 has
# no number here: it rounds the carbon itself to 8 bits, by 2.4 % of the deviation of these patches.
TOLERANCE = {"torch-bfloat16": 0.01, "torch-float16": 0.002, "torch-int8": 0.02}
IN_FLOAT32 = 1e-4
SMALL: dict[str, Any] = dict(
    blocks=2, dense=(16,), dropout=0.0, image_size=18, enhance=None, augment=None, learning_rate=4e-3,
    epochs=20, ensemble=2, device="cpu",
)  # fmt: skip


def stripes(points: int, rng: int) -> PatchSet:
    """Stripes as close as carbon is high, at any phase. Their side does not halve evenly twice."""
    random = np.random.default_rng(rng)
    carbon = random.uniform(0.38, 0.46, points)
    phase = random.uniform(0, 2 * np.pi, (points, 1, 1))
    x = np.arange(18)[None, None, :] + np.zeros((1, 18, 1))
    grey = 128 + 70 * np.sin((0.4 + 8 * (carbon[:, None, None] - 0.38)) * x + phase)
    grey += random.normal(0, 8, grey.shape)
    return PatchSet(np.clip(grey, 0, 255).astype(np.uint8), carbon, mm_per_px=0.5)


@pytest.fixture(scope="module")
def patches() -> PatchSet:
    return stripes(40, 0)


@pytest.fixture(scope="module", params=["flatten", "pooled"])
def fitted(request: pytest.FixtureRequest, patches: PatchSet) -> CarbonRegressor:
    return CarbonRegressor(**SMALL, head=request.param).fit(patches, 0.2)


@pytest.fixture
def regressor(fitted: CarbonRegressor) -> CarbonRegressor:
    return copy.copy(fitted)


def available(engine: str) -> None:
    if engine in missing_engines():
        pytest.skip(missing_engines()[engine])
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "DEFAULT")
    if engine == "openvino-bfloat16" and "BF16" not in limit and "AMX" not in limit and limit != "DEFAULT":
        pytest.skip(f"needs more than ONEDNN_MAX_CPU_ISA = {limit}")


def in_bfloat16(network: Any, images: Any) -> np.ndarray[Any, Any]:
    """Carbon (N,) from float32 sums, all weights and every layer's numbers rounded to bfloat16."""

    def rounded(numbers: Any) -> Any:
        return numbers.bfloat16().float()

    functional, x = torch.nn.functional, rounded(images)
    for layer in feature_layers(network):
        if isinstance(layer, Convolution):
            x = rounded(functional.conv2d(x, rounded(layer.weight), rounded(layer.bias), padding=1))
        else:
            x = functional.max_pool2d(x, 2) if layer == POOL else functional.relu(x)
    first, *layers = regression_layers(network)
    x = x.flatten(1) if first == FLATTEN else rounded(x.mean(dim=(2, 3)))
    for layer in layers:
        if isinstance(layer, str):
            x = functional.relu(x)
        else:
            x = rounded(functional.linear(x, *map(rounded, layer)))
    return np.asarray(x[:, 0].double())


def tolerance(engine: str, regressor: CarbonRegressor, new: PatchSet, members: Any) -> float:
    """Root mean square of what an engine may change, as a part of the carbon's deviation."""
    if engine != "openvino-bfloat16":
        return TOLERANCE.get(engine, IN_FLOAT32)
    with torch.inference_mode():
        images = regressor.prepare(new.images)
        expected = np.array([in_bfloat16(network, images) for network in regressor.networks])
    # Sums in another order round a few numbers the other way.
    return 1.5 * float(np.sqrt(np.mean((expected - members) ** 2)) / new.carbon.std())


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_predict_as_the_networks_do(engine: str, regressor: CarbonRegressor) -> None:
    available(engine)
    new = stripes(37, 1)
    members, bounds = regressor.predict_members(new), regressor.predict_interval(new)
    assert regressor.compile(engine) is regressor
    assert regressor.engine == engine
    change = (regressor.predict_members(new) - members) / new.carbon.std()
    assert members.std() > 0.5 * new.carbon.std()
    allowed = tolerance(engine, regressor, new, members)
    assert np.sqrt(np.mean(change**2)) < allowed
    assert np.abs(change).max() < 4 * allowed
    assert np.abs(regressor.predict_interval(new) - bounds).max() < 4 * max(0.02, allowed) * new.carbon.std()
    assert regressor.predict(new.images[:1]).shape == (1,)


def test_integers_follow_the_published_architecture() -> None:
    """All of its blocks, at the least size, with weights as drawn."""
    available("torch-int8")
    torch.manual_seed(0)
    network = CarbonNet(blocks=6, image_size=64).eval()
    images = torch.randn(4, 1, 64, 64)
    maps = Quantised(feature_layers(network), images, 0.5, 0.25)(images.clamp(-2, 2))
    with torch.inference_mode():
        expected = network.features(images.clamp(-2, 2))
    assert maps.shape == expected.shape
    assert (maps - expected).norm() < 0.1 * expected.norm()


def test_whole_grey_levels_are_not_shifted_by_their_mean() -> None:
    available("torch-int8")
    layers = [Convolution(torch.full((4, 1, 3, 3), 0.1), torch.zeros(4)), RELU]
    grey = torch.randint(100, 200, (2, 1, 12, 12), generator=torch.Generator().manual_seed(0))
    mean, deviation = 99.5 / 255, 0.2
    prepared = (grey / 255 - mean) / deviation
    found = Quantised(layers, prepared, mean, deviation)(prepared)
    expected = torch.nn.functional.conv2d(prepared, layers[0].weight, padding=1)  # type: ignore[union-attr]
    inside = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert float((found - expected)[inside].mean().abs()) < 2e-4


def test_layers_are_folded_and_in_order() -> None:
    torch.manual_seed(1)
    network = CarbonNet(blocks=2, dense=(5, 3), image_size=16, head="pooled")
    with torch.no_grad():
        network(torch.randn(8, 1, 16, 16))  # gives batch norm something to have learned
    network.carbon_mean.fill_(0.4)
    network.carbon_scale.fill_(0.02)
    network.eval()
    layers = feature_layers(network)
    assert [layer for layer in layers if isinstance(layer, str)] == [RELU, POOL, RELU] * 2
    images = torch.randn(3, 1, 16, 16)
    functional, maps = torch.nn.functional, images
    for layer in layers:
        if isinstance(layer, Convolution):
            maps = functional.conv2d(maps, layer.weight, layer.bias, padding=1)
        else:
            maps = functional.max_pool2d(maps, 2) if layer == POOL else functional.relu(maps)
    x = maps.mean(dim=(2, 3))
    for layer in regression_layers(network)[1:]:
        x = functional.relu(x) if isinstance(layer, str) else functional.linear(x, *layer)
    with torch.inference_mode():
        assert torch.allclose(x[:, 0], network(images), atol=1e-6)


def test_the_fastest_engine_is_chosen(
    regressor: CarbonRegressor, patches: PatchSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: set[str] = set()
    monkeypatch.setattr(_engines, "processor_flags", lambda: flags)
    found = {"openvino"}
    monkeypatch.setattr(_engines, "find_spec", lambda name: name if name in found else None)
    cpu = torch.device("cpu")
    assert _engines.fastest(cpu) == "openvino"
    flags.add("avx512_bf16")
    assert _engines.fastest(cpu) == "openvino-bfloat16"
    found.clear()
    assert _engines.fastest(cpu) == "torch-bfloat16"
    flags.clear()
    assert _engines.fastest(cpu) == "torch"
    assert _engines.fastest(torch.device("cuda")) == "torch-float16"
    assert regressor.compile().engine == "torch"
    assert regressor.compile(calibration=patches).engine == "torch"
    missing = missing_engines()
    assert "VNNI" in missing["torch-int8"]
    assert "pip install 'tundish[deploy]'" in missing["openvino"]
    with pytest.raises(ValueError, match="engine = 'torch-int8': needs a processor with VNNI"):
        regressor.compile("torch-int8", calibration=patches)
    with pytest.raises(ImportError, match=r"engine = 'openvino': needs openvino: pip install"):
        regressor.compile("openvino")


def test_integers_are_chosen_only_if_they_can_be_judged(
    regressor: CarbonRegressor, patches: PatchSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    available("torch-int8")
    monkeypatch.setattr(_engines, "_BFLOAT16", {"none"})
    assert regressor.compile(calibration=patches).engine == "torch-int8"
    assert regressor.compile().engine != "torch-int8"
    monkeypatch.setattr(_engines, "MAX_CHANGE", 1e-9)
    assert regressor.compile(calibration=patches).engine != "torch-int8"
    with pytest.warns(
        UserWarning, match="'torch-int8': changes predictions by . % of the carbon's deviation"
    ):
        regressor.compile("torch-int8")


def test_numbers_beyond_an_engine_are_refused(
    regressor: CarbonRegressor, patches: PatchSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    regressor.networks = copy.deepcopy(regressor.networks)
    with torch.no_grad():
        regressor.networks[0].convolutions[0].weight.fill_(1e38)
        regressor.networks[0].convolutions[1].weight.fill_(1e38)
    with pytest.raises(FloatingPointError, match="engine = 'torch': numbers grew"):
        regressor.compile("torch").predict(patches)


def test_training_leaves_no_engine_behind(patches: PatchSet) -> None:
    regressor = CarbonRegressor(**SMALL | {"epochs": 1}).fit(patches)
    assert regressor.engine == "eager"
    regressor.compile("torch")
    assert copy.deepcopy(regressor).engine == "eager"
    new = PatchSet(patches.images[:4], patches.carbon[:4], billet=1, mm_per_px=0.5)
    regressor.update(new, epochs=1)
    assert regressor.engine == "eager"
    regressor.compile("torch").fit(patches)
    assert regressor.engine == "eager"


def test_section_maps_use_the_engine(regressor: CarbonRegressor) -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    expected = section_map(regressor, photograph, mm_per_px=0.5, stride_mm=5).carbon
    regressor.compile("torch")
    found = section_map(regressor, photograph, mm_per_px=0.5, stride_mm=5).carbon
    assert np.allclose(found, expected, atol=1e-6)


def test_throughput_is_a_rate(regressor: CarbonRegressor) -> None:
    for engine in (None, "torch"):
        assert throughput(regressor, engine, patches=3, seconds=0.01) > 0
    assert regressor.engine == "eager"
    with pytest.raises(ValueError, match="patches = 0: must be at least 1"):
        throughput(regressor, patches=0)
    with pytest.raises(ValueError, match="seconds = 0: must be finite and above 0"):
        throughput(regressor, seconds=0)
    with pytest.raises(ValueError, match="engine = 'tensorrt': must be 'auto' or 'eager'"):
        throughput(regressor, "tensorrt")


def test_a_loaded_model_needs_patches_to_calibrate(regressor: CarbonRegressor, tmp_path: Path) -> None:
    available("torch-int8")
    regressor.save(tmp_path)
    loaded = CarbonRegressor.load(tmp_path, "cpu")
    with pytest.raises(ValueError, match="calibration: a loaded model does not hold its patches"):
        loaded.compile("torch-int8")
    with pytest.raises(ValueError, match="images: are 8 x 8 px; image_size = 18"):
        loaded.compile("torch-int8", calibration=np.zeros((4, 8, 8), np.uint8))
    with pytest.raises(RuntimeError, match="fit it, or load one"):
        CarbonRegressor(**SMALL).compile("torch")


def test_onnx_predicts_any_number_of_grey_patches(regressor: CarbonRegressor, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    file = tmp_path / "new folder" / "model.onnx"
    regressor.export(file)
    onnx.checker.check_model(file, full_check=True)
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for new in (stripes(5, 2), stripes(1, 3)):
        (carbon,) = session.run(["carbon"], {"grey": new.images})
        assert carbon.dtype == np.float32
        assert np.allclose(carbon, regressor.predict(new), atol=2e-6)
    assert sorted(each.name for each in file.parent.iterdir()) == ["model.json", "model.onnx"]


def test_openvino_predicts_any_number_of_grey_patches(regressor: CarbonRegressor, tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    file = tmp_path / "model.xml"
    regressor.export(file, "openvino")
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(file), "CPU", options)
    for new in (stripes(5, 2), stripes(1, 3)):
        assert np.allclose(model({"grey": new.images})["carbon"], regressor.predict(new), atol=2e-6)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["model.bin", "model.json", "model.xml"]


def test_openvino_does_not_report_itself() -> None:
    """In a process of its own, which imports it first: its report would be a fork from a thread."""
    pytest.importorskip("openvino")
    code = """
import os, sys, threading
forks = []
os.register_at_fork(before=lambda: forks.append(1))
from tundish.segregation.engines._graphs import openvino
assert openvino().__name__ == "openvino"
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(5)
assert not forks
assert "openvino_telemetry" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=HANG)


def test_the_card_tells_what_the_file_takes(regressor: CarbonRegressor, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    import hashlib

    file = tmp_path / "model.onnx"
    regressor.export(file)
    card = json.loads((tmp_path / "model.json").read_text())
    assert card["files"] == {"model.onnx": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert card["input"] == {"name": "grey", "shape": ["N", 18, 18], "type": "uint8"}
    assert card["output"]["unit"] == "wt%"
    assert card["enhance_first"] is None
    assert card["model"]["settings"] == regressor.settings
    assert card["model"]["mm_per_px"] == 0.5


def test_files_of_other_names_or_formats_are_refused(
    regressor: CarbonRegressor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"path = '.*model.pt': must end in .onnx for format = 'onnx'"):
        regressor.export(tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"must end in .xml for format = 'openvino'"):
        regressor.export(tmp_path / "model.onnx", "openvino")
    with pytest.raises(ValueError, match="format = 'torchscript': must be 'onnx' or 'openvino'"):
        regressor.export(tmp_path / "model.onnx", "torchscript")
    with pytest.raises(RuntimeError, match="fit it, or load one"):
        CarbonRegressor(**SMALL).export(tmp_path / "model.onnx")
    pytest.importorskip("onnx")
    monkeypatch.setattr("tundish.segregation.engines._graphs._MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"format = 'onnx': 2 networks take .* choose 'openvino'"):
        regressor.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
