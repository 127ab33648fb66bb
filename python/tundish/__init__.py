"""Solvers for steelmaking and continuous casting.

``tundish.casting`` solves the cooling and solidification of a continuously cast strand and identifies its
cooling, ``tundish.scrap`` estimates the composition of scrap from furnace data, ``tundish.segregation`` reads
carbon from etched sections, and ``tundish.crystallization`` follows the crystallisation of mould flux.
``tundish.filtering`` and ``tundish.optimize`` are the general solvers beneath them.

Arguments that are refused raise :class:`ArgumentError` (a ValueError), :class:`ArgumentTypeError` (a
TypeError) or :class:`UnknownNameError` (a KeyError); `.argument`, `.value` and `.allowed` hold what the
message says.
"""

from tundish._common.refusals import ArgumentError, ArgumentTypeError, UnknownNameError
from tundish._core import __version__

__all__ = ["ArgumentError", "ArgumentTypeError", "UnknownNameError", "__version__"]
