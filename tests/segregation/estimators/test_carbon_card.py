"""Trainings that are interrupted and go on, and models that are saved and loaded."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from references.patches import SMALL, stripes, weights  # noqa: E402

from tundish.segregation import CarbonRegressor, Epoch, PatchSet  # noqa: E402


@pytest.mark.parametrize("after", [(0, 1), (0, 3), (1, 2)])
def test_an_interrupted_training_goes_on_to_the_same_end(
    patches: PatchSet, fitted: CarbonRegressor, tmp_path: Path, after: tuple[int, int]
) -> None:
    def interrupt(epoch: Epoch) -> None:
        if (epoch.member, epoch.epoch) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CarbonRegressor(**SMALL, ensemble=2).fit(patches, 0.25, progress=interrupt, checkpoint=tmp_path)
    with pytest.warns(UserWarning, match="is the checkpoint of a training that was interrupted"):
        unfinished = CarbonRegressor.load(tmp_path)
    assert np.isfinite(unfinished.predict(patches)).all()
    with pytest.raises(RuntimeError, match="interrupted"):
        unfinished.predict_interval(patches)

    epochs: list[Epoch] = []
    resumed = CarbonRegressor(**SMALL, ensemble=2)
    resumed.fit(patches, 0.25, progress=epochs.append, checkpoint=tmp_path)
    assert len(epochs) < 6
    assert np.array_equal(weights(resumed), weights(fitted))
    assert resumed.history == fitted.history
    assert resumed.card == fitted.card
    loaded = CarbonRegressor.load(tmp_path)
    assert np.array_equal(loaded.predict_interval(patches), fitted.predict_interval(patches))
    assert not list(tmp_path.glob("training*"))


def test_a_finished_checkpoint_is_not_trained_again(patches: PatchSet, tmp_path: Path) -> None:
    first = CarbonRegressor(**SMALL).fit(patches, checkpoint=tmp_path)
    told: list[Epoch] = []
    again = CarbonRegressor(**SMALL).fit(patches, checkpoint=tmp_path, progress=told.append)
    assert not told
    assert np.array_equal(weights(again), weights(first))
    assert again.history == first.history


def test_a_checkpoint_of_something_else_is_refused(patches: PatchSet, tmp_path: Path) -> None:
    CarbonRegressor(**SMALL).fit(patches, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"checkpoint = .* other settings \(seed = 0 there, 1 here\)"):
        CarbonRegressor(**SMALL, seed=1).fit(patches, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"other data \(sha256"):
        CarbonRegressor(**SMALL).fit(stripes(rng=9), checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"other split \(validation = 0.1 there, 0.2 here\)"):
        CarbonRegressor(**SMALL).fit(patches, 0.2, checkpoint=tmp_path)


def test_a_model_comes_back_as_it_was(fitted: CarbonRegressor, patches: PatchSet, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    names = sorted(file.name for file in (tmp_path / "model").iterdir())
    assert len(names) == 2
    assert names[0] == "card.json"
    assert names[1].endswith(".safetensors")
    loaded = CarbonRegressor.load(tmp_path / "model")
    assert np.array_equal(loaded.predict(patches), fitted.predict(patches))
    assert np.array_equal(loaded.predict_interval(patches), fitted.predict_interval(patches))
    assert loaded.settings == fitted.settings
    assert loaded.history == fitted.history
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["mm_per_px"] == 0.5
    assert card["protocol"] == "grouped"
    assert card["preprocessing"]["enhance"] is None
    assert len(card["data"]["sha256"]) == 64
    assert card["split"] == fitted.card["split"]
    # Saved anew, the folder holds the new model alone.
    loaded.save(tmp_path / "model")
    assert sorted(file.name for file in (tmp_path / "model").iterdir()) == names


def test_damaged_weights_are_refused_by_name(fitted: CarbonRegressor, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    (file,) = tmp_path.glob("*.safetensors")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=rf"{file.name}: has the hash"):
        CarbonRegressor.load(tmp_path)
    file.unlink()
    with pytest.raises(ValueError, match=rf"{file.name}: is missing"):
        CarbonRegressor.load(tmp_path)


@pytest.mark.parametrize("change", [{"blocks": 3}, {"dense": [9]}, {"head": "pooled"}, {"image_size": 20}])
def test_weights_of_another_architecture_are_refused(
    fitted: CarbonRegressor, tmp_path: Path, change: dict[str, Any]
) -> None:
    fitted.save(tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    card["settings"] |= change
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"weights-\w+\.safetensors: is of another architecture"):
        CarbonRegressor.load(tmp_path)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_pickles_are_refused_unread(tmp_path: Path, protocol: int) -> None:
    pickled = pickle.dumps({"weights": [1.0] * 200}, protocol)
    (tmp_path / "model.pt").write_bytes(pickled)
    for path in (tmp_path, tmp_path / "model.pt"):
        with pytest.raises(ValueError, match=r"model\.pt: is a pickle"):
            CarbonRegressor.load(path)


def test_pickles_under_another_name_are_refused(fitted: CarbonRegressor, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    (file,) = tmp_path.glob("*.safetensors")
    torch.save({"weights": torch.zeros(3)}, file)
    with pytest.raises(ValueError, match=rf"{file.name}: is a pickle"):
        CarbonRegressor.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "card.json: is missing"),
        ("{", "card.json: is no JSON"),
        ("[]", "card.json: is not the card"),
        ('{"format": "tundish.segregation.CarbonRegressor", "version": 9}', "version = 9: 1 can be read"),
        (
            '{"format": "tundish.segregation.CarbonRegressor", "version": 1, "weights": {"file": "../a"}}',
            r"weights.file = '\.\./a'",
        ),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "card.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        CarbonRegressor.load(tmp_path)


def test_a_card_that_lacks_something_is_refused(fitted: CarbonRegressor, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    whole = json.loads((tmp_path / "card.json").read_text())
    for name in ("settings", "members", "history", "preprocessing", "complete"):
        (tmp_path / "card.json").write_text(json.dumps({k: v for k, v in whole.items() if k != name}))
        with pytest.raises(ValueError, match=rf"card\.json: .*{name}"):
            CarbonRegressor.load(tmp_path)
