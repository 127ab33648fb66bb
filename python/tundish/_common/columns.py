"""Objects made of arrays that do not change: readings, heats, patches, frames."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray


class FrozenColumns:
    """Attributes are set once, by :meth:`_set`; arrays among them are copied and cannot be written to.

    Pickling and copying keep that. A subclass calls itself by `_noun` in the message that refuses a change.
    """

    _noun: ClassVar[str] = "columns do"

    def _set(self, **columns: Any) -> None:
        """Takes over values that are checked already."""
        for name, value in columns.items():
            object.__setattr__(self, name, frozen(value) if isinstance(value, np.ndarray) else value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: {self._noun} not change; make others")

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A copy that cannot be written to, or the array itself where nobody can, as a part of a frozen array."""
    if _writeable(values):
        values = values.copy()
        values.flags.writeable = False
    return values


def _writeable(values: NDArray[Any]) -> bool:
    """Whether the array's memory can be written to, through it or through what it is a view of."""
    base: Any = values
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return True
        base = base.base
    return base is not None  # other memory, of which nothing is known
