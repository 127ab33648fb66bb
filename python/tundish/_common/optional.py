"""Dependencies that are imported where they are used."""

from __future__ import annotations

import importlib
from types import ModuleType


def optional(module: str, extra: str) -> ModuleType:
    """An optional dependency, or an ImportError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise ImportError(f"this needs {package}: pip install 'tundish[{extra}]'") from None
