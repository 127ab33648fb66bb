"""Patches of an etched section, each with the carbon that was analysed at its point."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, floats, integer, number, pair
from tundish._common.images import Grey, grey_images, grey_photograph
from tundish._common.random import generator
from tundish.segregation import _folder
from tundish.segregation._leak import Leak, leak

AUGMENTATIONS = ("dihedral", "rotation", "mirror")
GROUPS = ("point", "billet", "sector")
PROTOCOLS = ("published",)
SECTORS = 8

_ROTATIONS = ((0, False), (1, False), (2, False), (3, False))
# Quarter turns, and whether the copy is mirrored left to right first; None is the patch alone.
COPIES: dict[str | None, tuple[tuple[int, bool], ...]] = {
    None: ((0, False),),
    "rotation": _ROTATIONS,
    "mirror": ((0, False), (0, True)),
    "dihedral": (*_ROTATIONS, *((turns, True) for turns, _ in _ROTATIONS)),
}


class PatchSet:
    """Grey patches of macro-etched sections with the carbon analysed at their points.

    **Main arguments:**

    - `images`: (N, H, W) uint8 grey levels. Colour, (N, H, W, 3) or (N, H, W, 4) uint8, is converted
      (ITU-R 601) with a UserWarning that says so.
    - `carbon`: (N,) wt%, above 0 and at most 2.14.
    - `mm_per_px`: the scale, mm a pixel; one for all patches, since it is the size of what is seen that tells
      the steel's structure.

    **Other arguments:**

    - `point`: (N,) ids, integers or text, of the sampling points. Patches of one point (turned, mirrored,
      taken twice) share its id. Left out, every patch has a point of its own.
    - `billet`: (N,) ids, or one for all. Points of two billets are different, whatever their ids.
    - `position`: (N, 2) mm from the billet's axis, x to the right and y downwards, or None if unknown.

    All are attributes; arrays do not change. Further attributes:

    - `group`: (N,) integers from 0, one for each point of each billet.
    - `augmentation`: "dihedral", "rotation" or "mirror" if this set is made by :meth:`augment`, or None.
    - `leak`: the :class:`Leak` of the published protocol's parts, None otherwise.
    - `size`: (H, W). `radius`: (N,) mm from the axis, None without positions.

    `len(p)` is N; `p[mask]`, `p[2:5]` and `p[[0, 3]]` are sets of some patches.

    **Raises:** ValueError or TypeError naming the argument and the first bad index.
    """

    images: Grey
    carbon: Floats
    point: NDArray[Any]
    billet: NDArray[Any]
    position: Floats | None
    mm_per_px: float
    group: NDArray[np.intp]
    augmentation: str | None
    leak: Leak | None

    def __init__(
        self,
        images: ArrayLike,
        carbon: ArrayLike,
        *,
        point: ArrayLike | None = None,
        billet: ArrayLike = 0,
        position: ArrayLike | None = None,
        mm_per_px: float,
    ) -> None:
        grey = grey_images("images", images)
        if not len(grey):
            raise ValueError("images: there are no patches")
        self._fill(
            images=grey,
            carbon=_carbon(carbon, len(grey)),
            point=_ids("point", np.arange(len(grey)) if point is None else point, len(grey)),
            billet=_ids("billet", billet, len(grey)),
            position=None if position is None else _positions("position", position, len(grey)),
            mm_per_px=_scale(mm_per_px),
        )

    def _fill(self, *, augmentation: str | None = None, leak: Leak | None = None, **columns: Any) -> None:
        """Takes over what is checked already."""
        for name, value in columns.items():
            object.__setattr__(self, name, _frozen(value) if isinstance(value, np.ndarray) else value)
        pairs = [np.unique(ids, return_inverse=True)[1] for ids in (self.billet, self.point)]
        _, group = np.unique(pairs[0] * (pairs[1].max() + 1) + pairs[1], return_inverse=True)
        object.__setattr__(self, "group", _frozen(group))
        object.__setattr__(self, "augmentation", augmentation)
        object.__setattr__(self, "leak", leak)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: patches do not change; make others")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice | ArrayLike) -> PatchSet:
        """The set of some patches: a slice, a mask (N,) or their numbers."""
        if isinstance(which, int | np.integer):
            raise TypeError(f"{which!r}: take a slice, such as p[3:4], or a mask")
        rows: Any = which if isinstance(which, slice) else np.asarray(which)
        if not isinstance(which, slice) and not rows.size:
            rows = rows.astype(np.intp)
        if not len(self.carbon[rows]):
            raise ValueError("no patches are left: the slice or mask takes none")
        return self._with(rows, self.images[rows], self.augmentation, self.leak)

    def __repr__(self) -> str:
        copies = "" if self.augmentation is None else f", {self.augmentation} copies"
        return (
            f"<PatchSet: {len(self)} patches of {self.size[0]} x {self.size[1]} px at {self.mm_per_px:g} "
            f"mm/px, {self.group.max() + 1} points of {len(np.unique(self.billet))} billets, "
            f"{self.carbon.min():.3f} to {self.carbon.max():.3f} wt% carbon{copies}>"
        )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) px."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def ids(self) -> set[tuple[Any, Any]]:
        """(billet, point) of all points."""
        return set(zip(self.billet.tolist(), self.point.tolist(), strict=True))

    @property
    def radius(self) -> Floats | None:
        """(N,) mm from the billet's axis."""
        return None if self.position is None else np.hypot(self.position[:, 0], self.position[:, 1])

    def _with(self, rows: Any, images: Grey, augmentation: str | None, leak: Leak | None) -> PatchSet:
        """These images, with the labels of some rows."""
        columns = {name: getattr(self, name)[rows] for name in ("carbon", "point", "billet")}
        other = PatchSet.__new__(PatchSet)
        position = None if self.position is None else self.position[rows]
        other._fill(images=images, position=position, mm_per_px=self.mm_per_px, augmentation=augmentation,
                    leak=leak, **columns)  # fmt: skip
        return other

    def with_images(self, images: ArrayLike) -> PatchSet:
        """The same labels with other images, such as `p.with_images(clahe(p.images))`."""
        grey = grey_images("images", images)
        if len(grey) != len(self):
            raise ValueError(f"images: has {len(grey)} patches; {len(self)} are needed")
        return self._with(slice(None), grey, self.augmentation, self.leak)

    def with_carbon(self, carbon: ArrayLike) -> PatchSet:
        """The same patches with other carbon, (N,) wt%."""
        other = self._with(slice(None), self.images, self.augmentation, self.leak)
        object.__setattr__(other, "carbon", _frozen(_carbon(carbon, len(self))))
        return other

    # -- from files and photographs

    @classmethod
    def from_folder(cls, path: str | PathLike[str]) -> Self:
        """Patches from a folder of images with `labels.csv`.

        `labels.csv` has a header and one row a patch. Columns, in any order: `file` (relative to the folder,
        and inside it), `carbon_wt` and `mm_per_px` (the same in all rows), and if wanted `point` and `billet`
        (ids) and `x_mm` with `y_mm` (from the billet's axis, y downwards). Images are PNG, TIFF, BMP or JPEG
        of 8 bits and one size; colour is converted to grey with a UserWarning that names the first such file.

        **Raises:** ValueError that begins with the name of the file at fault, and names line and column of
        labels.csv; ImportError without Pillow (`tundish[vision]`); OSError if labels.csv cannot be opened.
        """
        patches = cls.__new__(cls)
        patches._fill(**_folder.read(path))
        return patches

    @classmethod
    def from_photograph(
        cls,
        image: ArrayLike | str | PathLike[str],
        positions_mm: ArrayLike,
        carbon: ArrayLike,
        mm_per_px: float,
        *,
        size: int = 224,
        axis: tuple[float, float] | None = None,
        point: ArrayLike | None = None,
        billet: ArrayLike = 0,
    ) -> Self:
        """Patches cut from the photograph of a whole section, each about the point where carbon was analysed.

        **Main arguments:**

        - `image`: (H, W) uint8, colour (H, W, 3) or (H, W, 4), or an image file.
        - `positions_mm`: (N, 2) from the billet's axis, x to the right and y downwards, mm.
        - `carbon`: (N,) wt%. `mm_per_px`: the scale.

        **Other arguments:**

        - `size`: side of the patches, px. A patch's middle is at most half a pixel off its point.
        - `axis`: (column, row) of the billet's axis, px from the photograph's upper left corner; the default
          is its middle.
        - `point`, `billet`: as for :class:`PatchSet`.

        **Raises:** as :class:`PatchSet`; ValueError naming the first point whose patch would leave the
        photograph.
        """
        if isinstance(image, str | PathLike):
            photograph = _folder.read_photograph(image)
        else:
            photograph = grey_photograph("image", image)
        scale, side = _scale(mm_per_px), integer("size", size)
        if side < 1:
            raise ValueError(f"size = {size}: must be at least 1 px")
        labels = floats("carbon", carbon)
        positions = _positions("positions_mm", positions_mm, labels.size)
        if not positions.size:
            raise ValueError("positions_mm: there are no points")
        height, width = photograph.shape
        middle = axis_of(axis, (height, width))
        corners = np.rint(np.asarray(middle) + positions / scale - side / 2).astype(np.int64)
        outside = ((corners < 0) | (corners + side > (width, height))).any(axis=1)
        if outside.any():
            n = int(np.argmax(outside))
            x, y = positions[n]
            raise ValueError(
                f"positions_mm[{n}] = ({x:g}, {y:g}): its patch of {side} px leaves the photograph of "
                f"{height} x {width} px; positions are from the billet's axis"
            )
        images = np.stack([photograph[row : row + side, column : column + side] for column, row in corners])
        return cls(images, labels, point=point, billet=billet, position=positions, mm_per_px=scale)

    def write_folder(self, path: str | PathLike[str]) -> None:
        """Writes what :meth:`from_folder` reads, to the last bit: PNG files and `labels.csv`.

        The folder is made if it is missing, and must be empty. **Raises:** ValueError naming the folder if it
        is not empty, or if this set is augmented (copies are made anew, not kept); ImportError without
        Pillow; OSError.
        """
        if self.augmentation is not None:
            raise ValueError(f"{path}: write the set as it was before augment({self.augmentation!r})")
        _folder.write(path, {name: getattr(self, name) for name in _folder.FIELDS})

    # -- copies

    def augment(self, how: str = "dihedral") -> PatchSet:
        """The set with turned and mirrored copies, which keep the labels of their patch.

        - `how`: "rotation", by 0, 90, 180 and 270 degrees; "mirror", as it is and left to right; "dihedral",
          the four turns of both, eight in all. All copies of one kind follow each other.

        Split first: copies of one point on both sides of a split are a leak, and :meth:`split` refuses to
        part them unless it is told to. **Raises:** ValueError for another word, patches that are not square
        (but for "mirror"), or a set that is augmented already.
        """
        choice("augment", how, AUGMENTATIONS)
        if self.augmentation is not None:
            raise ValueError(f"augment({how!r}): this set is augmented already ({self.augmentation!r})")
        if how != "mirror" and self.size[0] != self.size[1]:
            raise ValueError(
                f"augment({how!r}): patches are {self.size[0]} x {self.size[1]} px; turns need squares"
            )
        copies = [
            np.rot90(self.images[:, :, ::-1] if mirrored else self.images, turns, axes=(1, 2))
            for turns, mirrored in COPIES[how]
        ]
        rows = np.tile(np.arange(len(self)), len(copies))
        return self._with(rows, np.concatenate(copies), how, self.leak)

    @classmethod
    def concatenate(cls, sets: Iterable[PatchSet]) -> PatchSet:
        """Several sets as one. Sizes and scales must agree, and all or none are augmented and have positions.

        **Raises:** ValueError naming the first set that differs.
        """
        parts = list(sets)
        if not parts:
            raise ValueError("sets: must hold at least one PatchSet")
        first = parts[0]
        for n, part in enumerate(parts):
            for name in ("size", "mm_per_px", "augmentation"):
                if getattr(part, name) != getattr(first, name):
                    raise ValueError(
                        f"sets[{n}]: {name} is {getattr(part, name)!r}; {getattr(first, name)!r} is needed"
                    )
            if (part.position is None) != (first.position is None):
                raise ValueError(f"sets[{n}]: positions must be known in all sets, or in none")
            for name in ("point", "billet"):
                if (getattr(part, name).dtype.kind == "U") != (getattr(first, name).dtype.kind == "U"):
                    raise ValueError(f"sets[{n}]: {name} must be integers in all sets, or text in all")
        names = ["images", "carbon", "point", "billet"] + ["position"] * (first.position is not None)
        columns: dict[str, Any] = {"position": None, "mm_per_px": first.mm_per_px}
        columns |= {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        whole = cls.__new__(cls)
        whole._fill(augmentation=first.augmentation, **columns)
        return whole

    # -- splits

    def split(
        self, test: float = 0.2, by: str | None = "point", rng: Any = 0, protocol: str | None = None
    ) -> tuple[PatchSet, PatchSet]:
        """Two sets, to train and to test, that share no group.

        **Main arguments:**

        - `test`: share of the groups that are tested, between 0 and 1; at least one group is on either side.
        - `by`: "point", whole points of the billets; "billet", whole billets; "sector", eighths of the
          section, 45 degrees about the axis each, cut alike in all billets; or None, single patches. None is
          refused after :meth:`augment`: copies would come to lie on both sides, where a nearest neighbour
          alone scores R2 = 1. A UserWarning tells where other patches of one point do.
        - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None.

        **Other arguments:**

        - `protocol`: "published" splits single patches after augmentation, as the paper does; its leak is
          computed, and both parts carry it as `.leak`. Use it to compare with published figures alone.

        **Returns:** (train, test), each in the order of this set.

        **Raises:** ValueError naming the argument; so for one group only.
        """
        share = number("test", test)
        if not 0 < share < 1:
            raise ValueError(f"test = {test}: must lie between 0 and 1")
        groups = self._groups(by, protocol)
        names = generator(rng).permutation(groups.max() + 1)
        self._refuse_few(names.size, 2, by)
        tested = names[: min(max(round(share * names.size), 1), names.size - 1)]
        return self._parted(np.isin(groups, tested), protocol)

    def folds(
        self, number_of_folds: int = 4, by: str = "point", rng: Any = 0
    ) -> Iterator[tuple[PatchSet, PatchSet]]:
        """(train, test) of a cross-validation: every group is tested in exactly one of the folds.

        `by` and `rng` as for :meth:`split`. **Raises:** ValueError for fewer groups than folds.
        """
        count = integer("number_of_folds", number_of_folds)
        if count < 2:
            raise ValueError(f"number_of_folds = {count}: must be at least 2")
        groups = self._groups(by, None)
        names = generator(rng).permutation(groups.max() + 1)
        self._refuse_few(names.size, count, by)
        return (self._parted(np.isin(groups, names[n::count]), None) for n in range(count))

    def _groups(self, by: str | None, protocol: str | None) -> NDArray[np.intp]:
        """(N,) numbers from 0 of what must stay together."""
        if protocol is not None:
            choice("protocol", protocol, PROTOCOLS)
            if by not in (None, "point"):
                raise ValueError(f"by = {by!r}: protocol='published' splits single patches; leave by out")
            return np.arange(len(self))
        if by is None:
            self._refuse_copies()
            return np.arange(len(self))
        choice("by", by, GROUPS)
        if by == "point":
            return self.group
        if by == "billet":
            return np.unique(self.billet, return_inverse=True)[1]
        if self.position is None:
            raise ValueError("by = 'sector': needs position, which this set does not have")
        turn = np.arctan2(self.position[:, 1], self.position[:, 0]) / (2 * math.pi) % 1
        return np.unique(np.floor(turn * SECTORS).astype(int) % SECTORS, return_inverse=True)[1]

    def _refuse_copies(self) -> None:
        if self.augmentation is not None:
            raise ValueError(
                "by = None: the set is augmented, and copies of one point on both sides of a split are a "
                "leak (a nearest neighbour alone scores R2 = 1). Split by='point' and augment the training "
                "part, or name protocol='published'"
            )
        if self.group.max() + 1 < len(self):
            warnings.warn(
                "by = None: points have several patches, and those of one share their carbon: on both sides "
                "of a split they make errors look too small. Split by='point', or look at leak(train, test)",
                UserWarning,
                stacklevel=4,
            )

    def _refuse_few(self, groups: int, least: int, by: str | None) -> None:
        if groups < least:
            raise ValueError(f"by = {by!r}: makes {groups} of the {least} groups that are needed")

    def _parted(self, tested: NDArray[np.bool_], protocol: str | None) -> tuple[PatchSet, PatchSet]:
        train, test = (
            self._with(rows, self.images[rows], self.augmentation, None) for rows in (~tested, tested)
        )
        if protocol is not None:
            found = leak(train, test)
            for part in (train, test):
                object.__setattr__(part, "leak", found)
        return train, test


def _carbon(value: ArrayLike, count: int) -> Floats:
    carbon = floats("carbon", value)
    if carbon.shape != (count,):
        raise ValueError(f"carbon: has shape {carbon.shape}; ({count},), one a patch, is needed")
    bad = np.flatnonzero(~((carbon > 0) & (carbon <= _folder.MOST_CARBON)))
    if bad.size:
        raise ValueError(
            f"carbon[{bad[0]}] = {carbon[bad[0]]:g}: must be above 0 and at most {_folder.MOST_CARBON} wt%"
        )
    return carbon


def _ids(name: str, value: ArrayLike, count: int) -> NDArray[Any]:
    """(count,) int64 or text."""
    ids = np.asarray(value)
    if ids.dtype == object and all(isinstance(each, str) for each in ids.reshape(-1)):
        # As pandas has text.
        ids = ids.astype(str)
    if ids.dtype.kind not in "iuU":
        raise TypeError(f"{name}: must be integers or text")
    if ids.ndim == 0:
        ids = np.full(count, ids)
    if ids.shape != (count,):
        raise ValueError(f"{name}: has shape {ids.shape}; ({count},), one a patch, is needed")
    return ids if ids.dtype.kind == "U" else ids.astype(np.int64)


def _positions(name: str, value: ArrayLike, count: int) -> Floats:
    positions = floats(name, value)
    if positions.shape != (count, 2):
        raise ValueError(f"{name}: has shape {positions.shape}; ({count}, 2), x and y a patch, is needed")
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}]: must be finite")
    return positions


