"""Importing the package is light: numpy, the standard library and the extension."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("scipy", "xarray", "matplotlib", "rich", "torch", "pandas", "numba", "h5netcdf", "IPython")
# What the packages bring along beside numpy's own modules; a heavy dependency would bring hundreds.
MOST_NEW_MODULES = 80

SCRIPT = """
import json, sys
import numpy
before = set(sys.modules)
import {package}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def new_modules(package: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT.format(package=package)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(result.stdout))


@pytest.mark.parametrize(
    "package",
    [
        "tundish",
        "tundish.casting",
        "tundish.filtering",
        "tundish.optimize",
        "tundish.scrap",
        "tundish.crystallization",
        "tundish.segregation",
    ],
)
def test_import_loads_numpy_and_the_extension_alone(package: str) -> None:
    modules = new_modules(package)
    assert "tundish._core" in modules
    tops = {name.partition(".")[0] for name in modules}
    assert tops.isdisjoint(HEAVY)
    assert tops - set(sys.stdlib_module_names) <= {"tundish", "numpy", "pybind11_builtins"}
    assert len(modules) <= MOST_NEW_MODULES


def test_the_check_sees_a_heavy_module() -> None:
    assert "scipy" in new_modules("scipy")
