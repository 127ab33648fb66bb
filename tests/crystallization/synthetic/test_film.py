"""Synthetic sequences: kinetics against the law, frames against their truth, determinism, bad knobs."""

from __future__ import annotations

import numpy as np
import pytest

from tundish.crystallization import FrameSequence, fit_jmak, repair_readings, synthetic

SMALL = {"size": (24, 32)}


def truth(**knobs: float) -> synthetic.Truth:
    s = synthetic.sequence(200, size=(24, 32), **knobs)
    assert s.truth is not None
    return s.truth


def test_one_seed_is_one_record() -> None:
    a, b, c = (synthetic.sequence(60, rng=seed, **SMALL) for seed in (1, 1, 2))
    assert np.array_equal(a.images, b.images)
    assert np.array_equal(a.temperature, b.temperature)
    assert not np.array_equal(a.images, c.images)


def test_it_is_a_sequence_of_the_length_asked_for() -> None:
    s = synthetic.sequence(50, size=(30, 40), interval=0.5)
    assert isinstance(s, FrameSequence)
    assert len(s) == 100
    assert s.size == (30, 40)
    assert s.time[:3].tolist() == [0, 0.5, 1]


def test_the_share_follows_the_law() -> None:
    t = truth(scatter=0.0, rate=0.05, exponent=3.0)
    time = np.arange(200.0)
    law = 1 - np.exp(-((t.rate * np.clip(time - t.onset, 0, None)) ** 3))
    crystallising = time > 60
    assert t.share[crystallising] == pytest.approx(law[crystallising], abs=0.003)
    assert t.rate == pytest.approx(0.05, rel=1e-6)
    fit = fit_jmak(time, t.share)
    assert (fit.rate, fit.exponent) == pytest.approx((0.05, 3.0), rel=0.01)


def test_the_clock_scatters_and_shares_never_fall_again() -> None:
    plain, scattered = truth(scatter=0.0), truth(scatter=1.0)
    off = scattered.share - plain.share
    assert 0.005 < off.std() < 0.05
    assert (np.diff(scattered.share[70:]) >= 0).all()


def test_rates_follow_the_nose() -> None:
    assert truth(hold=1320.0, spread=120.0).rate < 1e-9 or np.isnan(truth(hold=1320.0).rate)
    fast, slow = truth(hold=1200.0), truth(hold=1120.0)
    assert slow.rate / fast.rate == pytest.approx(np.exp(-((80 / 120) ** 2) / 2), rel=1e-3)
    assert slow.onset > fast.onset


def test_cooling_through_the_nose_has_no_rate() -> None:
    t = truth(cooling=3.0, hold=1000.0, incubation=2.0)
    assert np.isnan(t.rate)
    assert t.share[-1] > 0.9


def test_it_melts_before_it_crystallises() -> None:
    t = truth()
    assert t.share[0] == 1
    assert t.share[60] == 0
    assert (np.diff(t.share[:60]) <= 0).all()
    assert (np.diff(t.crystals) >= 0).all()
    assert t.crystals[60] == 0
    assert 10 < t.crystals[-1] <= 40


def test_frames_show_the_share() -> None:
    s = synthetic.sequence(100, size=(60, 80), noise=0, flicker=0, illumination=0, meniscus=0)
    assert s.truth is not None
    bright = (s.images > 110)[:, s.truth.mask].mean(axis=1)
    assert bright == pytest.approx(s.truth.share, abs=0.08)
    around = s.images[:, ~s.truth.mask]
    assert np.ptp(around[50:].mean(axis=1)) < 12


def test_crystals_grow_and_stay() -> None:
    s = synthetic.sequence(100, size=(60, 80), noise=0, flicker=0)
    assert s.truth is not None
    bright = (s.images > 115) & s.truth.mask
    later = bright[40:]
    assert (later[:-1] & ~later[1:]).sum() < 0.02 * later.sum()


def test_readings_lag_and_some_are_misread() -> None:
    s = synthetic.sequence(300, misread=0.05, lag=3.0, **SMALL)
    assert s.truth is not None
    assert s.temperature is not None
    # Three seconds behind a quench of 33 K/s is 100 K.
    wrong = np.abs(s.temperature - s.truth.temperature) > 120
    assert 3 <= wrong.sum() <= 30
    repaired = repair_readings(s.time, s.temperature).values
    assert np.abs(repaired - s.truth.temperature).max() < 120
    clean = synthetic.sequence(300, misread=0.0, lag=0.0, **SMALL)
    assert clean.truth is not None
    assert clean.temperature == pytest.approx(clean.truth.temperature, abs=6)


def test_writing_can_be_left_out() -> None:
    written, plain = (synthetic.sequence(20, size=(96, 128), interval=2, overlay=o) for o in (1.0, 0.0))
    assert (written.images[:, :16, :30] == 255).any()
    assert not (plain.images[:, :16, :30] == 255).any()


def test_progress_is_told() -> None:
    calls: list[tuple[int, int]] = []
    synthetic.sequence(20, progress=lambda *call: calls.append(call), **SMALL)
    assert calls == [(n + 1, 20) for n in range(20)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seconds": 5}, ValueError, "seconds = 5: must hold 10 to 100000 frames"),
        ({"seconds": np.nan}, ValueError, "seconds = nan"),
        ({"interval": 0}, ValueError, "interval = 0"),
        ({"size": (10, 100)}, ValueError, "size = "),
        ({"size": 32.5}, ValueError, "size = "),
        ({"speed": 1}, TypeError, "speed: is no knob of the experiment"),
        ({"exponent": 9}, ValueError, "exponent = 9: must lie between 1 and 5"),
        ({"noise": "loud"}, TypeError, "noise = 'loud'"),
        ({"liquidus": 1000}, ValueError, r"solidus, liquidus, peak = \(1050.0, 1000, 1500.0\): must rise"),
        ({"hold": 1500}, ValueError, "hold = 1500 degC: must be below peak"),
        ({"rng": -1}, ValueError, "rng = -1"),
    ],
)
def test_bad_knobs_are_refused(arguments: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        synthetic.sequence(**{"seconds": 40, **arguments})


def test_the_truth_is_the_share_as_an_array() -> None:
    truth = synthetic.sequence(50, size=(30, 40)).truth
    assert truth is not None
    assert np.array_equal(np.asarray(truth), truth.share)
    assert (truth.share - np.asarray(truth)).shape == (len(truth.share),)
    assert len(truth) == 50
    assert truth[10] == truth.share[10]
    assert np.array_equal(truth[-5:], truth.share[-5:])
    with pytest.raises(AttributeError):
        truth.rate = 1.0  # type: ignore[misc]