def _scale(value: Any) -> float:
    """One scale; an array must hold one value."""
    if np.ndim(value):
        scales = floats("mm_per_px", value).reshape(-1)
        if not scales.size:
            raise ValueError("mm_per_px: is empty; a number is needed")
        other = np.flatnonzero(scales != scales[0])
        if other.size:
            item = f"mm_per_px[{other[0]}] = {scales[other[0]]:g}"
            raise ValueError(f"{item}: all patches of a set need one scale; resample the others")
        value = scales[0]
    scale = number("mm_per_px", value)
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"mm_per_px = {scale:g}: must be finite and above 0")
    return scale


def same_scale(first: float, second: float) -> bool:
    """Whether mm a pixel (or mm a patch) are the same, within 1 %: scales are measured with a ruler."""
    return math.isclose(first, second, rel_tol=0.01)


def axis_of(axis: tuple[float, float] | None, shape: tuple[int, int]) -> tuple[float, float]:
    """(column, row) px of the billet's axis in a photograph of this shape; its middle for None."""
    if axis is None:
        return shape[1] / 2, shape[0] / 2
    column, row = pair("axis", axis, "column and row")
    if not (math.isfinite(column) and math.isfinite(row)):
        raise ValueError(f"axis = {axis!r}: must be finite")
    return column, row


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values = values.copy()
    values.flags.writeable = False
    return values
