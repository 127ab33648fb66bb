"""What other programs may use is still there: names, parameters, options, the C ABI, installed headers."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((Path(__file__).parent / "public_9e3ef0d.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("list_public", ROOT / "tools" / "list_public.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_public_is_gone(tool: ModuleType) -> None:
    assert not tool.losses(RECORD, tool.listing(ROOT / "cpp" / "include"))


def remove(listing: Any, *path: str) -> None:
    for key in path[:-1]:
        listing = listing[key]
    del listing[path[-1]]


@pytest.mark.parametrize(
    ("path", "loss"),
    [
        (("python", "tundish.casting", "solve"), "tundish.casting.solve is gone"),
        (("python", "tundish.casting", "Strand", "members", "replace"), "Strand.replace is gone"),
        (("c", "functions", "tundish_version"), "tundish_version"),
        (("c", "structs", "tundish_batch"), "struct tundish_batch"),
        (("c", "enums", "tundish_method", "TUNDISH_SOR"), "tundish_method TUNDISH_SOR"),
    ],
)
def test_a_loss_is_found(tool: ModuleType, path: tuple[str, ...], loss: str) -> None:
    now = copy.deepcopy(RECORD)
    remove(now, *path)
    (found,) = tool.losses(RECORD, now)
    assert loss in found


def test_lost_headers_and_options_are_found(tool: ModuleType) -> None:
    now = copy.deepcopy(RECORD)
    now["headers"].remove("tundish/tundish.h")
    now["commands"]["cast"].remove("--json")
    assert tool.losses(RECORD, now) == ["tundish cast --json is gone", "tundish/tundish.h is gone"]


def test_changed_parameters_are_found(tool: ModuleType) -> None:
    def was(a: int, b: int = 2, *, c: str = "x") -> None: ...
    def default(a: int, b: int = 3, *, c: str = "x") -> None: ...
    def order(b: int = 2, a: int = 1, *, c: str = "x") -> None: ...
    def without(a: int, b: int = 2) -> None: ...
    def needs(a: int, b: int = 2, *, c: str = "x", d: int) -> None: ...
    def more(a: int, b: int = 2, e: int = 0, *, c: str = "x", d: int = 0) -> None: ...

    def losses(now: Any) -> list[str]:
        found: list[str] = tool._changes("f", tool.described(was), tool.described(now))
        return found

    assert all(losses(now) for now in (default, order, without, needs))
    assert not losses(was)
    assert not losses(more)


def test_c_declarations_are_read(tool: ModuleType) -> None:
    header = """
    typedef enum a_kind { A_ONE = 1, /* first */ A_TWO = 2 } a_kind;
    typedef struct a_thing { double x, y[2]; int (*call)(int n, void* user); } a_thing;
    TUNDISH_API int a_make(const a_thing* thing,
                           int n);
    """
    assert tool.c_names(header) == {
        "functions": {"a_make": "int a_make(const a_thing* thing, int n);"},
        "enums": {"a_kind": {"A_ONE": "1", "A_TWO": "2"}},
        "structs": {"a_thing": ["double x", "double y[2]", "int (*call)(int n, void* user)"]},
    }
