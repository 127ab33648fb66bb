"""The installed package as a C and C++ library: the embed examples find it, build, and agree with Python."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tundish import _core
from tundish.casting import Grid, published_strand, solve

EXAMPLES = Path(__file__).resolve().parents[2] / "cpp" / "examples" / "embed"
CMAKE_DIR = Path(_core.__file__).parent / "lib" / "cmake" / "tundish"


def cmake_program() -> str:
    """That of the cmake package, or the system's."""
    if importlib.util.find_spec("cmake"):
        import cmake

        return str(Path(cmake.CMAKE_BIN_DIR) / "cmake")
    found = shutil.which("cmake")
    if found is None:
        pytest.skip("cmake is not here: pip install 'tundish[test]'")
    return found


def run(*command: str | Path) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


# Takes about ten seconds: two compilations, of which the C++ one instantiates the kernels.
@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("embed")
    cmake = cmake_program()
    run(cmake, "-S", EXAMPLES, "-B", build, f"-Dtundish_DIR={CMAKE_DIR}")
    run(cmake, "--build", build)
    return build


def test_c_program_agrees_with_python(programs: Path) -> None:
    printed = run(programs / "solve")
    strand = published_strand()
    grid, solution = Grid().resolve(strand), solve(strand)
    assert f"grid: {grid.nx} x {grid.ny} nodes, {len(solution.z) - 1} steps" in printed
    lengths = re.findall(r"= (\d+) W/\(m2 K\): metallurgical length ([\d.]+) m", printed)
    assert dict(lengths)["300"] == f"{solution.metallurgical_length:.3f}"
    assert "sprays fail at 8 m" in printed


def test_cpp_program_marches_the_headers(programs: Path) -> None:
    printed = run(programs / "march")
    length = re.search(r"metallurgical length ([\d.]+) m", printed)
    assert length
    assert abs(float(length[1]) - 15.22) < 0.03


def test_nothing_leaks_to_consumers() -> None:
    """They link the one library, and none of those that it was built with."""
    assert "INTERFACE_LINK_LIBRARIES" not in (CMAKE_DIR / "tundish-targets.cmake").read_text()
