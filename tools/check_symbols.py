"""Checks that the kernels of one instruction set cannot leak into another's, and what the libraries show.

    python tools/check_symbols.py BUILD_DIR

A weak symbol (an inline function or a template without internal linkage) that is compiled once for every
instruction set is merged by the linker, which keeps any one of the copies: perhaps the AVX-512 one, on a
machine that has none. So an object of the kernels may hold no weak symbols, and exports one function only,
the one that hands its table out.

A shared library shows the C ABI, and the extension its entry as well; a template of the standard library that
is visible beside them could take the place of another library's copy, or give way to it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

OBJECTS = "**/kernels_*.dir/**/*.o"
LIBRARIES = ("**/libtundish.so", "**/_core*.so")
SHOWN = re.compile(r"tundish_\w+$|PyInit__core$")
HIDE_SHOWN = "only the C ABI and PyInit__core may be seen (cpp/cmake/exports.map)"
HIDE_WEAK = (
    "define it after TUNDISH_INTERNAL_LINKAGE, inside TUNDISH_NAMESPACE_BEGIN or an unnamed namespace, and "
    "use nothing inline from std headers"
)
HIDE_EXPORTED = "put it into an unnamed namespace; only the *_kernels function may be seen"
TABLE = re.compile(r"\w+_kernels(\(\))?$")


class Symbol(NamedTuple):
    """A name and the letter that nm gives its kind."""

    name: str
    kind: str

    @property
    def weak(self) -> bool:
        return self.kind in "WVu"

    @property
    def exported(self) -> bool:
        return self.kind.isupper() and self.kind not in "UWV"


def defined_symbols(object_file: Path, *options: str) -> list[Symbol]:
    """What an object defines."""
    nm = shutil.which("nm")
    if nm is None:
        raise FileNotFoundError("nm is not on the PATH: apt-get install binutils")
    command = [nm, "--format=sysv", "--demangle", "--defined-only", *options, str(object_file)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.rsplit("|", 6) for line in lines if line.count("|") >= 6]
    return [Symbol(name.strip(), kind.strip()) for name, _value, kind, *_ in rows]


def complaints(object_file: Path) -> list[str]:
    """What is wrong with an object, and what to do about it."""
    symbols = defined_symbols(object_file)
    exported = [s for s in symbols if s.exported]
    found = [f"weak symbol ({s.kind}) {s.name}: {HIDE_WEAK}" for s in symbols if s.weak]
    found += [
        f"exported symbol ({s.kind}) {s.name}: {HIDE_EXPORTED}" for s in exported if not TABLE.search(s.name)
    ]
    tables = [s.name for s in exported if TABLE.search(s.name)]
    if len(tables) != 1:
        found.append(f"exports {len(tables)} *_kernels functions {tables}: exactly one is needed")
    return found


def shown_complaints(library: Path) -> list[str]:
    """What a shared library shows and should not."""
    symbols = defined_symbols(library, "--dynamic")
    return [f"visible symbol ({s.kind}) {s.name}: {HIDE_SHOWN}" for s in symbols if not SHOWN.match(s.name)]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: check_symbols.py BUILD_DIR", file=sys.stderr)
        return 2
    objects = sorted(Path(arguments[0]).glob(OBJECTS))
    if not objects:
        print(f"{arguments[0]}: no object matches {OBJECTS}; build the kernels first", file=sys.stderr)
        return 2
    libraries = sorted(path for pattern in LIBRARIES for path in Path(arguments[0]).glob(pattern))
    if not libraries:
        print(f"{arguments[0]}: no library matches {' or '.join(LIBRARIES)}", file=sys.stderr)
        return 2
    found = [f"{path}: {text}" for path in objects for text in complaints(path)]
    found += [f"{path}: {text}" for path in libraries for text in shown_complaints(path)]
    for text in found:
        print(text, file=sys.stderr)
    print(
        f"{len(objects)} objects of the kernels and {len(libraries)} libraries checked, "
        f"{len(found)} complaints"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
