"""Heat-transfer coefficients as free functions of z, from readings of a billet whose cooling fades."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tundish.casting import Grid, Measurements, Strand, Zone, identify_profile, solve

SENSORS = [(0.015, 0.018), (0.018, 0.018), (0.018, 0.015)]
GRID = Grid(13, 13, dz_mold=0.005, dz_spray=0.01)


def htc(z: Any) -> NDArray[np.float64]:
    """Of face x, W/(m2 K); face y has nine tenths of it."""
    return np.asarray(300 + 250 * np.exp(-(z - 0.2) / 0.4))


@pytest.fixture(scope="module")
def faded(strand: Strand) -> Strand:
    ends = np.linspace(0.2, 1.5, 53)
    middle = (ends[1:] + ends[:-1]) / 2
    return dataclasses.replace(
        strand, zones=[Zone(e, htc=(h, 0.9 * h)) for e, h in zip(ends[1:].tolist(), htc(middle), strict=True)]
    )


def readings(faded: Strand, noise: float = 0.0) -> Measurements:
    solution = solve(faded, GRID, probes=SENSORS)
    m = Measurements.from_solution(solution, every=0.02, start=0.1, noise=noise, rng=0)
    sigma = max(noise, 1e-4) * m.temperature / 3**0.5
    return Measurements(m.z, m.x, m.y, m.temperature, sigma=sigma)


@pytest.fixture(scope="module")
def noisy(faded: Strand) -> Measurements:
    return readings(faded, 0.005)


def test_exact_readings_give_the_profile_back(strand: Strand, faded: Strand) -> None:
    found = identify_profile(strand, readings(faded), 12, grid=GRID)
    assert found.success
    assert found.htc.shape == found.standard_error.shape == (2, 12)
    middle = slice(0, -1)  # nothing is read below the last knot
    assert found.htc[0, middle] == pytest.approx(htc(found.knots[middle]), rel=0.02)
    assert found.htc[1, middle] == pytest.approx(0.9 * htc(found.knots[middle]), rel=0.02)
    assert found.htc_at([0.2, 1.5])[0] == pytest.approx(found.htc[0, [0, -1]])
    assert found.strand.zones[0].end == pytest.approx(found.knots[0] + np.diff(found.knots)[0] / 3)
    assert found.strand.zones[-1].end == strand.length


@pytest.mark.parametrize("penalty", ["curvature", "slope"])
def test_noise_is_fitted_down_to_its_size_and_no_further(
    strand: Strand, noisy: Measurements, penalty: str
) -> None:
    found = identify_profile(strand, noisy, 12, penalty=penalty, grid=GRID)
    assert found.success, found.message
    assert found.misfit == pytest.approx(1.0, abs=0.05)
    assert abs(found.htc[0] / htc(found.knots) - 1).max() < 0.25
    loose = identify_profile(strand, noisy, 12, penalty=penalty, strength=1e-6, grid=GRID)
    assert np.abs(np.diff(loose.htc, n=2)).sum() > 1.5 * np.abs(np.diff(found.htc, n=2)).sum()
    assert loose.standard_error.mean() > found.standard_error.mean()


def test_the_corner_of_the_l_curve_needs_no_noise(strand: Strand, noisy: Measurements) -> None:
    m = Measurements(noisy.z, noisy.x, noisy.y, noisy.temperature)
    found = identify_profile(strand, m, 12, strength="l-curve", grid=GRID)
    assert found.success
    assert abs(found.htc[0, :-1] / htc(found.knots[:-1]) - 1).max() < 0.25
    given = identify_profile(strand, m, 12, noise=float(np.std(found.residuals)), grid=GRID)
    assert given.misfit == pytest.approx(found.misfit, rel=0.05)


def test_one_face_may_be_known(faded: Strand) -> None:
    known = dataclasses.replace(
        faded, zones=[dataclasses.replace(z, htc=(400.0, z.htc[1])) for z in faded.zones]
    )
    found = identify_profile(known, readings(faded), 12, faces=["x"], grid=GRID)
    assert found.faces == ("x",)
    # Every short zone of the profile starts with four small steps, which the strand of the readings lacks.
    assert found.htc[0, :-1] == pytest.approx(htc(found.knots[:-1]), rel=0.05)


def test_the_default_grid_fits_short_zones(strand: Strand, noisy: Measurements) -> None:
    found = identify_profile(strand, noisy, np.linspace(0.2, 1.5, 6), cells=2, max_iterations=1)
    assert not found.success
    assert "max_iterations = 1" in found.message
    assert found.evaluations == 1 + 2 * 2 * 5
    assert len(found.strand.zones) == 10


def test_what_no_reading_tells_is_refused(strand: Strand, noisy: Measurements) -> None:
    in_mould = noisy.select(noisy.z < strand.mold.length)
    with pytest.raises(ValueError, match=r"^measurements: 0 readings lie below the mould.* take 4"):
        identify_profile(strand, in_mould, 8, noise=1.0, grid=GRID)
    dry = strand.replace({"zones.1.htc.y": 0.0})
    with pytest.raises(ValueError, match=r"^strand: zones\.1\.htc\.y must be above 0"):
        identify_profile(dry, noisy, 8, grid=GRID)


def test_knots_are_not_written_to(strand: Strand, noisy: Measurements) -> None:
    knots = np.linspace(0.2 + 1e-12, 1.5, 5)
    knots.setflags(write=False)
    assert identify_profile(strand, noisy, knots, grid=GRID).knots[0] == 0.2


def test_a_picture_is_drawn(strand: Strand, noisy: Measurements) -> None:
    figure = identify_profile(strand, noisy, 5, max_iterations=1, grid=GRID).plot()
    assert len(figure.axes) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strand": 1}, "strand"),
        ({"measurements": 1}, "measurements"),
        ({"knots": 3}, "knots = 3"),
        ({"knots": [0.2, 0.5, 0.4, 1.5]}, "knots: .*increase"),
        ({"knots": [0.3, 0.5, 0.8, 1.5]}, "knots: .*mould's end"),
        ({"faces": ["z"]}, "faces: 'z'"),
        ({"faces": []}, "faces"),
        ({"penalty": "jump"}, "penalty"),
        ({"strength": "guess"}, "strength"),
        ({"strength": -1.0}, "strength"),
        ({"noise": -1.0}, "noise"),
        ({"cells": 0}, "cells"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"max_iterations": 0}, "max_iterations"),
    ],
)
def test_bad_input_is_refused_by_name(
    strand: Strand, noisy: Measurements, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        identify_profile(**{"strand": strand, "measurements": noisy, "knots": 5, "grid": GRID, **changes})


def test_what_the_discrepancy_principle_needs_is_asked_for(strand: Strand, noisy: Measurements) -> None:
    with pytest.raises(ValueError, match="noise: must be given"):
        identify_profile(strand, Measurements(noisy.z, noisy.x, noisy.y, noisy.temperature), 5)
    flux = dataclasses.replace(strand, zones=[Zone(1.5, heat_flux=1e5)])
    with pytest.raises(ValueError, match="strand: its zones must be cooled by htc alone"):
        identify_profile(flux, noisy, 5)


@pytest.mark.parametrize("dz_spray", [(0.02, 0.02, 0.02), 2.0])
def test_steps_that_do_not_fit_the_strand_are_refused(
    strand: Strand, noisy: Measurements, dz_spray: Any
) -> None:
    """The fit cuts steps to its own short zones, but the steps given must fit the strand as well."""
    with pytest.raises(ValueError, match=r"^dz_spray = "):
        identify_profile(strand, noisy, 12, grid=Grid(13, 13, dz_mold=0.01, dz_spray=dz_spray))
