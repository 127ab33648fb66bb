"""The sources of tundish as syntax trees: their imports, and their functions with sizes.

What tests/project/ checks of layers, sizes and messages is read from here. Every function takes the text or
the tree that it reads, so that the checks can be tested on small bad examples.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "python"
BANNER = re.compile(r"^\s*(?:#|//|/\*) ?[-=*~#─]{2,}")


class Import(NamedTuple):
    """One imported name: `module` has it, or is imported itself where `name` is empty.

    `bound` is what it is called where it is imported, after `as` or before.
    """

    importer: str
    module: str
    name: str
    line: int
    bound: str = ""

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


class Function(NamedTuple):
    """A function's dotted name, its first line, and its lines without the docstring."""

    name: str
    line: int
    lines: int


def modules(root: Path = PYTHON) -> dict[str, Path]:
    """The modules below a folder by dotted name; a package goes by its own name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source: str, importer: str, package: bool = False) -> list[Import]:
    """All imports of tundish in a module: at the top, in functions, for types only, and by literal name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(importer, a.name, "", node.lineno, a.asname or a.name) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, importer, package)
            found += [Import(importer, module, a.name, node.lineno, a.asname or a.name) for a in node.names]
        elif isinstance(node, ast.Call) and _called(node) == "import_module" and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.append(Import(importer, first.value, "", node.lineno, ast.unparse(node)))
    return [i for i in found if i.module.partition(".")[0] == "tundish"]


def _absolute(node: ast.ImportFrom, importer: str, package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = importer.split(".")
    parts = parts[: len(parts) - node.level + package]
    return ".".join([*parts, node.module] if node.module else parts)


def _called(node: ast.Call) -> str:
    """The last part of the name that is called."""
    function = node.func
    return (
        function.attr
        if isinstance(function, ast.Attribute)
        else function.id
        if isinstance(function, ast.Name)
        else ""
    )


def graph(sources: Mapping[str, str], packages: Iterable[str] = ()) -> dict[str, set[str]]:
    """For each module the modules that it imports."""
    edges: dict[str, set[str]] = {}
    for name, source in sources.items():
        paths = {
            i.path if i.path in sources else i.module for i in imports(source, name, name in set(packages))
        }
        edges[name] = {path for path in paths if path in sources and path != name}
    return edges


def circles(edges: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Groups of more than one node that all reach each other (Tarjan's algorithm), sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(tuple(sorted(group)))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return sorted(found)


def room(path: str) -> str:
    """The part of tundish that a dotted path lies in; "" for the package itself."""
    parts = path.split(".")
    return parts[1] if len(parts) > 1 else ""


def foreign_privates(source: str, importer: str, package: bool = False) -> list[str]:
    """Private modules and names of other rooms that a module imports or reaches into, by any name."""
    found, bound = [], {}
    for i in imports(source, importer, package):
        if _private_elsewhere(i.path, importer):
            found.append(i.path)
        bound[i.bound] = i.path
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr):
            path = _path_of(node, bound)
            if _private_elsewhere(path, importer):
                found.append(path)
    return sorted(set(found))


def _private_elsewhere(path: str, importer: str) -> bool:
    other = room(path)
    if other in ("", room(importer)) or other.startswith("_"):
        return False
    return any(part.startswith("_") for part in path.split(".")[2:])


def _path_of(node: ast.AST, bound: Mapping[str, str]) -> str:
    """The dotted path of what was imported, or of its attribute; "" for anything else."""
    if path := bound.get(ast.unparse(node)):
        return path
    if not isinstance(node, ast.Attribute):
        return ""
    base = _path_of(node.value, bound)
    return f"{base}.{node.attr}" if base else ""


def late_uses(source: str) -> list[tuple[str, str]]:
    """(function, target) of every call of `late`."""
    found = []
    for function in _functions(ast.parse(source)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _called(node) == "late":
                target = node.args[0]
                found.append((function.name, target.value if isinstance(target, ast.Constant) else "?"))
    return found


def late_calls(source: str) -> int:
    """How often `late` is called, in functions or outside."""
    return sum(isinstance(n, ast.Call) and _called(n) == "late" for n in ast.walk(ast.parse(source)))


def names_of(source: str, module: str) -> set[str]:
    """Names of a module, such as tundish._core, that a source uses."""
    tree, last = ast.parse(source), module.rpartition(".")[2]
    found = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (last, module)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == module:
            found |= {a.name for a in node.names}
    return found


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def python_functions(source: str) -> list[Function]:
    """Every function and method of a module."""
    found = []
    for node in _functions(ast.parse(source)):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        first = node.body[0]
        if ast.get_docstring(node, clean=False) is not None:
            lines -= (first.end_lineno or first.lineno) - first.lineno + 1
        found.append(Function(node.name, node.lineno, lines))
    return found


def banners(source: str) -> list[int]:
    """Lines whose comment draws a line instead of saying something."""
    return [n for n, line in enumerate(source.splitlines(), 1) if BANNER.match(line)]
