"""Derivatives: every one of them against central differences, and beside the values that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from references.strand import scheil, small_strand

from tundish.casting import Grid, Mold, Solution, Steel, Strand, Zone, published_strand, solve, solve_batch

GRID = Grid(5, 6, 0.05, 0.1, grading=2.0)
PROBES = [(0.0, 0.0), (0.011, 0.017), (0.02, 0.013)]
# Differences over these steps: where a node freezes one step earlier there is a kink (a jump with lagged
# properties), so the best of them counts.
STEPS = (1e-4, 1e-5, 2e-6, 5e-7, 1e-7, 2e-8)
MODES = [("adi", "enthalpy"), ("adi", "correction"), ("sor", "enthalpy"), ("sor", "correction")]
# Conduction, convection and a flux on both faces of everything.
FULL = small_strand(
    mold=Mold(0.2, heat_flux=(1e6, 8e5), htc=(150.0, 100.0)),
    zones=[Zone(0.7, htc=(500.0, 400.0), heat_flux=(2e4, 1e4)), Zone(1.5, htc=(300.0, 350.0))],
)
TABLE = Steel.from_table(
    [
        (300.0, 1.0, 7300.0, 600.0, 25.0),
        (1650.0, 1.0, 7200.0, 720.0, 30.0),
        (1690.0, 0.6, 7100.0, 760.0, 40.0),
        (1720.0, 0.0, 7000.0, 800.0, 60.0),
    ],
    latent_heat=250e3,
)


def off(exact: ArrayLike, values: Callable[[float], ArrayLike], at: float) -> float:
    """Root mean square of what the derivative is off, over that of the derivative; the best of all steps."""
    misses = []
    for step in STEPS:
        change = np.subtract(values(at * (1 + step)), values(at * (1 - step))) / (2 * step * at)
        misses.append(float(np.sqrt(np.mean((change - exact) ** 2) / np.mean(change**2))))
    return min(misses)


def checked(strand: Strand, names: list[str], allowed: float, **options: Any) -> None:
    solution = solve(strand, GRID, probes=PROBES, gradient=names, **options)
    assert np.isfinite(solution.metallurgical_length)
    assert solution.probe_gradient.shape == (len(names), len(PROBES), solution.z.size)
    for n, name in enumerate(names):

        def solved(value: float, name: str = name) -> Solution:
            return solve(strand.replace({name: value}), GRID, probes=PROBES, **options)

        at = strand.parameters()[name]
        readings = off(solution.probe_gradient[n], lambda v: solved(v).probe_temperature, at)
        length = off(solution.metallurgical_length_gradient[n], lambda v: solved(v).metallurgical_length, at)
        assert readings < allowed, name
        assert length < allowed, name


@pytest.mark.parametrize("part", ["speed", "_temperature", "mold.", "zones.", "steel."])
def test_derivatives_by_every_parameter(part: str) -> None:
    """1e-5: a difference over 1e-6 of a parameter loses six digits, and some more to curvature."""
    checked(FULL, [name for name in FULL.parameters() if part in name], 1e-5)


@pytest.mark.parametrize(("method", "phase_change"), MODES[1:])
def test_derivatives_of_the_other_schemes(method: str, phase_change: str) -> None:
    """Sweeps end when the temperatures have converged; the derivatives follow them, here to 1e-10 K.

    With the correction a node that freezes a step earlier makes a small jump, which the differences see.
    """
    # Differences also see the narrow pieces at solidus and liquidus, whose places move with the steel.
    allowed = 1e-3 if phase_change == "correction" else 2e-3
    names = ["speed", "mold.heat_flux.x", "zones.0.htc.y", "pouring_temperature"]
    names += ["steel.latent_heat", "steel.solidus", "steel.liquidus", "steel.conductivity.0"]
    strand = small_strand(scheil(solidus=1671.7, liquidus=1727.3))
    checked(strand, names, allowed, method=method, phase_change=phase_change, tolerance=1e-10)


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_small_changes_of_the_steel_are_small(method: str, phase_change: str) -> None:
    """Wherever the knots of the tables lie: the published solidus and liquidus are knots themselves."""
    options: dict[str, Any] = {"method": method, "phase_change": phase_change, "tolerance": 1e-9}
    for name in ("steel.solidus", "steel.liquidus", "steel.pure_iron_melting", "steel.partition"):
        at = small_strand().parameters()[name]
        above, below = (
            solve(small_strand().replace({name: at * (1 + s)}), GRID, probes=PROBES, **options)
            for s in (1e-9, -1e-9)
        )
        # A change of 4e-6 K; the derivatives are at most 40 K/K, and sweeps are good to 1e-6 K.
        difference = np.abs(above.probe_temperature - below.probe_temperature).max()
        assert difference < 1e-3, f"{name}: {difference:.3g} K"


@pytest.mark.parametrize("residual", ["solidus", "rescale"])
def test_derivatives_with_other_residuals(residual: str) -> None:
    names = ["steel.partition", "steel.latent_heat", "steel.solidus", "steel.liquidus", "zones.0.htc.x"]
    checked(small_strand(scheil(residual=residual)), names, 1e-5)


def test_derivatives_with_a_table() -> None:
    checked(small_strand(TABLE), ["steel.latent_heat", "pouring_temperature", "zones.1.htc.y"], 1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_values_are_the_same_with_derivatives(method: str, phase_change: str, dtype: str) -> None:
    """Bit for bit, whatever is asked for: derivatives by the steel carry their own tables."""
    tolerance = 1e-6 if dtype == "float64" else 1e-2
    options = {"method": method, "phase_change": phase_change, "dtype": dtype, "tolerance": tolerance}
    options |= {"probes": PROBES, "sections": [0.3, 1.5]}
    plain = solve(FULL, GRID, **options)
    for names in (["speed"], ["steel.solidus", "zones.0.htc.x"], list(FULL.parameters())):
        solution = solve(FULL, GRID, gradient=names, **options)
        for name, values in plain.fields.items():
            np.testing.assert_array_equal(solution.fields[name], values, err_msg=name)
        assert solution.gradient == tuple(names)


def test_each_derivative_is_the_same_in_any_company() -> None:
    """More than 8 names take several runs; which ones share a run, and in what order, does not matter."""
    names = list(FULL.parameters())
    assert len(names) > 24
    every = solve(FULL, GRID, probes=PROBES, gradient=names)
    order = np.random.default_rng(2).permutation(len(names))
    shuffled = solve(FULL, GRID, probes=PROBES, gradient=[names[n] for n in order])
    np.testing.assert_array_equal(every.probe_gradient[order], shuffled.probe_gradient)
    by_length = every.metallurgical_length_gradient
    np.testing.assert_array_equal(by_length[order], shuffled.metallurgical_length_gradient)
    for n in (0, 1, 9, len(names) - 1):
        alone = solve(FULL, GRID, probes=PROBES, gradient=[names[n]])
        np.testing.assert_array_equal(every.probe_gradient[n], alone.probe_gradient[0])
        assert by_length[n] == alone.metallurgical_length_gradient[0]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_derivatives_do_not_depend_on_threads(threads: int) -> None:
    names = list(FULL.parameters())
    one = solve(FULL, GRID, probes=PROBES, gradient=names, threads=1)
    many = solve(FULL, GRID, probes=PROBES, gradient=names, threads=threads)
    np.testing.assert_array_equal(one.probe_gradient, many.probe_gradient)


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_derivatives_of_a_batch(method: str, phase_change: str) -> None:
    """Every candidate's are those of the single solve, bit for bit, with steels that differ."""
    options: dict[str, Any] = {"method": method, "phase_change": phase_change, "probes": PROBES}
    names = ["zones.0.htc.x", "zones.1.htc.y", "mold.heat_flux.y", "speed", "pouring_temperature"]
    names += ["ambient_temperature", "steel.latent_heat", "steel.solidus", "steel.liquidus"]
    options["gradient"] = names
    changes = {"steel.latent_heat": np.linspace(1.8e5, 2e5, 5), "zones.0.htc.x": np.linspace(400.0, 600.0, 5)}
    batch = solve_batch(FULL, changes, GRID, threads=2, **options)
    assert batch.probe_gradient.shape == (5, 9, 3, batch.z.size)
    for n in range(5):
        alone = solve(FULL.replace({name: values[n] for name, values in changes.items()}), GRID, **options)
        for name, values in alone.fields.items():
            np.testing.assert_array_equal(batch.fields[name][n], values, err_msg=name)


