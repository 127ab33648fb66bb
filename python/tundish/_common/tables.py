"""CSV files row by row, with the line in every refusal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tundish._common.refusals import MISSING, ArgumentError, RefusalError


@contextmanager
def rows_of(path: Path) -> Iterator[Any]:
    """A `csv.reader` of a UTF-8 file.

    Refusals raised while it is read get the file's name. Its quotes and encoding are refused by an
    ArgumentError with the line; any other ValueError becomes one of the whole file. OSError is let through.
    """
    data = path.read_bytes()
    try:
        rows = csv.reader(io.StringIO(_decoded(data), newline=""), strict=True)
        try:
            yield rows
        except csv.Error as error:
            raise ArgumentError("", MISSING, str(error), line=rows.line_num) from None
    except RefusalError as error:
        raise error.at(path, error.line) from None
    except ValueError as error:
        raise ArgumentError("", MISSING, str(error), file=str(path)) from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ArgumentError("", MISSING, "is not text in UTF-8", line=line) from None


def decimal(text: str) -> float:
    """A float. Raises ValueError for what `float` takes too and a table does not mean: 1_000, digits beyond
    ASCII.
    """
    if "_" in text or not text.isascii():
        raise ValueError
    return float(text)
