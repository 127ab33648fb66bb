"""`tundish scrap`: what it prints and writes, and its exit status."""

import csv
import functools
import json
import sys

import numpy as np
import pytest

from tundish.cli import scrap as cli
from tundish.cli.main import main
from tundish.scrap import HeatLog, PartitionedElement, RetainedElement, prior_from, published_model, simulate
from tundish.scrap._bundled import bundled_truth, heats_of, truth_of
from tundish.scrap._estimate import Estimate

pytest.importorskip("scipy")

TYPES = ("plate", "hms", "shredded")
PRIOR = np.array([300.0, 1500.0, 4000.0])
COLUMNS = ("hot_metal_t", "hot_metal_ppm", "slag_t", "feo_pct")


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
    monkeypatch.setattr(cli, "write_picture", lambda plot, path: path.touch())


def json_of(result):
    status, out, err = result
    assert (status, err) == (0, "")
    return json.loads(out, parse_constant=pytest.fail)


# ---- the estimate ----------------------------------------------------------------------------


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_it_runs_without_a_file(run, element):
    """A row for every type, the prior's source, the prediction's error and verdicts in words."""
    status, out, err = run("--element", element)
    assert (status, err) == (0, "")
    log = HeatLog.read_csv(heats_of(element))
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    assert set(log.types) <= set(lines)
    assert len({len(lines[name]) for name in log.types}) == 1  # columns are aligned
    assert "missing          8 of 750 readings" in out
    assert "non-negative least squares of these heats" in out
    assert "--prior" in out
    assert "errors are as large as the model expects" in lines["NIS"]
    assert lines["whiteness"].endswith(": white")
    assert ("partition" in lines) == (element == "Cr")
    assert "nan" not in out


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_numbers_are_those_of_the_model(run, log_of, element):
    """Least squares' prior and the published numbers, as from Python."""
    path, log = log_of(element)
    found = json_of(run(path, "--element", element, "--json"))
    partition = None if element == "Cu" else (9.7, 0.01)
    prior = prior_from(log, partition=partition)
    e = published_model(element, prior).filter(log)
    assert list(found["prior"]["mean_ppm"].values()) == prior.tolist()
    assert found["loglik"] == e.loglik
    assert (found["heats"], found["missing"], found["element"]) == (120, 3, element)
    for n, name in enumerate(TYPES):
        assert found["composition_ppm"][name] == {
            "mean": e.composition[-1, n],
            "std": e.composition_std[-1, n],
        }
        mass = log.scrap[:, n]
        assert found["use"][name] == {"heats": np.count_nonzero(mass), "total_t": pytest.approx(mass.sum())}
    if element == "Cr":
        assert found["partition"]["c2"] == {"mean": e.partition[-1, 1], "std": e.partition_std[-1, 1]}
    else:
        assert found["partition"] is None
    error = (e.predicted_steel - log.steel_ppm)[~log.missing]
    assert found["diagnostics"]["bias"] == pytest.approx(error.mean())
    assert found["diagnostics"]["sd"] == pytest.approx(error.std())
    assert found["diagnostics"]["nis"] == e.diagnostics().nis


def test_table_is_the_estimate(run, log_of, prior_file):
    """Mean, standard deviation, prior, share of heats and mass, after the last heat."""
    path, log = log_of()
    _, out, _ = run(path, "--prior", prior_file)
    e = published_model("Cu", PRIOR).filter(log)
    for n, name in enumerate(TYPES):
        (row,) = (line.split()[1:] for line in out.splitlines() if line.startswith(name))
        mass = log.scrap[:, n]
        exact = [
            e.composition[-1, n],
            e.composition_std[-1, n],
            PRIOR[n],
            100 * np.mean(mass > 0),
            mass.sum(),
        ]
        assert [float(word) for word in row] == pytest.approx(exact, abs=0.51)
    assert f"means from {prior_file}\n" in out


