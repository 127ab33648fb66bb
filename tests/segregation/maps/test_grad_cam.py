"""Grad-CAM against sums worked out by hand, against captum, and against networks that learned nothing."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from tundish.segregation import PatchSet
from tundish.segregation.maps._grad_cam import grad_cam
from tundish.segregation.maps._regions import holm, region_statistics, shuffled_labels

torch = pytest.importorskip("torch")
scipy_stats = pytest.importorskip("scipy.stats")


class Network(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Two blocks of one convolution, with an activation in place and a head that sees places."""

    def __init__(self, size: int = 12, norm: bool = False) -> None:
        super().__init__()
        nn = torch.nn
        self.convolutions = [nn.Conv2d(1, 3, 3, padding="same"), nn.Conv2d(3, 5, 3, padding="same")]
        first, second = self.convolutions
        middle = [nn.BatchNorm2d(3)] if norm else []
        self.features = nn.Sequential(
            first, *middle, nn.ReLU(inplace=True), nn.MaxPool2d(2), second, nn.ReLU(inplace=True)
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(5 * (size // 2) ** 2, 1))

    def forward(self, images: Any) -> Any:
        return self.head(self.features(images))[:, 0]


class Model:
    """What grad_cam knows of a regressor."""

    def __init__(self, *networks: Any) -> None:
        self.networks = list(networks)
        self.network = networks[0] if networks else None

    def prepare(self, images: Any) -> Any:
        return torch.from_numpy(np.asarray(images, np.float32)[:, None] / 255 - 0.5)


def network(seed: int = 0, **arguments: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Network(**arguments)


@pytest.fixture
def images() -> Any:
    return np.random.default_rng(0).integers(0, 256, (10, 12, 12), dtype=np.uint8)


def test_the_last_layer_is_what_its_definition_says(images: Any) -> None:
    """The head is linear: the gradient is its weight where the feature map is positive."""
    net = network()
    model = Model(net)
    with torch.no_grad():
        first, second = net.convolutions
        features = second(torch.nn.functional.max_pool2d(first(model.prepare(images)).relu(), 2))
    weight = net.head[2].weight.detach().reshape(5, 6, 6)
    gradient = weight * (features > 0)
    small = (gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1).numpy()
    for signed in (True, False):
        kept = small if signed else np.maximum(small, 0)
        wanted = torch.nn.functional.interpolate(
            torch.from_numpy(kept)[:, None], size=(12, 12), mode="bilinear", align_corners=False
        )[:, 0].numpy()
        np.testing.assert_allclose(grad_cam(model, images, signed=signed), wanted, atol=1e-6)
    assert small.min() < 0 < small.max()


@pytest.mark.skipif(importlib.util.find_spec("captum") is None, reason="needs captum")
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_captum_has_the_same_maps(images: Any, norm: bool, signed: bool) -> None:
    from captum.attr import LayerAttribution, LayerGradCam

    net = network(norm=norm).eval()
    # captum's hooks do not bear what writes in place.
    for module in net.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    model = Model(net)
    maps = grad_cam(model, images, layer=[1, 2], signed=signed)
    for k, convolution in enumerate(net.convolutions):
        inputs = model.prepare(images).requires_grad_()
        small = LayerGradCam(net, convolution).attribute(inputs, relu_attributions=not signed)
        wanted = LayerAttribution.interpolate(small, (12, 12), "bilinear")[:, 0].detach().numpy()
        np.testing.assert_allclose(maps[k], wanted, atol=1e-7)


def test_one_image_or_several_one_layer_or_several(images: Any) -> None:
    model = Model(network())
    every = grad_cam(model, images, layer=range(1, 3))
    assert every.shape == (2, 10, 12, 12)
    np.testing.assert_allclose(grad_cam(model, images[3], layer=1), every[0, 3], atol=1e-7)
    np.testing.assert_allclose(grad_cam(model, images[3]), every[1, 3], atol=1e-7)
    np.testing.assert_allclose(grad_cam(model, images[3], layer=[2, 1]), every[::-1, 3], atol=1e-7)


def test_an_ensemble_is_the_mean_of_its_networks(images: Any) -> None:
    nets = [network(0), network(1)]
    mean = np.mean([grad_cam(Model(net), images) for net in nets], axis=0)
    np.testing.assert_allclose(grad_cam(Model(*nets), images), mean, atol=1e-6)
    published = grad_cam(Model(*nets), images, signed=False)
    assert published.min() >= 0


def test_the_network_is_left_as_it_was(images: Any) -> None:
    net = network(norm=True).train()
    net.features[1].eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    grad_cam(Model(net), images, layer=[1, 2])
    assert net.training
    assert net.head.training
    assert not net.features[1].training
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not net.convolutions[0]._forward_hooks
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])


def test_it_works_where_gradients_are_switched_off(images: Any) -> None:
    wanted = grad_cam(Model(network()), images)
    with torch.no_grad():
        np.testing.assert_array_equal(grad_cam(Model(network()), images), wanted)


def test_holm_is_that_of_the_textbook() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.9, 0.6])), 1)


