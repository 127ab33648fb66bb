"""The C and C++ sources of tundish: what they include, and how long their functions are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from references.sources import ROOT, Function

CPP = ROOT / "cpp"
SUFFIXES = (".h", ".c", ".cpp", ".cu")
# Comments, texts and characters may hold braces that are none.
_OPAQUE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<!\w)'(?:\\.|[^'\\\n])+'", re.S)
_NO_FUNCTION = re.compile(r"\s*(?:namespace|class|struct|enum|union|extern|typedef)\b")
_NAME = re.compile(r"(~?[\w:]+|operator\s*[^\s\w(]+|operator\s*\(\))\s*\(")


def sources(folder: Path = CPP) -> list[Path]:
    """All C and C++ files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def includes(source: str) -> list[str]:
    """What a file includes in quotes."""
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', source, flags=re.M)


def cpp_functions(source: str) -> list[Function]:
    """Every function with a body, found by counting braces; lambdas belong to the function around them."""
    text = _OPAQUE.sub(_blank, source)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", _blank, text, flags=re.M)
    found: list[Function] = []
    depth, start = 0, 0
    body: tuple[int, int, str] | None = None  # depth, first character and name of the function we are in
    value: int | None = None  # depth of a braced value, such as x{1} or = {1, 2}
    for position, bracket, plain in _brackets(text):
        outside = body is None and value is None
        before = text[start:position]
        if bracket == "{":
            if outside and (not plain or re.search(r"(?:[^\s]|=\s*)$", before)):
                value = depth
            elif outside and (name := _head(before)):
                skipped = re.match(r"\s*(?:(?:public|private|protected)\s*:\s*)*", before)
                body = (depth, start + (skipped.end() if skipped else 0), name)
            depth += 1
        elif bracket == "}":
            depth -= 1
            if body is not None and body[0] == depth:
                line, last = text.count("\n", 0, body[1]) + 1, text.count("\n", 0, position) + 1
                found.append(Function(body[2], line, last - line + 1))
                body = None
            elif value == depth:
                value = None
                continue
        if body is None and value is None and plain:
            start = position + 1
    return found


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _brackets(text: str) -> Iterator[tuple[int, str, bool]]:
    """Braces and the ends of statements, and whether they stand outside parentheses."""
    parentheses = 0
    for match in re.finditer(r"[(){};]", text):
        if match[0] in "()":
            parentheses += 1 if match[0] == "(" else -1
        else:
            yield match.start(), match[0], not parentheses


def _head(before: str) -> str:
    """The name of the function whose body the next brace opens; "" where it opens something else."""
    before = re.sub(r"^\s*(?:(?:public|private|protected)\s*:\s*)*", "", before)
    before = re.sub(r"^template\s*<[^{}]*?>\s*(?=[\w\[])", "", before)
    if _NO_FUNCTION.match(before) and "(" not in before:
        return ""
    match = _NAME.search(before)
    return match[1].lstrip(":") if match else ""
