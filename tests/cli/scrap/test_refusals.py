"""`tundish scrap`: bad input in one line, with status 2."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("scipy")


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        (["none.csv"], "none.csv: No such file"),
        (["--prior", "none.csv"], "none.csv: No such file"),
        (["--element", "Sn"], "--element"),
        (["--model", "magic"], "--model"),
        (["--decay", "0"], "--decay = 0: must be above 0"),
        (["--decay", "nan"], "--decay = nan"),
        (["--decay", "slow"], "--decay"),
        (["--measurement-std", "-1"], "--measurement-std = -1: must be finite and above 0"),
        (["--robust", "0"], "--robust = 0"),
        (["--partition", "9", "0"], "--partition: is for --model partitioned alone"),
        (["--element", "Cr", "--partition", "nan", "0"], "--partition = (nan, 0.0)"),
        (["--element", "Cr", "--partition", "1e300", "0"], "--partition = (1e+300, 0.0): must be between"),
        (["--element", "Cr", "--partition", "9", "1e160"], "--partition = (9.0, 1e+160): must be between"),
        (["--element", "Cr", "--partition", "-40", "0"], "--partition = (-40.0, 0.0): heat 1 has"),
        (["--nonnegative", "clipping"], "--nonnegative"),
        (["a.csv", "b.csv"], "b.csv"),
    ],
)
def test_bad_options_are_one_line_and_status_2(run, argv, names):
    """Nothing on stdout, one line that names the option or file on stderr."""
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("tundish")
    assert names in err


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "columns must be type, mean_ppm"),
        ("type,mean\nplate,1\n", "columns must be type, mean_ppm"),
        ("type,mean_ppm,mean_ppm\nplate,1,1\n", "columns must be type, mean_ppm"),
        ("type,mean_ppm\nplate,1,2\n", "line 2: has 3 fields; 2 are needed"),
        ("type,mean_ppm\nplate,much\n", "line 2, mean_ppm = 'much': must be a number"),
        ("type,mean_ppm\nplate,\n", "line 2, mean_ppm = ''"),
        ("type,mean_ppm\nplate,1_0\n", "line 2, mean_ppm = '1_0': must be a number"),
        ('type,mean_ppm\nplate,"1\n', "line 2: unexpected end of data"),
        ("type,mean_ppm\nplate,-1\n", "line 2, mean_ppm = -1: must be finite and not negative"),
        ("type,mean_ppm\nplate,inf\n", "line 2, mean_ppm = inf"),
        ("type,mean_ppm,var_ppm2\nplate,1,-2\n", "line 2, var_ppm2 = -2"),
        ("type,mean_ppm\nplate,1\nplate,2\n", "line 3, type = 'plate': is given already"),
        ("type,mean_ppm\nplate,1\nhms,1\n", "type shredded is missing"),
        ("type,mean_ppm\nplate,1\nhms,1\nshredded,2e6\n", "prior_mean[2] = 2e+06: must be between 0 and 1e6"),
    ],
)
def test_a_bad_prior_is_one_line_and_status_2(run, log_of, tmp_path, text, names):
    """The line names the file and, where there is one, the place."""
    path = tmp_path / "prior.csv"
    path.write_text(text, "utf-8")
    status, out, err = run(log_of()[0], "--prior", path, "--json")
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"tundish scrap: {path}: ")
    assert names in err


def test_a_bad_log_is_one_line_and_status_2(run, log_of, tmp_path):
    """The line names the file, the line and the column, and no folder is made."""
    path, _ = log_of()
    path.write_text(path.read_text("utf-8").replace("\n9,", "\n9,-"), "utf-8")
    status, out, err = run(path, "--out", tmp_path / "out")
    assert (status, out) == (2, "")
    assert err.startswith(f"tundish scrap: {path}: line 10, scrap_plate_t = -")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_pole_names_file_and_heat(run, log_of, prior_file):
    """Where the filter breaks down, the line says at which heat."""
    path, log = log_of("Cr")
    argv = [path, "--element", "Cr", "--prior", prior_file, "--partition", "-0.09", "0"]
    assert run(*argv)[0] == 0
    slag = log.slag_t.copy()
    slag[30] = 20 * log.steel_t[30]
    log.replace(slag_t=slag).write_csv(path)
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert err.startswith(f"tundish scrap: {path}: heat 31: ")
    assert len(err.splitlines()) == 1


def test_a_wrong_instruction_set_is_status_2(run, monkeypatch):
    """As for every command."""

    def refuse():
        raise RuntimeError("TUNDISH_ISA=abacus: must be another")

    monkeypatch.setattr("tundish._core.instruction_set", refuse)
    assert run() == (2, "", "tundish scrap: TUNDISH_ISA=abacus: must be another\n")


def test_without_scipy_it_names_the_command_that_installs_it(run, monkeypatch):
    """A missing package is a failure in one line."""
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    status, out, err = run()
    assert (status, out) == (1, "")
    assert err == "tundish scrap: this needs scipy: pip install 'tundish[optimize]'\n"
