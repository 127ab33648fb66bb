"""Images out of what is given: grey levels of arrays, and the levels of files."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape

Grey = NDArray[np.uint8]

_FORMATS = ("PNG", "TIFF", "BMP", "JPEG")
# What Pillow's decoders raise for files that are cut off or damaged; TypeError for a TIFF file whose
# directory is lost, and LookupError for one of unknown numbers.
_DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, struct.error,
)  # fmt: skip
_COLOURS = ("RGB", "RGBA", "P", "PA", "LA", "CMYK", "YCbCr")

# ITU-R BT.601, in 65536ths as Pillow rounds them: a converted array equals a converted file.
_LUMA = (19595, 38470, 7471)


def grey_images(name: str, images: ArrayLike) -> Grey:
    """(N, H, W) of grey images, or of colour ones with a warning; TypeError or ValueError naming `name`."""
    return _grey(name, images, ("N", "H", "W"), stacklevel=4)


def grey_photograph(name: str, image: ArrayLike) -> Grey:
    """(H, W), of a grey photograph, or of a coloured one with a warning."""
    return _grey(name, image, ("H", "W"), stacklevel=4)


def grey_stack(name: str, images: ArrayLike) -> tuple[Grey, bool]:
    """(N, H, W) of one image or several, and whether it was one; colour is converted with a warning.

    Three axes of which the last has 3 or 4 and the second more are one image in colour: no stack is of images
    so narrow.
    """
    array = _uint8(name, images)
    if array.ndim in (3, 4) and array.shape[-1] in (3, 4) and (array.ndim == 4 or array.shape[1] > 4):
        array = _converted(name, array, stacklevel=4)
    if array.ndim not in (2, 3):
        raise ArgumentError(name, Shape(array.shape), "(H, W) or (N, H, W) is needed")
    _refuse_empty(name, array)
    return (array[None], True) if array.ndim == 2 else (array, False)


def _grey(name: str, images: ArrayLike, axes: tuple[str, ...], stacklevel: int) -> Grey:
    array = _uint8(name, images)
    if array.ndim == len(axes) + 1 and array.shape[-1] in (3, 4):
        array = _converted(name, array, stacklevel + 1)
    if array.ndim != len(axes):
        shape = "(" + ", ".join(axes) + ")"
        raise ArgumentError(name, Shape(array.shape), f"{shape} is needed")
    if len(axes) < 3 or len(array):
        _refuse_empty(name, array)
    return array


def _converted(name: str, colour: NDArray[np.uint8], stacklevel: int) -> Grey:
    warnings.warn(f"{name}: is in colour; converted to grey", UserWarning, stacklevel=stacklevel)
    return luma(colour)


def luma(colour: NDArray[np.uint8]) -> Grey:
    """(..., 3) or (..., 4) colours to grey; what is transparent is taken as it is."""
    weighed: Any = sum(w * colour[..., k].astype(np.uint32) for k, w in enumerate(_LUMA))
    return np.asarray((weighed + 0x8000) >> 16, np.uint8)


def _uint8(name: str, images: ArrayLike) -> NDArray[np.uint8]:
    array = np.asarray(images)
    if array.dtype != np.uint8:
        text = f"are {array.dtype}; grey levels of 0 to 255 as uint8 are needed"
        raise ArgumentTypeError(name, MISSING, text)
    return array


def _refuse_empty(name: str, array: NDArray[Any]) -> None:
    if 0 in array.shape:
        raise ArgumentError(name, Shape(array.shape), "no axis may be empty")


def read_image(file: Path) -> NDArray[np.uint8]:
    """(H, W), or (H, W, 3) in colour, of a file of 8 bits; ValueError that begins with the file's name."""
    with _opened(file) as image:
        return _levels(str(file), image)


def read_pages(file: Path) -> Iterator[NDArray[np.uint8]]:
    """The pages of a TIFF file, each as :func:`read_image`; ValueError that names the file and the page."""
    with _opened(file, ("TIFF",)) as image:
        for page in range(getattr(image, "n_frames", 1)):
            image.seek(page)
            yield _levels(f"{file}, page {page}", image)


@contextmanager
def _opened(file: Path, formats: tuple[str, ...] = _FORMATS) -> Iterator[Any]:
    """A file of one of the formats, opened; what Pillow finds wrong with it becomes a ValueError."""
    pillow = optional("PIL.Image", "vision")
    try:
        with warnings.catch_warnings():
            # Photographs of sections are large; what Pillow takes for a bomb is an error below all the same.
            # Damage that it only warns of is in what nobody reads, or becomes an error further on.
            warnings.simplefilter("ignore", pillow.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with pillow.open(file, formats=formats) as image:
                yield image
    except pillow.UnidentifiedImageError:
        raise _fault(file, "is no image; allowed are " + ", ".join(formats)) from None
    except ArgumentError:  # of an image that Pillow can read and this package does not take
        raise
    except (*_DAMAGE, pillow.DecompressionBombError) as error:
        raise _fault(file, f"cannot be read: {error}") from None


def _fault(place: object, text: str) -> ArgumentError:
    """The refusal of a whole file or page."""
    return ArgumentError("", MISSING, text, file=str(place))


def _levels(place: str, image: Any) -> NDArray[np.uint8]:
    image.load()
    if image.mode == "L":
        return np.array(image, np.uint8)
    if image.mode in _COLOURS:
        return np.array(image.convert("RGB"), np.uint8)
    raise _fault(place, f"is of Pillow's mode {image.mode!r}; 8-bit grey or colour is needed")
