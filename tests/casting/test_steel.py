"""Steels: closed forms against numerical integrals, the curves that the march looks up, and tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from references.strand import (
    COLUMNS,
    PUBLISHED_STEEL,
    constant_steel,
    scheil,
    scheil_capacity,
    scheil_conductivity,
    scheil_solid_fraction,
    small_strand,
    spline,
    table,
)
from scipy.integrate import quad

from tundish.casting import Grid, Steel, solve

SOLIDUS, LIQUIDUS = 1672.0, 1728.0
RESIDUALS = ("none", "solidus", "rescale")
LEFT = (137.0 / 81.0) ** (1 / (0.84 - 1))  # what Scheil leaves liquid at the solidus, 3.75 %

# A grade with everything in it: slopes in every column, a plateau of the solid fraction, uneven steps.
ROWS = [
    (300.0, 1.0, 7300.0, 600.0, 25.0),
    (1400.0, 1.0, 7250.0, 690.0, 29.0),
    (1650.0, 1.0, 7200.0, 720.0, 30.0),
    (1660.0, 0.7, 7150.0, 730.0, 40.0),
    (1690.0, 0.7, 7100.0, 760.0, 35.0),
    (1720.0, 0.0, 7000.0, 800.0, 60.0),
    (1900.0, 0.0, 6900.0, 810.0, 70.0),
]


def integral(f: Callable[[float], Any], low: float, high: float, kinks: list[float]) -> float:
    inside = sorted(k for k in kinks if min(low, high) < k < max(low, high))
    ends = [low, *(inside if low < high else inside[::-1]), high]
    return sum(quad(f, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in itertools.pairwise(ends))


def graded_table() -> Steel:
    return Steel.from_table(table(ROWS), latent_heat=250e3)


def test_the_published_numbers() -> None:
    steel = scheil()
    assert steel.heat_capacity(1700.0) == pytest.approx(2410.095, abs=5e-4)  # all digits that design.md gives
    assert steel.enthalpy(LIQUIDUS) - steel.enthalpy(SOLIDUS) == pytest.approx(1.589167e9, abs=500.0)
    assert steel.conductivity(SOLIDUS) == pytest.approx(32.45, abs=0.005)
    assert steel.solid_fraction(SOLIDUS + 1e-9) == pytest.approx(0.9625, abs=5e-5)
    assert (steel.solidus, steel.liquidus) == (SOLIDUS, LIQUIDUS)


def test_properties_are_the_published_equations() -> None:
    kelvin = np.linspace(200.0, 2100.0, 1901) + 0.25  # on no kink
    steel = scheil()
    # The same formulas twice: only rounding may differ, a few hundred roundings for the powers of 1/(k - 1).
    np.testing.assert_allclose(
        steel.solid_fraction(kelvin), scheil_solid_fraction(kelvin), rtol=0, atol=1e-13
    )
    np.testing.assert_allclose(
        steel.density(kelvin) * steel.heat_capacity(kelvin), scheil_capacity(kelvin), rtol=1e-12
    )
    np.testing.assert_allclose(steel.conductivity(kelvin), scheil_conductivity(kelvin), rtol=1e-13)


@pytest.mark.parametrize("kelvin", [250.0, 1500.0, 1672.0, 1680.0, 1727.0, 1728.0, 1900.0])
@pytest.mark.parametrize("residual", RESIDUALS)
def test_enthalpy_and_potential_are_integrals(residual: str, kelvin: float) -> None:
    steel, kinks = scheil(residual=residual), [SOLIDUS, LIQUIDUS]
    heat = integral(lambda t: steel.density(t) * steel.heat_capacity(t), SOLIDUS, kelvin, kinks)
    if residual == "solidus" and kelvin > SOLIDUS:
        heat += steel.enthalpy(np.nextafter(SOLIDUS, 2000.0))
    # quad is good to 1e-12 of the integral; 1e-3 J/m3 is 1e-10 K.
    assert steel.enthalpy(kelvin) == pytest.approx(heat, rel=1e-10, abs=1e-3)
    assert steel.potential(kelvin) == pytest.approx(
        integral(steel.conductivity, SOLIDUS, kelvin, kinks), rel=1e-10, abs=1e-8
    )


@pytest.mark.parametrize("kelvin", [250.0, 1000.0, 1655.0, 1670.0, 1700.0, 1800.0, 2000.0])
def test_enthalpy_and_potential_of_a_table_are_integrals(kelvin: float) -> None:
    steel, kinks = graded_table(), [row[0] for row in ROWS]
    heat = integral(lambda t: steel.density(t) * steel.heat_capacity(t), steel.solidus, kelvin, kinks)
    assert steel.enthalpy(kelvin) == pytest.approx(heat, rel=1e-10)
    assert steel.potential(kelvin) == pytest.approx(
        integral(steel.conductivity, steel.solidus, kelvin, kinks), rel=1e-10
    )


@pytest.mark.parametrize(("residual", "share"), [("none", 1 - LEFT), ("solidus", 1.0), ("rescale", 1.0)])
def test_all_latent_heat_is_released_but_by_the_literal_equation(residual: str, share: float) -> None:
    steel = scheil(residual=residual, density=(7000.0, 7000.0), specific_heat=(700.0, 700.0))
    released = steel.enthalpy(LIQUIDUS) / 7000.0 - 700.0 * (LIQUIDUS - SOLIDUS)
    assert released == pytest.approx(189e3 * share, rel=1e-12)  # rounding
    jump = steel.enthalpy(np.nextafter(SOLIDUS, 2000.0)) - steel.enthalpy(SOLIDUS)
    assert jump == pytest.approx(7000.0 * 189e3 * LEFT if residual == "solidus" else 0.0, rel=1e-6, abs=1e-2)


@pytest.mark.parametrize("steel", [*(scheil(residual=r) for r in RESIDUALS), graded_table()], ids=str)
def test_temperature_is_the_inverse_of_enthalpy(steel: Steel) -> None:
    kelvin = np.concatenate((np.linspace(210.0, 2100.0, 777), [steel.solidus, steel.liquidus]))
    # Newton's method stops at 1e-13 of the temperature.
    np.testing.assert_allclose(steel.temperature(steel.enthalpy(kelvin)), kelvin, rtol=0, atol=1e-9)


def test_latent_heat_at_the_solidus_leaves_the_temperature_there() -> None:
    steel = scheil(residual="solidus")
    jump = steel.enthalpy(np.nextafter(SOLIDUS, 2000.0))
    np.testing.assert_array_equal(steel.temperature(jump * np.array([0.0, 0.1, 0.5, 1.0])), SOLIDUS)
    assert steel.temperature(1.01 * jump) > SOLIDUS


def test_properties_keep_the_shape_of_the_temperature() -> None:
    steel = scheil()
    assert np.ndim(steel.enthalpy(1500.0)) == 0
    kelvin = np.linspace(400.0, 1900.0, 24).reshape(2, 3, 4)
    for f in (steel.enthalpy, steel.heat_capacity, steel.solid_fraction, steel.density, steel.conductivity):
        np.testing.assert_array_equal(f(kelvin).ravel(), [f(t) for t in kelvin.ravel()])
        np.testing.assert_array_equal(f(kelvin.T), f(kelvin).T)  # not contiguous


def test_replace_makes_a_new_steel() -> None:
    steel = scheil()
    changes = {"latent_heat": 200e3, "density.liquid": 7000.0, "conductivity.1": 0.011}
    other = steel.replace(changes)
    assert other.parameters() == {**steel.parameters(), **changes}
    assert steel.parameters()["latent_heat"] == 189e3
    assert other.enthalpy(LIQUIDUS) == scheil(
        latent_heat=200e3, density=(7256.0, 7000.0), conductivity=(12.3167, 0.011, 7.7098e-7)
    ).enthalpy(LIQUIDUS)
    with pytest.raises(KeyError, match="latent_heet"):
        steel.replace({"latent_heet": 1.0})
    with pytest.raises(ValueError, match="solidus"):
        steel.replace({"solidus": 1750.0})


@pytest.mark.parametrize("residual", RESIDUALS)
def test_tabulated_temperatures(residual: str) -> None:
    """The march goes from enthalpy to potential to temperature: 1e-2 K off, and 0.5 K at the kinks.

    A kink is smeared over the cells beside it, of 2^23 J/m3 or 1.7 K of the solid; latent heat that is
    released at the solidus, over some kelvin.
    """
    steel = scheil(residual=residual)
    potential_of_enthalpy, temperature_of_potential = (spline(c) for c in steel._core.tables()[:2])
    heat = np.linspace(steel.enthalpy(200.0), steel.enthalpy(LIQUIDUS + 400.0), 100_001)
    cell, jump = 2**23, steel.enthalpy(np.nextafter(SOLIDUS, 2000.0))
    near = (heat > -2 * cell) & (heat < 2 * (cell + jump))
    near |= np.abs(heat - steel.enthalpy(LIQUIDUS)) < 2 * cell
    kelvin, _ = temperature_of_potential(potential_of_enthalpy(heat)[0])
    error = np.abs(kelvin - steel.temperature(heat))
    assert error[~near].max() < 1e-2
    assert error[near].max() < (3.0 if residual == "solidus" else 0.5)


@pytest.mark.parametrize("steel", [scheil(), scheil(residual="rescale"), graded_table()], ids=str)
def test_curves_are_made_of_closed_forms_in_the_middles_of_cells(steel: Steel) -> None:
    """The inverses that this takes are found to the last digits, wherever their searches start."""
    middles, coefficients = [], []
    for origin, per_cell, rows in steel._core.tables()[:2]:
        middles.append(origin + (np.arange(len(rows)) + 0.5) / per_cell)
        coefficients.append(rows[:, 0] + 0.5 * rows[:, 1])
    exact = steel.potential(steel.temperature(middles[0]))
    np.testing.assert_allclose(coefficients[0], exact, rtol=1e-13, atol=1e-13 * np.abs(exact).max())
    found = steel.potential(coefficients[1])
    np.testing.assert_allclose(found, middles[1], rtol=1e-13, atol=1e-13 * np.abs(found).max())


def test_tabulated_potential_of_a_steel_that_has_no_kinks() -> None:
    """A straight line is tabulated exactly, so that marches of constant steels have no such error at all."""
    steel = constant_steel()
    curves = [spline(c) for c in steel._core.tables()]
    kelvin = np.linspace(205.0, 1900.0, 5001)
    potential, diffusivity = curves[0](steel.enthalpy(kelvin))
    np.testing.assert_allclose(curves[1](potential)[0], kelvin, rtol=1e-12)
    np.testing.assert_allclose(
        diffusivity, 30.0 / (7000.0 * 700.0), rtol=1e-9
    )  # differences of large numbers


def test_tabulated_branches_of_the_published_scheme() -> None:
    """By temperature and phase, so without kinks: 1e-3 K in the enthalpy, 1e-2 K in the potential."""
    steel, curves = scheil(), [spline(c) for c in scheil()._core.tables()]
    for phase, (low, high) in enumerate(itertools.pairwise([200.0, SOLIDUS, LIQUIDUS, LIQUIDUS + 400.0])):
        kelvin = np.linspace(low, high, 10_001)[1:-1]
        enthalpy, capacity = curves[2 + phase](kelvin)
        potential, conductivity = curves[5 + phase](kelvin)
        exact_capacity = steel.density(kelvin) * steel.heat_capacity(kelvin)
        exact_conductivity = steel.conductivity(kelvin)
        assert np.max(np.abs(enthalpy - steel.enthalpy(kelvin)) / exact_capacity) < 1e-3
        assert np.max(np.abs(potential - steel.potential(kelvin)) / exact_conductivity) < 1e-2
        # The end cells are straight: half a cell's change of the slope, 1 % at the steep end of the mush.
        np.testing.assert_allclose(capacity, exact_capacity, rtol=0.015)
        np.testing.assert_allclose(conductivity, exact_conductivity, rtol=0.015)


@pytest.mark.parametrize("steel", [scheil(), scheil(residual="solidus"), graded_table()], ids=str)
def test_tabulated_curves_rise_and_have_continuous_slopes(steel: Steel) -> None:
    curves = steel._core.tables()
    assert len(curves) == 8
    for origin, per_cell, rows in curves:
        c0, c1, c2 = rows[:, :3].T
        assert np.log2(per_cell) == np.round(np.log2(per_cell))  # small changes of the steel leave the knots
        assert origin * per_cell == np.round(origin * per_cell)
        size = np.abs(c0).max()
        np.testing.assert_allclose((c0 + c1 + c2)[:-1], c0[1:], rtol=0, atol=1e-15 * size)
        np.testing.assert_allclose((c1 + 2 * c2)[:-1], c1[1:], rtol=0, atol=1e-14 * size)  # cancelling digits
        assert np.all(c1 > 0)
        assert np.all(c1 + 2 * c2 > 0)  # the slope runs straight in a cell
    for which, f in ((0, steel.enthalpy), (1, steel.potential)):
        origin, per_cell, rows = curves[which]
        assert origin <= f(200.0)
        assert origin + len(rows) / per_cell >= f(steel.liquidus + 400.0)


class Frame:
    """As much of a DataFrame as a table needs."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.columns = list(data)

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def __getitem__(self, name: str) -> Any:
        return self.data[name]


