"""`tundish reproduce segregation2025`: the runs, the record that goes on, the tables, and the command."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from tundish.cli.main import main
from tundish.cli.options.reproduce import STUDIES as _STUDIES
from tundish.reproduce.segregation2025 import Record, Task, report
from tundish.reproduce.segregation2025 import study as paper
from tundish.segregation import BASELINES, configurations
from tundish.segregation.configurations import Configuration, dense_layers

TINY = Configuration(
    image_size=16,
    mm_per_px=0.4,
    published={"blocks": 3, "epochs": 1},
    pooled={"blocks": 2, "dense": [8], "head": "pooled", "epochs": 1, "learning_rate": 1e-3},
    recommended={"depths": [3], "folds": 3},
    transfer={"epochs": 1},
    update={},
    splits=2,
    sweep_splits=1,
)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Instead of the reduced one: networks of a second, and few points."""
    monkeypatch.setattr(configurations, "REDUCED", TINY)
    monkeypatch.setattr(paper, "POINTS", 16)
    paper.billet.cache_clear()
    few = functools.partial(paper.baselines, models=["radius"])
    monkeypatch.setattr(paper, "baselines", few)
    return TINY


def made_up(task: Task, split: int, seed: int, weights: Mapping[str, Path]) -> dict[str, Any]:
    """A result that takes no time: figures are the split's number and some."""
    scores = {"r2": 0.1 * split, "r2_correlation": 0.5 + 0.1 * split, "mae": 0.01, "bias": -0.001 * split}
    if task.kind == "baselines":
        rows = [{"model": name, **scores, "settings": ""} for name in BASELINES if name != "XGBoost"]
        return {"table": rows, "missing": {"XGBoost": "needs xgboost"}, "seconds": 30.0}
    result: dict[str, Any] = {"test": scores, "train": {**scores, "mae": 0.005}, "seconds": 30.0}
    if task.kind == "transfer":
        return result
    told = {**scores, "predicted": [0.41, 0.43], "lower": [0.40, 0.42], "upper": [0.42, 0.44]}
    billets = {
        name: {"before": told, "after": told, "carbon": [0.40, 0.44], "biases": [0.001, -0.009], "drift": 0.2}
        for name in paper.BILLETS
    }
    copies = 1.0 if task.protocol == "published" else 0.0
    return result | {
        "interval": {"coverage": 0.9, "width": 0.05, "method": "conformal"},
        "leak": {"r2": copies, "copies": copies, "shared": 0, "flag": bool(copies)},
        "history": [[0.03, 0.03], [0.02, 0.025]],
        "points": {"carbon": [0.4, 0.44], "predicted": [0.41, 0.43], "x_mm": [-90, 10], "y_mm": [50, 200]},
        "billets": billets if task.update is not None else None,
    }


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Task, int]]:
    """What was asked for."""
    asked: list[tuple[Task, int]] = []

    def compute(task: Task, split: int, seed: int, weights: Mapping[str, Path]) -> dict[str, Any]:
        asked.append((task, split))
        return made_up(task, split, seed, weights)

    monkeypatch.setattr(paper, "compute", compute)
    return asked


def quiet(message: str) -> None:
    """Tells nobody."""


def test_the_published_numbers_are_all_there() -> None:
    """Both supplementary tables, and what the text has of the figures."""
    numbers = paper.published()
    assert numbers["augmentation", "mirror"] == ("71.8", "0.017")
    assert numbers["models", "XGBoost"] == ("37.3", "0.0217")
    assert numbers["billets", "lower carbon"] == ("65.4", "0.005")
    assert {study for study, _ in numbers} == set(paper.STUDIES)
    assert _STUDIES == paper.STUDIES
    chosen = configurations.FULL
    for study, case in numbers:
        rows = (*paper.tasks(study, chosen), *BASELINES) if study == "models" else paper.tasks(study, chosen)
        assert case in (paper.BILLETS if study == "billets" else rows)


