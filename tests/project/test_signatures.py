"""Plans are built in one place: no other module names the plans, steppers and misfits of the extension."""

from __future__ import annotations

import re

import pytest
from references import known
from references.sources import modules, names_of

# The only home of these names; tests/casting compares its options with every signature.
HOME = "tundish.casting._plan"
BUILT = re.compile(r"(?:Plan|Stepper|Misfit|Readings)\w*")


def builders(source: str) -> set[str]:
    return {name for name in names_of(source, "tundish._core") if BUILT.fullmatch(name)}


def test_plans_are_built_in_one_module() -> None:
    found = {name for name, path in modules().items() if builders(path.read_text("utf-8"))}
    assert not found - {HOME} - known.BUILDERS


@pytest.mark.parametrize(
    "source",
    [
        "from tundish import _core\nplan = _core.Plan64(strand)",
        "import tundish._core\nplan = tundish._core.Plan32(strand)",
        "from tundish._core import Misfit64",
        "from tundish import _core\nm = _core.Readings32",
    ],
)
def test_a_second_builder_is_found(source: str) -> None:
    assert builders(source)
    assert not builders("from tundish import _core\n_core.Steel.scheil()")