def csv_text(columns: dict[str, Any]) -> str:
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(repr(float(v)) for v in row) for row in rows)]) + "\n"


def test_all_forms_of_a_table_are_the_same_steel(tmp_path: Path) -> None:
    columns = table(ROWS)
    plain, disguised = tmp_path / "grade.csv", tmp_path / "disguised.csv"
    plain.write_text(csv_text(columns))
    shuffled = {name: columns[name] for name in reversed(COLUMNS)} | {"carbon": np.zeros(len(ROWS))}
    disguised.write_text("\ufeff" + csv_text(shuffled).replace(",", ", "), encoding="utf-8")
    forms = [
        np.array(ROWS),
        ROWS,
        columns,
        {k: list(v) for k, v in columns.items()},
        Frame(shuffled),
        plain,
        str(disguised),
    ]
    first, *others = (Steel.from_table(form, latent_heat=250e3) for form in forms)
    for other in others:
        for a, b in zip(first._core.tables(), other._core.tables(), strict=True):
            assert a[:2] == b[:2]
            np.testing.assert_array_equal(a[2], b[2])


def test_a_data_frame_is_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    kelvin = np.linspace(300.0, 1900.0, 99)
    frame = Steel.from_table(pandas.DataFrame(table(ROWS)), latent_heat=250e3)
    np.testing.assert_array_equal(frame.enthalpy(kelvin), graded_table().enthalpy(kelvin))


