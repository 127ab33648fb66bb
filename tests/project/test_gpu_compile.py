"""The GPU entry points compile to machine code, without a GPU or a CUDA toolkit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("nvidia", reason="needs the nvidia-cuda-nvrtc wheel")

TOOL = Path(__file__).resolve().parents[2] / "tools" / "compile_gpu.py"
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
FILTERS = """
#include "tundish/filtering/mean_reverting.h"
#include "tundish/filtering/scrap.h"
#include "tundish/filtering/smoother.h"
using namespace tundish;
// One step of each thread's own filter, by either kernel, and back.
extern "C" __global__ void step(double* memory, const double* model, const double* y, int n) {
  const long size = Kalman<double>::workspace_size(n, 1) + SmootherStep<double>::workspace_size(n, 1) +
                       Smoother<double>::workspace_size(n, 1) + MeanReverting<double>::workspace_size(n);
  double* mine = memory + threadIdx.x * size;
  Kalman<double> dense;
  dense.n = n;
  dense.p = 1;
  dense.form = Form::square_root;
  dense.robust = 0;
  dense.lay_out(mine);
  mine += Kalman<double>::workspace_size(n, 1);
  SmootherStep<double> kept(n, 1, mine);
  mine += SmootherStep<double>::workspace_size(n, 1);
  start(dense, model, model + n);
  kept.keep_prediction(dense);
  const Update<double> done = update(dense, {model, model, model, y + threadIdx.x});
  kept.keep_update(dense, model, y + threadIdx.x);
  predict(dense, {model, model, model, model, true, true});

  Smoother<double> back;
  back.n = n;
  back.p = 1;
  back.lay_out(mine);
  mine += Smoother<double>::workspace_size(n, 1);
  begin(back);
  step_back(back, Transition<double>{model, model, model, model, false, false});
  smooth_step(back, kept, mine, mine + 1);
  write_smoothed(back, kept, mine, mine, mine);

  MeanReverting<double> rows;
  rows.lay_out(n, mine);
  rows.transition = rows.transition_minus_one = rows.state_cov = rows.state_intercept = model;
  rows.uniform = rows.kept = done.square < 9;
  rows.min_transition = rows.max_transition = 1;
  start(rows, model, model + n);
  for (int i = 0; i < n; i += Native<double>::lanes) weigh(rows, 0, model, i);
  sweep<false, true>(rows, Nothing());
  const double variance = complete(rows, 0, rows.weight[0], rows.product[0], rows.direction[0]);
  const ScrapMoments<double> moments = {model[0], 9, variance, 0, 1};
  const ScrapForecast<double> heat = forecast(moments, Heat<double>{1, 0.1});
  for (int i = 0; i < n; i += Native<double>::lanes)
    update(rows, 0, 1 / variance, square_root(1 / variance), y[threadIdx.x] - heat.mean, i);
  rows.downdates = 1;
  predict(rows);
  finish_pair(rows);
  covariance(rows, memory);
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


@pytest.mark.parametrize(
    "source", [pytest.param(COLONY, id="the colony"), pytest.param(FILTERS, id="the filters")]
)
def test_headers_are_fit_for_a_gpu(tmp_path: Path, source: str) -> None:
    path = tmp_path / "headers.cu"
    path.write_text(source)
    result = compile_gpu("--source", str(path), "--arch", "sm_90")
    assert result.returncode == 0, result.stderr


def test_what_the_compiler_refuses_is_shown(tmp_path: Path) -> None:
    source = tmp_path / "broken.cu"
    source.write_text('#include <vector>\nextern "C" __global__ void march_float() {}\n')
    result = compile_gpu("--source", str(source), "--arch", "sm_90")
    assert result.returncode == 1
    assert "vector" in result.stderr
