"""The paper's tables as Markdown, theirs beside ours, and its figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tundish._common.figures import GREY, ORANGE, SKY_BLUE, new_figure
from tundish._common.reports import Report
from tundish.casting import PUBLISHED_UNKNOWNS
from tundish.reproduce._study import markdown, report_of
from tundish.reproduce.energies2020.study import (
    COARSE,
    EXPERIMENTS,
    FOUR_STEPS,
    METHODS,
    MINUTES,
    NOISE,
    ONE_STEP,
    PARAMETER_TABLES,
    PUBLISHED_TWO_SENSORS,
    RUNS,
    TEMPERATURE_TABLES,
    TWO_SENSORS,
    TWO_STEPS,
    Experiment,
    Record,
    Run,
    TemperatureErrors,
    of_sensor,
    published_parameters,
    published_temperatures,
    readings,
    temperature_errors,
    temperatures,
    truth,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SYMBOLS = dict(
    zip(
        PUBLISHED_UNKNOWNS,
        ("q3", "q4", "α(5,1)", "α(5,2)", "α(5,3)", "α(6,1)", "α(6,2)", "α(6,3)"),  # noqa: RUF001
        strict=True,
    )
)
_COLOURS = {"paper": GREY, "bee-colony": ORANGE, "least-squares": SKY_BLUE}
# The two find nearly the same: a thin line upon a thick one shows both.
_LINES: dict[str, dict[str, Any]] = {
    "bee-colony": {"linewidth": 3.0},
    "least-squares": {"linewidth": 1.0, "color": "black"},
}
_NAMES = {"paper": "paper", "bee-colony": "bee colony", "least-squares": "least squares"}
_THERMOCOUPLES = 3


_INTRODUCTION = """# Energies 2020, 13, 2429, computed again

