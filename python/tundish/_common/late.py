"""Names that are imported when they are used: pictures for the `.plot` methods, and what packages list.

The pictures import the results that they draw. A result's `.plot` method therefore reaches its picture by
name, so that the imports keep one direction. tests/project/test_layers.py lists every use of :func:`late`;
nothing else may use it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def late(target: str) -> Callable[..., Any]:
    """The function of "package.module:function"."""
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def by_name(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose names are imported when they are first asked for.

    - `homes`: for each name the module below the package that has it.
    """

    def found(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return found
