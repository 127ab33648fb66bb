"""How a strand is solved: the one home of the options and their defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tundish._common.arguments import choice, count, integer, names_of, number
from tundish._common.refusals import ArgumentTypeError


@dataclasses.dataclass(frozen=True)
class Options:
    """How a strand is solved, beyond its grid. :func:`solve` explains each of them.

    - `method`: "adi" or "sor". `phase_change`: "enthalpy" or "correction".
    - `relaxation`, `tolerance` (K; None is what the precision allows), `max_sweeps`, `ordering`
      ("lexicographic" or "red-black"): of method="sor".
    - `dtype`: "float64" or "float32". `threads`: None is all processors. `backend`: "cpu".

    The defaults of :func:`solve`, :func:`solve_batch`, :class:`Plan`, :class:`Stepper` and :class:`Case` are
    these. Raises ValueError or TypeError naming the option.
    """

    method: str = "adi"
    phase_change: str = "enthalpy"
    relaxation: float = 1.4
    tolerance: float | None = None
    max_sweeps: int = 10_000
    ordering: str = "lexicographic"
    dtype: str = "float64"
    threads: int | None = None
    backend: str = "cpu"

    def __post_init__(self) -> None:
        choice("backend", self.backend, ["cpu"])
        choice("dtype", self.dtype, ["float64", "float32"])
        if self.threads is not None:
            self._set("threads", count("threads", self.threads, 1))
        choice("method", self.method, ["adi", "sor"])
        choice("phase_change", self.phase_change, ["enthalpy", "correction"])
        self._set("relaxation", number("relaxation", self.relaxation))
        if self.tolerance is not None:
            self._set("tolerance", number("tolerance", self.tolerance))
        self._set("max_sweeps", integer("max_sweeps", self.max_sweeps))
        choice("ordering", self.ordering, ["lexicographic", "red-black"])

    @property
    def extrapolates(self) -> bool:
        """Whether a grid may ask for an accuracy: of marches by alternating directions on the enthalpy."""
        return self.method == "adi" and self.phase_change == "enthalpy"

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any] | None) -> Options:
        """The options that a mapping of keywords changes; errors call the mapping by `name`."""
        return cls(**keywords_of(name, values))

    def changes(self) -> dict[str, Any]:
        """The options that differ from their defaults, by name."""
        return {
            name: value for name in OPTION_NAMES if (value := getattr(self, name)) != getattr(Options, name)
        }


OPTION_NAMES = tuple(field.name for field in dataclasses.fields(Options))


def keywords_of(name: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    """A mapping of options to values, whose names are checked; errors call the mapping by `name`."""
    if values is not None and not isinstance(values, Mapping):
        raise ArgumentTypeError(name, values, "must be a mapping of keywords to values")
    given = dict(values or {})
    names_of(name, given, OPTION_NAMES)
    return given
