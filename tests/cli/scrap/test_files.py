"""`tundish scrap`: the files that it writes, and the heats that come with it."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
from references.scrap_command import json_of

from tundish.scrap import (
    Estimate,
    published_model,
)

pytest.importorskip("scipy")

PRIOR = np.array([300.0, 1500.0, 4000.0])


def test_smooth(run, log_of, prior_file, tmp_path, blank_pictures):
    """--smooth writes what is known after all heats."""
    path, log = log_of()
    found = json_of(run(path, "--prior", prior_file, "--smooth", "--json", "--out", tmp_path / "out"))
    assert found["smoothed"] is True
    s = published_model("Cu", PRIOR).smooth(log)
    with (tmp_path / "out" / "heats.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["scrap_hms_ppm"]) for row in rows] == s.composition[:, 1].tolist()
    assert [float(row["std_hms_ppm"]) for row in rows] == s.composition_std[:, 1].tolist()


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_example_is_the_bundled_log(run, element, tmp_path):
    """--example prints a log that can be estimated as it is, with the same result."""
    status, out, err = run("--example", "--element", element)
    assert (status, err) == (0, "")
    path = tmp_path / "my.csv"
    path.write_text(out, "utf-8")
    mine, bundled = (json_of(run(*words, "--element", element, "--json")) for words in ([path], []))
    assert mine["loglik"] == bundled["loglik"]
    assert (mine["log"], bundled["log"]) == (str(path), "bundled")


def test_out_writes_data_and_pictures(run, log_of, tmp_path):
    """--out makes the folder and leaves JSON, CSV and PNG in it, and says so."""
    pytest.importorskip("matplotlib")
    path, log = log_of("Cr")
    folder = tmp_path / "a" / "b"
    status, out, err = run(path, "--element", "Cr", "--out", folder)
    assert (status, err) == (0, "")
    names = ["composition.png", "heats.csv", "innovations.png", "partition.png", "scrap.json"]
    assert sorted(file.name for file in folder.iterdir()) == names
    assert all(str(folder / name) in out for name in names)
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in names if name.endswith("png"))
    with (folder / "heats.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(log)
    found = json.loads((folder / "scrap.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert float(rows[-1]["scrap_hms_ppm"]) == found["composition_ppm"]["hms"]["mean"]
    assert float(rows[-1]["c1"]) == found["partition"]["c1"]["mean"]


def test_truth_is_drawn_where_it_is_known(run, log_of, tmp_path, monkeypatch):
    """Beside the estimate of the bundled heats, and of those alone."""
    drawn = []
    monkeypatch.setattr("tundish.scrap._report.picture", lambda plot: lambda path: plot())
    for name in ("plot", "plot_partition"):
        monkeypatch.setattr(Estimate, name, lambda self, truth=None: drawn.append(truth))
    monkeypatch.setattr(Estimate, "plot_innovations", lambda self: None)
    run("--element", "Cr", "--out", tmp_path)
    run(log_of("Cr")[0], "--element", "Cr", "--out", tmp_path)
    assert [truth.composition.shape for truth in drawn[:2]] == [(750, 8)] * 2
    assert drawn[2:] == [None, None]


def test_without_matplotlib_the_data_are_written(run, log_of, tmp_path, monkeypatch):
    """And the command that installs it is told."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, _, err = run(log_of()[0], "--out", tmp_path / "out")
    assert status == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["heats.csv", "scrap.json"]
    assert "composition.png is not written: this needs matplotlib: pip install 'tundish[plot]'" in err
