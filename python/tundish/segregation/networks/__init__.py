"""Networks that see patches: convolutions trained from the start, and layers trained on ImageNet."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tundish.segregation.networks._names import BACKBONES, BUNDLED

if TYPE_CHECKING:
    from tundish.segregation.networks._backbones import missing_transfer
    from tundish.segregation.networks._carbon_net import CarbonNet
    from tundish.segregation.networks._texture_net import TextureNet

__all__ = ["BACKBONES", "BUNDLED", "CarbonNet", "TextureNet", "missing_transfer"]

# What needs torch is imported when it is first asked for.
_LAZY = {"CarbonNet": "_carbon_net", "TextureNet": "_texture_net", "missing_transfer": "_backbones"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
