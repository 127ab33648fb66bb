"""Plans: a strand on a grid, checked once and solved many times."""

from __future__ import annotations

import copy
import pickle
import types
from typing import Any

import numpy as np
import pytest

from tundish import ArgumentError, ArgumentTypeError, UnknownNameError, _core
from tundish.casting import (
    BatchSolution,
    Case,
    Grid,
    Measurements,
    Options,
    Plan,
    Solution,
    Strand,
    identify,
    identify_profile,
    read_case,
    solve,
    solve_batch,
)
from tundish.casting import _plan as module

PROBES = [(0.01, 0.01), (0.015, 0.02)]


def same(one: Solution, other: Solution) -> bool:
    """To the last bit, in every field."""
    assert one.fields.keys() == other.fields.keys()
    return all(np.array_equal(one.fields[n], other.fields[n], equal_nan=True) for n in one.fields)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plans of the C++ library that are made while a test runs."""
    made: list[str] = []

    def counted(name: str) -> Any:
        kind = getattr(_core, name)

        def count(self: Any, *arguments: Any) -> None:
            made.append(name)
            kind.__init__(self, *arguments)

        return type(kind)(name, (kind,), {"__init__": count})

    counting = types.ModuleType("_core")
    vars(counting).update(vars(_core))
    vars(counting).update({name: counted(name) for name in ("Plan64", "Plan32", "Stepper")})
    monkeypatch.setattr(module, "_core", counting)
    return made


def test_a_plan_runs_like_solve_and_solve_batch(strand: Strand, grid: Grid) -> None:
    keywords: dict[str, Any] = {"probes": PROBES, "sections": [0.5], "gradient": ["speed"]}
    plan = Plan(strand, grid, **keywords)
    assert same(plan.run(), solve(strand, grid, **keywords))
    values = {"zones.0.htc.x": [400.0, 600.0], "speed": [0.02, 0.03]}
    batch = plan.run(values)
    assert isinstance(batch, BatchSolution)
    assert same(batch, solve_batch(strand, values, grid, **keywords))
    assert same(plan.run(), solve(strand, grid, **keywords))  # nothing is left of the batch


def test_a_plan_describes_itself(strand: Strand, grid: Grid) -> None:
    plan = Plan(strand, probes=PROBES, outputs=["heat"], gradient=(), dtype="float32")
    assert plan.strand is strand
    assert plan.grid == Grid().resolve(strand)
    assert plan.options == Options(dtype="float32")
    assert plan.probes.tolist() == [list(place) for place in PROBES]
    assert (plan.outputs, plan.gradient) == (("heat",), ())
    assert (plan.x[-1], plan.y[-1], plan.z[-1]) == (strand.width / 2, strand.thickness / 2, strand.length)
    assert list(plan.run().fields) == ["heat"]
    assert "adi" in repr(Plan(strand, grid))


def test_plans_copy_and_pickle_by_what_they_were_made_of(strand: Strand, grid: Grid) -> None:
    for chosen, dtype in ((grid, "float32"), (None, "float64")):
        plan = Plan(strand, chosen, probes=PROBES, sections=[0.5], gradient=["speed"], dtype=dtype, threads=1)
        expected = plan.run()
        for other in (copy.copy(plan), copy.deepcopy(plan), pickle.loads(pickle.dumps(plan))):
            assert (other.grid, other.options, other.outputs) == (plan.grid, plan.options, plan.outputs)
            assert other.run() == expected


def test_cases_copy_and_pickle_by_value() -> None:
    case = read_case()
    for other in (copy.copy(case), copy.deepcopy(case), pickle.loads(pickle.dumps(case))):
        assert other == case
        assert other.plan.z.tobytes() == case.plan.z.tobytes()
    arrays = Case(case.strand, case.grid, np.array(case.probes), np.array(case.sections))  # type: ignore[arg-type]
    assert arrays == case


def test_progress_is_told(strand: Strand, grid: Grid) -> None:
    calls: list[tuple[int, int]] = []
    Plan(strand, grid, outputs=["heat"]).run({"speed": [0.02, 0.03]}, progress=lambda *n: calls.append(n))
    assert all(total == 2 for _, total in calls)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"strand": 1}, "strand"),
        ({"grid": 9}, "grid"),
        ({"probes": [1.0, 2.0]}, "probes"),
        ({"sections": [[0.5]]}, "sections"),
        ({"outputs": ["colour"]}, "outputs"),
        ({"gradient": ["colour"]}, "gradient"),
        ({"method": "magic"}, "method"),
        ({"dtype": "int8"}, "dtype"),
        ({"threads": 0}, "threads"),
        ({"grid": Grid(9, dz_mold=0.3, dz_spray=0.1)}, "dz_mold"),
        ({"sections": [2.0]}, "sections"),
        ({"relaxation": 2.0}, "relaxation"),
    ],
)
def test_what_cannot_be_solved_is_refused_when_the_plan_is_made(
    strand: Strand, grid: Grid, changes: dict[str, Any], argument: str
) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError, UnknownNameError)) as error:
        Plan(**{"strand": strand, "grid": grid, **changes})
    assert error.value.argument == argument
    assert error.value.allowed


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ([1.0], ArgumentTypeError),
        ({}, ArgumentError),
        ({"colour": [1.0]}, UnknownNameError),
        ({"speed": [0.02], "zones.0.htc.x": [1.0, 2.0]}, ArgumentError),
        ({"speed": []}, ArgumentError),
    ],
)
def test_parameters_that_cannot_be_are_refused(
    strand: Strand, grid: Grid, parameters: Any, kind: type[ArgumentError]
) -> None:
    with pytest.raises(kind) as error:
        Plan(strand, grid).run(parameters)
    assert error.value.argument == "parameters"


def test_a_march_that_fails_is_warned_of_where_it_was_asked_for(strand: Strand, grid: Grid) -> None:
    plan = Plan(strand, grid, method="sor", max_sweeps=2)
    with pytest.warns(RuntimeWarning, match="diverged") as warned:
        plan.run()
    assert warned[0].filename == __file__


def test_a_case_is_read_and_solved_by_one_plan(built: list[str]) -> None:
    case = read_case()
    assert case.solve().options == case.options
    assert case.plan.strand is case.strand
    assert built == ["Plan64"]


def test_a_case_keeps_its_plan_out_of_comparisons() -> None:
    case = read_case()
    same_case = Case(case.strand, case.grid, case.probes, case.sections)
    assert same_case == case
    assert same_case.plan is not case.plan
    assert Case(case.strand) != case


def test_an_identification_makes_a_plan_a_stage(strand: Strand, grid: Grid, built: list[str]) -> None:
    """One for the whole strand and one for each shorter part, however many runs and evaluations there are."""
    readings = Measurements.from_solution(solve(strand, grid, probes=PROBES), every=0.02, start=0.1)
    names = ["mold.heat_flux.x", "zones.0.htc.x"]
    start = strand.replace({name: 0.8 * strand.parameters()[name] for name in names})
    built.clear()
    identify(start, readings, names, grid=grid, noise="relative", runs=2, progress=False)
    assert built == ["Plan64"]
    built.clear()
    identify(start, readings, names, grid=grid, stages=[names[:1], names[1:]], progress=False)
    assert built == ["Plan64"] * 2
    built.clear()
    identify_profile(strand, readings, 5, grid=grid, noise=1.0, max_iterations=2)
    assert built == ["Plan64"]


def test_an_identification_in_stages_carries_on_what_was_found(strand: Strand, grid: Grid) -> None:
    """The second stage is solved with the first one's value: parameters of the steel, too."""
    readings = Measurements.from_solution(solve(strand, grid, probes=PROBES), every=0.02, start=0.1)
    names = ["steel.latent_heat", "zones.0.htc.x"]
    start = strand.replace({"steel.latent_heat": 1.02 * strand.parameters()["steel.latent_heat"]})
    found = identify(
        start, readings, names, grid=grid, stages=[names[:1], names], progress=False, max_evaluations=60
    )
    same_strand = solve(strand.replace(found.parameters), grid, probes=readings.sensors)
    z, sensor = readings.z, readings.sensor
    expected = [
        np.interp(z[n], same_strand.z, same_strand.probe_temperature[sensor[n]]) for n in range(z.size)
    ]
    assert found.temperature == pytest.approx(np.array(expected), rel=1e-12)
