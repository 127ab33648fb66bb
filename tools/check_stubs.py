"""Checks that python/tundish/_core.pyi describes the extension as it is built.

    python tools/check_stubs.py [STUB]

mypy's stubtest compares names and kinds, but cannot see the arguments of compiled functions: those are read
from the signatures that pybind11 writes into docstrings.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import tundish._core

STUB = Path(__file__).resolve().parents[1] / "python" / "tundish" / "_core.pyi"


def _arguments(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def stub_functions(text: str) -> Iterator[tuple[str, list[str]]]:
    """Dotted name and argument names of every function and method of a stub."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, _arguments(node)
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    yield f"{node.name}.{member.name}", _arguments(member)


def built_functions() -> Iterator[tuple[str, list[str]]]:
    """The same of the extension, for what has a signature in its docstring."""
    for name, value in vars(tundish._core).items():
        members = {name: value}
        if inspect.isclass(value):
            members = {f"{name}.{n}": getattr(value, n) for n in vars(value)}
        for dotted, member in members.items():
            signature = (inspect.getdoc(member) or "").partition("\n")[0]
            if callable(member) and signature.startswith(dotted.rpartition(".")[2] + "("):
                function = ast.parse(f"def {signature}: ...").body[0]
                assert isinstance(function, ast.FunctionDef)
                yield dotted, _arguments(function)


def drifts(stub_text: str) -> list[str]:
    """Functions whose arguments are not what the stub says."""
    stub = dict(stub_functions(stub_text))
    return [
        f"{name}: the extension takes {arguments}, the stub says {stub[name]}"
        for name, arguments in built_functions()
        if name in stub and stub[name] != arguments
    ]


def main(arguments: list[str]) -> int:
    found = drifts(Path(arguments[0] if arguments else STUB).read_text())
    for text in found:
        print(text, file=sys.stderr)
    stubtest = subprocess.run([sys.executable, "-m", "mypy.stubtest", "tundish._core"], check=False)
    if found or stubtest.returncode:
        print("bring python/tundish/_core.pyi up to date with cpp/bindings", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
