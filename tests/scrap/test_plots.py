"""Pictures of an estimate: that they show its numbers, and say what is in them."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from tundish.scrap import Estimate, Truth, published_model, simulate


@pytest.fixture(autouse=True)
def no_pyplot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures never use pyplot, which keeps global state and may want a display."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)


@pytest.fixture(scope="module")
def case() -> tuple[Estimate, Truth]:
    log, truth = simulate(heats=130, types=9, element="Cr")
    steel = log.steel_ppm.copy()
    steel[[3, 40]] = np.nan
    return published_model("Cr", truth.prior_mean).filter(log.replace(steel_ppm=steel)), truth


def panels(figure: Any) -> dict[str, Any]:
    """The axes that have a title, by it."""
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


def legend(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_composition_shows_estimate_band_truth_and_use(case: tuple[Estimate, Truth], tmp_path: Path) -> None:
    e, truth = case
    figure = e.plot(["type9", "type2"], truth)
    assert list(panels(figure)) == ["type9", "type2"]
    for name, axes in panels(figure).items():
        n = e.log.types.index(name)
        known, estimated = axes.get_lines()
        assert np.array_equal(estimated.get_ydata(), e.composition[:, n])
        assert np.array_equal(estimated.get_xdata(), e.log.heat)
        assert np.array_equal(known.get_ydata(), truth.composition[:, n])
        edge = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert edge.max() == pytest.approx((e.composition + 2 * e.composition_std)[:, n].max())
        assert edge.min() == pytest.approx((e.composition - 2 * e.composition_std)[:, n].min())
    (bars,) = (a for a in figure.axes if a.patches and a.get_ylim()[1] > 50)
    assert [bar.get_height() for bar in bars.patches[:2]] == pytest.approx(
        [e.log.scrap[:3, 8].mean(), e.log.scrap[3:6, 8].mean()]
    )
    assert sum(bar.get_height() * bar.get_width() for bar in bars.patches) == pytest.approx(
        e.log.scrap[:, 8].sum()
    )
    assert legend(figure) == ["estimate", "2 standard deviations", "truth", "mean charge of a heat"]
    figure.savefig(tmp_path / "a.png", dpi=40)


def test_the_types_most_used_are_shown_when_none_are_named(case: tuple[Estimate, Truth]) -> None:
    e, _ = case
    figure = e.plot()
    used = np.argsort(-e.log.scrap.sum(axis=0))[:6]
    assert list(panels(figure)) == [e.log.types[n] for n in sorted(used)]
    assert "truth" not in legend(figure)


def test_unused_types_and_ids_of_text_can_be_drawn(case: tuple[Estimate, Truth], tmp_path: Path) -> None:
    e, _ = case
    scrap = e.log.scrap.copy()
    scrap[:, 1] = 0
    log = e.log.replace(heat=[f"B{n}" for n in range(130)], scrap=scrap)
    figure = dataclasses.replace(e, log=log).plot(["type2"])
    assert panels(figure)["type2"].get_xlabel() == "heats from B0 to B129"
    figure.savefig(tmp_path / "a.png", dpi=40)


def test_partition_coefficients_have_bands(case: tuple[Estimate, Truth]) -> None:
    e, truth = case
    figure = e.plot_partition(truth)
    first, second = figure.axes
    assert e.partition is not None
    assert truth.partition is not None
    assert np.array_equal(first.get_lines()[0].get_ydata(), truth.partition[:, 0])
    assert np.array_equal(second.get_lines()[1].get_ydata(), e.partition[:, 1])
    assert second.get_ylabel() == "c2, 1/%"
    assert legend(e.plot_partition()) == ["estimate", "2 standard deviations"]


def test_innovations_are_standardised_and_counted(case: tuple[Estimate, Truth], tmp_path: Path) -> None:
    e, _ = case
    figure = e.plot_innovations()
    figure.savefig(tmp_path / "a.png", dpi=40)
    (along,) = (axes for axes in figure.axes if axes.get_xlabel() == "heat")
    z = (e.innovation / e.predicted_std)[~e.log.missing]
    assert np.array_equal(along.get_lines()[0].get_ydata(), z)
    assert f"{100 * np.mean(np.abs(z) <= 1.6449):.1f} % are" in along.get_title(loc="left")
    (density,) = (axes for axes in figure.axes if axes.get_ylabel() == "density")
    assert sum(bar.get_height() * bar.get_width() for bar in density.patches) == pytest.approx(1)


def test_wild_innovations_count_in_the_outermost_bars(case: tuple[Estimate, Truth]) -> None:
    e, _ = case
    innovation = e.innovation.copy()
    innovation[10] = 1e6
    figure = dataclasses.replace(e, innovation=innovation).plot_innovations()
    (density,) = (axes for axes in figure.axes if axes.get_ylabel() == "density")
    assert len(density.patches) == 80
    assert density.patches[-1].get_height() > 0


def test_what_cannot_be_drawn_is_refused(case: tuple[Estimate, Truth]) -> None:
    e, truth = case
    with pytest.raises(KeyError, match="types: 'gold'"):
        e.plot(["gold"])
    with pytest.raises(ValueError, match="types: at least one"):
        e.plot([])
    other = truth._replace(composition=truth.composition[:5])
    for draw in (e.plot, e.plot_partition):
        with pytest.raises(ValueError, match=r"truth\.composition: has shape \(5, 9\); .*\(130, 9\)"):
            draw(truth=other)
    with pytest.raises(ValueError, match="no partition coefficients"):
        dataclasses.replace(e, partition=None, partition_std=None).plot_partition()
    with pytest.raises(ValueError, match="fewer than two readings"):
        dataclasses.replace(e, innovation=np.full(130, np.nan)).plot_innovations()


def test_missing_matplotlib_is_told(case: tuple[Estimate, Truth], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tundish\[plot\]'"):
        case[0].plot()
