"""The regressor: trained, interrupted, resumed, saved, calibrated and trained on."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from tundish.segregation import CarbonRegressor, Epoch, PatchSet  # noqa: E402
from tundish.segregation.estimators._conformal import Calibration, calibrate, intervals  # noqa: E402
from tundish.segregation.estimators._training import copies_of  # noqa: E402
from tundish.segregation.patches._copies import COPIES  # noqa: E402

SMALL: dict[str, Any] = dict(
    blocks=2, dense=(8,), dropout=0.1, image_size=16, enhance=None, augment="mirror", learning_rate=1e-3,
    batch_size=8, epochs=3, device="cpu",
)  # fmt: skip


def stripes(
    points: int = 24, *, patches: int = 1, billet: int = 0, rng: int = 0, shift: float = 0.0
) -> PatchSet:
    """Stripes as close as carbon is high, at any phase; a shift of carbon shows in the grey level."""
    generator = np.random.default_rng(rng)
    carbon = np.repeat(generator.uniform(0.38, 0.46, points), patches)
    phase = generator.uniform(0, 2 * np.pi, (carbon.size, 1, 1))
    frequency = 0.4 + 8 * (carbon[:, None, None] - 0.38)
    x = np.arange(16)[None, None, :] + np.zeros((1, 16, 1))
    grey = (
        128
        + 1000 * shift
        + 70 * np.sin(frequency * x + phase)
        + generator.normal(0, 8, (carbon.size, 16, 16))
    )
    point = np.repeat(np.arange(points), patches)
    angle = point * 2.4
    position = 10 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return PatchSet(np.clip(grey, 0, 255).astype(np.uint8), carbon + shift, point=point, billet=billet,
                    position=position, mm_per_px=0.5)  # fmt: skip


@pytest.fixture(scope="module")
def patches() -> PatchSet:
    return stripes()


@pytest.fixture(scope="module")
def fitted(patches: PatchSet) -> CarbonRegressor:
    return CarbonRegressor(**SMALL, ensemble=2).fit(patches, 0.25)


def weights(regressor: CarbonRegressor) -> np.ndarray[Any, Any]:
    return np.concatenate(
        [
            value.numpy().reshape(-1)
            for network in regressor.networks
            for value in network.state_dict().values()
        ]
    )


# -- training


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
    # The last epoch is kept, whatever the few that validate say of others.
    settings = SMALL | {"epochs": 12, "patience": 1, "learning_rate": 0.02}
    short = CarbonRegressor(**settings, schedule="cosine", ensemble=4).fit(patches, 0.25)
    histories, members = short.history, short.card["members"]
    assert all(len(history) == 12 for history in histories)
    assert all(member["best_epoch"] == 12 for member in members)
    # Of several trainings some had a better epoch before.
    assert any(np.argmin([validation for _, validation in history]) < 11 for history in histories)
    held = short.card["split"]["held_rows"][0]
    error = np.mean(np.abs(short.predict_members(patches[held])[0] - patches.carbon[held]))
    assert error == pytest.approx(histories[0][-1][1], rel=1e-5)


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


# -- interruptions


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


# -- folders


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


# -- intervals


def test_intervals_cover_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        held = np.arange(40)[None, :] // 8 == np.arange(5)[:, None]
        truth, spread = generator.normal(0.42, 0.02, 240), 0.01
        shared = truth + generator.normal(0, spread, 240)
        members = shared + generator.normal(0, 0.4 * spread, (5, 240))
        calibration = calibrate(members[:, :40], truth[:40], held, np.arange(40))
        bounds = intervals(members[:, 40:], calibration, 0.9)
        covered.append(np.mean((bounds[:, 0] <= truth[40:]) & (truth[40:] <= bounds[:, 1])))
    assert 0.88 < np.mean(covered) < 0.95


def test_one_network_gives_split_conformal_intervals() -> None:
    generator = np.random.default_rng(1)
    error = generator.exponential(0.01, 19)
    calibration = Calibration(error, np.ones(19), np.ones((1, 19), bool))
    predictions = generator.normal(0.42, 0.02, (1, 7))
    half = np.sort(error)[17]  # ceil(0.9 · 20) = 18
    bounds = intervals(predictions, calibration, 0.9)
    np.testing.assert_allclose(bounds, np.stack([predictions[0] - half, predictions[0] + half], axis=1))


def test_a_point_counts_once_however_many_patches_it_has() -> None:
    error = np.random.default_rng(2).exponential(0.01, 12)
    predictions = np.full((1, 3), 0.4)
    once = calibrate(np.zeros((1, 12)), error, np.ones((1, 12), bool), np.arange(12))
    many = calibrate(
        np.zeros((1, 48)), np.repeat(error, 4), np.ones((1, 48), bool), np.repeat(np.arange(12), 4)
    )
    assert many.points == once.points == 12
    np.testing.assert_allclose(intervals(predictions, many, 0.8), intervals(predictions, once, 0.8))


def test_too_few_points_are_taken_as_normal() -> None:
    calibration = Calibration(np.full(5, 0.01), np.ones(5), np.ones((1, 5), bool))
    assert calibration.method(0.8) == "conformal"
    assert calibration.method(0.9) == "student"
    bounds = intervals(np.array([[0.4]]), calibration, 0.9)
    # t of 5 degrees of freedom at 0.95 is 2.015048.
    np.testing.assert_allclose(np.diff(bounds), 2 * 2.015048 * 0.01 * np.sqrt(1.2), rtol=1e-6)


def test_networks_that_disagree_widen_the_interval(fitted: CarbonRegressor, patches: PatchSet) -> None:
    bounds = fitted.predict_interval(patches)
    predicted = fitted.predict(patches)
    assert bounds.shape == (24, 2)
    assert ((bounds[:, 0] <= predicted) & (predicted <= bounds[:, 1])).all()
    members = np.array([[0.40, 0.40], [0.40, 0.46]])
    narrow, wide = np.diff(fitted.intervals_of(members))[:, 0]
    assert wide > narrow
    wider = fitted.predict_interval(patches, 0.99)
    assert (np.diff(wider) >= np.diff(bounds)).all()
    assert fitted.interval_method(0.9) == "conformal"
    assert fitted.interval_method(0.99) == "student"
    for level in (0, 1, float("nan")):
        with pytest.raises(ValueError, match=r"level = "):
            fitted.predict_interval(patches, level)


# -- incremental training and drift


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


# -- bad input


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


def test_sets_too_small_to_part_are_refused(patches: PatchSet) -> None:
    with pytest.raises(ValueError, match=r"by = 'billet' makes one group"):
        CarbonRegressor(**SMALL).fit(patches, by="billet")
    with pytest.raises(ValueError, match=r"leave 1 to train on; at least 2"):
        CarbonRegressor(**SMALL).fit(patches[:2])
    for share in (0, 1, float("nan")):
        with pytest.raises(ValueError, match="validation = "):
            CarbonRegressor(**SMALL).fit(patches, share)


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
