"""`tundish scrap`: the estimate that it prints, its options, and its exit status."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest
from references.scrap_command import json_of

from tundish.scrap import (
    HeatLog,
    PartitionedElement,
    RetainedElement,
    bundled_heats,
    prior_from,
    published_model,
)

pytest.importorskip("scipy")

TYPES = ("plate", "hms", "shredded")
PRIOR = np.array([300.0, 1500.0, 4000.0])


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_it_runs_without_a_file(run, element):
    """A row for every type, the prior's source, the prediction's error and verdicts in words."""
    status, out, err = run("--element", element)
    assert (status, err) == (0, "")
    log = HeatLog.read_csv(bundled_heats(element))
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
