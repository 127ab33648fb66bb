"""Matrices that are diagonal, given by their diagonals."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, floats
from tundish._common.columns import FrozenColumns
from tundish._common.refusals import ArgumentError, Shape


class Diagonal(FrozenColumns):
    """Diagonal matrices by their diagonals, for the `transition`, `state_cov` or `initial_cov` of a filter.

    `Diagonal(values)` stands for the matrices with `values` along their diagonals and 0 elsewhere, with the
    same results to the last bit. A batch of them takes n numbers a series instead of n x n:

        kalman_filter(y, design, obs_cov, transition=Diagonal(1 - decay), ...)  # decay (B, n)

    **Main arguments:**

    - `values`: (n,) shared by all series, or (B, n), one diagonal for each of B series. Where the argument
      may change in time (not `initial_cov`), also (B, T, n), or (1, T, n) shared by all series.

    **Raises:** ValueError or TypeError naming `values` where they are not numbers along one to three axes.
    The filter refuses, under its argument's name, shapes that do not fit its series, states and steps.
    """

    _noun: ClassVar[str] = "a diagonal does"

    values: Floats

    def __init__(self, values: ArrayLike) -> None:
        array = numbers("values", values)
        if array.ndim not in (1, 2, 3):
            raise ArgumentError("values", Shape(array.shape), "(n,), (B, n) or (B, T, n) is needed")
        self._set(values=array)

    @property
    def ndim(self) -> int:
        """The number of axes that the matrices would have."""
        return self.values.ndim + 1

    def __repr__(self) -> str:
        return f"<Diagonal: values {self.values.shape}>"


def numbers(name: str, given: Any) -> Floats:
    """An array that keeps a scalar a scalar, and the precision that it has."""
    if type(given) is np.ndarray and given.dtype in (np.float64, np.float32):
        return given
    return floats(name, given).reshape(np.shape(given))