def test_rows_are_the_published_sweeps() -> None:
    """Of the published network, with all of its settings; what does not fit the patches is no task."""
    full = paper.tasks("blocks", configurations.FULL)
    assert [task.settings["blocks"] for task in full.values() if task] == [2, 3, 4, 5, 6, 7]
    assert full["6"] == paper.tasks("protocol", configurations.FULL)["grouped"]
    assert full["6"] == paper.tasks("augmentation", configurations.FULL)["both"]
    assert full["6"] == paper.tasks("enhancement", configurations.FULL)["CLAHE"]
    assert full["6"] is not None
    assert (full["6"].settings["epochs"], full["6"].settings["learning_rate"]) == (500, 1e-4)
    dense = paper.tasks("dense", configurations.FULL)
    assert [task.settings["dense"] for task in dense.values() if task][3:] == [
        [256, 128, 64, 32], [256, 128, 64, 32, 16], [256, 128, 64, 32, 16, 8]
    ]  # fmt: skip
    assert dense_layers(1) == (256,)
    reduced = paper.tasks("blocks", configurations.REDUCED)
    assert reduced["7"] is None
    assert reduced["6"] is not None


def test_splits_are_by_point_but_for_the_published(tiny: Configuration) -> None:
    """The same points in all tasks of a split; the published one has copies on both sides."""
    grouped = paper.tasks("protocol", tiny)["grouped"]
    best = paper.tasks("billets", tiny)[paper.RECOMMENDED]
    published = paper.tasks("protocol", tiny)["published"]
    assert grouped is not None
    assert best is not None
    assert published is not None
    train, test = paper.parted(grouped, 1, 0)
    assert set(train.point.tolist()).isdisjoint(test.point.tolist())
    assert paper.parted(best, 1, 0)[1].point.tolist() == test.point.tolist()
    assert paper.parted(grouped, 0, 0)[1].point.tolist() != test.point.tolist()
    train, test = paper.parted(published, 1, 0)
    assert len(train) + len(test) == 8 * 16
    assert test.leak is not None
    assert test.leak.flag


def test_a_network_is_judged_on_further_billets(tiny: Configuration) -> None:
    """In earnest: before and after, on the points without the five that were labelled."""
    task = paper.tasks("billets", tiny)[paper.RECOMMENDED]
    assert task is not None
    result = paper.compute(task, 0, 0, {})
    assert set(result["billets"]) == {"stirring", "lower carbon"}
    for name, (points, _) in paper.BILLETS.items():
        found = result["billets"][name]
        assert len(found["carbon"]) == points - paper.LABELLED == len(found["before"]["predicted"])
        assert found["before"]["predicted"] != found["after"]["predicted"]
        error = sum(p - c for p, c in zip(found["after"]["predicted"], found["carbon"], strict=True))
        assert found["after"]["bias"] == pytest.approx(error / len(found["carbon"]))
    assert 0 <= result["interval"]["coverage"] <= 1
    assert not result["leak"]["flag"]


