"""Solvers for steelmaking and continuous casting.

``tundish.casting`` solves the cooling and solidification of a continuously cast strand.
"""

from tundish._core import __version__

__all__ = ["__version__"]
