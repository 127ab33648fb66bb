"""The command line: what it prints and writes, and its exit status."""

import errno
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from references.limits import HANG

from tundish.casting import PUBLISHED_CASE, Case, read_case
from tundish.cli import _run, cast

EXAMPLE = PUBLISHED_CASE.read_text("utf-8")
COARSE = "[grid]\nnx = 12\ndz_mold = 0.02\ndz_spray = 0.25\ngrading = 4\n"


@pytest.fixture
def case(tmp_path):
    """A coarse version of the bundled case, with changes: pairs of old and new text."""

    def written(*changes, more=COARSE):
        text = EXAMPLE + more
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "case.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return written


def command(*argv, **options):
    """The command in a process of its own."""
    words = [sys.executable, "-m", "tundish", *map(str, argv)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=HANG, **options)


def test_cast_solves_the_bundled_case(run):
    """Without arguments: a table with the ends of mould and zones, and the published strand's length."""
    status, out, err = run("cast")
    assert (status, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines() if line[:7].strip()}
    for z, what in (("0.00", "meniscus"), ("0.50", "mould"), ("1.20", "zone 0"), ("15.50", "zone 2")):
        assert what in rows[z]
    assert "metallurgical length  15.2" in out
    assert "kW" in out
    assert "node-steps/s" in out
    assert "energy imbalance      -" not in out


def test_cast_rows_are_the_solution(run, case):
    """The table's numbers are those of the solution at their z."""
    _, out, _ = run("cast", case())
    s = read_case(case()).solve()
    (row,) = (line.split() for line in out.splitlines() if line.startswith("   1.20 "))
    n = int(np.argmin(abs(s.z - 1.2)))
    values = [*s.shell_thickness[:, n] * 1e3, s.centre_temperature[n], *s.face_temperature[:, n]]
    values += [s.corner_temperature[n], 100 * s.solid_fraction[n]]
    assert [float(word) for word in row[1:8]] == pytest.approx(values, abs=0.051)


def test_json_is_one_object_in_si_units(run, case):
    """--json prints the solution's numbers as one object and nothing else."""
    status, out, err = run("cast", case(), "--json")
    assert (status, err) == (0, "")
    result = json.loads(out, parse_constant=pytest.fail)
    s = read_case(case()).solve()
    assert (result["status"], result["message"]) == ("converged", "converged")
    assert result["metallurgical_length"] == s.metallurgical_length
    assert 0 <= result["energy_imbalance"] < 1e-8
    assert result["seconds"] > 0
    for name in (
        "z",
        "shell_thickness",
        "centre_temperature",
        "face_temperature",
        "probe_temperature",
        "heat",
    ):
        assert np.array_equal(result[name], getattr(s, name)), name
    assert result["probes"] == [[0.062, 0.074], [0.074, 0.074], [0.074, 0.062]]


def test_json_has_null_for_what_is_infinite(run, case):
    """A strand that does not solidify has no metallurgical length."""
    shorter = [("length = 15.5", "length = 3.0"), ("[[zones]]\nend = 15.5\nhtc = [300.0, 280.0]\n", "")]
    path = case(*shorter, (", 10.0, 15.0]", "]"))
    assert json.loads(run("cast", path, "--json")[1])["metallurgical_length"] is None
    assert "the centre is not solid" in run("cast", path)[1]


def test_options_override_the_case(run, case):
    """The command line has the last word on mesh and scheme."""
    options = ("--method", "sor", "--phase-change", "correction", "--nx", 10, "--ny", 8, "--dtype", "float32")
    result = json.loads(run("cast", case(), "--json", *options)[1])
    assert [result[name] for name in ("method", "phase_change", "nx", "ny", "dtype")] == [
        *("sor", "correction", 10, 8, "float32")
    ]
    assert result["sweeps"] > result["steps"]
    assert "sweeps" in run("cast", case(), "--method", "sor")[1]


def test_a_new_nx_is_taken_for_ny_too(case):
    """--nx alone makes the mesh square and leaves the case's steps alone; --ny alone keeps nx."""
    command = cast.CastCommand(prog="tundish cast", nx=20)
    grid = cast._overridden(read_case(case()), command).grid
    assert (grid.nx, grid.ny, grid.dz_mold) == (20, 20, 0.02)
    command = cast.CastCommand(prog="tundish cast", ny=9)
    grid = cast._overridden(read_case(case()), command).grid
    assert (grid.nx, grid.ny) == (12, 9)


def test_an_accuracy_without_an_estimate_says_so(run, case):
    """The published scheme marches one mesh."""
    status, out, err = run("cast", case(), "--accuracy", 20, "--phase-change", "correction")
    assert status == 0
    assert "estimated error" not in out
    assert err == (
        "tundish cast: --accuracy 20: adi with correction marches one mesh, without an error estimate\n"
    )