def test_derivatives_in_float32() -> None:
    """Four digits: 24 bits, and 20 steps."""
    names = list(FULL.parameters())
    a, b = (solve(FULL, GRID, probes=PROBES, gradient=names, dtype=d) for d in ("float64", "float32"))
    assert b.probe_gradient.dtype == np.float32
    for n, name in enumerate(names):
        difference = b.probe_gradient[n] - a.probe_gradient[n]
        assert np.sqrt(np.mean(difference**2) / np.mean(a.probe_gradient[n] ** 2)) < 5e-3, name
    np.testing.assert_allclose(b.metallurgical_length_gradient, a.metallurgical_length_gradient, rtol=1e-2)


def test_derivatives_at_the_meniscus() -> None:
    """There the temperature is the pouring temperature, and nothing else counts."""
    solution = solve(FULL, GRID, probes=PROBES, gradient=["pouring_temperature", "zones.0.htc.x", "speed"])
    np.testing.assert_allclose(solution.probe_gradient[0, :, 0], 1.0, rtol=1e-6)  # through the tables
    np.testing.assert_array_equal(solution.probe_gradient[1:, :, 0], 0.0)
    mould = solution.z <= 0.2
    np.testing.assert_array_equal(solution.probe_gradient[1][:, mould], 0.0)  # the zone comes later


