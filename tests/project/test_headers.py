"""Every public header compiles on its own, and the kernels in every width, by each compiler found."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

CPP = Path(__file__).resolve().parents[2] / "cpp"
HEADERS = sorted(str(path.relative_to(CPP / "include")) for path in (CPP / "include").rglob("*.h"))
# A mask of one candidate is a bool, and is joined with & as wider masks are.
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-Wno-bitwise-instead-of-logical")


def check_syntax(compiler: str, source: str, *options: str) -> None:
    path = shutil.which(compiler)
    if path is None:
        pytest.skip(f"{compiler} is not here")
    command = [path, *options, *WARNINGS, "-fsyntax-only", f"-I{CPP / 'include'}", f"-I{CPP / 'src'}", "-"]
    result = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_header_compiles_alone(compiler: str, header: str) -> None:
    check_syntax(compiler, f'#include "{header}"\n', "-xc++", "-std=c++17")


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="other machines have the scalar build only"
)
@pytest.mark.parametrize("kernels", ["casting/march", "filtering/filter"])
@pytest.mark.parametrize("instructions", ["x86-64-v2", "x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_kernels_compile(compiler: str, instructions: str, kernels: str) -> None:
    source = f'#include "{kernels}_kernels.cpp"\n'
    options = ("-xc++", "-std=c++17", f"-march={instructions}", "-DTUNDISH_KERNELS=some_kernels")
    check_syntax(compiler, source, *options)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_c_abi_is_c(compiler: str) -> None:
    check_syntax(compiler, '#include "tundish/tundish.h"\n', "-xc", "-std=c11", "-pedantic")
