"""What identifies the model of a folder: its format, and the patches that it was trained on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tundish._learning.model_folder import Format

if TYPE_CHECKING:
    from tundish.segregation._patches import PatchSet

FORMAT = Format("tundish.segregation.CarbonRegressor", 1)


def data_hash(patches: PatchSet) -> str:
    """SHA-256 of the patches, their carbon, points, billets, scale and positions."""
    digest = hashlib.sha256()
    for name in ("images", "carbon", "point", "billet", "position", "mm_per_px"):
        value = getattr(patches, name)
        if hasattr(value, "dtype"):
            digest.update(f"{name} {value.dtype.str} {value.shape}\n".encode())
            digest.update(value.tobytes())
        else:
            digest.update(f"{name} {value!r}\n".encode())
    return digest.hexdigest()
