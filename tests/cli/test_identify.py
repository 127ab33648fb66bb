"""`tundish identify`: what it prints and writes, and its exit status."""

import csv
import json
import sys

import numpy as np
import pytest

from tundish.casting import (
    PUBLISHED_CASE,
    PUBLISHED_READINGS,
    Measurements,
    identify,
    published_strand,
    read_case,
    solve,
)
from tundish.casting.identification import _colonies, _readings, _search
from tundish.cli.identify import _stages
from tundish.cli.main import main

pytest.importorskip("scipy")

COOLING = [name for name in published_strand().parameters() if name.startswith(("mold", "zones"))]
EXAMPLE = PUBLISHED_CASE.read_text("utf-8")
COARSE = "[grid]\nnx = 16\ndz_mold = 0.01\ndz_spray = 0.1\n"


@pytest.fixture
def run(capsys):
    """Runs a command line and returns (exit status, stdout, stderr)."""

    def ran(*argv):
        status = main(["identify", *(str(word) for word in argv)])
        out, err = capsys.readouterr()
        return status, out, err

    return ran


@pytest.fixture
def case(tmp_path):
    """The bundled case on a coarse grid, with another coefficient in its first zone."""
    path = tmp_path / "case.toml"
    path.write_text(EXAMPLE.replace("htc = [1000.0, 900.0]", "htc = [800.0, 700.0]") + COARSE, "utf-8")
    return path


@pytest.fixture
def readings(tmp_path, case):
    """Exact readings of the published strand on the case's grid."""
    bundled = read_case()
    solution = solve(bundled.strand, read_case(case).grid, probes=bundled.probes)
    path = tmp_path / "readings.csv"
    Measurements.from_solution(solution, every=0.1).write_csv(path)
    return path


def test_it_runs_without_arguments(run):
    """A table of the eight parameters with their units, remarks, cost, evaluations and time."""
    status, out, err = run()
    assert (status, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert set(COOLING) <= set(rows)
    assert "MW/m²" in rows["mold.heat_flux.x"]
    assert "W/(m² K)" in rows["zones.2.htc.y"]
    for word in ("95 % interval", "condition number", "converged", "K²", "solves", "time"):
        assert word in out
    units = {line.rindex("  ") for name, line in rows.items() if name in ("parameter", *COOLING)}
    assert len(units) == 1  # columns are aligned


def test_bundled_readings_lead_back_to_the_bundled_case(run):
    """From 35 % off, the truth lies within four standard errors, and the errors are a few per cent."""
    result = json.loads(run("--json")[1], parse_constant=pytest.fail)
    truth = published_strand().parameters()
    assert list(result["parameters"]) == COOLING
    for name, found in result["parameters"].items():
        assert found["start"] == pytest.approx(0.65 * truth[name])
        assert abs(found["value"] - truth[name]) < 4 * found["standard_error"]
        assert found["standard_error"] < 0.03 * truth[name]
        low, high = found["interval"]
        assert low < found["value"] < high


def test_bundled_readings_are_small_and_noisy():
    """Three sensors every 0.05 m; 1 % uniform noise."""
    m = Measurements.read_csv(PUBLISHED_READINGS)
    s = solve(published_strand(), probes=read_case().probes)
    assert np.array_equal(m.sensors, sorted(read_case().probes))
    exact = np.empty(len(m))
    for place, line in zip(s.probes, s.probe_temperature, strict=True):
        mine = (m.x == place[0]) & (m.y == place[1])
        exact[mine] = np.interp(m.z[mine], s.z, line)
    off = m.temperature / exact - 1
    assert np.abs(off).max() < 0.0125
    assert np.std(off) == pytest.approx(0.01 / np.sqrt(3), rel=0.1)
    assert PUBLISHED_READINGS.stat().st_size < 30_000


def test_json_is_what_identify_returns(run, case, readings):
    """One object in SI units, with the start from the case."""
    status, out, err = run(readings, "--case", case, "--json", "--stages", "zones.0.htc.x,zones.0.htc.y")
    assert (status, err) == (0, "")
    result = json.loads(out, parse_constant=pytest.fail)
    c = read_case(case)
    names = ["zones.0.htc.x", "zones.0.htc.y"]
    found = identify(c.strand, Measurements.read_csv(readings), names, grid=c.grid, progress=False)
    assert {name: p["value"] for name, p in result["parameters"].items()} == found.parameters
    assert [p["start"] for p in result["parameters"].values()] == [800.0, 700.0]
    assert result["cost"] == found.cost
    assert result["evaluations"] == found.evaluations
    assert result["success"] is True
    assert found.parameters == pytest.approx({names[0]: 1000.0, names[1]: 900.0}, rel=1e-3)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("one", None), ("two", [2, 6]), ("four", [2, 2, 2, 2]), ("speed, zones.0.htc.x; zones.1.htc.y", [2, 1])],
)
def test_stages(text, sizes):
    """The published lists by their names, or one's own."""
    unknowns, groups = _stages(text, published_strand())
    assert sizes == (groups and [len(group) for group in groups])
    assert len(unknowns) == (8 if sizes is None else sum(sizes))


