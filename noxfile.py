"""The developer's commands, and the two gates of CI: `nox -l` lists them, `nox -s NAME` runs one.

Sessions that need the package use the environment in .venv, which `nox -s dev` sets up and CI makes by the
README's own command. What follows `--` goes to the tool: `nox -s test -- tests/casting -x`.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYTHON = str(ROOT / ".venv" / "bin" / "python")
ACCEPTANCE = ("test_casting.py", "test_identification.py", "test_filters_scrap.py")
FAST = ("lint", "readme", "acceptance", "types")
FULL = ("cpp", "sanitizers", "bench", "docs")
CPP_FOLDERS = ("cpp", "benchmarks")

nox.options.sessions = ["lint", "types", "test"]
nox.options.reuse_existing_virtualenvs = True
os.environ.setdefault("PIP_CONSTRAINT", str(ROOT / "constraints.txt"))
os.environ.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")


@contextmanager
def step(session: nox.Session, title: str) -> Iterator[None]:
    """Says how long a part of a session took."""
    started = time.monotonic()
    yield
    session.log(f"{time.monotonic() - started:5.0f} s  {title}")


def python(session: nox.Session, *arguments: str) -> None:
    """The interpreter of .venv."""
    if not Path(PYTHON).exists():
        session.error(".venv is missing: nox -s dev")
    session.run(PYTHON, *arguments, external=True)


def pip(session: nox.Session, *arguments: str) -> None:
    """Installs into .venv, in the versions of constraints.txt."""
    python(session, "-m", "pip", "install", "--quiet", *arguments)


def pytest(session: nox.Session, *arguments: str) -> None:
    python(session, "-m", "pytest", *arguments)


def in_parallel() -> str:
    """Options of pytest-xdist: a worker a processor, and the tests of one file on one worker.

    A worker that ends within a test ends the run: with another one in its place, xdist may wait for ever.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"-n {processors} --dist loadfile --max-worker-restart 0"


@nox.session(python=False)
def dev(session: nox.Session) -> None:
    """Set up .venv: the package, editable, with all that tests and tools need. Again after C++ changes."""
    if not Path(PYTHON).exists():
        session.run(sys.executable, "-m", "venv", ".venv", external=True)
    pip(session, "scikit-build-core", "pybind11", "cmake", "ninja")
    pip(session, "--no-build-isolation", "--editable", ".[test]")
    pip(session, "mypy", "ruff", "clang-format", "codespell", "pre-commit")


@nox.session(python=False)
def test(session: nox.Session) -> None:
    """Run the tests in .venv: all in parallel, or what follows `--`, such as `-- tests/casting`."""
    pytest(session, *(session.posargs or in_parallel().split()))


@nox.session
def lint(session: nox.Session) -> None:
    """Check formats and spelling; `-- --fix` mends what can be mended."""
    session.install("ruff", "clang-format", "codespell")
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []))
    session.run("ruff", "format", *([] if fix else ["--check"]))
    files = [str(p) for folder in CPP_FOLDERS for p in sorted(Path(folder).rglob("*")) if is_cpp(p)]
    session.run("clang-format", *(["-i"] if fix else ["--dry-run", "-Werror"]), *files)
    session.run("codespell")


def is_cpp(path: Path) -> bool:
    return path.suffix in (".h", ".c", ".cpp", ".cu")


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """Check the types of the package, and the stub of the extension against what is built."""
    pip(session, "mypy")
    python(session, "-m", "mypy")
    python(session, "tools/check_stubs.py")


@nox.session(python=False)
def cpp(session: nox.Session) -> None:
    """Build the C++ with warnings as errors, test it, and check its symbols; `-- PRESET ...` for others."""
    for preset in session.posargs or ["strict"]:
        build_and_test(session, preset)
    if session.posargs:
        return
    wheels = sorted(Path("build").glob("cp*"))
    if not wheels:
        session.error("build/cp* is missing, whose extension is checked as well: install the package first")
    for tree in ("build/strict", *map(str, wheels)):
        session.run(sys.executable, "tools/check_symbols.py", tree, external=True)


@nox.session(python=False)
def sanitizers(session: nox.Session) -> None:
    """Test the C++ under the address, undefined-behaviour and thread sanitizers."""
    for preset in ("asan", "tsan"):
        build_and_test(session, preset)


def build_and_test(session: nox.Session, preset: str) -> None:
    for title, command in {
        "configured": ["cmake", "--preset", preset],
        "built": ["cmake", "--build", "--preset", preset],
        "tested": ["ctest", "--preset", preset],
    }.items():
        with step(session, f"{preset} {title}"):
            session.run(*command, external=True)


@nox.session(python=False)
def bench(session: nox.Session) -> None:
    """Run every benchmark once; `-- --benchmark-only -k casting` measures those of casting."""
    pip(session, "tundish[benchmark]")
    pytest(session, "benchmarks", *(session.posargs or ["--benchmark-disable"]))


@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """Check the links, the glossary and the README's examples."""
    pytest(session, "-q", "tests/project/test_docs.py", "tests/project/test_readme.py")


@nox.session(python=False)
def readme(session: nox.Session) -> None:
    """Run the README's two commands word by word: install and solve, then all tests, one after the other.

    In parallel, tests that interrupt their own process have ended a worker of pytest-xdist and the whole run.
    """
    for name in ("run", "test"):
        command = readme_command(Path("README.md").read_text("utf-8"), name)
        with step(session, f"README: {name}"):
            session.run("bash", "-euxo", "pipefail", "-c", command, external=True)


def readme_command(text: str, name: str) -> str:
    """The code block after <!-- ci:NAME -->."""
    found = re.search(rf"^<!-- ci:{name} -->\n+```sh\n(.*?)^```$", text, re.DOTALL | re.M)
    if found is None:
        raise ValueError(f"README.md: no code block follows <!-- ci:{name} -->")
    return found[1]


@nox.session(python=False)
def acceptance(session: nox.Session) -> None:
    """Run the acceptance tests that lie beside the checkout, if there are any."""
    folder = ROOT.parent / "shared" / "acceptance"
    if not (folder / ACCEPTANCE[0]).is_file():
        session.log(f"{folder} is not there")
        return
    pytest(session, *(str(folder / name) for name in ACCEPTANCE))


@nox.session(python=False)
def fast(session: nox.Session) -> None:
    """Gate before every change: formats, README's commands with all tests, acceptance tests, types."""
    for name in FAST:
        session.notify(name)


@nox.session(python=False)
def full(session: nox.Session) -> None:
    """Gate before a release, after `fast`: strict C++, sanitizers, benchmarks in one round, docs."""
    if not Path(PYTHON).exists():
        session.notify("readme")
    for name in FULL:
        session.notify(name)
