"""Priors from files and from heats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from references.heats import gappy

from tundish._common.refusals import ArgumentError
from tundish.scrap import Prior, estimate_prior, prior_from, read_prior

TYPES = ("plate", "hms", "shredded")


def written(folder: Path, text: str) -> Path:
    path = folder / "prior.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_prior_is_read_in_the_order_of_the_types(tmp_path: Path) -> None:
    """Types that are not asked for may be there too; a variance that is not there is 5 mean2."""
    text = "mean_ppm,var_ppm2,type\n300,1e4,plate\n\n 1500 ,,hms\n9,,tyres\n4000,2e6,shredded\n"
    path = written(tmp_path, text)
    prior = read_prior(path, TYPES)
    assert isinstance(prior, Prior)
    assert prior.mean.tolist() == [300, 1500, 4000]
    assert prior.var.tolist() == [1e4, 5 * 1500**2, 2e6]
    assert prior.source == str(path)
    assert read_prior(str(path), ["tyres"]).mean.tolist() == [9]


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_a_prior_of_the_heats_has_least_squares_means(element: str) -> None:
    pytest.importorskip("scipy")
    log, _ = gappy(element)
    partition = (9.7, 0.01) if element == "Cr" else None
    prior = estimate_prior(log, partition=partition)
    assert prior.mean.tolist() == prior_from(log, partition=partition).tolist()
    assert prior.var.tolist() == (5 * prior.mean**2).tolist()
    assert prior.source == "non-negative least squares of these heats"


@pytest.mark.parametrize(
    ("row", "argument", "value"),
    [
        ("plate,much", "mean_ppm", "much"),
        ("plate,-1", "mean_ppm", -1.0),
        ("plate,inf", "mean_ppm", np.inf),
        ("hms,1,-2", "var_ppm2", -2.0),
        ("hms,1\nhms,2", "type", "hms"),
    ],
)
def test_refusals_have_file_line_and_column(tmp_path: Path, row: str, argument: str, value: object) -> None:
    header = "type,mean_ppm,var_ppm2" if argument == "var_ppm2" else "type,mean_ppm"
    path = written(tmp_path, f"{header}\n{row}\n")
    with pytest.raises(ArgumentError) as refused:
        read_prior(path, TYPES)
    error = refused.value
    assert (error.argument, error.value) == (argument, value)
    assert (error.file, error.line) == (str(path), 2 + row.count("\n"))
    assert str(error).startswith(f"{path}: line {error.line}, {argument} = ")


def test_a_mean_above_all_fractions_is_refused_with_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "type,mean_ppm\nplate,1\nhms,2e6\n")
    with pytest.raises(ArgumentError) as refused:
        read_prior(path, ("plate", "hms"))
    assert refused.value.argument == "prior_mean[1]"
    assert refused.value.file == str(path)


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "columns must be type, mean_ppm and, if known, var_ppm2", None),
        ("type,mean_ppm\nplate,1,2\n", "line 2: has 3 fields; 2 are needed", 2),
        ("type,mean_ppm\nplate,1\n", "type hms is missing", None),
        ('type,mean_ppm\nplate,"1\n', "line 2: unexpected end of data", 2),
    ],
)
def test_files_of_another_kind_are_refused_by_name(
    tmp_path: Path, text: str, message: str, line: int | None
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ArgumentError, match=message) as refused:
        read_prior(path, TYPES)
    assert (refused.value.argument, refused.value.file, refused.value.line) == ("", str(path), line)
    assert str(refused.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_prior(tmp_path / "none.csv", TYPES)
