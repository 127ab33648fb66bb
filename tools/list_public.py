"""Lists what other programs may use of tundish: names and parameters in Python, options of the commands, the
C ABI and the installed headers.

    python tools/list_public.py > listing.json              the listing of the installed package
    python tools/list_public.py --against listing.json      what has gone or changed since; nothing may

Python is read by importing the package, C from the installed headers (--headers FOLDER: from others).
tests/project/public_9e3ef0d.json is the listing that tests/project/test_public.py holds the package to.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import inspect
import io
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

PACKAGES = (
    "tundish",
    "tundish.casting",
    "tundish.crystallization",
    "tundish.crystallization.baselines",
    "tundish.crystallization.synthetic",
    "tundish.filtering",
    "tundish.optimize",
    "tundish.reproduce.energies2020",
    "tundish.reproduce.flux2023",
    "tundish.reproduce.scrap2025",
    "tundish.reproduce.segregation2025",
    "tundish.scrap",
    "tundish.segregation",
    "tundish.segregation.synthetic",
)
COMMANDS = ("cast", "crystallize", "identify", "info", "reproduce", "scrap", "segregate")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")

Listing = dict[str, Any]


def python_names(package: str) -> Listing:
    """By name, what a package offers."""
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None) or [n for n in vars(module) if _is_own(module, n)]
    return {name: described(getattr(module, name)) for name in sorted(names)}


def _is_own(module: Any, name: str) -> bool:
    """Whether a module without __all__ offers a name: its functions, classes and constants, no imports."""
    value = getattr(module, name)
    if name.startswith("_") or inspect.ismodule(value):
        return False
    if callable(value):  # functions, classes, and functions that remember their results
        return bool(getattr(value, "__module__", None) == module.__name__)
    return name.isupper() and name in _constants(module)


def _constants(module: Any) -> set[str]:
    """Names that a module assigns to at its top level."""
    found = set()
    for node in ast.parse(inspect.getsource(module)).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def described(value: Any) -> Listing:
    """Kind, parameters and members of one object."""
    if inspect.ismodule(value):
        return {"kind": "module"}
    if inspect.isclass(value):
        bases = [b.__name__ for b in value.__mro__[1:-1] if not b.__module__.startswith("tundish")]
        return {
            "kind": "class",
            "bases": bases,
            "parameters": parameters(value),
            "members": {name: _member(value, name) for name in sorted(_public_members(value))},
        }
    if callable(value):
        return {"kind": "function", "parameters": parameters(value)}
    return {"kind": "constant", "type": type(value).__name__}


def parameters(function: Any) -> list[list[str]]:
    """[name, kind, default] of each parameter in order; the default is "" where there is none."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    found = []
    for p in signature.parameters.values():
        default = "" if p.default is p.empty else ADDRESS.sub("", repr(p.default))
        found.append([p.name, p.kind.name.lower(), default])
    return found


def _own_classes(kind: type) -> list[type]:
    return [c for c in kind.__mro__ if c.__module__.startswith("tundish")]


def _public_members(kind: type) -> set[str]:
    """Methods, properties and annotated or assigned attributes of a class and of its bases in tundish."""
    names: set[str] = set()
    for c in _own_classes(kind):
        names |= set(vars(c)) | set(getattr(c, "__annotations__", {})) | _assigned(c)
    return {name for name in names if not name.startswith("_")}


