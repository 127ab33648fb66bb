"""Imports and includes run downwards, without circles, and into no other room's private parts."""

from __future__ import annotations

import pytest
from references import known
from references.cpp_sources import CPP, includes
from references.cpp_sources import sources as cpp_files
from references.sources import (
    circles,
    foreign_privates,
    graph,
    imports,
    late_calls,
    late_uses,
    modules,
    room,
)

# Rooms by floor, the lowest first; "" is the package itself. A room imports from floors below its own.
FLOORS = (
    ("_core",),
    ("_common",),
    ("",),
    ("_learning",),
    ("filtering", "optimize"),
    ("casting", "scrap", "segregation", "crystallization"),
    ("reproduce",),
    ("cli",),
    ("__main__",),
)
# What a room uses of another on its own floor.
ACROSS = {("segregation", "casting"): "the cooling that a synthetic section froze with"}
# Functions reached by `late`: pictures alone, so that they can import the results that they draw.
LATE: dict[str, set[str]] = known.LATE

CPP_FLOORS = (
    ("core",),
    ("casting", "filtering", "optimize"),
    ("capi", "bindings", "kernels"),
    ("tests", "examples"),
)
CPP_ACROSS = {("casting", "optimize"): "the misfit is an objective that the colony minimises"}

MODULES = modules()
SOURCES = {name: path.read_text("utf-8") for name, path in MODULES.items()}
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}


def floors(table: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    return {name: floor for floor, rooms in enumerate(table) for name in rooms}


def upward(
    edges: set[tuple[str, str]], table: tuple[tuple[str, ...], ...], across: object
) -> list[tuple[str, str]]:
    """(from, to) of the edges between rooms that do not run downwards."""
    floor = floors(table)
    return sorted(
        (a, b)
        for a, b in edges
        if a != b and not floor[b] < floor[a] and (a, b) not in across  # type: ignore[operator]
    )


def room_edges(sources: dict[str, str], packages: set[str]) -> set[tuple[str, str]]:
    edges = set()
    for name, source in sources.items():
        for i in imports(source, name, name in packages):
            package = i.path if i.path in sources or i.module == "tundish" else i.module
            other = "" if i.module == "tundish" and not known_room(i.name) else room(package)
            edges.add((room(name), other))
    return edges


def known_room(name: str) -> bool:
    return name in floors(FLOORS)


def test_no_circle_of_imports() -> None:
    found = circles(graph(SOURCES, PACKAGES))
    new = [circle for circle in found if not any(set(circle) <= set(old) for old in known.CIRCLES)]
    assert not new


def test_imports_run_downwards() -> None:
    assert not upward(room_edges(SOURCES, PACKAGES), FLOORS, ACROSS)


def test_edges_across_a_floor_are_used() -> None:
    assert set(ACROSS) <= room_edges(SOURCES, PACKAGES)


def test_no_room_reaches_into_another() -> None:
    found = {
        f"{name} -> {path}"
        for name, source in SOURCES.items()
        for path in foreign_privates(source, name, name in PACKAGES)
    }
    assert not found - known.FOREIGN


def test_late_binding_is_for_pictures_and_listed() -> None:
    found = {
        name: set(late_uses(source))
        for name, source in SOURCES.items()
        if late_calls(source) and name != "tundish._common.late"
    }
    for name, uses in found.items():
        assert {target for _, target in uses} <= LATE.get(name, set()), name
        assert late_calls(SOURCES[name]) == len(uses), f"{name}: late() outside a function"
        assert all(function.startswith("plot") for function, _ in uses), name


def cpp_room(path: str) -> str:
    """The room of a path below cpp/: of include/tundish, of src, or the folder itself; "" for a flat src."""
    parts = path.split("/")
    if parts[:2] == ["include", "tundish"]:
        return parts[2] if len(parts) > 3 else "capi"
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else ""
    return parts[0]


def resolved(include: str, includer: str) -> str:
    """The path below cpp/ of what a file includes; "" for what is not ours."""
    beside = includer.rpartition("/")[0]
    for folder in (beside, "include", "src", "bindings", "tests"):
        if (CPP / folder / include).is_file():
            return f"{folder}/{include}"
    return ""


def test_includes_run_downwards_without_circles() -> None:
    paths = {str(path.relative_to(CPP)): path.read_text("utf-8") for path in cpp_files()}
    edges = {
        path: {found for i in includes(text) if (found := resolved(i, path))} for path, text in paths.items()
    }
    assert not circles(edges)
    between = {(cpp_room(a), cpp_room(b)) for a, others in edges.items() for b in others}
    assert not upward({(a, b) for a, b in between if a and b}, CPP_FLOORS, CPP_ACROSS)


# Each check must be able to fail.


@pytest.mark.parametrize(
    "line",
    [
        "from tundish.casting._b import f",
        "def late():\n    from tundish.casting import _b",
        "if TYPE_CHECKING:\n    from tundish.casting._b import f",
        "import importlib\nimportlib.import_module('tundish.casting._b')",
        "from ._b import f",
    ],
)
def test_a_circle_is_found(line: str) -> None:
    sources = {"tundish.casting._a": line, "tundish.casting._b": "import tundish.casting._a"}
    assert circles(graph(sources)) == [("tundish.casting._a", "tundish.casting._b")]
    assert not circles(graph(sources | {"tundish.casting._b": "import numpy"}))


def test_an_upward_import_is_found() -> None:
    sources = {"tundish.casting._a": "", "tundish.filtering._b": "def f():\n  from tundish.casting import g"}
    assert upward(room_edges(sources, set()), FLOORS, ACROSS) == [("filtering", "casting")]
    assert upward({("scrap", "casting")}, FLOORS, ACROSS) == [("scrap", "casting")]
    assert not upward({("segregation", "casting"), ("cli", "scrap")}, FLOORS, ACROSS)
    assert upward({("core", "casting")}, CPP_FLOORS, CPP_ACROSS)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("from tundish.casting._plots import figure", "tundish.casting._plots.figure"),
        ("from tundish.casting import _plots", "tundish.casting._plots"),
        ("from tundish import casting\nx = casting._plots", "tundish.casting._plots"),
        ("from tundish.casting import Strand\nx = Strand._core", "tundish.casting.Strand._core"),
        ("import tundish.casting._plots as p\np.figure()", "tundish.casting._plots"),
        ("import tundish.casting as c\nx = c._plots", "tundish.casting._plots"),
        ("import tundish.casting\nx = tundish.casting._plots", "tundish.casting._plots"),
        ("from tundish import casting as c\nx = c._plots", "tundish.casting._plots"),
        ("from tundish.casting import Strand as S\nx = S._core", "tundish.casting.Strand._core"),
        ("import tundish as t\nx = t.casting._plots", "tundish.casting._plots"),
        ("import tundish.casting as c\nx = c.plots._draw", "tundish.casting.plots._draw"),
        ("import importlib\nx = importlib.import_module('tundish.casting')._plots", "tundish.casting._plots"),
    ],
)
def test_reaching_into_another_room_is_found(source: str, path: str) -> None:
    assert foreign_privates(source, "tundish.cli.cast") == [path]
    assert not foreign_privates(source, "tundish.casting._solution")


def test_a_late_import_is_found() -> None:
    source = "def plot(self):\n    return late('tundish.casting._plots:plot')(self)\nx = late('a:b')\n"
    assert late_uses(source) == [("plot", "tundish.casting._plots:plot")]
    assert late_calls(source) == 2
