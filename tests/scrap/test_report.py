"""The report of an estimate: its facts, its lines and its files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from references.heats import gappy

pytest.importorskip("scipy")

from tundish._common.refusals import ArgumentTypeError
from tundish.cli.main import main
from tundish.scrap import (
    Estimate,
    HeatLog,
    bundled_heats,
    bundled_truth,
    estimate_prior,
    published_model,
    report,
)


@pytest.fixture(scope="module", params=["Cu", "Cr"])
def estimate(request: pytest.FixtureRequest) -> Estimate:
    log, model = gappy(request.param)
    return model.filter(log)


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_it_is_what_the_command_prints(element: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = HeatLog.read_csv(bundled_heats(element))
    prior = estimate_prior(log, partition=(9.7, 0.01) if element == "Cr" else None)
    found = report(
        published_model(element, prior.mean).filter(log),
        element=element,
        name="bundled",
        prior_source=prior.source,
        truth=bundled_truth(element),
    )
    assert main(["scrap", "--element", element, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts.pop("seconds") >= 0
    assert facts.pop("files") == []
    assert json.loads(found.json()) == facts
    assert main(["scrap", "--element", element]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.pop().startswith("time             ")
    assert list(found.lines) == lines


def test_facts_are_those_of_the_estimate(estimate: Estimate) -> None:
    facts = report(estimate).facts
    log, model = estimate.log, estimate.model
    assert (facts["heats"], facts["missing"]) == (len(log), log.missing.sum())
    assert list(facts["prior"]["mean_ppm"].values()) == model.prior_mean.tolist()
    for n, name in enumerate(log.types):
        expected = {"mean": estimate.composition[-1, n], "std": estimate.composition_std[-1, n]}
        assert facts["composition_ppm"][name] == expected
    assert (facts["partition"] is None) == (estimate.partition is None)
    diagnostics = estimate.diagnostics()
    assert facts["diagnostics"]["nis"] == diagnostics.nis
    assert facts["diagnostics"]["sd"] ** 2 == pytest.approx(diagnostics.rms**2 - diagnostics.bias**2)
    assert facts["fit"] is None
    assert "seconds" not in facts


def test_a_smoothed_estimate_is_called_so() -> None:
    log, model = gappy("Cu")
    assert report(model.filter(log)).facts["smoothed"] is False
    smoothed = model.smooth(log)
    assert smoothed.smoothed
    assert report(smoothed).facts["smoothed"] is True


def test_a_fitted_model_reports_its_fit() -> None:
    log, model = gappy("Cu")
    fitted = model.fit(log, ["measurement_std"])
    found = report(fitted.filter(log), seconds=1.25)
    summary = fitted.summary()
    assert found.facts["fit"]["loglik"] == summary.loglik
    assert found.facts["fit"]["parameters"]["measurement_std"]["value"] == summary.values["measurement_std"]
    assert found.facts["seconds"] == 1.25
    text = str(found)
    assert "std. error" in text
    assert text.endswith("time             1.25 s")


def test_names_are_the_callers(estimate: Estimate) -> None:
    found = report(estimate, element="Sn", name="plant 7", prior_source="the laboratory")
    assert (found.facts["log"], found.facts["element"]) == ("plant 7", "Sn")
    assert found.facts["prior"]["source"] == "the laboratory"
    assert found.lines[0].startswith("plant 7: 120 heats, ")
    assert found.lines[1] == "Sn in the scrap after heat 120"
    assert "prior            means from the laboratory" in found.lines


def test_files_are_written_by_name(estimate: Estimate, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = report(estimate)
    names = ["scrap.json", "heats.csv", "composition.png", "innovations.png"]
    if estimate.partition is not None:
        names.insert(3, "partition.png")
    assert list(found.files) == names
    assert found.write(tmp_path / "out") == [tmp_path / "out" / name for name in names]
    assert json.loads((tmp_path / "out" / "scrap.json").read_text("utf-8")) == json.loads(found.json())
    assert all((tmp_path / "out" / name).stat().st_size for name in names)


def test_without_readings_there_are_no_statistics() -> None:
    log, model = gappy("Cu")
    found = report(model.filter(log.replace(steel_ppm=np.full(len(log), np.nan))))
    assert found.facts["diagnostics"] is None
    assert "innovations.png" not in found.files
    assert "prediction       too few readings to judge it" in found.lines


def test_a_model_that_nobody_filtered_with_has_no_fit(estimate: Estimate) -> None:
    bare = dataclasses.replace(estimate, smoothed=True)
    assert report(bare).facts["fit"] is None


@pytest.mark.parametrize("wrong", [None, "heats.csv", 3])
def test_anything_but_an_estimate_is_refused(wrong: Any) -> None:
    with pytest.raises(ArgumentTypeError) as refused:
        report(wrong)
    assert (refused.value.argument, refused.value.value) == ("estimate", wrong)