def _assigned(kind: type) -> set[str]:
    """Attributes that the methods of a class assign to self."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError):
        return set()
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def _member(kind: type, name: str) -> Listing:
    value = inspect.getattr_static(kind, name, None)
    if isinstance(value, staticmethod | classmethod):
        value = getattr(kind, name)
    if inspect.isroutine(value):
        return {"kind": "method", "parameters": parameters(value)}
    return {"kind": "attribute"}


def command_options(command: str) -> list[str]:
    """The options in the help of a command."""
    from tundish.cli.main import main

    with contextlib.redirect_stdout(io.StringIO()) as text:
        main([command, "--help"])
    return sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text.getvalue())))


def c_names(header: str) -> Listing:
    """Functions, enumerations and structs that a C header declares."""
    text = re.sub(r"/\*.*?\*/", " ", header, flags=re.S)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    functions = {
        match[2]: " ".join(match[0].removeprefix("TUNDISH_API").split())
        for match in re.finditer(r"TUNDISH_API ([^;(]*?)(\w+)\([^;]*\);", text)
    }
    enums: dict[str, dict[str, str]] = {}
    for body, name in re.findall(r"enum(?: \w+)? \{([^}]*)\} ?(\w*)", text):
        pairs = (item.partition("=") for item in body.split(",") if item.strip())
        enums.setdefault(name, {}).update({key.strip(): value.strip() for key, _, value in pairs})
    structs = {
        name: [" ".join(field.split()) for field in _fields(body)]
        for body, name in re.findall(r"struct \w+ \{(.*?)\} (\w+);", text, flags=re.S)
    }
    return {"functions": functions, "enums": enums, "structs": structs}


def _fields(body: str) -> list[str]:
    """One declaration a field: "double a, b;" are two of them."""
    found = []
    for declaration in filter(None, (d.strip() for d in body.split(";"))):
        if "(" in declaration:
            found.append(declaration)
            continue
        first, *others = declaration.split(",")
        kind = first.rpartition(" ")[0]
        found += [first, *(f"{kind} {other.strip()}" for other in others)]
    return found


def listing(headers: Path) -> Listing:
    """All of it."""
    return {
        "python": {package: python_names(package) for package in PACKAGES},
        "commands": {command: command_options(command) for command in COMMANDS},
        "c": c_names((headers / "tundish" / "tundish.h").read_text("utf-8")),
        "headers": sorted(str(path.relative_to(headers)) for path in headers.rglob("*.h")),
    }


def text_of(found: Any, depth: int = 3) -> str:
    """JSON with a name a line."""
    if depth == 0 or not isinstance(found, dict):
        return json.dumps(found, ensure_ascii=False)
    items = (f"{json.dumps(key)}: {text_of(value, depth - 1)}" for key, value in found.items())
    return "{\n" + ",\n".join(items) + "\n}"


def losses(old: Listing, new: Listing) -> list[str]:
    """What the old listing has and the new one lacks or has changed, a line each."""
    found: list[str] = []
    for package, names in old["python"].items():
        here = new["python"].get(package, {})
        for name, was in names.items():
            if name not in here:
                found.append(f"{package}.{name} is gone")
            else:
                found += _changes(f"{package}.{name}", was, here[name])
    for command, options in old["commands"].items():
        found += [f"tundish {command} {o} is gone" for o in options if o not in new["commands"][command]]
    found += [f"{header} is gone" for header in old["headers"] if header not in new["headers"]]
    return found + _c_losses(old["c"], new["c"])


def _changes(name: str, was: Listing, now: Listing) -> list[str]:
    if was["kind"] != now["kind"]:
        return [f"{name} was a {was['kind']} and is a {now['kind']}"]
    found = [f"{name} is no {base} any more" for base in was.get("bases", []) if base not in now["bases"]]
    if "parameters" in was:
        found += _changed_parameters(name, was["parameters"], now["parameters"])
    for member, described_ in was.get("members", {}).items():
        if member not in now["members"]:
            found.append(f"{name}.{member} is gone")
        else:
            found += _changes(f"{name}.{member}", described_, now["members"][member])
    return found


def _changed_parameters(name: str, was: list[list[str]], now: list[list[str]]) -> list[str]:
    """Every call that was right must stay right, and mean the same."""
    found = []
    here = {parameter[0]: parameter for parameter in now}
    for parameter in was:
        if here.get(parameter[0]) != parameter:
            found.append(f"{name}: parameter {parameter} is now {here.get(parameter[0])}")
    old_order = [p[0] for p in was if p[1].startswith("positional")]
    new_order = [p[0] for p in now if p[1].startswith("positional")]
    if new_order[: len(old_order)] != old_order:
        found.append(f"{name}: the order of parameters was {old_order} and is {new_order}")
    names = {p[0] for p in was}
    for parameter in now:
        if parameter[0] not in names and parameter[2] == "" and not parameter[1].startswith("var"):
            found.append(f"{name}: new parameter {parameter[0]} has no default")
    return found


def _c_losses(old: Listing, new: Listing) -> list[str]:
    found = [
        f"{name}: {declaration!r} is now {new['functions'].get(name)!r}"
        for name, declaration in old["functions"].items()
        if new["functions"].get(name) != declaration
    ]
    for enum, members in old["enums"].items():
        now = new["enums"].get(enum, {})
        found += [f"{enum} {m} = {v} is now {now.get(m)}" for m, v in members.items() if now.get(m) != v]
    found += [
        f"struct {name}: its fields were {fields} and are {new['structs'].get(name)}"
        for name, fields in old["structs"].items()
        if new["structs"].get(name) != fields
    ]
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Lists what other programs may use of tundish.")
    parser.add_argument("--against", type=Path, metavar="FILE", help="Compare with this listing.")
    parser.add_argument("--headers", type=Path, metavar="FOLDER", help="Read the headers in this folder.")
    chosen = parser.parse_args(arguments)
    import tundish

    found = listing(chosen.headers or Path(tundish.__file__).parent / "include")
    if chosen.against is None:
        print(text_of(found))
        return 0
    gone = losses(json.loads(chosen.against.read_text("utf-8")), found)
    print("\n".join(gone) or "nothing is gone")
    return 1 if gone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
