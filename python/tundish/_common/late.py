"""Functions that are imported when they are called: for the `.plot` methods of results, and nothing else.

The pictures import the results that they draw. A result's `.plot` method therefore reaches its picture by
name, so that the imports keep one direction. tests/project/test_layers.py lists every use.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def late(target: str) -> Callable[..., Any]:
    """The function of "package.module:function"."""
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
