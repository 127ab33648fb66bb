"""The command in this process, and what it is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tundish.cli.main import main
from tundish.scrap import (
    HeatLog,
    simulate,
)

TYPES = ("plate", "hms", "shredded")
PRIOR = np.array([300.0, 1500.0, 4000.0])


@pytest.fixture
def run(capsys):
    """Runs a command line and returns (exit status, stdout, stderr)."""

    def ran(*argv):
        status = main(["scrap", *(str(word) for word in argv)])
        out, err = capsys.readouterr()
        return status, out, err

    return ran


@pytest.fixture
def log_of(tmp_path):
    """A small simulated log in a file, with three readings missing: (path, log)."""

    def made(element="Cu"):
        log, _ = simulate(120, 3, element=element, rng=5)
        readings = log.steel_ppm.copy()
        readings[[3, 50, 51]] = np.nan
        path = tmp_path / f"{element}.csv"
        log.replace(types=TYPES, steel_ppm=readings).write_csv(path)
        return path, HeatLog.read_csv(path)

    return made


@pytest.fixture
def prior_file(tmp_path):
    """PRIOR, in another order and with a type that the log does not have."""
    path = tmp_path / "prior.csv"
    path.write_text("type,mean_ppm\nshredded,4000\ntyres,9\nplate,300\nhms,1500\n", "utf-8")
    return path


@pytest.fixture
def blank_pictures(monkeypatch):
    """Pictures are files without content: to draw them takes seconds."""
    monkeypatch.setattr("tundish.scrap._report.picture", lambda plot: Path.touch)
