"""The report of a survey: its facts, and the lines that a person reads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from tundish._common.reports import Report, plain
from tundish.segregation._findings import LEVEL, Case, Findings, Other, truth_at
from tundish.segregation._report_files import writers_of
from tundish.segregation.estimators._estimator import PatchEstimator
from tundish.segregation.maps._section_map import SectionMap
from tundish.segregation.patches._patch_set import PatchSet, leak
from tundish.segregation.patches._quality import clahe, image_quality

_HEADER = ("model", "R2", "r2", "MAE, wt%", "bias, wt%")
# Fields of a row, with their digits and whether they have a sign.
_COLUMNS = (("r2", 2, False), ("r2_correlation", 2, False), ("mae", 4, False), ("bias", 4, True))


def report_of(findings: Findings, started: float) -> Report:
    """The report of a survey that began at a value of `time.perf_counter`."""
    facts = _facts(findings)
    facts["seconds"] = time.perf_counter() - started
    return Report(facts, tuple(lines_of(facts)), writers_of(findings, facts))


def _facts(findings: Findings) -> dict[str, Any]:
    """As JSON takes it."""
    case, model, found = findings.case, findings.model, findings.map
    return {
        "source": case.name,
        "synthetic": case.synthetic,
        "seed": findings.seed,
        "model": {"source": findings.source or "trained", **_of_model(model)},
        "train": None if case.train is None else _of_patches(case.train),
        "test": None if case.test is None else _of_patches(case.test),
        "split": None if case.train is None else findings.split,
        "leak": _leak(case),
        "table": ([] if case.test is None else [_scored(model, case.test)]) + findings.baselines,
        "missing": findings.missing,
        "interval": None if case.test is None else _coverage(model, case.test),
        "image_quality": None if case.test is None else _quality(case),
        "map": None if found is None else _of_map(found, case),
        "other": None if findings.other is None else _of_other(model, findings.other),
        "remarks": findings.remarks,
    }


def _of_model(model: PatchEstimator) -> dict[str, Any]:
    return {
        "complete": model.card["complete"],
        "estimator": type(model).__name__,
        "engine": model.engine,
        "settings": model.settings,
        "mm_per_px": model.card["mm_per_px"],
        "members": model.card["members"],
    }


def _of_patches(patches: PatchSet) -> dict[str, Any]:
    return {
        "patches": len(patches),
        "points": int(patches.group.max()) + 1,
        "billets": len(np.unique(patches.billet)),
        "size": patches.size[0],
        "mm_per_px": patches.mm_per_px,
        "carbon_wt": {
            "mean": float(patches.carbon.mean()),
            "least": float(patches.carbon.min()),
            "most": float(patches.carbon.max()),
        },
    }


def _scored(model: PatchEstimator, test: PatchSet) -> dict[str, Any]:
    scores = {name: plain(value) for name, value in model.score(test).items()}
    return {"model": name_of(type(model).__name__), **scores, "settings": ""}


def _leak(case: Case) -> dict[str, Any] | None:
    if case.train is None or case.test is None:
        return None
    return {name: plain(value) for name, value in leak(case.train, case.test)._asdict().items()}


def _coverage(model: PatchEstimator, patches: PatchSet) -> dict[str, Any] | None:
    """How many of the analyses lie in their intervals; None for a training that was not finished."""
    if not model.card["complete"]:
        return None
    lower, upper = model.predict_interval(patches, LEVEL).T
    inside = (lower <= patches.carbon) & (patches.carbon <= upper)
    return {
        "level": LEVEL,
        "coverage": float(inside.mean()),
        "width_wt": float(np.mean(upper - lower)),
        "method": model.interval_method(LEVEL),
        "points": model.card["calibration"]["points"],
    }


def _quality(case: Case) -> dict[str, Any]:
    grey = np.concatenate([part.images for part in (case.train, case.test) if part is not None])
    return {"etched": image_quality(grey), "enhanced": image_quality(clahe(grey))}


def _of_map(found: SectionMap, case: Case) -> dict[str, Any]:
    inside = np.isfinite(found.carbon)
    carbon = found.carbon[inside]
    width = None if found.interval is None else float(np.nanmean(np.diff(found.interval, axis=-1)))
    facts = {
        "cells": int(inside.sum()), "stride_mm": found.stride_mm, "mean_wt": float(carbon.mean()),
        "least_wt": float(carbon.min()), "most_wt": float(carbon.max()), "interval_width_wt": width,
    }  # fmt: skip
    if case.section is not None:
        error = carbon - truth_at(found, case.section)[inside]
        facts["true_mae_wt"] = float(np.abs(error).mean())
    return facts


def _of_other(model: PatchEstimator, other: Other) -> dict[str, Any]:
    drift = model.drift(other.patches)
    return {
        "folder": other.name,
        **_of_patches(other.patches),
        "score": {name: plain(value) for name, value in model.score(other.patches).items()},
        "drift": {
            "p_value": drift.p_value,
            "distance": drift.distance,
            "flag": drift.flag,
            "outliers": int(drift.outlier.sum()),
            "shifts": dict(list(drift.shifts.items())[:5]),
        },
    }


def lines_of(facts: dict[str, Any]) -> list[str]:
    """The facts as a person reads them."""
    return [*_title(facts), "", *_table(facts), *_summary(facts)]


def _title(facts: dict[str, Any]) -> Iterator[str]:
    parts = [facts[name] for name in ("train", "test") if facts[name] is not None]
    if not parts:
        yield f"{facts['source']}: mapped by {facts['model']['source']}"
        return
    size, scale = parts[-1]["size"], parts[-1]["mm_per_px"]
    carbon = [part["carbon_wt"] for part in parts]
    points = sum(part["points"] for part in parts)
    yield (
        f"{facts['source']}: {points} points, patches of {size} px ({size * scale:.3g} mm), "
        f"{min(c['least'] for c in carbon):.3f} to {max(c['most'] for c in carbon):.3f} wt% carbon"
    )
    if facts["train"] is None:
        yield f"judged on all of them by the model of {facts['model']['source']}"
        yield "errors are too small if it has seen any of them"
    else:
        how = f"trained on {facts['train']['points']} points, judged on {facts['test']['points']} others"
        yield f"{how}, held out by {facts['split']['by']}"


def _table(facts: dict[str, Any]) -> Iterator[str]:
    if not facts["table"]:
        return
    rows = [
        (row["model"], *(_cell(row[name], digits, signed) for name, digits, signed in _COLUMNS))
        for row in facts["table"]
    ]
    widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
    for name, *numbers in (_HEADER, *rows):
        cells = (f"{text:>{width}}" for text, width in zip(numbers, widths[1:], strict=True))
        yield f"{name:<{widths[0]}}  {'  '.join(cells)}"
    yield "R2 is 1 - SSE/SST; r2 the squared correlation, which sees neither bias nor scale"
    yield ""


def _cell(value: float | None, digits: int, signed: bool) -> str:
    return "-" if value is None else f"{value:{'+' if signed else ''}.{digits}f}"


def _summary(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{name_of(facts['model']['estimator']):<17}{_model_line(facts['model'])}"
    for name, reason in facts["missing"].items():
        yield f"left out         {name}: {reason}"
    if facts["interval"] is not None:
        found = facts["interval"]
        how = f"{found['method']}, from {found['points']} points"
        yield (
            f"{100 * found['level']:g} % interval    holds {100 * found['coverage']:.1f} % of the analyses; "
            f"mean width {found['width_wt']:.3f} wt% ({how})"
        )
    if facts["leak"] is not None:
        yield f"leak             {_leak_line(facts['leak'])}"
    if facts["image_quality"] is not None:
        yield f"images           {_quality_line(facts['image_quality'])}"
    if facts["map"] is not None:
        yield from _map_lines(facts["map"])
    if facts["other"] is not None:
        yield from _other_lines(facts["other"])
    if facts["synthetic"]:
        yield "data             synthetic: what holds here need not hold for real sections"
    yield from (f"note             {remark}" for remark in facts["remarks"])
    yield f"time             {facts['seconds']:.3g} s"


def name_of(estimator: str) -> str:
    """What the report calls a model of this class."""
    return "textures" if estimator == "TextureRegressor" else "network"


def _model_line(model: dict[str, Any]) -> str:
    settings, members = model["settings"], model["members"]
    if name_of(model["estimator"]) == "textures":
        depths = f"after {settings['depths'][0]} to {settings['depths'][-1]} pretrained stages"
        return f"ridge regression, {len(members)} members, on maps {depths}"
    epochs = ", ".join(f"{member['best_epoch']} of {member['epochs']}" for member in members)
    state = "" if model["complete"] else "; an interrupted training, so there are no intervals"
    of = f"{len(members)} with {settings['blocks']} blocks, head {settings['head']}"
    return f"{of}; best epochs {epochs}; computed by {model['engine']}{state}"


def _leak_line(found: dict[str, Any]) -> str:
    nearest = "" if found["r2"] is None else f"; a nearest neighbour scores R2 = {found['r2']:.2f}"
    if not found["flag"]:
        return f"none: no point and no copy is on both sides{nearest}"
    return f"yes: {100 * found['copies']:.0f} % of the patches judged have a copy in training{nearest}"


def _quality_line(quality: dict[str, Any]) -> str:
    figures = (
        f"{name} {quality['etched'][key]:.{digits}f} -> {quality['enhanced'][key]:.{digits}f}"
        for name, key, digits in (
            ("RMS contrast", "rms_contrast", 3),
            ("GLCM contrast", "glcm_contrast", 2),
            ("entropy", "entropy", 2),
        )
    )
    return f"{', '.join(figures)} bits by CLAHE"


def _map_lines(found: dict[str, Any]) -> Iterator[str]:
    width = (
        "" if found["interval_width_wt"] is None else f", mean interval {found['interval_width_wt']:.3f} wide"
    )
    spread = f"{found['least_wt']:.3f} to {found['most_wt']:.3f} wt%"
    cells = f"{found['cells']} cells every {found['stride_mm']:.3g} mm"
    yield f"map              {cells}: mean {found['mean_wt']:.3f}, {spread}{width}"
    if "true_mae_wt" in found:
        yield f"{'':<17}mean absolute error against the billet's true carbon {found['true_mae_wt']:.4f} wt%"


def _other_lines(other: dict[str, Any]) -> Iterator[str]:
    drift, score = other["drift"], other["score"]
    verdict = "they do not look like those of the training" if drift["flag"] else "they look alike"
    test = f"p = {drift['p_value']:.3f}, {drift['outliers']} outliers"
    yield f"other            {other['folder']}: {other['points']} points; {verdict} ({test})"
    yield (
        f"{'':<17}R2 = {_cell(score['r2'], 2, False)}, MAE {_cell(score['mae'], 4, False)} wt%, bias "
        f"{_cell(score['bias'], 4, True)} wt%"
    )
    if drift["flag"]:
        name, shift = next(iter(drift["shifts"].items()))
        yield f"{'':<17}most of all in {name}: {shift:+.1f} standard deviations"