class Seeing(torch.nn.Module):  # type: ignore[misc, name-defined]
    """One convolution that lets the image through, and the mean of it: light is carbon."""

    def __init__(self, sign: float = 1.0) -> None:
        super().__init__()
        self.convolutions = [torch.nn.Conv2d(1, 1, 1, bias=False)]
        self.layer = self.convolutions[0]
        torch.nn.init.constant_(self.layer.weight, sign)

    def forward(self, images: Any) -> Any:
        return self.layer(images).mean(dim=(1, 2, 3))


def light_and_mask(count: int = 12) -> tuple[Any, Any]:
    random = np.random.default_rng(1)
    mask = random.random((count, 12, 12)) < 0.4
    noise = random.integers(0, 30, mask.shape)
    return (np.where(mask, 200, 60) + noise).astype(np.uint8), mask


def test_what_lies_between_dendrites_is_found() -> None:
    images, mask = light_and_mask()
    found = region_statistics(Model(Seeing()), images, mask, random_weights=0)
    row = found.table[0]
    # The map is the prepared image, times 1/144 from the mean.
    light = [[image[region].mean() for image, region in zip(images, m, strict=True)] for m in (mask, ~mask)]
    between, within = (np.mean(light, axis=1) / 255 - 0.5) / 144
    assert row["interdendritic"] == pytest.approx(between)
    assert row["core"] == pytest.approx(within)
    assert row["effect"] == 1
    assert row["p"] == pytest.approx(0.5**12)
    assert found.supported.tolist() == [True]
    away = region_statistics(Model(Seeing(-1.0)), 255 - images, mask, random_weights=0)
    assert away.table["effect"][0] == 1


def test_a_control_that_does_as_well_takes_the_support_away() -> None:
    images, mask = light_and_mask()
    drawn = 20
    controls: dict[str, Any] = {"random_weights": drawn, "shuffled": [Model(Seeing())]}
    found = region_statistics(Model(Seeing()), images, mask, **controls)
    models, runs = found.table["model"].tolist(), found.table["run"].tolist()
    assert models == ["trained"] + drawn * ["random weights"] + ["shuffled labels"]
    assert runs == [0, *range(drawn), 0]
    # A weight drawn anew has the right sign every second time: the test alone would have been passed.
    passed = found.table["p_holm"] < 0.05
    assert passed[0]
    assert passed[1:-1].any()
    assert passed[-1]
    assert found.supported.tolist() == [False]


def test_noise_supports_nothing() -> None:
    random = np.random.default_rng(5)
    images, mask = random.integers(0, 256, (10, 12, 12), dtype=np.uint8), random.random((10, 12, 12)) < 0.5
    found = region_statistics(Model(network()), images, mask, random_weights=1)
    assert found.table.shape == (4,)
    assert np.all(found.table["p"] <= found.table["p_holm"])
    assert not found.supported.any()


