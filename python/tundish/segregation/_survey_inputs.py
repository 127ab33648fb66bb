"""What a survey is given: patches, a photograph, a model, and how they are brought together."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tundish._common.images import Grey, grey_photograph
from tundish._common.refusals import MISSING, ArgumentError, RefusalError
from tundish._learning.model_folder import saved_by
from tundish.segregation.estimators._estimator import PatchEstimator
from tundish.segregation.networks._names import LITE
from tundish.segregation.patches._checks import same_scale
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.patches._photographs import read_photograph, resampled_photograph

if TYPE_CHECKING:
    from numpy.typing import NDArray

Place = str | PathLike[str]

OF_NETWORKS = ("blocks", "epochs", "ensemble")  # arguments that only networks have


class Photograph(NamedTuple):
    """The photograph of a section as it is given."""

    photograph: NDArray[Any] | Place | None
    mm_per_px: float | None
    diameter_mm: float | None

    def at_scale(self, wanted: float) -> Grey:
        """The photograph at the scale of the patches."""
        assert self.photograph is not None
        assert self.mm_per_px is not None
        if isinstance(self.photograph, str | PathLike):
            grey = read_photograph(self.photograph)
        else:
            grey = grey_photograph("photograph", self.photograph)
        if math.isclose(self.mm_per_px, wanted, rel_tol=1e-3):
            return grey
        try:
            return resampled_photograph(grey, self.mm_per_px, wanted)
        except RefusalError as error:
            raise placed(error, self.photograph) from None


class Split(NamedTuple):
    """How patches to test are chosen."""

    test: float
    by: str
    seed: int


class Wanted(NamedTuple):
    """The model that is to be trained."""

    size: int | None
    estimator: str | None
    blocks: int | None
    epochs: int | None
    ensemble: int | None
    device: str
    seed: int

    def textures(self) -> bool:
        """What is recommended, unless a network is asked for or the weights of ImageNet are not there."""
        from tundish.segregation.networks._backbones import missing_transfer

        if self.estimator is not None:
            return self.estimator == "textures"
        asked = any(getattr(self, name) is not None for name in OF_NETWORKS)
        return not asked and LITE not in missing_transfer()


class Seen(NamedTuple):
    """The patches that a model takes: side, px, scale, and how messages call them."""

    size: int
    mm_per_px: float
    words: str


def loaded_model(model: PatchEstimator | Place, device: str) -> PatchEstimator:
    from tundish.segregation.estimators import CarbonRegressor, TextureRegressor

    if isinstance(model, PatchEstimator):
        if not model.networks:
            raise ArgumentError("model", MISSING, "has no networks yet: fit it, or leave it out")
        return model
    # A folder that neither saved is refused by the one that reads it.
    if saved_by(Path(model)) == TextureRegressor.__name__:
        return TextureRegressor.load(model, device)
    return CarbonRegressor.load(model, device).compile()


def patches_of(given: PatchSet | Place, argument: str, size: int | None, seen: Seen | None) -> PatchSet:
    """Patches at the size that the model sees, or at the one that is asked for."""
    patches = given if isinstance(given, PatchSet) else PatchSet.from_folder(given)
    height, width = patches.size
    if height != width:
        error = ArgumentError(argument, MISSING, f"are {height} x {width} px; squares are needed")
        raise placed(error, given)
    if seen is None:
        return patches if size is None else patches.resampled(size)
    ours, theirs = width * patches.mm_per_px, seen.size * seen.mm_per_px
    if not same_scale(ours, theirs) or width < seen.size:
        needed = f"the model {seen.words} {seen.size} px and {theirs:.3g} mm"
        text = f"are of {width} px and {ours:.3g} mm; {needed}"
        raise placed(ArgumentError(argument, MISSING, text), given)
    return patches if width == seen.size else patches.resampled(seen.size)


def placed(error: RefusalError, given: object) -> RefusalError:
    """The refusal, of the file or folder if one was given."""
    return error.at(given) if isinstance(given, str | PathLike) else error


def name_of(given: object) -> str:
    """Where something comes from, in words."""
    return str(given) if isinstance(given, str | PathLike) else "given"
