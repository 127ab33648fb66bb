"""The command `tundish info`: what is there, as a table and as JSON."""

import json
from pathlib import Path

from tundish import __version__
from tundish.cli import info


def test_info_tells_what_is_there(run):
    """Version, instruction set, threads and optional packages, as a table and as JSON."""
    status, out, err = run("info")
    assert (status, err) == (0, "")
    for word in (__version__, "instruction set", "threads", "matplotlib", "not available in this version"):
        assert word in out
    facts = json.loads(run("info", "--json")[1])
    assert facts["version"] == __version__
    assert facts["instruction_set"]
    assert facts["threads"] >= 1
    assert facts["gpu"] is None
    assert "xarray" in facts["packages"]


def test_info_names_the_command_for_what_is_missing(run, monkeypatch):
    """A package that is not found comes with the command that installs it."""
    monkeypatch.setitem(info._PACKAGES, "no-such-package", ("plot", "pictures"))
    assert "not found; for pictures: pip install 'tundish[plot]'" in run("info")[1]
    assert json.loads(run("info", "--json")[1])["packages"]["no-such-package"] is None


def test_cmake_dir_holds_the_package(run):
    """--cmake-dir prints one existing folder with the CMake package."""
    status, out, _ = run("info", "--cmake-dir")
    assert status == 0
    assert (Path(out.strip()) / "tundish-config.cmake").is_file()


def test_cmake_dir_that_is_not_there(run, monkeypatch):
    """An installation without CMake files says so."""
    monkeypatch.setattr(info, "cmake_dir", lambda: None)
    status, out, err = run("info", "--cmake-dir")
    assert (status, out) == (2, "")
    assert "no CMake files" in err
