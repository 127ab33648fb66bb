"""`tundish reproduce scrap2025`: the runs, the record that goes on, the tables, and the command."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tundish.cli.main import main
from tundish.reproduce.scrap2025 import Record, Run, report
from tundish.reproduce.scrap2025 import study as paper
from tundish.scrap import published_model, sensitivity, simulate

TABLES = {2: 8, 3: 10, 4: 5, 5: 4}  # and their lines


@pytest.fixture
def few_heats(monkeypatch: pytest.MonkeyPatch) -> int:
    """Instead of 20 000."""
    for module in (paper, report):
        monkeypatch.setattr(module, "HEATS", 300)
    return 300


def test_the_published_numbers_are_all_there() -> None:
    """Four recipes and 19 lines of noise; three lines repeat the sparse recipe's, but for Table 5's mean."""
    recipes, noise = paper.published_recipes(), paper.published_noise()
    assert tuple(recipes) == paper.RECIPES
    assert (recipes["low-rank"].rank, recipes["low-rank"].condition_number) == (20, math.inf)
    assert set(noise) == {
        (table, element, level)
        for table in (3, 4, 5)
        for element in paper.OF_ELEMENTS[table]
        for level in paper.cases(table)
    }
    for table in (3, 4, 5):
        for element in paper.OF_ELEMENTS[table]:
            bias, sd = recipes["sparse"].errors[element]
            assert noise[table, element, "0"] == (-0.01 if table == 5 else bias, sd)


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_errors_are_those_of_the_filter(few_heats: int, element: str) -> None:
    """Against the measured and the true steel, one heat ahead and after the update."""
    runs = {run.case: run for run in paper.compare_recipes(element, 3, 1)}
    assert list(runs) == list(paper.RECIPES)
    seed = np.random.SeedSequence(3, spawn_key=(1,))
    log, truth = simulate(few_heats, 45, "identity", element=element, rng=seed)
    e = published_model(element, truth.prior_mean).filter(log)
    run = runs["identity"]
    assert run.sd["measured"] == pytest.approx(np.std(e.predicted_steel - log.steel_ppm))
    assert run.bias["true"] == pytest.approx(np.mean(e.predicted_steel - truth.steel_ppm))
    # One type a heat: 70 t of it, and the hot metal.
    mass = 70 * e.composition[np.arange(few_heats), np.arange(few_heats) % 45]
    mass += log.hot_metal_t * log.hot_metal_ppm
    if e.partition is not None:
        mass /= 1 + (e.partition[:, 0] + e.partition[:, 1] * log.feo_pct) * log.slag_t / log.steel_t
    assert run.sd["updated"] == pytest.approx(np.std(mass / log.steel_t - log.steel_ppm))
    assert run.sd["trusting"] < 0.5 * run.sd["updated"] < 0.5 * run.sd["measured"]


def test_matrices_are_the_published_ones(few_heats: int) -> None:
    """Rank and condition number; the sparse one's depends on how many heats there are."""
    runs = {run.case: run for run in paper.compare_recipes("Cu", 0, 0)}
    assert {case: run.rank for case, run in runs.items()} == {
        "identity": 45, "sparse": 45, "full-rank": 45, "low-rank": 20
    }  # fmt: skip
    assert runs["full-rank"].condition_number == pytest.approx(719104, rel=1e-6)
    assert runs["low-rank"].condition_number is None
    # 300 heats: the first 30 types have seven turns, the others six.
    assert runs["identity"].condition_number == pytest.approx(math.sqrt(7 / 6))


