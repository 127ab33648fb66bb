"""Synthetic billets: sections that solidify, segregate and are etched as this package's physics says."""

from __future__ import annotations

from tundish.segregation.synthetic._billet import Section, billet
from tundish.segregation.synthetic._solidification import Process, Structure, structure

__all__ = ["Process", "Section", "Structure", "billet", "structure"]
