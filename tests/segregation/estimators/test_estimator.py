"""What all estimators do alike: sizes and scales, prepared patches, drift."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from references.patches import SMALL, stripes  # noqa: E402

from tundish.segregation import CarbonRegressor, PatchSet  # noqa: E402


def test_other_sizes_and_scales_are_refused(fitted: CarbonRegressor, patches: PatchSet) -> None:
    with pytest.raises(ValueError, match=r"images: are 8 x 16 px; image_size = 16 needs 16 x 16"):
        fitted.predict(patches.images[:, :8])
    coarse = PatchSet(patches.images, patches.carbon, mm_per_px=1.0)
    with pytest.raises(ValueError, match=r"mm_per_px is 1; the model was trained at 0.5"):
        fitted.predict(coarse)
    with pytest.raises(TypeError, match="images: are float64"):
        fitted.predict(patches.images / 255)
    with pytest.raises(TypeError, match="patches: must be a PatchSet; ndarray"):
        CarbonRegressor(**SMALL).fit(patches.images)  # type: ignore[arg-type]


def test_nothing_is_predicted_before_it_is_fitted(patches: PatchSet) -> None:
    regressor = CarbonRegressor(**SMALL)
    for call in (regressor.predict, regressor.prepare, regressor.predict_interval, regressor.score):
        with pytest.raises(RuntimeError, match="fit it, or load one"):
            call(patches)
    with pytest.raises(RuntimeError, match="fit it"):
        _ = regressor.network


def test_prepared_patches_are_what_networks_see(patches: PatchSet) -> None:
    regressor = CarbonRegressor(**SMALL | {"enhance": "clahe", "epochs": 1}).fit(patches)
    prepared = regressor.prepare(patches)
    assert prepared.shape == (24, 1, 16, 16)
    assert prepared.dtype == torch.float32
    assert float(prepared.mean()) == pytest.approx(0, abs=1e-5)
    assert float(prepared.std()) == pytest.approx(1, abs=1e-3)
    with torch.no_grad():
        np.testing.assert_allclose(regressor.network(prepared), regressor.predict(patches), rtol=1e-5)
    assert regressor.prepare(patches.images[0]).shape == (1, 1, 16, 16)


def test_drift_is_seen_and_sameness_passes() -> None:
    regressor = CarbonRegressor(**SMALL | {"epochs": 1}).fit(stripes(40, rng=3))
    same = regressor.drift(stripes(15, rng=11))
    assert not same.flag
    assert same.outlier.shape == (15,)
    blurred = stripes(15, rng=11)
    other = regressor.drift((blurred.images // 4 + 180).astype(np.uint8))
    assert other.flag
    assert other.p_value == pytest.approx(0.001)
    assert other.outlier.mean() > 0.5
    shifts = np.abs(list(other.shifts.values()))
    assert (np.diff(shifts) <= 0).all()
    # Copies of one point are one point.
    assert regressor.drift(stripes(4, patches=5)).outlier.shape == (4,)
