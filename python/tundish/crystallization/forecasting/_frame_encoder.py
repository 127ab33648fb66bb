"""How frames are seen: the features that are forecast, and the pictures that networks look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish.crystallization.frames._features import Calibration
from tundish.crystallization.frames._sequence import FrameSequence

_AT_ONCE = 256  # frames
_LEAST_DEVIATION = 1.0  # grey levels
_LIMITS = {"share": (0.0, 1.0)}


class Eye(NamedTuple):
    """What was learnt of the frames that were fitted: columns of `features()`, whether one was asked for by
    its name alone, the calibration, and side (px), mean and deviation (grey levels) of what networks see;
    None for networks that see the features alone."""

    columns: tuple[str, ...]
    flat: bool
    calibration: Calibration
    side: int | None
    mean: float
    deviation: float

    @classmethod
    def of(cls, sequence: FrameSequence, feature: str | Iterable[str], side: int | None, trained: int) -> Eye:
        """The eye for a sequence, of which the first `trained` frames are trained on."""
        flat = isinstance(feature, str)
        columns = (feature,) if isinstance(feature, str) else tuple(feature)
        grey = sequence.images[:trained]
        deviation = max(float(grey.std()), _LEAST_DEVIATION)
        return cls(columns, flat, sequence.calibration(), side, float(grey.mean()), deviation)

    def values(self, sequence: FrameSequence) -> Floats:
        """(T,) or (T, k) of the columns."""
        if sequence.augmented:
            raise ValueError(
                "series: is augmented, and a copy is no next frame; give the sequence before augment()"
            )
        table = sequence.features(self.calibration)
        names = table.dtype.names or ()
        for column in self.columns:
            if column not in names:
                raise ValueError(f"feature = {column!r}: is unknown; known are " + ", ".join(names))
        values = np.stack([table[column].astype(float) for column in self.columns], axis=1)
        for column, each in zip(self.columns, values.T, strict=True):
            unknown = np.flatnonzero(~np.isfinite(each))
            if unknown.size:
                raise ValueError(
                    f"feature = {column!r}: is unknown of {unknown.size} frames, first at "
                    f"{sequence.time[unknown[0]]:g} s; choose one that all frames have, such as 'share'"
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
            raise ValueError(f"value: has shape {pixels.shape}; a frame (H, W) or (H, W, 3) is needed")
        try:
            return FrameSequence(pixels[None], [time])
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("images[0]", "value").replace("images", "value")) from None

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
