"""The public survey and report: what the command `tundish segregate` does, from Python."""

from __future__ import annotations

import functools
import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("PIL")
pytest.importorskip("sklearn")

from references.section import SCALE, SIDE

from tundish._common.refusals import ArgumentError
from tundish.segregation import CarbonRegressor, PatchSet, Survey, _survey, report, synthetic

SMALL: dict[str, Any] = {"blocks": 2, "epochs": 1, "ensemble": 1}
Billet = tuple[PatchSet, synthetic.Section]


@pytest.fixture(scope="module")
def billet() -> Billet:
    return synthetic.billet(20, diameter=0.1, image_size=SIDE, rng=1, mm_per_px=SCALE, section=True)


@pytest.fixture(autouse=True)
def few_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_survey, "baselines", functools.partial(_survey.baselines, models=["radius"]))
    monkeypatch.setattr(CarbonRegressor, "compile", lambda self, **_: self)


def test_a_report_has_facts_lines_and_files(billet: Billet, tmp_path: Path) -> None:
    found = report(billet[0], photograph=billet[1].photograph, mm_per_px=SCALE, stride_mm=10, seed=3, **SMALL)
    assert found.facts["source"] == "given"
    assert [row["model"] for row in found.facts["table"]] == ["network", "radius"]
    assert found.facts["map"]["cells"] > 20
    assert json.loads(found.json()) == found.facts
    assert any(line.startswith("map  ") for line in found.lines)
    assert str(found) == "\n".join(found.lines)
    for name in ("segregation.json", "predictions.csv", "model"):
        found.files[name](tmp_path / name)
    written = json.loads((tmp_path / "segregation.json").read_text("utf-8"))
    assert written == dict(found.facts) | {"files": []}
    train, test = billet[0].split(0.2, rng=3)
    loaded = CarbonRegressor.load(tmp_path / "model")
    assert found.facts["table"][0]["mae"] == pytest.approx(loaded.score(test)["mae"])
    assert len((tmp_path / "predictions.csv").read_text("utf-8").splitlines()) == 1 + len(train) + len(test)


def test_a_fitted_model_is_taken_as_it_is(billet: Billet) -> None:
    train, test = billet[0].split(0.2, rng=0)
    model = CarbonRegressor(blocks=2, dense=(8,), image_size=SIDE, epochs=1).fit(train)
    survey = Survey(billet[0], model=model, other=test.with_images(255 - test.images // 3))
    assert survey.model is model
    found = survey.run()
    assert found.facts["train"]["points"] == len(train)
    assert found.facts["other"]["points"] == len(test)
    assert "model" not in found.files
    mapped = report(photograph=billet[1].photograph, mm_per_px=SCALE, model=model, stride_mm=10)
    assert mapped.facts["table"] == []
    assert mapped.facts["map"]["cells"] > 20


def test_stages_are_entered_in_order(billet: Billet) -> None:
    entered: list[str] = []

    @contextmanager
    def stage(work: str) -> Any:
        entered.append(work)
        yield

    section = {"photograph": billet[1].photograph, "mm_per_px": SCALE, "stride_mm": 20}
    report(billet[0], **section, **SMALL, stage=stage)
    assert entered == ["fitting the models without a network", "training", "mapping the section"]


@pytest.mark.parametrize(
    ("changes", "argument", "value"),
    [
        ({"photograph": np.zeros((32, 32), np.uint8)}, "photograph", None),
        ({"mm_per_px": 0.2}, "mm_per_px", 0.2),
        ({"stride_mm": -1.0}, "stride_mm", -1.0),
        ({"estimator": "forest"}, "estimator", "forest"),
        ({"test": 1.5}, "test", 1.5),
        ({"size": 99}, "size", 99),
        ({"blocks": 9}, "blocks", 9),
        ({"model": CarbonRegressor(blocks=2, image_size=SIDE)}, "model", None),
    ],
)
def test_refusals_name_the_argument(
    billet: Billet, changes: dict[str, Any], argument: str, value: object
) -> None:
    with pytest.raises(ArgumentError) as raised:
        Survey(billet[0], **changes)
    assert raised.value.argument == argument
    assert value is None or raised.value.value == value
    assert raised.value.file is None
    assert str(raised.value).startswith(argument)


def test_refusals_of_files_name_the_file(billet: Billet, tmp_path: Path) -> None:
    billet[0].write_folder(tmp_path / "patches")
    wide = PatchSet(billet[0].images, billet[0].carbon, mm_per_px=0.3)
    wide.write_folder(tmp_path / "wide")
    with pytest.raises(ArgumentError, match=r"are of 16 px and 4\.8 mm") as raised:
        Survey(tmp_path / "patches", other=tmp_path / "wide", **SMALL)
    assert (raised.value.argument, raised.value.file) == ("other", str(tmp_path / "wide"))
    with pytest.raises(ArgumentError, match="no model was saved here") as raised:
        Survey(tmp_path / "patches", model=tmp_path / "none")
    assert (raised.value.argument, raised.value.file) == ("", str(tmp_path / "none" / "card.json"))
    labels = tmp_path / "patches" / "labels.csv"
    labels.write_text(labels.read_text("utf-8").replace("0.4", "9.4", 1), "utf-8")
    with pytest.raises(ArgumentError) as raised:
        Survey(tmp_path / "patches")
    refusal = raised.value
    assert (refusal.argument, refusal.file, refusal.line) == ("carbon_wt", str(labels), 2)
    assert refusal.allowed == "must be above 0 and at most 2.14 wt%"


def test_a_photograph_without_patches_needs_a_model(billet: Billet) -> None:
    with pytest.raises(ArgumentError, match="needs patches to train on, or a model"):
        Survey(photograph=billet[1].photograph, mm_per_px=SCALE)
    with pytest.raises(ArgumentError, match="the model has had its own"):
        Survey(billet[0], model="folder", epochs=3)
