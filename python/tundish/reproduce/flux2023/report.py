"""The paper's comparison as Markdown, theirs beside ours, and its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tundish._common.figures import new_figure
from tundish._common.reports import Report
from tundish.crystallization import FluxNet, plots
from tundish.reproduce._study import markdown, report_of
from tundish.reproduce.flux2023.study import (
    HORIZONS,
    NEIGHBOURS,
    PUBLISHED,
    SEEN,
    START,
    Data,
    Record,
    Run,
    Task,
    tasks,
    values_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"SARIMA": plots.OTHER, "ARIMA": plots.MARK, SEEN: plots.OURS, PUBLISHED: plots.OURS}

_INTRODUCTION = """# Mould flux, 2023: SARIMA, ARIMA and a CNN-LSTM, computed again

S. Dong, Z. Cheng and Z. Cheng, *CNN-LSTM-based Study on the Dynamic Characteristics of Steel Protection Slag
Crystallization*, 2023. Written by `tundish reproduce flux2023`; all runs are in `runs.jsonl`.

**The data of the first section are synthetic.** They come from `tundish.crystallization.synthetic`, and share
nothing with the paper's frames but their number. So theirs beside ours is no comparison of numbers: it tells
whether the models come out in the same order. Nothing here says how well a real flux can be foretold."""

_ON_PAPER = """The figures of the paper's Tables 3 and 4 (RMSE and MAE) are not in its text, so none
stand beside ours. What the feature is, the orders of ARIMA and SARIMA, and how the networks were trained and
validated is not said either. Every second of the frames is half of them, not 70 %; and noisy copies of frames
have their originals on the other side of such a split, so no copies are made here.

Ours never train on the last 30 % of what they are fitted to, which tells when to stop. CNN-LSTM and LSTM say
the level itself, as the paper's do. So they have to say levels that they were not trained on, and fail at it
on a curve that rises. "Recommended" has the same LSTM, but learns what a damped trend misses."""

_ON_PUBLISHED = """Trained on the first frame, the third and so on; each of the others is foretold from
those others before it, one step ahead, which is two of the record. Persistence says the tested frame before.
The mean of neighbours is that of the frames before and after, which are trained on: it looks into the
future, needs no model, and shows what the split gives away. All are judged from the 21st tested frame on: the
networks need 20."""

_ON_ROLLING = f"""Fitted once to the first {100 * START:g} %, then told each value as it comes; forecasts
are made from every origin after. Nothing here knows what is foretold."""

_HEAD = ("", "horizon", "RMSE", "MAE", "MAE over persistence", "90 % band holds", "seconds")


def page(record: Record, records: Sequence[Data]) -> str:
    """All that has been computed of these records, in Markdown; the figures lie beside it."""
    parts = [_INTRODUCTION, statements(record, records[0])]
    for n, data in enumerate(records):
        parts += [section(record, data)]
        parts += [f"![{title}]({name}.png)\n\n{title}" for name, title, _ in _pictures(record, data, n)]
    return "\n\n".join(parts) + "\n"


def statements(record: Record, data: Data) -> str:
    """What the paper states, and what is so here."""
    network = FluxNet(20, 8, (1,))
    lstm = sum(weights.numel() for weights in network.lstm.parameters())
    dense = sum(weights.numel() for weights in network.dense.parameters())
    count = len(data.time)
    rows = [
        ["frames", "562, 110 s to 671 s", f"{count}, {data.time[0]:g} s to {data.time[-1]:g} s, synthetic"],
        ["frames with noisy copies", "1124", "none are made"],
        [
            "trained on",
            "every second frame; about 70 %",
            f"{(count + 1) // 2} (published), {int(START * count)} (rolling)",
        ],
        ["input of the LSTM", "(20, 1)", "(20, 1)"],
        ["parameters of the LSTM", "320", str(lstm)],
        ["parameters of the dense layer", "-", str(dense)],
        ["least error", "CNN-LSTM", _by_protocol(record, data, 0)],
        ["largest error of the three", "SARIMA", _by_protocol(record, data, -1)],
        ["losses", "fall and converge to 0", _losses(record, data)],
    ]
    return "\n\n".join(["## What the paper states", markdown(["", "paper", "ours"], rows), _ON_PAPER])


def _by_protocol(record: Record, data: Data, place: int) -> str:
    """Which of the paper's three models comes first or last by RMSE, one step ahead."""
    found = []
    for protocol in ("published", "rolling"):
        runs = [
            run
            for task in tasks(data)
            if task.protocol == protocol and task.model in ("SARIMA", "ARIMA", SEEN)
            if (run := record.run(task)) is not None
        ]
        ranked = sorted(runs, key=lambda run: float(run.result["rows"][0]["rmse"]))
        found.append(f"{ranked[place].task.model} ({protocol})")
    return ", ".join(found)


