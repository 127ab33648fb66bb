"""Patches of etched sections with their carbon: sets, splits, folders, photographs, and how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tundish._common.late import by_name

if TYPE_CHECKING:
    from tundish.segregation.patches._drift import Drift
    from tundish.segregation.patches._handcrafted import FEATURE_NAMES, features
    from tundish.segregation.patches._leak import Leak
    from tundish.segregation.patches._patch_set import PatchSet, leak
    from tundish.segregation.patches._photographs import read_photograph
    from tundish.segregation.patches._quality import clahe, image_quality

__all__ = [
    "FEATURE_NAMES",
    "Drift",
    "Leak",
    "PatchSet",
    "clahe",
    "features",
    "image_quality",
    "leak",
    "read_photograph",
]

# Imported when it is first asked for.
_LAZY = {
    "Drift": "_drift",
    "FEATURE_NAMES": "_handcrafted",
    "Leak": "_leak",
    "PatchSet": "_patch_set",
    "clahe": "_quality",
    "features": "_handcrafted",
    "image_quality": "_quality",
    "leak": "_patch_set",
    "read_photograph": "_photographs",
}

__getattr__ = by_name(__name__, _LAZY)
