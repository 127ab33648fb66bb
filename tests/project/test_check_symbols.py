"""The gate on the kernels' symbols passes what it should, and can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILER = shutil.which("g++")
pytestmark = pytest.mark.skipif(None in (COMPILER, shutil.which("nm")), reason="needs g++ and nm")

TABLE = "namespace tundish::host { int x86_64_v2_kernels() { return 0; } }\n"
SOURCES = {
    "one table": (TABLE + "namespace { int hidden() { return 1; } }\nstatic int user = hidden();\n", ""),
    "an inline function": (
        TABLE + "inline int leaked() { return 1; }\nauto user = leaked();\n",
        "symbol (W) leaked()",
    ),
    "a second export": (TABLE + "int stray() { return 1; }\n", "symbol (T) stray()"),
    "an inline variable": (
        TABLE + "inline int leaked = 1;\nstatic int* user = &leaked;\n",
        "symbol (u) leaked",
    ),
    "no table": ("namespace { int hidden = 1; }\n", "exports 0 *_kernels functions"),
}


GOOD_LIBRARY = 'extern "C" int tundish_answer() { return 42; }\n'


def compile_object(folder: Path, source: str) -> None:
    command = [str(COMPILER), "-std=c++17", "-O0", "-c", source, "-o", f"{source}.o"]
    subprocess.run(command, cwd=folder, check=True)


def link_library(folder: Path, text: str) -> None:
    """A libtundish.so of one source."""
    (folder / "library.cpp").write_text(text)
    command = [str(COMPILER), "-std=c++17", "-O0", "-fPIC", "-shared", "library.cpp", "-o", "libtundish.so"]
    subprocess.run(command, cwd=folder, check=True)


def check(build: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "check_symbols.py"), str(build)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", SOURCES)
def test_gate_tells_good_objects_from_bad(tmp_path: Path, name: str) -> None:
    source, complaint = SOURCES[name]
    folder = tmp_path / "CMakeFiles" / "kernels_x86_64_v2.dir" / "cpp"
    folder.mkdir(parents=True)
    (folder / "kernels.cpp").write_text(source)
    compile_object(folder, "kernels.cpp")
    link_library(tmp_path, GOOD_LIBRARY)
    result = check(tmp_path)
    assert result.returncode == (1 if complaint else 0), result.stderr
    assert complaint in result.stderr


def test_gate_refuses_a_tree_without_libraries(tmp_path: Path) -> None:
    folder = tmp_path / "CMakeFiles" / "kernels_x86_64_v2.dir"
    folder.mkdir(parents=True)
    (folder / "kernels.cpp").write_text(SOURCES["one table"][0])
    compile_object(folder, "kernels.cpp")
    result = check(tmp_path)
    assert result.returncode == 2
    assert "no library matches" in result.stderr


def test_gate_refuses_a_tree_without_kernels(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert result.returncode == 2
    assert "build the kernels first" in result.stderr


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (GOOD_LIBRARY, ""),
        ('extern "C" void* PyInit__core() { return nullptr; }\n', ""),
        ("#include <string>\nstd::string leaked(int n) { return std::to_string(n); }\n", "visible symbol"),
    ],
    ids=["the C ABI", "the entry of the extension", "a template of the standard library"],
)
def test_gate_looks_at_what_libraries_show(tmp_path: Path, source: str, complaint: str) -> None:
    folder = tmp_path / "CMakeFiles" / "kernels_x86_64_v2.dir"
    folder.mkdir(parents=True)
    (folder / "kernels.cpp").write_text(SOURCES["one table"][0])
    compile_object(folder, "kernels.cpp")
    link_library(tmp_path, source)
    result = check(tmp_path)
    assert result.returncode == (1 if complaint else 0), result.stderr
    assert complaint in result.stderr
