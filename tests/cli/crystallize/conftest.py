"""The command, and records for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from references.crystallize import Result, Run, growing, series_text, write

from tundish.cli.main import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line, and returns (exit status, stdout, stderr)."""

    def ran(*argv: object) -> Result:
        status = main(["crystallize", *(str(word) for word in argv)])
        return status, *capsys.readouterr()

    return ran


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are files without content: to draw them takes seconds."""
    for module in ("_report", "_follow"):
        monkeypatch.setattr(
            f"tundish.crystallization.{module}.picture", lambda plot: lambda path: path.touch()
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    growing().write_folder(tmp_path / "frames")
    return tmp_path / "frames"


@pytest.fixture
def series(tmp_path: Path) -> Path:
    rows = series_text()
    rows[30][3] = "11299"  # of 1129
    return write(tmp_path / "series.csv", rows)