A. Zielonka, D. Słota and E. Hetmaniok, *Application of the Swarm Intelligence Algorithm for Reconstructing
the Cooling Conditions of Steel Ingot Continuous Casting*, [Energies 2020, 13,
2429](https://doi.org/10.3390/en13102429). Written by `tundish reproduce energies2020`; all runs are in
`runs.jsonl`.

The bee colony is the published one. Least squares start 35 % too low and take one run. Both fit the default
grid to readings that were made on a finer one. Errors of parameters are those of the best run, in percent of
the truth. The standard deviation of the colony's runs tells how well they agree, not how well they know; the
fit's standard error, beside it, tells that. Errors of temperatures are those of the best run at the three
thermocouples, 1530 readings each, against the truth without noise; percent are of degrees Celsius. The noise
is another draw than the paper's: errors of parameters compare in size only."""


def page(record: Record) -> str:
    """All that has been computed, in Markdown; the figures lie beside it."""
    done = [experiment for experiment in EXPERIMENTS if any(_best_of(record, experiment, n) for n in NOISE)]
    tables = {**PARAMETER_TABLES, **TEMPERATURE_TABLES}
    texts = [table(number, record) for number in sorted(tables) if tables[number] in done]
    texts += [two_sensors(record)] if TWO_SENSORS in done else []
    pictures = [f"![Figure {number}](figure-{number}.png)" for number, _ in figures(record)]
    parts = [_INTRODUCTION, "## Tables", *texts, effort(record, done), "## Figures", *pictures]
    return "\n\n".join(parts) + "\n"


def table(number: int, record: Record) -> str:
    """Table 1 to 8 of the paper, as far as it has been computed."""
    if number in PARAMETER_TABLES:
        return _parameters(number, record)
    return _temperatures(number, record)


def _parameters(number: int, record: Record) -> str:
    experiment = PARAMETER_TABLES[number]
    head = ["noise", "", "truth", "paper", "bee colony", "least squares"]
    head += ["paper: error, %", "bee colony", "least squares"]
    head += ["paper: std. dev., %", "bee colony", "least squares: standard error, %"]
    rows = []
    true = truth().parameters()
    for noise in NOISE:
        colonies = record.runs(experiment, noise, "bee-colony")
        bests = [record.best(experiment, noise, method) for method in METHODS]
        for name in PUBLISHED_UNKNOWNS:
            theirs, exact = published_parameters()[number, noise, name], true[name]
            values = [None if best is None else best.parameters[name] for best in bests]
            errors = [None if value is None else abs(value - exact) for value in values]
            spread = None
            if len(colonies) > 1:
                spread = statistics.stdev(run.parameters[name] for run in colonies)
            fit = bests[1]
            own = None if fit is None else fit.standard_errors[name]
            rows.append(
                [f"{noise} %" if name == PUBLISHED_UNKNOWNS[0] else "", _SYMBOLS[name], f"{exact:.6g}"]
                + [_number(value, ".6g") for value in (theirs.value, *values)]
                + [_percent(error, exact) for error in (theirs.error, *errors)]
                + [_percent(error, exact) for error in (theirs.standard_deviation, spread, own)]
            )
    title = f"Table {number}: parameters, {experiment.title}"
    return f"### {title}\n\n{_done(experiment, record)}\n\n{markdown(head, rows)}"


def _temperatures(number: int, record: Record) -> str:
    theirs = {noise: published_temperatures()[number, noise] for noise in NOISE}
    experiment = TEMPERATURE_TABLES[number]
    title = f"### Table {number}: temperatures, {experiment.title}"
    return f"{title}\n\n{_temperature_rows(theirs, experiment, record)}"


def two_sensors(record: Record) -> str:
    """What the paper says of two sensors in words, in section 5.1 and Figure 8."""
    title = f"### Two sensors: temperatures, {TWO_SENSORS.title}"
    rows = _temperature_rows(PUBLISHED_TWO_SENSORS, TWO_SENSORS, record)
    text = f"{_done(TWO_SENSORS, record)} The paper gives numbers for 5 % noise alone."
    return f"{title}\n\n{text}\n\n{rows}"


def _temperature_rows(
    published: Mapping[int, TemperatureErrors], experiment: Experiment, record: Record
) -> str:
    columns = ("Δmax, K", "Δavg, K", "δmax, %", "δavg, %")
    head = ["noise", *(f"{name} {column}" for column in columns for name in ("paper", "colony", "least sq."))]
    rows = []
    for noise in NOISE:
        found = [published.get(noise), *(_errors_of(record, experiment, noise, method) for method in METHODS)]
        cells = (
            "-" if errors is None else f"{errors[n]:.4g}" for n in range(len(columns)) for errors in found
        )
        rows.append([f"{noise} %", *cells])
    return markdown(head, rows)


def _errors_of(record: Record, experiment: Experiment, noise: int, method: str) -> TemperatureErrors | None:
    best = record.best(experiment, noise, method)
    return None if best is None else temperature_errors(best.parameters)


def _done(experiment: Experiment, record: Record) -> str:
    counts = {noise: len(record.runs(experiment, noise, "bee-colony")) for noise in NOISE}
    if not any(counts.values()):
        return "No runs of the colony yet."
    counted = ", ".join(f"{count} at {noise} %" for noise, count in counts.items())
    colony = f"{experiment.bees} bees in {experiment.cycles} cycles"
    return f"Best of {counted} runs of {colony} (the paper: of {RUNS})."


def effort(record: Record, experiments: Iterable[Experiment]) -> str:
    """Solves and times, and what the paper took."""
    head = [
        "search",
        "method",
        "runs",
        "solves a run",
        "seconds a run",
        "seconds, all",
        "paper, min",
        "ratio",
    ]
    rows = []
    for experiment in experiments:
        for method in METHODS:
            runs = [run for noise in NOISE for run in record.runs(experiment, noise, method)]
            if not runs:
                continue
            total = sum(run.seconds for run in runs)
            paper = MINUTES[experiment.steps] if experiment in (ONE_STEP, TWO_STEPS, FOUR_STEPS) else None
            ratio = "-" if paper is None else f"{paper * 60 / (total / len(runs)):.2g}"
            solves = statistics.fmean(run.evaluations for run in runs)
            row = [experiment.name, _NAMES[method], str(len(runs)), f"{solves:.0f}"]
            rows.append([*row, f"{total / len(runs):.3g}", f"{total:.0f}", _number(paper, "d"), ratio])
    caveat = (
        "Seconds a run are those of the runs made together, over their number. The ratio is the paper's time "
        "to that of one of our runs. It compares two machines and two grids as well as two programs: the "
        "paper names neither its computer nor whether its minutes are those of one run or of all ten (then "
        "the ratio is ten times smaller), and it marched 100 x 100 nodes with a relaxation, where the "
        "default grid here is graded and marched by alternating directions."
    )
    return f"### Effort\n\n{markdown(head, rows)}\n\n{caveat}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _percent(error: float | None, exact: float) -> str:
    return "-" if error is None else f"{100 * error / exact:.3f}"


def figures(record: Record) -> Iterator[tuple[int, Callable[[], Figure]]]:
    """Number of every figure that can be drawn of the record, and what draws it."""
    if _best_of(record, ONE_STEP, 5):
        yield 4, partial(_draw_corner, record)
    for number, experiment in {5: ONE_STEP, 7: COARSE, 9: TWO_STEPS, 10: FOUR_STEPS}.items():
        if _best_of(record, experiment, 5):
            yield number, partial(_draw_errors, record, experiment)
    for number, experiments in {8: (ONE_STEP, TWO_SENSORS), 11: (ONE_STEP, TWO_STEPS, FOUR_STEPS)}.items():
        bests = [_best_of(record, experiment, noise) for experiment in experiments for noise in NOISE]
        if all(len(best) == len(METHODS) for best in bests):
            yield number, partial(_draw_comparison, record, experiments)


def _line(run: Run) -> dict[str, Any]:
    return {"color": _COLOURS[run.method], **_LINES[run.method]}


def _best_of(record: Record, experiment: Experiment, noise: int) -> list[Run]:
    bests = [record.best(experiment, noise, method) for method in METHODS]
    return [best for best in bests if best is not None]


def _draw_corner(record: Record) -> Figure:
    """Figure 4: measured and reconstructed at thermocouple 2, and the error of the reconstruction."""
    figure = new_figure(8.0, 6.0)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    noisy = readings(ONE_STEP, 5, record.seed)
    own = of_sensor(noisy, 1)
    above.plot(noisy.z[own], noisy.temperature[own], ".", color=GREY, markersize=2, label="readings")
    for run in _best_of(record, ONE_STEP, 5):
        z, ours, exact = temperatures(run.parameters)
        above.plot(z, ours[1], label=_NAMES[run.method], **_line(run))
        below.plot(z, np.abs(ours[1] - exact[1]), **_line(run))
    above.set(ylabel="temperature, K", title="Figure 4: thermocouple 2, one step, 5 % noise")
    above.legend(frameon=False, fontsize=8)
    below.set(xlabel="distance from the meniscus z, m", ylabel="error, K")
    return _tidied(figure)


def _draw_errors(record: Record, experiment: Experiment) -> Figure:
    """Figures 5, 7, 9 and 10: error of the reconstruction at each thermocouple, 5 % noise."""
    figure = new_figure(8.0, 6.5)
    panels = figure.subplots(_THERMOCOUPLES, 1, sharex=True)
    for run in _best_of(record, experiment, 5):
        z, ours, exact = temperatures(run.parameters)
        for n, axes in enumerate(panels):
            axes.plot(z, np.abs(ours[n] - exact[n]), label=_NAMES[run.method], **_line(run))
    for n, axes in enumerate(panels):
        axes.set_ylabel(f"error at {n + 1}, K")
    number = {ONE_STEP: 5, COARSE: 7, TWO_STEPS: 9, FOUR_STEPS: 10}[experiment]
    panels[0].set_title(f"Figure {number}: {experiment.title}, 5 % noise", fontsize=10)
    panels[0].legend(frameon=False, fontsize=8)
    panels[-1].set_xlabel("distance from the meniscus z, m")
    return _tidied(figure)


def _draw_comparison(record: Record, experiments: Sequence[Experiment]) -> Figure:
    """Figures 8 and 11: mean and maximum relative errors, a group of bars for every noise."""
    figure = new_figure(9.0, 4.8)
    number, panels = (8 if TWO_SENSORS in experiments else 11), figure.subplots(1, 2)
    kinds = ["paper", *METHODS]
    width = 0.8 / (len(experiments) * len(kinds))
    for axes, field, title in zip(panels, ("mean_percent", "max_percent"), ("mean", "maximum"), strict=True):
        for e, experiment in enumerate(experiments):
            for k, kind in enumerate(kinds):
                heights = [_relative(record, experiment, noise, kind, field) for noise in NOISE]
                at = np.arange(len(NOISE)) + (e * len(kinds) + k) * width - 0.4 + width / 2
                axes.bar(
                    at,
                    heights,
                    0.9 * width,
                    color=_COLOURS[kind],
                    alpha=1 - 0.3 * e,
                    label=f"{experiment.name}: {_NAMES[kind]}" if axes is panels[0] else None,
                )
        axes.set_xticks(range(len(NOISE)), [f"{noise} %" for noise in NOISE])
        axes.set(xlabel="noise", ylabel=f"{title} relative error, %")
    figure.legend(loc="outside lower center", ncols=len(experiments), frameon=False, fontsize=7)
    figure.suptitle(f"Figure {number}: errors of the temperatures at the thermocouples", fontsize=10)
    return _tidied(figure)


def _relative(record: Record, experiment: Experiment, noise: int, kind: str, field: str) -> float:
    number = next((n for n, own in TEMPERATURE_TABLES.items() if own is experiment), 0)
    if kind != "paper":
        errors = _errors_of(record, experiment, noise, kind)
    elif experiment is TWO_SENSORS:
        errors = PUBLISHED_TWO_SENSORS.get(noise)
    else:
        errors = published_temperatures()[number, noise]
    return float("nan") if errors is None else float(getattr(errors, field))


def _tidied(figure: Figure) -> Figure:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def reproduction(record: Record, number: int | None = None) -> Report:
    """What has been computed of Table `number`, or of all, as a report with the page and its figures."""
    tables = {**PARAMETER_TABLES, **TEMPERATURE_TABLES}
    numbers = sorted(tables) if number is None else [number]
    texts = [table(n, record) for n in numbers]
    texts += [two_sensors(record)] if number is None else []
    experiments = EXPERIMENTS if number is None else (tables[number],)
    drawings = ((f"figure-{n}", draw) for n, draw in figures(record))
    return report_of("energies2020", record, page(record), [*texts, effort(record, experiments)], drawings)
