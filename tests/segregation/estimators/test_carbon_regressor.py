"""The regressor: trained, and refused what it cannot be trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from references.patches import SMALL, stripes, weights  # noqa: E402

from tundish.segregation import CarbonRegressor, Epoch, PatchSet  # noqa: E402
from tundish.segregation.estimators._training import PatchTraining, copies_of  # noqa: E402
from tundish.segregation.patches._copies import COPIES  # noqa: E402


@pytest.mark.parametrize("head", ["flatten", "pooled"])
def test_it_learns_what_the_patches_show(head: str) -> None:
    train, test = stripes(50, rng=3).split(0.3)
    # So many units that some stay alive, whatever weights the training begins with.
    settings = SMALL | {"epochs": 25, "learning_rate": 2e-3, "dropout": 0.0, "head": head, "dense": (32,)}
    score = CarbonRegressor(**settings).fit(train, 0.2).score(test)
    assert list(score) == ["r2", "r2_correlation", "mae", "bias"]
    assert score["r2"] > 0.7
    assert score["mae"] < 0.012


def test_one_seed_is_one_result(patches: PatchSet, fitted: CarbonRegressor) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = CarbonRegressor(**SMALL, ensemble=2).fit(patches, 0.25)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(weights(again), weights(fitted))
    other = CarbonRegressor(**SMALL, ensemble=2, seed=1).fit(patches, 0.25)
    assert not np.array_equal(weights(other), weights(fitted))
    assert not np.array_equal(
        fitted.networks[0].convolutions[0].weight.detach(), fitted.networks[1].convolutions[0].weight.detach()
    )


def test_it_keeps_the_best_epoch_and_stops_after_patience(patches: PatchSet) -> None:
    regressor = CarbonRegressor(**SMALL | {"epochs": 60, "patience": 4, "learning_rate": 0.02}).fit(patches)
    (history,) = regressor.history
    errors = [validation for _, validation in history]
    best = int(np.argmin(errors))
    assert len(history) < 60
    assert len(history) == best + 1 + 4
    held = regressor.card["split"]["held_rows"][0]
    error = np.mean(np.abs(regressor.predict(patches[held]) - patches.carbon[held]))
    assert error == pytest.approx(errors[best], rel=1e-5)


def test_the_rate_falls_along_half_a_cosine(patches: PatchSet) -> None:
    rates: list[float] = []

    class Spy(torch.optim.Adam):
        def step(self, closure: Any = None) -> Any:
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "Adam", Spy)
        reg = CarbonRegressor(**SMALL, schedule="cosine").fit(patches, 0.25)
    steps = len(rates)
    expected = 1e-3 * 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))
    assert steps >= 12
    assert rates == pytest.approx(expected.tolist())
    assert all(weight.is_contiguous() for weight in reg.network.parameters())


def test_with_a_falling_rate_the_last_epoch_is_kept(
    patches: PatchSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the few that validate say of others: here every epoch is worse than the one before."""
    measured = PatchTraining._validation_error
    monkeypatch.setattr(PatchTraining, "_validation_error", lambda run: measured(run) + len(run.history))
    short = CarbonRegressor(**SMALL | {"epochs": 12, "patience": 1, "learning_rate": 0.02}, schedule="cosine")
    short.fit(patches, 0.25)
    (history,), (member,) = short.history, short.card["members"]
    assert len(history) == member["best_epoch"] == 12
    assert np.argmin([validation for _, validation in history]) == 0
    held = short.card["split"]["held_rows"][0]
    error = np.mean(np.abs(short.predict(patches[held]) - patches.carbon[held]))
    assert error + 11 == pytest.approx(history[-1][1], rel=1e-6)


def test_a_falling_rate_goes_on_where_it_was(patches: PatchSet, tmp_path: Path) -> None:
    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    settings = SMALL | {"schedule": "cosine"}
    with pytest.raises(KeyboardInterrupt):
        CarbonRegressor(**settings).fit(patches, 0.25, progress=interrupt, checkpoint=tmp_path)
    resumed = CarbonRegressor(**settings).fit(patches, 0.25, checkpoint=tmp_path)
    whole = CarbonRegressor(**settings).fit(patches, 0.25)
    assert np.array_equal(weights(resumed), weights(whole))
    assert not np.array_equal(weights(whole), weights(CarbonRegressor(**SMALL).fit(patches, 0.25)))


