"""The scripts in examples/ run, and say what they are there to say."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SAYS = {
    "parameter_study.py": "425 strands solved",
    "which_zone_matters.py": "zones.2.htc.x",
    "controller.py": "heat given off",
    "steel_from_table.py": "low carbon",
}


def test_every_example_is_run():
    assert set(SAYS) == {path.name for path in EXAMPLES.glob("*.py")}


@pytest.mark.parametrize("name", SAYS)
def test_example(name, tmp_path):
    if name == "parameter_study.py":
        pytest.importorskip("matplotlib")
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    if name == "parameter_study.py":
        assert (tmp_path / "parameter_study.png").stat().st_size > 1000
