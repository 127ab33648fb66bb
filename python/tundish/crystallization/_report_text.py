"""The report of an analysis as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tundish.crystallization._settings import RECOMMENDED

_INDENT = 16
_MAX_LISTED = 6  # repairs, gaps and lines left out that are listed one by one


def text_of(facts: dict[str, Any]) -> str:
    """The facts of a report of :func:`report`, in lines for a person."""
    parts = [*_record_lines(facts), *_transformation(facts), "", *_table(facts["backtest"]), *_rest(facts)]
    return "\n".join(parts)


def _line(name: str, text: str) -> str:
    return f"{name:<{_INDENT}}{text}"


def _record_lines(facts: dict[str, Any]) -> Iterator[str]:
    time, frames = facts["time_s"], facts["frames"]
    kind = f"{time['count']} values of {', '.join(facts['columns'])}"
    if frames is not None:
        kind = f"{frames['count']} frames of {frames['size'][0]} x {frames['size'][1]} px"
    step = "" if time["step"] is None else f", one each {time['step']:g} s"
    yield f"{facts['source']}: {kind}, {time['first']:g} to {time['last']:g} s{step}"
    if frames is not None:
        where = f"{100 * frames['flux']['share_of_frame']:.0f} % of the frame"
        share = frames["share"]
        yield _line(
            "flux",
            f"{where}, melt and crystal {frames['contrast']:.0f} levels apart; share {share['first']:.3f} at "
            f"first, {share['last']:.3f} at last, {frames['crystals']} crystals",
        )
    yield from _listed(
        "readings",
        [_repair(repair, facts["readings"]) for repair in facts["repairs"]],
        "put right" if facts["readings"] else "",
    )
    yield from _listed("left out", [f"{name}: {why}" for name, why in facts["left_out"]], "left out")
    yield from _listed(
        "gaps", [f"{gap['missing']} missing after {gap['after_s']:g} s" for gap in facts["gaps"]], "bridged"
    )


def _listed(name: str, items: list[str], done: str) -> Iterator[str]:
    """How many there are, and the first of them, one a line."""
    if not items:
        if done == "put right":
            yield _line(name, "none had to be put right")
        return
    yield _line(name, f"{len(items)} {done}: {items[0]}")
    yield from (_line("", item) for item in items[1:_MAX_LISTED])
    if len(items) > _MAX_LISTED:
        yield _line("", f"and {len(items) - _MAX_LISTED} more")


def _repair(repair: dict[str, Any], readings: list[str]) -> str:
    read = "missing" if repair["read"] is None else f"{repair['read']:g}"
    now = "left missing" if repair["repaired"] is None else f"{repair['repaired']:g} degC"
    return f"{repair['time']:g} s, {readings[repair['column']]}: {read} -> {now} ({repair['reason']})"


def _transformation(facts: dict[str, Any]) -> Iterator[str]:
    found, truth = facts["transformation"], facts["truth"]
    if found is None:
        yield _line("transformation", f"not fitted: {facts['no_transformation']}")
    else:
        yield _line("transformation", "X = 1 - exp(-(rate (t - onset))^exponent)")
        rate, exponent, onset = (found[name] for name in ("rate", "exponent", "onset"))
        yield _line("", f"rate {_interval(rate, '.4g')} 1/s, exponent {_interval(exponent, '.3g')}")
        times = ", ".join(
            f"{share} {_interval(found[name], '.4g')}"
            for share, name in (("1 %", "start"), ("50 %", "half"), ("99 %", "end"))
        )
        yield _line("", f"onset {_interval(onset, '.4g')} s; {times} s; {100 * found['level']:g} % intervals")
    if truth is not None:
        rate = "-" if truth["rate"] is None else f"{truth['rate']:.4g}"
        onset = "-" if truth["onset"] is None else f"{truth['onset']:.4g}"
        yield _line("true", f"rate {rate} 1/s, exponent {truth['exponent']:.3g}, onset {onset} s; the share "
                    f"was measured within {truth['share_rms']:.4f} rms")  # fmt: skip


def _interval(value: dict[str, Any], how: str) -> str:
    if value["lower"] is None or value["upper"] is None:
        return f"{value['value']:{how}} (no interval)"
    return f"{value['value']:{how}} ({value['lower']:{how}} to {value['upper']:{how}})"


def _table(found: dict[str, Any]) -> Iterator[str]:
    """A row a model: errors over those of persistence, and how many values the bands hold."""
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for row in found["rows"]:
        rows.setdefault(row["model"], {})[row["horizon"]] = row
    if rows:
        horizons = sorted(next(iter(rows.values())))
        yield (
            f"forecasts from {found['first_origin_s']:g} s on, by steps ahead: mean absolute error over that "
            f"of persistence, and % in the {100 * found['level']:g} % band"
        )
        cells = [("model", *(f"{h}" for h in horizons), *(f"band {h}" for h in horizons))]
        for name, by_horizon in rows.items():
            ratios = (_ratio(by_horizon[h]) for h in horizons)
            held = (_percent(by_horizon[h]["coverage"]) for h in horizons)
            cells.append((name, *ratios, *held))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for name, *numbers in cells:
            texts = (f"{text:>{width}}" for text, width in zip(numbers, widths[1:], strict=True))
            yield f"{name:<{widths[0]}}  {'  '.join(texts)}"
        if RECOMMENDED in rows:
            yield "* differs from what is recommended: p < 0.05 in the test of Diebold and Mariano"
    for name, reason in found["missing"].items():
        yield _line("not judged", f"{name}: {reason}")
    yield ""


def _ratio(row: dict[str, Any]) -> str:
    star = "*" if row["p_value"] is not None and row["p_value"] < 0.05 else " "
    ratio = row["mae_over_persistence"]
    return ("-" if ratio is None else f"{ratio:.2f}") + star


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def _rest(facts: dict[str, Any]) -> Iterator[str]:
    forecast = facts["forecast"]
    time = forecast["time_s"]
    shown = sorted({0, len(time) // 2, len(time) - 1})
    for name, parts in forecast["columns"].items():
        values = ", ".join(
            f"{time[n]:g} s: {parts['mean'][n]:.4g} ({parts['lower'][n]:.4g} to {parts['upper'][n]:.4g})"
            for n in shown
        )
        yield _line("forecast", f"{name} at {values}; {100 * forecast['level']:g} % band")
    yield _line("model", _model(facts["model"]))
    if facts["synthetic"]:
        yield _line("data", "synthetic, and crystallising by the law that JMAK fits; real fluxes need not")
    yield from (_line("note", remark) for remark in facts["remarks"])
    if facts["seconds"] is not None:
        yield _line("time", f"{facts['seconds']:.3g} s")
    yield from (_line("wrote", file) for file in facts["files"])


def _model(model: dict[str, Any]) -> str:
    settings, members = model["settings"], model["members"]
    epochs = ", ".join(f"{member['best_epoch']} of {member['epochs']}" for member in members)
    of = f"{len(members)} of window {settings['window']} and {settings['units']} units"
    networks = f"networks: {of}; best epochs {epochs}"
    return networks if model["source"] == "trained" else f"{model['source']}; {networks}"
