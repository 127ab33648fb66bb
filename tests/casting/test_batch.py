"""Batches: every candidate is the single solve, bit for bit, whoever its neighbours are."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import platform
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from references.limits import HANG
from references.strand import Floats, small_strand

from tundish.casting import (
    BatchSolution,
    Grid,
    Mold,
    Plan,
    Solution,
    Status,
    Steel,
    Strand,
    Zone,
    published_strand,
    solve,
    solve_batch,
)

TOLERANCE = {"float64": 1e-4, "float32": 1e-2}  # K; 1500 K in 24 bits are good to 1e-4
GRID = Grid(6, 7, 0.05, 0.1, grading=2.0)
WHERE: dict[str, Any] = {"probes": [(0.0, 0.0), (0.011, 0.017)], "sections": [0.13, 1.5]}
MODES = [(m, p) for m in ("adi", "sor") for p in ("enthalpy", "correction")]


def cooling(n: int) -> dict[str, Floats]:
    return {"zones.0.htc.x": np.linspace(300.0, 900.0, n), "mold.heat_flux.y": np.linspace(1.2e6, 0.8e6, n)}


def assert_same(batch: BatchSolution, n: int, solution: Solution) -> None:
    """Every field, bit for bit; NaN is NaN."""
    assert set(batch.fields) == set(solution.fields)
    for name, values in solution.fields.items():
        np.testing.assert_array_equal(batch.fields[name][n], values, err_msg=f"{name} of candidate {n}")
        assert batch.fields[name].dtype == values.dtype
    assert batch.status[n] == solution.status
    assert batch.status_step[n] == solution.status_step
    assert batch.damping[n] == solution.damping


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_a_batch_is_a_loop(method: str, phase_change: str, dtype: str, strand: Strand) -> None:
    """19 candidates: whole registers and a rest, for any width of a register."""
    options = {
        "method": method,
        "phase_change": phase_change,
        "dtype": dtype,
        "tolerance": TOLERANCE[dtype],
        **WHERE,
    }
    changes = cooling(19)
    batch = solve_batch(strand, changes, GRID, threads=2, **options)
    for n in range(19):
        candidate = strand.replace({name: values[n] for name, values in changes.items()})
        assert_same(batch, n, solve(candidate, GRID, **options))


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
@pytest.mark.parametrize("candidates", [1, 2, 7, 8, 9, 33])
def test_any_number_of_candidates_and_threads(candidates: int, threads: int, strand: Strand) -> None:
    changes = cooling(33)
    every = solve_batch(strand, changes, GRID, threads=1, **WHERE)
    part = {name: values[:candidates] for name, values in changes.items()}
    batch = solve_batch(strand, part, GRID, threads=threads, **WHERE)
    assert len(batch) == candidates
    for name, values in batch.fields.items():
        np.testing.assert_array_equal(values, every.fields[name][:candidates], err_msg=name)


@pytest.mark.parametrize(("method", "phase_change"), [("adi", "enthalpy"), ("sor", "correction")])
def test_all_parameters_at_once(method: str, phase_change: str, strand: Strand) -> None:
    """Every name of the strand differs in every candidate, those of the steel included."""
    rng = np.random.default_rng(1)
    changes = {}
    for name, value in strand.parameters().items():
        narrow = name.endswith(("_temperature", "solidus", "liquidus", "melting")) or "conductivity." in name
        changes[name] = value * (1 + (0.003 if narrow else 0.05) * rng.uniform(-1, 1, 11))
    options = {"method": method, "phase_change": phase_change, "tolerance": 1e-4, **WHERE}
    batch = solve_batch(strand, changes, GRID, threads=2, **options)
    for n in range(11):
        candidate = strand.replace({name: values[n] for name, values in changes.items()})
        assert_same(batch, n, solve(candidate, GRID, **options))
    assert np.unique(batch.metallurgical_length).size == 11


@pytest.mark.parametrize("name", ["steel.latent_heat", "pouring_temperature", "speed", "steel.solidus"])
def test_one_parameter_alone(name: str, strand: Strand) -> None:
    values = strand.parameters()[name] * np.linspace(0.999, 1.001, 5)
    batch = solve_batch(strand, {name: values}, GRID, **WHERE)
    for n, value in enumerate(values):
        assert_same(batch, n, solve(strand.replace({name: value}), GRID, **WHERE))


def test_a_table_steel_in_a_batch() -> None:
    rows = [
        (300.0, 1.0, 7200.0, 700.0, 30.0),
        (1650.0, 1.0, 7200.0, 720.0, 32.0),
        (1700.0, 0.0, 7000.0, 800.0, 60.0),
    ]
    strand = small_strand(Steel.from_table(rows, latent_heat=250e3))
    values = np.array([150e3, 250e3, 300e3])
    batch = solve_batch(strand, {"steel.latent_heat": values}, GRID, **WHERE)
    for n, value in enumerate(values):
        assert_same(batch, n, solve(strand.replace({"steel.latent_heat": value}), GRID, **WHERE))
    assert np.all(np.diff(batch.metallurgical_length) > 0)


def test_sections_too_large_for_lanes() -> None:
    """Above some memory a job carries one candidate: nothing else changes."""
    published = published_strand()
    strand = dataclasses.replace(published, length=1.2, zones=published.zones[:1])
    large, changes = Grid(160, 160, 1e-2, 4e-2), cooling(3)
    options: dict[str, Any] = {"outputs": ["centre_temperature", "heat"]}
    batch = solve_batch(strand, changes, large, **options)
    for n in range(3):
        candidate = strand.replace({name: values[n] for name, values in changes.items()})
        assert_same(batch, n, solve(candidate, large, **options))


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_the_order_of_the_candidates_does_not_matter(method: str, phase_change: str, strand: Strand) -> None:
    order = np.random.default_rng(0).permutation(21)
    changes = cooling(21)
    options = {"method": method, "phase_change": phase_change, "tolerance": 1e-4, **WHERE}
    a = solve_batch(strand, changes, GRID, **options)
    b = solve_batch(strand, {name: values[order] for name, values in changes.items()}, GRID, **options)
    for name, values in a.fields.items():
        np.testing.assert_array_equal(values[order], b.fields[name], err_msg=name)


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_a_candidate_that_diverges_leaves_its_neighbours_alone(
    method: str, phase_change: str, strand: Strand
) -> None:
    flux = np.full(9, 1.2e6)
    flux[[2, 5]] = 5e7
    options = {"method": method, "phase_change": phase_change, "tolerance": 1e-4, **WHERE}
    with pytest.warns(RuntimeWarning, match="2 of 9 candidates failed; candidate 2: diverged"):
        batch = solve_batch(strand, {"mold.heat_flux.x": flux}, GRID, **options)
    np.testing.assert_array_equal(batch.status == Status.DIVERGED, flux == 5e7)
    np.testing.assert_array_equal(np.isnan(batch.metallurgical_length), flux == 5e7)
    sound = solve(strand, GRID, **options)
    for n in np.flatnonzero(flux == 1.2e6):
        assert_same(batch, n, sound)
    with pytest.warns(RuntimeWarning, match="diverged"):
        assert_same(batch, 2, solve(strand.replace({"mold.heat_flux.x": 5e7}), GRID, **options))


@pytest.mark.filterwarnings("ignore:.*diverged:RuntimeWarning")
@pytest.mark.parametrize("liquidus", [[1700.0, 1790.0], [1700.0]], ids=["two", "one"])
def test_the_range_of_a_steel_is_its_own(liquidus: list[float]) -> None:
    """A melt heated past 400 K above its own liquidus has left the range, whatever the others are."""
    zones = [Zone(0.5, heat_flux=-1e5)]
    heated = small_strand(length=0.5, mold=Mold(0.2, heat_flux=-9e5), zones=zones)
    batch = solve_batch(heated, {"steel.liquidus": liquidus}, GRID)
    alone = [solve(heated.replace({"steel.liquidus": value}), GRID) for value in liquidus]
    assert [s.status for s in alone] == [Status.DIVERGED, Status.CONVERGED][: len(alone)]
    for n, solution in enumerate(alone):
        assert_same(batch, n, solution)


HASH = """
import hashlib
import numpy as np
from tundish import _core
from tundish.casting import Grid, published_strand, solve, solve_batch