@pytest.mark.parametrize(("table", "element"), [(3, "Cu"), (3, "Cr"), (4, "Cr"), (5, "Cr")])
def test_noise_is_that_of_the_sensitivity_study(few_heats: int, table: int, element: str) -> None:
    """Simulations are its repeats; without noise they are the sparse recipe's, and exact masses no others."""
    runs = [paper.add_noise(table, element, 4, number) for number in range(2)]
    levels = paper.LEVELS[table]
    rows = sensitivity(
        [paper.VARIABLES[table]], np.array(levels) / 100, 2, heats=few_heats, element=element, rng=4
    )
    for n, level in enumerate(levels):
        sds = [run[n].sd["measured"] for run in runs]
        assert [run[n].case for run in runs] == [str(level)] * 2
        assert np.mean(sds) == pytest.approx(rows["sd"][n], rel=1e-9)
        assert np.std(sds, ddof=1) == pytest.approx(rows["sd_spread"][n], rel=1e-6)
    sparse = paper.compare_recipes(element, 4, 0)[1]
    assert runs[0][0].sd["measured"] == pytest.approx(sparse.sd["measured"], rel=1e-9)
    assert runs[0][0].sd["exact"] == pytest.approx(sparse.sd["measured"], rel=1e-3)


def test_exact_masses_leave_the_error_of_the_composition(few_heats: int) -> None:
    """At 20 % noise most of the error is the heat's own masses'."""
    noisy = paper.add_noise(3, "Cu", 0, 0)[-1]
    assert 10 < noisy.sd["exact"] < 0.7 * noisy.sd["measured"]
    assert noisy.sd["updated"] < noisy.sd["measured"]


