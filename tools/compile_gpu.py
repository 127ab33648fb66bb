"""Compiles cpp/kernels/march.cu to cubin with the NVRTC wheel: no GPU and no CUDA toolkit is needed.

python tools/compile_gpu.py [--arch sm_90 ...] [--include cpp/include] [--out DIR]
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "cpp" / "kernels" / "march.cu"
INCLUDE = ROOT / "cpp" / "include"
ARCHITECTURES = ("sm_80", "sm_90", "sm_100")


class CompileError(RuntimeError):
    """What NVRTC said of a source it refused."""


class Compiler:
    """NVRTC out of its wheel."""

    def __init__(self) -> None:
        # Some wheels' libnvrtc does not look for its builtins beside itself: what is loaded already it finds.
        ctypes.CDLL(str(_library_path("libnvrtc-builtins.so")))
        self._library = ctypes.CDLL(str(_library_path("libnvrtc.so")))
        self._library.nvrtcGetErrorString.restype = ctypes.c_char_p

    def cubin(self, source: Path, include: Path, architecture: str) -> bytes:
        """The source's binary for one architecture; CompileError with NVRTC's messages."""
        program = ctypes.c_void_p()
        text, name = source.read_bytes(), source.name.encode()
        self._call("nvrtcCreateProgram", ctypes.byref(program), text, name, 0, None, None)
        try:
            options = ["-std=c++17", f"--gpu-architecture={architecture}", "-I", str(include), "--fmad=false"]
            # NVRTC 13.0 takes generic lambdas for functions of the host; 13.5 does not.
            options.append("-default-device")
            array = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
            if self._library.nvrtcCompileProgram(program, len(options), array):
                raise CompileError(
                    self._read(program, "nvrtcGetProgramLog").rstrip(b"\0").decode(errors="replace")
                )
            return self._read(program, "nvrtcGetCUBIN")
        finally:
            self._call("nvrtcDestroyProgram", ctypes.byref(program))

    def _read(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._call(f"{what}Size", program, ctypes.byref(size))
        data = ctypes.create_string_buffer(size.value)
        self._call(what, program, data)
        return data.raw

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, function)(*arguments)
        if status:
            raise CompileError(f"{function}: {self._library.nvrtcGetErrorString(status).decode()}")


def _library_path(name: str) -> Path:
    for file in importlib.metadata.files("nvidia-cuda-nvrtc") or ():
        if file.name.startswith(name):
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{name} is not in the nvidia-cuda-nvrtc wheel")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--arch", nargs="+", default=ARCHITECTURES, metavar="sm_90")
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--include", type=Path, default=INCLUDE)
    parser.add_argument("--out", type=Path, help="folder for the cubins")
    chosen = parser.parse_args(arguments)
    compiler = Compiler()
    for architecture in chosen.arch:
        start = time.perf_counter()
        try:
            cubin = compiler.cubin(chosen.source, chosen.include, architecture)
        except CompileError as error:
            print(f"{architecture}: {error}", file=sys.stderr)
            return 1
        print(f"{architecture}: {len(cubin)} bytes in {time.perf_counter() - start:.1f} s")
        if chosen.out:
            chosen.out.mkdir(parents=True, exist_ok=True)
            (chosen.out / f"{chosen.source.stem}.{architecture}.cubin").write_bytes(cubin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