def test_example_is_the_bundled_case(run, tmp_path):
    """--example prints a case that can be solved as it is."""
    status, out, _ = run("cast", "--example")
    path = tmp_path / "my.toml"
    path.write_text(out, "utf-8")
    assert status == 0
    assert read_case(path).probes == read_case().probes


def test_out_writes_data_and_pictures(run, case, tmp_path):
    """--out makes the folder and leaves CSV, NetCDF and PNG in it, and says so."""
    xarray, *_ = (pytest.importorskip(module) for module in ("xarray", "h5py", "matplotlib"))
    folder = tmp_path / "a" / "b"
    status, out, err = run("cast", case(), "--out", folder)
    names = ["strand.csv", "strand.nc", "strand.png", "sections.png"]
    assert (status, err) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert all(str(folder / name) in out for name in names)
    assert (folder / "strand.png").read_bytes()[:4] == b"\x89PNG"
    solution = read_case(case()).solve()
    with xarray.open_dataset(folder / "strand.nc", engine="h5netcdf") as dataset:
        assert np.array_equal(dataset["section_temperature"], solution.section_temperature)
        assert dataset["centre_temperature"].attrs["units"] == "K"
        assert dataset.attrs["message"] == "converged"


def test_a_case_without_probes_and_sections(run, case, tmp_path):
    """Nothing to keep is nothing to write; the rest is written all the same."""
    for module in ("xarray", "h5py", "matplotlib"):
        pytest.importorskip(module)
    lines = [line + "\n" for line in EXAMPLE.splitlines() if line.startswith(("probes", "sections"))]
    path = case(*((line, "") for line in lines))
    result = json.loads(run("cast", path, "--json", "--out", tmp_path / "out")[1])
    assert (result["probes"], result["probe_temperature"]) == ([], [])
    assert [Path(file).name for file in result["files"]] == ["strand.csv", "strand.nc", "strand.png"]


def test_missing_packages_cost_their_files_only(run, case, tmp_path, monkeypatch):
    """Without xarray and matplotlib the CSV is written, and the command that installs them is told."""
    for module in ("xarray", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    status, out, err = run("cast", case(), "--json", "--out", tmp_path / "out")
    assert status == 0
    assert [Path(file).name for file in json.loads(out)["files"]] == ["strand.csv"]
    assert "strand.nc is not written: this needs xarray: pip install 'tundish[xarray]'" in err
    assert "strand.png is not written: this needs matplotlib: pip install 'tundish[plot]'" in err


DIVERGES = ("heat_flux = [2.0e6, 1.85e6]", "heat_flux = [2.0e7, 1.85e6]")


def test_a_march_that_diverges_is_status_1(run, case, tmp_path):
    """It is told on both streams, what is unknown is null, and the files are written as far as it went."""
    status, out, err = run("cast", case(DIVERGES), "--json", "--out", tmp_path / "out")
    result = json.loads(out, parse_constant=pytest.fail)
    assert status == 1
    assert result["status"] == "diverged"
    assert result["metallurgical_length"] is None
    assert result["centre_temperature"][-1] is None
    assert err.startswith("tundish cast: diverged at z = ")
    assert len(err.splitlines()) == 1
    assert (tmp_path / "out" / "strand.csv").exists()
    status, out, _ = run("cast", case(DIVERGES))
    assert status == 1
    assert "failed                diverged" in out
    assert "nan" not in out


def test_a_march_that_does_not_converge_is_status_1(run, case):
    """Sweeps that run out are told."""
    status, out, err = run("cast", case(more=COARSE + '[solve]\nmethod = "sor"\nmax_sweeps = 9\n'))
    assert status == 1
    assert "not converged at z = " in out
    assert err.startswith("tundish cast: not converged at z = ")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, "No such file"),
        ("this is not toml [", "is not TOML"),
        ("speed = -1\n", "speed: is unknown"),
        (EXAMPLE.replace("width = 0.16", "width = -0.16"), "strand.width = -0.16"),
        (EXAMPLE.replace("end = 1.2", "end = 0.2"), "zones.0.end = 0.2"),
        (EXAMPLE + COARSE.replace("nx = 12", "nx = 1"), "grid.nx = 1"),
        (EXAMPLE.replace("[0.5, 3.0,", "[99.0, 3.0,"), "output.sections = 99"),
        (EXAMPLE + "[grid]\naccuracy = 0\n", "grid.accuracy = 0: must be finite and above 0 K"),
        (EXAMPLE + '[grid]\naccuracy = "0.5"\n', "grid.accuracy = '0.5': must be a number"),
        (EXAMPLE + "[grid]\naccuracy = true\n", "grid.accuracy = True: must be a number"),
        (EXAMPLE + "[grid]\naccuracy = 1\ndz_mold = 0.01\n", "grid.dz_mold = 0.01: must be left out beside"),
        (EXAMPLE + "[grid]\naccuracy = 1\nnx = 20\n", "grid.nx = 20: must be odd and at least 21"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["table", "json"])