def test_properties_are_straight_in_a_table_and_constant_outside() -> None:
    steel, columns = graded_table(), table(ROWS)
    kelvin = np.linspace(200.0, 2100.0, 1901)
    for name in ("solid_fraction", "density", "conductivity"):
        straight = np.interp(kelvin, columns["temperature_K"], columns[name])
        np.testing.assert_allclose(getattr(steel, name)(kelvin), straight, rtol=0, atol=1e-11)
    assert steel.heat_capacity(250.0) == 600.0
    assert steel.heat_capacity(1655.0) == pytest.approx(725.0 + 250e3 * 0.3 / 10.0)
    assert steel.heat_capacity(1670.0) == pytest.approx(740.0)
    assert (steel.solidus, steel.liquidus) == (1650.0, 1720.0)
    assert steel.parameters() == {"latent_heat": 250e3}


@pytest.mark.parametrize("contained", [False, True], ids=["solid fraction", "specific heat"])
def test_a_finely_sampled_steel_casts_like_the_original(contained: bool) -> None:
    """With the latent heat released by the solid fraction, or contained in the specific heat."""
    steel = scheil(residual="rescale")
    kelvin = np.unique(np.concatenate((np.linspace(200.0, 2128.0, 400), np.linspace(SOLIDUS, LIQUIDUS, 225))))
    fraction = steel.solid_fraction(kelvin)
    if contained:
        # The heat capacity jumps at the liquidus and the solidus: two rows there.
        edge = 1e-6
        kelvin = np.sort(np.concatenate((kelvin, [SOLIDUS + edge, LIQUIDUS - edge])))
        fraction, heat, latent = steel.solid_fraction(kelvin), steel.heat_capacity(kelvin), 0.0
    else:
        heat, latent = 700.0 * fraction + 800.0 * (1 - fraction), PUBLISHED_STEEL["latent_heat"]
    rows = np.stack((kelvin, fraction, steel.density(kelvin), heat, steel.conductivity(kelvin)), axis=1)
    sampled = Steel.from_table(rows, latent_heat=latent)
    grid, where = Grid(13, 13, 0.01, 0.02), [(0.0, 0.0), (0.013, 0.017), (0.02, 0.02)]
    a, b = (solve(small_strand(s), grid, probes=where) for s in (steel, sampled))
    # Chords of the solid fraction over 0.25 K, and kinks that lie elsewhere in their cells.
    assert np.max(np.abs(a.probe_temperature - b.probe_temperature)) < 0.2
    assert a.metallurgical_length == pytest.approx(b.metallurgical_length, abs=2e-3)


