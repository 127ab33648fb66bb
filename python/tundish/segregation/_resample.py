"""Patches and photographs at a coarser scale."""

from __future__ import annotations

import numpy as np

from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish.segregation._patches import PatchSet


def resampled(patches: PatchSet, size: int) -> PatchSet:
    """Square patches with fewer pixels a side, each the mean of the area that it covers."""
    side = patches.size[0]
    if not 1 <= size <= side:
        raise ValueError(f"size = {size}: must be 1 to {side} px, the patches' own")
    return PatchSet(
        np.stack([_reduced(image, size, size) for image in patches.images]),
        patches.carbon,
        point=patches.point,
        billet=patches.billet,
        position=patches.position,
        mm_per_px=patches.mm_per_px * side / size,
    )


def resampled_photograph(photograph: Grey, mm_per_px: float, wanted: float) -> Grey:
    """A photograph at a coarser scale; its sides are rounded to whole pixels."""
    if wanted < mm_per_px:
        raise ValueError(f"mm_per_px = {mm_per_px:g}: is coarser than {wanted:g}, at which patches are seen")
    height, width = (max(1, round(side * mm_per_px / wanted)) for side in photograph.shape)
    return _reduced(photograph, height, width)


def _reduced(image: Grey, height: int, width: int) -> Grey:
    pillow = optional("PIL.Image", "vision")
    whole = pillow.fromarray(image).resize((width, height), pillow.Resampling.BOX)
    return np.asarray(whole, np.uint8)