def test_stages_are_searched(run, case, readings):
    """Four steps end near the truth, too."""
    result = json.loads(run(readings, "--case", case, "--stages", "four", "--json")[1])
    truth = published_strand().parameters()
    assert result["parameters"]["zones.0.htc.x"]["value"] == pytest.approx(truth["zones.0.htc.x"], rel=0.02)


def test_what_no_reading_depends_on(run, case, tmp_path):
    """Parameters below the last reading have no error: null in JSON, a dash in the table, and a remark."""
    path = tmp_path / "short.csv"
    z = np.linspace(0.6, 1.1, 20)
    Measurements(z, np.full(20, 0.074), np.full(20, 0.062), 1600 - 100 * z).write_csv(path)
    argv = [path, "--case", case, "--stages", "zones.0.htc.x,zones.2.htc.x"]
    result = json.loads(run(*argv, "--json")[1], parse_constant=pytest.fail)
    assert result["parameters"]["zones.2.htc.x"]["standard_error"] is None
    assert result["identifiability"]["unseen"] == ["zones.2.htc.x"]
    assert result["identifiability"]["condition_number"] is None
    _, out, _ = run(*argv)
    assert "zones.2.htc.x: no reading depends on it" in out
    assert "nan" not in out


def test_bees(run, monkeypatch, case, readings):
    """Bees search from half to twice the start, or as --within says, by --seed, in --runs runs."""
    monkeypatch.setattr(_colonies.Colonies, "run", short_colonies(_colonies.Colonies.run))
    argv = [readings, "--case", case, "--method", "bee-colony", "--stages", "zones.0.htc.x", "--json"]
    first, again, other = (json.loads(run(*argv, "--runs", 2, "--seed", n)[1]) for n in (1, 1, 2))
    assert len(first["runs"]) == 2
    assert first["parameters"] == again["parameters"] != other["parameters"]
    assert 400 <= first["parameters"]["zones.0.htc.x"]["value"] <= 1600
    narrow = json.loads(run(*argv, "--runs", 1, "--within", 1.1)[1])
    assert narrow["parameters"]["zones.0.htc.x"]["value"] <= 880.1


def short_colonies(whole):
    """Two cycles are enough for a test."""

    def run(self, *arguments):
        self.maxiter = 2
        return whole(self, *arguments)

    return run


