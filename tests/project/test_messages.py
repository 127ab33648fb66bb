"""No code reads a message: what it needs of an error is an attribute of the error."""

from __future__ import annotations

import ast

import pytest
from references import known
from references.sources import modules

STRING_METHODS = {
    "split", "rsplit", "splitlines", "partition", "rpartition", "replace", "removeprefix", "removesuffix",
    "startswith", "endswith", "find", "index", "strip", "lstrip", "rstrip",
}  # fmt: skip
PATTERNS = {"match", "search", "fullmatch", "split", "sub", "findall", "finditer"}
ERROR_NAMES = {"error", "err", "exception", "refusal"}


def parsed_messages(source: str) -> list[int]:
    """Lines that take the text of an exception, or a `.message`, apart or search it."""
    tree = ast.parse(source)
    errors = ERROR_NAMES | {n.name for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.name}
    texts = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_text(node.value, errors, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return sorted({node.lineno for node in ast.walk(tree) if _takes_apart(node, errors, texts)})


def _is_text(node: ast.expr, errors: set[str], texts: set[str]) -> bool:
    """Whether an expression is the text of an error: str(error), error.args[0], f"{error}", x.message."""
    if isinstance(node, ast.Name):
        return node.id in texts
    if isinstance(node, ast.Call):
        first = node.args[0] if node.args else None
        return isinstance(node.func, ast.Name) and node.func.id == "str" and _is_error(first, errors)
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "args"
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(v, ast.FormattedValue) and _is_error(v.value, errors) for v in node.values)
    return isinstance(node, ast.Attribute) and node.attr == "message"


def _is_error(node: ast.expr | None, errors: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in errors


def _takes_apart(node: ast.AST, errors: set[str], texts: set[str]) -> bool:
    if isinstance(node, ast.Compare):
        return isinstance(node.ops[0], ast.In | ast.NotIn) and _is_text(node.comparators[0], errors, texts)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr in STRING_METHODS and _is_text(node.func.value, errors, texts):
        return True
    return node.func.attr in PATTERNS and any(_is_text(a, errors, texts) for a in node.args)


def shapes_in_words(source: str) -> list[int]:
    """Lines of refusals that say a shape in their words and do not have it as their value."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("ArgumentError", "ArgumentTypeError")
        and any("has shape" in ast.unparse(a) for a in node.args[1:])
    ]


def test_refused_shapes_are_data() -> None:
    assert not {name for name, path in modules().items() if shapes_in_words(path.read_text("utf-8"))}


def test_a_shape_in_words_is_found() -> None:
    assert shapes_in_words('raise ArgumentError(name, MISSING, f"has shape {y.shape}; (T,) is needed")') == [
        1
    ]
    assert not shapes_in_words('raise ArgumentError(name, Shape(y.shape), "(T,) is needed")')


def test_no_message_is_parsed() -> None:
    found = {name for name, path in modules().items() if parsed_messages(path.read_text("utf-8"))}
    assert not found - known.PARSERS


@pytest.mark.parametrize(
    "line",
    [
        "str(error).partition(' ')",
        "re.match(r'\\w+', str(error))",
        "NAME.match(str(error))",
        "'interrupted' in str(error)",
        "str(error).replace('a', 'b')",
        "error.args[0].split()",
        "INTERRUPTED in found.message",
    ],
)
def test_a_parsed_message_is_found(line: str) -> None:
    assert parsed_messages(f"try:\n    f()\nexcept ValueError as error:\n    {line}\n") == [4]
    assert parsed_messages(f"text = str(error)\n{line.replace('str(error)', 'text')}\n") == [2]


def test_showing_a_message_is_allowed() -> None:
    assert not parsed_messages("try:\n    f()\nexcept ValueError as e:\n    raise Bad(str(e)) from None\n")