def _losses(record: Record, data: Data) -> str:
    """The first and the best validation loss of the CNN-LSTM."""
    (task,) = (t for t in tasks(data) if t.model == SEEN and t.protocol == "published")
    run = record.run(task)
    assert run is not None
    validation = [loss for _, loss in run.result["history"][0]]
    best = int(np.argmin(validation))
    return f"validation {validation[0]:.3g} at first, {validation[best]:.3g} in epoch {best + 1}"


def section(record: Record, data: Data) -> str:
    """The tables of a record."""
    what = f"{len(data.time)} values of {', '.join(data.columns)}"
    if data.frames is not None:
        height, width = data.frames.size
        what = f"{len(data.time)} frames of {height} x {width} px; foretold is the crystallised share"
    told = f"{data.time[0]:g} s to {data.time[-1]:g} s: {what}."
    if data.filled:
        told += f" {data.filled} missing values were filled in along straight lines."
    if len(data.columns) > 1:
        told += " Errors are pooled over the columns."
    parts = [f"## {data.name.capitalize() if data.frames is not None else data.name}", told]
    parts += ["### Every second frame, as published", table(record, data, "published"), _leak(record, data)]
    parts += [_ON_PUBLISHED, "### From origins that roll on", table(record, data, "rolling"), _ON_ROLLING]
    return "\n\n".join([*parts, _settings(record, data)])


def table(record: Record, data: Data, protocol: str) -> str:
    """A row a model and horizon."""
    rows = []
    for task, run in _runs(record, data, protocol):
        for row in run.result["rows"]:
            first = row["horizon"] == HORIZONS[0]
            rows.append(
                [
                    task.model if first else "", str(row["horizon"]), f"{row['rmse']:.4g}",
                    f"{row['mae']:.4g}", _cell(row["mae_over_persistence"], ".2f"),
                    "-" if row["coverage"] is None else f"{100 * row['coverage']:.0f} %",
                    f"{run.result['seconds']:.0f}" if first else "",
                ]
            )  # fmt: skip
    return markdown(_HEAD, rows)


def _runs(record: Record, data: Data, protocol: str) -> Iterator[tuple[Task, Run]]:
    for task in tasks(data):
        run = record.run(task)
        if task.protocol == protocol and run is not None:
            yield task, run


def _cell(value: float | None, how: str) -> str:
    return "-" if value is None else f"{value:{how}}"


def _leak(record: Record, data: Data) -> str:
    ((_, run),) = ((t, r) for t, r in _runs(record, data, "published") if t.model == NEIGHBOURS)
    leak = run.result["leak"]
    best = min(
        (r for t, r in _runs(record, data, "published") if t.model != NEIGHBOURS),
        key=lambda r: float(r.result["rows"][0]["mae"]),
    )
    verdict = "the split leaks" if leak["flag"] else "so here it gives little away"
    return (
        f"**What it leaks:** the mean of the two neighbours errs by {leak['neighbours']:.3g} on average, "
        f"{_cell(leak['ratio'], '.2f')} of what the frame just before does ({leak['persistence']:.3g}): "
        f"{verdict}. The best model, {best.task.model}, errs by {best.result['rows'][0]['mae']:.3g}."
    )