def made_up(table: int, element: str, case: str, number: int, seed: int = 0) -> Run:
    """A run whose standard deviations are its number and some."""
    names = ("measured", "true", "updated", "trusting") if table == 2 else ("measured", "exact", "updated")
    bias, sd = dict.fromkeys(names, -0.5), {name: 2.0 * n + number for n, name in enumerate(names)}
    matrix = (20, None) if case == "low-rank" else (45, 25.0)
    return Run(table, element, case, number, seed, paper.HEATS, bias, sd, *(matrix if table == 2 else ()))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was asked for; it takes no time and is made up."""
    asked: list[tuple[Any, ...]] = []

    def compute(table: int, element: str, seed: int, number: int) -> list[Run]:
        asked.append((table, element, seed, number))
        return [made_up(table, element, case, number, seed) for case in paper.cases(table)]

    monkeypatch.setattr(paper, "_computed", compute)
    return asked


def test_a_record_goes_on_where_it_stopped(tmp_path: Path, computed: list[tuple[Any, ...]]) -> None:
    """What is in the file is not done again; a simulation that was cut off is, as a whole."""
    file, told = tmp_path / "runs.jsonl", []
    Record(file).complete([3], 2, told.append)
    assert computed == [(3, "Cu", 0, 0), (3, "Cu", 0, 1), (3, "Cr", 0, 0), (3, "Cr", 0, 1)]
    assert len(told) == 4
    lines = file.read_text("utf-8").splitlines(keepends=True)
    assert len(lines) == 20
    file.write_text("".join(lines[:-1]) + lines[-1][:40], "utf-8")
    computed.clear()
    Record(file).complete([3], 3, told.append)
    assert computed == [(3, "Cu", 0, 2), (3, "Cr", 0, 1), (3, "Cr", 0, 2)]
    whole = Record(file)
    assert [run.number for run in whole.runs(3, "Cr", "20")] == [0, 1, 2]
    assert whole.runs(3, "Cr", "5")[1] == made_up(3, "Cr", "5", 1)
    assert (whole.has(3), whole.has(4)) == (True, False)
    assert not Record(file, seed=1).has(3)


def test_a_record_of_other_heats_does_not_count(
    tmp_path: Path, computed: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    Record(tmp_path / "runs.jsonl").complete([5], 1, lambda _: None)
    assert Record(tmp_path / "runs.jsonl").has(5)
    monkeypatch.setattr(paper, "HEATS", 100)
    assert not Record(tmp_path / "runs.jsonl").has(5)


def test_tables_put_theirs_beside_ours(tmp_path: Path, computed: list[tuple[Any, ...]]) -> None:
    """Means over the simulations with their spread; one has none."""
    record = Record(tmp_path / "runs.jsonl")
    record.complete([2, 4], 3, lambda _: None)
    text = report.table(2, record)
    assert "3 simulations." in text
    (line,) = (line for line in text.splitlines() if line.startswith("| Cu | low-rank"))
    assert line == (
        "| Cu | low-rank | 20 | 20 | ∞ | ∞ | 1.5 | -0.50 ± 0.00 | 7.73 | 1.00 ± 1.00 | 3.00 ± 1.00 "
        "| 5.00 ± 1.00 | 7.00 ± 1.00 |"
    )
    assert sum(line.startswith("| C") for line in text.splitlines()) == TABLES[2]
    single = Record(tmp_path / "single.jsonl")
    single.complete([4], 1, lambda _: None)
    text = report.table(4, single)
    assert "One simulation." in text
    assert "| Cr | 20 % | 0.07 | -0.50 | 13.06 | 0.00 | 2.00 | 4.00 |" in text


def test_the_page_has_what_there_is(tmp_path: Path, computed: list[tuple[Any, ...]]) -> None:
    record = Record(tmp_path / "runs.jsonl")
    record.complete([4], 1, lambda _: None)
    page = report.page(record)
    assert "### Table 4" in page
    assert "### Table 2" not in page
    assert "figure-3.png" in page
    record.complete(paper.TABLES, 1, lambda _: None)
    page = report.page(record)
    assert all(f"### Table {n}" in page for n in TABLES)
    assert all(f"figure-{n}.png" in page for n in (1, 2, 3, 4))
    assert "cannot be what the table says" in page


def test_figures_have_their_panels(tmp_path: Path, computed: list[tuple[Any, ...]], few_heats: int) -> None:
    """Recipes or levels by elements; or the type beside c1."""
    pytest.importorskip("matplotlib")
    record = Record(tmp_path / "runs.jsonl")
    assert list(report.figures(record)) == []
    record.complete(paper.TABLES, 1, lambda _: None)
    titles = {}
    for number, draw in report.figures(record):
        titles[number] = [axes.get_title(loc="left") for axes in draw().axes if axes.get_title(loc="left")]
    assert titles[1][:3] == ["type 45: Cu, identity", "type 45: Cr, identity", "type 45: Cu, low-rank"]
    assert titles[2] == [f"type 45: {e}, {level} % noise" for level in (1, 10) for e in ("Cu", "Cr")]
    assert titles[3][2:] == ["type 45: Cr, 10 % noise", "c1: 10 % noise"]
    assert titles[4] == ["type 45: Cr, 10 % noise", "c1: 10 % noise"]


def test_the_command_makes_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], few_heats: int
) -> None:
    """In earnest, of few heats; then again from the record."""
    command = [
        "reproduce",
        "scrap2025",
        "--table",
        "5",
        "--seeds",
        "2",
        "--seed",
        "7",
        "--out",
        str(tmp_path),
    ]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "Table 5" in out
    assert "Table 4" not in out
    assert err.count("Table 5, Cr: simulation") == 2
    runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text("utf-8").splitlines()]
    assert [(run["number"], run["case"]) for run in runs] == [
        (number, level) for number in (0, 1) for level in ("0", "5", "10", "20")
    ]
    assert {run["seed"] for run in runs} == {7}
    assert "Table 5" in (tmp_path / "README.md").read_text("utf-8")
    assert main(command) == 0
    again, err = capsys.readouterr()
    assert (again, err) == (out, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scrap2025", "--table", "1"], "--table 1: must be 2 to 5"),
        (["scrap2025", "--table", "6"], "--table 6: must be 2 to 5"),
        (["scrap2025", "--seeds", "0"], "--seeds 0: must be at least 1"),
        (["scrap2025", "--seed", "-1"], "--seed -1: must not be negative"),
        (["scrap2025", "--runs", "3"], "--runs: is for energies2020 alone"),
        (["scrap2025", "--method", "bee-colony"], "--method: is for energies2020 alone"),
        (["energies2020", "--seeds", "3"], "--seeds: is for scrap2025 alone"),
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
        assert main(["reproduce", "scrap2025", "--out", str(tmp_path)]) == 2
        assert "not a record of runs" in capsys.readouterr().err
