"""Patches of an etched section, each with the carbon that was analysed at its point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, floats, integer
from tundish._common.columns import FrozenColumns
from tundish._common.images import Grey, grey_images, grey_photograph
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.segregation.patches import _folder
from tundish.segregation.patches._checks import (
    checked_carbon,
    checked_ids,
    checked_positions,
    checked_scale,
)
from tundish.segregation.patches._copies import AUGMENTATIONS, COPIES
from tundish.segregation.patches._leak import Leak, copies_in, nearest_in
from tundish.segregation.patches._photographs import axis_of, read_photograph, reduced
from tundish.segregation.patches._splits import (
    fold_count,
    groups_by,
    share_of,
    single_patches,
    tested_folds,
    tested_share,
)


class PatchSet(FrozenColumns):
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

    _noun = "patches do"

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
            raise ArgumentError("images", MISSING, "there are no patches")
        self._fill(
            images=grey,
            carbon=checked_carbon(carbon, len(grey)),
            point=checked_ids("point", np.arange(len(grey)) if point is None else point, len(grey)),
            billet=checked_ids("billet", billet, len(grey)),
            position=None if position is None else checked_positions("position", position, len(grey)),
            mm_per_px=checked_scale(mm_per_px),
        )

    def _fill(self, *, augmentation: str | None = None, leak: Leak | None = None, **columns: Any) -> None:
        """Takes over what is checked already."""
        self._set(**columns)
        pairs = [np.unique(ids, return_inverse=True)[1] for ids in (self.billet, self.point)]
        _, group = np.unique(pairs[0] * (pairs[1].max() + 1) + pairs[1], return_inverse=True)
        self._set(group=group, augmentation=augmentation, leak=leak)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, which: slice | ArrayLike) -> PatchSet:
        """The set of some patches: a slice, a mask (N,) or their numbers."""
        if isinstance(which, int | np.integer):
            raise ArgumentTypeError(f"{which!r}", MISSING, "take a slice, such as p[3:4], or a mask")
        rows: Any = which if isinstance(which, slice) else np.asarray(which)
        if not isinstance(which, slice) and not rows.size:
            rows = rows.astype(np.intp)
        if not len(self.carbon[rows]):
            raise ArgumentError("no patches are left", MISSING, "the slice or mask takes none")
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
            raise ArgumentError("images", MISSING, f"has {len(grey)} patches; {len(self)} are needed")
        return self._with(slice(None), grey, self.augmentation, self.leak)

    def with_carbon(self, carbon: ArrayLike) -> PatchSet:
        """The same patches with other carbon, (N,) wt%."""
        other = self._with(slice(None), self.images, self.augmentation, self.leak)
        other._set(carbon=checked_carbon(carbon, len(self)))
        return other

    def resampled(self, size: int) -> PatchSet:
        """Square patches with fewer pixels a side, each the mean of the area that it covers.

        The scale becomes coarser to match. **Raises:** ValueError naming `size`, and for patches that are not
        square or are copies.
        """
        side = self.size[0]
        if side != self.size[1]:
            raise ArgumentError("patches", MISSING, f"are {side} x {self.size[1]} px; squares are needed")
        if not 1 <= integer("size", size) <= side:
            raise ArgumentError("size", size, f"must be 1 to {side} px, the patches' own")
        if self.augmentation is not None:
            raise ArgumentError("patches", MISSING, "are augmented; resample them as they were before")
        images = np.stack([reduced(image, size, size) for image in self.images])
        return PatchSet(images, self.carbon, point=self.point, billet=self.billet, position=self.position,
                        mm_per_px=self.mm_per_px * side / size)  # fmt: skip

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
            photograph = read_photograph(image)
        else:
            photograph = grey_photograph("image", image)
        scale, side = checked_scale(mm_per_px), integer("size", size)
        if side < 1:
            raise ArgumentError("size", size, "must be at least 1 px")
        labels = floats("carbon", carbon)
        positions = checked_positions("positions_mm", positions_mm, labels.size)
        if not positions.size:
            raise ArgumentError("positions_mm", MISSING, "there are no points")
        height, width = photograph.shape
        middle = axis_of(axis, (height, width))
        corners = np.rint(np.asarray(middle) + positions / scale - side / 2).astype(np.int64)
        outside = ((corners < 0) | (corners + side > (width, height))).any(axis=1)
        if outside.any():
            n = int(np.argmax(outside))
            x, y = positions[n]
            raise ArgumentError(
                f"positions_mm[{n}]",
                (float(x), float(y)),
                f"its patch of {side} px leaves the photograph of {height} x {width} px; positions are from "
                "the billet's axis",
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
            text = f"write the set as it was before augment({self.augmentation!r})"
            raise ArgumentError("", MISSING, text, file=str(path))
        _folder.write(path, {name: getattr(self, name) for name in _folder.FIELDS})

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
            raise ArgumentError(
                f"augment({how!r})", MISSING, f"this set is augmented already ({self.augmentation!r})"
            )
        if how != "mirror" and self.size[0] != self.size[1]:
            raise ArgumentError(
                f"augment({how!r})",
                MISSING,
                f"patches are {self.size[0]} x {self.size[1]} px; turns need squares",
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
            raise ArgumentError("sets", MISSING, "must hold at least one PatchSet")
        first = parts[0]
        for n, part in enumerate(parts):
            for name in ("size", "mm_per_px", "augmentation"):
                if getattr(part, name) != getattr(first, name):
                    raise ArgumentError(
                        f"sets[{n}]",
                        MISSING,
                        f"{name} is {getattr(part, name)!r}; {getattr(first, name)!r} is needed",
                    )
            if (part.position is None) != (first.position is None):
                raise ArgumentError(f"sets[{n}]", MISSING, "positions must be known in all sets, or in none")
            for name in ("point", "billet"):
                if (getattr(part, name).dtype.kind == "U") != (getattr(first, name).dtype.kind == "U"):
                    raise ArgumentError(
                        f"sets[{n}]", MISSING, f"{name} must be integers in all sets, or text in all"
                    )
        names = ["images", "carbon", "point", "billet"] + ["position"] * (first.position is not None)
        columns: dict[str, Any] = {"position": None, "mm_per_px": first.mm_per_px}
        columns |= {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        whole = cls.__new__(cls)
        whole._fill(augmentation=first.augmentation, **columns)
        return whole

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
        share = share_of("test", test)
        groups = single_patches(by, self.group, self.augmentation is not None, protocol)
        if groups is None:
            assert by is not None
            groups = groups_by(by, self.group, self.billet, self.position)
        return self._parted(tested_share(share, groups, by, rng), protocol)

    def folds(
        self, number_of_folds: int = 4, by: str = "point", rng: Any = 0
    ) -> Iterator[tuple[PatchSet, PatchSet]]:
        """(train, test) of a cross-validation: every group is tested in exactly one of the folds.

        `by` and `rng` as for :meth:`split`. **Raises:** ValueError for fewer groups than folds.
        """
        count = fold_count(number_of_folds)
        groups = single_patches(by, self.group, self.augmentation is not None, None)
        if groups is None:
            groups = groups_by(by, self.group, self.billet, self.position)
        return (self._parted(tested, None) for tested in tested_folds(count, groups, by, rng))

    def _parted(self, tested: NDArray[np.bool_], protocol: str | None) -> tuple[PatchSet, PatchSet]:
        train, test = (
            self._with(rows, self.images[rows], self.augmentation, None) for rows in (~tested, tested)
        )
        if protocol is not None:
            found = leak(train, test)
            for part in (train, test):
                part._set(leak=found)
        return train, test


def leak(train: PatchSet, test: PatchSet) -> Leak:
    """Looks for copies of training patches in a test set, turned or mirrored.

    Each patch is brought to zero mean and unit variance and described by numbers that turns and mirrors leave
    alone: quantiles of its grey levels, and the logarithm of its power spectrum over 24 rings. A test patch
    is a copy where its nearest neighbour in training is closer than 0.3 of the median distance between
    nearest patches of different points of the training set; or, where that has one point only, equal to
    rounding. Points that both sets name are a leak by themselves.

    **Returns:** a :class:`Leak`. **Raises:** ValueError if the patches' sizes or scales differ.
    """
    for name in ("size", "mm_per_px"):
        needed, given = getattr(train, name), getattr(test, name)
        if needed != given:
            raise ArgumentError("test", MISSING, f"{name} is {given}; {needed}, as in train, is needed")
    neighbours = nearest_in(train.images, train.group, test.images)
    return copies_in(neighbours, train.carbon, test.carbon, len(train.ids & test.ids))
