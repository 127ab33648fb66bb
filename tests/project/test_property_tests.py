"""Property tests draw the same examples whatever has been imported before."""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers


def drawn() -> list[float]:
    """The examples of a property test."""
    found = []

    @settings(max_examples=300)
    @given(value=st.floats(0, 1e6))
    def collect(value: float) -> None:
        found.append(value)

    collect()
    return found


def load_constants(folder: Path, name: str, first: int) -> None:
    """Imports a module of constants that no other module has."""
    path = folder / f"{name}.py"
    path.write_text("".join(f"a{n} = {first + n}.0625\n" for n in range(200)))
    spec = util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def test_constants_of_modules_are_no_examples(tmp_path: Path) -> None:
    before = drawn()
    load_constants(tmp_path, "some_constants", 1000)
    assert drawn() == before


def test_they_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        providers.HypothesisProvider, "_local_constants", property(lambda _: providers._get_local_constants())
    )
    load_constants(tmp_path, "more_constants", 5000)
    assert any(value % 1 == 0.0625 for value in drawn())