def _settings(record: Record, data: Data) -> str:
    """Orders and networks, as they came out."""
    told = []
    for protocol in ("published", "rolling"):
        orders = [
            f"{task.model} {'; '.join(str(order) for order in run.result['orders'])}"
            for task, run in _runs(record, data, protocol)
            if run.result["orders"]
        ]
        epochs = [
            f"{task.model} {len(run.result['history'][0])}"
            for task, run in _runs(record, data, protocol)
            if run.result["history"]
        ]
        told.append(f"{protocol}: orders {', '.join(orders)}; epochs {', '.join(epochs)}")
    runs = [run for protocol in ("published", "rolling") for _, run in _runs(record, data, protocol)]
    seconds = sum(run.result["seconds"] for run in runs)
    return (
        f"By Akaike's criterion and early stopping, {'. '.join(told)}. All took {seconds / 60:.1f} minutes."
    )


def figures(record: Record, records: Sequence[Data]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The name of every figure, and what draws it."""
    for n, data in enumerate(records):
        for name, _, draw in _pictures(record, data, n):
            yield name, draw


def _pictures(record: Record, data: Data, n: int) -> Iterator[tuple[str, str, Callable[[], Figure]]]:
    end = "-series" if n else ""
    title = f"Figure 4: predictions of {data.columns[0]}, {data.name}"
    yield f"figure-4{end}", title, partial(_draw_predictions, record, data)
    yield f"figure-5{end}", f"Figure 5: losses, {data.name}", partial(_draw_losses, record, data)


def _draw_predictions(record: Record, data: Data) -> Figure:
    """Figure 4: what was measured and what the paper's models said, and their errors beside it."""
    figure = new_figure(10.2, 8.0)
    drawn = (("published", HORIZONS[0]), ("rolling", HORIZONS[0]), ("rolling", HORIZONS[-1]))
    for (protocol, horizon), (left, right) in zip(drawn, figure.subplots(3, 2), strict=True):
        values = values_of(data, protocol, record.seed).reshape(len(data.time), -1)[:, 0]
        shown = slice(None) if protocol == "published" else slice(int(0.6 * len(values)), None)
        left.plot(data.time[shown], values[shown], ".", color=plots.KNOWN, markersize=3, label="measured")
        for task, run in _runs(record, data, protocol):
            found = run.result["means"].get(str(horizon))
            if found is None or task.model not in _drawn(data):
                continue
            rows = found["row"] + found["every"] * np.arange(len(found["mean"]))
            look: dict[str, Any] = {"color": _COLOURS[task.model], "linewidth": 1, "label": task.model}
            left.plot(data.time[rows], found["mean"], **look)
            right.plot(data.time[rows], np.abs(found["mean"] - values[rows]), **look)
        ahead = "one step ahead" if horizon == 1 else f"{horizon} steps ahead"
        left.set_title(f"{protocol}, {ahead}", fontsize=9, loc="left")
        left.set_ylabel(data.columns[0])
        spread = np.ptp(values) or 1.0
        left.set_ylim(values.min() - 0.15 * spread, values.max() + 0.15 * spread)
        right.set_yscale("log")
        right.set_ylim(bottom=1e-5 * spread)
        right.set_ylabel("|predicted - measured|")
    for axes in (left, right):
        axes.set_xlabel("time, s")
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9
    )
    return figure


def _drawn(data: Data) -> tuple[str, ...]:
    """The paper's models: of a series the LSTM alone."""
    return ("SARIMA", "ARIMA", SEEN if data.frames is not None else PUBLISHED)


def _draw_losses(record: Record, data: Data) -> Figure:
    """Figure 5, by protocol."""
    figure = new_figure(8.6, 3.6)
    for protocol, axes in zip(("published", "rolling"), figure.subplots(1, 2), strict=True):
        (run,) = (r for t, r in _runs(record, data, protocol) if t.model == _drawn(data)[-1])
        plots.draw_losses(axes, run.result["history"])
        axes.set_title(f"{run.task.model}, {protocol}", fontsize=9, loc="left")
    return figure


def reproduction(record: Record, records: Sequence[Data]) -> Report:
    """What has been computed of these records, as a report with the page and its figures."""
    texts = [statements(record, records[0]), *(section(record, data) for data in records)]
    return report_of("flux2023", record, page(record, records), texts, figures(record, records))
