"""Series in CSV files: what is refused, and where it stands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tundish._common.refusals import ArgumentError
from tundish.crystallization import read_series
from tundish.crystallization.frames._series_file import read_programme


@pytest.mark.parametrize(
    ("text", "argument", "line", "message"),
    [
        ("", "", None, "is empty; a line of names and lines of numbers are needed"),
        ("time_s,a\n", "", None, "has no line of numbers"),
        ("time_s,a,a\n0,1,2\n", "", 1, "line 1: a is there twice"),
        ("time_s,a\n0,1,2\n", "", 2, "line 2: has 3 cells; 2, one a name, are needed"),
        ("time_s,a\n0,1\n\n1,hot\n", "a", 4, "line 4, a: 'hot' is no number"),
        ("time_s,a\n0,1\n,2\n", "", 3, "line 3: has no time"),
        ("time_s,a\n0,1\n0,2\n", "", 3, "line 3: 0 s is there twice, as 0 s of line 2; times must rise"),
        ("time_s,a,t1,temperature\n0,1,2,900\n1,2,3,\n", "temperature", None,
         "temperature: 1 readings are known; at least 3 are needed"),
    ],
)  # fmt: skip
def test_bad_series_are_refused_as_data(
    tmp_path: Path, text: str, argument: str, line: int | None, message: str
) -> None:
    file = tmp_path / "series.csv"
    file.write_text(text)
    with pytest.raises(ArgumentError) as refusal:
        read_series(file)
    assert (refusal.value.file, refusal.value.line) == (str(file), line)
    assert refusal.value.argument == argument
    assert str(refusal.value) == f"{file}: {message}"


def test_columns_and_programmes_are_refused_as_data(tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    file.write_text("time_s,a,temperature\n" + "".join(f"{n},{n},900\n" for n in range(5)))
    with pytest.raises(ArgumentError, match="has no column 'b'; there are a") as refusal:
        read_series(file).chosen(["b"])
    assert (refusal.value.argument, refusal.value.file) == ("", str(file))
    with pytest.raises(ArgumentError, match="5 of the 5 readings of temperature differ") as refusal:
        read_series(file, np.array([[0.0, 20.0]]))
    assert (refusal.value.argument, refusal.value.file) == ("programme", str(file))
    file.write_text("time_s,degc\n0,900\n1,\n")
    with pytest.raises(ArgumentError, match="line 3, degc: is empty") as refusal:
        read_programme(file)
    assert (refusal.value.argument, refusal.value.line) == ("degc", 3)