def test_all_patches_of_a_point_are_held_out_together() -> None:
    several = stripes(10, patches=3)
    regressor = CarbonRegressor(**SMALL | {"epochs": 1}, ensemble=3).fit(several, 0.2)
    held = [set(rows) for rows in regressor.card["split"]["held_rows"]]
    for rows in held:
        points = set(several.point[sorted(rows)].tolist())
        assert len(points) == 2
        assert rows == set(np.flatnonzero(np.isin(several.point, list(points))).tolist())
    # Networks take other points as far as they reach.
    assert not held[0] & held[1]
    assert not held[1] & held[2]
    assert regressor.card["calibration"]["points"] == 6


def test_the_published_protocol_is_in_the_card(patches: PatchSet) -> None:
    train, _ = patches.augment("mirror").split(by=None, protocol="published")
    card = CarbonRegressor(**SMALL | {"epochs": 1}).fit(train).card
    assert card["protocol"] == "published"
    assert card["leak"]["flag"] is True
    assert card["data"]["augmentation"] == "mirror"
    grouped = CarbonRegressor(**SMALL | {"epochs": 1}).fit(patches, by="sector").card
    assert (grouped["protocol"], grouped["split"]["by"], grouped["leak"]) == ("grouped", "sector", None)


def test_copies_are_those_of_a_patch_set(patches: PatchSet) -> None:
    images = torch.from_numpy(patches.images[:, None].astype(np.float32))
    for how, kinds in COPIES.items():
        if how is None:
            continue
        copies = patches.augment(how).images.reshape(len(kinds), len(patches), 16, 16)
        for kind in range(len(kinds)):
            made = copies_of(images, np.full(len(patches), kind), how)
            assert np.array_equal(made[:, 0].numpy(), copies[kind])


def test_progress_tells_the_validation_error(patches: PatchSet) -> None:
    told: list[Epoch] = []
    CarbonRegressor(**SMALL, ensemble=2).fit(patches, progress=told.append)
    assert [(e.member, e.epoch) for e in told] == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert told[-1].best_validation_mae == min(e.validation_mae for e in told[3:])


def test_a_bar_shows_the_validation_error(patches: PatchSet, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    CarbonRegressor(**SMALL | {"epochs": 1}).fit(patches, progress=True)
    assert capsys.readouterr().out == ""


def test_mixed_precision_trains_too(patches: PatchSet) -> None:
    """As in float32 while rounding moves no unit over a kink: in the first steps, if they are small."""
    settings, error = SMALL | {"learning_rate": 3e-5, "epochs": 1}, dict[str, float]()

    def fit(precision: str) -> CarbonRegressor:
        def note(epoch: Epoch) -> None:
            error[precision] = epoch.training_mae

        return CarbonRegressor(**settings, precision=precision).fit(patches, progress=note)

    mixed, single = fit("bfloat16"), fit("float32")
    assert mixed.networks[0].convolutions[0].weight.dtype == torch.float32
    assert not np.array_equal(weights(mixed), weights(single))
    assert np.abs(mixed.predict(patches) - single.predict(patches)).max() < 0.01
    assert error["bfloat16"] == pytest.approx(error["float32"], rel=0.05)


def test_a_training_that_diverges_says_so(patches: PatchSet) -> None:
    with pytest.raises(FloatingPointError, match=r"learning_rate = 1e\+30: training diverged in epoch"):
        CarbonRegressor(**SMALL | {"learning_rate": 1e30}).fit(patches)


def test_sets_too_small_to_part_are_refused(patches: PatchSet) -> None:
    with pytest.raises(ValueError, match=r"by = 'billet' makes one group"):
        CarbonRegressor(**SMALL).fit(patches, by="billet")
    with pytest.raises(ValueError, match=r"leave 1 to train on; at least 2"):
        CarbonRegressor(**SMALL).fit(patches[:2])
    for share in (0, 1, float("nan")):
        with pytest.raises(ValueError, match="validation = "):
            CarbonRegressor(**SMALL).fit(patches, share)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 3}, "image_size = 3: is too small"),
        ({"enhance": "sharpen"}, "enhance = 'sharpen'"),
        ({"augment": "shear"}, "augment = 'shear'"),
        ({"learning_rate": 0.0}, "learning_rate = 0"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"batch_size": 1, "head": "pooled"}, "batch_size = 1: must be at least 2"),
        ({"epochs": 0}, "epochs = 0"),
        ({"patience": 0}, "patience = 0"),
        ({"schedule": "linear"}, "schedule = 'linear'"),
        ({"weight_decay": -1e-4}, "weight_decay = -0.0001"),
        ({"precision": "half"}, "precision = 'half'"),
        ({"ensemble": 0}, "ensemble = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"device": "gpu"}, "device = 'gpu'"),
    ],
)
def test_bad_settings_are_refused_at_construction(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CarbonRegressor(**SMALL | arguments)