@pytest.mark.parametrize("name", ["speed", "zones.2.htc.x", "steel.latent_heat"])
def test_the_length_follows_its_derivative(name: str) -> None:
    """Over changes of all sizes, on the default grid: an optimiser may follow it.

    Over 2 % the length moves through many steps of 3 cm, each of which bends it a little.
    """
    strand = published_strand()
    # The coarser of the two meshes solidifies later: faster, its centre would not be solid within the strand.
    values = strand.parameters()[name] * (
        np.linspace(0.985, 1.005, 41) if name == "speed" else np.linspace(0.99, 1.01, 41)
    )
    outputs = ["metallurgical_length", "metallurgical_length_gradient"]
    batch = solve_batch(strand, {name: values}, gradient=[name], outputs=outputs)
    length, slope = batch.metallurgical_length, batch.metallurgical_length_gradient[:, 0]
    for size in (1, 2, 4, 10):  # in steps of 0.05 %, up and down
        change = (length[2 * size :] - length[: -2 * size]) / (values[2 * size :] - values[: -2 * size])
        off = slope[size:-size] / change - 1
        assert np.sqrt(np.mean(off**2)) < 0.25, size


def test_a_length_that_is_infinite_has_no_derivative() -> None:
    cut = small_strand(length=0.5, zones=[Zone(0.5, htc=(300.0, 300.0))])
    for method, phase_change in MODES:
        options: dict[str, Any] = {"method": method, "phase_change": phase_change}
        solution = solve(cut, GRID, gradient=["speed", "steel.latent_heat"], **options)
        assert np.isinf(solution.metallurgical_length)
        assert np.all(np.isnan(solution.metallurgical_length_gradient))


def test_gradient_fields_are_there_only_when_asked_for() -> None:
    solution = solve(FULL, GRID, probes=PROBES)
    assert "probe_gradient" not in solution.fields
    with pytest.raises(AttributeError, match="gradient="):
        _ = solution.probe_gradient
    only = solve(FULL, GRID, gradient=["speed"], outputs=["metallurgical_length_gradient"])
    assert list(only.fields) == ["metallurgical_length_gradient"]
    with pytest.raises(KeyError, match=r"gradient: 'mold.speed' is unknown"):
        solve(FULL, GRID, gradient=["mold.speed"])
    with pytest.raises(ValueError, match=r"gradient: 'speed' is given twice"):
        solve(FULL, GRID, gradient=["speed", "speed"])
    with pytest.raises(KeyError, match=r"zones.1.heat_flux.x"):  # not given, so no parameter
        solve(FULL, GRID, gradient=["zones.1.heat_flux.x"])
