"""`tundish info`: what is installed, and what the kernels run on."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from tundish.cli import DONE, BadInputError
from tundish.cli._run import Command, instruction_set

# Optional package: the extra that brings it, and what it is for.
_PACKAGES = {
    "matplotlib": ("plot", "pictures"),
    "xarray": ("xarray", "labelled data"),
    "h5netcdf": ("xarray", "NetCDF files"),
    "scipy": ("optimize", "optimisers"),
    "torch": ("vision", "networks that read images"),
    "scikit-image": ("vision", "contrast and features of images"),
    "scikit-learn": ("vision", "models without a network"),
    "openvino": ("deploy", "fast networks"),
    "onnx": ("deploy", "networks for other programs"),
    "rich": ("progress", "progress bars"),
}


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info",
        help="version, instruction set, threads, optional packages",
        description="Shows the version, the instruction set and threads in use, and the optional packages.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    what.add_argument(
        "--cmake-dir", action="store_true", help="print the folder for find_package(tundish), as tundish_DIR"
    )
    return parser


@dataclasses.dataclass(frozen=True, kw_only=True)
class InfoCommand(Command):
    """`tundish info`."""

    cmake_dir: bool = False


def run(arguments: argparse.Namespace) -> int:
    """Prints what was asked for."""
    command = InfoCommand.parse(arguments)
    if command.cmake_dir:
        folder = cmake_dir()
        if folder is None:
            raise BadInputError(
                "--cmake-dir: this installation has no CMake files; install tundish from a wheel"
            )
        print(folder)
        return DONE
    facts = _facts()
    print(json.dumps(facts) if command.json else _table(facts))
    return DONE


def cmake_dir() -> Path | None:
    """The folder where `find_package(tundish)` finds the C++ library, None where it is not installed.

    It lies beside the extension, which an editable installation keeps apart from the Python files.
    """
    from tundish import _core

    folder = Path(_core.__file__).parent / "lib" / "cmake" / "tundish"
    return folder if (folder / "tundish-config.cmake").is_file() else None


def _facts() -> dict[str, Any]:
    from tundish import __version__, _core

    folder = cmake_dir()
    return {
        "version": __version__,
        "python": platform.python_version(),
        "instruction_set": instruction_set(),
        "threads": _core.default_threads(),
        "gpu": None,
        "cmake_dir": None if folder is None else str(folder),
        "packages": {package: _version(package) for package in _PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _table(facts: dict[str, Any]) -> str:
    rows = {
        "tundish": f"{facts['version']} (Python {facts['python']})",
        "instruction set": facts["instruction_set"],
        "threads": facts["threads"],
        "GPU": "not available in this version",
        "CMake files": facts["cmake_dir"] or "not installed",
    }
    for package, (extra, use) in _PACKAGES.items():
        version = facts["packages"][package]
        rows[package] = version or f"not found; for {use}: pip install 'tundish[{extra}]'"
    return "\n".join(f"{name:<17}{value}" for name, value in rows.items())
