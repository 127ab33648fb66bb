"""`tundish segregate`: bad input is refused in one line, before any work."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("sklearn")

from PIL import Image
from references.section import SCALE, SIDE, SMALL, Result, Run

from tundish.segregation import CarbonRegressor, PatchSet, _survey
from tundish.segregation.configurations import pooled


def refused(result: Result, *words: object) -> None:
    status, out, err = result
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("tundish segregate: ")
    for word in words:
        assert str(word) in err


def refused_once(result: Result, folder: Path, *words: object) -> None:
    """The line names the folder once, as a part of its labels.csv."""
    refused(result, folder / "labels.csv", *words)
    assert result[2].count(str(folder)) == 1


def labels_of(folder: Path, change: Callable[[list[list[str]]], object]) -> None:
    """Writes labels.csv anew."""
    file = folder / "labels.csv"
    with file.open(newline="") as lines:
        rows = list(csv.reader(lines))
    change(rows)
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows(rows)


def test_bad_folders_are_refused_by_file(run: Run, folder: Path, tmp_path: Path) -> None:
    refused(run(tmp_path / "none"), tmp_path / "none" / "labels.csv", "No such file")
    file = sorted(folder.glob("*.png"))[3]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    refused(run(folder, *SMALL), file, "cannot be read")
    file.write_bytes(b"no image")
    refused(run(folder, *SMALL), file, "is no image")
    Image.fromarray(np.zeros((SIDE, SIDE + 1), np.uint8)).save(file)
    refused(run(folder, *SMALL), file, "is 16 x 17 px")
    file.unlink()
    refused(run(folder, *SMALL), folder / "labels.csv", file.name, "there is no such file")


def test_bad_labels_are_refused_by_line(run: Run, folder: Path) -> None:
    def put(line: int, column: str, text: str) -> Callable[[list[list[str]]], None]:
        return lambda rows: rows[line].__setitem__(rows[0].index(column), text)

    labels_of(folder, put(4, "carbon_wt", "9"))
    refused_once(run(folder, *SMALL), folder, "line 5, carbon_wt = 9: must be above 0")
    labels_of(folder, put(4, "carbon_wt", ""))
    refused_once(run(folder, *SMALL), folder, "line 5, carbon_wt: is empty")
    labels_of(folder, put(4, "carbon_wt", "0.4"))
    labels_of(folder, lambda rows: [row.pop(rows[0].index("mm_per_px")) for row in reversed(rows)])
    refused_once(run(folder, *SMALL), folder, "mm_per_px")


def test_too_few_points_are_refused(run: Run, billet: tuple[PatchSet, Any], tmp_path: Path) -> None:
    """One billet by billet, one point, and fewer to train on than folds."""
    patches = billet[0]
    patches[:1].write_folder(tmp_path / "one")
    refused(run(tmp_path / "one", *SMALL), tmp_path / "one", "makes 1 of the 2 groups that are needed")
    patches[:4].write_folder(tmp_path / "four")
    refused(run(tmp_path / "four", *SMALL), tmp_path / "four", "has 3 points; 4, one a fold, are needed")
    refused(run(tmp_path / "four", *SMALL, "--by", "billet"), "makes 1 of the 2 groups")


def test_bad_models_are_refused_by_file(
    run: Run, folder: Path, billet: tuple[PatchSet, Any], tmp_path: Path
) -> None:
    """Missing, pickled, of another hash, or trained on other patches."""
    model = tmp_path / "model"
    refused(run(folder, "--model", model), model / "card.json", "is missing")
    model.mkdir()
    (model / "network.pt").write_bytes(b"\x80\x04K\x01.")
    refused(run(folder, "--model", model), model / "network.pt", "is a pickle")
    (model / "network.pt").unlink()
    settings = {**pooled(SIDE), "blocks": 2, "epochs": 1, "ensemble": 1}
    CarbonRegressor(**settings).fit(billet[0]).save(model)
    wide = PatchSet(billet[0].images, billet[0].carbon, point=billet[0].point, mm_per_px=0.3)
    wide.write_folder(tmp_path / "wide")
    refused(run(tmp_path / "wide", "--model", model), tmp_path / "wide", "16 px and 4.8 mm", "3.2 mm")
    (weights,) = model.glob("weights-*")
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\1\0")
    refused(run(folder, "--model", model), weights, "has the hash")


def test_a_checkpoint_of_other_settings_is_refused(
    run: Run, folder: Path, tmp_path: Path, blank_pictures: None
) -> None:
    assert run(folder, *SMALL, "--out", tmp_path / "out")[0] == 0
    result = run(folder, "--blocks", 3, "--epochs", 1, "--ensemble", 1, "--out", tmp_path / "out")
    refused(result, f"--out {tmp_path / 'out'}", "blocks = 2 there, 3 here")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "--epochs = 0: must be at least 1"),
        (["--blocks", "8"], "--blocks = 8: must be 2 to 7"),
        (["--blocks", "5"], "is too small for 5 blocks"),
        (["--ensemble", "0"], "--ensemble = 0: must be at least 1"),
        (["--test", "1.5"], "--test = 1.5: must lie between 0 and 1"),
        (["--seed", "-1"], "--seed = -1: must be an integer of at least 0"),
        (["--size", "32"], "--size = 32: must be 1 to 16 px"),
        (["--device", "abacus"], "--device = 'abacus': is unknown to torch"),
        (["--by", "heat"], "argument --by: invalid choice"),
        (["--mm-per-px", "0.1"], "--mm-per-px: is for --photograph alone"),
        (["--photograph", "x.png"], "--photograph x.png: needs --mm-per-px"),
        (["--photograph", "x.png", "--mm-per-px", "0"], "--mm-per-px 0: must be finite and above 0"),
        (["--photograph", "x.png", "--mm-per-px", "0.2"], "x.png: there is no such file"),
        (["--stride-mm", "nan"], "--stride-mm nan: must be finite and above 0"),
        (["--model", "m", "--epochs", "3"], "--epochs: is of a training; --model m has had its own"),
    ],
)
def test_bad_arguments_are_refused_in_one_line_before_any_work(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setattr(_survey, "baselines", lambda *_, **__: pytest.fail("models were fitted"))
    refused(run(folder, *arguments), message)


def test_bad_photographs_are_refused_by_file(
    run: Run, folder: Path, photograph: Path, tmp_path: Path
) -> None:
    """None to train on, a coarser scale, no image, a small one, and another billet's diameter."""
    section = ("--photograph", photograph, "--mm-per-px")
    refused(run(*section, 0.2), f"--photograph {photograph}: needs a FOLDER")
    refused(run(folder, *SMALL, *section, 0.5), photograph, "mm_per_px = 0.5: is coarser than 0.2")
    refused(run(folder, *SMALL, *section, SCALE, "--stride-mm", 0.01), "--stride-mm = 0.01: must be at least")
    refused(run(folder, *SMALL, *section, SCALE, "--diameter-mm", 2), "--diameter-mm = 2: no window")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(photograph)
    refused(run(folder, *SMALL, *section, SCALE), photograph, "is 8 x 8 px; at least 16 x 16")
    photograph.write_text("no image")
    refused(run(folder, *SMALL, *section, SCALE), photograph, "is no image")


def test_a_folder_that_cannot_be_made_is_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(run(folder, *SMALL, "--out", tmp_path / "file"), "--out", tmp_path / "file")


def test_a_missing_library_is_named(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the pip command, status 1."""
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    status, out, err = run(folder, *SMALL)
    assert (status, out) == (1, "")
    assert "tundish[vision]" in err
    assert len(err.splitlines()) == 1


def test_help(run: Run) -> None:
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    assert "--photograph" in out