def test_a_bad_case_is_one_line_and_status_2(run, tmp_path, text, names, options):
    """Nothing on stdout; one line on stderr that names the file and the key."""
    path = tmp_path / "case.toml"
    if text is not None:
        path.write_text(text, "utf-8")
    status, out, err = run("cast", path, *options)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"tundish cast: {path}: ")
    assert names in err


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        ([], "COMMAND"),
        (["pour"], "pour"),
        (["cast", "--colour"], "--colour"),
        (["cast", "--method", "magic"], "--method"),
        (["cast", "--nx", "many"], "--nx"),
        (["cast", "--nx", "1"], "nx = 1"),
        (["cast", "--ny", "9"], "--nx: must be given with ny"),
        (["cast", "--accuracy", "0"], "tundish cast: --accuracy = 0: must be finite and above 0 K"),
        (["cast", "--accuracy", "-1"], "tundish cast: --accuracy = -1: "),
        (["cast", "--accuracy", "nan"], "tundish cast: --accuracy = nan: "),
        (["cast", "--accuracy", "much"], "--accuracy"),
        (["cast", "--accuracy", "1", "--nx", "20"], "tundish cast: --nx = 20: must be odd and at least 21"),
        (["cast", "a.toml", "b.toml"], "b.toml"),
        (["cast", "--out"], "--out"),
        (["info", "--json", "--cmake-dir"], "--cmake-dir"),
    ],
)
def test_bad_options_are_one_line_and_status_2(run, argv, names):
    """Options that do not exist or cannot be are refused like a bad case."""
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert names in err


def test_a_folder_is_no_case(run, tmp_path):
    """A folder in place of a case file is bad input."""
    status, out, err = run("cast", tmp_path)
    assert (status, out) == (2, "")
    assert err == f"tundish cast: {tmp_path}: Is a directory\n"


def test_out_that_is_a_file(run, tmp_path):
    """--out cannot be a file, nor lie below one."""
    path = tmp_path / "file"
    path.touch()
    for folder in (path, path / "below"):
        status, out, err = run("cast", "--out", folder)
        assert (status, out) == (2, "")
        assert err.startswith(f"tundish cast: --out {folder}: ")
        assert len(err.splitlines()) == 1


def test_out_that_cannot_be_written(run, case, tmp_path):
    """A file that cannot be written is named, and nothing is printed as if it were."""
    (tmp_path / "strand.csv").mkdir()
    status, out, err = run("cast", case(), "--out", tmp_path)
    assert (status, out) == (2, "")
    assert err == f"tundish cast: --out {tmp_path / 'strand.csv'}: Is a directory\n"


def test_an_instruction_set_that_does_not_exist():
    """A wrong TUNDISH_ISA is bad input, too."""
    for argv in (["cast"], ["info"]):
        done = command(*argv, env={"TUNDISH_ISA": "abacus"})
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert "TUNDISH_ISA=abacus" in done.stderr


@pytest.mark.parametrize("argv", [["--help"], ["cast", "--help"], ["info", "--help"], ["--version"]])
def test_help_and_version(run, argv):
    """Help and version go to stdout with status 0."""
    status, out, err = run(*argv)
    assert (status, err) == (0, "")
    assert "tundish" in out


def test_ctrl_c_is_one_line_and_status_130(run, monkeypatch):
    """An interrupted march leaves no traceback."""

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Case, "solve", interrupted)
    assert run("cast") == (130, "", "tundish cast: interrupted\n")


def test_long_work_shows_a_clock_on_a_terminal(capsys, monkeypatch):
    """From the first second on, a terminal shows that the march goes on; the line is wiped at the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(_run, "_TICK", 0.001)
    err, until = "", time.monotonic() + HANG
    with _run.clock("marching"):
        while "marching" not in err and time.monotonic() < until:
            time.sleep(0.01)
            err += capsys.readouterr().err
    err += capsys.readouterr().err
    assert re.match(r"\rmarching, \d+ s", err)
    assert err.endswith("\r\033[K")


def test_help_loads_no_numpy():
    """`tundish --help` is quick: neither numpy nor the solver is loaded."""
    code = "import sys; from tundish.cli.main import main; main(['--help']); print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG
    )
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes and devices")
def test_a_reader_that_leaves_is_no_error():
    """`tundish cast --json | head -c 1`: no traceback."""
    line = f"{sys.executable} -m tundish cast --json | head -c 1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=HANG)
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_status_1():
    """Output that cannot be written is a failure in one line."""
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "tundish", "info"]
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=HANG
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(errno.ENOSPC) in done.stderr
