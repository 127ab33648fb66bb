"""The GPU entry points compile to machine code, without a GPU or a CUDA toolkit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("nvidia", reason="needs the nvidia-cuda-nvrtc wheel")

TOOL = Path(__file__).resolve().parents[1] / "tools" / "compile_gpu.py"
ARCHITECTURES = ("sm_80", "sm_90", "sm_100")
ENTRY_POINTS = ("march_float", "march_double", "march_dual")
COLONY = """
#include "tundish/optimize/colony.h"
using namespace tundish;
extern "C" __global__ void propose(double* x, const double* energies, const Interval* box, long long round) {
  const unsigned key[2] = {1, 2};
  const int bee = threadIdx.x;
  const Move move = random_move(draw(key, round, bee, Draw::move), bee, blockDim.x, 1);
  x[bee] = moved(x[bee], x[move.partner], move.factor * fitness(energies[bee]), *box);
}
"""

Run = subprocess.CompletedProcess[str]


def compile_gpu(*arguments: str) -> Run:
    command = [sys.executable, str(TOOL), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Future[Run]]]]:
    """A folder, and for each architecture the compilation that writes its cubin there, two at a time."""
    out = tmp_path_factory.mktemp("cubin")
    with ThreadPoolExecutor(2) as pool:
        yield out, {a: pool.submit(compile_gpu, "--arch", a, "--out", str(out)) for a in ARCHITECTURES}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_cubin_holds_the_entry_points(
    compiled: tuple[Path, dict[str, Future[Run]]], architecture: str
) -> None:
    out, runs = compiled
    result = runs[architecture].result()
    assert result.returncode == 0, result.stderr
    cubin = (out / f"march.{architecture}.cubin").read_bytes()
    assert cubin.startswith(b"\x7fELF")
    for name in ENTRY_POINTS:
        assert f".text.{name}\0".encode() in cubin


def test_the_colony_is_fit_for_a_gpu(tmp_path: Path) -> None:
    source = tmp_path / "colony.cu"
    source.write_text(COLONY)
    result = compile_gpu("--source", str(source), "--arch", "sm_90")
    assert result.returncode == 0, result.stderr


def test_what_the_compiler_refuses_is_shown(tmp_path: Path) -> None:
    source = tmp_path / "broken.cu"
    source.write_text('#include <vector>\nextern "C" __global__ void march_float() {}\n')
    result = compile_gpu("--source", str(source), "--arch", "sm_90")
    assert result.returncode == 1
    assert "vector" in result.stderr
