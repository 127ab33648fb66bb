"""Refused arguments as data: which argument, its value, and what is allowed.

A message is one line, `argument = value: allowed`, preceded by the file and line where there are some:
`heats.csv: line 3, steel_t = 0: must be above 0`. Callers that present a refusal in their own way (a command,
a form) read the attributes and never the sentence.
"""

from __future__ import annotations

import reprlib
import sys
from typing import Any, Self


class _Missing:
    """The value of a refusal that has none to show."""

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING = _Missing()


class Text(str):
    """A value in words, such as "4 dimensions": a message shows it as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Shape(tuple[int, ...]):
    """The shape of an array that has another one than is allowed: a message says so in these words."""

    __slots__ = ()


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 120
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 12


class RefusalError(Exception):
    """What the refusals share; :class:`ArgumentError` and its siblings are raised.

    - `argument`: the name of the argument, such as "zones[1].htc"; empty where a whole file or line
      is at fault.
    - `value`: what was given, :data:`MISSING` where no single value is at fault; the :class:`Shape` of an
      array whose shape is.
    - `allowed`: what would be accepted, "must be finite and above 0".
    - `file`, `line`: where it stands, None for arguments of a call.
    """

    def __init__(
        self,
        argument: str,
        value: Any = MISSING,
        allowed: str = "",
        *,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        self.argument, self.value, self.allowed = argument, value, allowed
        self.file, self.line = file, line
        super().__init__(self._message())

    def _message(self) -> str:
        place = "" if self.file is None else f"{self.file}: "
        if self.line is not None:
            place += f"line {self.line}{', ' if self.argument else ': '}"
        return one_line(f"{place}{self._subject()}{self.allowed}")

    def _subject(self) -> str:
        if isinstance(self.value, Shape):
            return f"{self.argument}: has shape {tuple(self.value)}; "
        value = "" if self.value is MISSING else f" = {shown(self.value)}"
        return f"{self.argument}{value}: " if self.argument else ""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would quote it

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.argument, self.value, self.allowed, self.file, self.line)

    def rest_of(self, name: str) -> str | None:
        """What follows if the argument is `name` or a part of it, "[1].htc" of "zones"; None if it is not."""
        rest = self.argument.removeprefix(name)
        return rest if self.argument.startswith(name) and rest[:1] in ("", ".", "[") else None

    def at(self, file: object, line: int | None = None) -> Self:
        """The same refusal of what stands in a file."""
        return type(self)(self.argument, self.value, self.allowed, file=str(file), line=line)

    def named(self, argument: str) -> Self:
        """The same refusal under another name, such as that of a command's option."""
        return type(self)(argument, self.value, self.allowed, file=self.file, line=self.line)


class ArgumentError(RefusalError, ValueError):
    """An argument has a value that is not allowed."""


class ArgumentTypeError(RefusalError, TypeError):
    """An argument has a type that is not allowed."""


class UnknownNameError(RefusalError, KeyError):
    """A name, `value`, is not among those that are known."""

    def _subject(self) -> str:
        value = "" if self.value is MISSING else f"{shown(self.value)} "
        return f"{self.argument}: {value}"


def shown(value: object) -> str:
    """A value as a message shows it: short, on one line."""
    np = sys.modules.get("numpy")  # not imported here: `tundish --help` is quick
    if isinstance(value, float) or (np and isinstance(value, np.floating)):
        return f"{value:g}"
    if np and isinstance(value, np.ndarray):
        if value.ndim == 0:
            return shown(value[()])
        return f"array of shape {value.shape}" if value.size > 6 else one_line(repr(value.tolist()))
    return one_line(_SHORT.repr(value))


def one_line(text: str) -> str:
    """The text with its line breaks and runs of blanks as one blank each."""
    return " ".join(text.split())


def _rebuilt(kind: type[RefusalError], *fields: Any) -> RefusalError:
    argument, value, allowed, file, line = fields
    return kind(argument, value, allowed, file=file, line=line)
