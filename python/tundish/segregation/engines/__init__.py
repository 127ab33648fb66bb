"""Ways to compute trained networks, and their export to other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tundish._common.late import by_name
from tundish.segregation.engines._names import ENGINES

if TYPE_CHECKING:
    from tundish.segregation.engines._compiled import missing_engines, processor_flags

__all__ = ["ENGINES", "missing_engines", "processor_flags"]

# What needs torch is imported when it is first asked for.
_LAZY = {"missing_engines": "_compiled", "processor_flags": "_compiled"}

__getattr__ = by_name(__name__, _LAZY)