def change(row: int, column: str, value: float) -> list[list[float]]:
    rows = [list(r) for r in ROWS]
    rows[row][COLUMNS.index(column)] = value
    return rows


BAD_TABLES = {
    "not increasing": (change(3, "temperature_K", 1650.0), "temperature_K[3] = 1650", "increasing"),
    "NaN temperature": (change(3, "temperature_K", np.nan), "temperature_K[3] = nan", "finite"),
    "negative temperature": (change(0, "temperature_K", -1.0), "temperature_K[0] = -1", "above 0"),
    "negative density": (change(2, "density", -7000.0), "density[2] = -7000", "above 0"),
    "no specific heat": (change(4, "specific_heat", 0.0), "specific_heat[4] = 0", "above 0"),
    "infinite conductivity": (change(6, "conductivity", np.inf), "conductivity[6] = inf", "finite"),
    "fraction above 1": (change(1, "solid_fraction", 1.1), "solid_fraction[1] = 1.1", "between 0 and 1"),
    "NaN fraction": (change(1, "solid_fraction", np.nan), "solid_fraction[1] = nan", "between 0 and 1"),
    "rising fraction": (change(4, "solid_fraction", 0.8), "solid_fraction[4] = 0.8", "must not rise"),
    "starts mushy": (ROWS[3:], "solid_fraction[0] = 0.7", "must be 1"),
    "ends mushy": (ROWS[:5], "solid_fraction[-1] = 0.7", "must be 0"),
    "one row": (ROWS[:1], "temperature_K = 1", "at least 2"),
    "wrong shape": ([row[:4] for row in ROWS], "table", "(rows, 5)"),
    "one column short": ({**table(ROWS), "density": [7000.0]}, "density = 1", "temperature_K has 7"),
    "two dimensions": ({**table(ROWS), "density": [[7000.0]]}, "density", "one dimension"),
    "solid below 200 K": (
        [[150.0, *ROWS[0][1:]], [160.0, *ROWS[-1][1:]]],
        "temperature_K = 150",
        "above 200 K",
    ),
}


