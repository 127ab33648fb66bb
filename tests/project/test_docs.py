"""Links of the pages lead somewhere; files, sessions and the names of the glossary exist."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for folder in (".", "docs", "benchmarks")
    for path in sorted((ROOT / folder).glob("*.md" if folder == "." else "**/*.md"))
]
CONTRIBUTING = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "contributing").glob("*.md"))]
GLOSSARY = ROOT / "docs" / "contributing" / "glossary.md"
HEADER = (ROOT / "cpp" / "include" / "tundish" / "tundish.h").read_text("utf-8")
CASE_FORMAT = (ROOT / "docs" / "case-format.md").read_text("utf-8")
COLUMNS = {"TOML": 3, "Python": 4, "C": 5, "C++": 6}
SUFFIXES = "md|py|pyi|toml|txt|cpp|h|cu|json|cmake"


def broken_links(page: Path, text: str) -> list[str]:
    """Links to files that do not exist, and to headings that a page lacks."""
    found = []
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            found.append(link)
            continue
        headed = not anchor or target.suffix != ".md" or anchor in anchors(target.read_text("utf-8"))
        if not headed:
            found.append(link)
    return found


def anchors(text: str) -> set[str]:
    """GitHub's names of the headings of a page."""
    headings = re.findall(r"^#+ +(.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_files(text: str) -> list[str]:
    """Files named in code that are neither in the checkout nor below python/tundish."""
    names = re.findall(rf"`([\w./-]+\.(?:{SUFFIXES}))`", text)
    folders = (
        ROOT,
        ROOT / "python" / "tundish",
        ROOT / "docs" / "contributing",
        ROOT / "cpp/include/tundish",
    )
    return [name for name in names if not any((folder / name).exists() for folder in folders)]


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of all tables, headings left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "term" and not row[0].startswith("---")]


def is_key(name: str) -> bool:
    """Whether docs/case-format.md lists a key in the section of its table."""
    table, key = name.split(".")
    parts = re.split(r"^## ", CASE_FORMAT, flags=re.M)
    sections = [part for part in parts if f"[{table}]" in part.partition("\n")[0]]
    listed = [cell for part in sections for cell in re.findall(r"^\| (.*?) \|", part, flags=re.M)]
    return any(f"`{key}`" in cell for cell in listed)


def is_python(name: str) -> bool:
    """Whether a dotted name exists below tundish; in parentheses, a parameter of it."""
    dotted, _, parameter = name.rstrip(")").partition("(")
    package, *path = dotted.split(".")
    value: Any = importlib.import_module(f"tundish.{package}")
    for part in path:
        if inspect.isclass(value) and not hasattr(value, part):
            return not parameter and part in attributes(value)
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return not parameter or parameter in inspect.signature(value).parameters


def attributes(kind: type) -> set[str]:
    """Annotated attributes of a class, and names in code of its docstring."""
    annotated = {name for c in kind.__mro__ for name in getattr(c, "__annotations__", {})}
    return annotated | set(re.findall(r"`(\w+)`", inspect.getdoc(kind) or ""))


def is_c(name: str) -> bool:
    """Whether tundish.h has a name; after a dot, a field of a struct."""
    struct, _, field = name.partition(".")
    if not field:
        return re.search(rf"\b{struct}\b", HEADER) is not None
    body = re.search(rf"typedef struct {struct} \{{(.*?)\}} {struct};", HEADER, flags=re.S)
    return body is not None and re.search(rf"\b{field}\b", body[1]) is not None


def is_cpp(name: str) -> bool:
    """Whether a file below cpp/src or cpp/include/tundish has a name."""
    file, _, word = name.partition(":")
    paths = [ROOT / folder / file for folder in ("cpp/src", "cpp/include/tundish")]
    texts = [path.read_text("utf-8") for path in paths if path.is_file()]
    return any(re.search(rf"\b{word}\b", text) for text in texts)


CHECKS = {"TOML": is_key, "Python": is_python, "C": is_c, "C++": is_cpp}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert not broken_links(page, page.read_text("utf-8"))


@pytest.mark.parametrize("page", CONTRIBUTING, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    assert not missing_files(page.read_text("utf-8"))


def test_sessions_that_are_named_exist() -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    sessions = {f.name for f in functions if any("session" in ast.unparse(d) for d in f.decorator_list)}
    named = {
        name
        for page in CONTRIBUTING
        for names in re.findall(r"nox -s ((?:\w+ ?)+)", page.read_text("utf-8"))
        for name in names.split()
    }
    assert named
    assert named <= sessions


@pytest.mark.parametrize("language", COLUMNS)
def test_names_of_the_glossary_exist(language: str) -> None:
    pytest.importorskip("torch")
    table = rows(GLOSSARY.read_text("utf-8"))
    names = [name for row in table for name in re.findall(r"`([^`]+)`", row[COLUMNS[language]])]
    assert len(names) > 10
    assert not [name for name in names if not CHECKS[language](name)]


def test_every_row_of_the_glossary_names_something() -> None:
    assert all(len(row) == 7 and any(row[3:]) for row in rows(GLOSSARY.read_text("utf-8")))


# Each check must be able to fail.


def test_missing_targets_are_found() -> None:
    text = (
        "[a](README.md) [b](gone.md) [c](README.md#no-heading) [d](https://x.y) `tests/gone.py` `README.md`"
    )
    assert broken_links(ROOT / "CHANGELOG.md", text) == ["gone.md", "README.md#no-heading"]
    assert missing_files(text) == ["tests/gone.py"]


@pytest.mark.parametrize(
    ("language", "good", "bad"),
    [
        ("TOML", "zones.htc", "zones.speed"),
        ("Python", "casting.Zone.htc", "casting.Zone.coefficient"),
        ("Python", "casting.solve(probes)", "casting.solve(sensors)"),
        ("C", "tundish_options.probes", "tundish_options.sensors"),
        ("C++", "casting/section.h:htc_x", "casting/section.h:coefficient_x"),
    ],
)
def test_wrong_names_are_found(language: str, good: str, bad: str) -> None:
    assert CHECKS[language](good)
    assert not CHECKS[language](bad)
