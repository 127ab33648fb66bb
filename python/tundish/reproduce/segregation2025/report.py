"""The paper's tables as Markdown, theirs beside ours."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tundish._common.reports import Report
from tundish.reproduce._study import markdown, report_of
from tundish.reproduce.segregation2025.figures import FIGURES, figures
from tundish.reproduce.segregation2025.record import Record, Rows, rows_of, values_of
from tundish.reproduce.segregation2025.study import (
    BILLETS,
    DRAWS,
    LABELLED,
    POINTS,
    RECOMMENDED,
    STUDIES,
    Run,
    Task,
    billet,
    published,
    tasks,
)
from tundish.segregation import BASELINES, clahe, image_quality, missing_transfer
from tundish.segregation.configurations import Configuration

__all__ = ["figures", "page", "reproduction", "table"]

_SMALL_BIAS = 0.005  # wt%
_TITLES = {
    "protocol": "The published protocol, and one without its leak",
    "models": "Supplementary Table 2: models",
    "transfer": "Figure 10: transfer learning",
    "augmentation": "Supplementary Table 1: augmentation",
    "blocks": "Figure 7A and B: blocks of convolutions",
    "dense": "Figure 7C and D: dense layers",
    "enhancement": "Figure 8: contrast enhancement",
    "billets": "Figure 6: further billets",
}

_INTRODUCTION = """# doi:10.20517/jmi.2025.73, computed again on synthetic billets

X. Wei et al., *Application of deep learning for predicting carbon segregation in large-diameter continuously
cast steel billets*, J. Mater. Inf. 2025, [doi:10.20517/jmi.2025.73](https://doi.org/10.20517/jmi.2025.73).
Written by `tundish reproduce segregation2025`; all runs are in `runs.jsonl`.

**The data are synthetic.** The paper's images and analyses are not public. Ours come from
`tundish.segregation.synthetic`, whose cooling is solved and whose etching is drawn. So theirs beside ours is
no comparison of numbers: it tells whether differences between rows go the same way. Nothing here says how
well carbon can be read from real sections."""

_ON = {
    "protocol": """"Published" turns and mirrors the patches first and then splits them at random, so copies
of nearly all tested patches are in training. "Nearest" is the R2 of the training patch that is most alike, on
features that turns and mirrors leave alone: it needs no network.""",
    "models": """All are trained and tested on the same points. "Radius" and "Gaussian process" see no image,
only where the point lies. Theirs are of the paper's own split.""",
    "transfer": """Layers trained on ImageNet stay as they are; a new head learns. EfficientNet-Lite0 is none
of the paper's networks; its weights come with a package. Of theirs the paper's text has one figure, that of
the best, InceptionV3.""",
    "augmentation": """Copies are made of the training points alone. An epoch with eight copies of each has
eight times the steps of one without.""",
    "blocks": """Five dense layers. The paper's text has no figures but those of six blocks, its best.""",
    "dense": """The first of 256, 128, 64, 32, 16 and 8 units. The paper's text has no figures but those of
five layers, its best.""",
    "enhancement": """Theirs are read from the paper's text.""",
    "billets": f"""One billet with stirring 1.0 (the first has 0.5), and one of 0.40 wt% (0.42), each with a
scatter of its own. Before and after a second training with {LABELLED} labelled points, drawn anew in every
split, in the table once; all figures are of the other points. "Drift" is p of the test whether the images
look like those of the training.""",
}


def page(record: Record, chosen: Configuration) -> str:
    """All that has been computed, in Markdown; the figures lie beside it."""
    there = [study for study in STUDIES if record.has(study, chosen)]
    tables = [table(study, record, chosen) for study in there]
    pictures = [f"### {FIGURES[n][0]}\n\n![Figure {n}](figure-{n}.png)" for n, _ in figures(record, chosen)]
    parts = [_INTRODUCTION, _effort(record, chosen), "## Tables", *tables]
    return "\n\n".join([*parts, *(["## Figures", *pictures] if pictures else [])]) + "\n"


