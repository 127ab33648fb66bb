"""Options: the one home of the defaults, in Python and in C."""

from __future__ import annotations

import ctypes
import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tundish import ArgumentError, ArgumentTypeError, UnknownNameError, _core
from tundish.casting import Case, Options, Plan, Solution, Stepper, solve, solve_batch

DEFAULTS = {field.name: field.default for field in dataclasses.fields(Options)}
LIBRARIES = [
    path
    for path in (Path(_core.__file__).parent / "lib").glob("*tundish*")
    if path.suffix in (".so", ".dylib")
]


@pytest.mark.parametrize(
    ("function", "without"),
    [
        (solve, ()),
        (solve_batch, ()),
        (Plan, ()),
        (Case, ("threads", "backend")),
        (Stepper, ("dtype", "threads", "backend")),
    ],
)
def test_every_signature_has_the_defaults_of_options(
    function: Callable[..., Any], without: tuple[str, ...]
) -> None:
    """Each takes every option by its name, but for those that mean nothing to it."""
    parameters = inspect.signature(function).parameters
    found = {name: parameters[name].default for name in DEFAULTS if name in parameters}
    assert found == {name: value for name, value in DEFAULTS.items() if name not in without}


class _Options(ctypes.Structure):
    """tundish_options of tundish.h."""

    _fields_ = (
        ("method", ctypes.c_int),
        ("phase_change", ctypes.c_int),
        ("ordering", ctypes.c_int),
        ("relaxation", ctypes.c_double),
        ("tolerance", ctypes.c_double),
        ("max_sweeps", ctypes.c_int),
        ("probes", ctypes.c_void_p),
        ("n_probes", ctypes.c_int),
        ("sections", ctypes.c_void_p),
        ("n_sections", ctypes.c_int),
    )


@pytest.mark.skipif(not LIBRARIES, reason="the shared library is not beside the extension")
def test_the_c_library_has_the_defaults_of_options() -> None:
    found = _Options()
    assert ctypes.CDLL(str(LIBRARIES[0])).tundish_options_default(ctypes.byref(found)) == 0
    assert ("adi", "sor")[found.method] == Options.method
    assert ("enthalpy", "correction")[found.phase_change] == Options.phase_change
    assert ("lexicographic", "red-black")[found.ordering] == Options.ordering
    assert found.relaxation == Options.relaxation
    assert found.max_sweeps == Options.max_sweeps
    assert Options.tolerance is None  # in C, its value in float64
    assert found.tolerance == 1e-7


def test_changes_are_what_differs_from_the_defaults() -> None:
    assert Options().changes() == {}
    changed = {"method": "sor", "tolerance": 1e-5, "threads": 2}
    assert Options(**changed).changes() == changed
    assert Options.of("solver", changed) == Options(**changed)
    assert Options.of("solver", None) == Options()


def test_solutions_carry_their_options(solution: Solution) -> None:
    assert solution.options == Options(method="sor", relaxation=1.2)


@pytest.fixture(scope="module")
def solution(strand: Any, grid: Any) -> Solution:
    return solve(strand, grid, method="sor", relaxation=1.2, outputs=["heat"])


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"method": "multigrid"}, ArgumentError),
        ({"phase_change": None}, ArgumentError),
        ({"relaxation": "much"}, ArgumentTypeError),
        ({"tolerance": True}, ArgumentTypeError),
        ({"max_sweeps": 2.5}, ArgumentTypeError),
        ({"ordering": "random"}, ArgumentError),
        ({"dtype": "float16"}, ArgumentError),
        ({"threads": 0}, ArgumentError),
        ({"backend": "abacus"}, ArgumentError),
    ],
)
def test_bad_options_are_refused_as_data(changes: dict[str, Any], kind: type[ArgumentError]) -> None:
    (name,) = changes
    with pytest.raises(kind) as error:
        Options(**changes)
    assert error.value.argument == name
    assert error.value.value == changes[name]
    assert error.value.allowed.startswith("must be ")


def test_a_mapping_of_options_is_checked_by_its_name() -> None:
    with pytest.raises(UnknownNameError, match="solver: 'speed' is unknown") as unknown:
        Options.of("solver", {"speed": 1})
    assert unknown.value.argument == "solver"
    with pytest.raises(ArgumentTypeError, match=r"solver = \[1\]: must be a mapping"):
        Options.of("solver", [1])  # type: ignore[arg-type]
