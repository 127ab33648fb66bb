"""Maps of sections: every cell is the prediction of its own window, however much memory there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tundish.segregation import PatchSet
from tundish.segregation.maps._section_map import _largest_output, error_map, section_map

torch = pytest.importorskip("torch")

SIDE = 16


class Model:
    """A regressor whose preprocessing stretches each window, and whose convolution sees its border."""

    image_size = SIDE

    def __init__(self) -> None:
        nn = torch.nn
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.network = nn.Sequential(
                nn.Conv2d(1, 4, 3, padding="same"),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(256, 1),
            )
        self.batches: list[int] = []

    def prepare(self, images: Any) -> Any:
        grey = np.asarray(images, np.float32)
        low, high = (f(grey, axis=(1, 2), keepdims=True) for f in (np.min, np.max))
        return torch.from_numpy((grey - low) / np.maximum(high - low, 1))[:, None]

    def predict(self, images: Any) -> Any:
        grey = images.images if isinstance(images, PatchSet) else images
        self.batches.append(len(grey))
        with torch.no_grad():
            return 0.4 + 0.05 * self.network(self.prepare(grey))[:, 0].double().numpy()

    def predict_interval(self, images: Any, level: float) -> Any:
        middle = self.predict(images)
        return np.stack([middle - level, middle + level], axis=1)


class Ensemble(Model):
    """One that runs its networks once for predictions and intervals."""

    def predict_members(self, images: Any) -> Any:
        middle = self.predict(images)
        return np.stack([middle - 0.01, middle + 0.01])

    def intervals_of(self, members: Any, level: float) -> Any:
        return level * members.T

    def predict_interval(self, images: Any, level: float) -> Any:
        raise AssertionError("the networks ran twice")


@pytest.fixture(scope="module")
def photograph() -> Any:
    random = np.random.default_rng(3)
    light = np.linspace(60, 180, 62)[:, None] + np.linspace(-40, 40, 51)[None, :]
    return np.clip(light + random.normal(0, 20, (62, 51)), 0, 255).astype(np.uint8)


def test_cells_are_predictions_of_their_windows(photograph: Any) -> None:
    model = Model()
    found = section_map(model, photograph, mm_per_px=0.5, stride_mm=2.5)
    assert found.carbon.shape == ((62 - SIDE) // 5 + 1, (51 - SIDE) // 5 + 1) == (10, 8)
    assert found.stride_mm == 2.5
    for i in range(10):
        for j in range(8):
            window = photograph[5 * i : 5 * i + SIDE, 5 * j : 5 * j + SIDE]
            assert found.carbon[i, j] == pytest.approx(model.predict(window[None])[0], abs=1e-7)
    assert found.interval is not None
    np.testing.assert_allclose(found.interval - found.carbon[..., None], [[[-0.9, 0.9]] * 8] * 10, atol=1e-6)
    assert found.carbon.std() > 1e-3


def test_cells_are_the_patches_at_their_places(photograph: Any) -> None:
    model = Model()
    found = section_map(model, photograph, mm_per_px=0.5, stride_mm=2, axis=(20.0, 30.0), level=None)
    assert found.interval is None
    place = np.array([[found.x_mm[3], found.y_mm[7]], [found.x_mm[0], found.y_mm[-1]]])
    patches = PatchSet.from_photograph(photograph, place, [0.4, 0.4], 0.5, size=SIDE, axis=(20.0, 30.0))
    np.testing.assert_allclose(model.predict(patches), found.carbon[[7, -1], [3, 0]], atol=1e-7)


def test_memory_bounds_the_batches_and_changes_nothing(photograph: Any) -> None:
    largest = 4 * SIDE * SIDE * 4
    assert _largest_output(Model(), photograph[:SIDE, :SIDE]) == largest
    whole, tiled = Model(), Model()
    each = 64 * SIDE * SIDE + 3 * largest
    maps = [
        section_map(model, photograph, mm_per_px=1, stride_mm=4, memory_mb=memory).carbon
        for model, memory in ((whole, 1024), (tiled, 7.5 * each / 1e6))
    ]
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-7)
    assert max(tiled.batches) == 7
    assert whole.batches == [108, 108]
    with pytest.raises(ValueError, match=r"memory_mb = 0.001: one window takes 0\.0287"):
        section_map(Model(), photograph, mm_per_px=1, stride_mm=4, memory_mb=0.001)


def test_networks_run_once_where_the_model_lets_them(photograph: Any) -> None:
    model = Ensemble()
    found = section_map(model, photograph, mm_per_px=1, stride_mm=10, level=0.5)
    assert len(model.batches) == 1
    assert found.interval is not None
    np.testing.assert_allclose(found.interval.mean(axis=2), found.carbon / 2)


def test_windows_outside_the_billet_are_left_out(photograph: Any) -> None:
    model, calls = Model(), []
    found = section_map(
        model, photograph, mm_per_px=1, stride_mm=3, diameter_mm=48,
        progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    for i, y in enumerate(found.y_mm):
        for j, x in enumerate(found.x_mm):
            corner = np.hypot(abs(x) + SIDE / 2, abs(y) + SIDE / 2)
            assert np.isfinite(found.carbon[i, j]) == (corner <= 24)
    inside = int(np.isfinite(found.carbon).sum())
    assert 0 < inside < found.carbon.size
    assert calls == [(inside, inside)]
    assert found.interval is not None
    assert np.array_equal(np.isnan(found.interval[..., 0]), np.isnan(found.carbon))
    with pytest.raises(ValueError, match="diameter_mm = 20: no window of 16 mm"):
        section_map(model, photograph, mm_per_px=1, stride_mm=3, diameter_mm=20)


def test_photographs_may_be_files_or_in_colour(photograph: Any, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(photograph).save(tmp_path / "section.png")
    model = Model()
    maps = [
        section_map(model, source, mm_per_px=1, stride_mm=10).carbon
        for source in (photograph, tmp_path / "section.png", str(tmp_path / "section.png"))
    ]
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])
    with pytest.warns(UserWarning, match="photograph: is in colour"):
        coloured = section_map(model, np.stack([photograph] * 3, axis=2), mm_per_px=1, stride_mm=10)
    np.testing.assert_array_equal(maps[0], coloured.carbon)


def test_errors_at_points_need_a_set() -> None:
    images = np.zeros((3, SIDE, SIDE), np.uint8)
    with pytest.raises(TypeError, match="patches: must be a PatchSet; ndarray is given"):
        error_map(Model(), images)  # type: ignore[arg-type]


def test_errors_at_points_are_relative_and_means_of_copies() -> None:
    random = np.random.default_rng(0)
    patches = PatchSet(
        random.integers(0, 256, (5, SIDE, SIDE), dtype=np.uint8), np.linspace(0.38, 0.46, 5), mm_per_px=1,
        position=random.normal(0, 50, (5, 2)), point=["e", "d", "c", "b", "a"], billet="first",
    )  # fmt: skip
    model = Model()
    copies = patches.augment("dihedral")
    table = error_map(model, copies)
    predicted = model.predict(copies).reshape(8, 5)
    order = np.argsort(patches.group)
    assert table["point"].tolist() == ["a", "b", "c", "d", "e"]
    assert set(table["billet"]) == {"first"}
    np.testing.assert_allclose(table["carbon"], patches.carbon[order])
    np.testing.assert_allclose(table["predicted"], predicted.mean(axis=0)[order])
    np.testing.assert_allclose(table["spread"], predicted.std(axis=0)[order])
    np.testing.assert_allclose(
        table["relative_error"], (predicted.mean(axis=0) / patches.carbon - 1)[order], atol=1e-12
    )
    assert patches.position is not None
    np.testing.assert_allclose(table["x_mm"], patches.position[order, 0])
    np.testing.assert_allclose(table["y_mm"], patches.position[order, 1])
    with pytest.raises(ValueError, match="patches: have no positions"):
        error_map(model, PatchSet(patches.images, patches.carbon, mm_per_px=1))


def test_bad_arguments_are_refused_by_name(photograph: Any) -> None:
    model = Model()

    def ask(image: Any = photograph, **arguments: Any) -> None:
        section_map(model, image, **({"mm_per_px": 0.5, "stride_mm": 2.0} | arguments))

    with pytest.raises(ValueError, match="photograph: is 15 x 51 px; at least 16 x 16"):
        ask(photograph[:15])
    with pytest.raises(TypeError, match="photograph: are float64"):
        ask(photograph / 255)
    with pytest.raises(ValueError, match="stride_mm = 0: must be finite and above 0"):
        ask(stride_mm=0)
    with pytest.raises(ValueError, match=r"stride_mm = 0\.1: must be at least a pixel, 0\.5 mm"):
        ask(stride_mm=0.1)
    with pytest.raises(ValueError, match="mm_per_px = -1"):
        ask(mm_per_px=-1)
    with pytest.raises(ValueError, match=r"level = 1\.5"):
        ask(level=1.5)
    with pytest.raises(ValueError, match="axis = "):
        ask(axis=(1, 2, 3))
    with pytest.raises(ValueError, match="memory_mb = 0: must be"):
        ask(memory_mb=0)
    model.card = {"mm_per_px": 0.1}  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"mm_per_px = 0\.5: the model was trained at 0\.1"):
        ask()


def test_windows_overlap_by_half_unless_told(photograph: Any) -> None:
    found = section_map(Model(), photograph, mm_per_px=0.5, level=None)
    assert found.stride_mm == 4.0
    assert found.carbon.shape == ((62 - SIDE) // 8 + 1, (51 - SIDE) // 8 + 1)