def _effort(record: Record, chosen: Configuration) -> str:
    size, scale = chosen.image_size, chosen.mm_per_px
    whole = (
        "The size and the training are the paper's."
        if size == 224
        else "Reduced for two processor cores: `--full` runs 224 px with the paper's training, on a GPU. "
        f"In {chosen.published.get('epochs')} epochs the published kind of network is hardly trained: its "
        "rows say little of what it can do, and differences between them less. The pooled network is small "
        "enough to be trained."
    )
    rows = [task for study in STUDIES for task in tasks(study, chosen).values()]
    # Rows of several studies may be one run.
    seconds = sum({id(run): run.result["seconds"] for task in rows for run in record.runs(task)}.values())
    usual = _first(tasks("protocol", chosen)["grouped"])
    pooled = _first(tasks("models", chosen)["pooled network"])
    best = _first(tasks("billets", chosen)[RECOMMENDED])
    patches = f"{POINTS} points, patches of {size} px at {scale:g} mm a pixel ({size * scale:.3g} mm)"
    return (
        f"Billets of 600 mm, {patches}. {whole} Ours are means over the splits, ± the standard deviation "
        "from split to split; r2 is the squared correlation, which the paper calls R2, and R2 is 1 - SSE/SST."
        "\n\n"
        f"Published network: {_settings(usual)}.\n\n"
        f"Pooled network: {_settings(pooled)}.\n\n"
        f"Recommended, `TextureRegressor`: {_settings(best)}.\n\n"
        f"All runs together took {seconds / 60:.1f} minutes, counting each of those side by side."
    )


def _first(task: Task | None) -> dict[str, Any]:
    return {} if task is None else task.settings


def _settings(settings: dict[str, Any]) -> str:
    told = (f"{name} {value}" for name, value in settings.items() if name not in ("image_size", "seed"))
    return ", ".join(told)


def table(study: str, record: Record, chosen: Configuration) -> str:
    """A study's rows, theirs beside ours."""
    rows = rows_of(study, record, chosen)
    most = max(map(len, rows.values()))
    splits = f"{most} splits." if most > 1 else "One split."
    parts = [_MAKERS.get(study, _plain_rows)(study, rows), *_extra(study, chosen, record)]
    return "\n\n".join([f"### {_TITLES[study]}", splits, *parts, _ON[study]])


_UNKNOWN = ("-", "-")
_NO_IMAGE = {"radius", "Gaussian process"}
_HEAD = ("", "paper: r2, %", "ours", "paper: MAE, wt%", "ours", "ours: R2", "bias, wt%")


def _plain_rows(study: str, rows: Rows) -> str:
    lines = []
    for name, runs in rows.items():
        theirs = published().get((study, name), _UNKNOWN)
        if not runs:
            lines.append([name, theirs[0], _reason(study, name), theirs[1], *["-"] * 5])
            continue
        lines.append([name, *_figures_of(theirs, [run.result["test"] for run in runs])])
        lines[-1] += [_percent(runs, "train", "r2_correlation"), _spread(values_of(runs, "train", "mae"), 4)]
    return markdown([*_HEAD, "training: r2, %", "MAE, wt%"], lines)


def _reason(study: str, name: str) -> str:
    """Why a row has no run."""
    if study == "transfer":
        return missing_transfer().get(name, f"needs --weights {name}=FILE")
    return f"needs {2 ** int(name)} px"


def _protocol(study: str, rows: Rows) -> str:
    lines = []
    for name, runs in rows.items():
        theirs = published().get((study, name), _UNKNOWN)
        lines.append([name, *_figures_of(theirs, [run.result["test"] for run in runs])])
        copies = statistics.fmean(run.result["leak"]["copies"] for run in runs)
        flagged = sum(run.result["leak"]["flag"] for run in runs)
        lines[-1] += [
            _spread(values_of(runs, "leak", "r2"), 2),
            f"{100 * copies:.0f} %",
            f"{flagged} of {len(runs)}",
        ]
    return markdown([*_HEAD, "nearest: R2", "copies", "flagged"], lines)


def _models(study: str, rows: Rows) -> str:
    lines = []
    of_baselines = rows["baselines"]
    for name in BASELINES:
        found = [row for run in of_baselines for row in run.result["table"] if row["model"] == name]
        if found:
            lines.append([name, *_figures_of(published().get((study, name), _UNKNOWN), found), "-", "-"])
    for name, runs in rows.items():
        if name == "baselines":
            continue
        theirs = published().get((study, name), _UNKNOWN)
        lines.append([name, *_figures_of(theirs, [run.result["test"] for run in runs])])
        coverage = statistics.fmean(run.result["interval"]["coverage"] for run in runs)
        lines[-1] += [f"{100 * coverage:.0f} %", _spread(values_of(runs, "interval", "width"), 3)]
    reasons = of_baselines[0].result["missing"]
    left_out = [f"{name} is left out: {reason}." for name, reason in reasons.items()]
    told = [markdown([*_HEAD, "90 % intervals hold", "width, wt%"], lines), _ratio(rows), *left_out]
    return "\n\n".join(told)


