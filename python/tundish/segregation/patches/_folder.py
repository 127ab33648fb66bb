"""Folders of patches: images with `labels.csv`."""

from __future__ import annotations

import csv
import math
import re
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish._common.tables import rows_of
from tundish.segregation.patches._checks import MAX_CARBON
from tundish.segregation.patches._photographs import read_grey, warn_of_colour

LABELS = "labels.csv"
FIELDS = ("images", "carbon", "point", "billet", "position", "mm_per_px")

_REQUIRED = ("file", "carbon_wt", "mm_per_px")
_OPTIONAL = ("point", "billet", "x_mm", "y_mm")
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")


class _Row(NamedTuple):
    """A row of labels.csv: the image's name, numbers and ids by column, and its line."""

    file: str
    cells: dict[str, Any]
    line: int


def read(path: str | PathLike[str]) -> dict[str, Any]:
    """The columns of a set of patches; see `PatchSet.from_folder`."""
    folder = Path(path)
    labels = folder / LABELS
    with rows_of(labels) as lines:
        rows = _rows(lines)
        files = [_inside(folder, row) for row in rows]
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
        text = "is not empty; patches are written to a new folder"
        raise ArgumentError("", MISSING, text, file=str(folder))
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


def _rows(rows: Any) -> list[_Row]:
    header = [name.strip() for name in next(rows, [])]
    for name in header:
        if name not in _REQUIRED + _OPTIONAL:
            known = ", ".join(_REQUIRED + _OPTIONAL)
            raise ArgumentError("", MISSING, f"column {name!r} is unknown; allowed are {known}")
        if header.count(name) > 1:
            raise ArgumentError("", MISSING, f"column {name} is given twice")
    for name in _REQUIRED:
        if name not in header:
            raise ArgumentError(
                "", MISSING, f"column {name} is missing; the first line must name the columns"
            )
    if ("x_mm" in header) != ("y_mm" in header):
        raise ArgumentError("columns x_mm and y_mm", MISSING, "both are needed, or none")
    read: list[_Row] = []
    for cells in rows:
        if not cells:
            continue
        if len(cells) != len(header):
            text = f"has {len(cells)} fields; {len(header)} are needed"
            raise ArgumentError("", MISSING, text, line=rows.line_num)
        texts = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        read.append(_row(rows.line_num, texts))
        scale = read[-1].cells["mm_per_px"]
        if scale != read[0].cells["mm_per_px"]:
            text = "all patches of a set need one scale; resample the others"
            raise ArgumentError("mm_per_px", scale, text, line=rows.line_num)
    if not read:
        raise ArgumentError("", MISSING, "there are no patches below the first line")
    return read


def _row(line: int, texts: dict[str, str]) -> _Row:
    cells: dict[str, Any] = {}
    for name, text in texts.items():
        if not text:
            raise ArgumentError(name, MISSING, "is empty", line=line)
        cells[name] = text if name in ("file", "point", "billet") else _number(line, name, text)
    carbon, scale = cells["carbon_wt"], cells["mm_per_px"]
    if not 0 < carbon <= MAX_CARBON:
        allowed = f"must be above 0 and at most {MAX_CARBON} wt%"
        raise ArgumentError("carbon_wt", carbon, allowed, line=line)
    if scale <= 0:
        raise ArgumentError("mm_per_px", scale, "must be above 0", line=line)
    return _Row(cells.pop("file"), cells, line)


def _number(line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentError(column, text, "must be a finite number", line=line)
    return value


def _ids(texts: list[str]) -> NDArray[Any]:
    """Integers where all are written as such, and text otherwise."""
    if all(_INTEGER.fullmatch(text) for text in texts):
        return np.array([int(text) for text in texts], np.int64)
    return np.array(texts, str)


def _inside(folder: Path, row: _Row) -> Path:
    """The image of a row; refused outside the folder, wherever links or dots lead."""
    file = folder / row.file
    if "\0" in row.file or not file.resolve().is_relative_to(folder.resolve()):
        raise ArgumentError("file", row.file, "must lie inside the folder", line=row.line)
    if not file.is_file():
        raise ArgumentError("file", row.file, "there is no such file", line=row.line)
    return file


def _images(files: list[Path]) -> Grey:
    """(N, H, W) of files of one size."""
    images: list[Grey] = []
    coloured: list[Path] = []
    for file in files:
        image, colour = read_grey(file)
        if images and image.shape != images[0].shape:
            sizes = ["{} x {}".format(*i.shape) for i in (image, images[0])]
            text = f"is {sizes[0]} px; {sizes[1]} px, as {files[0].name}, is needed"
            raise ArgumentError("", MISSING, text, file=str(file))
        images.append(image)
        if colour:
            coloured.append(file)
    if coloured:
        warn_of_colour(coloured[0], len(coloured))
    return np.stack(images)
