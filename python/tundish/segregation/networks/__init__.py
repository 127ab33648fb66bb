"""Networks that see patches: convolutions trained from the start, and layers trained on ImageNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tundish._common.late import by_name
from tundish.segregation.networks._names import BACKBONES, BUNDLED

if TYPE_CHECKING:
    from tundish.segregation.networks._backbones import missing_transfer
    from tundish.segregation.networks._carbon_net import CarbonNet
    from tundish.segregation.networks._texture_net import TextureNet

__all__ = ["BACKBONES", "BUNDLED", "CarbonNet", "TextureNet", "missing_transfer"]

# What needs torch is imported when it is first asked for.
_LAZY = {"CarbonNet": "_carbon_net", "TextureNet": "_texture_net", "missing_transfer": "_backbones"}

__getattr__ = by_name(__name__, _LAZY)