def test_transfer_runs_where_it_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With its library, and a file of weights for those that have none."""
    tasks = paper.tasks("transfer", TINY)
    monkeypatch.setattr(paper, "missing_transfer", lambda: {"vgg16": "needs torchvision"})
    reasons = {name: paper.missing(task, {"vgg16": tmp_path}) for name, task in tasks.items() if task}
    assert reasons["vgg16"] == "needs torchvision"
    assert reasons["vgg19"] == "needs --weights vgg19=FILE"
    assert reasons["efficientnet-lite0"] is None


def test_a_record_goes_on_where_it_stopped(tmp_path: Path, computed: list[tuple[Task, int]]) -> None:
    """What is in the file is not done again, nor for another row; half a line is."""
    file, told = tmp_path / "runs.jsonl", []
    Record(file).complete(["protocol", "augmentation"], TINY, 2, told.append)
    assert len(computed) == 2 * 5  # "both" is the grouped protocol
    assert told[:2] == ["10 runs are missing", "protocol, published: split 1 of 2: 1 of 10 done, 30 s"]
    assert len(told) == 1 + 10
    lines = file.read_text("utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:40], "utf-8")
    computed.clear()
    Record(file).complete(["augmentation"], TINY, 3, quiet)
    tasks = paper.tasks("augmentation", TINY)
    assert computed == [
        (tasks["none"], 2), (tasks["rotation"], 2), (tasks["mirror"], 1), (tasks["mirror"], 2),
        (tasks["both"], 2),
    ]  # fmt: skip
    record = Record(file)
    assert [run.split for run in record.runs(tasks["mirror"])] == [0, 1, 2]
    assert (record.has("augmentation", TINY), record.has("dense", TINY)) == (True, False)
    assert not Record(file, seed=1).has("augmentation", TINY)


def test_workers_compute_the_same(tmp_path: Path) -> None:
    """In processes of their own, which takes seconds to start; every run has one thread, as tests have."""
    record = Record(tmp_path / "runs.jsonl", seed=3)
    record.complete(["enhancement"], TINY, 1, quiet, workers=2)
    for task in paper.tasks("enhancement", TINY).values():
        (run,) = record.runs(task)
        direct = paper.compute(run.task, 0, 3, {})
        assert run.result["points"] == direct["points"]
        assert run.result["history"] == [list(errors) for errors in direct["history"]]


def test_runs_of_other_settings_do_not_count(tmp_path: Path, computed: list[tuple[Task, int]]) -> None:
    Record(tmp_path / "runs.jsonl").complete(["protocol"], TINY, 1, quiet)
    record = Record(tmp_path / "runs.jsonl")
    assert record.has("protocol", TINY)
    assert not record.has("protocol", TINY._replace(mm_per_px=0.3))
    assert not record.has("protocol", TINY._replace(published={"blocks": 3, "epochs": 2}))


def test_numbers_that_are_none_are_kept_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A constant prediction has no correlation: a dash, at once and from the file."""

    def constant(task: Task, split: int, seed: int, weights: Mapping[str, Path]) -> dict[str, Any]:
        result = made_up(task, split, seed, weights)
        result["test"]["r2_correlation"] = float("nan")
        return result

    monkeypatch.setattr(paper, "compute", constant)
    record = Record(tmp_path / "runs.jsonl")
    record.complete(["enhancement"], TINY, 1, quiet)
    assert report.table("enhancement", record, TINY) == report.table(
        "enhancement", Record(tmp_path / "runs.jsonl"), TINY
    )
    assert "| CLAHE | 81.3 | - | about 0.012 | 0.0100 |" in report.table("enhancement", record, TINY)


def test_tables_put_theirs_beside_ours(tmp_path: Path, computed: list[tuple[Task, int]]) -> None:
    """Means over the splits that all rows of a table have, with their spread."""
    record = Record(tmp_path / "runs.jsonl")
    record.complete(["protocol"], TINY, 2, quiet)
    record.complete(paper.STUDIES, TINY, None, quiet)
    protocol = report.table("protocol", record, TINY)
    assert "2 splits." in protocol
    assert (
        "| published | 78.4 ± 2.8 | 55.0 ± 7.1 | 0.013 ± 0.001 | 0.0100 ± 0.0000 | 0.05 ± 0.07 "
        "| -0.0005 ± 0.0007 | 1.00 ± 0.00 | 100 % | 2 of 2 |" in protocol
    )
    blocks = report.table("blocks", record, TINY)
    assert "One split." in blocks
    assert "| 3 | - | 50.0 | - | 0.0100 | 0.00 |" in blocks
    assert "| 6 | 81.3 | needs 64 px | 0.012 |" in blocks
    models = report.table("models", record, TINY)
    assert "XGBoost is left out: needs xgboost." in models
    assert models.count("| 90 % |") == 3
    assert "Mean R2 on handcrafted features, at best (linear SVR): 0.050. Of" in models
    assert f"{paper.RECOMMENDED} 0.050, 1.00 times as much; pooled network 0.050, 1.00 times" in models
    billets = report.table("billets", record, TINY)
    assert "| lower carbon, before | 65.4 |" in billets
    assert "| 0.010 | at most 0.200 |" in billets
    assert "lower carbon: mean size of the bias 0.0050 wt%, at most 0.005 in 50 %." in billets
    assert "| vgg19 | below 66.9 | needs " in report.table("transfer", record, TINY)


