"""Pictures: that they show the solution's numbers, with units, and say what they lack."""

import dataclasses
import itertools
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.text import Text

from tundish.casting import Grid, published_strand, solve, solve_batch

GRID = Grid(12, 12, dz_mold=0.02, dz_spray=0.25, grading=4)
PROBES = [(0.062, 0.074), (0.074, 0.074)]


@pytest.fixture(autouse=True)
def no_pyplot(monkeypatch):
    """Pictures never use pyplot, which keeps global state and may want a display."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)


@pytest.fixture(scope="module")
def solution():
    return solve(published_strand(), GRID, probes=PROBES, sections=[0.5, 3.0, 10.0, 15.5])


@pytest.fixture(scope="module")
def batch():
    parameters = {"speed": np.linspace(0.03, 0.05, 9), "mold.heat_flux.x": np.linspace(1.8e6, 2.1e6, 9)}
    return solve_batch(published_strand(), parameters, GRID, probes=PROBES)


@pytest.fixture(scope="module")
def diverged():
    with pytest.warns(RuntimeWarning, match="diverged"):
        return solve(published_strand().replace({"mold.heat_flux.x": 6e6}), GRID, sections=[0.05, 3.0])


def only(figure, part):
    """The one axes whose y label contains a word."""
    (axes,) = (
        axes for axes in figure.findobj(lambda o: hasattr(o, "get_ylabel")) if part in axes.get_ylabel()
    )
    return axes


def lines(axes):
    """Lines along z by their label."""
    return {line.get_label(): line for line in axes.get_lines() if len(line.get_xdata()) > 2}


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def test_strand_shows_the_solution(solution):
    """Shell in mm and temperatures in K along z, with solidus and liquidus."""
    figure = solution.plot()
    shells, temperatures = lines(only(figure, "shell, mm")), lines(only(figure, "temperature, K"))
    assert np.array_equal(shells["behind face y"].get_xdata(), solution.z)
    assert np.array_equal(shells["behind face y"].get_ydata(), solution.shell_thickness[1] * 1e3)
    assert np.array_equal(temperatures["centre"].get_ydata(), solution.centre_temperature)
    assert np.array_equal(temperatures["middle of face x"].get_ydata(), solution.face_temperature[0])
    assert np.array_equal(temperatures["corner"].get_ydata(), solution.corner_temperature)
    assert np.array_equal(temperatures["probe (62, 74) mm"].get_ydata(), solution.probe_temperature[0])
    legend = [text.get_text() for text in only(figure, "temperature, K").get_legend().get_texts()]
    assert {"solidus, 1672 K", "liquidus, 1728 K"} < set(legend)
    assert len(only(figure, "section, %").collections) == 3


def test_strand_marks_the_zones(solution):
    """Mould and zones are named above, and their ends are marked in every panel."""
    figure = solution.plot()
    assert {"M", "0", "1", "2"} <= set(texts(figure))
    ends = {
        line.get_xdata()[0] for line in only(figure, "shell, mm").get_lines() if line.get_linestyle() == ":"
    }
    assert ends == {0.5, 1.2, 3.0}
    assert any(
        f"metallurgical length {solution.metallurgical_length:.2f} m" in text for text in texts(figure)
    )


def test_strand_draws_what_there_is():
    """A solution with one field is drawn with one panel; with none it is refused."""
    strand = published_strand()
    figure = solve(strand, GRID, outputs=["corner_temperature"]).plot()
    assert list(lines(only(figure, "temperature, K"))) == ["corner"]
    assert len(figure.axes) == 2
    with pytest.raises(ValueError, match="nothing to draw"):
        solve(strand, GRID, outputs=["heat", "solid_fraction"]).plot()


def test_many_probes_share_a_legend_entry():
    """More probes than a legend holds are one entry."""
    probes = [(x, 0.07) for x in np.linspace(0, 0.08, 20)]
    figure = solve(published_strand(), GRID, probes=probes).plot()
    labels = [text.get_text() for text in only(figure, "temperature, K").get_legend().get_texts()]
    assert "20 probes" in labels
    assert not any(label.startswith("probe (") for label in labels)


def test_a_failed_march_says_so(diverged):
    """A picture of a march that diverged carries its message."""
    for figure in (diverged.plot(), diverged.plot_sections()):
        assert "diverged at z" in figure.get_suptitle()


@pytest.mark.parametrize("picture", ["plot", "plot_sections"])
@pytest.mark.parametrize("ending", ["solution", "diverged"])
def test_pictures_are_tidy(request, picture, ending):
    """Nothing leaves the picture, and no two labels lie on each other."""
    figure = getattr(request.getfixturevalue(ending), picture)()
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 > -0.02
    assert box.y0 > -0.02
    assert box.x1 < width + 0.02
    assert box.y1 < height + 0.02
    ticks = {
        label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels()
    }
    labels = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    labels = [text for text in labels if text not in ticks]
    for one, other in itertools.combinations(labels, 2):
        assert not one.get_window_extent().overlaps(other.get_window_extent()), (one, other)


def maps(figure):
    return [axes for axes in figure.axes if axes.get_title()]


def test_sections_are_the_quarter(solution):
    """One map a section, x to the right and y upwards in mm, alike in scale and colours."""
    axes = maps(solution.plot_sections())
    assert [a.get_title() for a in axes] == ["z = 0.5 m", "z = 3 m", "z = 10 m", "z = 15.5 m"]
    assert all(a.get_aspect() == 1 for a in axes)
    for n, a in enumerate(axes):
        mesh = a.collections[0]
        assert np.array_equal(np.reshape(mesh.get_array(), (12, 12)), solution.section_temperature[n])
        assert mesh.get_clim() == (solution.section_temperature.min(), solution.section_temperature.max())
    corner = axes[0].collections[0].get_coordinates()[-1, -1]
    assert tuple(corner) == pytest.approx((80.0, 80.0))


def test_sections_show_the_fronts(solution):
    """Solidus and liquidus are contours where the section crosses them, and phases are named."""
    axes = maps(solution.plot_sections())
    levels = [[float(c.levels[0]) for c in a.collections[1:] if len(c.levels) == 1] for a in axes]
    assert levels == [[1672.0, 1728.0], [1672.0, 1728.0], [1672.0], []]
    names = [[text.get_text() for text in a.texts] for a in axes]
    assert "liquid" in names[0]
    assert names[3] == ["solid"]


def test_sections_without_values_are_left_out(diverged):
    """Sections below the place where a march diverged are not drawn."""
    assert [a.get_title() for a in maps(diverged.plot_sections())] == ["z = 0.05 m"]


def test_no_sections_are_refused(solution, batch):
    """Nothing to draw is a ValueError that says what to ask for; a batch is a TypeError."""
    with pytest.raises(ValueError, match=r"sections=\[z"):
        solve(published_strand(), GRID).plot_sections()
    with pytest.raises(ValueError, match="nothing to draw"):
        solve(published_strand(), GRID, sections=[1.0], outputs=["heat"]).plot_sections()
    with pytest.raises(TypeError, match="candidate"):
        batch.plot_sections()


@pytest.mark.parametrize(("width", "thickness", "count"), [(1.6, 0.2, 3), (0.2, 0.8, 2), (0.3, 0.16, 5)])
def test_maps_of_any_shape_fit(width, thickness, count, tmp_path):
    """Slabs, upright and flat, get maps of a readable size, each with its labels."""
    strand = dataclasses.replace(published_strand(), width=width, thickness=thickness)
    figure = solve(strand, GRID, sections=np.linspace(0.3, 0.5, count)).plot_sections()
    figure.savefig(tmp_path / "maps.png", dpi=40)
    assert max(figure.get_size_inches()) < 14
    boxes = [a.get_window_extent() for a in maps(figure)]
    assert len(boxes) == count
    assert min(min(box.width, box.height) for box in boxes) > 0.9 * figure.dpi


def test_batch_shows_lengths_over_parameters(batch):
    """Metallurgical length over each parameter in handy units; what does not solidify is counted."""
    figure = batch.plot()
    by_name = {a.get_xlabel(): a for a in figure.findobj(lambda o: hasattr(o, "get_xlabel"))}
    finite = np.isfinite(batch.metallurgical_length)
    assert 0 < finite.sum() < len(batch)
    (points,) = by_name["mold.heat_flux.x, MW/m²"].get_lines()
    assert points.get_xdata() == pytest.approx(batch.parameters["mold.heat_flux.x"][finite] / 1e6)
    assert np.array_equal(points.get_ydata(), batch.metallurgical_length[finite])
    assert "speed, m/s" in by_name
    assert f"not shown: {(~finite).sum()} not solid at the end" in texts(figure)


def test_batch_shows_medians_and_bands(batch, tmp_path):
    """Lines are medians over the candidates, with two bands each."""
    figure = batch.plot()
    axes = only(figure, "temperature, K")
    assert lines(axes)["corner"].get_ydata() == pytest.approx(np.median(batch.corner_temperature, axis=0))
    assert len(axes.collections) == 2 * 6
    figure.savefig(tmp_path / "batch.png", dpi=50)


def test_batch_leaves_failures_out():
    """Candidates that did not converge are counted and not drawn; without any other it is refused."""
    fluxes = np.array([2e6, 6e6, 1.9e6])
    with pytest.warns(RuntimeWarning, match="1 of 3 candidates failed"):
        batch = solve_batch(published_strand(), {"mold.heat_flux.x": fluxes}, GRID)
    figure = batch.plot()
    assert "2 of 3 candidates converged" in figure.get_suptitle()
    assert np.isfinite(lines(only(figure, "shell, mm"))["behind face x"].get_ydata()).all()
    with pytest.warns(RuntimeWarning, match="2 of 2"):
        batch = solve_batch(published_strand(), {"mold.heat_flux.x": fluxes[1] * np.ones(2)}, GRID)
    with pytest.raises(ValueError, match="2 of 2 candidates failed"):
        batch.plot()


def test_batch_draws_what_there_is():
    """Lengths alone, series alone, or nothing at all."""
    strand, speeds = published_strand(), {"speed": np.linspace(0.03, 0.04, 3)}
    figure = solve_batch(strand, speeds, GRID, outputs=["metallurgical_length"]).plot()
    assert len(figure.findobj(lambda o: hasattr(o, "get_ylabel"))) == 1
    figure = solve_batch(strand, speeds, GRID, outputs=["shell_thickness"]).plot()
    assert set(lines(only(figure, "shell, mm"))) == {"behind face x", "behind face y"}
    with pytest.raises(ValueError, match="nothing to draw"):
        solve_batch(strand, speeds, GRID, outputs=["heat"]).plot()


def test_missing_matplotlib_is_told(solution, monkeypatch):
    """Without matplotlib the message is the command that installs it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tundish\[plot\]'"):
        solution.plot()
