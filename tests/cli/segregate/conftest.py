"""What the tests of `tundish segregate` share: a small billet in files, and a command with few baselines."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from references.section import SCALE, SIDE, Result, Run

from tundish.cli.main import main
from tundish.segregation import PatchSet, synthetic


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line with two baselines, and returns (exit status, stdout, stderr)."""
    from tundish.segregation import CarbonRegressor, _survey, baselines

    few = functools.partial(baselines, models=["linear SVR", "radius"])
    monkeypatch.setattr(_survey, "baselines", few)
    # To build another engine takes longer than all of these networks.
    monkeypatch.setattr(CarbonRegressor, "compile", lambda self, **_: self)

    def ran(*argv: object) -> Result:
        status = main(["segregate", *(str(word) for word in argv)])
        return status, *capsys.readouterr()

    return ran


@pytest.fixture(scope="session")
def billet() -> tuple[PatchSet, Any]:
    """A small billet, with its section."""
    return synthetic.billet(
        20, diameter=0.1, image_size=SIDE, rng=1, mm_per_px=SCALE, section=True, name="first"
    )


@pytest.fixture
def folder(billet: tuple[PatchSet, Any], tmp_path: Path) -> Path:
    billet[0].write_folder(tmp_path / "patches")
    return tmp_path / "patches"


@pytest.fixture
def photograph(billet: tuple[PatchSet, Any], tmp_path: Path) -> Path:
    from PIL import Image

    Image.fromarray(billet[1].photograph).save(tmp_path / "section.png")
    return tmp_path / "section.png"


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are files without content: to draw them takes seconds."""
    monkeypatch.setattr("tundish.segregation._report_files.picture", lambda plot: lambda path: path.touch())