def test_out_writes_data_and_a_picture(run, case, readings, tmp_path):
    """--out leaves JSON, CSV and PNG in the folder, and says so."""
    pytest.importorskip("matplotlib")
    folder = tmp_path / "a" / "b"
    argv = [readings, "--case", case, "--stages", "zones.0.htc.x", "--out", folder]
    status, out, err = run(*argv)
    assert (status, err) == (0, "")
    names = ["identification.json", "identification.png", "parameters.csv", "readings.csv"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all(str(folder / name) in out for name in names)
    assert (folder / "identification.png").read_bytes()[:4] == b"\x89PNG"
    result = json.loads((folder / "identification.json").read_text("utf-8"))
    with (folder / "parameters.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    found = result["parameters"]["zones.0.htc.x"]
    assert float(row["value_SI"]) == found["value"]
    assert [float(row["low_SI"]), float(row["high_SI"])] == found["interval"]
    table = np.loadtxt(folder / "readings.csv", delimiter=",", skiprows=1)
    assert table[:, 5] == pytest.approx(table[:, 3] - table[:, 4], abs=1e-6)
    assert len(table) == result["readings"]


def test_missing_readings_are_left_out_when_asked(run, case, readings):
    """An empty temperature is refused, with the option that allows it."""
    lines = readings.read_text("utf-8").splitlines()
    lines[3] = lines[3].rsplit(",", 1)[0] + ","
    readings.write_text("\n".join(lines), "utf-8")
    argv = [readings, "--case", case, "--stages", "zones.0.htc.x", "--json"]
    status, _, err = run(*argv)
    assert status == 2
    assert "line 4, temperature_K" in err
    assert "--missing" in err
    assert json.loads(run(*argv, "--missing")[1])["readings"] == len(lines) - 2


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        (["none.csv"], "none.csv: No such file"),
        (["--case", "none.toml"], "none.toml: No such file"),
        (["--stages", "mold.heat"], "--stages: 'mold.heat' is unknown"),
        (["--stages", "speed,speed;mold.heat_flux.x"], "--stages: 'speed' is given twice"),
        (["--stages", ""], "--stages: '' is unknown"),
        (["--runs", "0"], "--runs = 0"),
        (["--runs", "few"], "--runs"),
        (["--seed", "-1"], "--seed -1"),
        (["--within", "1"], "--within 1: must be finite and above 1"),
        (["--within", "nan"], "--within nan"),
        (["--within", "3", "--stages", "steel.partition"], "--within['steel.partition'] = 2.52: must be"),
        (["--method", "magic"], "--method"),
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
        ("z,T\n1,2\n", "column 'z' is unknown"),
        ("z_m,x_m,y_m,temperature_K\n1,0,0,warm\n", "line 2, temperature_K = 'warm'"),
        ("z_m,x_m,y_m,temperature_K\n1,0,0,1000\n", "1 readings for 8 unknowns"),
        (
            "z_m,x_m,y_m,temperature_K\n" + "".join(f"{n},0.5,0,1000\n" for n in range(1, 10)),
            "x[0] = 0.5: must not exceed",
        ),
        (
            "z_m,x_m,y_m,temperature_K\n" + "".join(f"{n},0,0,1000\n" for n in range(10, 20)),
            "the strand's length",
        ),
    ],
)
def test_bad_readings_are_one_line_and_status_2(run, tmp_path, text, names):
    """The line names the file."""
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    status, out, err = run(path, "--json")
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"tundish identify: {path}: ")
    assert names in err


def test_a_wrong_instruction_set_is_status_2(run, monkeypatch):
    """As for every command."""

    def refuse():
        raise RuntimeError("TUNDISH_ISA=abacus: must be another")

    monkeypatch.setattr("tundish._core.instruction_set", refuse)
    assert run() == (2, "", "tundish identify: TUNDISH_ISA=abacus: must be another\n")


def test_without_scipy_it_names_the_command_that_installs_it(run, monkeypatch):
    """A missing package is a failure in one line."""
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    status, out, err = run()
    assert (status, out) == (1, "")
    assert err == "tundish identify: this needs scipy: pip install 'tundish[optimize]'\n"


def test_ctrl_c_prints_what_was_found(run, monkeypatch, case, readings):
    """The best so far with its errors, the reason on stderr, and status 130."""
    whole, calls = _readings.ReadingsModel.__call__, []

    def interrupted(self, values, others=None):
        calls.append(values)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, values, others)

    monkeypatch.setattr(_readings.ReadingsModel, "__call__", interrupted)
    status, out, err = run(readings, "--case", case, "--stages", "zones.0.htc.x,zones.0.htc.y", "--json")
    result = json.loads(out)
    assert status == 130
    assert err == "tundish identify: interrupted: the best so far\n"
    assert result["success"] is False
    assert result["parameters"]["zones.0.htc.x"]["value"] != 800.0
    assert result["parameters"]["zones.0.htc.x"]["standard_error"] > 0


def test_the_bar_shows_cost_and_parameters(capsys, monkeypatch):
    """On a terminal: solves, cost and the best parameters, wiped at the end."""
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with _search.watched(True) as watch:
        watch.add(9, 123.4, {"zones.0.htc.x": 987.6})
    err = capsys.readouterr().err
    assert "9 solves, cost 123.4" in err
    assert "zones.0.htc.x = 987.6" in err


def test_a_start_that_diverges_names_the_case(run, tmp_path, readings):
    """One line, status 2."""
    path = tmp_path / "hot.toml"
    path.write_text(EXAMPLE.replace("heat_flux = [2.0e6,", "heat_flux = [2.0e8,") + COARSE, "utf-8")
    status, out, err = run(readings, "--case", path)
    assert (status, out) == (2, "")
    assert err.startswith(f"tundish identify: {path}: strand: the march from the start of the fit diverges")
    assert len(err.splitlines()) == 1
