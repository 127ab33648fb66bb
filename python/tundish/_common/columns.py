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
    """A copy that cannot be written to, or the array itself where nobody can."""
    if values.flags.writeable or values.base is not None:
        values = values.copy()
        values.flags.writeable = False
    return values
