"""What `tundish segregate` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_HEADER = ("model", "R2", "r2", "MAE, wt%", "bias, wt%")
# Fields of a row, with their digits and whether they have a sign.
_COLUMNS = (("r2", 2, False), ("r2_correlation", 2, False), ("mae", 4, False), ("bias", 4, True))


def text_of(facts: dict[str, Any]) -> str:
    """The report of the facts that `tundish segregate` writes as JSON."""
    return "\n".join(["\n".join(_title(facts)), "", *_table(facts), *_summary(facts)])


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
    yield f"{name_of(facts['model']['estimator']):<17}{_model(facts['model'])}"
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
        yield f"leak             {_leak_told(facts['leak'])}"
    if facts["image_quality"] is not None:
        yield f"images           {_quality_told(facts['image_quality'])}"
    if facts["map"] is not None:
        yield from _map_told(facts["map"])
    if facts["other"] is not None:
        yield from _other_told(facts["other"])
    if facts["synthetic"]:
        yield "data             synthetic: what holds here need not hold for real sections"
    yield from (f"note             {remark}" for remark in facts["remarks"])
    yield f"time             {facts['seconds']:.3g} s"
    yield from (f"wrote            {file}" for file in facts["files"])


def name_of(estimator: str) -> str:
    """What the report calls a model of this class."""
    return "textures" if estimator == "TextureRegressor" else "network"


def _model(model: dict[str, Any]) -> str:
    settings, members = model["settings"], model["members"]
    if name_of(model["estimator"]) == "textures":
        depths = f"after {settings['depths'][0]} to {settings['depths'][-1]} pretrained stages"
        return f"ridge regression, {len(members)} members, on maps {depths}"
    epochs = ", ".join(f"{member['best_epoch']} of {member['epochs']}" for member in members)
    state = "" if model["complete"] else "; an interrupted training, so there are no intervals"
    of = f"{len(members)} with {settings['blocks']} blocks, head {settings['head']}"
    return f"{of}; best epochs {epochs}; computed by {model['engine']}{state}"


def _leak_told(found: dict[str, Any]) -> str:
    nearest = "" if found["r2"] is None else f"; a nearest neighbour scores R2 = {found['r2']:.2f}"
    if not found["flag"]:
        return f"none: no point and no copy is on both sides{nearest}"
    return f"yes: {100 * found['copies']:.0f} % of the patches judged have a copy in training{nearest}"


def _quality_told(quality: dict[str, Any]) -> str:
    figures = (
        f"{name} {quality['etched'][key]:.{digits}f} -> {quality['enhanced'][key]:.{digits}f}"
        for name, key, digits in (
            ("RMS contrast", "rms_contrast", 3),
            ("GLCM contrast", "glcm_contrast", 2),
            ("entropy", "entropy", 2),
        )
    )
    return f"{', '.join(figures)} bits by CLAHE"


def _map_told(found: dict[str, Any]) -> Iterator[str]:
    width = (
        "" if found["interval_width_wt"] is None else f", mean interval {found['interval_width_wt']:.3f} wide"
    )
    spread = f"{found['least_wt']:.3f} to {found['most_wt']:.3f} wt%"
    cells = f"{found['cells']} cells every {found['stride_mm']:.3g} mm"
    yield f"map              {cells}: mean {found['mean_wt']:.3f}, {spread}{width}"
    if "true_mae_wt" in found:
        yield f"{'':<17}mean absolute error against the billet's true carbon {found['true_mae_wt']:.4f} wt%"


def _other_told(other: dict[str, Any]) -> Iterator[str]:
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