strand, grid, digest = published_strand(), Grid(6, 7, 0.1, 0.3, grading=2.0), hashlib.sha256()
probes = [(0.0, 0.0), (0.055, 0.071)]
changes = {"zones.0.htc.x": np.linspace(300.0, 900.0, 11), "steel.latent_heat": np.linspace(1.7e5, 2e5, 11)}
names = ["speed", "steel.latent_heat", "zones.0.htc.x"]
for method in ("adi", "sor"):
    for phase_change in ("enthalpy", "correction"):
        for dtype in ("float64", "float32"):
            options = {"method": method, "phase_change": phase_change, "dtype": dtype,
                       "tolerance": 1e-4 if dtype == "float64" else 1e-2, "probes": probes,
                       "sections": [0.13, 1.5]}
            runs = [solve_batch(strand, changes, grid, **options), solve(strand, grid, **options)]
            runs.append(solve(strand, grid, gradient=names, **options))
            for run in runs:
                for name in sorted(run.fields):
                    digest.update(np.ascontiguousarray(run.fields[name]).tobytes())
print(_core.instruction_set(), digest.hexdigest())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other machines have one build")
def test_instruction_sets_agree_bit_for_bit() -> None:
    """All methods, both precisions, batches and derivatives; a process for each build (1 s)."""
    digests = {}
    for isa in ("x86-64-v2", "x86-64-v3", "x86-64-v4"):
        run = subprocess.run(
            [sys.executable, "-c", HASH],
            env={**os.environ, "TUNDISH_ISA": isa},
            capture_output=True,
            text=True,
            timeout=HANG,
        )
        if "this machine lacks" in run.stderr:
            continue
        assert run.returncode == 0, run.stderr
        used, digests[isa] = run.stdout.split()
        assert used == isa
    assert "x86-64-v2" in digests
    assert len(set(digests.values())) == 1, digests


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other machines have one build")
def test_an_unknown_instruction_set_is_refused() -> None:
    code = "from tundish import _core; _core.instruction_set()"
    environment = {**os.environ, "TUNDISH_ISA": "x86-64-v9"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG)
    assert run.returncode != 0
    assert "TUNDISH_ISA=x86-64-v9: must be x86-64-v2" in run.stderr