def test_options_reach_the_model(run, log_of, prior_file):
    """Retained: decay, sensor, robust update, fractions that are not negative."""
    path, log = log_of()
    words = ["--decay", 0.01, "--measurement-std", 7, "--robust", 1.5, "--nonnegative", "truncation"]
    found = json_of(run(path, "--prior", prior_file, *words, "--json"))
    model = RetainedElement(PRIOR, 5 * PRIOR**2, 0.01, 7.0, robust=1.5, nonnegative="truncation")
    e = model.filter(log)
    assert found["loglik"] == e.loglik
    assert found["composition_ppm"]["hms"]["mean"] == e.composition[-1, 1]
    assert (found["robust"], found["nonnegative"], found["decay"]) == (1.5, "truncation", 0.01)


def test_partition_reaches_the_model(run, log_of, prior_file):
    """--model and --partition; the variances of c1 and c2 are 5 times their squares."""
    path, log = log_of("Cr")
    words = ["--element", "Cr", "--partition", 8, 0.02, "--prior", prior_file, "--json"]
    found = json_of(run(path, *words))
    model = PartitionedElement(PRIOR, 5 * PRIOR**2, np.log(2) / 1000, 5.0, (8, 0.02), (320, 0.002))
    assert found["loglik"] == pytest.approx(model.filter(log).loglik, rel=1e-12)
    kept = json_of(run(path, "--element", "Cr", "--model", "retained", "--prior", prior_file, "--json"))
    model = RetainedElement(PRIOR, 5 * PRIOR**2, np.log(2) / 1000, 5.0)
    assert (kept["model"], kept["loglik"]) == ("retained", model.filter(log).loglik)


def test_prior_with_variances(run, log_of, tmp_path):
    """Where a variance is left empty it is 5 times the mean's square."""
    path, log = log_of()
    prior = tmp_path / "own.csv"
    prior.write_text("mean_ppm,var_ppm2,type\n300,1e4,plate\n1500,,hms\n\n4000,2e6,shredded\n", "utf-8")
    found = json_of(run(path, "--prior", prior, "--json"))
    model = RetainedElement(PRIOR, [1e4, 5 * 1500**2, 2e6], np.log(2) / 1000, 10.0)
    assert found["loglik"] == model.filter(log).loglik


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


