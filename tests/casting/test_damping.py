"""Strands that large steps set rocking: marched again, damped, and said so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tundish.casting import Grid, Mold, Status, Steel, Strand, Zone, published_strand, solve, solve_batch
from tundish.cli.main import main


@pytest.fixture(scope="module")
def rocking() -> Strand:
    """A thin section of a steel whose liquid conducts 5.7 times better; undamped it diverges."""
    steel = Steel.scheil(
        solidus=1713.24,
        liquidus=1788.14,
        pure_iron_melting=1803.17,
        partition=0.8255,
        latent_heat=272659.0,
        specific_heat=(501.0, 737.29),
        density=(7016.25, 6887.35),
        conductivity=(19.6932, 0.0070143),
        liquid_conductivity_factor=5.6973,
    )
    return Strand(
        steel,
        width=0.23006,
        thickness=0.06875,
        length=3.0,
        speed=0.0199912,
        pouring_temperature=1827.247,
        ambient_temperature=350.11,
        mold=Mold(0.19991, heat_flux=(1444296.0, 1085930.0)),
        zones=[Zone(3.0, htc=(596.66, 392.31))],
    )


def small_steps(strand: Strand) -> Grid:
    grid = Grid().resolve(strand)
    assert grid.dz_mold is not None
    assert isinstance(grid.dz_spray, tuple)
    return dataclasses.replace(grid, dz_mold=grid.dz_mold / 8, dz_spray=tuple(dz / 8 for dz in grid.dz_spray))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_strand_that_rocks_is_damped(rocking: Strand, dtype: str) -> None:
    """Eight times smaller steps need no damping, and are what the damped march is near."""
    damped = solve(rocking, dtype=dtype)
    assert damped.status == Status.CONVERGED
    assert damped.damping >= 1
    assert "damped" in damped.message
    assert "Smaller steps" in damped.message
    fine = solve(rocking, small_steps(rocking), dtype=dtype)
    assert fine.damping == 0
    assert fine.message == "converged"
    # The corner swings by 30 K in the first centimetres; SOR on the same grid is as far off for longer.
    for name, allowed in {"centre_temperature": 1.0, "corner_temperature": 10.0}.items():
        reference = np.interp(damped.z, fine.z, getattr(fine, name))
        assert np.sqrt(np.mean((getattr(damped, name) - reference) ** 2)) < allowed, name
    assert damped.metallurgical_length == pytest.approx(fine.metallurgical_length, rel=0.01)
    assert damped.energy_imbalance < (1e-13 if dtype == "float64" else 1e-3)
    assert np.max(damped.centre_temperature) <= rocking.pouring_temperature + 1e-2


def test_damping_one_candidate_leaves_its_neighbours_alone(rocking: Strand) -> None:
    """In one register: some are damped, some not, and all are what they are alone, bit for bit."""
    columns = {"steel.liquid_conductivity_factor": np.linspace(1.0, 6.0, 11)}
    batch = solve_batch(rocking, columns, probes=[(0.05, 0.02)])
    assert np.all(batch.success)
    assert 0 < np.count_nonzero(batch.damping) < 11
    assert "candidates were damped" in batch.message
    for n, factor in enumerate(columns["steel.liquid_conductivity_factor"]):
        alone = solve(
            rocking.replace({"steel.liquid_conductivity_factor": float(factor)}), probes=[(0.05, 0.02)]
        )
        assert alone.damping == batch.damping[n]
        np.testing.assert_array_equal(batch.probe_temperature[n], alone.probe_temperature)


def test_derivatives_are_those_of_the_damped_march(rocking: Strand) -> None:
    """Ten parameters take more than one block of tangents; all blocks are damped alike."""
    names = [name for name in rocking.parameters() if not name.startswith("steel")]
    names += ["steel.latent_heat", "steel.liquid_conductivity_factor"]
    probes = [(0.1, 0.03), (0.02, 0.034)]
    whole = solve(rocking, probes=probes, gradient=names)
    plain = solve(rocking, probes=probes)
    assert len(names) > 8
    assert whole.damping == plain.damping >= 1
    np.testing.assert_allclose(whole.probe_temperature, plain.probe_temperature, rtol=1e-12)
    for k, name in enumerate(names):
        one = solve(rocking, probes=probes, gradient=[name]).probe_gradient[0]
        scale = np.max(np.abs(one))
        np.testing.assert_allclose(whole.probe_gradient[k], one, atol=1e-9 * scale, err_msg=name)


def test_heat_from_outside_is_no_divergence() -> None:
    """The ceiling is the pouring temperature only where nothing heats the strand."""
    heated = Strand(
        published_strand().steel,
        width=0.1,
        thickness=0.1,
        length=0.5,
        speed=0.02,
        pouring_temperature=1780.0,
        ambient_temperature=300.0,
        mold=Mold(0.2, heat_flux=(-2e5, 0.0)),
        zones=[Zone(0.5, htc=(0.0, 0.0))],
    )
    solution = solve(heated, Grid(12, 12, 0.01, 0.02))
    assert solution.damping == 0
    assert np.max(solution.face_temperature) > heated.pouring_temperature + 20.0
    in_a_furnace = heated.replace(
        {"mold.heat_flux.x": 0.0, "zones.0.htc.x": 800.0, "ambient_temperature": 1900.0}
    )
    assert solve(in_a_furnace, Grid(12, 12, 0.01, 0.02)).damping == 0


def test_the_command_line_says_so(
    rocking: Strand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A remark in the summary, and exit status 0: the march did converge."""
    p = rocking.parameters()

    def pair(name: str, *ends: str) -> list[float]:
        return [p[f"{name}.{end}"] for end in ends]

    case = tmp_path / "rocking.toml"
    case.write_text(
        f"""
        [strand]
        width = {rocking.width}
        thickness = {rocking.thickness}
        length = {rocking.length}
        speed = {p["speed"]}
        pouring_temperature = {p["pouring_temperature"]}
        ambient_temperature = {p["ambient_temperature"]}
        [steel]
        kind = "scheil"
        solidus = {p["steel.solidus"]}
        liquidus = {p["steel.liquidus"]}
        pure_iron_melting = {p["steel.pure_iron_melting"]}
        partition = {p["steel.partition"]}
        latent_heat = {p["steel.latent_heat"]}
        specific_heat = {pair("steel.specific_heat", "solid", "liquid")}
        density = {pair("steel.density", "solid", "liquid")}
        conductivity = {pair("steel.conductivity", "0", "1")}
        liquid_conductivity_factor = {p["steel.liquid_conductivity_factor"]}
        [mold]
        length = {rocking.mold.length}
        heat_flux = {pair("mold.heat_flux", "x", "y")}
        [[zones]]
        end = {rocking.length}
        htc = {pair("zones.0.htc", "x", "y")}
        """,
        "utf-8",
    )
    assert main(["cast", str(case)]) == 0
    out = capsys.readouterr().out
    assert "damped                converged, damped (" in out
    assert main(["cast", str(case), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["damping"] >= 1
