"""Files, functions and folders stay small, and files are not divided by lines drawn in comments."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from references import known
from references.cpp_sources import cpp_functions
from references.cpp_sources import sources as cpp_files
from references.sources import PYTHON, ROOT, banners, python_functions

MAX_FILE, MAX_FUNCTION, MAX_MODULES = 400, 60, 12

PYTHON_FILES = sorted(
    path for folder in ("python", "tests", "tools") for path in (ROOT / folder).rglob("*.py")
)
FILES = [*PYTHON_FILES, *cpp_files()]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def grown(found: dict[str, int], allowed: dict[str, int]) -> list[str]:
    """What is too long and not known yet, or longer than it was."""
    return [f"{name}: {lines} lines" for name, lines in found.items() if lines > allowed.get(name, 0)]


def long_functions(path: Path) -> dict[str, int]:
    source = path.read_text("utf-8")
    functions = python_functions(source) if path.suffix == ".py" else cpp_functions(source)
    return {f"{name_of(path)}: {f.name}": f.lines for f in functions if f.lines > MAX_FUNCTION}


def test_no_file_is_long() -> None:
    lines = {name_of(path): path.read_text("utf-8").count("\n") for path in FILES}
    assert not grown({name: n for name, n in lines.items() if n > MAX_FILE}, known.LONG_FILES)


def test_no_function_is_long() -> None:
    found: dict[str, int] = {}
    for path in FILES:
        found |= long_functions(path)
    assert not grown(found, known.LONG_FUNCTIONS)


def test_no_folder_is_full() -> None:
    folders = Counter(
        name_of(path.parent) for path in (PYTHON / "tundish").rglob("*.py") if path.name != "__init__.py"
    )
    assert not grown({name: n for name, n in folders.items() if n > MAX_MODULES}, known.FULL_FOLDERS)


def test_no_comment_draws_a_line() -> None:
    found = {name_of(path) for path in FILES if banners(path.read_text("utf-8"))}
    assert not found - known.BANNERS


# Each check must be able to fail.


def test_long_functions_are_found_in_python() -> None:
    body = "    x = 1\n" * 70
    documented = 'def f():\n    """Short.\n' + "\n" * 70 + '    """\n    return 1\n'
    source = f"class A:\n  async def g(self):\n{body}\n{documented}"
    assert {f.name: f.lines for f in python_functions(source)} == {"g": 71, "f": 2}


@pytest.mark.parametrize(
    ("source", "name", "lines"),
    [
        ("int f(int a) {\n  return a;\n}\n", "f", 3),
        ("namespace a {\ntemplate <class T>\nT A<T>::g() const noexcept {\n\n}\n}\n", "g", 4),
        ("struct A {\n  A() : x{1}, y(2) { f('}'); }\n  int x{0};\n};\n", "A", 1),
        ('int f() {\n  auto g = [] { return "}"; };  // }\n  /* } */\n  return g();\n}\n', "f", 5),
        ("#define B(x) \\\n  { x\nint table[] = {1, 2};\nvoid f(int (*g)(int) = {}) {\n}\n", "f", 2),
        ('extern "C" {\nint f(void) {\n}\n}\n', "f", 2),
        ("class A {\n public:\n  explicit operator bool() const {\n  }\n};\n", "bool", 2),
    ],
)
def test_functions_are_found_in_cpp(source: str, name: str, lines: int) -> None:
    assert [(f.name, f.lines) for f in cpp_functions(source)] == [(name, lines)]


def test_growth_is_found() -> None:
    assert grown({"a": 500, "b": 401, "c": 90}, {"a": 499, "b": 450}) == ["a: 500 lines", "c: 90 lines"]


def test_drawn_lines_are_found() -> None:
    text = "# ---- frames\nx = 1  # --\n// ------\n/* ==== */\n    # -- training\n# a - b\n// see --help\n"
    assert banners(text) == [1, 3, 4, 5]