def _ratio(rows: Rows) -> str:
    """What learns from images over the best model on handcrafted features."""
    of_baselines = [row for run in rows["baselines"] for row in run.result["table"]]
    means = {
        name: statistics.fmean(row["r2"] for row in of_baselines if row["model"] == name)
        for name in BASELINES
        if name not in _NO_IMAGE and any(row["model"] == name for row in of_baselines)
    }
    if not means:
        return "No model on handcrafted features was run."
    best = max(means, key=lambda name: means[name])
    told = []
    for name in (RECOMMENDED, "pooled network", "published network"):
        ours = statistics.fmean(run.result["test"]["r2"] for run in rows[name])
        times = f", {ours / means[best]:.2f} times as much" if means[best] > 0 else ""
        told.append(f"{name} {ours:.3f}{times}")
    return f"Mean R2 on handcrafted features, at best ({best}): {means[best]:.3f}. Of {'; '.join(told)}."


def _billets(study: str, rows: Rows) -> str:
    runs = rows[RECOMMENDED]
    lines = []
    for name in BILLETS:
        for when in ("before", "after"):
            theirs = published()[study, name] if when == "before" else _UNKNOWN
            found = [run.result["billets"][name][when] for run in runs]
            lines.append([f"{name}, {when}", *_figures_of(theirs, found)])
            worst = max(
                float(np.max(np.abs(np.subtract(told["predicted"], run.result["billets"][name]["carbon"]))))
                for told, run in zip(found, runs, strict=True)
            )
            drift = max(run.result["billets"][name]["drift"] for run in runs)
            lines[-1] += [f"{worst:.3f}", f"at most {drift:.3f}" if when == "before" else "-"]
    return "\n\n".join([markdown([*_HEAD, "largest error, wt%", "drift"], lines), _biases(runs)])


def _biases(runs: Sequence[Run]) -> str:
    """What any five points are worth, and not those of one draw."""
    told = []
    for name in BILLETS:
        sizes = np.abs([run.result["billets"][name]["biases"] for run in runs])
        small = 100 * (sizes <= _SMALL_BIAS).mean()
        told.append(
            f"{name}: mean size of the bias {sizes.mean():.4f} wt%, at most {_SMALL_BIAS} in {small:.0f} %"
        )
    return f"After the second training, over {DRAWS} draws of its points in each split: {'; '.join(told)}."


_MAKERS: dict[str, Callable[[str, Rows], str]] = {
    "protocol": _protocol,
    "models": _models,
    "billets": _billets,
}


def _extra(study: str, chosen: Configuration, record: Record) -> list[str]:
    if study != "enhancement":
        return []
    images = billet(chosen.image_size, chosen.mm_per_px, record.seed).images
    theirs = {"as etched": ("0.137", "3.17", "9.33"), "CLAHE": ("0.188", "18.84", "6.43")}
    lines = []
    for name, grey in (("as etched", images), ("CLAHE", clahe(images))):
        ours = image_quality(grey)
        figures = (f"{ours['rms_contrast']:.3f}", f"{ours['glcm_contrast']:.2f}", f"{ours['entropy']:.2f}")
        lines.append([name, *(cell for both in zip(theirs[name], figures, strict=True) for cell in both)])
    head = ["", "paper: RMS contrast", "ours", "paper: GLCM contrast", "ours", "paper: entropy", "ours, bits"]
    return [markdown(head, lines)]


def _figures_of(theirs: tuple[str, str], found: Sequence[dict[str, Any]]) -> list[str]:
    """The paper's r2 and MAE beside ours, then our R2 and bias."""
    ours = {name: [row[name] for row in found] for name in ("r2", "r2_correlation", "mae", "bias")}
    percent = _spread([None if value is None else 100 * value for value in ours["r2_correlation"]], 1)
    return [
        theirs[0],
        percent,
        theirs[1],
        _spread(ours["mae"], 4),
        _spread(ours["r2"], 2),
        _spread(ours["bias"], 4),
    ]


def _percent(runs: Sequence[Run], part: str, name: str) -> str:
    return _spread([None if value is None else 100 * value for value in values_of(runs, part, name)], 1)


def _spread(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    mean = f"{statistics.fmean(known):.{digits}f}"
    return f"{mean} ± {statistics.stdev(known):.{digits}f}" if len(known) > 1 else mean


def reproduction(record: Record, chosen: Configuration, studies: Iterable[str] = STUDIES) -> Report:
    """What has been computed of these studies, as a report with the page and its figures."""
    texts = [table(study, record, chosen) for study in studies if record.has(study, chosen)]
    drawings = ((f"figure-{n}", draw) for n, draw in figures(record, chosen))
    return report_of("segregation2025", record, page(record, chosen), texts, drawings)