def test_random_weights_are_of_their_seed_and_leave_the_network(images: Any) -> None:
    mask = np.random.default_rng(2).random(images.shape) < 0.5
    net = network(norm=True)
    before = net.convolutions[0].weight.clone()
    state = torch.random.get_rng_state()
    tables = [
        region_statistics(Model(net), images, mask, random_weights=2, rng=seed).table for seed in (0, 0, 1)
    ]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(net.convolutions[0].weight, before)
    assert tables[0].tolist() == tables[1].tolist() != tables[2].tolist()
    trained, first, second = np.split(tables[0], 3)
    assert trained["core"].tolist() != first["core"].tolist() != second["core"].tolist()


def test_copies_of_a_point_are_one_piece_of_evidence() -> None:
    images, mask = light_and_mask(6)
    set_of = PatchSet(
        np.tile(images, (2, 1, 1)), np.full(12, 0.4), point=np.tile(np.arange(6), 2), mm_per_px=1
    )
    found = region_statistics(Model(Seeing()), set_of, np.tile(mask, (2, 1, 1)), random_weights=0)
    assert found.table["p"][0] == pytest.approx(0.5**6)


def test_maps_without_difference_have_no_effect() -> None:
    images, mask = light_and_mask()
    found = region_statistics(Model(Seeing(0.0)), images, mask, random_weights=0, signed=False)
    assert (found.table["effect"][0], found.table["p"][0]) == (0, 1)


def test_maps_of_a_set_are_those_of_its_images(images: Any) -> None:
    patches = PatchSet(images, np.linspace(0.4, 0.5, 10), mm_per_px=1)
    model = Model(network())
    assert np.array_equal(grad_cam(model, patches), grad_cam(model, images))
    with pytest.warns(UserWarning, match="image: is in colour; converted to grey"):
        coloured = grad_cam(model, np.stack([images[0]] * 3, axis=-1))
    assert np.array_equal(coloured, grad_cam(model, images[0]))


def test_shuffled_labels_are_dealt_to_points() -> None:
    carbon = np.linspace(0.40, 0.44, 5)
    patches = PatchSet(np.zeros((5, 4, 4), np.uint8), carbon, mm_per_px=1, position=np.ones((5, 2)))
    dealt = shuffled_labels(patches.augment("mirror"), rng=1)
    assert sorted(dealt.carbon[:5]) == pytest.approx(sorted(carbon))
    assert np.array_equal(dealt.carbon[:5], dealt.carbon[5:])
    assert not np.array_equal(dealt.carbon[:5], carbon)
    assert dealt.augmentation == "mirror"
    with pytest.raises(ValueError, match="one point"):
        shuffled_labels(patches[:1])


def test_bad_arguments_are_refused_by_name(images: Any) -> None:
    model = Model(network())
    mask = np.random.default_rng(0).random(images.shape) < 0.5
    with pytest.raises(ValueError, match="layer = 3: must be 1 to 2"):
        grad_cam(model, images, layer=3)
    with pytest.raises(ValueError, match="layer = 0: must be 1 to 2"):
        grad_cam(model, images, layer=[1, 0])
    with pytest.raises(TypeError, match=r"layer = 1\.5: must be an integer"):
        grad_cam(model, images, layer=1.5)
    with pytest.raises(ValueError, match="layer: at least one"):
        grad_cam(model, images, layer=[])
    with pytest.raises(TypeError, match="image: are float64"):
        grad_cam(model, images / 255)
    with pytest.raises(ValueError, match="reg: has no network"):
        grad_cam(Model(), images)
    with pytest.raises(TypeError, match="interdendritic: is float64"):
        region_statistics(model, images, mask * 1.0)
    with pytest.raises(ValueError, match="interdendritic: has shape"):
        region_statistics(model, images, mask[1:])
    with pytest.raises(ValueError, match=r"interdendritic\[2\]: has no place"):
        region_statistics(model, images, mask & (np.arange(10) != 2)[:, None, None])
    with pytest.raises(ValueError, match="alternative = 'more'"):
        region_statistics(model, images, mask, alternative="more")
    with pytest.raises(ValueError, match=r"shuffled\[0\]: must have 2 convolutions"):
        region_statistics(model, images, mask, shuffled=[Model(Seeing())])
