"""How an identification ended, and what it refuses, as data."""

from __future__ import annotations

import numpy as np
import pytest

from tundish import ArgumentError
from tundish.casting import (
    Grid,
    Measurements,
    Progress,
    SearchStatus,
    Strand,
    identification_report,
    identify,
    identify_profile,
    solve,
)

SENSORS = [(0.015, 0.018), (0.018, 0.015)]
NAMES = ["mold.heat_flux.x", "mold.heat_flux.y", "zones.0.htc.x", "zones.0.htc.y"]


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid(13, 15, dz_mold=0.01, dz_spray=0.02)


@pytest.fixture(scope="module")
def exact(strand: Strand, grid: Grid) -> Measurements:
    return Measurements.from_solution(solve(strand, grid, probes=SENSORS), start=0.05)


def off(strand: Strand, share: float) -> Strand:
    return strand.replace({name: share * strand.parameters()[name] for name in NAMES})


def test_the_status_is_an_attribute(strand: Strand, grid: Grid, exact: Measurements) -> None:
    """Programs read it, and not the message."""
    start = off(strand, 0.65)
    done = identify(start, exact, NAMES[:1], grid=grid, progress=False)
    assert done.status is SearchStatus.FINISHED
    assert done.success
    short = identify(start, exact, NAMES, grid=grid, max_evaluations=14, progress=False)
    assert short.status is SearchStatus.LIMIT_REACHED
    assert not short.success
    assert SearchStatus("finished") is SearchStatus.FINISHED


def test_an_interrupted_run_is_the_status_of_all(
    strand: Strand, grid: Grid, exact: Measurements, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when an earlier run was better, and its message says that it converged."""

    def stop(progress: Progress) -> None:
        if progress.run == 1:
            raise KeyboardInterrupt

    found = identify(off(strand, 0.9), exact, NAMES[:2], grid=grid, runs=2, progress=stop)
    assert found.status is SearchStatus.INTERRUPTED
    assert not found.success


def test_refused_bounds_are_data(strand: Strand, grid: Grid, exact: Measurements) -> None:
    with pytest.raises(ArgumentError) as error:
        identify(strand, exact, NAMES[:1], {NAMES[0]: (2e6, 1e6)}, grid=grid, progress=False)
    assert error.value.argument == f"bounds[{NAMES[0]!r}]"
    assert error.value.value == (2e6, 1e6)
    assert error.value.allowed == "the lower one must be below the upper"


def test_a_profile_has_a_status_too(strand: Strand, grid: Grid, exact: Measurements) -> None:
    found = identify_profile(strand, exact, 5, grid=grid, noise=1.0, max_iterations=1, tolerance=1e-9)
    assert found.status is SearchStatus.LIMIT_REACHED
    found = identify_profile(strand, exact, 5, grid=grid, noise=1.0, tolerance=0.5)
    assert found.status is SearchStatus.FINISHED
    assert found.success


@pytest.mark.parametrize(
    ("column", "value", "argument"),
    [("z", [0.5, np.inf], "z[1]"), ("temperature", [0.0, 1.0], "temperature[0]"), ("x", [0.1], "x")],
)
def test_refused_readings_are_data(column: str, value: list[float], argument: str) -> None:
    columns = {"z": [0.5, 0.6], "x": [0.01, 0.01], "y": [0.0, 0.0], "temperature": [1500.0, 1400.0]}
    with pytest.raises(ArgumentError) as error:
        Measurements(**{**columns, column: value})
    assert error.value.argument == argument


def test_readings_outside_the_strand_are_data(strand: Strand) -> None:
    with pytest.raises(ArgumentError) as error:
        Measurements([0.5], [0.03], [0.0], [1500.0]).check(strand)
    assert (error.value.argument, error.value.value) == ("measurements.x[0]", 0.03)


def test_a_report_has_facts_lines_and_files(strand: Strand, grid: Grid, exact: Measurements) -> None:
    found = identify(off(strand, 0.9), exact, NAMES[:2], grid=grid, progress=False)
    report = identification_report(found, measurements="mine.csv", seconds=1.0)
    assert report.facts["measurements"] == "mine.csv"
    assert {n: p["value"] for n, p in report.facts["parameters"].items()} == found.parameters
    assert report.facts["seconds"] == 1.0
    assert "95 % interval" in str(report)
    assert "90 % interval" in str(identification_report(found, level=0.9))
    assert list(report.files) == [
        "identification.json", "parameters.csv", "readings.csv", "identification.png"
    ]  # fmt: skip
    with pytest.raises(ArgumentError, match="level"):
        identification_report(found, level=2.0)
