"""Ways to compute trained networks, and their export to other programs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tundish.segregation.engines._names import ENGINES

if TYPE_CHECKING:
    from tundish.segregation.engines._compiled import missing_engines, processor_flags

__all__ = ["ENGINES", "missing_engines", "processor_flags"]

# What needs torch is imported when it is first asked for.
_LAZY = {"missing_engines": "_compiled", "processor_flags": "_compiled"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
