"""Frames as a forecaster takes them: the features that are forecast, and pictures for the networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, RefusalError, Shape
from tundish.crystallization.forecasting._series import Series, even_series, held
from tundish.crystallization.frames._calibration import Calibration
from tundish.crystallization.frames._sequence import FrameSequence

_AT_ONCE = 256  # frames
_MIN_DEVIATION = 1.0  # grey levels
_LIMITS = {"share": (0.0, 1.0)}


class FrameEncoder(NamedTuple):
    """What was learnt from the frames that were fitted: columns of `features()`, whether one was asked for by
    its name alone, the calibration, and side (px), mean and deviation (grey levels) of what networks see;
    None for networks that see the features alone."""

    columns: tuple[str, ...]
    flat: bool
    calibration: Calibration
    side: int | None
    mean: float
    deviation: float

    @classmethod
    def of(
        cls, sequence: FrameSequence, feature: str | Iterable[str], side: int | None, trained: int
    ) -> FrameEncoder:
        """The encoder of a sequence, of which the first `trained` frames are trained on."""
        flat = isinstance(feature, str)
        columns = (feature,) if isinstance(feature, str) else tuple(feature)
        grey = sequence.images[:trained]
        deviation = max(float(grey.std()), _MIN_DEVIATION)
        return cls(columns, flat, sequence.calibration(), side, float(grey.mean()), deviation)

    @classmethod
    def prepare(
        cls,
        sequence: FrameSequence,
        feature: str | Iterable[str],
        side: int | None,
        trained: Callable[[int], int],
        **gaps: int,
    ) -> tuple[Series, FrameEncoder, list[Any]]:
        """The series of a sequence, its encoder, and pictures of its frames and of their noisy copies.

        `trained`: the number of frames that are trained on, of so many. `gaps`: as for :func:`even_series`.
        """
        frames, noisy = sequence.parted()
        encoder = cls.of(frames, feature, side, trained(len(frames)))
        series = even_series(encoder.values(frames), frames.time, **gaps)
        if encoder.side is None:
            return series, encoder, []
        rows = optional("torch", "vision").from_numpy(held(series.gaps, len(frames)))
        images = [each for each in (frames.images, noisy) if each is not None]
        return series, encoder, [encoder.pictures(each)[rows] for each in images]

    def values(self, sequence: FrameSequence) -> Floats:
        """(T,) or (T, k) of the columns."""
        if sequence.augmented:
            allowed = "is augmented, and a copy is no next frame; give the sequence before augment()"
            raise ArgumentError("series", MISSING, allowed)
        table = sequence.features(self.calibration)
        names = table.dtype.names or ()
        for column in self.columns:
            if column not in names:
                raise ArgumentError("feature", column, "is unknown; known are " + ", ".join(names))
        values = np.stack([table[column].astype(float) for column in self.columns], axis=1)
        for column, each in zip(self.columns, values.T, strict=True):
            unknown = np.flatnonzero(~np.isfinite(each))
            if unknown.size:
                raise ArgumentError(
                    "feature",
                    column,
                    f"is unknown of {unknown.size} frames, first at {sequence.time[unknown[0]]:g} s; choose "
                    "one that all frames have, such as 'share'",
                )
        return values[:, 0] if self.flat else values

    def pictures(self, images: NDArray[np.uint8]) -> Any:
        """(T, side, side) float32 of (T, H, W), z-scores of grey levels, averaged over what each covers."""
        torch = optional("torch", "vision")
        parts = []
        for n in range(0, len(images), _AT_ONCE):
            grey = torch.from_numpy(images[n : n + _AT_ONCE].astype(np.float32))
            parts.append(torch.nn.functional.adaptive_avg_pool2d(grey, self.side))
        return (torch.cat(parts) - self.mean) / self.deviation

    def frame(self, image: ArrayLike, time: float) -> FrameSequence:
        """A sequence of one frame (H, W) or (H, W, 3)."""
        pixels = np.asarray(image)
        if pixels.ndim not in (2, 3):
            raise ArgumentError("value", Shape(pixels.shape), "a frame (H, W) or (H, W, 3) is needed")
        try:
            return FrameSequence(pixels[None], [time])
        except RefusalError as error:
            if error.argument in ("images", "images[0]"):
                raise error.named("value") from None
            raise

    def described(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What goes into a card, and what goes into its tensors."""
        known = self.calibration
        card = {
            "columns": list(self.columns), "flat": self.flat, "side": self.side, "mean": self.mean,
            "deviation": self.deviation, "step": known.step, "region": known.region,
            "contrast": known.contrast, "crystals": known.crystals,
        }  # fmt: skip
        names = ("mask", "overlay", "melt", "threshold")
        return card, {f"calibration.{name}": getattr(known, name) for name in names}

    @property
    def limits(self) -> Floats:
        """(k, 2) between which the columns can lie."""
        return np.array([_LIMITS.get(column, (-np.inf, np.inf)) for column in self.columns])

    @classmethod
    def restored(cls, card: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Out of what :meth:`described` gave."""
        calibration = Calibration(
            int(card["step"]), arrays["calibration.mask"], str(card["region"]), arrays["calibration.overlay"],
            arrays["calibration.melt"], arrays["calibration.threshold"], float(card["contrast"]),
            str(card.get("crystals", "bright")),  # earlier models knew no others
        )  # fmt: skip
        return cls(
            tuple(card["columns"]), bool(card["flat"]), calibration, card["side"], float(card["mean"]),
            float(card["deviation"]),
        )  # fmt: skip