MEMORY = """
import json, resource
import numpy as np
from tundish.casting import Grid, published_strand, solve_batch

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux

strand, asked = published_strand(), {"outputs": ["metallurgical_length"], "threads": 2}
solve_batch(strand, {"speed": [0.04, 0.041]}, Grid(3, 3, 0.1, 0.5), **asked)
seen = [peak()]
for name, low, high, candidates, grid in (
    ("speed", 0.039, 0.042, 5000, Grid(5, 5, 0.1, 0.5)),
    ("steel.latent_heat", 1.8e5, 2e5, 300, Grid(5, 5, 0.1, 0.5)),
    ("speed", 0.039, 0.042, 60, Grid(150, 150, 0.25, 0.7)),
):
    solve_batch(strand, {name: np.linspace(low, high, candidates)}, grid, **asked)
    seen.append(peak())
print(json.dumps(seen))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts in other units elsewhere")
def test_memory_is_that_of_the_outputs_and_64_mb_a_thread() -> None:
    """Many candidates, many steels, and 60 large sections that would fill 0.1 GB if all were held at once."""
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, timeout=HANG)
    assert run.returncode == 0, run.stderr
    before, *after = json.loads(run.stdout)
    assert max(after) - before < 2 * 64e6


def test_outputs_restrict_the_fields(strand: Strand) -> None:
    batch = solve_batch(strand, cooling(5), GRID, outputs=["heat", "iterations"])
    assert sorted(batch.fields) == ["heat", "iterations"]
    whole = solve_batch(strand, cooling(5), GRID)
    np.testing.assert_array_equal(batch.heat, whole.heat)
    with pytest.raises(AttributeError, match="outputs="):
        _ = batch.metallurgical_length
    assert solve_batch(strand, cooling(5), GRID, outputs=[]).fields == {}


@pytest.mark.parametrize("candidates", [1, 9, 1500])
def test_progress_rises_and_ends_with_all(candidates: int, strand: Strand) -> None:
    seen: list[tuple[int, int]] = []
    solve_batch(strand, cooling(candidates), GRID, progress=lambda done, total: seen.append((done, total)))
    done = [d for d, _ in seen]
    assert {total for _, total in seen} == {candidates}
    assert done == sorted(done)
    assert done[0] >= 0
    assert seen[-1] == (candidates, candidates)


def test_progress_is_called_on_the_way(strand: Strand) -> None:
    """About every 50 ms; the batch grows until the machine takes longer than that."""
    seen: list[int] = []
    options: dict[str, Any] = {"outputs": ["metallurgical_length"], "threads": 1}
    grid = Grid(25, 25, 5e-3, 1e-2)
    candidates = 128
    while not any(0 < done < candidates for done in seen) and candidates < 1 << 20:
        candidates *= 2
        seen.clear()
        solve_batch(strand, cooling(candidates), grid, progress=lambda done, _: seen.append(done), **options)
    assert any(0 < done < candidates for done in seen)


def test_an_error_in_the_callback_ends_the_batch(strand: Strand) -> None:
    def stop(done: int, total: int) -> None:
        raise LookupError(f"enough after {done} of {total}")

    with pytest.raises(LookupError, match="enough after"):
        solve_batch(strand, cooling(9), GRID, progress=stop)


def test_a_candidate_is_a_solution(strand: Strand) -> None:
    changes = cooling(5)
    batch = solve_batch(strand, changes, GRID, gradient=["speed"], **WHERE)
    for n in (0, 3, -1):
        candidate = batch.candidate(n)
        expected = strand.replace({name: float(values[n]) for name, values in changes.items()})
        assert candidate.strand.parameters() == expected.parameters()
        solution = solve(expected, GRID, gradient=["speed"], **WHERE)
        assert set(candidate.fields) == set(solution.fields)
        for name, values in solution.fields.items():
            np.testing.assert_array_equal(candidate.fields[name], values, err_msg=name)
        assert candidate.success
        assert candidate.message == "converged"
        assert candidate.gradient == ("speed",)
        np.testing.assert_array_equal(candidate.z, solution.z)
        assert repr(candidate) == repr(solution)
    with pytest.raises(IndexError):
        batch.candidate(5)


def test_a_batch_knows_its_parameters(strand: Strand) -> None:
    batch = solve_batch(strand, {"speed": [0.02, 0.03], "zones.1.htc.y": (300, 310)}, GRID)
    assert list(batch.parameters) == ["speed", "zones.1.htc.y"]
    np.testing.assert_array_equal(batch.parameters["zones.1.htc.y"], [300.0, 310.0])
    assert len(batch) == 2
    assert np.all(batch.success)
    assert batch.message == "converged"
    assert "2 candidates" in repr(batch)


def test_shapes_of_a_batch(strand: Strand) -> None:
    batch = solve_batch(strand, cooling(4), GRID, gradient=["speed", "steel.partition"], **WHERE)
    z = batch.z.size
    shapes = {
        "probe_temperature": (4, 2, z),
        "centre_temperature": (4, z),
        "corner_temperature": (4, z),
        "face_temperature": (4, 2, z),
        "shell_thickness": (4, 2, z),
        "solid_fraction": (4, z),
        "liquid_fraction": (4, z),
        "heat": (4, z),
        "section_temperature": (4, 2, 7, 6),
        "metallurgical_length": (4,),
        "energy_imbalance": (4,),
        "iterations": (4, z - 1),
        "probe_gradient": (4, 2, 2, z),
        "metallurgical_length_gradient": (4, 2),
    }
    assert {name: values.shape for name, values in batch.fields.items()} == shapes


def test_a_batch_counts_the_candidates_in_doubt(strand: Strand) -> None:
    batch = solve_batch(strand, {"speed": [0.02, 0.021, 0.022]}, Grid(accuracy=1))
    sound = {"faces": 1.0, "corner": 2.0, "shell": 2e-3, "length": 20e-3}
    error = {name: np.full(3, value) for name, value in sound.items()}

    def message(**changes: list[float]) -> str:
        changed = error | {name: np.array(values) for name, values in changes.items()}
        return dataclasses.replace(batch, error_estimate=changed).message

    assert message() == "converged"
    said = message(shell=[0.0, 1.0, 0.0])
    assert said.endswith("; error estimates of 1 candidate exceed what was asked for (shell): ask for a "
                         "smaller accuracy")  # fmt: skip
    said = message(faces=[2.0, 0.0, 0.0], length=[1.0, 0.03, np.inf])
    assert "of 2 candidates exceed what was asked for (faces, length): ask for" in said
    assert "ends about where the centre solidifies in 1 candidate: the length may" in said


def test_batches_copy_pickle_and_have_estimates_in_their_dataset(strand: Strand) -> None:
    pytest.importorskip("xarray")
    batch = solve_batch(strand, {"speed": [0.02, 0.021]})
    for other in (copy.copy(batch), copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert other == batch
        assert other.candidate(1) == batch.candidate(1)
    assert batch != batch.candidate(0)
    assert batch.error_estimate is not None
    variable = batch.to_xarray()["error_estimate_length"]
    assert variable.dims == ("candidate",)
    np.testing.assert_array_equal(variable, batch.error_estimate["length"])


def test_a_chosen_grid_is_that_of_the_strand_for_all_candidates(strand: Strand) -> None:
    """Bit-equal to a plan of one; a solve of the candidate's own strand has other steps."""
    speed = strand.speed * np.array([0.8, 1.1])
    batch = solve_batch(strand, {"speed": speed})
    plan = Plan(strand)
    for n in range(2):
        assert plan.run({"speed": speed[n : n + 1]}).candidate(0) == batch.candidate(n)
        own = solve(batch.candidate(n).strand)
        assert own.z.size != batch.z.size
        error = (own.error_estimate or {})["length"] + batch.candidate(n).error_estimate["length"]
        assert abs(own.metallurgical_length - batch.metallurgical_length[n]) <= error
