"""Folders of patches: images with `labels.csv`."""

from __future__ import annotations

import csv
import math
import re
import warnings
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.images import Grey, luma, read_image
from tundish._common.optional import optional

LABELS = "labels.csv"
FIELDS = ("images", "carbon", "point", "billet", "position", "mm_per_px")
MOST_CARBON = 2.14  # wt%, the limit of steel

_REQUIRED = ("file", "carbon_wt", "mm_per_px")
_OPTIONAL = ("point", "billet", "x_mm", "y_mm")
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")


class _Row(NamedTuple):
    """A row of labels.csv: the image's name, numbers and ids by column, and what messages call the row."""

    file: str
    cells: dict[str, Any]
    place: str


def read(path: str | PathLike[str]) -> dict[str, Any]:
    """The columns of a set of patches; see `PatchSet.from_folder`."""
    folder = Path(path)
    labels = folder / LABELS
    try:
        with labels.open(newline="", encoding="utf-8-sig") as lines:
            rows = _rows(csv.reader(lines, strict=True))
        files = [_inside(folder, row) for row in rows]
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{labels}: {error}") from None
    columns: dict[str, Any] = {
        "images": _images(files),
        "carbon": np.array([row.cells["carbon_wt"] for row in rows]),
        "mm_per_px": rows[0].cells["mm_per_px"],
        "position": None,
    }
    if "x_mm" in rows[0].cells:
        columns["position"] = np.array([(row.cells["x_mm"], row.cells["y_mm"]) for row in rows])
    columns["point"] = _ids([row.cells.get("point", str(n)) for n, row in enumerate(rows)])
    columns["billet"] = _ids([row.cells.get("billet", "0") for row in rows])
    return columns


def write(path: str | PathLike[str], columns: dict[str, Any]) -> None:
    """Writes PNG files and labels.csv into a new or empty folder."""
    pillow = optional("PIL.Image", "vision")
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder}: is not empty; patches are written to a new folder")
    images, position = columns["images"], columns["position"]
    digits = len(str(len(images) - 1))
    names = [f"patch{n:0{digits}}.png" for n in range(len(images))]
    table: dict[str, list[Any]] = {"file": names, "carbon_wt": columns["carbon"].tolist()}
    table |= {name: columns[name].tolist() for name in ("point", "billet")}
    if position is not None:
        table |= {"x_mm": position[:, 0].tolist(), "y_mm": position[:, 1].tolist()}
    table["mm_per_px"] = [columns["mm_per_px"]] * len(images)
    for name, image in zip(names, images, strict=True):
        pillow.fromarray(image).save(folder / name)
    with (folder / LABELS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def read_photograph(path: str | PathLike[str]) -> Grey:
    """(H, W) of one image file. ValueError that begins with the file's name; FileNotFoundError."""
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file")
    image, colour = _image(file)
    if colour:
        _warn(file, 1)
    return image


def _rows(rows: Any) -> list[_Row]:
    header = [name.strip() for name in next(rows, [])]
    for name in header:
        if name not in _REQUIRED + _OPTIONAL:
            raise ValueError(f"column {name!r} is unknown; allowed are " + ", ".join(_REQUIRED + _OPTIONAL))
        if header.count(name) > 1:
            raise ValueError(f"column {name} is given twice")
    for name in _REQUIRED:
        if name not in header:
            raise ValueError(f"column {name} is missing; the first line must name the columns")
    if ("x_mm" in header) != ("y_mm" in header):
        raise ValueError("columns x_mm and y_mm: both are needed, or none")
    read = []
    for cells in rows:
        if not cells:
            continue
        if len(cells) != len(header):
            raise ValueError(f"line {rows.line_num}: has {len(cells)} fields; {len(header)} are needed")
        texts = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        read.append(_row(f"line {rows.line_num}", texts))
        if read[-1].cells["mm_per_px"] != read[0].cells["mm_per_px"]:
            raise ValueError(
                f"{read[-1].place}, mm_per_px = {texts['mm_per_px']}: all patches of a set need one scale; "
                "resample the others"
            )
    if not read:
        raise ValueError("there are no patches below the first line")
    return read


def _row(place: str, texts: dict[str, str]) -> _Row:
    cells: dict[str, Any] = {}
    for name, text in texts.items():
        if not text:
            raise ValueError(f"{place}, {name}: is empty")
        cells[name] = text if name in ("file", "point", "billet") else _number(place, name, text)
    carbon, scale = cells["carbon_wt"], cells["mm_per_px"]
    if not 0 < carbon <= MOST_CARBON:
        raise ValueError(f"{place}, carbon_wt = {carbon:g}: must be above 0 and at most {MOST_CARBON} wt%")
    if scale <= 0:
        raise ValueError(f"{place}, mm_per_px = {scale:g}: must be above 0")
    return _Row(cells.pop("file"), cells, place)


def _number(place: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{place}, {column} = {text!r}: must be a finite number")
    return value


def _ids(texts: list[str]) -> NDArray[Any]:
    """Integers where all are written as such, and text otherwise."""
    if all(_INTEGER.fullmatch(text) for text in texts):
        return np.array([int(text) for text in texts], np.int64)
    return np.array(texts, str)


def _inside(folder: Path, row: _Row) -> Path:
    """The image of a row; refused outside the folder, wherever links or dots lead."""
    file = folder / row.file
    item = f"{row.place}, file = {row.file!r}"
    if "\0" in row.file or not file.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{item}: must lie inside the folder")
    if not file.is_file():
        raise ValueError(f"{item}: there is no such file")
    return file


def _images(files: list[Path]) -> Grey:
    """(N, H, W) of files of one size."""
    images: list[Grey] = []
    coloured: list[Path] = []
    for file in files:
        image, colour = _image(file)
        if images and image.shape != images[0].shape:
            sizes = ["{} x {}".format(*i.shape) for i in (image, images[0])]
            raise ValueError(f"{file}: is {sizes[0]} px; {sizes[1]} px, as {files[0].name}, is needed")
        images.append(image)
        if colour:
            coloured.append(file)
    if coloured:
        _warn(coloured[0], len(coloured))
    return np.stack(images)


def _image(file: Path) -> tuple[Grey, bool]:
    """A file as grey levels, and whether it was in colour."""
    levels = read_image(file)
    return (luma(levels), True) if levels.ndim == 3 else (levels, False)


def _warn(first: Path, count: int) -> None:
    others = f" and {count - 1} more" if count > 1 else ""
    warnings.warn(f"{first}{others}: in colour; converted to grey", UserWarning, stacklevel=4)
