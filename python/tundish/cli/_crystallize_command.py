"""The command line of `tundish crystallize` with types, and refusals in its words."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import BadInputError
from tundish.cli._run import Command

if TYPE_CHECKING:
    from tundish._common.refusals import RefusalError
    from tundish.crystallization import AnalysisSettings

# The options that arguments come from, and the fields of the command that hold them.
_OPTIONS = {
    **{name: name for name in ("steps", "level", "start", "horizons", "window", "ensemble", "epochs")},
    **{name: name for name in ("seed", "device", "programme", "frames_per_second", "pattern", "crystals")},
    **{name: name for name in ("skip", "model", "poll", "after")},
    "rng": "seed",
    "image_size": "pixels",
    "columns": "column",
    "folder": "follow",
    "seconds": "follow_seconds",
}
_SETTINGS = ("steps", "level", "start", "window", "ensemble", "epochs", "seed", "device")
_TRAINING = ("window", "epochs", "ensemble", "pixels", "column")
_FOLLOWING = ("poll", "follow_seconds", "after")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CrystallizeCommand(Command):
    """`tundish crystallize`; None is the default of the package."""

    record: Path | None = None
    column: list[str] | None = None
    steps: int | None = None
    level: float | None = None
    start: float | None = None
    horizons: str | None = None
    against: str | None = None
    programme: Path | None = None
    frames_per_second: float | None = None
    pattern: str | None = None
    crystals: str | None = None
    skip: bool = False
    model: Path | None = None
    seed: int | None = None
    window: int | None = None
    ensemble: int | None = None
    epochs: int | None = None
    pixels: int | None = None
    device: str | None = None
    follow: bool = False
    poll: float | None = None
    follow_seconds: float | None = None
    after: int | None = None

    def settings(self) -> AnalysisSettings:
        """How to analyse or follow."""
        from tundish.crystallization import AnalysisSettings

        given: dict[str, Any] = {name: getattr(self, name) for name in _SETTINGS} | {
            "horizons": None if self.horizons is None else _horizons(self.horizons),
            "against": None if self.against is None else _against(self.against),
            "image_size": self.pixels,
        }
        return AnalysisSettings(**{name: value for name, value in given.items() if value is not None})

    def check(self) -> None:
        """Refuses options that do not go together."""
        if self.model is not None:
            for name in _TRAINING:
                if getattr(self, name) is not None:
                    raise BadInputError(f"--{name}: is of a training; --model {self.model} has had its own")
        if self.follow and self.record is None:
            raise BadInputError("--follow: needs a FOLDER to watch")
        for name in _FOLLOWING:
            if not self.follow and getattr(self, name) is not None:
                raise BadInputError(f"{_option(name)}: is for --follow alone")

    @contextlib.contextmanager
    def refusing(self, place: object = None) -> Iterator[None]:
        """Around calls of the package: what they refuse is bad input.

        `place`: where an argument stands that came from no option; None for the reading of files, whose
        refusals begin with the file.
        """
        from tundish._common.refusals import RefusalError

        try:
            yield
        except RefusalError as error:
            raise BadInputError(self._worded(error, place)) from None
        except OSError as error:
            raise BadInputError(f"{error.filename}: {error.strerror}" if error.filename else error) from None
        except ValueError as error:
            raise BadInputError(error if place is None else f"{place}: {error}") from None

    def _worded(self, error: RefusalError, place: object) -> str:
        """The refusal in the words of the command line."""
        from tundish._common.refusals import MISSING, shown

        paths = tuple(str(path) for path in (self.record, self.model, self.programme) if path is not None)
        if error.file is not None or error.argument.startswith(paths):  # a file is at fault
            return str(error)
        for argument, field in _OPTIONS.items():
            rest = error.rest_of(argument)
            if rest is not None and getattr(self, field) is not None:
                value = "" if error.value is MISSING else f" {shown(error.value)}"
                if field in ("column", "model"):  # as they were typed
                    value = f" {self.model if field == 'model' else error.value}"
                return f"{_option(field)}{rest}{value}: {error.allowed}"
        return str(error.at(place or self.record or "synthetic sequence"))


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


def _horizons(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(word) for word in text.split(","))
    except ValueError:
        found = ()
    if not found or found[0] < 1 or list(found) != sorted(set(found)):
        raise BadInputError(f"--horizons {text}: must be whole numbers from 1, increasing, such as 1,10,30")
    return found


def _against(text: str) -> tuple[str, ...]:
    from tundish.crystallization.baselines import BASELINES

    if text.strip().lower() == "none":
        return ()
    known = {name.lower(): name for name in BASELINES}
    words = [word.strip().lower() for word in text.split(",")]
    for word in words:
        if word not in known:
            raise BadInputError(f"--against {text}: {word!r} is unknown; known are {', '.join(BASELINES)}")
    return tuple(known[word] for word in dict.fromkeys(words))
