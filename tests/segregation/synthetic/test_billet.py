"""Synthetic billets: their solidification against other solutions, and what their patches must show."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_predict

from tundish._common.random import uniform
from tundish.segregation import PatchSet, features, image_quality, leak, synthetic
from tundish.segregation.synthetic import Process, Section, structure
from tundish.segregation.synthetic._solidification import _solved

Billet = tuple[PatchSet, Section]


@pytest.fixture(scope="module")
def small() -> Billet:
    """A billet of 150 mm at 0.25 mm/px, with its section of 632 px."""
    return synthetic.billet(12, 0.15, 64, rng=4, mm_per_px=0.25, section=True)


def round_solidification(diameter: float) -> tuple[NDArray, NDArray, NDArray]:
    """Radii (m), and when each freezes and has frozen (s): explicit enthalpy on rings of the round itself."""
    strand = _solved(diameter, Process()).strand
    steel, rings = strand.steel, 30
    width = diameter / 2 / rings
    edges = np.arange(rings + 1) * width
    radius, area = edges[:-1] + width / 2, np.diff(edges**2) / 2
    enthalpy = np.full(rings, float(steel.enthalpy(strand.pouring_temperature)))
    ends = [strand.mold.length, *(zone.end for zone in strand.zones)]
    cooling = [(strand.mold.heat_flux[0], 0.0), *((0.0, zone.htc[0]) for zone in strand.zones)]
    time, step = 0.0, 0.5
    passed = np.full((2, rings), np.nan)
    while np.isnan(passed[1]).any():
        temperature = steel.temperature(enthalpy)
        flux, htc = cooling[np.searchsorted(ends, time * strand.speed)]
        potential = steel.potential(temperature)
        inner = np.diff(potential) / width * edges[1:-1]
        surface = (flux + htc * (temperature[-1] - strand.ambient_temperature)) * edges[-1]
        enthalpy += step * np.diff(np.concatenate([[0.0], inner, [-surface]])) / area
        time += step
        for passing, level in zip(passed, (steel.liquidus, steel.solidus), strict=True):
            passing[np.isnan(passing) & (temperature < level)] = time
    return radius, *passed


def test_the_square_freezes_as_the_round_does() -> None:
    s = structure(0.3)
    radius, start, end = round_solidification(0.3)
    last = _solved(0.3, Process()).metallurgical_length / Process().speed
    assert last == pytest.approx(end[0], rel=0.05)
    inside = (radius > 0.02) & (radius < 0.13)
    rate = 79.04 / (end - start)[inside]
    stand_in = np.interp(1e3 * radius[inside], s.radius, s.cooling_rate)
    # Arm spacing goes with the power 0.36 of it.
    assert np.sqrt(np.mean(np.log(stand_in / rate) ** 2)) < 0.08


def test_cooling_slows_and_arms_coarsen_towards_the_centre() -> None:
    s = structure()
    assert (np.diff(s.cooling_rate[4:-4:4]) > 0).all()
    assert (np.diff(s.arm_spacing[4:-4:4]) < 0).all()
    assert s.arm_spacing[0] == pytest.approx(
        1e-3 * 143.9 * 0.42**-0.2882 * s.cooling_rate[0] ** -0.3616, rel=1e-3
    )
    assert 0.1 < s.arm_spacing[-1] < 0.2
    assert 0.5 < s.arm_spacing[0] < 0.8
    assert 0.3 < s.transition_radius / 300 < 0.6
    assert s.metallurgical_length == pytest.approx(18.0, abs=0.2)


def test_carbon_is_conserved_over_the_section() -> None:
    s = structure()
    assert (np.diff(s.carbon) < 0).all()
    share = np.linspace(0, 1, 4001)
    carbon = np.interp(300 * share, s.radius, s.carbon)
    assert np.trapezoid(carbon * 2 * share, share) == pytest.approx(0.42, rel=3e-3)


def test_knobs_do_what_they_say() -> None:
    plain, stirred = structure(), structure(0.6, Process(stirring=1.2))
    assert stirred.transition_radius > plain.transition_radius + 20
    assert stirred.carbon[0] < plain.carbon[0]
    assert structure(0.6, Process(carbon=0.38)).carbon.mean() == pytest.approx(
        plain.carbon.mean() * 0.38 / 0.42
    )
    assert structure(0.6, Process(speed=0.006)).metallurgical_length > plain.metallurgical_length + 5
    assert structure(0.6, Process(cooling=1.4)).arm_spacing[10] < plain.arm_spacing[10]
    assert structure(0.6, Process(rejection=0)).carbon[20] == pytest.approx(0.42)


def test_one_seed_is_one_billet(small: Billet) -> None:
    again = synthetic.billet(12, 0.15, 64, rng=4, mm_per_px=0.25)
    assert np.array_equal(again.images, small[0].images)
    assert np.array_equal(again.carbon, small[0].carbon)
    other = synthetic.billet(12, 0.15, 64, rng=5, mm_per_px=0.25)
    assert not np.array_equal(other.carbon, small[0].carbon)
    assert (other.images != again.images).mean() > 0.8


def test_one_seed_is_one_billet_in_every_process(small: Billet) -> None:
    script = (
        "from tundish.segregation import synthetic\n"
        "p = synthetic.billet(12, 0.15, 64, rng=4, mm_per_px=0.25)\n"
        "print(int(p.images.sum()), repr(float(p.carbon.sum())))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == [str(int(small[0].images.sum())), repr(float(small[0].carbon.sum()))]


def test_patches_are_cuttings_of_the_section(small: Billet) -> None:
    patches, section = small
    assert section.photograph.shape == (632, 632)
    cut = PatchSet.from_photograph(section.photograph, patches.position, patches.carbon, 0.25, size=64)
    assert np.array_equal(cut.images, patches.images)


def test_points_are_spread_evenly() -> None:
    p = synthetic.billet(85, 0.6, 8, mm_per_px=0.5)
    assert p.radius is not None
    for share in (0.25, 0.5, 0.75):
        assert np.mean(p.radius < p.radius.max() * np.sqrt(share)) == pytest.approx(share, abs=0.03)
    assert len(p) == len(set(p.point)) == 85


def test_carbon_is_that_of_the_section_but_for_the_analyser(small: Billet) -> None:
    patches, section = small
    assert patches.position is not None
    columns, rows = np.rint(patches.position).astype(int).T + len(section.x_mm) // 2
    difference = patches.carbon - section.carbon[rows, columns]
    assert np.abs(difference).max() < 0.015
    assert np.isnan(section.carbon[0, 0])
    assert np.nanmean(section.carbon) == pytest.approx(0.42, abs=0.01)


def test_carbon_varies_as_it_does_in_the_paper() -> None:
    carbon = np.concatenate(
        [synthetic.billet(85, 0.6, 8, rng=seed, mm_per_px=0.5).carbon for seed in range(3)]
    )
    assert carbon.mean() == pytest.approx(0.42, abs=0.01)
    assert 0.02 < carbon.std() < 0.035
    assert np.quantile(carbon, [0.02, 0.98]) == pytest.approx([0.375, 0.475], abs=0.015)
    lower = synthetic.billet(85, 0.6, 8, mm_per_px=0.5, carbon=0.38)
    assert lower.carbon.mean() == pytest.approx(0.38, abs=0.01)


def test_what_froze_last_is_dark_and_more_where_there_is_more_carbon(small: Billet) -> None:
    _, section = small
    inside = np.s_[150:-150, 150:-150]
    late = section.interdendritic[inside]
    assert section.photograph[inside][late].mean() < section.photograph[inside][~late].mean() - 15
    rich, poor = (
        synthetic.billet(1, 0.15, 64, rng=1, mm_per_px=0.25, section=True, carbon=c, scatter=0)[1]
        for c in (0.46, 0.40)
    )
    assert rich.interdendritic[inside].mean() > poor.interdendritic[inside].mean() + 0.05


def test_columnar_grains_lie_along_the_radius_and_equiaxed_ones_anyhow() -> None:
    patches = synthetic.billet(40, 0.6, 128, rng=1, etching=0, noise=0, scratches=0)
    assert patches.position is not None
    assert patches.radius is not None
    angle, coherence = gradients(patches.images)
    columnar = patches.radius > 170
    # Gradients run across the dendrites, so across the radius.
    off = (
        np.angle(
            np.exp(2j * (angle - np.arctan2(patches.position[:, 1], patches.position[:, 0]) - np.pi / 2))
        )
        / 2
    )
    assert np.abs(off[columnar]).max() < np.radians(25)
    assert coherence[columnar].min() > coherence[patches.radius < 120].max()


def gradients(images: NDArray) -> tuple[NDArray, NDArray]:
    """Direction and coherence of the structure tensor of each image."""
    down, right = np.gradient(images.astype(float), axis=(1, 2))
    xx, yy, xy = (np.mean(product, axis=(1, 2)) for product in (right**2, down**2, right * down))
    return np.arctan2(2 * xy, xx - yy) / 2, np.hypot(xx - yy, 2 * xy) / (xx + yy)


def test_every_fault_can_be_left_out() -> None:
    options = {"points": 4, "diameter": 0.15, "image_size": 64, "mm_per_px": 0.25}
    images = synthetic.billet(**options).images
    for name in ("etching", "illumination", "noise", "scratches"):
        assert not np.array_equal(synthetic.billet(**options, **{name: 0.0}).images, images)
    noisy, clean = (image_quality(synthetic.billet(**options, noise=n).images) for n in (3.0, 0.0))
    assert noisy["glcm_contrast"] > clean["glcm_contrast"]


def test_carbon_is_partly_readable_from_the_texture() -> None:
    """Takes seconds: the full billet of 85 points, since with fewer the score says nothing."""
    patches = synthetic.billet()
    forest = RandomForestRegressor(200, random_state=0)
    predicted = cross_val_predict(forest, features(patches.images), patches.carbon, cv=5)
    r2 = 1 - np.sum((predicted - patches.carbon) ** 2) / np.sum((patches.carbon - patches.carbon.mean()) ** 2)
    assert 0.3 < r2 < 0.7
    assert not leak(*patches.split()).flag


def test_patches_of_another_billet_carry_its_name() -> None:
    other = synthetic.billet(3, 0.15, 32, mm_per_px=0.5, name="stirred", stirring=1.0)
    assert other.billet.tolist() == ["stirred"] * 3


def test_progress_of_the_section_is_told() -> None:
    told = []
    synthetic.billet(1, 0.1, 8, mm_per_px=0.5, section=True, progress=lambda *done: told.append(done))
    assert told == [(1, 1)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 0}, "points = 0"),
        ({"points": 1.5}, "points = 1.5"),
        ({"diameter": 0.05}, "diameter = 0.05: must lie between 0.1 and 1.2 m"),
        ({"diameter": "wide"}, "diameter = 'wide'"),
        ({"diameter": float("nan")}, "diameter = nan"),
        ({"image_size": 4}, "image_size = 4"),
        ({"image_size": 5000}, "image_size = 5000: patches of 500 mm do not fit"),
        ({"mm_per_px": 0.001}, "mm_per_px = 0.001"),
        (
            {"mm_per_px": 0.02, "section": True},
            "mm_per_px = 0.02: a section of 30400 x 30400 px is too large",
        ),
        ({"rng": -1}, "rng = -1"),
        ({"carbon": 4.2}, "carbon = 4.2: must lie between 0.17 and 0.8 wt%"),
        ({"stirring": float("nan")}, "stirring = nan"),
        ({"noise": "much"}, "noise = 'much'"),
        ({"quenching": 1.0}, "quenching: is no knob of the process; they are carbon, stirring"),
        ({"name": 1.5}, "billet: must be integers or text"),
    ],
)
def test_bad_arguments_are_refused_by_name(options: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        synthetic.billet(**{"points": 1, "image_size": 8, **options})


def test_a_billet_that_does_not_freeze_is_refused() -> None:
    with pytest.raises(ValueError, match=r"diameter = 1.2: .*still liquid inside"):
        structure(1.2, Process(cooling=0.2, superheat=80.0))


def test_the_knobs_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Process().carbon = 0.5


def test_numbers_of_a_lattice_are_uniform_and_independent() -> None:
    n = np.arange(-200, 200)
    values = uniform(5, n[None, :], n[:, None])
    assert values.min() >= 0
    assert values.max() < 1
    assert values.mean() == pytest.approx(0.5, abs=0.005)
    assert values.var() == pytest.approx(1 / 12, rel=0.01)
    for shifted in (values[1:] * values[:-1], values[:, 1:] * values[:, :-1]):
        assert shifted.mean() == pytest.approx(0.25, abs=0.003)
    assert np.array_equal(uniform(5, n[:7], n[:7]), np.diagonal(values)[:7])
    assert abs(np.corrcoef(uniform(6, n[None, :], n[:, None]).flat, values.flat)[0, 1]) < 0.01