def test_fit(run, log_of, prior_file):
    """--fit finds what the model's fit finds, estimates with it, and shows values and errors."""
    path, log = log_of()
    fitted = published_model("Cu", PRIOR).fit(log)
    argv = [path, "--prior", prior_file, "--fit"]
    status, out, err = run(*argv, "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    values = {name: p["value"] for name, p in found["fit"]["parameters"].items()}
    assert values == fitted.summary().values
    assert found["loglik"] == fitted.filter(log).loglik == found["fit"]["loglik"]
    assert found["loglik"] > found["fit"]["loglik_before"]
    assert list(values) == ["decay", "prior_var_factor", "measurement_std"]
    assert found["fit"]["prior_var_ppm2"] == dict(zip(TYPES, fitted.prior_var.tolist(), strict=True))
    assert found["decay"] == values["decay"]
    assert status == (0 if fitted.summary().success else 1)
    assert (err == "") == fitted.summary().success
    _, out, _ = run(*argv)
    assert "std. error" in out
    assert f"{values['measurement_std']:.5g}" in out


def test_a_fit_that_does_not_converge_is_status_1(run, log_of, prior_file, monkeypatch):
    """The result is printed all the same, and the reason on stderr."""
    monkeypatch.setattr(RetainedElement, "fit", functools.partialmethod(RetainedElement.fit, maxiter=1))
    status, out, err = run(log_of()[0], "--prior", prior_file, "--fit", "--json")
    assert status == 1
    assert json.loads(out)["fit"]["success"] is False
    assert err.startswith("tundish scrap: --fit: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("std", "word"), [(3, "larger"), (40, "smaller")])
def test_a_wrong_sensor_is_noticed(run, log_of, prior_file, std, word):
    """The verdict on the errors' size."""
    _, out, _ = run(log_of()[0], "--prior", prior_file, "--measurement-std", std)
    assert f"errors are {word} than the model expects; try --fit" in out


def test_errors_that_go_on_are_noticed(run, log_of, prior_file):
    """Readings that are too high for twenty heats, then too low for twenty, are not the sensor's noise."""
    path, log = log_of()
    drift = 30 * np.sign(np.sin(np.arange(len(log)) * np.pi / 20))
    log.replace(steel_ppm=log.steel_ppm + drift).write_csv(path)
    _, out, _ = run(path, "--prior", prior_file)
    assert "not white, errors go on from heat to heat; try --fit" in out


def test_without_readings(run, log_of, prior_file, tmp_path, blank_pictures):
    """There is nothing to judge, and no NaN; without a prior it is bad input."""
    path, log = log_of()
    log.replace(steel_ppm=np.full(len(log), np.nan)).write_csv(path)
    words = [path, "--prior", prior_file, "--out", tmp_path / "out"]
    found = json_of(run(*words, "--json"))
    assert (found["missing"], found["diagnostics"], found["loglik"]) == (120, None, 0.0)
    assert not (tmp_path / "out" / "innovations.png").exists()
    _, out, _ = run(*words)
    assert "too few readings" in out
    assert "nan" not in out
    status, out, err = run(path)
    assert (status, out) == (2, "")
    assert err == f"tundish scrap: {path}: steel_ppm: all readings are missing; give --prior\n"


def test_slag_that_is_not_there_is_told(run, log_of, prior_file):
    path, log = log_of("Cr")
    log.replace(slag_t=0.0).write_csv(path)
    words = [path, "--element", "Cr", "--prior", prior_file]
    assert "is slag_t 0 by mistake?" in run(*words)[1]
    assert "is slag_t 0 by mistake?" not in run(*words, "--model", "retained")[1]


# ---- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_bundled_heats_follow_from_their_truth(element):
    """The mass balance gives the true steel, to rounding; readings scatter about it as the sensor does."""
    log, truth = HeatLog.read_csv(heats_of(element)), bundled_truth(element)
    assert truth.composition.shape == log.scrap.shape
    mass = (log.scrap * truth.composition).sum(axis=1) + log.hot_metal_t * log.hot_metal_ppm
    if element == "Cr":
        coefficient = truth.partition[:, 0] + truth.partition[:, 1] * log.feo_pct
        mass /= 1 + coefficient * log.slag_t / log.steel_t
    assert mass / log.steel_t == pytest.approx(truth.steel_ppm, rel=5e-3)
    off = (log.steel_ppm - truth.steel_ppm)[~log.missing]
    assert np.std(off) == pytest.approx({"Cu": 10, "Cr": 5}[element], rel=0.1)
    assert 0 < log.missing.sum() < 10
    assert heats_of(element).stat().st_size + truth_of(element).stat().st_size < 120_000


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
    monkeypatch.setattr(cli, "write_picture", lambda plot, path: plot())
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


# ---- what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        (["none.csv"], "none.csv: No such file"),
        (["--prior", "none.csv"], "none.csv: No such file"),
        (["--element", "Sn"], "--element"),
        (["--model", "magic"], "--model"),
        (["--decay", "0"], "--decay = 0.0: must be above 0"),
        (["--decay", "nan"], "--decay = nan"),
        (["--decay", "slow"], "--decay"),
        (["--measurement-std", "-1"], "--measurement-std = -1.0: must be finite and above 0"),
        (["--robust", "0"], "--robust = 0.0"),
        (["--partition", "9", "0"], "--partition: is for --model partitioned alone"),
        (["--element", "Cr", "--partition", "nan", "0"], "--partition = (nan, 0.0)"),
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
        ("type,mean_ppm\nplate,1\nplate,2\n", "line 3, type = plate: is given already"),
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
