"""Refusals of this room as data: argument, value, file and line, whatever the sentence."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from references.heats import gappy

from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, RefusalError
from tundish.scrap import (
    HeatLog,
    RetainedElement,
    filter_elements,
    published_model,
    sensitivity,
    simulate,
    windowed_least_squares,
)
from tundish.scrap.simulation import bundled_heats, perturbed

HEADER = "heat,scrap_a_t,steel_t,steel_ppm,hot_metal_t,hot_metal_ppm,slag_t,feo_pct\n"
LOG = {
    "heat": [1, 2],
    "types": ["a"],
    "scrap": [[1.0], [2.0]],
    "steel_t": [1.0, 2.0],
    "steel_ppm": [1.0, 2.0],
}


def refusal_of(call: Callable[[], Any]) -> RefusalError:
    with pytest.raises(RefusalError) as refused:
        call()
    again = pickle.loads(pickle.dumps(refused.value))
    assert (type(again), str(again)) == (type(refused.value), str(refused.value))
    return refused.value


@pytest.mark.parametrize(
    ("call", "argument", "value"),
    [
        (lambda: HeatLog(**{**LOG, "scrap": [[1.0], [-2.0]]}), "scrap[1, 0]", -2.0),
        (lambda: HeatLog(**{**LOG, "steel_t": [0.0, 1.0]}), "steel_t[0]", 0.0),
        (lambda: HeatLog(**{**LOG, "heat": [2, 1]}), "heat[1]", 1),
        (lambda: HeatLog(**{**LOG, "heat": ["b", "b"]}), "heat[1]", "b"),
        (lambda: HeatLog(**{**LOG, "types": []}), "types", MISSING),
        (lambda: RetainedElement([1.0, -1.0], 1.0, 0.1, 1.0), "prior_mean[1]", -1.0),
        (lambda: RetainedElement([1.0], [1.0, 2.0], 0.1, 1.0), "prior_var", (2,)),
        (lambda: RetainedElement([1.0], 1.0, 0.0, 1.0), "decay", 0.0),
        (lambda: RetainedElement([1.0], 1.0, 0.1, -1.0), "measurement_std", -1.0),
        (lambda: RetainedElement([1.0], 1.0, 0.1, 1.0, form="best"), "form", "best"),
        (lambda: simulate(heats=0), "heats", 0),
        (lambda: simulate(rng=-1), "rng", -1),
        (lambda: sensitivity(["gold"]), "variables", MISSING),
        (lambda: sensitivity(levels=[0.1, -1.0]), "levels[1]", -1.0),
        (lambda: published_model("Sn", [1.0]), "element", "Sn"),
        (lambda: published_model("Cu", [1.0], kind="mixed"), "kind", "mixed"),
        (lambda: published_model("Cr", [1.0], partition=(1.0, np.inf)), "partition", (1.0, np.inf)),
        (lambda: bundled_heats("Sn"), "element", "Sn"),
        (lambda: windowed_least_squares(gappy("Cu")[0], 0), "window", 0),
        (lambda: perturbed(gappy("Cu")[0], "gold", 0.1, np.random.SeedSequence(0)), "variable", "gold"),
    ],
)
def test_values_are_named(call: Callable[[], Any], argument: str, value: object) -> None:
    error = refusal_of(call)
    assert isinstance(error, ArgumentError)
    assert error.argument == argument
    assert error.value is value or error.value == value
    assert error.allowed
    assert (error.file, error.line) == (None, None)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: HeatLog(**{**LOG, "types": "a"}), "types"),
        (lambda: HeatLog(**{**LOG, "heat": [1.5, 2.0]}), "heat[0]"),
        (lambda: HeatLog(**LOG)[0], "log[0]"),
        (lambda: HeatLog(**LOG).replace(steel=1.0), "steel"),
        (lambda: RetainedElement([1.0], 1.0, "slow", 1.0), "decay"),  # type: ignore[arg-type]
        (lambda: filter_elements([3]), "pairs[0]"),  # type: ignore[list-item]
        (lambda: filter_elements(3), "pairs"),  # type: ignore[arg-type]
        (lambda: simulate(heats=1.5), "heats"),  # type: ignore[arg-type]
        (lambda: simulate(rng="seed"), "rng"),
    ],
)
def test_types_are_named(call: Callable[[], Any], argument: str) -> None:
    error = refusal_of(call)
    assert isinstance(error, ArgumentTypeError)
    assert error.argument == argument


@pytest.mark.parametrize(
    ("rows", "argument", "value", "line"),
    [
        ("1,1,1,1,1,1,1,1\n2,-5,1,1,1,1,1,1\n", "scrap_a_t", -5.0, 3),
        ("1,1,0,1,1,1,1,1\n", "steel_t", 0.0, 2),
        ("1,1,1,x,1,1,1,1\n", "steel_ppm", "x", 2),
        ("1,1,1,1,1,1,1,1\n\n1,1,1,1,1,1,1,1\n", "heat", 1, 4),
        (",1,1,1,1,1,1,1\n", "heat", MISSING, 2),
    ],
)
def test_files_are_named_with_line_and_column(
    tmp_path: Path, rows: str, argument: str, value: object, line: int
) -> None:
    path = tmp_path / "heats.csv"
    path.write_text(HEADER + rows, "utf-8")
    error = refusal_of(lambda: HeatLog.read_csv(path))
    assert (error.argument, error.file, error.line) == (argument, str(path), line)
    assert error.value is value or error.value == value
    assert str(error).startswith(f"{path}: line {line}, {argument}")


def test_plans_and_fits_are_named() -> None:
    log, model = gappy("Cu")
    estimate = model.filter(log)
    assert refusal_of(lambda: estimate.forecast({"type1": -1.0})).argument == "masses['type1']"
    assert refusal_of(lambda: estimate.forecast({"type1": 1.0}, steel_t=0.0)).argument == "steel_t[0]"
    assert refusal_of(lambda: estimate.interval(2.0)).argument == "level"
    assert refusal_of(lambda: estimate.diagnostics(skip=-1)).argument == "skip"
    assert refusal_of(lambda: model.fit(log, ["gold"])).argument == "parameters"
    assert refusal_of(lambda: model.fit(log, maxiter=0)).argument == "maxiter"
    assert refusal_of(lambda: model.fit(log[:2])).argument == "log"


def test_data_frames_are_named_with_row_and_column() -> None:
    pandas = pytest.importorskip("pandas")
    columns = {name: [1.0, 2.0] for name in HEADER.strip().split(",")}
    bad = pandas.DataFrame({**columns, "scrap_a_t": [1.0, -2.0]})
    error = refusal_of(lambda: HeatLog.from_dataframe(bad))
    assert (error.argument, error.value) == ("scrap_a_t[1]", -2.0)
    assert refusal_of(lambda: HeatLog.from_dataframe(bad.drop(columns="slag_t"))).argument == "frame"
