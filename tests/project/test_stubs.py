"""The typed stub of the extension follows its bindings, and the check of it can fail."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check_stubs.py"


@pytest.fixture(scope="module")
def check_stubs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_stubs", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_stub_names_the_arguments_of_the_extension(check_stubs: ModuleType) -> None:
    assert check_stubs.drifts(check_stubs.STUB.read_text()) == []
    compared = {name for name, _ in check_stubs.built_functions()}
    assert {"Plan64.run", "Steel.scheil", "Strand.__init__", "instruction_set"} <= compared


def test_a_renamed_argument_is_found(check_stubs: ModuleType) -> None:
    stale = check_stubs.STUB.read_text().replace("varied: Sequence[int]", "changed: Sequence[int]")
    drifted = {text.partition(":")[0] for text in check_stubs.drifts(stale)}
    runs = {f"{name}{bits}.run" for name in ("Plan", "Readings") for bits in (32, 64)}
    assert drifted == runs | {"Misfit32.__init__", "Misfit64.__init__"}
