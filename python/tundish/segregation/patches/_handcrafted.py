"""Numbers that describe a patch, for models that do not look at images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats
from tundish._common.images import Grey, grey_stack
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError

_LEVELS = 32  # of the co-occurrence matrix
_DISTANCES = (1, 2, 4, 8)  # px
_ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation")
_RINGS = ((8, 1), (16, 3))  # points and radius in px of local binary patterns
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

FEATURE_NAMES: tuple[str, ...] = (
    *("grey_mean", "grey_std", "grey_skewness", "grey_kurtosis", "grey_entropy"),
    *(f"grey_q{round(100 * q):02}" for q in _QUANTILES),
    *(f"glcm_{name}_{distance}" for name in _PROPERTIES for distance in _DISTANCES),
    *(f"lbp_{points}_{code}" for points, _ in _RINGS for code in range(points + 2)),
    *("gradient_mean", "gradient_std", *(f"gradient_q{round(100 * q):02}" for q in _QUANTILES)),
    *("gradient_coherence", "laplacian_std"),
)
_MIN_SIDE = 2 * max(_DISTANCES)


def features(images: ArrayLike) -> Floats:
    """Handcrafted features of patches; their names are :data:`FEATURE_NAMES`, in the same order.

    **Main arguments:** `images`: (N, H, W) or (H, W) uint8, at least 16 x 16 px.

    **Returns:** (N, k), all but rounding independent of turns by 90 degrees and mirrors:

    - `grey_...`: mean, standard deviation, skewness, excess kurtosis, entropy of the histogram (bits), and
      quantiles of the grey levels.
    - `glcm_<property>_<distance>`: of the grey-level co-occurrence matrix of 32 levels (scikit-image's
      definitions), symmetric, mean of four angles, at 1, 2, 4 and 8 px.
    - `lbp_<points>_<code>`: shares of the rotation-invariant uniform local binary patterns of 8 points at 1
      px and 16 points at 3 px.
    - `gradient_...`: mean, standard deviation and quantiles of Sobel's magnitude; coherence of the structure
      tensor of the whole patch, 0 where no direction stands out and 1 where all gradients are parallel.
      `laplacian_std`: standard deviation of the four-neighbour Laplacian.

    **Raises:** ValueError or TypeError naming `images`; ImportError without scikit-image (`tundish[vision]`).
    """
    stack, _ = grey_stack("images", images)
    if min(stack.shape[1:]) < _MIN_SIDE:
        text = f"are {stack.shape[1]} x {stack.shape[2]} px; at least {_MIN_SIDE} x {_MIN_SIDE} are needed"
        raise ArgumentError("images", MISSING, text)
    skimage = optional("skimage.feature", "vision")
    filters = optional("skimage.filters", "vision")
    return np.array([_features_of(image, skimage, filters) for image in stack]).reshape(
        -1, len(FEATURE_NAMES)
    )


def _features_of(image: Grey, skimage: Any, filters: Any) -> list[float]:
    return [
        *_grey(image),
        *_cooccurrence(image, skimage),
        *_patterns(image, skimage),
        *_gradients(image, filters),
    ]


def _grey(image: Grey) -> list[float]:
    grey = image.astype(float).reshape(-1)
    deviation = grey.std()
    standard = (grey - grey.mean()) / max(deviation, 1e-9)
    share = np.bincount(image.reshape(-1), minlength=256) / image.size
    share = share[share > 0]
    moments = [np.mean(standard**3), np.mean(standard**4) - 3 if deviation else 0.0]
    return [grey.mean(), deviation, *moments, -np.sum(share * np.log2(share)), *np.quantile(grey, _QUANTILES)]


def _cooccurrence(image: Grey, skimage: Any) -> list[float]:
    levels = image // (256 // _LEVELS)
    matrix = skimage.graycomatrix(levels, _DISTANCES, _ANGLES, levels=_LEVELS, symmetric=True, normed=True)
    return [value for name in _PROPERTIES for value in skimage.graycoprops(matrix, name).mean(axis=1)]


def _patterns(image: Grey, skimage: Any) -> list[float]:
    shares = []
    for points, radius in _RINGS:
        codes = skimage.local_binary_pattern(image, points, radius, "uniform").astype(int)
        shares += (np.bincount(codes.reshape(-1), minlength=points + 2) / image.size).tolist()
    return shares


def _gradients(image: Grey, filters: Any) -> list[float]:
    grey = image.astype(float)
    down, right = filters.sobel_h(grey)[1:-1, 1:-1], filters.sobel_v(grey)[1:-1, 1:-1]
    size = np.hypot(down, right)
    xx, yy, xy = np.mean(right * right), np.mean(down * down), np.mean(right * down)
    coherence = np.hypot(xx - yy, 2 * xy) / max(xx + yy, 1e-9)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return [size.mean(), size.std(), *np.quantile(size, _QUANTILES), coherence, laplacian.std()]
