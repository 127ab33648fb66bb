"""Networks that go on with the patches of another billet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from references.patches import SMALL, stripes, weights  # noqa: E402

from tundish.segregation import CarbonRegressor, PatchSet  # noqa: E402


def test_an_update_learns_the_new_without_forgetting_the_old(tmp_path: Path) -> None:
    """The new billet is darker, and 0.10 wt% lower in carbon than its stripes show.

    Much lower than a network may guess by chance from patches that are darker than all that it knows.
    """
    difference, old = 0.10, stripes(24, rng=3)
    darker = stripes(30, rng=4, billet=1, shift=-0.04)
    new = darker.with_carbon(darker.carbon + 0.04 - difference)
    settings = SMALL | {"epochs": 15, "learning_rate": 4e-3, "dropout": 0.0, "dense": (32, 16)}
    regressor = CarbonRegressor(**settings, ensemble=2).fit(old, 0.2)
    regressor.save(tmp_path)
    before = regressor.score(new[8:])["bias"]
    told = regressor.update(new[:8], epochs=30)
    assert told.points == 8
    assert told.steps == 30 * 4
    assert told.new_after["mae"] < 0.5 * told.new_before["mae"]
    assert abs(regressor.score(new[8:])["bias"]) < 0.3 * abs(before)
    assert told.held_after["mae"] < told.held_before["mae"] + difference / 8
    assert 0 < told.weights < 1
    assert regressor.card["updates"][0]["report"]["points"] == 8

    # The same from a folder, which does not hold the patches.
    loaded = CarbonRegressor.load(tmp_path, device="cpu")
    with pytest.raises(ValueError, match="replay: a loaded model does not hold"):
        loaded.update(new[:8])
    with pytest.raises(ValueError, match="replay: are not the patches"):
        loaded.update(new[:8], replay=new)
    assert loaded.update(new[:8], replay=old, epochs=30) == told
    assert np.array_equal(weights(loaded), weights(regressor))
    loaded.save(tmp_path)
    again = CarbonRegressor.load(tmp_path, device="cpu")
    assert again.update(new[8:10], replay=PatchSet.concatenate([old, new[:8]]), epochs=1).points == 2
    assert len(again.card["updates"]) == 2


def test_points_that_were_trained_on_are_no_new_ones(fitted: CarbonRegressor, patches: PatchSet) -> None:
    with pytest.raises(ValueError, match=r"patches: point 3 of billet 0 is among those"):
        fitted.update(patches[3:5])
    with pytest.raises(ValueError, match=r"epochs = 0: must be at least 1"):
        fitted.update(stripes(2, billet=1), epochs=0)
    with pytest.raises(ValueError, match=r"replay_share = 1: must be 0 to 0.9"):
        fitted.update(stripes(2, billet=1), replay_share=1)