def test_the_page_says_that_the_data_are_synthetic(
    tmp_path: Path, computed: list[tuple[Task, int]], tiny: Configuration
) -> None:
    record = Record(tmp_path / "runs.jsonl")
    record.complete(["dense"], TINY, 1, quiet)
    page = report.page(record, TINY)
    assert "**The data are synthetic.**" in page
    assert "patches of 16 px at 0.4 mm a pixel (6.4 mm). Reduced for two processor cores" in page
    assert "All runs together took 3.0 minutes, counting each" in page
    assert "## Figures" not in page
    record.complete(paper.STUDIES, TINY, 1, quiet)
    page = report.page(record, TINY)
    assert all(f"### {title}" in page for title in report._TITLES.values())
    assert all(f"figure-{n}.png" in page for n in (4, 5, 6, 7, 8))


def test_figures_are_drawn(tmp_path: Path, computed: list[tuple[Task, int]], tiny: Configuration) -> None:
    pytest.importorskip("matplotlib")
    record = Record(tmp_path / "runs.jsonl")
    record.complete(paper.STUDIES, TINY, None, quiet)
    labels = {}
    for number, draw in report.figures(record, TINY):
        figure = draw()
        figure.savefig(tmp_path / f"{number}.png")
        labels[number] = {axes.get_xlabel() for axes in figure.axes}
    assert list(labels) == [4, 5, 6, 7, 8]
    assert labels[6] == {"analysed carbon, wt%"}
    assert labels[7] == {"blocks of convolutions", "dense layers"}


def test_the_command_makes_a_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny: Configuration
) -> None:
    """In earnest, of small networks; then again from the record."""
    command = ["reproduce", "segregation2025", "--study", "models", "--splits", "1", "--seed", "2"]
    command += ["--workers", "1", "--out", str(tmp_path)]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert f"| {paper.RECOMMENDED} | - |" in out
    assert err.count(": split 1 of 1") == 4
    runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text("utf-8").splitlines()]
    assert {run["seed"] for run in runs} == {2}
    assert "synthetic" in (tmp_path / "README.md").read_text("utf-8")
    assert main(command) == 0
    again, err = capsys.readouterr()
    assert (again, err) == (out, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segregation2025", "--splits", "0"], "--splits 0: must be at least 1"),
        (["segregation2025", "--table", "1"], "--table: is not for segregation2025; see --study"),
        (["segregation2025", "--seeds", "2"], "--seeds: is for scrap2025 alone"),
        (["scrap2025", "--full"], "--full: is for segregation2025 alone"),
        (["scrap2025", "--study", "dense"], "--study: is for segregation2025 alone"),
        (
            ["segregation2025", "--weights", "alexnet=x"],
            "--weights alexnet=x: must be vgg16, vgg19, inception-v3, then = and a file",
        ),
        (
            ["segregation2025", "--weights", "vgg16=none.pth"],
            "--weights vgg16=none.pth: there is no such file",
        ),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", *arguments, "--out", str(tmp_path / "new")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"tundish reproduce: {message}\n")
    assert not (tmp_path / "new").exists()


def test_a_file_that_is_no_record_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("not JSON\n", '{"experiment": "one step"}\n', "[1]\n"):
        (tmp_path / "runs.jsonl").write_text(text, "utf-8")
        assert main(["reproduce", "segregation2025", "--out", str(tmp_path)]) == 2
        assert "not a record of runs" in capsys.readouterr().err