@pytest.mark.parametrize(("rows", "where", "allowed"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_tables_are_refused_by_column_and_row(rows: Any, where: str, allowed: str) -> None:
    with pytest.raises(ValueError, match=re.escape(where)) as error:
        Steel.from_table(rows)
    assert allowed in str(error.value)


@pytest.mark.parametrize("value", [None, "steel", object(), 3.0], ids=["None", "steel", "object", "3.0"])
def test_what_is_no_table_is_refused(value: Any, tmp_path: Path) -> None:
    if value == "steel":
        with pytest.raises(FileNotFoundError, match="nowhere"):
            Steel.from_table(tmp_path / "nowhere.csv")
        return
    with pytest.raises((TypeError, ValueError), match="table"):
        Steel.from_table(value)


def test_bad_files_are_refused_by_name_column_and_row(tmp_path: Path) -> None:
    file = tmp_path / "grade.csv"
    text = csv_text(table(ROWS))
    file.write_text(text.replace("690.0", "many"))
    with pytest.raises(ValueError, match=r"grade.csv.*specific_heat\[1\] = 'many'.*number"):
        Steel.from_table(file)
    file.write_text(text.replace("density", "mass"))
    with pytest.raises(KeyError, match=r"grade.csv.*density.*missing"):
        Steel.from_table(file)
    file.write_text("")
    with pytest.raises(KeyError, match=r"grade.csv.*missing"):
        Steel.from_table(file)
    file.write_text(text.replace(",29.0\n", "\n"))  # a short row
    with pytest.raises(ValueError, match=r"grade.csv.*conductivity\[1\]"):
        Steel.from_table(file)
    with pytest.raises(KeyError, match=r"column 'conductivity' is missing"):
        Steel.from_table({name: values for name, values in table(ROWS).items() if name != "conductivity"})


@pytest.mark.parametrize("latent_heat", [-1.0, np.nan, np.inf, "much", None, True])
def test_bad_latent_heat_of_a_table_is_refused(latent_heat: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="latent_heat"):
        Steel.from_table(ROWS, latent_heat=latent_heat)


def test_lost_latent_heat_warns() -> None:
    """More than a twentieth, and with residual="none" alone; the enthalpies say how much it is."""
    properties = dict(density=(7000.0, 7000.0), specific_heat=(700.0, 700.0))
    pattern = r'^partition = 0.17: 53 % of the latent heat .*residual="solidus" or residual="rescale"$'
    with pytest.warns(UserWarning, match=pattern) as said:
        literal = scheil(partition=0.17, **properties)
    assert len(said) == 1
    assert Path(said[0].filename).name == "strand.py"  # where scheil() calls Steel.scheil()
    whole = scheil(partition=0.17, residual="rescale", **properties)
    lost = float(whole.enthalpy(LIQUIDUS) - literal.enthalpy(LIQUIDUS))
    assert lost / (7000.0 * PUBLISHED_STEEL["latent_heat"]) == pytest.approx(0.531, abs=1e-3)
    scheil(partition=0.83)  # 4.5 %: no warning
    with pytest.warns(UserWarning, match=r"5\.4 %"):
        scheil(partition=0.82)
