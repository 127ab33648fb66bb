"""Turned and mirrored copies of patches."""

from __future__ import annotations

AUGMENTATIONS = ("dihedral", "rotation", "mirror")

_ROTATIONS = ((0, False), (1, False), (2, False), (3, False))
# Quarter turns, and whether the copy is mirrored left to right first; None is the patch alone.
COPIES: dict[str | None, tuple[tuple[int, bool], ...]] = {
    None: ((0, False),),
    "rotation": _ROTATIONS,
    "mirror": ((0, False), (0, True)),
    "dihedral": (*_ROTATIONS, *((turns, True) for turns, _ in _ROTATIONS)),
}
